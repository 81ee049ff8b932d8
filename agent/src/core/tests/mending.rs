//! Undo, correction and negative counts: nothing is taken that is not there.

use super::*;
use crate::replica::NoCredentials;

fn day() -> Option<Day> {
    Some("2026-11-20".parse().unwrap())
}

fn minus(n: u8, people: i16) -> Command {
    Command::Count(Count { people, day: day(), reason: Some("compté deux fois".to_owned()), ..visit(n) })
}

fn undo(n: u8) -> Command {
    Command::Undo(Some(TapRef::Id(visit(n).id)))
}

fn refusal(reply: Result<Reply, CommandError>) -> (&'static str, String) {
    match reply {
        Err(CommandError::Invalid { field, why }) => (field, why),
        other => panic!("{other:?}"),
    }
}

fn tally(core: &mut Core) -> crate::command::Tally {
    match ask(core, Command::Tally(Period::Today)) {
        Ok(Reply::Tally(tally)) => tally,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_negative_count_takes_from_is_not_undone_nor_corrected_away_before_it() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(Count { people: 3, ..visit(1) })));
    tapped(ask(&mut core, minus(2, -2)));
    let kept = changes(&core);
    let elsewhere = Correction { operator: Some("MSA".parse().unwrap()), ..Correction::default() };
    for command in [undo(1), Command::Correct(TapRef::Id(visit(1).id), elsewhere)] {
        let (field, why) = refusal(ask(&mut core, command));
        assert_eq!(field, "id");
        let named = [visit(2).id.to_uuid(), "2026-11-20".to_owned(), "CAF".to_owned()];
        assert!(named.iter().all(|part| why.contains(part)), "{why}");
    }
    assert_eq!(changes(&core), kept, "what is refused stores nothing");
    tapped(ask(&mut core, undo(2)));
    tapped(ask(&mut core, undo(1)));
    tapped(ask(&mut core, Command::Count(visit(3))));
    assert_eq!(total(&mut core), (1, 1), "nothing swallows the next visit");
}

#[test]
fn a_negative_count_is_not_corrected_to_where_nothing_is_there_to_take() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(Count { people: 3, ..visit(1) })));
    tapped(ask(&mut core, minus(2, -2)));
    let to = |operator: &str| {
        let operator = Some(operator.parse().unwrap());
        Command::Correct(TapRef::Id(visit(2).id), Correction { operator, ..Correction::default() })
    };
    assert_eq!(refusal(ask(&mut core, to("MSA"))).0, "id");
    tapped(ask(&mut core, Command::Count(Count { operator: "MSA".parse().unwrap(), people: 2, ..visit(3) })));
    tapped(ask(&mut core, to("MSA")));
    assert_eq!(total(&mut core), (3, 3));
}

#[test]
fn a_sum_that_two_desks_made_negative_is_told() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    assert_eq!(tally(&mut core).negative, []);
    // Both took the same visit back while they did not hear of each other.
    let (document, mut writer) = ("site/275/visits/2026-11".parse().unwrap(), core.writer());
    for n in [2, 3] {
        let key = format!("20|{}|0", visit(n).id.name());
        let mut fresh = fresh(9);
        let mut replica = Replica {
            conn: core.connection(),
            writer: &mut writer,
            fresh: &mut fresh,
            credentials: &mut NoCredentials,
        };
        replica.enter(&document, &key, "-1|CNAF|online|unknown|-1").unwrap();
    }
    let told = tally(&mut core);
    let negative: Vec<_> = told.negative.iter().map(|sum| (sum.operator.as_str(), sum.people, sum.requests)).collect();
    assert_eq!((told.people, negative), (0, vec![("CNAF", -1, -1)]));
    // Undoing what makes it negative goes on being possible.
    tapped(ask(&mut core, undo(3)));
    assert_eq!(tally(&mut core).negative, []);
}

