//! Which columns a list has, and what each is called here.
//!
//! Two layouts are known: the tidy one, whose names are used within the import, and the national
//! list as it has been published since 2022. Columns are found by their header, in any order.

use std::collections::BTreeMap;

use csv::StringRecord;

/// A kind of list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One row per site, every column cleaned.
    Tidy,
    /// The national list.
    National,
}

impl Layout {
    /// The stable name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tidy => "tidy",
            Self::National => "national",
        }
    }
}

/// Without these a row of the tidy layout cannot become a site.
const TIDY_NEEDED: [&str; 4] = ["site_id", "kind", "name", "timezone"];
/// The same for the national list.
const NATIONAL_NEEDED: [&str; 2] = ["id_fs", "lib_fs"];

/// The columns of the tidy layout that are used.
const TIDY: [&str; 29] = [
    "site_id",
    "kind",
    "format",
    "parent_id",
    "name",
    "address",
    "address2",
    "insee_com",
    "commune",
    "postal_code",
    "dep_code",
    "lat",
    "lon",
    "timezone",
    "holiday_zone",
    "school_zone",
    "bearer_hint",
    "h_mon",
    "h_tue",
    "h_wed",
    "h_thu",
    "h_fri",
    "h_sat",
    "osm_opening_hours",
    "weekly_minutes",
    "group",
    "label_date",
    "comment",
    "quality_flags",
];

/// The national list's names. Mail and telephone are left where they are: they are persons'.
const NATIONAL: [(&str, &str); 24] = [
    ("id_fs", "site_id"),
    ("lib_fs", "name"),
    ("insee_dep", "dep_code"),
    ("adresse", "address"),
    ("complement_adresse", "address2"),
    ("insee_com", "insee_com"),
    ("code_postal", "postal_code"),
    ("lib_com", "commune"),
    ("latitude", "lat"),
    ("longitude", "lon"),
    ("h_lundi", "h_mon"),
    ("h_mardi", "h_tue"),
    ("h_mercredi", "h_wed"),
    ("h_jeudi", "h_thu"),
    ("h_vendredi", "h_fri"),
    ("h_samedi", "h_sat"),
    ("commentaire", "comment"),
    ("labellisation", "label_date"),
    ("labellisation_fs", "label_date"),
    ("groupe", "group"),
    ("groupe_fs", "group"),
    ("itinerance", "itinerant"),
    ("type_fs", "kind"),
    ("format_fs", "format"),
];

/// Where each column stands in this file.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) layout: Layout,
    places: BTreeMap<&'static str, usize>,
    header: Vec<String>,
}

impl Columns {
    /// Reads the header; the names of what it lacks otherwise.
    pub(super) fn find(header: &StringRecord) -> Result<Self, Vec<&'static str>> {
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let is_there = |name: &str| header.iter().any(|known| known.eq_ignore_ascii_case(name));
        let lacks = |needed: &[&'static str]| -> Vec<&'static str> {
            needed.iter().copied().filter(|name| !is_there(name)).collect()
        };
        let (tidy, national) = (lacks(&TIDY_NEEDED), lacks(&NATIONAL_NEEDED));
        let layout = match (tidy.is_empty(), national.is_empty()) {
            (true, _) => Layout::Tidy,
            (false, true) => Layout::National,
            // The layout of which at least something is there.
            (false, false) if national.len() < NATIONAL_NEEDED.len() => return Err(national),
            (false, false) => return Err(tidy),
        };
        // In 2022 the column of that name told houses from antennas.
        let old = layout == Layout::National && !is_there("type_fs");
        let mut places = BTreeMap::new();
        for (place, name) in header.iter().enumerate() {
            let name = name.to_ascii_lowercase();
            let canonical = match layout {
                Layout::Tidy => TIDY.iter().copied().find(|known| *known == name),
                Layout::National if old && name == "format_fs" => Some("kind"),
                Layout::National => NATIONAL.iter().find(|(known, _)| *known == name).map(|(_, here)| *here),
            };
            if let Some(canonical) = canonical {
                // The first of two columns of one name counts.
                places.entry(canonical).or_insert(place);
            }
        }
        Ok(Self { layout, places, header })
    }

    /// Where a column stands.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.places.get(column).copied()
    }

    /// What the file calls a column.
    pub(super) fn name(&self, column: &str) -> String {
        self.place(column).and_then(|place| self.header.get(place)).cloned().unwrap_or_else(|| column.to_owned())
    }

    /// What the file calls the column at a place.
    pub(super) fn name_at(&self, place: usize) -> String {
        self.header.get(place).cloned().unwrap_or_default()
    }

    /// The columns of the file that are not used.
    pub(super) fn ignored(&self) -> Vec<String> {
        let used: Vec<_> = self.places.values().collect();
        let unused = self.header.iter().enumerate().filter(|(place, _)| !used.contains(&place));
        unused.map(|(_, name)| name.chars().take(60).collect()).collect()
    }
}
