//! Which columns a list has, and what each is called here.
//!
//! Two layouts are known: the tidy one, whose names are used within the import, and the national
//! list as it has been published since 2022. Columns are found by their header, in any order.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::report::MissingColumn;
use crate::lang::{Lang, Phrase};

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
const TIDY: [&str; 30] = [
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
    "appointment",
    "group",
    "label_date",
    "comment",
    "quality_flags",
];

/// The national list's names. Mail and telephone are left where they are: they are persons'.
const NATIONAL: [(&str, &str); 25] = [
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
    ("prise_rdv", "appointment"),
    ("commentaire", "comment"),
    ("labellisation", "label_date"),
    ("labellisation_fs", "label_date"),
    ("groupe", "group"),
    ("groupe_fs", "group"),
    ("itinerance", "itinerant"),
    ("type_fs", "kind"),
    ("format_fs", "format"),
];

const HOURS_MEANT: Phrase = Phrase::new("pas d’horaires pour ce jour", "no hours for this day");

/// What it means when a column is not there. Fields of known sites stay as they were.
const MEANT: [(&str, Phrase); 18] = [
    ("lat", Phrase::new("nouveaux lieux sans coordonnées", "new sites without coordinates")),
    ("lon", Phrase::new("nouveaux lieux sans coordonnées", "new sites without coordinates")),
    ("dep_code", Phrase::new("le département est celui du code INSEE", "the department is that of the INSEE code")),
    ("insee_com", Phrase::new("nouveaux lieux sans code INSEE", "new sites without an INSEE code")),
    ("commune", Phrase::new("nouveaux lieux sans commune", "new sites without a commune")),
    ("postal_code", Phrase::new("nouveaux lieux sans code postal", "new sites without a postal code")),
    ("address", Phrase::new("nouveaux lieux sans adresse", "new sites without an address")),
    ("kind", Phrase::new("tout nouveau lieu est une maison", "every new site is a house")),
    ("format", Phrase::new("nouveaux lieux sans format", "new sites without a format")),
    ("parent_id", Phrase::new("antennes sans maison", "antennas without a house")),
    (
        "group",
        Phrase::new("antennes rattachées par parent_id seulement", "antennas find their house by parent_id only"),
    ),
    ("label_date", Phrase::new("aucune date de labellisation", "no label dates")),
    ("h_mon", HOURS_MEANT),
    ("h_tue", HOURS_MEANT),
    ("h_wed", HOURS_MEANT),
    ("h_thu", HOURS_MEANT),
    ("h_fri", HOURS_MEANT),
    ("h_sat", HOURS_MEANT),
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

    /// How many columns the header has.
    pub(super) fn count(&self) -> usize {
        self.header.len()
    }

    /// The columns that a whole list has and this one has not, with what that means.
    pub(super) fn missing(&self, lang: Lang) -> Vec<MissingColumn> {
        let missing = MEANT.iter().filter(|(column, _)| self.place(column).is_none());
        let named = missing.filter_map(|(column, means)| {
            let name = match self.layout {
                Layout::Tidy => TIDY.contains(column).then_some(*column),
                // The newer of two names stands last.
                Layout::National => NATIONAL.iter().rfind(|(_, here)| here == column).map(|(name, _)| *name),
            };
            Some(MissingColumn { column: name?.to_owned(), means: means.say(lang).to_owned() })
        });
        named.collect()
    }

    /// The columns of the file that are not used.
    pub(super) fn ignored(&self) -> Vec<String> {
        let used: Vec<_> = self.places.values().collect();
        let unused = self.header.iter().enumerate().filter(|(place, _)| !used.contains(&place));
        unused.map(|(_, name)| name.chars().take(60).collect()).collect()
    }
}
