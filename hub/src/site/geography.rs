//! Departments, the regions they lie in, and communes that have merged.
//!
//! Scopes and filters must never silently match nothing: a code outside these tables is an
//! error, not an empty answer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use msap_shared::time::SiteZone;

const DEPARTMENTS: &str = include_str!("../../data/departements.csv");
const REGIONS: &str = include_str!("../../data/regions.csv");
const FORMER_COMMUNES: &str = include_str!("../../data/communes_former.csv");

/// What follows from a site's department.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Department {
    /// What it is called.
    pub name: &'static str,
    /// Code of its region.
    pub region: &'static str,
    /// Name of its legal clock.
    zone: &'static str,
    /// Its public holidays.
    pub holiday_zone: &'static str,
    /// Its school holidays.
    pub school_zone: &'static str,
}

impl Department {
    /// Its legal clock. Every zone of the table is one, a test says so.
    pub fn zone(&self) -> Option<SiteZone> {
        self.zone.parse().ok()
    }

    /// Whether it lies in Europe: overseas coordinates would be a mistake there.
    pub fn is_metropolitan(&self) -> bool {
        matches!(self.holiday_zone, "metropole" | "alsace-moselle") && !self.school_zone.is_empty()
    }
}

/// By code.
static DEPARTMENT: LazyLock<BTreeMap<&'static str, Department>> = LazyLock::new(|| {
    // `code,name,region,timezone,holiday_zone,school_zone`: no field of these tables holds a comma
    // or a quote, a test says so.
    let row = |line: &'static str| {
        let mut fields = line.split(',');
        let code = fields.next()?;
        let (name, region, zone) = (fields.next()?, fields.next()?, fields.next()?);
        Some((code, Department { name, region, zone, holiday_zone: fields.next()?, school_zone: fields.next()? }))
    };
    DEPARTMENTS.lines().skip(1).filter_map(row).collect()
});

/// `former,present`.
static FORMER: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| FORMER_COMMUNES.lines().skip(1).filter_map(|line| line.split_once(',')).collect());

/// The department with this code.
pub fn department(code: &str) -> Option<&'static Department> {
    DEPARTMENT.get(code)
}

/// The region that the department with this code lies in; `None` for an unknown department.
pub fn department_region(code: &str) -> Option<&'static str> {
    department(code).map(|department| department.region)
}

/// Every department with its region.
pub fn department_regions() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEPARTMENT.iter().map(|(code, department)| (*code, department.region))
}

/// The codes of all regions.
pub fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.lines().skip(1).filter_map(|line| line.split_once(',')).map(|(code, _)| code)
}

/// What the region with this code is called.
pub fn region_name(code: &str) -> Option<&'static str> {
    REGIONS
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .find(|(known, _)| *known == code)
        .map(|(_, name)| name)
}

/// Whether a region has this code.
pub fn known_region(region: &str) -> bool {
    regions().any(|code| code == region)
}

/// The commune that a former one belongs to today; `None` for a code that is not a former one.
pub fn present_commune(insee: &str) -> Option<&'static str> {
    FORMER.get(insee).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_department_has_a_known_region_and_zone() {
        assert_eq!(DEPARTMENT.len(), DEPARTMENTS.lines().count() - 1);
        assert_eq!(DEPARTMENT.len(), 109);
        for (code, department) in DEPARTMENT.iter() {
            assert!(known_region(department.region), "{code} → {}", department.region);
            assert!(department.zone().is_some() && !department.holiday_zone.is_empty(), "{code}");
        }
        for line in DEPARTMENTS.lines() {
            assert_eq!(line.matches(',').count(), 5, "{line}");
            assert!(!line.contains('"'), "{line}");
        }
        assert_eq!(department_region("49"), Some("52"));
        assert_eq!(department_region("2A"), Some("94"));
        assert_eq!(department_region("00"), None);
        assert!(!known_region("code") && !known_region(""));
        let metropolitan = DEPARTMENT.values().filter(|department| department.is_metropolitan()).count();
        assert_eq!(metropolitan, 96);
    }

    #[test]
    fn a_former_commune_leads_to_a_present_one() {
        assert_eq!(FORMER.len(), FORMER_COMMUNES.lines().count() - 1);
        assert_eq!(present_commune("49069"), Some("49126"));
        assert_eq!(present_commune("49126"), None);
        assert!(FORMER.values().all(|present| present_commune(present).is_none()));
    }
}
