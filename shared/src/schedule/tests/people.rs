//! Permanences and staffing.

use super::*;

const HOURS: (&str, &str) = ("hours|2026-01-01|every|tu|-", "09:00-12:00/free/2,14:00-17:00/free/1");
const CNAF: (&str, &str) = ("permanence|2026-01-01|CNAF|2nd|tu|-", "09:00-12:00/appointment");

/// `09:00-12:00 CNAF@- Holiday`: who comes, where, and why not.
fn coming(pairs: &[(&str, &str)], closures: &[NetworkClosure], on: &str) -> Vec<String> {
    let plan = plan_in("metropole", &read(pairs), closures, on);
    let line = |coming: &PlannedPermanence| {
        let cancelled = coming
            .cancelled
            .as_ref()
            .map_or_else(String::new, |why| format!(" {:?} {}", why.kind, why.reason.map_or("", Reason::as_str)));
        format!("{} {}@{}{cancelled}", coming.interval, coming.operator, coming.place)
    };
    plan.permanences.iter().map(line).collect()
}

#[test]
fn permanences_follow_their_own_rules_and_open_nothing() {
    assert_eq!(coming(&[HOURS, CNAF], &[], "2026-11-10"), ["09:00-12:00 CNAF@-"]);
    assert!(coming(&[HOURS, CNAF], &[], "2026-11-17").is_empty());
    let plan = plan_of(&[("permanence|2026-01-01|CNAF|every|tu|-", "18:00-19:00")], "2026-11-10");
    assert_eq!((plan.state, plan.minutes(), plan.at(18 * 60)), (DayState::Unknown, None, Now::Unknown));
    let local = ("permanence|2026-01-01|LOCAL:ecrivain|every|tu|mairie", "14:00-16:00");
    assert_eq!(
        coming(&[HOURS, CNAF, local], &[], "2026-11-10"),
        ["09:00-12:00 CNAF@-", "14:00-16:00 LOCAL:ecrivain@mairie"]
    );
}

#[test]
fn public_holidays_and_closures_cancel_permanences_and_say_why() {
    let friday = ("permanence|2026-01-01|CNAF|every|fr|-", "09:00-12:00");
    assert_eq!(coming(&[friday], &[], "2026-12-25"), ["09:00-12:00 CNAF@- PublicHoliday "]);
    let works = ("permanence|2026-01-01|CNAF|holiday|-|-", "10:00-11:00");
    assert_eq!(coming(&[friday, works], &[], "2026-12-25"), ["10:00-11:00 CNAF@-"]);
    let closed = ("on|2026-11-10..2026-11-10|-", "closed|strike");
    assert_eq!(coming(&[HOURS, CNAF, closed], &[], "2026-11-10"), ["09:00-12:00 CNAF@- Closed strike"]);
    let elsewhere = ("on|2026-11-10..2026-11-10|mairie", "closed|strike");
    assert_eq!(coming(&[HOURS, CNAF, elsewhere], &[], "2026-11-10"), ["09:00-12:00 CNAF@-"]);
    let moved = ("on|2026-11-10..2026-11-10|-", "moved|works|mairie|");
    assert_eq!(coming(&[HOURS, CNAF, moved], &[], "2026-11-10"), ["09:00-12:00 CNAF@mairie"]);
    let network = NetworkClosure {
        id: "pont".to_owned(),
        from: day("2026-11-10"),
        to: day("2026-11-10"),
        reason: Reason::Holiday,
        label: "Pont".to_owned(),
        scope: "national".parse().unwrap(),
    };
    assert_eq!(coming(&[HOURS, CNAF], &[network], "2026-11-10"), ["09:00-12:00 CNAF@- NetworkClosure holiday"]);
}

