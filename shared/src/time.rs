//! Days, months and the site's own clock.
//!
//! A visit belongs to the *site's* local calendar day: France keeps seven legal clocks, and a
//! machine's own zone setting is not to be trusted.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A calendar day, written `yyyy-mm-dd`, between 2000 and 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// A calendar month, written `yyyy-mm`, between 2000 and 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// Why a text is no day, month or time zone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// Not of the form `yyyy-mm-dd`, or not in the calendar.
    #[error("{0:?} is not a day of the calendar such as 2026-11-20")]
    Day(String),
    /// Not of the form `yyyy-mm`.
    #[error("{0:?} is not a month such as 2026-11")]
    Month(String),
    /// Not a zone of the IANA database.
    #[error("{0:?} is not a time zone such as Europe/Paris")]
    Zone(String),
}

const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

impl Day {
    /// The first day of the calendar.
    pub const FIRST: Self = Self(jiff::civil::date(2000, 1, 1));
    /// Its last day.
    pub const LAST: Self = Self(jiff::civil::date(2099, 12, 31));

    /// The day with this year, month and day of the month, if the calendar has it.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().filter(|_| YEARS.contains(&year)).map(Self)
    }

    /// The local day at `now` in `zone`. A clock outside 2000–2099 is read as the nearest bound.
    pub fn at(now: Timestamp, zone: &SiteZone) -> Self {
        Self::nearest(now.to_zoned(zone.0.clone()).date())
    }

    /// The day of a civil date, held within the calendar's bounds.
    pub fn nearest(date: Date) -> Self {
        Self(date.clamp(jiff::civil::date(2000, 1, 1), jiff::civil::date(2099, 12, 31)))
    }

    /// The month this day lies in.
    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: self.0.month() }
    }

    /// Day of the month, 1 to 31.
    pub fn day_of_month(self) -> u8 {
        self.0.day().unsigned_abs()
    }

    /// The day `days` later (earlier if negative), held within the calendar's bounds.
    pub fn plus_days(self, days: i32) -> Self {
        Self::nearest(self.0.saturating_add(days.days()))
    }

    /// Days since 2000-01-01: the compact form kept in databases.
    pub fn number(self) -> i32 {
        (self.0 - jiff::civil::date(2000, 1, 1)).get_days()
    }

    /// The day with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        (0..=36_524).contains(&number).then(|| Self(jiff::civil::date(2000, 1, 1).saturating_add(number.days())))
    }

    /// The same day as jiff's civil date.
    pub fn date(self) -> Date {
        self.0
    }
}

