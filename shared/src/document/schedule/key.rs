//! What the facts of a schedule are about: the grammar of its keys.

use std::fmt;
use std::str::FromStr;

use super::variant::{Variant, Weekday};
use crate::code::OperatorCode;
use crate::document::register::FactError;
use crate::time::Day;

/// Longest slug, in bytes.
pub const SLUG_LEN_MAX: usize = 24;

/// A short name that a house gives to a place, a local partner or an absence: `[a-z0-9-]{1,24}`,
/// beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// Where people are received: the site itself, `-`, or another place of the house by its slug.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The site's own address.
    #[default]
    Site,
    /// A place that the house named.
    Named(Slug),
}

/// Where a dated exception holds: at one place, or everywhere, `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// At all places of the house.
    Everywhere,
    /// At one.
    At(Place),
}

/// A partner: one of the catalogue by its code, or a local service, `LOCAL:<slug>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperatorToken {
    /// By code.
    Known(OperatorCode),
    /// Without a code: the house labels it.
    Local(Slug),
}

/// A key of the schedule document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `hours|<from>|<variant>|<weekday>|<place>`: a whole day's opening, from a date on.
    Hours {
        /// First day on which it holds.
        from: Day,
        /// On which days.
        variant: Variant,
        /// `None` for public holidays only.
        weekday: Option<Weekday>,
        /// Where.
        place: Place,
    },
    /// `permanence|<from>|<operator>|<variant>|<weekday>|<place>`: a partner's recurring presence.
    Permanence {
        /// First day on which it holds.
        from: Day,
        /// Who comes.
        operator: OperatorToken,
        /// On which days.
        variant: Variant,
        /// `None` for public holidays only.
        weekday: Option<Weekday>,
        /// Where.
        place: Place,
    },
    /// `on|<from>..<to>|<place>`: a dated exception, both days included.
    On {
        /// First day.
        from: Day,
        /// Last day.
        to: Day,
        /// Where.
        place: Where,
    },
    /// `off|<day>|<operator>|<place>`: one permanence on one day.
    Off {
        /// The day.
        day: Day,
        /// Whose permanence.
        operator: OperatorToken,
        /// Where.
        place: Place,
    },
    /// `absence|<id>`: agents who are not at work.
    Absence(Slug),
    /// `place|<slug>`: what a place is called, and its address.
    Place(Slug),
    /// `rule|good-friday`: whether the house is open on Good Friday.
    GoodFriday,
    /// `text`: hours that could not be read, verbatim.
    Text,
    /// `comment`: what the house adds.
    Comment,
    /// `checked`: when the published hours were last confirmed.
    Checked,
}

impl Key {
    /// Reads a key; `None` when its first field is of a later version.
    ///
    /// # Errors
    /// When the first field is known and the rest is not of its form.
    pub fn parse(text: &str) -> Result<Option<Self>, FactError> {
        let parts: Vec<&str> = text.split('|').collect();
        let key = match parts.as_slice() {
            ["hours", from, variant, weekday, place] => {
                let (variant, weekday) = when(variant, weekday)?;
                Self::Hours { from: day(from)?, variant, weekday, place: place.parse()? }
            }
            ["permanence", from, operator, variant, weekday, place] => {
                let (variant, weekday) = when(variant, weekday)?;
                let (from, operator, place) = (day(from)?, operator.parse()?, place.parse()?);
                Self::Permanence { from, operator, variant, weekday, place }
            }
            ["on", days, place] => {
                let (from, to) = days.split_once("..").ok_or(FactError::Key("days"))?;
                let (from, to) = (day(from)?, day(to)?);
                if from > to {
                    return Err(FactError::Key("days"));
                }
                Self::On { from, to, place: place.parse()? }
            }
            ["off", on, operator, place] => {
                Self::Off { day: day(on)?, operator: operator.parse()?, place: place.parse()? }
            }
            ["absence", id] => Self::Absence(id.parse()?),
            ["place", slug] => Self::Place(slug.parse()?),
            ["rule", "good-friday"] => Self::GoodFriday,
            ["text"] => Self::Text,
            ["comment"] => Self::Comment,
            ["checked"] => Self::Checked,
            [
                "hours" | "permanence" | "on" | "off" | "absence" | "place" | "rule" | "text" | "comment" | "checked",
                ..,
            ] => return Err(FactError::Key("form")),
            _ => return Ok(None),
        };
        Ok(Some(key))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = |weekday: &Option<Weekday>| weekday.map_or("-", Weekday::as_str);
        match self {
            Self::Hours { from, variant, weekday: on, place } => {
                write!(f, "hours|{from}|{variant}|{}|{place}", weekday(on))
            }
            Self::Permanence { from, operator, variant, weekday: on, place } => {
                write!(f, "permanence|{from}|{operator}|{variant}|{}|{place}", weekday(on))
            }
            Self::On { from, to, place } => write!(f, "on|{from}..{to}|{place}"),
            Self::Off { day, operator, place } => write!(f, "off|{day}|{operator}|{place}"),
            Self::Absence(id) => write!(f, "absence|{id}"),
            Self::Place(slug) => write!(f, "place|{slug}"),
            Self::GoodFriday => f.write_str("rule|good-friday"),
            Self::Text => f.write_str("text"),
            Self::Comment => f.write_str("comment"),
            Self::Checked => f.write_str("checked"),
        }
    }
}

fn day(text: &str) -> Result<Day, FactError> {
    text.parse().map_err(|_| FactError::Key("day"))
}

/// A public holiday falls on any weekday: its rules have none, all others have one.
fn when(variant: &str, weekday: &str) -> Result<(Variant, Option<Weekday>), FactError> {
    match (variant.parse()?, weekday) {
        (Variant::Holiday, "-") => Ok((Variant::Holiday, None)),
        (Variant::Holiday, _) => Err(FactError::Key("weekday")),
        (variant, weekday) => Ok((variant, Some(weekday.parse()?))),
    }
}

impl Slug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let shaped = (1..=SLUG_LEN_MAX).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if shaped { Ok(Self(text.into())) } else { Err(FactError::Key("short name")) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site => f.write_str("-"),
            Self::Named(slug) => slug.fmt(f),
        }
    }
}

impl FromStr for Place {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        if text == "-" { Ok(Self::Site) } else { text.parse().map(Self::Named) }
    }
}

impl Where {
    /// Whether the place is meant.
    pub fn covers(&self, place: &Place) -> bool {
        match self {
            Self::Everywhere => true,
            Self::At(at) => at == place,
        }
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*"),
            Self::At(place) => place.fmt(f),
        }
    }
}

impl FromStr for Where {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        if text == "*" { Ok(Self::Everywhere) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(code) => code.fmt(f),
            Self::Local(slug) => write!(f, "LOCAL:{slug}"),
        }
    }
}

impl FromStr for OperatorToken {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        match text.strip_prefix("LOCAL:") {
            Some(slug) => slug.parse().map(Self::Local),
            None => text.parse().map(Self::Known).map_err(|_| FactError::Key("operator")),
        }
    }
}
