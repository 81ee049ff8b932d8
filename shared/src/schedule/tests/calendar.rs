//! Holidays, missing years, clocks.

use super::super::calendar::{GOOD_FRIDAY, Known, SchoolHoliday, good_friday};
use super::super::instant::{Instant, open_now};
use super::*;
use crate::time::SiteZone;

/// The lists that the hub reads, read here as the hub does.
pub(super) fn published() -> Calendar {
    let mut calendar = Calendar::default();
    let holidays = csv::Reader::from_reader(include_bytes!("../../../data/holidays.csv").as_slice());
    for row in holidays.into_records().map(|row| row.unwrap()) {
        calendar.add_public(&row[0], day(&row[1]), &row[2]);
    }
    let school = csv::Reader::from_reader(include_bytes!("../../../data/school_holidays.csv").as_slice());
    for row in school.into_records().map(|row| row.unwrap()) {
        let (name, population) = (row[1].into(), row[4].into());
        calendar.add_school(&row[0], &SchoolHoliday { from: day(&row[2]), until: day(&row[3]), name, population });
    }
    calendar
}

#[test]
fn good_friday_is_two_days_before_easter() {
    let calendar = published();
    for year in 2018..=2031 {
        let friday = good_friday(year).unwrap();
        assert_eq!(calendar.public("alsace-moselle", friday), Known::Yes(Some(GOOD_FRIDAY)), "{year}");
        assert_eq!(calendar.public("metropole", friday.plus_days(3)), Known::Yes(Some("Lundi de Pâques")), "{year}");
    }
    // The earliest and the latest Easter of the calendar's years.
    assert_eq!(good_friday(2008), Some(day("2008-03-21")));
    assert_eq!(good_friday(2038), Some(day("2038-04-23")));
}

#[test]
fn a_house_decides_for_itself_whether_it_opens_on_good_friday() {
    let friday = ("hours|2026-01-01|every|fr|-", "09:00-12:00");
    let by = |rules: &[(&str, &str)], zone: &str| shown(&plan_in(zone, &read(rules), &[], "2026-04-03"));
    let with = |rule| [friday, ("rule|good-friday", rule)];
    assert_eq!(
        (by(&[friday], "metropole"), by(&[friday], "alsace-moselle")),
        ("open 09:00-12:00".into(), "shut".into())
    );
    assert_eq!(
        (by(&with("closed"), "metropole"), by(&with("closed"), "alsace-moselle")),
        ("shut".into(), "shut".into())
    );
    assert_eq!(
        (by(&with("open"), "metropole"), by(&with("open"), "alsace-moselle")),
        ("open 09:00-12:00".into(), "open 09:00-12:00".into())
    );
    assert_eq!(by(&with("-"), "alsace-moselle"), "shut");
    let torn = [friday, ("rule|good-friday", "open"), ("rule|good-friday", "closed")];
    assert_eq!(by(&torn, "metropole"), "conflict [shut][open 09:00-12:00]");
    assert_eq!(on(&torn, "2026-04-10"), "open 09:00-12:00", "any other Friday");
    let plan = plan_in("metropole", &read(&with("closed")), &[], "2026-04-03");
    assert_eq!(plan.public_holiday.as_deref(), Some(GOOD_FRIDAY));
}

#[test]
fn a_year_without_data_says_so() {
    let rules = [("hours|2000-01-01|every|tu|-", "09:00-12:00"), ("hours|2000-01-01|every|th|-", "09:00-12:00")];
    let plan = plan_of(&rules, "2031-12-25");
    assert_eq!((plan.calendar_missing.public, plan.calendar_missing.school), (true, false));
    assert_eq!((plan.state, plan.why[0].kind), (DayState::Unknown, WhyKind::NoCalendar), "it may be a holiday");
    assert_eq!(plan_of(&rules, "2031-12-23").state, DayState::Open, "no zone has a holiday on this day");
    assert_eq!(plan_of(&rules, "2031-12-24").state, DayState::Shut, "no rule speaks of it, whatever it is");
    assert!(!plan_of(&rules, "2030-12-24").calendar_missing.public);
    let school = [rules[0], ("hours|2000-01-01|school|tu|-", "closed")];
    assert!(!plan_of(&school, "2026-02-17").calendar_missing.school);
    assert!(plan_of(&school, "2028-02-17").calendar_missing.school);
    assert_eq!(plan_of(&school, "2028-02-16").state, DayState::Shut, "no Wednesday depends on it");
    assert_eq!(plan_of(&school, "2028-02-22").state, DayState::Unknown);
    // 2027 is there, up to the day on which school begins again after Christmas.
    assert!(!plan_of(&school, "2026-12-31").calendar_missing.school);
    assert!(plan_of(&school, "2027-01-05").calendar_missing.school);
}

#[test]
fn published_school_years_are_whole_up_to_the_last() {
    let calendar = published();
    let known = |zone: &str, on: &str| calendar.school(zone, "metropole", day(on));
    assert_eq!(known("B", "2026-02-14"), Known::Yes(Some("Vacances d'Hiver")));
    assert_eq!(known("B", "2026-03-02"), Known::Yes(None), "the day on which school begins again");
    assert_eq!(known("B", "2027-07-03"), Known::Yes(Some("Début des Vacances d'Été")));
    assert_eq!(known("B", "2027-07-04"), Known::Missing, "its end is not published");
    assert_eq!(known("Z", "2026-02-14"), Known::Missing);
    for zone in ["A", "B", "C"] {
        let mut at = day("2018-01-01");
        while at < day("2027-07-04") {
            assert_ne!(calendar.school(zone, "metropole", at), Known::Missing, "{zone} {at}");
            at = at.plus_days(1);
        }
    }
}

