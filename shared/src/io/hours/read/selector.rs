//! The days that one rule of a text selects, as conditions that a schedule knows.
//!
//! A rule holds on a day when each of its groups has a condition that does. Selectors without a
//! counterpart (Easter, ranges of weeks, days counted from a holiday) are obstacles, not guesses.

use std::ops::RangeInclusive;

use opening_hours_syntax::rules::day::{
    Date, DateOffset, DaySelector, HolidayKind, Month, MonthdayRange, WeekDayRange, WeekRange, Year, YearRange,
};

use super::Obstacle;
use crate::document::schedule::{Nth, Variant, Weekday, YearDay};
use crate::time::Day;

/// The years that days have.
const YEARS: RangeInclusive<i32> = 2000..=2099;
/// The number of the last ISO week that a year can have.
const WEEK_LAST: u8 = 53;

/// When one rule holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Days {
    /// Years, days of the year, parity of the week: of each group one must hold.
    groups: Vec<Vec<Variant>>,
    /// Weekdays, each with the variants that narrow it; empty for all.
    weekdays: Vec<(Weekday, Vec<Variant>)>,
    /// Whether public holidays are named.
    pub(super) public: bool,
    /// Whether school holidays are named.
    pub(super) school: bool,
    /// Whether weekdays beside a holiday narrow it (`SH Mo-Fr`) instead of adding to it (`PH,Su`).
    narrowing: bool,
}

/// A day, and what it is at the site.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) day: Day,
    pub(super) school: bool,
    pub(super) public: bool,
}

impl Days {
    /// Reads a selector. `narrowing` says how the text writes weekdays beside holidays.
    pub(super) fn read(selector: &DaySelector, narrowing: bool) -> Result<Self, Obstacle> {
        let mut days = Self { narrowing, ..Self::default() };
        let years = selector.year.iter().map(year).collect::<Result<Vec<_>, _>>()?;
        let dates = selector.monthday.iter().map(monthday).collect::<Result<Vec<_>, _>>()?;
        match (years.as_slice(), dates.is_empty()) {
            // `2026 Jul-Aug`: one condition, and a dated one.
            ([Variant::Dated(from, to)], false) if from.date().year() == to.date().year() => {
                days.group(dates.into_iter().map(|date| in_year(date, *from)))?;
            }
            _ => {
                days.group(years.into_iter().map(Ok))?;
                days.group(dates.into_iter().map(Ok))?;
            }
        }
        days.group(selector.week.iter().map(week))?;
        for range in &selector.weekday {
            match range {
                WeekDayRange::Holiday { offset: 0, kind: HolidayKind::Public } => days.public = true,
                WeekDayRange::Holiday { offset: 0, kind: HolidayKind::School } => days.school = true,
                WeekDayRange::Fixed { range, offset: 0, nth_from_start, nth_from_end } => {
                    let variants = nth(nth_from_start, nth_from_end)?;
                    days.weekdays.extend(between(range).into_iter().map(|weekday| (weekday, variants.clone())));
                }
                WeekDayRange::Holiday { .. } | WeekDayRange::Fixed { .. } => return Err(Obstacle::DayOffset),
            }
        }
        if days.public && days.school {
            return Err(Obstacle::Holidays);
        }
        Ok(days)
    }

    fn group(&mut self, conditions: impl Iterator<Item = Result<Variant, Obstacle>>) -> Result<(), Obstacle> {
        let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
        if !conditions.is_empty() {
            self.groups.push(conditions);
        }
        Ok(())
    }

    /// Whether the rule holds.
    pub(super) fn hold(&self, at: At) -> bool {
        let holds = |variant: &Variant| variant.weight(at.day, at.school).is_some();
        let on_weekday = || {
            let today = Weekday::of(at.day);
            let narrowed = |narrow: &Vec<Variant>| narrow.is_empty() || narrow.iter().any(holds);
            self.weekdays.iter().any(|(weekday, narrow)| *weekday == today && narrowed(narrow))
        };
        let on_holiday = || (self.public && at.public) || (self.school && at.school);
        let small = match (self.public || self.school, self.weekdays.is_empty()) {
            (false, true) => true,
            (false, false) => on_weekday(),
            (true, true) => on_holiday(),
            (true, false) if self.narrowing => on_holiday() && on_weekday(),
            (true, false) => on_holiday() || on_weekday(),
        };
        small && self.groups.iter().all(|group| group.iter().any(holds))
    }

    /// The conditions that have a say on a weekday.
    pub(super) fn variants(&self, weekday: Weekday) -> Vec<Variant> {
        let named = self.weekdays.iter().any(|(named, _)| *named == weekday);
        let holidays_add = (self.public || self.school) && !self.narrowing;
        if !(named || self.weekdays.is_empty() || holidays_add) {
            return Vec::new();
        }
        let narrow = self.weekdays.iter().filter(|(named, _)| *named == weekday).flat_map(|(_, narrow)| narrow);
        let school = self.school.then_some(&Variant::School);
        self.groups.iter().flatten().chain(narrow).chain(school).copied().collect()
    }
}

fn between(range: &RangeInclusive<opening_hours_syntax::rules::day::Weekday>) -> Vec<Weekday> {
    let index = |weekday: &opening_hours_syntax::rules::day::Weekday| weekday.num_days_from_monday() as usize;
    let (from, to) = (index(range.start()), index(range.end()));
    let to = if to < from { to + 7 } else { to };
    (from..=to).map(|at| Weekday::ALL[at % 7]).collect()
}

