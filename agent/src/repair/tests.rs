//! Every page of a database is damaged once, in several ways, and what is made anew is compared
//! with what there was.

use msap_shared::code::{Age, Help};
use msap_shared::id::DeviceId;

use super::*;
use crate::command::{Command, Correction, Count, TapRef};
use crate::core::{Core, Input, Now, Output};

mod house;

const TAPS: u16 = 300;

fn id(n: u16) -> TapId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    TapId::new(bytes)
}

fn fresh(load: u8) -> Fresh {
    let mut n = 0u64;
    Box::new(move || {
        n += 1;
        let mut bytes = [load; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes
    })
}

fn now() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn begun(dir: &Path) {
    let profile = Profile {
        site: "275".parse().unwrap(),
        site_name: "Chemillé".into(),
        timezone: "Europe/Paris".parse().unwrap(),
        device: DeviceId::new([7; 8]),
        label: "Accueil 1".into(),
        hub: "hub.exemple.fr:4433".into(),
    };
    store::create(dir, &profile).unwrap();
}

/// Two months of taps by two loads, every tenth one corrected, every thirtieth undone.
fn used(dir: &Path) {
    begun(dir);
    for load in 0..2u8 {
        let mut core = Core::new(store::open(dir).unwrap(), fresh(load)).unwrap();
        let mut ask = |command| {
            let outputs = core.turn(vec![Input::Command(1, command)], Now { wall: now(), monotonic_ms: 0 }).unwrap();
            assert!(matches!(outputs[..], [Output::Reply(1, Ok(_))]), "{outputs:?}");
        };
        for n in (0..TAPS).filter(|n| n % 2 == u16::from(load)) {
            let day = if n < TAPS / 2 { "2026-10-31" } else { "2026-11-19" }.parse().ok();
            let (help, age) = (Help::Online.code(), Age::UNKNOWN.code());
            let operator = "CNAF".parse().unwrap();
            ask(Command::Count(Count {
                id: id(n),
                operator,
                help,
                age,
                people: 1,
                day,
                same_visit: false,
                reason: None,
            }));
            if n % 10 == 0 {
                let operator = "MSA".parse().ok();
                ask(Command::Correct(TapRef::Id(id(n)), Correction { operator, ..Correction::default() }));
            }
            if n % 30 == 0 {
                ask(Command::Undo(Some(TapRef::Id(id(n)))));
            }
        }
    }
}

type Said = BTreeMap<TapName, (DocId, u8, String)>;

fn said(dir: &Path) -> Said {
    let conn = store::open(dir).unwrap();
    let documents = chains::documents(&conn).unwrap();
    let taps = documents.iter().flat_map(|(name, _)| facts::taps(&conn, name, None).unwrap());
    taps.map(|tap| (tap.name, (tap.document, tap.standing.rev, tap.standing.value))).collect()
}

fn facts_of(dir: &Path) -> BTreeSet<(DocId, Fact)> {
    let conn = store::open(dir).unwrap();
    let mut found = BTreeSet::new();
    for (name, _) in chains::documents(&conn).unwrap() {
        let row = chains::document_row(&conn, &name).unwrap().unwrap();
        let changes = chains::document_changes(&conn, row).unwrap();
        found.extend(changes.iter().flat_map(|kept| kept.facts().unwrap()).map(|fact| (name.clone(), fact)));
    }
    found
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in ["agent.db", "profile.json"] {
        std::fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    to
}

#[test]
fn whichever_page_is_damaged_every_tap_is_there_and_none_is_invented() {
    let whole = tempfile::tempdir().unwrap();
    used(whole.path());
    let (before, facts_before) = (said(whole.path()), facts_of(whole.path()));
    assert_eq!(before.len(), usize::from(TAPS));
    let bytes = std::fs::read(whole.path().join("agent.db")).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages >= 50, "{pages} pages");
    let mut seed = 1u64;
    for page in 0..pages {
        for way in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = page * 4096;
            let mut damaged = bytes.clone();
            match way {
                0 => damaged[at..at + 4096].fill(0x5a),
                1 => damaged[at..at + 4096].fill(0),
                _ => damaged[at + (seed >> 33) as usize % 4096] ^= 1 << (seed >> 60 & 7),
            }
            let dir = copied(whole.path());
            std::fs::write(dir.path().join("agent.db"), damaged).unwrap();
            let context = format!("page {page}, way {way}, seed {seed}");
            let done = repair(dir.path(), &mut fresh(9), now()).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(done.aside.exists(), "{context}");
            let after = said(dir.path());
            assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{context}");
            for (name, (document, rev, value)) in &after {
                let (was_in, was_rev, was) = &before[name];
                assert_eq!(document, was_in, "{context}");
                // A correction has no second place; the hub's copy brings it back.
                assert!(rev < was_rev || (rev == was_rev && value == was), "{context}: {name}");
            }
            assert!(facts_of(dir.path()).is_subset(&facts_before), "{context}");
        }
    }
}

