//! Hours of one day: intervals of minutes, and the slots that a person writes.
//!
//! Minutes are the site's local wall clock from midnight, 0 to 1440; a day has 1440 of them, also
//! when the clocks change. Slots of one day are in order and do not overlap; none is `closed`.

use std::fmt;
use std::str::FromStr;

use crate::document::register::FactError;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 1_440;
/// Most slots of one day at one place.
pub const SLOTS_MAX: usize = 12;
/// Most agents at work in one slot.
pub const AGENTS_MAX: u8 = 99;

/// From one minute of a day up to another, which is not in it: `09:00-12:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    from: u16,
    to: u16,
}

/// How people are received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Without an appointment.
    #[default]
    Free,
    /// By appointment.
    Appointment,
    /// By telephone only.
    Phone,
}

/// One slot of a day: `09:00-12:00/appointment/2`. Free access is not written unless agents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// When.
    pub interval: Interval,
    /// How people are received.
    pub access: Access,
    /// Agents at work, if it was said.
    pub agents: Option<u8>,
}

/// A whole day at one place: slots in order, or `closed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayHours(Box<[Slot]>);

/// Why slots make no day.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SlotsError {
    /// More than [`SLOTS_MAX`].
    #[error("{0} slots, at most {SLOTS_MAX}")]
    TooMany(usize),
    /// Two that overlap or are not in order.
    #[error("{0} overlaps or precedes the slot before it")]
    Order(Interval),
    /// More agents than [`AGENTS_MAX`].
    #[error("{0} agents, at most {AGENTS_MAX}")]
    Agents(u8),
}

impl Interval {
    /// From `from` up to `to`, if that is some time within one day.
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from < to && to <= DAY_MINUTES).then_some(Self { from, to })
    }

    /// First minute.
    pub fn from(self) -> u16 {
        self.from
    }

    /// The minute after the last.
    pub fn to(self) -> u16 {
        self.to
    }

    /// How long it is, in minutes.
    pub fn minutes(self) -> u16 {
        self.to - self.from
    }

    /// Whether the minute lies in it.
    pub fn contains(self, minute: u16) -> bool {
        (self.from..self.to).contains(&minute)
    }

    /// What lies in both.
    pub fn common(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }
}

/// The union of intervals: in order, without overlap, touching ones joined.
pub fn union(intervals: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut sorted: Vec<Interval> = intervals.into_iter().collect();
    sorted.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
    for next in sorted {
        match joined.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            _ => joined.push(next),
        }
    }
    joined
}

/// Reads `hh:mm`, up to `24:00`.
pub fn parse_minute(text: &str) -> Option<u16> {
    let [h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
    if ![h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hour, minute): (u16, u16) = (text[..2].parse().ok()?, text[3..].parse().ok()?);
    let at = hour * 60 + minute;
    (minute < 60 && at <= DAY_MINUTES).then_some(at)
}

/// A minute as `hh:mm`.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl FromStr for Interval {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let parsed = || {
            let (from, to) = text.split_once('-')?;
            Self::new(parse_minute(from)?, parse_minute(to)?)
        };
        parsed().ok_or(FactError::Value("interval"))
    }
}

impl Access {
    /// All, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Free, Self::Appointment, Self::Phone];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Appointment => "appointment",
            Self::Phone => "phone",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Free => "sans rendez-vous",
            Self::Appointment => "sur rendez-vous",
            Self::Phone => "par téléphone",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Free => "walk-in",
            Self::Appointment => "by appointment",
            Self::Phone => "by phone",
        }
    }

    /// The access with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == code)
    }
}

impl Slot {
    /// A slot of free access, of which the agents are not said.
    pub fn free(interval: Interval) -> Self {
        Self { interval, access: Access::Free, agents: None }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interval, access, agents } = self;
        match (access, agents) {
            (access, Some(agents)) => write!(f, "{interval}/{}/{agents}", access.as_str()),
            (Access::Free, None) => write!(f, "{interval}"),
            (access, None) => write!(f, "{interval}/{}", access.as_str()),
        }
    }
}

impl FromStr for Slot {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let mut parts = text.split('/');
        let interval = parts.next().ok_or(FactError::Value("slot"))?.parse()?;
        let access = match parts.next() {
            None => Access::Free,
            Some(code) => Access::known(code).ok_or(FactError::Value("access"))?,
        };
        let agents = parts.next().map(|n| n.parse::<u8>().map_err(|_| FactError::Value("agents"))).transpose()?;
        if parts.next().is_some() {
            return Err(FactError::Value("slot"));
        }
        Ok(Self { interval, access, agents })
    }
}

impl DayHours {
    /// A day without a slot.
    pub fn closed() -> Self {
        Self::default()
    }

    /// A day with these slots.
    ///
    /// # Errors
    /// When there are too many, or they overlap or are out of order.
    pub fn new(slots: Vec<Slot>) -> Result<Self, SlotsError> {
        if slots.len() > SLOTS_MAX {
            return Err(SlotsError::TooMany(slots.len()));
        }
        if let Some(pair) = slots.windows(2).find(|pair| pair[1].interval.from < pair[0].interval.to) {
            return Err(SlotsError::Order(pair[1].interval));
        }
        match slots.iter().filter_map(|slot| slot.agents).find(|agents| *agents > AGENTS_MAX) {
            Some(agents) => Err(SlotsError::Agents(agents)),
            None => Ok(Self(slots.into())),
        }
    }

    /// The slots, in order.
    pub fn slots(&self) -> &[Slot] {
        &self.0
    }

    /// Whether there is no slot.
    pub fn is_closed(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_closed() {
            return f.write_str("closed");
        }
        for (at, slot) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{slot}")?;
        }
        Ok(())
    }
}

impl FromStr for DayHours {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        if text == "closed" {
            return Ok(Self::closed());
        }
        let slots: Result<Vec<Slot>, FactError> = text.split(',').map(str::parse).collect();
        Self::new(slots?).map_err(|_| FactError::Value("slots"))
    }
}
