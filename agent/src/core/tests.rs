//! The desk's promises, asked of a core over a database in memory.

use std::path::Path;

use msap_shared::chain::decode;
use msap_shared::code::{Age, Help};
use msap_shared::frame::{DeviceStanding, Mark, Reference, Welcome};
use msap_shared::id::{Epoch, Fingerprint, TapId};
use msap_shared::reference;
use msap_shared::time::Day;

use super::*;
use crate::command::{Correction, Count, Keeping, Period, TapRef, TapView};
use crate::store::{MIGRATIONS, facts, prepare};

const NOON: &str = "2026-11-20T11:00:00Z";

fn disk(timezone: &str) -> Connection {
    let conn = prepare(Connection::open_in_memory().unwrap(), Path::new("memory"), &MIGRATIONS).unwrap();
    let profile = Profile {
        site: "275".parse().unwrap(),
        site_name: "Chemillé-en-Anjou".to_owned(),
        timezone: timezone.parse().unwrap(),
        device: Fingerprint::new([1; 32]).device(),
        label: "accueil".to_owned(),
        hub: "hub:4433".to_owned(),
    };
    meta::set_profile(&conn, &profile).unwrap();
    conn
}

/// Ids that count up, from a number that tells loads apart.
fn fresh(load: u8) -> Fresh {
    let mut n = 0u64;
    Box::new(move || {
        n += 1;
        let mut bytes = [load; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes
    })
}

fn core() -> Core {
    Core::new(disk("Europe/Paris"), fresh(1)).unwrap()
}

fn at(wall: &str) -> Now {
    let wall: Timestamp = wall.parse().unwrap();
    Now { wall, monotonic_ms: u64::try_from(wall.as_millisecond()).unwrap() }
}

fn ask_at(core: &mut Core, command: Command, wall: &str) -> Result<Reply, CommandError> {
    let mut outputs = core.turn(vec![Input::Command(7, command)], at(wall)).unwrap();
    match outputs.pop() {
        Some(Output::Reply(7, reply)) if outputs.is_empty() => reply,
        other => panic!("{other:?}"),
    }
}

fn ask(core: &mut Core, command: Command) -> Result<Reply, CommandError> {
    ask_at(core, command, NOON)
}

fn tapped(reply: Result<Reply, CommandError>) -> TapView {
    match reply {
        Ok(Reply::Tap(view)) => view,
        other => panic!("{other:?}"),
    }
}

fn visit(n: u8) -> Count {
    Count {
        id: TapId::new([n; 16]),
        operator: "CNAF".parse().unwrap(),
        help: Help::Online.code(),
        age: Age::UNKNOWN.code(),
        people: 1,
        day: None,
        same_visit: false,
        reason: None,
    }
}

fn total(core: &mut Core) -> (i64, i64) {
    match ask(core, Command::Tally(Period::Today)) {
        Ok(Reply::Tally(tally)) => (tally.people, tally.requests),
        other => panic!("{other:?}"),
    }
}

fn changes(core: &Core) -> i64 {
    core.connection().query_row("SELECT count(*) FROM change", [], |row| row.get(0)).unwrap()
}

fn field(reply: Result<Reply, CommandError>) -> &'static str {
    match reply {
        Err(CommandError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tap_repeated_by_its_id_counts_once_also_after_a_restart() {
    let mut core = core();
    assert!(tapped(ask(&mut core, Command::Count(visit(1)))).new);
    assert!(!tapped(ask(&mut core, Command::Count(visit(1)))).new);
    let mut core = Core::new(core.into_connection(), fresh(2)).unwrap();
    assert!(!tapped(ask(&mut core, Command::Count(visit(1)))).new);
    assert_eq!((total(&mut core), changes(&core)), ((1, 1), 1));
    let other = Count { operator: "MSA".parse().unwrap(), ..visit(1) };
    assert!(matches!(ask(&mut core, Command::Count(other)), Err(CommandError::IdReused(_))));
    assert_eq!(changes(&core), 1);
}

#[test]
fn a_tap_known_only_from_the_document_counts_once() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    // As after an old image: the local log does not know it, the document does.
    core.connection().execute("DELETE FROM tap", []).unwrap();
    assert!(!tapped(ask(&mut core, Command::Count(visit(1)))).new);
    assert_eq!(total(&mut core), (1, 1));
    let undone = tapped(ask(&mut core, Command::Undo(Some(TapRef::Id(visit(1).id)))));
    assert!(undone.undone && undone.id.is_none());
}

#[test]
fn an_undo_stays_undone_whatever_is_repeated() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    assert!(tapped(ask(&mut core, Command::Undo(None))).undone);
    let by_id = Command::Undo(Some(TapRef::Id(visit(1).id)));
    assert!(tapped(ask(&mut core, by_id)).undone);
    assert!(tapped(ask(&mut core, Command::Count(visit(1)))).undone);
    assert_eq!((total(&mut core), changes(&core)), ((0, 0), 2));
    assert_eq!(field(ask(&mut core, Command::Undo(None))), "id");
    let corrected = Command::Correct(TapRef::Id(visit(1).id), Correction::default());
    assert_eq!(field(ask(&mut core, corrected)), "id");
}

#[test]
fn a_correction_is_a_revision_and_keeps_what_it_does_not_name() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let age = Correction { age: Some("70+".parse().unwrap()), ..Correction::default() };
    let view = tapped(ask(&mut core, Command::Correct(TapRef::Id(visit(1).id), age.clone())));
    assert_eq!((view.rev, view.age.as_str(), view.operator.as_str()), (1, "70+", "CNAF"));
    // The same correction again changes nothing.
    assert_eq!(tapped(ask(&mut core, Command::Correct(TapRef::Name(view.name), age))).rev, 1);
    assert_eq!((total(&mut core), changes(&core)), ((1, 1), 2));
    let unknown = Command::Correct(TapRef::Id(TapId::new([9; 16])), Correction::default());
    assert!(matches!(ask(&mut core, unknown), Err(CommandError::UnknownTap(_))));
}

