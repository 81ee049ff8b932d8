//! A storage that is full, nearly full, or fails for good.

use super::*;

#[test]
fn a_full_disk_is_told_to_the_desk_and_passes() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let limit = |core: &Core, pages: u32| {
        core.connection().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    limit(&core, 1);
    let before = core.writer();
    let storage = |core: &mut Core| match ask(core, Command::Status) {
        Ok(Reply::Status(status)) => (status.storage, status.last_error),
        other => panic!("{other:?}"),
    };
    assert_eq!(storage(&mut core), ("ok", None));
    let mut refused = 0;
    for n in 2..=250 {
        let outputs = core.turn(vec![Input::Command(1, Command::Count(visit(n)))], at(NOON)).unwrap();
        if matches!(outputs.first(), Some(Output::Reply(1, Err(CommandError::DiskFull)))) {
            refused += 1;
        }
    }
    assert!(refused > 0, "the disk never filled");
    // Who reads at the same moment as somebody taps is answered all the same.
    let both = vec![Input::Command(1, Command::Count(visit(251))), Input::Command(2, Command::Tally(Period::Today))];
    let outputs = core.turn(both, at(NOON)).unwrap();
    assert!(matches!(outputs[0], Output::Reply(2, Ok(Reply::Tally(_)))), "{outputs:?}");
    assert!(matches!(outputs[1], Output::Reply(1, Err(CommandError::DiskFull))), "{outputs:?}");
    assert_ne!(core.writer(), before);
    // Told as what it is, also to whoever asks again; nothing is said of the network.
    assert_eq!([storage(&mut core), storage(&mut core)], [("full", None), ("full", None)]);
    let kept = total(&mut core);
    assert_eq!(kept.0, 250 - refused);
    limit(&core, 1_000_000);
    for n in 1..=250 {
        tapped(ask(&mut core, Command::Count(visit(n))));
    }
    assert_eq!(total(&mut core), (250, 250));
    assert_eq!(storage(&mut core), ("ok", None));
}

#[test]
fn little_room_is_told_while_everything_is_still_kept() {
    let mut core = core();
    let storage = |core: &mut Core| match ask(core, Command::Status) {
        Ok(Reply::Status(status)) => status.storage,
        other => panic!("{other:?}"),
    };
    for (low, said) in [(true, "low"), (false, "ok")] {
        core.note_room(low);
        assert_eq!(storage(&mut core), said);
    }
}
