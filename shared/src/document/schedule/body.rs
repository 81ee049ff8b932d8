//! What the facts of a schedule say: the bodies of its values, beside the day's hours.

use std::fmt;
use std::str::FromStr;

use super::key::Place;
use super::reason::{AbsenceKind, Reason};
use super::slot::{AGENTS_MAX, DayHours, Interval};
use crate::document::register::FactError;
use crate::time::Day;

/// Longest label of a place or a local partner, in bytes.
pub const LABEL_LEN_MAX: usize = 120;
/// Longest address, in bytes.
pub const ADDRESS_LEN_MAX: usize = 300;

/// What is different on the days of an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exception {
    /// `closed|<reason>`.
    Closed(Reason),
    /// `extra|<reason>|<slots>`: opens besides the usual.
    Extra(Reason, DayHours),
    /// `hours|<reason>|<slots>`: opens instead of the usual.
    Hours(Reason, DayHours),
    /// `moved|<reason>|<place>|<slots or empty>`: is elsewhere, at the usual hours if none are said.
    Moved(Reason, Place, Option<DayHours>),
}

/// What is different of one permanence on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Off {
    /// `cancelled|<reason>`.
    Cancelled(Reason),
    /// `hours|<reason>|<slots>`: at other hours.
    Hours(Reason, DayHours),
}

/// Agents who are not at work: `<from>|<to>|<interval or empty>|<n>|<kind>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// The hours of each of these days; the whole day when not said.
    pub interval: Option<Interval>,
    /// How many.
    pub agents: u8,
    /// Why.
    pub kind: AbsenceKind,
}

/// What a place is called, and its address: `<label>|<address>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceLabel {
    /// The name people know it by.
    pub label: Line<LABEL_LEN_MAX>,
    /// Its address, possibly empty.
    pub address: String,
}

/// Whether the house is `open` or `closed` on Good Friday, whatever its zone's calendar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoodFriday {
    /// A day like any other.
    Open,
    /// A public holiday.
    Closed,
}

/// Text of a person, with lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

/// One line of text: not empty, at most `MAX` bytes, without `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<const MAX: usize>(String);

/// The day on which something was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked(pub Day);

fn reason(code: &str) -> Result<Reason, FactError> {
    Reason::known(code).ok_or(FactError::Value("reason"))
}

/// Slots, at least one: `closed` has a word of its own.
fn slots(text: &str) -> Result<DayHours, FactError> {
    text.parse().and_then(|day: DayHours| if day.is_closed() { Err(FactError::Value("slots")) } else { Ok(day) })
}

impl Exception {
    /// Why.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Closed(reason) | Self::Extra(reason, _) | Self::Hours(reason, _) | Self::Moved(reason, ..) => *reason,
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(reason) => write!(f, "closed|{}", reason.as_str()),
            Self::Extra(reason, slots) => write!(f, "extra|{}|{slots}", reason.as_str()),
            Self::Hours(reason, slots) => write!(f, "hours|{}|{slots}", reason.as_str()),
            Self::Moved(reason, place, None) => write!(f, "moved|{}|{place}|", reason.as_str()),
            Self::Moved(reason, place, Some(slots)) => write!(f, "moved|{}|{place}|{slots}", reason.as_str()),
        }
    }
}

impl FromStr for Exception {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        match text.split('|').collect::<Vec<_>>().as_slice() {
            ["closed", why] => Ok(Self::Closed(reason(why)?)),
            ["extra", why, hours] => Ok(Self::Extra(reason(why)?, slots(hours)?)),
            ["hours", why, hours] => Ok(Self::Hours(reason(why)?, slots(hours)?)),
            ["moved", why, place, hours] => {
                let hours = if hours.is_empty() { None } else { Some(slots(hours)?) };
                Ok(Self::Moved(reason(why)?, place.parse().map_err(|_| FactError::Value("place"))?, hours))
            }
            _ => Err(FactError::Value("exception")),
        }
    }
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(reason) => write!(f, "cancelled|{}", reason.as_str()),
            Self::Hours(reason, slots) => write!(f, "hours|{}|{slots}", reason.as_str()),
        }
    }
}

impl FromStr for Off {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        match text.split('|').collect::<Vec<_>>().as_slice() {
            ["cancelled", why] => Ok(Self::Cancelled(reason(why)?)),
            ["hours", why, hours] => Ok(Self::Hours(reason(why)?, slots(hours)?)),
            _ => Err(FactError::Value("permanence of one day")),
        }
    }
}

impl Absence {
    /// How many of its agents are away at `day` within `interval`: all or none.
    pub fn covers(&self, day: Day, interval: Interval) -> bool {
        self.from <= day && day <= self.to && self.interval.is_none_or(|away| away.common(interval).is_some())
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, interval, agents, kind } = self;
        let interval = interval.map_or_else(String::new, |interval| interval.to_string());
        write!(f, "{from}|{to}|{interval}|{agents}|{}", kind.as_str())
    }
}

impl FromStr for Absence {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let [from, to, interval, agents, kind] = text.split('|').collect::<Vec<_>>()[..] else {
            return Err(FactError::Value("absence"));
        };
        let day = |text: &str| text.parse::<Day>().map_err(|_| FactError::Value("day"));
        let (from, to) = (day(from)?, day(to)?);
        if from > to {
            return Err(FactError::Value("days"));
        }
        let interval = if interval.is_empty() { None } else { Some(interval.parse()?) };
        let agents = agents.parse().ok().filter(|n| (1..=AGENTS_MAX).contains(n)).ok_or(FactError::Value("agents"))?;
        Ok(Self { from, to, interval, agents, kind: AbsenceKind::known(kind).ok_or(FactError::Value("kind"))? })
    }
}

impl fmt::Display for PlaceLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.label, self.address)
    }
}

impl FromStr for PlaceLabel {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let (label, address) = text.split_once('|').ok_or(FactError::Value("label"))?;
        if address.len() > ADDRESS_LEN_MAX || address.contains(['|', '\n']) {
            return Err(FactError::Value("address"));
        }
        Ok(Self { label: label.parse()?, address: address.to_owned() })
    }
}

impl fmt::Display for GoodFriday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Closed => "closed",
        })
    }
}

impl FromStr for GoodFriday {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(FactError::Value("rule")),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Text {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        if text.trim().is_empty() { Err(FactError::Value("text")) } else { Ok(Self(text.to_owned())) }
    }
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> FromStr for Line<MAX> {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let shaped = !text.trim().is_empty() && text.len() <= MAX && !text.contains(['|', '\n']);
        // A lone dash would be read as a fact taken back.
        if shaped && text != "-" { Ok(Self(text.to_owned())) } else { Err(FactError::Value("label")) }
    }
}

impl<const MAX: usize> Line<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Checked {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        text.parse().map(Self).map_err(|_| FactError::Value("day"))
    }
}
