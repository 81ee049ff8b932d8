//! Dated exceptions, closures of the network, and places.

use super::*;

const MONDAYS: (&str, &str) = ("hours|2026-01-01|every|mo|-", "09:00-12:00");

fn closure(from: &str, to: &str) -> NetworkClosure {
    NetworkClosure {
        id: "pont".to_owned(),
        from: day(from),
        to: day(to),
        reason: Reason::Holiday,
        label: "Pont".to_owned(),
        scope: "department:49".parse().unwrap(),
    }
}

#[test]
fn exceptions_close_replace_add_and_move() {
    for (body, expected) in [
        ("closed|works", "shut"),
        ("hours|meeting|10:00-11:00", "open 10:00-11:00"),
        ("extra|event|11:00-13:00", "open 09:00-12:00,11:00-13:00"),
        ("moved|works|mairie|", "open 09:00-12:00@mairie"),
        ("moved|works|mairie|10:00-11:00", "open 10:00-11:00@mairie"),
        ("-", "open 09:00-12:00"),
    ] {
        let rules = [MONDAYS, ("on|2026-11-23..2026-11-23|-", body)];
        assert_eq!(on(&rules, "2026-11-23"), expected, "{body}");
        assert_eq!(on(&rules, "2026-11-30"), "open 09:00-12:00", "{body}");
    }
    let plan = plan_of(&[MONDAYS, ("on|2026-11-23..2026-11-23|-", "closed|works")], "2026-11-23");
    let [why] = &plan.why[..] else { panic!("{:?}", plan.why) };
    assert_eq!((why.kind, why.reason), (WhyKind::Closed, Some(Reason::Works)));
    assert_eq!(why.key.as_deref(), Some("on|2026-11-23..2026-11-23|-"));
}

#[test]
fn the_narrowest_exception_wins_then_the_later_and_extras_add() {
    let week = ("on|2026-11-23..2026-11-29|-", "closed|works");
    let rules = [MONDAYS, week, ("on|2026-11-23..2026-11-23|-", "hours|other|15:00-16:00")];
    assert_eq!(on(&rules, "2026-11-23"), "open 15:00-16:00");
    assert_eq!(on(&rules, "2026-11-24"), "shut");
    let later = [MONDAYS, week, ("on|2026-11-20..2026-11-26|-", "hours|other|15:00-16:00")];
    assert_eq!(on(&later, "2026-11-23"), "shut", "as narrow, and begins later");
    let extras = [
        MONDAYS,
        ("on|2026-11-23..2026-11-23|-", "extra|event|18:00-19:00"),
        ("on|2026-11-20..2026-11-26|-", "extra|event|19:00-20:00"),
    ];
    assert_eq!(on(&extras, "2026-11-23"), "open 09:00-12:00,18:00-19:00,19:00-20:00");
    let silenced = [
        MONDAYS,
        ("on|2026-11-23..2026-11-23|-", "closed|weather"),
        ("on|2026-11-20..2026-11-26|-", "extra|event|19:00-20:00"),
    ];
    assert_eq!(on(&silenced, "2026-11-23"), "shut", "a closed day silences the wider extra");
    let added = [MONDAYS, week, ("on|2026-11-23..2026-11-23|-", "extra|event|18:00-19:00")];
    assert_eq!(on(&added, "2026-11-23"), "open 18:00-19:00", "a narrower extra opens a shut week");
}

#[test]
fn exceptions_come_before_public_holidays() {
    let friday = ("hours|2026-01-01|every|fr|-", "09:00-12:00");
    assert_eq!(on(&[friday], "2026-12-25"), "shut");
    let plan = plan_of(&[friday], "2026-12-25");
    assert_eq!((plan.why[0].kind, plan.why[0].label.as_deref()), (WhyKind::PublicHoliday, Some("Jour de Noël")));
    assert_eq!(
        on(&[friday, ("on|2026-12-25..2026-12-25|-", "hours|event|10:00-11:00")], "2026-12-25"),
        "open 10:00-11:00"
    );
    assert_eq!(
        on(&[friday, ("on|2026-12-25..2026-12-25|-", "extra|event|10:00-11:00")], "2026-12-25"),
        "open 10:00-11:00"
    );
    assert_eq!(on(&[friday, ("hours|2026-01-01|holiday|-|-", "15:00-16:00")], "2026-12-25"), "open 15:00-16:00");
}

