//! What the hub decides beside what the house does: calendars, and closures of the network.

use msap_shared::document::partners::Mode;
use msap_shared::document::partners::availability::Availability;
use msap_shared::reference::{CLOSURES, PUBLIC_HOLIDAYS, TERMS, Terms, calendar_kind};
use msap_shared::schedule::DayState;
use msap_shared::schedule::calendar::PublicYear;
use msap_shared::schedule::closures::{ClosureRow, Closures};

use super::references::{referred, welcomed};
use super::*;
use crate::command::house::{Decision, House, Look, ScheduleView, Seen};

/// Asks within a session, to which a decision is sent at once.
fn asked(core: &mut Core, house: House, wall: &str) -> Result<Reply, CommandError> {
    let outputs = core.turn(vec![Input::Command(7, Command::House(Box::new(house)))], at(wall)).unwrap();
    let mut replies = outputs.into_iter().filter_map(|output| match output {
        Output::Reply(7, reply) => Some(reply),
        _ => None,
    });
    replies.next().unwrap()
}

fn schedule(core: &mut Core, from: &str) -> ScheduleView {
    let from: Day = from.parse().unwrap();
    let look = Look::Schedule { from: Some(from), to: Some(from) };
    match asked(core, House::Look(look), NOON) {
        Ok(Reply::House(seen)) => match *seen {
            Seen::Schedule(view) => *view,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn decide(core: &mut Core, decision: Decision) {
    let decided = asked(core, House::Decide(decision), NOON);
    assert!(matches!(decided, Ok(Reply::House(_))), "{decided:?}");
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

#[test]
fn calendars_and_closures_are_kept_as_they_are_sent_and_the_houses_own_word_prevails() {
    let mut core = core();
    welcomed(&mut core);
    let rules = msap_shared::io::hours::read("Mo-Fr 09:00-12:00").unwrap().rules;
    let hours =
        Decision::Hours { from: None, place: Default::default(), rules, exceptions: Vec::new(), untold: Vec::new() };
    decide(&mut core, hours);
    let friday = "2026-12-25";
    assert!(schedule(&mut core, friday).plans[0].calendar_missing.public, "no calendar is no «no holiday»");

    let year = PublicYear { zone: "metropole".into(), year: 2026, days: vec![(day(friday).number(), "Noël".into())] };
    let kind = calendar_kind(PUBLIC_HOLIDAYS, 2026).unwrap();
    let none = msap_shared::id::Digest32::new([0; 32]);
    assert_eq!(referred(&mut core, kind, b"nonsense".to_vec()).unwrap().hash, none, "what does not read is not held");
    let value = reference::to_bytes(&year);
    assert_eq!(referred(&mut core, kind, value.clone()).unwrap().hash, reference::value_hash(&value));
    let plan = schedule(&mut core, friday).plans.swap_remove(0);
    assert_eq!((plan.state, plan.public_holiday.as_deref()), (DayState::Shut, Some("Noël")));

    let thursday = "2026-12-24";
    let row = ClosureRow {
        id: "noel".into(),
        from: day(thursday).number(),
        to: day(thursday).number(),
        reason: "holiday".into(),
        label: "Pont de Noël".into(),
        scope: "department:49".into(),
    };
    let closures = reference::to_bytes(&Closures { closures: vec![row] });
    assert!(referred(&mut core, CLOSURES, closures.clone()).is_some());
    assert_eq!(schedule(&mut core, thursday).plans[0].state, DayState::Shut);
    let open = "hours|event|10:00-11:00".parse().unwrap();
    let days = (day(thursday), day(thursday));
    decide(&mut core, Decision::Except { days, place: "-".parse().unwrap(), exception: open });
    let view = schedule(&mut core, thursday);
    assert_eq!((view.plans[0].state, view.closures.len()), (DayState::Open, 1));
    assert_eq!(view.plans[0].prevailing[0].label, "Pont de Noël");

    // Held after a restart, and said in the next Hello.
    let mut core = Core::new(core.into_connection(), fresh(2)).unwrap();
    assert_eq!(schedule(&mut core, friday).plans[0].state, DayState::Shut);
    let outputs = core.turn(vec![Input::Connected { transport: "quic" }], at(NOON)).unwrap();
    let held = outputs.iter().find_map(|output| match output {
        Output::Send(Frame::Hello(hello)) => Some(hello.references.clone()),
        _ => None,
    });
    let held = held.flatten().unwrap();
    assert!(
        held.contains(&(kind, reference::value_hash(&value)))
            && held.contains(&(CLOSURES, reference::value_hash(&closures)))
    );
}

#[test]
fn a_partner_that_nobody_confirmed_reads_unknown_after_as_many_days_as_the_hub_says() {
    let mut core = core();
    welcomed(&mut core);
    let operator = "CNAF".parse().unwrap();
    let presence = Decision::Presence { operator, mode: Mode::Reachable, contact: None, until: None, checked_on: None };
    decide(&mut core, presence);
    let found = |core: &mut Core, on: &str| match asked(core, House::Look(Look::Partners(Some(day(on)))), NOON) {
        Ok(Reply::House(seen)) => match *seen {
            Seen::Partners(view) => (view.rows[0].availability, view.rows[0].stale, view.stale_after_days),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let none = msap_shared::id::Digest32::new([0; 32]);
    assert_eq!(referred(&mut core, TERMS, b"nonsense".to_vec()).unwrap().hash, none);
    assert_eq!(found(&mut core, "2027-01-04"), (Availability::Reachable, false, 45), "a hub that says nothing of it");
    assert_eq!(found(&mut core, "2027-01-05"), (Availability::Unknown, true, 45));
    let terms = reference::to_bytes(&Terms { partners_stale_after_days: 10 });
    assert_eq!(referred(&mut core, TERMS, terms.clone()).unwrap().hash, reference::value_hash(&terms));
    // Held after a restart, too.
    let mut core = Core::new(core.into_connection(), fresh(2)).unwrap();
    assert_eq!(found(&mut core, "2026-11-30"), (Availability::Reachable, false, 10));
    assert_eq!(found(&mut core, "2026-12-01"), (Availability::Unknown, true, 10));
    let status = |core: &mut Core, wall: &str| match ask_at(core, Command::Status, wall) {
        Ok(Reply::Status(status)) => status.unknown,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&mut core, "2026-12-01T11:00:00Z"), ["partner:CNAF"]);
}

#[test]
fn nothing_is_decided_on_a_day_that_nobody_believes() {
    let mut core = core();
    assert!(asked(&mut core, House::Decide(Decision::ConfirmHours), NOON).is_ok());
    let mut core = Core::new(core.into_connection(), fresh(2)).unwrap();
    let early = asked(&mut core, House::Decide(Decision::ConfirmHours), "2001-01-01T11:00:00Z");
    assert_eq!(field(early), "day");
}

#[test]
fn hours_that_are_entered_hold_from_their_day_and_take_the_text_back_that_said_them() {
    let mut core = core();
    welcomed(&mut core);
    decide(&mut core, Decision::Text(Some("Sur rendez-vous le matin".parse().unwrap())));
    assert!(schedule(&mut core, "2026-11-20").schedule.text().is_some_and(|said| said.agreed().is_some()));
    let rules = msap_shared::io::hours::read("Mo-Fr 09:00-12:00").unwrap().rules;
    let from = Some(day("2026-12-01"));
    decide(
        &mut core,
        Decision::Hours { from, place: Default::default(), rules, exceptions: Vec::new(), untold: Vec::new() },
    );
    let view = schedule(&mut core, "2026-12-01");
    assert_eq!(view.plans[0].minutes(), Some(180));
    let text = view.schedule.text().and_then(|said| said.agreed()?.body.clone());
    assert_eq!(text, None, "nobody has to enter them any more");
    assert_eq!(schedule(&mut core, "2026-11-30").plans[0].state, DayState::Unknown, "what was before stays");
}
