//! When a rule of the schedule holds: weekdays and variants.
//!
//! A variant is a condition on the day alone. Odd and even are the parity of the ISO week's
//! number, not an interval: after week 53 comes week 1, and both are odd.

use std::fmt;
use std::str::FromStr;

use jiff::civil;

use crate::document::register::FactError;
use crate::time::Day;

/// A day of the week: `mo` to `su`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weekday(u8);

/// A day of any year: `07-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearDay {
    month: u8,
    day: u8,
}

/// The days on which a rule holds, among those of its weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// `every`: each week.
    Every,
    /// `odd`: ISO weeks of odd number.
    Odd,
    /// `even`: ISO weeks of even number.
    Even,
    /// `1st` to `5th`: the nth such weekday of its month.
    Nth(Nth),
    /// `last`: the last such weekday of its month.
    Last,
    /// `school`: school holidays of the site's zone.
    School,
    /// `07-01..08-31`: each year, both days included; `12-20..01-05` goes over the new year.
    Yearly(YearDay, YearDay),
    /// `2026-07-01..2026-08-31`: once, both days included.
    Dated(Day, Day),
    /// `holiday`: public holidays of the site's zone; it has no weekday.
    Holiday,
}

/// Which of its weekday in the month, 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nth(u8);

/// How much a variant says of one day: the greatest that is defined decides it.
///
/// By kind first; among ranges of one kind the narrowest, then the one that begins later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    kind: u8,
    narrow: i32,
    begins: i32,
}

/// The names of the days of the week, Monday first: as stored.
const WEEKDAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];
const WEEKDAYS_FR: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const WEEKDAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const NTH: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

impl Weekday {
    /// Monday to Sunday.
    pub const ALL: [Self; 7] = [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6)];

    /// The weekday of a day.
    pub fn of(day: Day) -> Self {
        Self(day.date().weekday().to_monday_zero_offset().unsigned_abs())
    }

    /// 0 for Monday to 6 for Sunday.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        WEEKDAYS[self.index()]
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        WEEKDAYS_FR[self.index()]
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        WEEKDAYS_EN[self.index()]
    }
}

impl FromStr for Weekday {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        Self::ALL.into_iter().find(|weekday| weekday.as_str() == text).ok_or(FactError::Key("weekday"))
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl YearDay {
    /// The day with this month and number, if some year has it.
    pub fn new(month: u8, day: u8) -> Option<Self> {
        // 2000 is a leap year: it has every day that any year has.
        civil::Date::new(2000, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(Self { month, day })
    }

    /// Its month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Its day of the month.
    pub const fn day(self) -> u8 {
        self.day
    }

    fn of(day: Day) -> Self {
        Self { month: day.date().month().unsigned_abs(), day: day.day_of_month() }
    }

    /// Its place in a leap year.
    fn ordinal(self) -> i32 {
        let date = civil::Date::new(2000, self.month as i8, self.day as i8);
        date.map_or(0, |date| i32::from(date.day_of_year()))
    }
}

impl fmt::Display for YearDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl FromStr for YearDay {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let digits = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse());
        let parsed = || {
            let (month, day) = text.split_once('-')?;
            Self::new(digits(month)?.ok()?, digits(day)?.ok()?)
        };
        parsed().ok_or(FactError::Key("day of the year"))
    }
}

impl Nth {
    /// The nth, 1 to 5.
    pub fn new(n: u8) -> Option<Self> {
        (1..=5).contains(&n).then_some(Self(n))
    }

    /// 1 to 5.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Variant {
    /// Whether it holds on `day`, given whether that is a school holiday, and with what weight.
    ///
    /// `Holiday` never does: a public holiday is not weighed against others, it comes before them.
    pub fn weight(self, day: Day, school: bool) -> Option<Weight> {
        let plain = |kind| Weight { kind, narrow: 0, begins: 0 };
        let odd = || day.date().iso_week_date().week() % 2 == 1;
        match self {
            Self::Every => Some(plain(0)),
            Self::Odd => odd().then(|| plain(1)),
            Self::Even => (!odd()).then(|| plain(1)),
            Self::Nth(nth) => (nth.0 == (day.day_of_month() - 1) / 7 + 1).then(|| plain(2)),
            Self::Last => (day.day_of_month() + 7 > day.month().last_day().day_of_month()).then(|| plain(3)),
            Self::School => school.then(|| plain(4)),
            Self::Yearly(from, to) => {
                let (at, from, to) = (YearDay::of(day).ordinal(), from.ordinal(), to.ordinal());
                let (inside, length) = if from <= to {
                    (from <= at && at <= to, to - from)
                } else {
                    (at >= from || at <= to, to + 366 - from)
                };
                // Over the new year, what began in the old one began before.
                let begins = if from > to && at <= to { from - 366 } else { from };
                inside.then_some(Weight { kind: 5, narrow: -length, begins })
            }
            Self::Dated(from, to) => {
                let narrow = from.number() - to.number();
                (from <= day && day <= to).then(|| Weight { kind: 6, narrow, begins: from.number() })
            }
            Self::Holiday => None,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every"),
            Self::Odd => f.write_str("odd"),
            Self::Even => f.write_str("even"),
            Self::Nth(nth) => f.write_str(NTH[usize::from(nth.0 - 1)]),
            Self::Last => f.write_str("last"),
            Self::School => f.write_str("school"),
            Self::Yearly(from, to) => write!(f, "{from}..{to}"),
            Self::Dated(from, to) => write!(f, "{from}..{to}"),
            Self::Holiday => f.write_str("holiday"),
        }
    }
}

impl FromStr for Variant {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let wrong = FactError::Key("variant");
        if let Some(at) = NTH.iter().position(|nth| *nth == text) {
            return Ok(Self::Nth(Nth(at as u8 + 1)));
        }
        match text {
            "every" => Ok(Self::Every),
            "odd" => Ok(Self::Odd),
            "even" => Ok(Self::Even),
            "last" => Ok(Self::Last),
            "school" => Ok(Self::School),
            "holiday" => Ok(Self::Holiday),
            range => match range.split_once("..").ok_or(wrong)? {
                (from, to) if from.len() == 5 => Ok(Self::Yearly(from.parse()?, to.parse()?)),
                (from, to) => {
                    let (from, to): (Day, Day) = (from.parse().map_err(|_| wrong)?, to.parse().map_err(|_| wrong)?);
                    if from <= to { Ok(Self::Dated(from, to)) } else { Err(wrong) }
                }
            },
        }
    }
}
