//! The fields of a site that a list or a person may set, and how each is parsed.
//!
//! Called by the import (one column each) and by `site set`. Nothing else writes these fields,
//! so the bounds here hold for every site of the store.

use msap_shared::time::{Day, SiteZone};

use super::{Life, Site, geography};
use crate::calendar::{Kind, is_zone};
use crate::lang::{Lang, Phrase};

/// Longest name, in characters.
const NAME_LEN_MAX: usize = 200;
/// Longest other text, in characters.
const TEXT_LEN_MAX: usize = 4_000;
/// Minutes in a week.
const WEEK_MINUTES: u32 = 7 * 24 * 60;

const HOLIDAY_ZONES: Phrase = Phrase::new(
    "parmi metropole, alsace-moselle, guadeloupe, guyane, la-reunion, martinique, mayotte, nouvelle-caledonie, \
     polynesie-francaise, saint-barthelemy, saint-martin, saint-pierre-et-miquelon, wallis-et-futuna",
    "one of metropole, alsace-moselle, guadeloupe, guyane, la-reunion, martinique, mayotte, nouvelle-caledonie, \
     polynesie-francaise, saint-barthelemy, saint-martin, saint-pierre-et-miquelon, wallis-et-futuna",
);
const SCHOOL_ZONES: Phrase = Phrase::new(
    "parmi A, B, C, Corse, Guadeloupe, Guyane, Martinique, Mayotte, Nouvelle Calédonie, Polynésie, Réunion, \
     Saint Pierre et Miquelon, Wallis et Futuna",
    "one of A, B, C, Corse, Guadeloupe, Guyane, Martinique, Mayotte, Nouvelle Calédonie, Polynésie, Réunion, \
     Saint Pierre et Miquelon, Wallis et Futuna",
);

/// A value that a field cannot take.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} = {value:?}: expected {expected}")]
pub struct FieldError {
    /// The field's name.
    pub field: &'static str,
    /// A bounded piece of what was given.
    pub value: String,
    /// What would have been right.
    pub expected: Phrase,
}

impl FieldError {
    /// What was given and what would have been right, without the field's name.
    pub fn say(&self, lang: Lang) -> String {
        format!("{:?}{} {}", self.value, lang.of(" ; attendu :", ": expected"), self.expected.say(lang))
    }
}

macro_rules! fields {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// One settable field. The region is not one: it follows the department.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $variant),+
        }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

fields! {
    Name = "name",
    Life = "life",
    Format = "format",
    Address = "address",
    Commune = "commune",
    Insee = "insee",
    PostalCode = "postal_code",
    Department = "department",
    Bearer = "bearer",
    Lat = "lat",
    Lon = "lon",
    Timezone = "timezone",
    HolidayZone = "holiday_zone",
    SchoolZone = "school_zone",
    OsmOpeningHours = "osm_opening_hours",
    WeeklyMinutes = "weekly_minutes",
    LabelDate = "label_date",
    Comment = "comment",
}