#[test]
fn a_correction_carries_fields_of_a_later_form_along() {
    let mut core = core();
    let name = visit(1).id.name();
    let key = format!("20|{name}|0");
    let (document, mut writer) = ("site/275/visits/2026-11".parse().unwrap(), core.writer());
    let mut fresh = fresh(3);
    let mut replica =
        Replica { conn: core.connection(), writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
    replica.enter(&document, &key, "1|CNAF|online|25-39|1|later|still").unwrap();
    let help = Correction { help: Some(Help::Paperwork.code()), ..Correction::default() };
    tapped(ask(&mut core, Command::Correct(TapRef::Name(name), help)));
    let known = facts::find(core.connection(), &name).unwrap().unwrap();
    assert_eq!(known.standing.value, "1|CNAF|paperwork|25-39|1|later|still");
}

#[test]
fn bad_input_names_its_field_and_stores_nothing() {
    let mut core = core();
    let day = |text: &str| Some(text.parse::<Day>().unwrap());
    let cases = [
        ("operator", Count { operator: "NOBODY".parse().unwrap(), ..visit(1) }),
        ("help", Count { help: "magic".parse().unwrap(), ..visit(1) }),
        ("age", Count { age: "25-49".parse().unwrap(), ..visit(1) }),
        ("n", Count { people: 0, ..visit(1) }),
        ("n", Count { people: 100, ..visit(1) }),
        ("n", Count { people: -100, ..visit(1) }),
        ("day", Count { day: day("2026-11-21"), ..visit(1) }),
        ("day", Count { people: -1, reason: Some("erreur".to_owned()), ..visit(1) }),
        ("reason", Count { people: -1, day: day("2026-11-20"), ..visit(1) }),
        ("n", Count { people: -1, day: day("2026-11-20"), reason: Some("erreur".to_owned()), ..visit(1) }),
        ("same_visit", Count { same_visit: true, ..visit(1) }),
    ];
    for (name, count) in cases {
        assert_eq!(field(ask(&mut core, Command::Count(count))), name);
    }
    let future = Command::Close { day: day("2026-11-21"), closed: true };
    assert_eq!(field(ask(&mut core, future)), "day");
    assert_eq!(changes(&core), 0);
    // The bounds themselves are taken.
    tapped(ask(&mut core, Command::Count(Count { people: 99, ..visit(2) })));
}

#[test]
fn a_negative_count_takes_away_what_is_there_and_no_more() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(Count { people: 3, ..visit(1) })));
    let minus = |n: u8, people| Count {
        people,
        day: Some("2026-11-20".parse().unwrap()),
        reason: Some("compté deux fois".to_owned()),
        ..visit(n)
    };
    tapped(ask(&mut core, Command::Count(minus(2, -2))));
    assert_eq!(field(ask(&mut core, Command::Count(minus(3, -2)))), "n");
    assert_eq!(total(&mut core), (1, 1));
}

