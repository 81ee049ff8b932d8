//! Which of the weekly rules decides a day.

use super::*;

const MONDAYS: (&str, &str) = ("hours|2026-01-01|every|mo|-", "09:00-12:00");

#[test]
fn the_most_specific_variant_decides() {
    let rules = [
        MONDAYS,
        ("hours|2026-01-01|odd|mo|-", "01:00-02:00"),
        ("hours|2026-01-01|even|mo|-", "02:00-03:00"),
        ("hours|2026-01-01|1st|mo|-", "03:00-04:00"),
        ("hours|2026-01-01|5th|mo|-", "04:00-05:00"),
        ("hours|2026-01-01|last|mo|-", "05:00-06:00"),
        ("hours|2026-01-01|school|mo|-", "06:00-07:00"),
        ("hours|2026-01-01|02-01..02-28|mo|-", "07:00-08:00"),
        ("hours|2026-01-01|2026-02-23..2026-02-24|mo|-", "08:00-09:00"),
        ("hours|2026-01-01|holiday|-|-", "10:00-11:00"),
    ];
    for (on_day, hours, why) in [
        ("2026-02-23", "08:00-09:00", "a dated range"),
        ("2026-02-16", "07:00-08:00", "a range of each year, in the school holidays"),
        ("2026-12-21", "06:00-07:00", "school holidays"),
        ("2026-12-28", "06:00-07:00", "school holidays before the last Monday"),
        ("2026-11-30", "05:00-06:00", "the last Monday, which is the fifth"),
        ("2026-11-02", "03:00-04:00", "the first Monday"),
        ("2026-11-09", "02:00-03:00", "week 46"),
        ("2026-11-16", "01:00-02:00", "week 47"),
        ("2023-05-01", "", "before everything"),
    ] {
        let expected = if hours.is_empty() { "unknown".to_owned() } else { format!("open {hours}") };
        assert_eq!(on(&rules, on_day), expected, "{why}");
    }
    assert_eq!(on(&rules, "2028-05-01"), "open 10:00-11:00", "a public holiday on a Monday");
    assert_eq!(on(&rules[..9], "2028-05-01"), "shut", "a public holiday without a rule");
    assert_eq!(on(&rules[..1], "2026-11-16"), "open 09:00-12:00");
}

#[test]
fn the_narrowest_range_decides_then_the_later() {
    let rules = [
        MONDAYS,
        ("hours|2026-01-01|2026-07-01..2026-08-31|mo|-", "08:00-13:00"),
        ("hours|2026-01-01|2026-07-13..2026-07-19|mo|-", "closed"),
        ("hours|2026-01-01|2026-08-01..2026-08-14|mo|-", "10:00-11:00"),
        ("hours|2026-01-01|2026-08-08..2026-08-21|mo|-", "11:00-12:00"),
        ("hours|2026-01-01|12-20..01-05|mo|-", "15:00-16:00"),
        ("hours|2026-01-01|01-04..01-20|mo|-", "16:00-17:00"),
    ];
    assert_eq!(on(&rules, "2026-07-06"), "open 08:00-13:00");
    assert_eq!(on(&rules, "2026-07-13"), "shut");
    assert_eq!(on(&rules, "2026-08-10"), "open 11:00-12:00");
    assert_eq!(on(&rules, "2026-12-28"), "open 15:00-16:00");
    assert_eq!(on(&rules, "2027-01-04"), "open 16:00-17:00", "as narrow, and begins later");
    assert_eq!(on(&rules, "2026-11-23"), "open 09:00-12:00");
}

#[test]
fn odd_and_even_are_parity_so_week_1_follows_week_53_odd() {
    let rules = [("hours|2020-01-01|odd|tu|-", "09:00-12:00"), ("hours|2020-01-01|even|tu|-", "closed")];
    // 2026 has 53 weeks: 29 December lies in week 53, 5 January in week 1.
    assert_eq!(on(&rules, "2026-12-22"), "shut");
    assert_eq!(on(&rules, "2026-12-29"), "open 09:00-12:00");
    assert_eq!(on(&rules, "2027-01-05"), "open 09:00-12:00");
    assert_eq!(on(&rules, "2027-01-12"), "shut");
    // 2024-12-31 lies in week 1 of 2025.
    assert_eq!(on(&rules, "2024-12-31"), "open 09:00-12:00");
}

#[test]
fn nth_and_last_weekdays_are_counted_in_their_month() {
    let last = [("hours|2020-01-01|last|sa|-", "09:00-12:00"), ("hours|2020-01-01|every|sa|-", "closed")];
    for (saturday, open) in [
        ("2026-02-28", true),
        ("2026-02-21", false),
        ("2028-02-26", true),
        ("2026-10-31", true),
        ("2026-10-24", false),
        ("2026-11-28", true),
    ] {
        assert_eq!(plan_of(&last, saturday).opens(), Some(open), "{saturday}");
    }
    let third = [("hours|2020-01-01|3rd|we|-", "09:00-12:00"), ("hours|2020-01-01|every|we|-", "closed")];
    for (wednesday, open) in [("2026-04-15", true), ("2026-07-15", true), ("2026-04-08", false), ("2026-04-22", false)]
    {
        assert_eq!(plan_of(&third, wednesday).opens(), Some(open), "{wednesday}");
    }
}

