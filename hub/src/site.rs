//! A site as the hub knows it: the record behind its profile, and how it is shown.
//!
//! The import, the commands and the API all speak of sites through this module. A [`Site`] that
//! exists is valid: every field was parsed by [`Field::set`] or read back from the store.

mod fact;
mod field;
mod geography;
mod object;
mod state;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use msap_shared::id::SiteId;
use msap_shared::time::{Day, SiteZone};

pub use self::fact::Fact;
#[cfg(test)]
pub(crate) use self::fact::LABEL_STATES;
pub use self::field::{Field, FieldError};
pub use self::geography::{
    Department, department, department_region, department_regions, known_region, present_commune, region_name, regions,
};
pub use self::object::{Contact, SiteObject};
pub use self::state::{STATES, state};

/// What a site is in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A house.
    House,
    /// An antenna, which has a house as its parent.
    Antenna,
}

/// Where a site is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Somebody would like it to open.
    Candidate,
    /// Its opening is decided.
    Project,
    /// It receives people, without the label.
    Open,
    /// It receives people and carries the label.
    Labelled,
    /// It has closed for good.
    Retired,
}

/// A word outside a closed list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not one of {allowed}")]
pub struct WordError {
    text: String,
    allowed: &'static str,
}

/// Text and back for a closed list of words.
macro_rules! words {
    ($name:ident, $allowed:literal, $($variant:ident = $word:literal, $french:literal);+) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What people read.
            pub const fn label_fr(self) -> &'static str {
                match self { $(Self::$variant => $french),+ }
            }

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(WordError { text: text.chars().take(40).collect(), allowed: $allowed }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Kind, "house, antenna", House = "house", "maison"; Antenna = "antenna", "antenne");
words!(
    Life,
    "candidate, project, open, labelled, retired",
    Candidate = "candidate", "candidate";
    Project = "project", "en projet";
    Open = "open", "ouverte";
    Labelled = "labelled", "labellisée";
    Retired = "retired", "fermée"
);

impl Life {
    /// Whether people are received there, with the label or without.
    pub const fn is_serving(self) -> bool {
        matches!(self, Self::Open | Self::Labelled)
    }
}

/// One site's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Permanent id.
    pub id: SiteId,
    /// What people call it.
    pub name: String,
    /// House or antenna.
    pub kind: Kind,
    /// Where it is in its life.
    pub life: Life,
    /// The house of an antenna.
    pub parent: Option<SiteId>,
    /// The list's word for how it works: `fixe`, `bus`…
    pub format: String,
    /// Street and number.
    pub address: String,
    /// Name of the municipality.
    pub commune: String,
    /// Code of the municipality.
    pub insee: String,
    /// Postal code.
    pub postal_code: String,
    /// Department code, or empty when unknown.
    pub department: String,
    /// Region code: always the department's.
    pub region: String,
    /// Who runs it.
    pub bearer: String,
    /// Latitude, WGS84.
    pub lat: Option<f64>,
    /// Longitude, WGS84.
    pub lon: Option<f64>,
    /// Its legal clock.
    pub timezone: SiteZone,
    /// Its zone of public holidays.
    pub holiday_zone: String,
    /// Its zone of school holidays.
    pub school_zone: String,
    /// Opening hours in OpenStreetMap's notation, as the list gave them.
    pub osm_opening_hours: String,
    /// Minutes open in a week without a holiday, as the list gave them.
    pub weekly_minutes: Option<u32>,
    /// Day of the label.
    pub label_date: Option<Day>,
    /// Free comment of the list.
    pub comment: String,
    /// What the list says in words of its own, hours first: a JSON object by column.
    pub hours_verbatim: String,
    /// Flags of doubt on the list's data, separated by commas.
    pub quality: String,
    /// The date of the list that the record comes from.
    pub list_day: Option<Day>,
}

/// Whether the list's word for how a site works says that it moves about.
pub fn is_itinerant(format: &str) -> bool {
    matches!(format, "bus" | "itinerante")
}

impl Site {
    /// Whether it moves about.
    pub fn is_itinerant(&self) -> bool {
        is_itinerant(&self.format)
    }

    /// Notes these flags of doubt; the same ones in another order are no change.
    pub fn mark(&mut self, flags: &[&str]) {
        let known: BTreeSet<_> = self.quality.split(',').filter(|flag| !flag.is_empty()).collect();
        if known != flags.iter().copied().collect() {
            self.quality = flags.join(",");
        }
    }

    /// A site about which only the essential is known.
    pub fn new(id: SiteId, name: String, kind: Kind, timezone: SiteZone) -> Self {
        let text = String::new;
        Self {
            id,
            name,
            kind,
            life: Life::Open,
            parent: None,
            format: text(),
            address: text(),
            commune: text(),
            insee: text(),
            postal_code: text(),
            department: text(),
            region: text(),
            bearer: text(),
            lat: None,
            lon: None,
            timezone,
            holiday_zone: text(),
            school_zone: text(),
            osm_opening_hours: text(),
            weekly_minutes: None,
            label_date: None,
            comment: text(),
            hours_verbatim: "{}".to_owned(),
            quality: text(),
            list_day: None,
        }
    }

    /// Every field with its value as text, in a fixed order.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<f64>| number.map(|angle| angle.to_string()).unwrap_or_default();
        vec![
            ("name", self.name.clone()),
            ("kind", self.kind.to_string()),
            ("life", self.life.to_string()),
            ("parent", self.parent.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("format", self.format.clone()),
            ("address", self.address.clone()),
            ("commune", self.commune.clone()),
            ("insee", self.insee.clone()),
            ("postal_code", self.postal_code.clone()),
            ("department", self.department.clone()),
            ("bearer", self.bearer.clone()),
            ("lat", number(self.lat)),
            ("lon", number(self.lon)),
            ("timezone", self.timezone.to_string()),
            ("holiday_zone", self.holiday_zone.clone()),
            ("school_zone", self.school_zone.clone()),
            ("osm_opening_hours", self.osm_opening_hours.clone()),
            ("weekly_minutes", self.weekly_minutes.map(|minutes| minutes.to_string()).unwrap_or_default()),
            ("label_date", self.label_date.map(|day| day.to_string()).unwrap_or_default()),
            ("comment", self.comment.clone()),
            ("hours_verbatim", self.hours_verbatim.clone()),
            ("quality", self.quality.clone()),
        ]
    }
}