#[test]
fn a_further_request_of_a_visit_counts_nobody_twice() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(Count { age: "70+".parse().unwrap(), ..visit(1) })));
    let further = Count { same_visit: true, operator: "MSA".parse().unwrap(), ..visit(2) };
    let view = tapped(ask(&mut core, Command::Count(further.clone())));
    assert_eq!((view.people, view.requests, view.age.as_str()), (0, 1, "70+"));
    assert!(!tapped(ask(&mut core, Command::Count(further))).new);
    assert_eq!(total(&mut core), (1, 2));
}

#[test]
fn a_day_is_the_sites_own_whatever_the_machine_shows() {
    // 21:30 in Paris is half past midnight in La Réunion, and midday the day before further on.
    for (zone, day) in
        [("Europe/Paris", "2026-11-20"), ("Indian/Reunion", "2026-11-21"), ("America/Cayenne", "2026-11-20")]
    {
        let mut core = Core::new(disk(zone), fresh(1)).unwrap();
        let view = tapped(ask_at(&mut core, Command::Count(visit(1)), "2026-11-20T20:30:00Z"));
        assert_eq!(view.day.to_string(), day, "{zone}");
    }
}

#[test]
fn a_day_closes_and_opens_again() {
    let mut core = core();
    let mut close = |closed| ask(&mut core, Command::Close { day: None, closed });
    let day: Day = "2026-11-20".parse().unwrap();
    for closed in [true, true, false, false, true] {
        assert_eq!(close(closed), Ok(Reply::Day(day, closed)));
    }
    // Saying it twice writes nothing.
    assert_eq!(changes(&core), 3);
}

#[test]
fn every_load_and_every_clock_jump_has_its_own_writer() {
    let mut core = core();
    let first = core.writer();
    tapped(ask(&mut core, Command::Count(visit(1))));
    assert_eq!(core.writer(), first);
    // The wall clock moves by an hour, the monotonic one by a second.
    let mut jumped = at("2026-11-20T12:00:00Z");
    jumped.monotonic_ms = at(NOON).monotonic_ms + 1_000;
    core.turn(Vec::new(), jumped).unwrap();
    let second = core.writer();
    assert_ne!(second, first);
    let core = Core::new(core.into_connection(), fresh(2)).unwrap();
    assert!(core.writer() != first && core.writer() != second);
}