#[test]
fn undoing_a_visit_undoes_its_further_requests() {
    let mut core = core();
    let further = |n: u8| Command::Count(Count { same_visit: true, operator: "MSA".parse().unwrap(), ..visit(n) });
    tapped(ask(&mut core, Command::Count(visit(1))));
    tapped(ask(&mut core, Command::Count(visit(2))));
    for n in [3, 4] {
        // The second one belongs to the visit too, not to the first further request.
        assert_eq!(tapped(ask(&mut core, further(n))).part_of, Some(visit(2).id.name()));
    }
    assert_eq!(total(&mut core), (2, 4));
    let undone = tapped(ask(&mut core, undo(2)));
    assert_eq!(undone.also_undone, [visit(3).id.name(), visit(4).id.name()]);
    assert_eq!(total(&mut core), (1, 1));
    // Never to a visit that is undone.
    assert_eq!(tapped(ask(&mut core, further(5))).part_of, Some(visit(1).id.name()));
    // Asked again, there is nothing more to undo.
    assert_eq!(tapped(ask(&mut core, undo(2))).also_undone, []);
    // A further request by itself leaves its visit.
    assert_eq!(tapped(ask(&mut core, undo(5))).also_undone, []);
    assert_eq!(total(&mut core), (1, 1));
    tapped(ask(&mut core, undo(1)));
    assert_eq!(refusal(ask(&mut core, further(6))).0, "same_visit");
}

#[test]
fn a_further_request_of_before_the_link_stays_when_a_visit_is_undone() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    tapped(ask(&mut core, Command::Count(Count { same_visit: true, ..visit(2) })));
    core.connection().execute("UPDATE tap SET part_of = NULL", []).unwrap();
    assert_eq!(tapped(ask(&mut core, undo(1))).also_undone, []);
    assert_eq!(total(&mut core), (0, 1));
}

#[test]
fn a_refused_undo_of_a_visit_leaves_its_further_requests() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    tapped(ask(&mut core, Command::Count(Count { same_visit: true, ..visit(2) })));
    tapped(ask(&mut core, minus(3, -1)));
    assert_eq!(refusal(ask(&mut core, undo(1))).0, "id");
    assert_eq!(total(&mut core), (0, 1));
}

#[test]
fn a_reason_goes_with_a_negative_count_alone() {
    let mut core = core();
    let reason = Some("parce que".to_owned());
    assert_eq!(refusal(ask(&mut core, Command::Count(Count { reason, ..visit(1) }))).0, "reason");
}

#[test]
fn days_to_come_have_no_figures_and_unusual_days_are_remarked_on() {
    use crate::command::Notice;
    let mut core = core();
    let tomorrow: Day = "2026-11-21".parse().unwrap();
    assert_eq!(refusal(ask(&mut core, Command::Tally(Period::Day(tomorrow)))).0, "day");
    assert_eq!(refusal(ask(&mut core, Command::Tally(Period::Month("2026-12".parse().unwrap())))).0, "month");
    assert_eq!(refusal(ask(&mut core, Command::List(Some(tomorrow)))).0, "day");
    assert_eq!(tapped(ask(&mut core, Command::Count(visit(1)))).notices, []);
    ask(&mut core, Command::Close { day: None, closed: true }).unwrap();
    assert_eq!(tapped(ask(&mut core, Command::Count(visit(2)))).notices, [Notice::ClosedDay]);
    let old = |n: u8, day: &str| Command::Count(Count { day: Some(day.parse().unwrap()), ..visit(n) });
    assert_eq!(tapped(ask(&mut core, old(3, "2026-09-19"))).notices, []);
    assert_eq!(tapped(ask(&mut core, old(4, "2026-09-18"))).notices, [Notice::OldDay]);
}

#[test]
fn what_other_desks_counted_is_listed_latest_first() {
    let mut core = core();
    for n in 1..=9 {
        tapped(ask(&mut core, Command::Count(visit(n))));
    }
    tapped(ask(&mut core, undo(3)));
    // As if another desk had counted them all.
    core.connection().execute("DELETE FROM tap", []).unwrap();
    let Ok(Reply::Taps(taps)) = ask(&mut core, Command::List(None)) else { panic!() };
    let names: Vec<_> = taps.iter().map(|tap| tap.name).collect();
    assert_eq!(names, (1..=9).rev().map(|n| visit(n).id.name()).collect::<Vec<_>>());
}