#[test]
fn islands_that_share_a_school_zone_are_told_apart() {
    let mut calendar = Calendar::default();
    for (from, until, population) in [
        ("2025-12-20", "2026-01-05", ""),
        ("2026-05-26", "2026-05-27", "Saint-Martin"),
        ("2026-05-27", "2026-05-28", "Guadeloupe sauf Saint-Martin"),
        ("2026-10-09", "2026-10-10", "Saint-Barthélémy"),
        ("2026-12-19", "2027-01-04", "Élèves du premier degré"),
    ] {
        let holiday =
            SchoolHoliday { from: day(from), until: day(until), name: "x".into(), population: population.into() };
        calendar.add_school("Guadeloupe", &holiday);
    }
    let free = |on: &str| {
        ["guadeloupe", "saint-martin", "saint-barthelemy"]
            .map(|island| calendar.school("Guadeloupe", island, day(on)) == Known::Yes(Some("x")))
    };
    assert_eq!(free("2026-01-02"), [true, true, true]);
    assert_eq!(free("2026-05-26"), [false, true, false]);
    assert_eq!(free("2026-05-27"), [true, false, true]);
    assert_eq!(free("2026-10-09"), [false, false, true]);
    assert_eq!(free("2026-12-24"), [true, true, true]);
}

#[test]
fn years_travel_one_zone_at_a_time() {
    let calendar = published();
    let mut machine = Calendar::default();
    for year in 2025..=2027 {
        let bytes = crate::reference::to_bytes(&calendar.public_year("metropole", year).unwrap());
        machine.put_public_year(&crate::reference::from_bytes(&bytes).unwrap());
        let bytes = crate::reference::to_bytes(&calendar.school_year("B", year).unwrap());
        assert!(bytes.len() < 1_024, "{} bytes", bytes.len());
        machine.put_school_year(&crate::reference::from_bytes(&bytes).unwrap());
    }
    let mut at = day("2025-01-01");
    while at < day("2028-01-01") {
        assert_eq!(machine.public("metropole", at), calendar.public("metropole", at), "{at}");
        assert_eq!(machine.school("B", "metropole", at), calendar.school("B", "metropole", at), "{at}");
        at = at.plus_days(1);
    }
    assert_eq!(machine.public("metropole", day("2028-01-01")), Known::Missing);
    assert_eq!(machine.public("martinique", day("2026-01-01")), Known::Missing);
    assert_eq!(
        machine.public_years().collect::<Vec<_>>(),
        [("metropole", 2025), ("metropole", 2026), ("metropole", 2027)]
    );
    assert_eq!(machine.school_years().count(), 3);

    // Values are replaced whole, and impossible days in them are ignored.
    let mut value = calendar.public_year("metropole", 2026).unwrap();
    value.days =
        vec![(i32::MIN, "x".to_owned()), (0, "x".to_owned()), (day("2026-01-01").number(), "1er janvier".to_owned())];
    machine.put_public_year(&value);
    assert_eq!(machine.public("metropole", day("2026-05-01")), Known::Yes(None));
    assert_eq!(machine.public("metropole", day("2026-01-01")), Known::Yes(Some("1er janvier")));
}

#[test]
fn clock_changes_do_not_move_a_day_and_a_time_leapt_over_is_an_hour_later() {
    let paris: SiteZone = "Europe/Paris".parse().unwrap();
    let local = |text: &str| Instant::local(text.parse().unwrap(), &paris);
    let at = |on: &str, hour: u16, minute: u16| Instant { day: day(on), minute: hour * 60 + minute };
    assert_eq!(local("2026-03-29T02:30"), at("2026-03-29", 3, 30), "the clock leaps from 2 to 3");
    assert_eq!(local("2026-10-25T02:30"), at("2026-10-25", 2, 30), "the clock shows it twice");
    assert_eq!(local("2026-12-24T10:00"), at("2026-12-24", 10, 0));
    assert_eq!(Instant::at("2026-03-28T23:30:00Z".parse().unwrap(), &paris), at("2026-03-29", 0, 30));
    let miquelon: SiteZone = "America/Miquelon".parse().unwrap();
    assert_eq!(Instant::at("2026-03-29T01:30:00Z".parse().unwrap(), &miquelon), at("2026-03-28", 23, 30));

    // A Sunday's hours are the same on the wall, whether the night had 23 or 25 hours.
    let sundays = [("hours|2026-01-01|every|su|-", "00:00-04:00,09:00-12:00")];
    for sunday in ["2026-03-22", "2026-03-29", "2026-10-25"] {
        let plan = plan_of(&sundays, sunday);
        assert_eq!((shown(&plan), plan.minutes()), ("open 00:00-04:00,09:00-12:00".to_owned(), Some(420)), "{sunday}");
        let open = |hour: u16| open_now(&plan, Instant { day: plan.day, minute: hour * 60 });
        assert_eq!((open(3), open(4), open(11), open(12)), (Now::Open, Now::Shut, Now::Open, Now::Shut));
    }
    let plan = plan_of(&sundays, "2026-03-29");
    assert_eq!(open_now(&plan, at("2026-03-30", 10, 0)), Now::Unknown, "not the day that was planned");
}

#[test]
fn each_published_public_holiday_is_one_that_may_be() {
    let holidays = csv::Reader::from_reader(include_bytes!("../../../data/holidays.csv").as_slice());
    for row in holidays.into_records().map(|row| row.unwrap()) {
        assert!(super::super::calendar::may_be_public(day(&row[1])), "{row:?}");
    }
    let year = (0..365).map(|n| day("2027-01-01").plus_days(n));
    assert_eq!(year.filter(|day| super::super::calendar::may_be_public(*day)).count(), 20, "and few others");
}