#[test]
fn what_was_valid_before_stays_readable() {
    let rules = [
        MONDAYS,
        ("hours|2026-06-01|every|mo|-", "10:00-13:00"),
        ("hours|2026-09-01|every|mo|-", "-"),
        ("hours|2026-01-01|odd|mo|-", "08:00-09:00"),
        ("hours|2026-03-01|odd|mo|-", "-"),
        ("hours|2026-01-01|every|tu|-", "09:00-12:00"),
    ];
    assert_eq!(on(&rules, "2025-12-29"), "unknown");
    assert_eq!(on(&rules, "2026-02-09"), "open 08:00-09:00", "week 7");
    assert_eq!(on(&rules, "2026-03-09"), "open 09:00-12:00", "week 11: the variant says nothing from March on");
    assert_eq!(on(&rules, "2026-05-25"), "open 09:00-12:00");
    assert_eq!(on(&rules, "2026-06-01"), "open 10:00-13:00");
    assert_eq!(on(&rules, "2026-09-07"), "shut", "nothing is said of Mondays, and of Tuesdays something is");
    let plan = plan_of(&rules, "2026-09-07");
    assert_eq!(plan.why[0].kind, WhyKind::NoRule);
    let plan = plan_of(&rules, "2026-06-01");
    assert_eq!(
        (plan.why[0].kind, plan.why[0].key.as_deref()),
        (WhyKind::Rule(Variant::Every), Some("hours|2026-06-01|every|mo|-"))
    );
    assert_eq!(plan.why[0].author().unwrap().to_string(), "device:5f1e0c9a12b4d677");
}

#[test]
fn a_house_that_said_no_hours_is_unknown_and_never_shut() {
    assert_eq!(on(&[], "2026-11-23"), "unknown");
    assert_eq!(on(&[], "2026-12-25"), "unknown");
    assert_eq!(on(&[("text", "lundi matin, ou sur RDV")], "2026-11-23"), "unknown");
    let plan = plan_of(&[], "2026-11-23");
    assert_eq!((plan.at(600), plan.minutes(), plan.opens()), (Now::Unknown, None, None));
    assert_eq!(plan.why[0].kind, WhyKind::NoHours);
    let extra = [("on|2026-11-23..2026-11-23|-", "extra|event|09:00-12:00")];
    let plan = plan_of(&extra, "2026-11-23");
    assert_eq!((plan.state, plan.at(600), plan.at(800)), (DayState::Unknown, Now::Open, Now::Unknown));
    assert_eq!(on(&[("on|2026-11-23..2026-11-23|*", "closed|strike")], "2026-11-23"), "shut");
    assert_eq!(on(&[("on|2026-11-23..2026-11-23|-", "hours|strike|09:00-12:00")], "2026-11-23"), "open 09:00-12:00");
}

#[test]
fn the_regular_week_is_averaged_over_odd_and_even_weeks() {
    let minutes = |pairs: &[(&str, &str)], on: &str| weekly_minutes(&read(pairs), day(on));
    let mut rules = vec![
        MONDAYS,
        ("hours|2026-01-01|odd|tu|-", "09:00-12:00"),
        ("hours|2026-01-01|even|tu|-", "09:00-10:00"),
        ("hours|2026-01-01|odd|mo|-", "09:00-11:00"),
        ("hours|2026-01-01|1st|we|-", "00:00-24:00"),
        ("hours|2026-01-01|school|mo|-", "closed"),
        ("hours|2026-01-01|every|mo|mairie", "11:00-13:00"),
        ("hours|2026-06-01|every|fr|-", "09:00-10:00"),
    ];
    // Odd: Monday 9-11 and 11-13, Tuesday 3 h. Even: Monday 9-12 and 11-13 overlap, Tuesday 1 h.
    assert_eq!(minutes(&rules, "2026-03-01"), Some((240 + 180 + 240 + 60) / 2));
    assert_eq!(minutes(&rules, "2026-06-01"), Some((240 + 180 + 240 + 60) / 2 + 60));
    assert_eq!(minutes(&rules, "2025-06-01"), None);
    assert_eq!(minutes(&[], "2026-06-01"), None);
    assert_eq!(minutes(&[("hours|2026-01-01|every|mo|-", "closed")], "2026-06-01"), Some(0));
    rules.push(("hours|2026-06-01|every|fr|-", "09:00-11:00"));
    assert_eq!(minutes(&rules, "2026-06-01"), None, "contradicted, and the figure depends on it");
    assert_eq!(minutes(&rules, "2026-03-01"), Some(360), "not yet");
    rules.pop();
    rules.push(("hours|2026-06-01|every|fr|-", "13:00-14:00"));
    assert_eq!(minutes(&rules, "2026-06-01"), Some(420), "contradicted, and the figure does not depend on it");
}

#[test]
fn a_week_with_more_contradictions_than_can_be_worked_out_is_unknown() {
    let keys: Vec<String> = Weekday::ALL.iter().map(|weekday| format!("hours|2026-01-01|every|{weekday}|-")).collect();
    let twice = |keys: &[String]| {
        let both = |key: &String| [(key.clone(), "09:00-12:00".to_owned()), (key.clone(), "14:00-17:00".to_owned())];
        let rules: Vec<(String, String)> = keys.iter().flat_map(both).collect();
        let rules: Vec<(&str, &str)> = rules.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
        weekly_minutes(&read(&rules), day("2026-03-01"))
    };
    assert_eq!(twice(&keys[..6]), Some(6 * 180), "64 combinations, all of the same length");
    assert_eq!(twice(&keys), None);
}
