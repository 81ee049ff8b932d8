//! Departments and the regions they lie in.
//!
//! Scopes and filters must never silently match nothing: a code outside these tables is an
//! error, not an empty answer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use msap_shared::time::SiteZone;

const DEPARTMENTS: &str = include_str!("../../data/departements.csv");
const REGIONS: &str = include_str!("../../data/regions.csv");

/// Department code → region code and time zone.
static DEPARTMENT: LazyLock<BTreeMap<&'static str, (&'static str, &'static str)>> = LazyLock::new(|| {
    // `code,name,region,zone`: no field of these tables holds a comma or a quote, a test says so.
    let row = |line: &'static str| {
        let mut fields = line.split(',');
        Some((fields.next()?, (fields.nth(1)?, fields.next()?)))
    };
    DEPARTMENTS.lines().skip(1).filter_map(row).collect()
});

/// The region that the department with this code lies in; `None` for an unknown department.
pub fn department_region(department: &str) -> Option<&'static str> {
    DEPARTMENT.get(department).map(|(region, _)| *region)
}

/// The legal clock of the department with this code.
pub fn department_zone(department: &str) -> Option<SiteZone> {
    DEPARTMENT.get(department).and_then(|(_, zone)| zone.parse().ok())
}

/// Whether a region has this code.
pub fn known_region(region: &str) -> bool {
    REGIONS.lines().skip(1).any(|line| line.split_once(',').is_some_and(|(code, _)| code == region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_department_has_a_known_region_and_zone() {
        assert_eq!(DEPARTMENT.len(), DEPARTMENTS.lines().count() - 1);
        assert_eq!(DEPARTMENT.len(), 109);
        for (department, (region, _)) in DEPARTMENT.iter() {
            assert!(known_region(region), "{department} → {region}");
            assert!(department_zone(department).is_some(), "{department}");
        }
        for line in DEPARTMENTS.lines() {
            assert_eq!(line.matches(',').count(), 3, "{line}");
            assert!(!line.contains('"'), "{line}");
        }
        assert_eq!(department_region("49"), Some("52"));
        assert_eq!(department_region("2A"), Some("94"));
        assert_eq!(department_region("00"), None);
        assert!(!known_region("code") && !known_region(""));
    }
}
