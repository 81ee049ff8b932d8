//! Claims about what the doctor says of damages.

use std::path::Path;

use super::*;
use crate::keys::Keys;
use crate::store::Store;

fn page_of(path: &Path, table: &str) -> usize {
    let conn = store::reader(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    conn.query_row(sql, [table], |row| row.get::<_, usize>(0)).unwrap() - 1
}

fn overwrite(path: &Path, at: usize, len: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at..at + len].iter_mut().for_each(|byte| *byte ^= 0x5a);
    std::fs::write(path, bytes).unwrap();
}

fn run(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

type Harm = fn(&Path);

#[test]
fn each_damage_is_named_with_the_next_step() {
    let harms: [(&str, Harm, &str, State, &str); 20] = [
        ("nothing", |_| {}, "database", State::Good, ""),
        ("no database", |dir| std::fs::remove_file(dir.join("hub.db")).unwrap(), "database", State::Damaged, "restore"),
        (
            "no hub",
            |dir| {
                std::fs::remove_file(dir.join("hub.db")).unwrap();
                std::fs::remove_dir_all(dir.join("keys")).unwrap();
            },
            "database",
            State::Bad,
            "--data",
        ),
        ("empty", |dir| std::fs::write(dir.join("hub.db"), "").unwrap(), "database", State::Damaged, "restore"),
        (
            "no database at all",
            |dir| std::fs::write(dir.join("hub.db"), "x".repeat(9_000)).unwrap(),
            "database",
            State::Damaged,
            "restore",
        ),
        (
            "another program's",
            |dir| {
                std::fs::remove_file(dir.join("hub.db")).unwrap();
                run(&dir.join("hub.db"), "CREATE TABLE meta (key)");
            },
            "database",
            State::Damaged,
            "restore",
        ),
        (
            "cut",
            |dir| {
                let bytes = std::fs::read(dir.join("hub.db")).unwrap();
                std::fs::write(dir.join("hub.db"), &bytes[..bytes.len() - 4_096]).unwrap();
            },
            "database",
            State::Damaged,
            "restore",
        ),
        (
            "flipped",
            |dir| {
                let page = page_of(&dir.join("hub.db"), "site");
                overwrite(&dir.join("hub.db"), page * 4_096, 12);
            },
            "database",
            State::Damaged,
            "restore",
        ),
        (
            "a change lost",
            |dir| {
                run(
                    &dir.join("hub.db"),
                    "INSERT INTO site (id, name, kind, timezone) VALUES ('1', 'x', 'house', 'Europe/Paris'); INSERT INTO document (name, site) VALUES ('site/1/visits/2026-11', '1'); INSERT INTO chain (document, writer, seq, hash, op_max) VALUES (1, zeroblob(16), 1, zeroblob(32), 1)",
                )
            },
            "database",
            State::Damaged,
            "restore",
        ),
        (
            "a view that differs",
            |dir| run(&dir.join("hub.db"), "INSERT INTO closing VALUES (1, 1, 1, 1)"),
            "documents",
            State::Bad,
            "--rebuild",
        ),
        (
            "a device that exists twice",
            |dir| {
                run(
                    &dir.join("hub.db"),
                    "INSERT INTO site (id, name, kind, timezone) VALUES ('1', 'x', 'house', 'Europe/Paris'); INSERT INTO device (id, fingerprint, site, standing, enrolled_day, forked) VALUES (zeroblob(8), zeroblob(32), '1', 'active', 1, 1)",
                )
            },
            "devices",
            State::Doubtful,
            "invitez",
        ),
        (
            "a list of revocations that was cut",
            |dir| std::fs::write(dir.join("keys/revocations"), "msap-revocations 1\n1 00").unwrap(),
            "keys",
            State::Doubtful,
            "device revocations --confirm",
        ),
        (
            "a witness that is garbage, beside a list that is cut",
            |dir| {
                std::fs::write(dir.join("keys/witness"), "garbage").unwrap();
                std::fs::write(dir.join("keys/revocations"), "msap-revocations 1\n1 00").unwrap();
            },
            "keys",
            State::Doubtful,
            "redémarrez le hub",
        ),
        (
            "the authority of another network",
            |dir| {
                Keys::open_or_create(&dir.join("other"), false).unwrap();
                std::fs::copy(dir.join("other/ca.key"), dir.join("keys/ca.key")).unwrap();
            },
            "keys",
            State::Damaged,
            "remettez",
        ),
        (
            "a row of the registry that a disk has changed",
            |dir| {
                run(
                    &dir.join("hub.db"),
                    "INSERT INTO site (id, name, kind, timezone) VALUES ('1', 'x', 'house', 'Europe/Paris'); DELETE FROM unsealed",
                )
            },
            "registry",
            State::Damaged,
            "check --seal",
        ),
        (
            "newer",
            |dir| run(&dir.join("hub.db"), "PRAGMA user_version = 9999"),
            "database",
            State::Damaged,
            "installez",
        ),
        ("no authority", |dir| std::fs::remove_file(dir.join("keys/ca.key")).unwrap(), "keys", State::Damaged, "clés"),
        (
            "a damaged authority",
            |dir| std::fs::write(dir.join("keys/ca.key"), "-----BEGIN").unwrap(),
            "keys",
            State::Damaged,
            "clés",
        ),
        (
            "no list of revocations",
            |dir| std::fs::remove_file(dir.join("keys/revocations")).unwrap(),
            "keys",
            State::Doubtful,
            "clés",
        ),
        (
            "a key that others read",
            |dir| {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(dir.join("keys/ca.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
            },
            "keys",
            State::Bad,
            "chmod 600",
        ),
    ];
    for (what, harm, check, state, next) in harms {
        let dir = tempfile::tempdir().unwrap();
        Keys::open_or_create(&dir.path().join("keys"), false).unwrap();
        std::fs::write(dir.path().join("keys/witness"), "").unwrap();
        drop(Store::open(dir.path(), None, Box::new(|| [1; 16])).unwrap());
        harm(dir.path());
        let settings = Settings::load(None, [], &[]).map_err(|error| panic!("{error}"));
        let found = examine(dir.path(), &dir.path().join("keys"), settings, Lang::Fr);
        let worst = found.iter().filter(|finding| finding.check == check).map(|finding| finding.state).max();
        assert_eq!(worst, Some(state), "{what}: {found:?}");
        let told = |finding: &&Finding| finding.check == check && finding.state == state && finding.next.contains(next);
        assert!(found.iter().any(|finding| told(&finding)), "{what}: {found:?}");
        assert!(found.iter().all(|finding| (finding.state == State::Good) == finding.next.is_empty()), "{found:?}");
    }
}

#[test]
fn the_age_of_the_last_backup_is_told() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path(), None, Box::new(|| [1; 16])).unwrap());
    let shelf = dir.path().join("sauvegardes");
    let backup = |found: Vec<Finding>| found.into_iter().find(|finding| finding.check == "backup").unwrap();
    let look = |every: &str| {
        let set = [("MSAP_HUB_BACKUP__DIR", shelf.to_str().unwrap()), ("MSAP_HUB_BACKUP__EVERY", every)];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::load(None, set, &[]).map_err(|error| panic!("{error}"));
        backup(examine(dir.path(), &dir.path().join("keys"), settings, Lang::Fr))
    };
    assert_eq!(look("24h").state, State::Bad);
    std::fs::create_dir(&shelf).unwrap();
    let made = crate::backup::shelf::Shelf::new(&shelf).place(Timestamp::now() - jiff::SignedDuration::from_hours(3));
    std::fs::copy(dir.path().join("hub.db"), &made).unwrap();
    let found = look("24h");
    assert!(found.state == State::Good && found.detail.contains("3 h"), "{found:?}");
    assert_eq!(look("1h").state, State::Bad);
    // The newest is empty: it is named, and the one before tells the age.
    let cut = crate::backup::shelf::Shelf::new(&shelf).place(Timestamp::now() - jiff::SignedDuration::from_hours(1));
    std::fs::write(&cut, "").unwrap();
    let found = look("24h");
    assert!(found.state == State::Bad && found.detail.contains(cut.to_str().unwrap()), "{found:?}");
}

