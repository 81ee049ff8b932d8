//! A wall clock that is not believed, as the desk meets it.

use super::*;

#[test]
fn a_clock_that_is_not_believed_asks_for_the_day_and_flags_what_is_counted() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let mut core = Core::new(core.into_connection(), fresh(2)).unwrap();
    let flat = "1970-01-01T00:00:20Z";
    // Known taps are answered, reading goes on; nothing new is counted.
    assert!(!tapped(ask_at(&mut core, Command::Count(visit(1)), flat)).new);
    let refused = ask_at(&mut core, Command::Count(visit(2)), flat);
    assert!(matches!(&refused, Err(CommandError::Invalid { why, .. }) if why.contains("--day")), "{refused:?}");
    assert_eq!(field(refused), "day");
    assert_eq!(field(ask_at(&mut core, Command::Close { day: None, closed: true }, flat)), "day");
    let status = |core: &mut Core| match ask_at(core, Command::Status, flat) {
        Ok(Reply::Status(status)) => (status.day_asked, status.clock_doubt.is_some(), status.today),
        other => panic!("{other:?}"),
    };
    assert!(status(&mut core).0);

    let day: Day = "2026-11-21".parse().unwrap();
    assert_eq!(ask_at(&mut core, Command::GiveDay(day), flat), Ok(Reply::Given(day)));
    assert_eq!(status(&mut core), (false, true, day));
    let Ok(Reply::Draft(draft)) = ask_at(&mut core, Command::Export { all: false }, flat) else { panic!("no draft") };
    assert_eq!(draft.header.created, day.to_string(), "files are dated by the day that is believed");
    let view = tapped(ask_at(&mut core, Command::Count(visit(2)), flat));
    assert_eq!(view.day, day);
    assert!(!tapped(ask_at(&mut core, Command::Count(visit(2)), flat)).new);
    let document = "site/275/visits/2026-11".parse().unwrap();
    let values = |core: &Core| -> Vec<String> {
        let taps = facts::taps(core.connection(), &document, Some(21)).unwrap();
        taps.into_iter().map(|tap| tap.standing.value).collect()
    };
    assert_eq!(values(&core), ["1|CNAF|online|unknown|1|clock"]);
    // What a correction says carries it along, and the same tap known from the document alone is
    // the same tap.
    core.connection().execute("DELETE FROM tap", []).unwrap();
    assert!(!tapped(ask_at(&mut core, Command::Count(visit(2)), flat)).new);

    // Set right, the clock is believed again.
    let view = tapped(ask_at(&mut core, Command::Count(visit(3)), "2026-11-22T09:00:00Z"));
    assert_eq!(view.day.to_string(), "2026-11-22");
    let taps = facts::taps(core.connection(), &document, Some(22)).unwrap();
    assert_eq!(taps[0].standing.value, "1|CNAF|online|unknown|1");
}

#[test]
fn a_storage_that_fails_for_good_answers_nothing() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    core.connection().pragma_update(None, "query_only", true).unwrap();
    let failed = core.turn(vec![Input::Command(1, Command::Count(visit(2)))], at(NOON)).unwrap_err();
    assert!(!failed.is_passing() && !failed.is_damage(), "{failed}");
}

#[test]
fn the_tap_log_is_purged_and_the_counts_stay() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let later = "2028-01-20T11:00:00Z";
    // By a clock that the hub has seen to be right: one that is years ahead would take all.
    for (hubs, left) in [("2026-11-21T11:00:00Z", 1), (later, 0)] {
        core.turn(vec![Input::Connected { transport: "quic" }], at(later)).unwrap();
        core.turn(vec![Input::Frame(Frame::Welcome(welcome(hubs)))], at(later)).unwrap();
        let logged: i64 = core.connection().query_row("SELECT count(*) FROM tap", [], |row| row.get(0)).unwrap();
        assert_eq!((logged, changes(&core)), (left, 1), "{hubs}");
    }
}
