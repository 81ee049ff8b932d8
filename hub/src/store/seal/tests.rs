//! Claims about seals, over databases on disk: bits are flipped in the file itself.

use std::path::Path;

use msap_shared::schedule::NetworkClosure;
use msap_shared::time::Day;
use tempfile::TempDir;

use super::super::{FILE_NAME, Store, calendars, check, devices, history::Since, journal, releases, tokens, users};
use super::*;
use crate::calendar::Kind;
use crate::privacy::{Kept, Release, State, VISITS};
use crate::site::{self, Life, Site};
use crate::store::sites;
use crate::store::tokens::TokenRow;
use crate::store::users::UserRow;

fn today() -> Day {
    "2026-11-20".parse().unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open(dir, None, Box::new(|| [7; 16])).unwrap()
}

fn change(store: &mut Store, change: impl FnOnce(&mut Site)) {
    let id = "275".parse().unwrap();
    let known = sites::find(store.connection(), &id).unwrap().map(|(site, _)| site);
    let mut site = known
        .unwrap_or_else(|| Site::new(id, "Chemillé".to_owned(), site::Kind::House, "Europe/Paris".parse().unwrap()));
    change(&mut site);
    store.write(|conn, _| sites::put(conn, &site, Since::named(today()), today())).unwrap();
}

/// A hub with one of everything that is sealed.
fn network() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    change(&mut store, |site| {
        (site.department, site.region, site.postal_code) = ("49".to_owned(), "52".to_owned(), "49120".to_owned());
        (site.lat, site.lon) = (Some(47.21), Some(-0.73));
    });
    change(&mut store, |site| (site.life, site.bearer) = (Life::Labelled, "mairie-de-chemille".to_owned()));
    let (key, site) = (msap_shared::id::Fingerprint::new(*b"une-clef-de-trente-deux-octets-!"), "275".parse().unwrap());
    let token = TokenRow {
        id: "t1".to_owned(),
        label: "essai".to_owned(),
        scope: "department:49".to_owned(),
        role: "reader".to_owned(),
        expires: 2_000_000_000,
        revoked: false,
        used: None,
    };
    let user = UserRow {
        login: "agent".parse().unwrap(),
        password: crate::password::Kept::nobodys(),
        scope: "site:275".to_owned(),
        role: "reader".to_owned(),
        disabled: false,
    };
    store
        .write(|conn, _| {
            sites::add_alias(conn, "fs-275", &site)?;
            sites::note_hand(conn, &site, "life")?;
            tokens::insert(conn, &token, &[3; 32])?;
            users::insert(conn, &user)?;
            devices::readmit(conn, &key, &site, devices::Standing::Active, today())?;
            sql::write(conn, "naming a device", "UPDATE device SET label = 'guichet'", [])
        })
        .unwrap();
    (dir, store)
}

/// The figures of a month as they were released: 40 visits of one department and age, and of all that they are part of
/// but for `lost`.
fn october(lost: i64) -> (Release, releases::Note) {
    let places = ["nation", "region:52", "department:49"];
    let cells = places.into_iter().flat_map(|place| ["", "25-39"].map(|one| (place, one)));
    let cell = |(place, one): (&str, &str)| Kept {
        place: place.to_owned(),
        one: one.to_owned(),
        two: String::new(),
        value: if place == "nation" { 40 } else { 40 - lost },
        state: State::Shown,
    };
    let period = "2025-10".parse().unwrap();
    let release = Release { kind: VISITS.to_owned(), period, depth: Some(2), cells: cells.map(cell).collect() };
    (release, releases::Note { min_cell: 11, layout: 1, day: today(), completeness: "{}".to_owned() })
}

/// A line of all that persons or the hub have said once: closed, imported, settled, released, journalled.
fn say(store: &mut Store) {
    let settled =
        "INSERT INTO settlement (document, tap, day, value, doubts, verdict, reason, at, decided_day, accepted)
                   VALUES ('site/275/visits/2026-11', x'0102030405060708', 17, '1|CNAF|online|25-39|1', 'day', 'count',
                           'vu-au-guichet', 1800000000, 9820, 4)";
    let closure = NetworkClosure {
        id: "pont".to_owned(),
        from: today(),
        to: today(),
        reason: msap_shared::document::schedule::Reason::Other,
        label: "fermeture-du-pont".to_owned(),
        scope: "department:49".parse().unwrap(),
    };
    let (release, note) = october(0);
    store
        .write(|conn, _| {
            // Each twice: a transaction may put right what it has just written.
            for label in ["fermeture", "fermeture-du-pont"] {
                calendars::put_closure(conn, &NetworkClosure { label: label.to_owned(), ..closure.clone() })?;
                calendars::put_year(conn, Kind::Public, "metropole", 2027, b"une-annee-de-fetes")?;
            }
            sql::write(conn, "settling", settled, [])?;
            releases::keep(conn, &release, &note)?;
            journal::record(conn, "2026-11-20T11:00:00Z".parse().unwrap(), "site.set", "275", "nom=Chemillé")
        })
        .unwrap();
}

