//! Text out.

use proptest::prelude::*;

use super::{around, assert_told, calendar, day, schedule, scheduled, stamp};
use crate::document::register::{Author, Facts, Stamp};
use crate::document::schedule::Reason;
use crate::io::hours::write;
use crate::schedule::closures::NetworkClosure;
use crate::schedule::plan::Surroundings;
use crate::schedule::{Calendar, Schedule};

fn written(text: &str) -> String {
    let calendar = calendar();
    let from = day("2026-01-01");
    let schedule = scheduled(text, from);
    let around = around(&calendar, "metropole", "A");
    let written = write(&schedule, from, &around);
    assert_told(&written, &schedule, from, &around);
    written
}

#[test]
fn the_usual_week_comes_first_then_the_dates_that_differ() {
    let usual = "Mo-Fr 09:00-12:00,14:00-17:00; Sa 09:00-12:00";
    assert_eq!(
        written(usual),
        format!(
            "{usual}; 2026 Jan 01,2026 Apr 06,2026 May 01,2026 May 08,2026 May 14,2026 May 25,2026 Jul 14,2026 Aug 15,\
             2026 Nov 11,2026 Dec 25,2027 Jan 01 off"
        )
    );
}

#[test]
fn weeks_of_either_parity_stand_as_such_where_that_is_shorter() {
    let written =
        written("Mo 09:00-12:00; week 01-53/2 Tu 09:00-12:00; week 02-52/2 Th 14:00-17:00 \"sur rendez-vous\"");
    let begins = "Mo 09:00-12:00; week 01-53/2 Tu 09:00-12:00; week 02-52/2 Th 14:00-17:00 \"sur rendez-vous\"; 2026";
    assert!(written.starts_with(begins), "{written}");
}

#[test]
fn a_day_that_may_be_a_holiday_of_a_calendar_that_is_missing_is_not_left_out() {
    let calendar = Calendar::default();
    let from = day("2026-06-01");
    let schedule = scheduled("Mo-Fr 09:00-12:00", from);
    let around = around(&calendar, "metropole", "A");
    let written = write(&schedule, from, &around);
    assert!(written.contains("2026 Dec 25"), "{written}");
    assert!(written.ends_with("unknown \"jour férié ou vacances scolaires non confirmés\""), "{written}");
    assert!(written.starts_with("Mo-Fr 09:00-12:00;") && !written.contains("off"), "{written}");
    assert_told(&written, &schedule, from, &around);
}

#[test]
fn other_hours_for_some_weeks_are_one_range() {
    let written = written(
        "Mo-Fr 09:00-12:00,14:00-17:00; 2026 Jul 20-2026 Aug 14 Mo-Fr 10:00-12:00; 2026 Dec 21-2026 Dec 31 off",
    );
    assert!(written.contains("2026 Jul 20-2026 Aug 14 Mo-Fr 10:00-12:00"), "{written}");
    assert!(written.contains("2026 Dec 21-2027 Jan 01 off"), "{written}");
}

#[test]
fn slots_of_another_access_are_added_with_a_comment() {
    let text = "Mo 09:00-12:00, Mo 14:00-17:00 \"sur rendez-vous\"; 2026 Mar 02 10:00-11:00, 2026 Mar 02 14:00-15:00 \"par téléphone\"";
    let text = written(text);
    assert!(text.starts_with("Mo 09:00-12:00, Mo 14:00-17:00 \"sur rendez-vous\""), "{text}");
    assert!(text.contains("2026 Mar 02 10:00-11:00, 2026 Mar 02 14:00-15:00 \"par téléphone\""), "{text}");
}

#[test]
fn what_is_contradicted_or_not_said_is_never_told_as_open() {
    let calendar = calendar();
    let (from, around) = (day("2026-01-01"), around(&calendar, "metropole", "A"));
    let nothing = Schedule::default();
    let text = write(&nothing, from, &around);
    assert!(text.starts_with("Mo-Su unknown \"horaires non communiqués\""), "{text}");
    assert_told(&text, &nothing, from, &around);

    let said = |author: &str, body: &str| Stamp { author: author.parse().unwrap(), ..stamp() }.write(body);
    let mut facts = Facts::new();
    facts.insert("hours|2026-01-01|every|mo|-".into(), vec![said("list", "09:00-12:00")]);
    let both = vec![said("list", "09:00-12:00"), said("device:5f1e0c9a", "10:00-12:00")];
    facts.insert("hours|2026-01-01|every|tu|-".into(), both);
    let contradicted = Schedule::read(&facts);
    let text = write(&contradicted, from, &around);
    assert!(text.starts_with("Mo 09:00-12:00; Tu unknown \"horaires contradictoires"), "{text}");
    assert_told(&text, &contradicted, from, &around);
}

