use super::day_plan::*;
use super::*;
use crate::document::register::Stamp;
use crate::document::schedule::slot::clock;
use crate::document::schedule::{Interval, Reason};
use closures::NetworkClosure;
use plan::Surroundings;

mod calendar;
mod contradictions;
mod exceptions;
mod people;
mod precedence;
pub(crate) mod properties;
mod year;

/// Facts of these keys and bodies; a key that stands twice has two values, of two authors.
pub(crate) fn facts(pairs: &[(&str, &str)]) -> Facts {
    let authors = ["device:5f1e0c9a12b4d677", "department:49", "national"];
    let mut facts = Facts::new();
    for (key, body) in pairs {
        let values = facts.entry((*key).to_owned()).or_default();
        values.push(format!("{}|2026-11-20|{body}", authors[values.len() % 3]));
    }
    facts
}

pub(crate) fn stamp() -> Stamp {
    Stamp { author: "site:275".parse().unwrap(), day: day("2026-11-20") }
}

pub(crate) fn read(pairs: &[(&str, &str)]) -> Schedule {
    let schedule = Schedule::read(&facts(pairs));
    assert_eq!(schedule.unreadable(), []);
    schedule
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// The public holidays of 2020 to 2030 in France and in Alsace, and one winter's school holidays.
pub(crate) fn known() -> Calendar {
    let mut calendar = Calendar::default();
    for year in 2020..=2030 {
        for (date, name) in [("01-01", "1er janvier"), ("05-01", "1er mai"), ("12-25", "Jour de Noël")] {
            calendar.add_public("metropole", day(&format!("{year}-{date}")), name);
            calendar.add_public("alsace-moselle", day(&format!("{year}-{date}")), name);
        }
        calendar.add_public(
            "alsace-moselle",
            super::calendar::good_friday(year).unwrap(),
            super::calendar::GOOD_FRIDAY,
        );
    }
    for (from, until, name) in [
        ("2025-12-20", "2026-01-05", "Vacances de Noël"),
        ("2026-02-14", "2026-03-02", "Vacances d'Hiver"),
        ("2026-12-19", "2027-01-04", "Vacances de Noël"),
    ] {
        let (name, population) = (name.into(), "".into());
        let holiday = super::calendar::SchoolHoliday { from: day(from), until: day(until), name, population };
        calendar.add_school("B", &holiday);
    }
    calendar
}

fn plan_in(zone: &str, schedule: &Schedule, closures: &[NetworkClosure], on: &str) -> DayPlan {
    let calendar = known();
    let around = Surroundings { calendar: &calendar, holiday_zone: zone, school_zone: "B", closures };
    plan(schedule, day(on), &around)
}

fn plan_of(pairs: &[(&str, &str)], on: &str) -> DayPlan {
    plan_in("metropole", &read(pairs), &[], on)
}

/// A plan in a line: `open 09:00-12:00,14:00-17:00@mairie`, `shut`, `conflict [shut][open …]`.
fn shown(plan: &DayPlan) -> String {
    let state = format!("{:?}", plan.state).to_lowercase();
    let openings = plan.openings.iter().map(|opening| match &opening.place {
        Place::Site => opening.interval.to_string(),
        place @ Place::Named(_) => format!("{}@{place}", opening.interval),
    });
    let openings: Vec<String> = openings.collect();
    let versions: String = plan.versions.iter().map(|version| format!("[{}]", shown(&version.plan))).collect();
    format!("{state} {}{versions}", openings.join(",")).trim_end().to_owned()
}

/// What a day of these facts is, in a line.
fn on(pairs: &[(&str, &str)], day: &str) -> String {
    shown(&plan_of(pairs, day))
}