#[test]
fn a_database_that_was_never_checked_is_told_once_it_should_have_been() {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let hours_ago = |hours| Some((now - jiff::SignedDuration::from_hours(hours)).as_second());
    for (awaited, told) in [(None, false), (hours_ago(1), false), (hours_ago(49), false), (hours_ago(50), true)] {
        let mut doctor = Doctor { lang: Lang::Fr, found: Vec::new() };
        doctor.checked(None, awaited, now);
        let found = doctor.found.iter().find(|finding| finding.check == "check");
        assert_eq!(found.map(|finding| finding.state), told.then_some(State::Doubtful), "{awaited:?}");
        assert!(found.is_none_or(|finding| finding.detail.contains("jamais") && finding.next.contains("check.hour")));
    }
}

#[test]
fn figures_below_zero_are_counted_with_the_next_step() {
    let mut doctor = Doctor { lang: Lang::Fr, found: Vec::new() };
    let negative = vec!["site 275 2026-11-17 CNAF online 25-39: -1 / -1".to_owned()];
    let report = store::check::CheckReport { negative, ..store::check::CheckReport::default() };
    doctor.told("", 0, report, Vec::new());
    let found = doctor.found.iter().find(|finding| finding.check == "figures").unwrap();
    assert!(found.state == State::Doubtful && found.detail.starts_with("1 "), "{found:?}");
    assert!(found.next.contains("flagged list"), "{found:?}");
}

#[test]
fn the_database_of_another_network_is_named_with_both_keys() {
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["keys", "theirs"].map(|name| Keys::open_or_create(&dir.path().join(name), false).unwrap());
    let mut store = Store::open(dir.path(), None, Box::new(|| [1; 16])).unwrap();
    store.write(|conn, _| store::network::set_keys(conn, &theirs.identity())).unwrap();
    drop(store);
    let look = |keys: &str| {
        let settings = Settings::load(None, [], &[]).map_err(|error| panic!("{error}"));
        let found = examine(dir.path(), &dir.path().join(keys), settings, Lang::Fr);
        found.into_iter().find(|finding| finding.check == "keys").unwrap()
    };
    let found = look("keys");
    assert_eq!(found.state, State::Damaged, "{found:?}");
    for key in [ours.identity()[0], theirs.identity()[0]] {
        assert!(found.detail.contains(&key.to_string()), "{found:?}");
    }
    assert_eq!(look("theirs").state, State::Good);
}

#[test]
fn no_room_is_told_whether_the_hub_runs_or_not() {
    let full = std::path::Path::new("/proc");
    for runs in [false, true] {
        let mut doctor = Doctor { lang: Lang::Fr, found: Vec::new() };
        doctor.room(full, runs);
        let found = &doctor.found[0];
        assert!((found.check, found.state) == ("disk", State::Bad) && found.detail.contains("0 Mio"), "{found:?}");
    }
}