#[test]
fn closures_of_the_network_and_effective_dates_are_dates() {
    let calendar = calendar();
    let mut edits: Vec<(String, String)> = Vec::new();
    for (from, hours) in [("2025-01-01", "09:00-12:00"), ("2026-09-01", "14:00-17:00")] {
        edits.push((format!("hours|{from}|every|mo|-"), stamp().write(hours)));
    }
    let schedule = schedule(edits);
    let closures = [NetworkClosure {
        id: "pont".into(),
        from: day("2026-02-02"),
        to: day("2026-02-08"),
        reason: Reason::Training,
        label: "formation".into(),
        scope: Author::National,
    }];
    let around = Surroundings { closures: &closures, ..around(&calendar, "metropole", "A") };
    let text = write(&schedule, day("2026-01-01"), &around);
    assert_told(&text, &schedule, day("2026-01-01"), &around);
    assert!(text.starts_with("Mo 09:00-12:00; 2026 Feb 02,"), "{text}");
    assert!(text.contains("2026 Sep 07-2026 Dec 28 Mo 14:00-17:00"), "{text}");
}

/// Facts of a schedule, any of them, some contradicted.
fn facts() -> impl Strategy<Value = Facts> {
    let hours = prop_oneof![
        Just("closed"),
        Just("09:00-12:00"),
        Just("09:00-12:00,14:00-17:00"),
        Just("09:00-12:00,14:00-17:00/appointment"),
        Just("00:00-24:00"),
        Just("10:00-10:30/phone"),
        Just("-"),
    ];
    let variant = prop_oneof![
        4 => Just("every"), 1 => Just("odd"), 1 => Just("even"), 1 => Just("1st"), 1 => Just("last"), 1 => Just("school"),
        1 => Just("07-14..08-20"), 1 => Just("12-20..01-05"), 1 => Just("2026-03-02..2026-04-17"),
    ];
    let weekday = proptest::sample::select(vec!["mo", "tu", "we", "th", "fr", "sa", "su"]);
    let place = prop_oneof![3 => Just("-"), 1 => Just("mairie")];
    let from = prop_oneof![3 => Just("2025-01-01"), 1 => Just("2026-05-12")];
    let weekly = (from, variant, weekday, place, hours.clone()).prop_map(|(from, variant, weekday, place, hours)| {
        (format!("hours|{from}|{variant}|{weekday}|{place}"), hours.to_owned())
    });
    let on = (
        0..360_i32,
        0..12_i32,
        prop_oneof![
            Just("closed|works"),
            Just("extra|event|18:00-20:00"),
            Just("hours|event|08:00-09:00"),
            Just("moved|move|mairie|"),
        ],
    );
    let on = on.prop_map(|(at, long, what)| {
        let from = day("2026-01-01").plus_days(at);
        (format!("on|{from}..{}|-", from.plus_days(long)), what.to_owned())
    });
    let holiday = hours.prop_map(|hours| ("hours|2025-01-01|holiday|-|-".to_owned(), hours.to_owned()));
    let fact = prop_oneof![8 => weekly, 2 => on, 1 => holiday];
    proptest::collection::vec(fact, 0..24).prop_map(|said| {
        let mut facts = Facts::new();
        for (key, body) in said {
            let values: &mut Vec<String> = facts.entry(key).or_default();
            if values.len() < 2 {
                values.push(stamp().write(&body));
            }
        }
        facts
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_year_as_text_is_the_year_as_planned(facts in facts(), start in 0..400_i32) {
        let calendar: Calendar = calendar();
        let around = around(&calendar, "alsace-moselle", "B");
        let schedule = Schedule::read(&facts);
        let from = day("2025-10-15").plus_days(start);
        assert_told(&write(&schedule, from, &around), &schedule, from, &around);
    }
}