#[test]
fn what_the_log_of_a_killed_agent_holds_is_taken_over() {
    let whole = tempfile::tempdir().unwrap();
    used(whole.path());
    let before = said(whole.path());
    let killed = tempfile::tempdir().unwrap();
    // Copied while open: the last commits are in the log alone.
    let conn = store::open(whole.path()).unwrap();
    conn.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    let mut core = Core::new(conn, fresh(5)).unwrap();
    let (help, age, operator) = (Help::Online.code(), Age::UNKNOWN.code(), "CNAF".parse().unwrap());
    let count = Count { id: id(999), operator, help, age, people: 1, day: None, same_visit: false, reason: None };
    core.turn(vec![Input::Command(1, Command::Count(count))], Now { wall: now(), monotonic_ms: 0 }).unwrap();
    for name in ["agent.db", "agent.db-wal", "profile.json"] {
        std::fs::copy(whole.path().join(name), killed.path().join(name)).unwrap();
    }
    let mut bytes = std::fs::read(killed.path().join("agent.db")).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(killed.path().join("agent.db"), bytes).unwrap();
    repair(killed.path(), &mut fresh(9), now()).unwrap();
    let after = said(killed.path());
    assert_eq!(after.len(), before.len() + 1);
    assert!(after.contains_key(&id(999).name()));
    assert!(killed.path().join("agent.db").exists() && !killed.path().join("agent.db-wal").exists());
}

#[test]
fn without_any_word_on_the_site_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("agent.db"), [0x5a; 8192]).unwrap();
    assert!(matches!(repair(dir.path(), &mut fresh(1), now()), Err(RepairError::Nameless)));
    assert_eq!(std::fs::read(dir.path().join("agent.db")).unwrap(), [0x5a; 8192]);
}

#[test]
fn edits_are_taken_over_and_those_behind_damage_say_again_what_they_said() {
    let whole = tempfile::tempdir().unwrap();
    used(whole.path());
    let document: DocId = "site/275/schedule".parse().unwrap();
    let mut writer = WriterId::new([3; 16]);
    {
        let conn = store::open(whole.path()).unwrap();
        let (mut fresh, mut credentials) = (fresh(3), NoCredentials);
        let mut replica =
            Replica { conn: &conn, writer: &mut writer, fresh: &mut fresh, credentials: &mut credentials };
        for (key, value) in [("a", "damaged"), ("b", "first"), ("b", "second"), ("c", "third")] {
            replica.edit(document.kind(), &[(key.to_owned(), value.to_owned())]).unwrap();
        }
    }
    let values = |dir: &Path| store::registers::values(&store::open(dir).unwrap(), &document).unwrap();
    let before = values(whole.path());
    let healthy = copied(whole.path());
    repair(healthy.path(), &mut fresh(9), now()).unwrap();
    assert_eq!(values(healthy.path()), before);

    let path = whole.path().join("agent.db");
    let bytes = std::fs::read(&path).unwrap();
    let hits = bytes.windows(7).enumerate().filter(|(_, window)| *window == b"damaged").map(|(at, _)| at);
    let mut damaged = bytes.clone();
    hits.for_each(|at| damaged[at] = b'X');
    std::fs::write(&path, damaged).unwrap();
    repair(whole.path(), &mut fresh(9), now()).unwrap();
    let after = values(whole.path());
    let of = |key: &str| after.iter().find(|(found, _)| found == key).map(|(_, values)| values.clone());
    assert_eq!(of("b"), Some(vec!["second".to_owned()]));
    assert_eq!(of("c"), Some(vec!["third".to_owned()]));
}