/// Which weeks of the month: none for all of them.
fn nth(from_start: &[bool; 5], from_end: &[bool; 5]) -> Result<Vec<Variant>, Obstacle> {
    if from_start.iter().all(|chosen| *chosen) {
        return Ok(Vec::new());
    }
    if from_end[1..].contains(&true) {
        return Err(Obstacle::FromTheEnd);
    }
    let chosen = (1..=5).zip(from_start).filter(|(_, chosen)| **chosen);
    let mut variants: Vec<Variant> = chosen.filter_map(|(n, _)| Nth::new(n)).map(Variant::Nth).collect();
    variants.extend(from_end[0].then_some(Variant::Last));
    Ok(variants)
}

fn week(range: &WeekRange) -> Result<Variant, Obstacle> {
    let (weeks, step) = range.clone().into_parts();
    match (weeks.start().0, weeks.end().0, step) {
        (1, WEEK_LAST, 1) => Ok(Variant::Every),
        (1, WEEK_LAST, 2) => Ok(Variant::Odd),
        // Week 53 is odd: it makes no difference to the even ones.
        (2, 52 | WEEK_LAST, 2) => Ok(Variant::Even),
        _ => Err(Obstacle::Weeks),
    }
}

fn year(range: &YearRange) -> Result<Variant, Obstacle> {
    let (years, step) = range.into_parts();
    if step != 1 {
        return Err(Obstacle::Years);
    }
    dated(first_of(*years.start(), 1, 1)?, first_of(until(*years.end()), 12, 31)?)
}

fn monthday(range: &MonthdayRange) -> Result<Variant, Obstacle> {
    match range {
        MonthdayRange::Month { range, year } => {
            let (from, to) = (*range.start(), *range.end());
            match year {
                None => Ok(Variant::Yearly(year_day(from, 1)?, year_day(to, last_of(to))?)),
                Some(year) => {
                    let end = if to < from { Year(year.0 + 1) } else { *year };
                    let next = day_of(end, to, 1)?.month().last_day();
                    dated(day_of(*year, from, 1)?, next)
                }
            }
        }
        MonthdayRange::Date { start: (start, start_offset), end: (end, end_offset) } => {
            if *start_offset != DateOffset::default() || *end_offset != DateOffset::default() {
                return Err(Obstacle::DayOffset);
            }
            dates(start, end)
        }
    }
}

fn dates(start: &Date, end: &Date) -> Result<Variant, Obstacle> {
    let (Date::Fixed { year, month, day }, Date::Fixed { year: end_year, month: end_month, day: end_day }) =
        (start, end)
    else {
        return Err(Obstacle::MovingDate);
    };
    match (year, end_year) {
        (None, None) => Ok(Variant::Yearly(year_day(*month, *day)?, year_day(*end_month, *end_day)?)),
        (None, Some(_)) => Err(Obstacle::Years),
        (Some(year), None) => {
            let over = (*end_month, *end_day) < (*month, *day);
            let end_year = if over { Year(year.0 + 1) } else { *year };
            dated(day_of(*year, *month, *day)?, day_of(end_year, *end_month, *end_day)?)
        }
        (Some(year), Some(end_year)) => {
            dated(day_of(*year, *month, *day)?, day_of(until(*end_year), *end_month, *end_day)?)
        }
    }
}

/// Days of every year, in one only.
fn in_year(date: Variant, year: Day) -> Result<Variant, Obstacle> {
    let Variant::Yearly(from, to) = date else { return Err(Obstacle::Years) };
    let in_year = |at: YearDay| {
        let text = format!("{:04}-{at}", year.date().year());
        // A month of February is written to its 29th, which few years have.
        let leap = || format!("{:04}-02-28", year.date().year()).parse().ok().filter(|_| at.to_string() == "02-29");
        text.parse().ok().or_else(leap).ok_or(Obstacle::NoSuchDay(text))
    };
    dated(in_year(from)?, in_year(to)?)
}

fn dated(from: Day, to: Day) -> Result<Variant, Obstacle> {
    if from <= to { Ok(Variant::Dated(from, to)) } else { Err(Obstacle::InvertedDays(from, to)) }
}

/// An end that is left open is read as the last year that there is.
fn until(year: Year) -> Year {
    if year.0 == 9_999 { Year(*YEARS.end()) } else { year }
}

fn first_of(year: Year, month: i8, day: i8) -> Result<Day, Obstacle> {
    i16::try_from(year.0).ok().and_then(|year| Day::new(year, month, day)).ok_or(Obstacle::Years)
}

fn day_of(year: Year, month: Month, day: u8) -> Result<Day, Obstacle> {
    if !YEARS.contains(&year.0) {
        return Err(Obstacle::Years);
    }
    first_of(year, month as i8, day as i8).map_err(|_| Obstacle::NoSuchDay(format!("{} {month} {day}", year.0)))
}

fn year_day(month: Month, day: u8) -> Result<YearDay, Obstacle> {
    YearDay::new(month as u8, day).ok_or_else(|| Obstacle::NoSuchDay(format!("{month} {day}")))
}

/// The last day that the month has in some year.
fn last_of(month: Month) -> u8 {
    (1..=31).rev().find(|day| YearDay::new(month as u8, *day).is_some()).unwrap_or(1)
}