#[test]
fn one_day_of_a_permanence_is_one_fact() {
    let off = |body| [HOURS, CNAF, ("off|2026-11-10|CNAF|-", body)];
    assert_eq!(coming(&off("cancelled|weather"), &[], "2026-11-10"), ["09:00-12:00 CNAF@- OneDay weather"]);
    assert_eq!(coming(&off("hours|other|14:00-15:00"), &[], "2026-11-10"), ["14:00-15:00 CNAF@-"]);
    assert_eq!(coming(&off("-"), &[], "2026-11-10"), ["09:00-12:00 CNAF@-"]);
    assert_eq!(coming(&off("cancelled|weather"), &[], "2026-12-08"), ["09:00-12:00 CNAF@-"]);
    let once = [HOURS, ("off|2026-11-17|CNAM|-", "hours|event|10:00-11:00")];
    assert_eq!(coming(&once, &[], "2026-11-17"), ["10:00-11:00 CNAM@-"]);
    let both =
        [HOURS, CNAF, ("off|2026-11-10|CNAF|-", "cancelled|weather"), ("on|2026-11-10..2026-11-10|-", "closed|strike")];
    assert_eq!(coming(&both, &[], "2026-11-10"), ["09:00-12:00 CNAF@- OneDay weather"]);
    let shut =
        [HOURS, ("off|2026-11-17|CNAM|-", "hours|event|10:00-11:00"), ("on|2026-11-17..2026-11-17|-", "closed|strike")];
    assert_eq!(coming(&shut, &[], "2026-11-17"), ["10:00-11:00 CNAM@- Closed strike"], "nobody comes to a shut house");
}

/// `09:00-10:00 2-1` per part: agents at work, agents away.
fn staffing(pairs: &[(&str, &str)], on: &str) -> (Vec<String>, Vec<Interval>) {
    let plan = plan_of(pairs, on);
    let line = |part: &Staffed| {
        format!("{} {}-{}", part.interval, part.agents.map_or("?".to_owned(), |n| n.to_string()), part.absent)
    };
    (plan.staffing.iter().map(line).collect(), plan.gaps)
}

#[test]
fn absences_leave_gaps_where_nobody_is_at_work() {
    let (parts, gaps) = staffing(&[HOURS], "2026-11-24");
    assert_eq!((parts, gaps.len()), (vec!["09:00-12:00 2-0".to_owned(), "14:00-17:00 1-0".to_owned()], 0));
    let ill = ("absence|a1", "2026-11-23|2026-11-24|10:00-15:00|1|illness");
    let (parts, gaps) = staffing(&[HOURS, ill], "2026-11-24");
    assert_eq!(parts, ["09:00-10:00 2-0", "10:00-12:00 1-1", "14:00-15:00 0-1", "15:00-17:00 1-0"]);
    assert_eq!(gaps, ["14:00-15:00".parse().unwrap()]);
    let leave = ("absence|a2", "2026-11-24|2026-11-24||1|leave");
    let (parts, gaps) = staffing(&[HOURS, ill, leave], "2026-11-24");
    assert_eq!(parts, ["09:00-10:00 1-1", "10:00-12:00 0-2", "14:00-15:00 0-2", "15:00-17:00 0-1"]);
    assert_eq!(
        gaps.iter().map(|gap| format!("{}-{}", clock(gap.from()), clock(gap.to()))).collect::<Vec<_>>(),
        ["10:00-12:00", "14:00-17:00"]
    );
    assert!(staffing(&[HOURS, ill], "2026-12-01").1.is_empty());
    let unsaid = ("hours|2026-01-01|every|tu|-", "09:00-12:00");
    let (parts, gaps) = staffing(&[unsaid, leave], "2026-11-24");
    assert_eq!((parts, gaps.len()), (vec!["09:00-12:00 ?-1".to_owned()], 0), "nobody said how many there are");
    let second = ("hours|2026-01-01|every|tu|mairie", "10:00-11:00/free/1");
    let (parts, _) = staffing(&[HOURS, second], "2026-11-24");
    assert_eq!(parts, ["09:00-10:00 2-0", "10:00-11:00 3-0", "11:00-12:00 2-0", "14:00-17:00 1-0"]);
}

#[test]
fn a_permanence_that_nobody_contradicts_stands_while_the_hours_do_not() {
    let torn = [HOURS, ("hours|2026-01-01|every|tu|-", "closed"), CNAF];
    assert_eq!(plan_of(&torn, "2026-11-10").state, DayState::Conflict);
    assert_eq!(coming(&torn, &[], "2026-11-10"), ["09:00-12:00 CNAF@-"]);
    let both = [HOURS, CNAF, ("permanence|2026-01-01|CNAF|2nd|tu|-", "10:00-12:00")];
    assert!(coming(&both, &[], "2026-11-10").is_empty(), "each version has its own");
}
