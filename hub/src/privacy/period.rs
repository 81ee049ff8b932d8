//! The closed periods of the calendar that public figures are told for: a month, a quarter, a year.
//!
//! Nothing else can be asked for in public: two windows that differ by a day would tell that day.

use std::fmt;
use std::str::FromStr;

use msap_shared::time::{Day, Month};

/// One period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    year: i16,
    part: Part,
}

/// Which part of its year. Those that end together stand in the order in which they are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// From 1.
    Month(i8),
    /// From 1.
    Quarter(i8),
    Whole,
}

/// A text that is no period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a month such as 2026-10, a quarter such as 2026-Q4 or a year such as 2026")]
pub struct PeriodError(String);

impl Period {
    /// The periods of a year in the order in which they end: months, then quarters, then the year.
    pub fn of_year(year: i16) -> impl Iterator<Item = Self> {
        (1..=12).flat_map(move |month: i8| {
            let quarter = (month % 3 == 0).then_some(Part::Quarter(month / 3));
            let whole = (month == 12).then_some(Part::Whole);
            let parts = [Some(Part::Month(month)), quarter, whole];
            parts.into_iter().flatten().map(move |part| Self { year, part })
        })
    }

    /// The year it lies in.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The period of exactly these days.
    pub fn between(from: Day, to: Day) -> Option<Self> {
        Self::of_year(from.date().year()).find(|period| period.from() == Some(from) && period.to() == Some(to))
    }

    /// The month that it is, if it is one.
    pub fn month(self) -> Option<Month> {
        match self.part {
            Part::Month(month) => Month::new(self.year, month),
            Part::Quarter(_) | Part::Whole => None,
        }
    }

    /// The periods that it is the sum of, none for a month.
    pub fn parts(self) -> impl Iterator<Item = Self> {
        let year = self.year;
        let (parts, make): (_, fn(i8) -> Part) = match self.part {
            Part::Month(_) => (0..0, Part::Month),
            Part::Quarter(quarter) => (quarter * 3 - 2..quarter * 3 + 1, Part::Month),
            Part::Whole => (1..5, Part::Quarter),
        };
        parts.map(move |n| Self { year, part: make(n) })
    }

    fn months(self) -> (i8, i8) {
        match self.part {
            Part::Month(month) => (month, month),
            Part::Quarter(quarter) => (quarter * 3 - 2, quarter * 3),
            Part::Whole => (1, 12),
        }
    }

    /// Its first day; `None` beyond the calendar.
    pub fn from(self) -> Option<Day> {
        Month::new(self.year, self.months().0).map(Month::first_day)
    }

    /// Its last day; `None` beyond the calendar.
    pub fn to(self) -> Option<Day> {
        Month::new(self.year, self.months().1).map(Month::last_day)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Month(month) => write!(f, "{:04}-{month:02}", self.year),
            Part::Quarter(quarter) => write!(f, "{:04}-Q{quarter}", self.year),
            Part::Whole => write!(f, "{:04}", self.year),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError(text.chars().take(40).collect());
        let year: i16 = text.get(..4).and_then(|year| year.parse().ok()).ok_or_else(error)?;
        let period = Self::of_year(year).find(|period| period.to_string() == text);
        period.filter(|period| period.from().is_some()).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closed_periods_of_the_calendar_can_be_named() {
        for text in ["2026-10", "2026-01", "2026-Q4", "2026"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in
            ["", "26", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "2026-1", "+026", "1999-12", "2100", "2026-10-01"]
        {
            assert!(text.parse::<Period>().is_err(), "{text:?}");
        }
        let day = |text: &str| text.parse::<Day>().unwrap();
        let named = |from, to| Period::between(day(from), day(to)).map(|period| period.to_string());
        assert_eq!(named("2026-10-01", "2026-12-31").as_deref(), Some("2026-Q4"));
        assert_eq!(named("2024-02-01", "2024-02-29").as_deref(), Some("2024-02"));
        assert_eq!(named("2026-01-01", "2026-12-31").as_deref(), Some("2026"));
        for (from, to) in [
            ("2026-10-02", "2026-11-01"),
            ("2026-10-01", "2026-10-30"),
            ("2026-09-30", "2026-10-31"),
            ("2026-02-01", "2026-04-30"),
            ("2026-01-01", "2026-06-30"),
            ("2025-12-01", "2026-02-28"),
        ] {
            assert_eq!(named(from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn a_year_is_released_in_the_order_in_which_its_periods_end() {
        let names: Vec<_> = Period::of_year(2026).map(|period| period.to_string()).collect();
        assert_eq!(names.len(), 17);
        assert_eq!(names[2..5], ["2026-03", "2026-Q1", "2026-04"]);
        assert_eq!(names[14..], ["2026-12", "2026-Q4", "2026"]);
        let parts = |text: &str| {
            let period: Period = text.parse().unwrap();
            period.parts().map(|part| part.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(parts("2026-Q2"), ["2026-04", "2026-05", "2026-06"]);
        assert_eq!(parts("2026"), ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]);
        assert!(parts("2026-05").is_empty());
    }
}