impl Field {
    /// The field with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Gives `site` this value, or leaves it untouched. An empty value empties a field that can
    /// be empty.
    ///
    /// # Errors
    /// When the field cannot take the value.
    pub fn set(self, site: &mut Site, value: &str) -> Result<(), FieldError> {
        let value = value.trim();
        let wrong = |fr, en| {
            let value = value.chars().take(60).collect();
            FieldError { field: self.name(), value, expected: Phrase::new(fr, en) }
        };
        let text = || match value.chars().count() <= TEXT_LEN_MAX && !value.chars().any(|c| c.is_control() && c != '\n')
        {
            true => Ok(value.to_owned()),
            false => Err(wrong(
                "au plus 4 000 caractères, sans caractère de contrôle",
                "at most 4,000 characters, none of them a control character",
            )),
        };
        // Days of a zone without a calendar would all read as days without a holiday.
        let zone = |kind, known: Phrase| match value.is_empty() || is_zone(kind, value) {
            true => Ok(value.to_owned()),
            false => Err(wrong(known.fr, known.en)),
        };
        match self {
            Self::Name => {
                let shaped =
                    (1..=NAME_LEN_MAX).contains(&value.chars().count()) && !value.chars().any(char::is_control);
                site.name = shaped
                    .then(|| value.to_owned())
                    .ok_or_else(|| wrong("1 à 200 caractères sur une ligne", "1 to 200 characters on one line"))?;
            }
            Self::Life => {
                site.life = value.parse::<Life>().map_err(|_| {
                    wrong(
                        "candidate, project, open, labelled ou retired",
                        "candidate, project, open, labelled or retired",
                    )
                })?;
            }
            Self::Format => site.format = text()?,
            Self::Address => site.address = text()?,
            Self::Commune => site.commune = text()?,
            Self::Insee => site.insee = text()?,
            Self::PostalCode => site.postal_code = text()?,
            Self::Department => {
                let region = match value {
                    "" => "",
                    code => geography::department_region(code).ok_or_else(|| {
                        wrong("le code d’un département, par exemple 49", "a department's code such as 49")
                    })?,
                };
                (site.department, site.region) = (value.to_owned(), region.to_owned());
            }
            Self::Bearer => site.bearer = text()?,
            Self::Lat => {
                site.lat = degrees(value, 90.0)
                    .ok_or_else(|| wrong("des degrés entre -90 et 90", "degrees between -90 and 90"))?
            }
            Self::Lon => {
                site.lon = degrees(value, 180.0)
                    .ok_or_else(|| wrong("des degrés entre -180 et 180", "degrees between -180 and 180"))?
            }
            Self::Timezone => {
                site.timezone = value.parse::<SiteZone>().map_err(|_| {
                    wrong("un fuseau horaire, par exemple Europe/Paris", "a time zone such as Europe/Paris")
                })?;
            }
            Self::HolidayZone => site.holiday_zone = zone(Kind::Public, HOLIDAY_ZONES)?,
            Self::SchoolZone => site.school_zone = zone(Kind::School, SCHOOL_ZONES)?,
            Self::OsmOpeningHours => site.osm_opening_hours = text()?,
            Self::WeeklyMinutes => {
                site.weekly_minutes = match value {
                    "" => None,
                    _ => Some(
                        (value.parse().ok())
                            .filter(|minutes| *minutes <= WEEK_MINUTES)
                            .ok_or_else(|| wrong("des minutes, de 0 à 10080", "minutes, from 0 to 10080"))?,
                    ),
                };
            }
            Self::LabelDate => {
                site.label_date = match value {
                    "" => None,
                    _ => Some(
                        value
                            .parse::<Day>()
                            .map_err(|_| wrong("un jour, par exemple 2020-01-01", "a day such as 2020-01-01"))?,
                    ),
                };
            }
            Self::Comment => site.comment = text()?,
        }
        Ok(())
    }
}

/// An optional angle within ± `bound`; the outer `None` means that the text is none.
fn degrees(text: &str, bound: f64) -> Option<Option<f64>> {
    match text {
        "" => Some(None),
        _ => text.parse::<f64>().ok().filter(|angle| angle.abs() <= bound).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind as SiteKind;
    use super::*;
    use crate::calendar::built_in;

    fn site() -> Site {
        Site::new("275".parse().unwrap(), "Chemillé".to_owned(), SiteKind::House, "Europe/Paris".parse().unwrap())
    }

    #[test]
    fn a_refused_value_leaves_the_site_untouched() {
        let long = "x".repeat(TEXT_LEN_MAX + 1);
        for (name, value) in [
            ("name", ""),
            ("name", "a\nb"),
            ("life", "closed"),
            ("department", "00"),
            ("lat", "91"),
            ("lat", "NaN"),
            ("lon", "east"),
            ("timezone", "Paris"),
            ("holiday_zone", "lune"),
            ("holiday_zone", "Metropole"),
            ("school_zone", "QQ"),
            ("school_zone", "a"),
            ("weekly_minutes", "10081"),
            ("weekly_minutes", "-1"),
            ("label_date", "2020-13-01"),
            ("comment", &long),
            ("commune", "a\u{0}b"),
        ] {
            let mut changed = site();
            let error = Field::named(name).unwrap().set(&mut changed, value).unwrap_err();
            assert_eq!((error.field, changed), (name, site()), "{name} {value:?}");
        }
    }

    #[test]
    fn every_zone_with_a_calendar_can_be_set_and_is_named_to_whoever_mistypes_one() {
        let mut changed = site();
        let set = |changed: &mut Site, field: Field, zone: &str, known: Phrase| {
            field.set(changed, zone).unwrap();
            for words in [known.fr, known.en] {
                assert!(words.contains(zone), "{zone} in {words}");
            }
        };
        built_in().public_years().for_each(|(zone, _)| set(&mut changed, Field::HolidayZone, zone, HOLIDAY_ZONES));
        built_in().school_years().for_each(|(zone, _)| set(&mut changed, Field::SchoolZone, zone, SCHOOL_ZONES));
        Field::HolidayZone.set(&mut changed, "").unwrap();
        assert_eq!(changed.holiday_zone, "");
    }

    #[test]
    fn the_region_follows_the_department() {
        let mut changed = site();
        Field::Department.set(&mut changed, " 49 ").unwrap();
        assert_eq!((changed.department.as_str(), changed.region.as_str()), ("49", "52"));
        Field::Department.set(&mut changed, "").unwrap();
        assert_eq!(changed, site());
        Field::Comment.set(&mut changed, &"é".repeat(TEXT_LEN_MAX)).unwrap();
    }
}
