//! Facts that contradict each other.

use super::*;

const TUESDAYS: &str = "hours|2026-01-01|every|tu|-";

#[test]
fn a_contradiction_shows_every_version_and_is_unknown_only_where_they_differ() {
    let rules = [(TUESDAYS, "09:00-12:00"), (TUESDAYS, "10:00-13:00")];
    let plan = plan_of(&rules, "2026-11-24");
    assert_eq!(shown(&plan), "conflict [open 09:00-12:00][open 10:00-13:00]");
    assert_eq!(
        (plan.at(9 * 60), plan.at(11 * 60), plan.at(12 * 60), plan.at(15 * 60)),
        (Now::Unknown, Now::Open, Now::Unknown, Now::Shut)
    );
    assert_eq!((plan.opens(), plan.minutes()), (Some(true), Some(180)));
    let authors: Vec<String> =
        plan.versions.iter().map(|version| version.choices[0].stamp.author.to_string()).collect();
    assert_eq!(authors, ["device:5f1e0c9a12b4d677", "department:49"]);
    assert!(plan.versions.iter().all(|version| &*version.choices[0].key == TUESDAYS));
}

#[test]
fn days_that_do_not_depend_on_it_are_not_in_conflict() {
    let rules = [
        (TUESDAYS, "09:00-12:00"),
        (TUESDAYS, "closed"),
        ("hours|2026-01-01|every|we|-", "09:00-12:00"),
        ("hours|2026-06-01|every|tu|-", "14:00-16:00"),
        ("on|2026-03-10..2026-03-10|-", "closed|works"),
        ("hours|2026-01-01|2nd|tu|-", "08:00-09:00"),
    ];
    assert_eq!(on(&rules, "2026-03-03"), "conflict [open 09:00-12:00][shut]");
    assert_eq!(on(&rules, "2026-03-04"), "open 09:00-12:00", "another weekday");
    assert_eq!(on(&rules, "2026-03-10"), "shut", "an exception decides");
    assert_eq!(on(&rules, "2026-04-14"), "open 08:00-09:00", "a weightier variant decides");
    assert_eq!(on(&rules, "2026-06-02"), "open 14:00-16:00", "a later rule holds");
    let reasons = [
        (TUESDAYS, "09:00-12:00"),
        ("on|2026-03-10..2026-03-10|-", "closed|works"),
        ("on|2026-03-10..2026-03-10|-", "closed|strike"),
    ];
    assert_eq!(on(&reasons, "2026-03-10"), "shut", "two reasons for the same closed day");
    assert_eq!(read(&reasons).conflicts().len(), 1, "and still listed");
}

#[test]
fn a_fact_taken_back_by_one_and_changed_by_another_is_a_contradiction() {
    let rules = [
        (TUESDAYS, "09:00-12:00"),
        ("on|2026-11-24..2026-11-24|-", "-"),
        ("on|2026-11-24..2026-11-24|-", "closed|works"),
    ];
    assert_eq!(on(&rules, "2026-11-24"), "conflict [open 09:00-12:00][shut]");
    let off = [
        (TUESDAYS, "09:00-12:00"),
        ("permanence|2026-01-01|CNAF|every|tu|-", "09:00-12:00"),
        ("off|2026-11-24|CNAF|-", "cancelled|other"),
        ("off|2026-11-24|CNAF|-", "-"),
    ];
    let plan = plan_of(&off, "2026-11-24");
    assert_eq!(
        (plan.state, plan.at(600), plan.minutes()),
        (DayState::Conflict, Now::Open, Some(180)),
        "the hours are sure"
    );
    assert_eq!(on(&off, "2026-12-01"), "open 09:00-12:00");
}

#[test]
fn equal_values_are_no_contradiction() {
    assert_eq!(on(&[(TUESDAYS, "09:00-12:00"), (TUESDAYS, "09:00-12:00")], "2026-11-24"), "open 09:00-12:00");
    let three = [(TUESDAYS, "09:00-12:00"), (TUESDAYS, "closed"), (TUESDAYS, "09:00-12:00")];
    assert_eq!(plan_of(&three, "2026-11-24").versions.len(), 2);
}

#[test]
fn several_contradictions_are_combined_and_outcomes_told_once() {
    let afternoon = "hours|2026-01-01|every|tu|mairie";
    let rules = [(TUESDAYS, "09:00-12:00"), (TUESDAYS, "closed"), (afternoon, "14:00-16:00"), (afternoon, "closed")];
    let plan = plan_of(&rules, "2026-11-24");
    let versions: Vec<String> = plan.versions.iter().map(|version| shown(&version.plan)).collect();
    assert_eq!(
        versions,
        ["open 09:00-12:00,14:00-16:00@mairie", "open 14:00-16:00@mairie", "open 09:00-12:00", "shut"]
    );
    assert_eq!(plan.versions[3].choices.len(), 2);
    assert_eq!((plan.opens(), plan.at(600), plan.at(20 * 60)), (None, Now::Unknown, Now::Shut));
}

#[test]
fn beyond_the_bound_what_was_not_worked_out_is_unknown() {
    let absences: Vec<String> = (0..7).map(|at| format!("absence|a{at}")).collect();
    let mut rules = vec![(TUESDAYS, "09:00-12:00")];
    for id in &absences {
        rules.extend([(id.as_str(), "-"), (id.as_str(), "2026-11-25|2026-11-25||1|leave")]);
    }
    assert_eq!(on(&rules, "2026-11-24"), "open 09:00-12:00", "all of them are of another day");
    // 64 combinations of 6 are worked out, and 128 of 7 are not.
    let places: Vec<String> = (0..7).map(|at| format!("on|2026-11-24..2026-11-24|p{at}")).collect();
    let mut rules = vec![(TUESDAYS, "09:00-12:00")];
    for at in &places[..6] {
        rules.extend([(at.as_str(), "closed|works"), (at.as_str(), "closed|strike")]);
    }
    assert_eq!(on(&rules, "2026-11-24"), "open 09:00-12:00");
    rules.extend([(places[6].as_str(), "closed|works"), (places[6].as_str(), "closed|strike")]);
    let plan = plan_of(&rules, "2026-11-24");
    assert_eq!(shown(&plan), "conflict [open 09:00-12:00][unknown]");
    assert_eq!(plan.at(600), Now::Unknown);
}

#[test]
fn what_cannot_be_read_has_no_effect_and_is_listed() {
    let mut facts = facts(&[(TUESDAYS, "09:00-12:00"), (TUESDAYS, "25:00-26:00"), ("hours|soon|every|tu|-", "closed")]);
    facts.insert("capacity|x".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
    let schedule = Schedule::read(&facts);
    let keys: Vec<&str> = schedule.unreadable().iter().map(|unreadable| &*unreadable.key).collect();
    assert_eq!(keys, [TUESDAYS, "hours|soon|every|tu|-"]);
    assert_eq!(
        shown(&plan_in("metropole", &schedule, &[], "2026-11-24")),
        "open 09:00-12:00",
        "the last good one stays in force"
    );
    assert_eq!(schedule.conflicts().len(), 1, "and both are shown");
}