fn look(conn: &Connection) -> check::CheckReport {
    check::look::<StoreError>(conn, &mut |_, _| Ok(())).unwrap()
}

/// Flips one bit of the byte `at` within the only place where the database holds `text`.
fn flip(dir: &Path, text: &[u8], at: usize) {
    let path = dir.join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<_> = (0..bytes.len() - text.len()).filter(|from| bytes[*from..].starts_with(text)).collect();
    let [place] = places[..] else { panic!("{:?} is {} times there", String::from_utf8_lossy(text), places.len()) };
    bytes[place + at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_bit_that_flips_in_the_file_is_named() {
    let harms: [(&[u8], usize, &str); 10] = [
        // The region: 52 becomes 53.
        (b"491204952", 8, "site 275 "),
        (b"fs-275275", 5, "alias fs-27"),
        (b"department:49reader", 12, "token t1 "),
        (b"275guichet", 5, "device "),
        (b"site:275reader", 7, "user agent "),
        (b"fermeture-du-pont", 3, "closure pont "),
        (b"une-annee-de-fetes", 5, "calendar public metropole 2027 "),
        (b"vu-au-guichet", 0, "settlement 1 "),
        // The figure, which follows the names: 40 become 41.
        (b"visits2025-10department:4925-39", 31, "release visits 2025-10"),
        ("site.set275nom=Chemillé".as_bytes(), 12, "journal 1 "),
    ];
    for (text, at, named) in harms {
        let (dir, mut store) = network();
        say(&mut store);
        assert_eq!(look(store.connection()), check::CheckReport::default(), "nothing is wrong yet");
        drop(store);
        flip(dir.path(), text, at);
        let report = look(&super::super::reader(&dir.path().join(FILE_NAME)).unwrap());
        assert!(!report.registry.is_empty() && report.problems.is_empty(), "{named}: {report:?}");
        assert!(report.registry.iter().all(|row| row.starts_with(named)), "{report:?}");
    }
}

/// Writes past the triggers, which SQLite then has again.
fn past_triggers(conn: &Connection, sql: &str) {
    let triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
    let triggers = sql::rows(conn, "", triggers, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let triggers = triggers.unwrap();
    let run = |sql: &str| conn.execute_batch(sql).unwrap();
    triggers.iter().for_each(|(name, _)| run(&format!("DROP TRIGGER {name}")));
    run(sql);
    triggers.iter().for_each(|(_, sql)| run(sql));
}

#[test]
fn neither_writing_to_a_damaged_row_nor_beside_it_seals_it() {
    let (_dir, mut store) = network();
    past_triggers(store.connection(), "UPDATE site SET department = '48'");
    let broken = |store: &Store| look(store.connection()).registry;
    assert_eq!(broken(&store), ["site 275 is not what was last written there"]);
    change(&mut store, |site| site.name = "Autre".to_owned());
    store.write(|conn, _| sites::insert_unknown(conn, &"361".parse().unwrap())).unwrap();
    assert_eq!(broken(&store).len(), 1, "it is still known");
    // What was there is written again: it is whole by itself.
    change(&mut store, |site| site.name = "Chemillé".to_owned());
    store
        .write(|conn, _| sql::write(conn, "mending", "UPDATE site SET department = '49' WHERE id = '275'", []))
        .unwrap();
    assert_eq!(broken(&store), [""; 0]);
    // Or a person says that it is right as it is.
    past_triggers(store.connection(), "UPDATE site SET department = '44' WHERE id = '275'");
    assert_eq!(broken(&store).len(), 1);
    assert_eq!(store.write(|conn, _| anew(conn)).unwrap(), ["site 275"]);
    assert_eq!(broken(&store), [""; 0]);
}

#[test]
fn every_way_of_writing_the_registry_leaves_it_sealed() {
    let (_dir, mut store) = network();
    let (old, new) = ("275".parse().unwrap(), "fs-new".parse().unwrap());
    store
        .write(|conn, _| {
            tokens::revoke(conn, "t1")?;
            sql::write(conn, "a device leaves", "DELETE FROM device", [])?;
            sites::rename(conn, &old, &new)
        })
        .unwrap();
    assert_eq!(look(store.connection()), check::CheckReport::default());
    store.write(|conn, _| sites::remove(conn, &new)).unwrap();
    assert_eq!(look(store.connection()), check::CheckReport::default());
    say(&mut store);
    store.write(|conn, _| calendars::remove_closure(conn, "pont")).unwrap();
    assert_eq!(look(store.connection()), check::CheckReport::default());
    let left: u32 = store
        .connection()
        .query_row("SELECT (SELECT count(*) FROM seal) + (SELECT count(*) FROM unsealed)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 6, "the token's and the user's, and those of all that is for ever");
    let user = users::find(store.connection(), &"agent".parse().unwrap()).unwrap().unwrap();
    assert_eq!(user.scope, "site:fs-new", "whoever sees a site sees it under its new id");
}

#[test]
fn every_column_of_the_registry_is_sealed() {
    let (_dir, mut store) = network();
    say(&mut store);
    let conn = store.connection();
    let tables = [
        "site",
        "site_alias",
        "site_history",
        "site_hand",
        "token",
        "user",
        "device",
        "network_closure",
        "calendar",
        "settlement",
        "release",
        "release_cell",
        "journal",
    ];
    // What sessions write of a device.
    let session = [
        "token",
        "forked",
        "last_contact",
        "last_in_sync",
        "app_version",
        "transport",
        "tried",
        "clock_offset_ms",
        "replaced_by",
        "waiting",
        "oldest_waiting_day",
        "turned_away",
    ];
    for table in tables {
        let columns = sql::rows(conn, "", &format!("SELECT name, type FROM pragma_table_info('{table}')"), [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        for (column, kind) in columns.unwrap() {
            let value = match kind.as_str() {
                "BLOB" => "zeroblob(8)",
                "INTEGER" | "REAL" => "7",
                _ => "'x'",
            };
            conn.execute_batch("SAVEPOINT harm; PRAGMA ignore_check_constraints = ON").unwrap();
            conn.execute_batch("PRAGMA defer_foreign_keys = ON").unwrap();
            past_triggers(conn, &format!("UPDATE OR IGNORE {table} SET {column} = {value}"));
            let is_sealed = !(table == "device" && session.contains(&column.as_str()));
            assert_eq!(!broken(conn).unwrap().is_empty(), is_sealed, "{table}.{column}");
            conn.execute_batch("ROLLBACK TO harm; RELEASE harm").unwrap();
        }
    }
}

#[test]
fn a_row_that_is_gone_is_named_where_rows_are_only_added() {
    for (sql, named) in [
        ("DELETE FROM journal", "journal 1 "),
        ("DELETE FROM settlement", "settlement 1 "),
        ("DELETE FROM release_cell WHERE place = 'nation' AND one = ''", "release visits 2025-10 "),
        ("DELETE FROM release", "release visits 2025-10 "),
        ("INSERT INTO release_cell VALUES ('visits', '2025-10', 'region:11', '', '', 3, 2)", "release visits 2025-10 "),
    ] {
        let (_dir, mut store) = network();
        say(&mut store);
        past_triggers(store.connection(), sql);
        let found = look(store.connection()).registry;
        assert!(found.first().is_some_and(|row| row.starts_with(named)), "{sql}: {found:?}");
        // Nor does the next commit make it right.
        change(&mut store, |site| site.name = "Autre".to_owned());
        assert_eq!(look(store.connection()).registry, found, "{sql}");
    }
}

#[test]
fn a_release_whose_sums_do_not_hold_is_named_until_a_person_seals_it() {
    let (_dir, mut store) = network();
    let (wrong, note) = october(1);
    store.write(|conn, _| releases::keep(conn, &wrong, &note)).unwrap();
    let broken = |store: &Store| look(store.connection()).registry;
    assert_eq!(broken(&store), ["release visits 2025-10: 2 sums do not hold, of nation first"]);
    assert_eq!(store.write(|conn, _| anew(conn)).unwrap().len(), 1);
    assert_eq!(broken(&store), [""; 0]);
    // A quarter that is not the sum of its months, too.
    let quarter = Release { period: "2025-Q4".parse().unwrap(), ..october(0).0 };
    store.write(|conn, _| releases::keep(conn, &quarter, &note)).unwrap();
    assert_eq!(broken(&store), ["release visits 2025-Q4: 4 sums do not hold, of department:49 first"]);
}

#[test]
fn spans_that_do_not_follow_are_told_and_folded_anew() {
    let (_dir, mut store) = network();
    store.connection().execute_batch("UPDATE site_span SET department = '48' WHERE from_day = 0").unwrap();
    let report = look(store.connection());
    assert_eq!((report.differences.len(), report.registry.len()), (1, 0), "{report:?}");
    assert!(report.differences[0].contains("275"), "{report:?}");
    store.write(|conn, _| super::super::rebuild::rebuild(conn)).unwrap();
    assert_eq!(look(store.connection()), check::CheckReport::default());
}

#[test]
fn what_an_earlier_version_wrote_is_sealed_with_the_next_commit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    let before = &super::super::MIGRATIONS[..5];
    let conn = msap_shared::io::store::prepare(Connection::open(&path).unwrap(), &path, before).unwrap();
    sites::insert_unknown(&conn, &"275".parse().unwrap()).unwrap();
    drop(conn);
    let mut store = open(dir.path());
    store.write(|conn, _| journal::record(conn, "2026-11-20T11:00:00Z".parse().unwrap(), "site.set", "", "")).unwrap();
    assert_eq!(look(store.connection()), check::CheckReport::default());
    past_triggers(store.connection(), "UPDATE site SET life = 'retired'");
    assert_eq!(look(store.connection()).registry.len(), 1);
}
