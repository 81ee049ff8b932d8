//! How long a year of plans takes: printed, never asserted.

use std::time::Instant;

use super::calendar::published;
use super::*;

#[test]
fn a_year_of_plans_is_made_from_five_years_of_facts() {
    let mut facts = Facts::new();
    for year in 2022..=2026 {
        for weekday in Weekday::ALL {
            facts.insert(
                format!("hours|{year}-03-01|every|{weekday}|-"),
                vec!["list|2026-01-01|09:00-12:00,14:00-17:30".to_owned()],
            );
        }
        for month in 1..=12 {
            facts.insert(
                format!("on|{year}-{month:02}-02..{year}-{month:02}-02|-"),
                vec!["list|2026-01-01|closed|training".to_owned()],
            );
        }
        for operator in ["CNAF", "CNAM", "DGFIP"] {
            facts.insert(
                format!("permanence|{year}-01-01|{operator}|2nd|tu|-"),
                vec!["list|2026-01-01|09:00-12:00".to_owned()],
            );
        }
    }
    facts.insert("hours|2022-01-01|school|mo|-".to_owned(), vec!["list|2026-01-01|closed".to_owned()]);
    let began = Instant::now();
    let schedule = Schedule::read(&facts);
    let read = began.elapsed();
    let calendar = published();
    let around = Surroundings { calendar: &calendar, holiday_zone: "metropole", school_zone: "B", closures: &[] };
    let began = Instant::now();
    let mut open = 0;
    let mut at = day("2026-01-01");
    while at < day("2027-01-01") {
        open += u32::from(plan(&schedule, at, &around).opens() == Some(true));
        at = at.plus_days(1);
    }
    println!("{} facts read in {read:?}; a year of plans in {:?}; open on {open} days", facts.len(), began.elapsed());
    // 365 days less 11 public holidays, one of them the day of training in May… of January: and
    // the Mondays of the school holidays.
    assert!((300..340).contains(&open), "{open}");
}