impl Month {
    /// The month with this year and number, 1 to 12.
    pub fn new(year: i16, month: i8) -> Option<Self> {
        (YEARS.contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The day of this month with this number, if it has it.
    pub fn day(self, day_of_month: u8) -> Option<Day> {
        Day::new(self.year, self.month, i8::try_from(day_of_month).ok()?)
    }

    /// First day of the month.
    pub fn first_day(self) -> Day {
        Day(jiff::civil::date(self.year, self.month, 1))
    }

    /// Last day of the month.
    pub fn last_day(self) -> Day {
        Day(self.first_day().0.last_of_month())
    }

    /// The month after, or this one at the end of the calendar.
    pub fn next(self) -> Self {
        self.last_day().plus_days(1).month()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Decimal digits only, exactly `len` of them: no sign, no space.
fn digits(text: &str, len: usize) -> Option<i16> {
    (text.len() == len && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl FromStr for Day {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let parsed = || {
            let mut parts = text.split('-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some() {
                return None;
            }
            Self::new(digits(year, 4)?, digits(month, 2)? as i8, digits(day, 2)? as i8)
        };
        parsed().ok_or_else(|| TimeError::Day(text.chars().take(40).collect()))
    }
}

impl FromStr for Month {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let parsed = || {
            let (year, month) = text.split_once('-')?;
            Self::new(digits(year, 4)?, digits(month, 2)? as i8)
        };
        parsed().ok_or_else(|| TimeError::Month(text.chars().take(40).collect()))
    }
}

/// A site's legal clock, by its IANA name.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteZone(TimeZone);

impl FromStr for SiteZone {
    type Err = TimeError;

    fn from_str(name: &str) -> Result<Self, TimeError> {
        // A name only: `TimeZone::get` would also take POSIX rules such as `CET-1CEST`.
        TimeZone::get(name)
            .ok()
            .filter(|zone| zone.iana_name().is_some())
            .map(Self)
            .ok_or_else(|| TimeError::Zone(name.chars().take(40).collect()))
    }
}

impl SiteZone {
    /// The zone's IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The local hour and minute at `now`.
    pub fn clock(&self, now: Timestamp) -> (i8, i8) {
        let time = now.to_zoned(self.0.clone());
        (time.hour(), time.minute())
    }

    /// The instant at which the local clock shows `local`: the later one where it leaps over it,
    /// the first where it shows it twice. `None` at the ends of time.
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.0.to_ambiguous_timestamp(local).compatible().ok()
    }
}

impl fmt::Display for SiteZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_of_the_calendar_parse() {
        for text in ["2026-11-20", "2024-02-29", "2000-01-01", "2099-12-31"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        for text in [
            "2026-02-29",
            "2026-13-01",
            "1999-12-31",
            "2100-01-01",
            "2026-1-1",
            "+026-01-01",
            "20261120",
            "2026-11-20x",
            "",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text:?}");
        }
        for text in ["2026-00", "2026-13", "2026-1", "2026-11-01"] {
            assert!(text.parse::<Month>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_day_is_the_sites_own() {
        // 21:30 on 20 November in Paris is 00:30 on 21 November in La Réunion.
        let now: Timestamp = "2026-11-20T20:30:00Z".parse().unwrap();
        let day = |zone: &str| Day::at(now, &zone.parse().unwrap()).to_string();
        assert_eq!(day("Europe/Paris"), "2026-11-20");
        assert_eq!(day("Indian/Reunion"), "2026-11-21");
        assert_eq!(day("America/Cayenne"), "2026-11-20");
    }

    #[test]
    fn a_tap_at_the_edge_of_a_day_falls_on_the_sites_own_in_every_legal_clock() {
        for (zone, last_minute) in [
            ("Europe/Paris", "2026-12-31T22:59:59Z"),
            // Daylight saving begins and ends: the nights before are an hour apart in UTC.
            ("Europe/Paris", "2026-03-28T22:59:59Z"),
            ("Europe/Paris", "2026-03-29T21:59:59Z"),
            ("Europe/Paris", "2026-10-24T21:59:59Z"),
            ("Europe/Paris", "2026-10-25T22:59:59Z"),
            ("America/Miquelon", "2027-01-01T02:59:59Z"),
            ("America/Miquelon", "2026-03-08T02:59:59Z"),
            ("America/Miquelon", "2026-03-09T01:59:59Z"),
            ("America/Miquelon", "2026-11-02T02:59:59Z"),
            ("America/Guadeloupe", "2027-01-01T03:59:59Z"),
            ("America/Martinique", "2027-01-01T03:59:59Z"),
            ("America/Cayenne", "2027-01-01T02:59:59Z"),
            ("Indian/Reunion", "2026-12-31T19:59:59Z"),
            ("Indian/Mayotte", "2026-12-31T20:59:59Z"),
            ("Pacific/Noumea", "2026-12-31T12:59:59Z"),
            ("Pacific/Tahiti", "2027-01-01T09:59:59Z"),
            ("Pacific/Wallis", "2026-12-31T11:59:59Z"),
        ] {
            let site: SiteZone = zone.parse().unwrap();
            let before: Timestamp = last_minute.parse().unwrap();
            let after = before + jiff::SignedDuration::from_secs(1);
            let days = (Day::at(before, &site), Day::at(after, &site));
            assert_eq!(days.0.plus_days(1), days.1, "{zone} {last_minute}");
            assert_eq!((site.clock(before), site.clock(after)), ((23, 59), (0, 0)), "{zone} {last_minute}");
        }
    }

    #[test]
    fn day_numbers_round_trip() {
        for text in ["2000-01-01", "2026-11-20", "2099-12-31"] {
            let day: Day = text.parse().unwrap();
            assert_eq!(Day::from_number(day.number()), Some(day));
        }
        assert_eq!(Day::from_number(-1), None);
        assert_eq!(Day::from_number(36_525), None);
    }

    #[test]
    fn only_iana_zones_parse() {
        for name in ["Europe/Paris", "Indian/Reunion", "America/Martinique", "Indian/Mayotte"] {
            assert_eq!(name.parse::<SiteZone>().unwrap().name(), name);
        }
        for name in ["", "Paris", "CET-1CEST", "../etc/passwd"] {
            assert!(name.parse::<SiteZone>().is_err(), "{name:?}");
        }
    }
}
