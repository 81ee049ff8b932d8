//! Hours in and out, judged by programs of others and over the real sites.

mod calendars;
mod edits;
mod reading;
mod real;
mod writing;

use std::sync::Arc;

use chrono::NaiveDate;
use compact_calendar::CompactCalendar;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};

use crate::document::register::{Author, Facts, Stamp};
use crate::document::schedule::slot::union;
use crate::document::schedule::{Interval, Place, Where};
use crate::schedule::calendar::Known;
use crate::schedule::plan::{Surroundings, plan};
use crate::schedule::{Calendar, Schedule, edit};
use crate::time::Day;

pub(super) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn stamp() -> Stamp {
    Stamp { author: Author::List, day: day("2024-08-01") }
}

/// The lists of holidays that are kept beside the schedule.
fn calendar() -> Calendar {
    let file = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
        csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut calendar = Calendar::default();
    for row in file("holidays.csv") {
        calendar.add_public(&row[0], day(&row[1]), &row[2]);
    }
    for row in file("school_holidays.csv") {
        let (from, until) = (day(&row[2]), day(&row[3]));
        let holiday =
            crate::schedule::calendar::SchoolHoliday { from, until, name: row[1].into(), population: row[4].into() };
        calendar.add_school(&row[0], &holiday);
    }
    calendar
}

fn around<'a>(calendar: &'a Calendar, holiday_zone: &'a str, school_zone: &'a str) -> Surroundings<'a> {
    Surroundings { calendar, holiday_zone, school_zone, closures: &[] }
}

/// A calendar that knows the years and has no holiday in them.
fn no_holidays(years: std::ops::RangeInclusive<i16>) -> Calendar {
    let mut calendar = Calendar::default();
    for year in years {
        calendar.put_public_year(&crate::schedule::calendar::PublicYear { zone: "none".into(), year, days: vec![] });
    }
    calendar
}

/// The schedule that a text makes, from a day on.
fn scheduled(text: &str, from: Day) -> Schedule {
    let read = super::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut edits = edit::set_hours(&Schedule::default(), &stamp(), from, &Place::Site, &read.rules).unwrap();
    for (days, exception) in &read.exceptions {
        let at = Where::At(Place::Site);
        edits.extend(edit::except(&Schedule::default(), &stamp(), *days, &at, exception).unwrap());
    }
    schedule(edits)
}

fn schedule(edits: Vec<(String, String)>) -> Schedule {
    for (key, value) in &edits {
        crate::document::schedule::admits(key, value).unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
    }
    let facts: Facts = edits.into_iter().map(|(key, value)| (key, vec![value])).collect();
    Schedule::read(&facts)
}

/// A text as the program of others reads it, with the days that it shall take for holidays.
fn judge(text: &str, public: &[Day], school: &[Day]) -> OpeningHours {
    let days = |days: &[Day]| Arc::new(days.iter().map(|day| naive(*day)).collect::<CompactCalendar>());
    let holidays = ContextHolidays::new(days(public), days(school));
    let parsed: OpeningHours = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    parsed.with_context(Context::default().with_holidays(holidays))
}

fn naive(day: Day) -> NaiveDate {
    let date = day.date();
    NaiveDate::from_ymd_opt(date.year().into(), date.month() as u32, date.day() as u32).unwrap()
}

/// When it is open on a day.
fn open_on(hours: &OpeningHours, day: Day) -> Vec<Interval> {
    let ranges = hours.schedule_at(naive(day)).into_iter().filter(|range| range.kind == RuleKind::Open);
    union(ranges.map(|range| {
        Interval::new(range.range.start.mins_from_midnight(), range.range.end.mins_from_midnight().min(1_440)).unwrap()
    }))
}

fn days(from: Day, count: i32) -> impl Iterator<Item = Day> {
    (0..count).map(move |n| from.plus_days(n))
}

/// The days that are public holidays in a zone.
fn public_days(calendar: &Calendar, zone: &str, from: Day, count: i32) -> Vec<Day> {
    days(from, count).filter(|day| matches!(calendar.public(zone, *day), Known::Yes(Some(_)))).collect()
}

/// That a text is open exactly when the plan says so, with what it says where they differ.
fn assert_told(text: &str, schedule: &Schedule, from: Day, around: &Surroundings<'_>) {
    let judged = judge(text, &[], &[]);
    for day in days(from, super::write::DAYS) {
        let plan = plan(schedule, day, around);
        assert_eq!(open_on(&judged, day), plan.intervals(), "{day} by {text}: {plan:?}");
    }
}
