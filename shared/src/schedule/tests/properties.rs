//! What holds of every plan, whatever the facts.

use proptest::prelude::*;

use super::*;
use crate::document::register::{VALUE_LEN_MAX, conflicts};
use crate::document::schedule::admits;
use crate::document::schedule::tests::any_hours;

fn any_variant() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "every",
        "odd",
        "even",
        "1st",
        "2nd",
        "5th",
        "last",
        "school",
        "02-20..03-10",
        "12-20..01-05",
        "2026-02-01..2026-03-31",
        "2026-03-01..2026-03-07",
    ])
}

pub(crate) fn any_fact() -> impl Strategy<Value = (String, String)> {
    let from = prop::sample::select(vec!["2025-01-01", "2026-02-15", "2026-03-03"]);
    let weekday = prop::sample::select(vec!["mo", "tu", "fr"]);
    let place = prop::sample::select(vec!["-", "mairie"]);
    let range =
        prop::sample::select(vec!["2026-03-02..2026-03-02", "2026-02-24..2026-03-04", "2026-03-01..2026-03-31"]);
    let slots = any_hours().prop_filter("an exception has slots", |hours| !hours.is_closed());
    prop_oneof![
        (from.clone(), any_variant(), weekday.clone(), place.clone(), any_hours())
            .prop_map(|(from, v, w, p, h)| (format!("hours|{from}|{v}|{w}|{p}"), h.to_string())),
        (from, any_variant(), weekday, place.clone(), any_hours())
            .prop_map(|(from, v, w, p, h)| (format!("permanence|{from}|CNAF|{v}|{w}|{p}"), h.to_string())),
        (range, prop::sample::select(vec!["-", "mairie", "*"]), 0..4, slots).prop_map(|(range, p, kind, h)| {
            let body = match kind {
                0 => "closed|works".to_owned(),
                1 => format!("extra|event|{h}"),
                2 => format!("hours|other|{h}"),
                _ => "moved|works|gare|".to_owned(),
            };
            (format!("on|{range}|{p}"), body)
        }),
        Just(("off|2026-03-02|CNAF|-".to_owned(), "cancelled|other".to_owned())),
        (1u8..=3).prop_map(|n| (format!("absence|a{n}"), format!("2026-03-01|2026-03-05|10:00-11:00|{n}|leave"))),
        any_variant().prop_map(|v| (format!("hours|2025-01-01|{v}|mo|-"), "-".to_owned())),
        ("\\PC{0,30}", "\\PC{0,30}"),
    ]
}

fn check(plan: &DayPlan) -> Result<(), TestCaseError> {
    prop_assert!(plan.openings.is_sorted());
    prop_assert!(plan.permanences.windows(2).all(|pair| pair[0].interval <= pair[1].interval));
    prop_assert_eq!(plan.versions.len() >= 2, plan.state == DayState::Conflict);
    match plan.state {
        DayState::Open => prop_assert!(!plan.openings.is_empty() && !plan.why.is_empty()),
        DayState::Shut => prop_assert!(plan.openings.is_empty() && !plan.why.is_empty()),
        DayState::Unknown => prop_assert_eq!(plan.minutes(), None),
        DayState::Conflict => prop_assert!(plan.openings.is_empty() && plan.why.is_empty()),
    }
    let open = plan.intervals();
    prop_assert!(plan.gaps.iter().all(|gap| open.iter().any(|interval| interval.common(*gap) == Some(*gap))));
    for minute in [0, 599, 600, 720, 1_439] {
        let inside = open.iter().any(|interval| interval.contains(minute));
        match plan.at(minute) {
            Now::Open => prop_assert!(inside || plan.state == DayState::Conflict),
            Now::Shut => prop_assert!(!inside),
            Now::Unknown => prop_assert!(plan.state >= DayState::Unknown),
        }
        if plan.state == DayState::Conflict {
            let answers: Vec<Now> = plan.versions.iter().map(|version| version.plan.at(minute)).collect();
            let agreed = answers.iter().all(|answer| *answer == answers[0]);
            prop_assert_eq!(plan.at(minute), if agreed { answers[0] } else { Now::Unknown });
        }
    }
    plan.versions.iter().try_for_each(|version| check(&version.plan))
}

proptest! {
    #[test]
    fn plans_are_consistent_whatever_the_facts(
        facts_of in proptest::collection::vec(any_fact(), 0..24),
        ahead in 0i32..60,
    ) {
        let mut facts = Facts::new();
        for (at, (key, body)) in facts_of.iter().enumerate() {
            facts.entry(key.clone()).or_default().push(format!("region:{at}|2026-01-01|{body}"));
        }
        let schedule = Schedule::read(&facts);
        let on = day("2026-02-10").plus_days(ahead).to_string();
        let plan = plan_in("metropole", &schedule, &[], &on);
        check(&plan)?;
        let _weekly = weekly_minutes(&schedule, day(&on));
        // What is admitted is read, and what is not has no effect.
        for unreadable in schedule.unreadable() {
            prop_assert!(admits(&unreadable.key, &unreadable.value).is_err());
        }
        let admitted: Facts = facts
            .iter()
            .map(|(key, values)| {
                (key.clone(), values.iter().filter(|value| admits(key, value).is_ok()).cloned().collect::<Vec<_>>())
            })
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let again = plan_in("metropole", &Schedule::read(&admitted), &[], &on);
        prop_assert_eq!(shown(&again), shown(&plan));
    }

    #[test]
    fn settling_every_contradiction_leaves_one_of_the_versions(
        facts_of in proptest::collection::vec(any_fact(), 0..16),
        choice in 0usize..4,
    ) {
        let mut facts = Facts::new();
        for (at, (key, body)) in facts_of.iter().filter(|(key, body)| admits(key, &format!("list|2026-01-01|{body}")).is_ok()).enumerate() {
            facts.entry(key.clone()).or_default().push(format!("region:{at}|2026-01-01|{body}"));
        }
        let before = plan_in("metropole", &Schedule::read(&facts), &[], "2026-03-02");
        for conflict in conflicts(&facts) {
            let (_, chosen) = &conflict.versions[choice % conflict.versions.len()];
            let [(key, value)] = &crate::document::register::settle(&facts, &stamp(), &conflict.key, chosen).unwrap()[..] else {
                return Err(TestCaseError::fail("settling is one fact"));
            };
            prop_assert!(value.len() <= VALUE_LEN_MAX);
            facts.insert(key.clone(), vec![value.clone()]);
        }
        let after = plan_in("metropole", &Schedule::read(&facts), &[], "2026-03-02");
        prop_assert!(after.state != DayState::Conflict);
        if before.state == DayState::Conflict && before.versions.iter().all(|version| !version.choices.is_empty()) {
            prop_assert!(before.versions.iter().any(|version| version.plan.says_the_same(&after)));
        }
    }
}