#[test]
fn what_the_hub_decided_stands_until_a_hub_says_otherwise_or_the_machine_joins_anew() {
    let mut core = core();
    let ended = |state| Input::Disconnected { state, why: None, attempt: None };
    let state = |core: &mut Core, input: Input| {
        core.turn(vec![input], at(NOON)).unwrap();
        match ask(core, Command::Status) {
            Ok(Reply::Status(status)) => status.state,
            other => panic!("{other:?}"),
        }
    };
    let connected = || Input::Connected { transport: "quic" };
    assert_eq!(state(&mut core, connected()), "connecting");
    for decided in ["revoked", "refused"] {
        assert_eq!(state(&mut core, ended(decided)), decided);
        assert_eq!(state(&mut core, connected()), decided, "while it dials again");
        assert_eq!(state(&mut core, ended("offline")), decided, "and without a network");
    }
    assert_eq!(state(&mut core, ended("untrusted")), "untrusted");
    assert_eq!(state(&mut core, connected()), "untrusted");
    assert_eq!(state(&mut core, ended("offline")), "offline", "nobody answers there any more");
    state(&mut core, ended("revoked"));
    let profile = Profile { device: Fingerprint::new([2; 32]).device(), ..core.profile().clone() };
    meta::set_profile(core.connection(), &profile).unwrap();
    core.reload().unwrap();
    assert_eq!(state(&mut core, Input::Drained), "offline");
}

#[test]
fn nothing_finer_than_the_day_is_in_a_change() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let bytes: Vec<u8> = core.connection().query_row("SELECT bytes FROM change", [], |row| row.get(0)).unwrap();
    // Decoding is strict: time 0 and no message are part of the form.
    let facts = decode(&bytes).unwrap().facts;
    let name = visit(1).id.name();
    assert_eq!(facts, [(format!("20|{name}|0"), "1|CNAF|online|unknown|1".to_owned())]);
    let change = automerge::Change::from_bytes(bytes).unwrap();
    assert_eq!((change.timestamp(), change.message()), (0, None));
}

fn welcome(clock: &str) -> Welcome {
    let clock_ms = clock.parse::<Timestamp>().unwrap().as_millisecond();
    let (epoch, mark) = (Epoch::new([1; 16]), Mark { commit: 1, tag: 1 });
    Welcome { epoch, mark, protocol: 1, clock_ms, in_sync: true, standing: DeviceStanding::Active }
}

#[test]
fn what_waits_is_told_with_its_oldest_day() {
    let mut core = core();
    let yesterday = Count { day: Some("2026-10-31".parse().unwrap()), ..visit(1) };
    assert_eq!(tapped(ask(&mut core, Command::Count(yesterday))).keeping, Keeping::Kept);
    tapped(ask(&mut core, Command::Count(visit(2))));
    let Ok(Reply::Status(status)) = ask(&mut core, Command::Status) else { panic!() };
    assert_eq!((status.kept, status.confirmed, status.waiting), (2, 0, 2));
    assert_eq!(status.oldest_waiting_day.map(|day| day.to_string()).as_deref(), Some("2026-10-31"));
}

#[test]
fn a_flipped_bit_is_found() {
    let mut core = core();
    tapped(ask(&mut core, Command::Count(visit(1))));
    let problems = |core: &mut Core| match ask(core, Command::Verify) {
        Ok(Reply::Verified(verified)) => verified.problems,
        other => panic!("{other:?}"),
    };
    assert_eq!(problems(&mut core), Vec::<String>::new());
    let conn = core.connection();
    let mut bytes: Vec<u8> = conn.query_row("SELECT bytes FROM change", [], |row| row.get(0)).unwrap();
    bytes[60] ^= 1;
    conn.execute("UPDATE change SET bytes = ?1", [&bytes]).unwrap();
    assert!(!problems(&mut core).is_empty());
    bytes[60] ^= 1;
    core.connection().execute("UPDATE change SET bytes = ?1", [&bytes]).unwrap();
    core.connection().execute("UPDATE fact SET value = '2|CNAF|online|unknown|2'", []).unwrap();
    assert!(problems(&mut core).iter().any(|problem| problem.contains("Automerge")));
}

mod disk;
mod history;
mod house;
mod mending;
mod references;
mod wall;