#[test]
fn each_place_has_its_own_hours_and_exceptions() {
    let mut rules = vec![MONDAYS, ("hours|2026-01-01|every|mo|mairie", "14:00-16:00")];
    assert_eq!(on(&rules, "2026-11-23"), "open 09:00-12:00,14:00-16:00@mairie");
    rules.push(("on|2026-11-23..2026-11-23|mairie", "closed|works"));
    assert_eq!(on(&rules, "2026-11-23"), "open 09:00-12:00");
    rules.push(("on|2026-11-23..2026-11-23|*", "closed|strike"));
    assert_eq!(on(&rules, "2026-11-23"), "shut");
    rules.push(("on|2026-11-23..2026-11-23|gare", "extra|event|10:00-11:00"));
    assert_eq!(on(&rules, "2026-11-23"), "open 10:00-11:00@gare", "of one place over the whole house");
}

#[test]
fn closures_of_the_network_shut_unless_the_site_said_otherwise() {
    let closures = [closure("2026-11-23", "2026-11-24")];
    let shut = |pairs: &[(&str, &str)], on: &str| plan_in("metropole", &read(pairs), &closures, on);
    let plan = shut(&[MONDAYS], "2026-11-23");
    assert_eq!(shown(&plan), "shut");
    assert_eq!(
        (plan.why[0].kind, plan.why[0].label.as_deref(), plan.prevailing.len()),
        (WhyKind::NetworkClosure, Some("Pont"), 0)
    );
    assert_eq!(shown(&shut(&[MONDAYS], "2026-11-30")), "open 09:00-12:00");
    assert_eq!(shown(&shut(&[], "2026-11-23")), "shut", "known without hours");

    let own = [MONDAYS, ("on|2026-11-23..2026-11-23|-", "hours|other|09:00-10:00")];
    let plan = shut(&own, "2026-11-23");
    assert_eq!(shown(&plan), "open 09:00-10:00");
    let [prevailing] = &plan.prevailing[..] else { panic!("{:?}", plan.prevailing) };
    assert_eq!((&*prevailing.closure, &*prevailing.key), ("pont", "on|2026-11-23..2026-11-23|-"));
    let extra = [MONDAYS, ("on|2026-11-23..2026-11-23|-", "extra|other|18:00-19:00")];
    assert_eq!(shown(&shut(&extra, "2026-11-23")), "open 18:00-19:00", "an extra does not undo the closure");
    assert_eq!(shut(&extra, "2026-11-23").prevailing.len(), 1);
    assert_eq!(shut(&own, "2026-11-24").prevailing.len(), 0);
}

#[test]
fn closures_travel_as_values_and_are_checked_when_written() {
    let closures = vec![closure("2026-11-23", "2026-11-24"), closure("2026-05-15", "2026-05-15")];
    let value = closures::Closures::of(&closures);
    let bytes = crate::reference::to_bytes(&value);
    let read = crate::reference::from_bytes::<closures::Closures>(&bytes).unwrap();
    assert_eq!(read.read(), [closures[1].clone(), closures[0].clone()], "in the order of their days");
    let mut strange = value;
    strange.closures[0].reason = "comet".to_owned();
    strange.closures[1].scope = "planet".to_owned();
    assert_eq!(strange.read(), [NetworkClosure { reason: Reason::Other, ..closures[1].clone() }]);
    let field = |change: &dyn Fn(&mut NetworkClosure)| {
        let mut closure = closure("2026-11-23", "2026-11-24");
        change(&mut closure);
        closure.check().map_err(|error| error.field)
    };
    assert_eq!(field(&|_| {}), Ok(()));
    assert_eq!(field(&|closure| closure.to = day("2026-11-22")), Err("to"));
    assert_eq!(field(&|closure| closure.id = String::new()), Err("id"));
    assert_eq!(field(&|closure| closure.label = " ".to_owned()), Err("label"));
    assert_eq!(field(&|closure| closure.scope = "site:275".parse().unwrap()), Err("scope"));
}
