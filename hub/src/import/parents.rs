//! The houses of a list's antennas.
//!
//! The tidy layout names a house by its id. The national list does not: antenna and house share a
//! group, or the antenna's name begins with the house's. A guess by distance would put figures
//! under a house that they may not belong to: where neither leads to exactly one house of the
//! department, a person is told.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;
use rusqlite::Connection;

use super::layout::Layout;
use super::report::Defect;
use super::{Candidate, defect, places};
use crate::site::{Kind, Site};
use crate::store::StoreError;
use crate::store::sites::{self, SiteFilter};

/// The houses that an antenna may belong to.
pub(super) struct Parents {
    layout: Layout,
    kinds: BTreeMap<SiteId, Kind>,
    /// Other names of sites, which a row may use.
    aliases: BTreeMap<String, SiteId>,
    houses: Vec<Known>,
}

struct Known {
    id: SiteId,
    department: String,
    name: String,
    group: String,
}

impl Parents {
    /// The houses of the store and of the rows of a list, which know better.
    pub(super) fn of(conn: &Connection, layout: Layout, rows: &[Candidate]) -> Result<Self, StoreError> {
        let mut known = BTreeMap::new();
        for (site, _) in sites::list(conn, &SiteFilter::default())? {
            known.insert(site.id.clone(), (site.kind, house(&site, String::new())));
        }
        for row in rows {
            known.insert(row.site.id.clone(), (row.site.kind, house(&row.site, row.house.group.clone())));
        }
        let mut aliases = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.house.id.is_empty()) {
            if let Some(id) = sites::resolve(conn, &row.house.id)? {
                aliases.insert(row.house.id.clone(), id);
            }
        }
        let kinds = known.iter().map(|(id, (kind, _))| (id.clone(), *kind)).collect();
        let houses = known.into_values().filter(|(kind, _)| *kind == Kind::House).map(|(_, house)| house).collect();
        Ok(Self { layout, kinds, aliases, houses })
    }

    /// Gives an antenna its house, if there is one; what is wrong otherwise.
    pub(super) fn settle(&self, row: &mut Candidate) -> Option<Defect> {
        if row.site.kind == Kind::House {
            // It may have been an antenna before.
            row.site.parent = None;
            return (!row.house.id.is_empty() && !row.house_by_hand).then_some(defect::PARENT_OF_HOUSE);
        }
        if row.house_by_hand {
            return None;
        }
        match self.layout {
            Layout::Tidy => self.named(row),
            Layout::National => self.sought(row),
        }
    }

    fn named(&self, row: &mut Candidate) -> Option<Defect> {
        let name = row.house.id.as_str();
        if name.is_empty() {
            return None;
        }
        let id = name.parse().ok().filter(|id| self.kinds.contains_key(id)).or_else(|| self.aliases.get(name).cloned());
        let kind = id.as_ref().and_then(|id| self.kinds.get(id));
        match (id.clone(), kind) {
            (Some(id), Some(Kind::House)) => {
                row.site.parent = Some(id);
                None
            }
            (Some(_), Some(Kind::Antenna)) => Some(defect::PARENT_ANTENNA),
            _ => Some(defect::PARENT_UNKNOWN),
        }
    }

    fn sought(&self, row: &mut Candidate) -> Option<Defect> {
        let near = || self.houses.iter().filter(|house| house.department == row.site.department);
        let group = places::plain(&row.house.group);
        let by_group: Vec<_> =
            near().filter(|house| !group.is_empty() && (house.group == group || house.name == core(&group))).collect();
        let begins = [" - ", " – ", " — "].iter().find_map(|dash| row.site.name.split_once(dash));
        let base = begins.map(|(base, _)| core(base)).unwrap_or_default();
        let by_name: Vec<_> = near().filter(|house| !base.is_empty() && house.name == base).collect();
        let kept = row.site.parent.as_ref().is_some_and(|parent| self.kinds.get(parent) == Some(&Kind::House));
        match (by_group.as_slice(), by_name.as_slice()) {
            ([house], _) => row.site.parent = Some(house.id.clone()),
            // The name says less than what is known.
            _ if kept => {}
            (_, [house]) => row.site.parent = Some(house.id.clone()),
            ([], []) => return Some(defect::PARENT_UNKNOWN),
            _ => return Some(defect::PARENT_SEVERAL),
        }
        None
    }
}

fn house(site: &Site, group: String) -> Known {
    Known {
        id: site.id.clone(),
        department: site.department.clone(),
        name: core(&site.name),
        group: places::plain(&group),
    }
}

/// What a name says beyond that this is a house of the network.
fn core(name: &str) -> String {
    const EMPTY: [&str; 12] =
        ["france", "services", "service", "multisites", "itinerante", "de", "du", "des", "d", "la", "le", "les"];
    let plain = places::plain(name);
    let words = plain.split(' ').skip_while(|word| EMPTY.contains(word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_is_known_by_what_its_name_says() {
        for (name, expected) in [
            ("France services d'Alençon - Perseigne", "alencon perseigne"),
            ("France services de la Cœur du Perche", "coeur du perche"),
            ("France services", ""),
        ] {
            assert_eq!(core(name), expected);
        }
    }
}
