//! Claims about seals, over databases on disk: bits are flipped in the file itself.

use std::path::Path;

use msap_shared::time::Day;
use tempfile::TempDir;

use super::super::{FILE_NAME, Store, check, devices, history::Since, journal, tokens, users};
use super::*;
use crate::password::Kept;
use crate::site::{Kind, Life, Site};
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
    let mut site =
        known.unwrap_or_else(|| Site::new(id, "Chemillé".to_owned(), Kind::House, "Europe/Paris".parse().unwrap()));
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
        password: Kept::nobodys(),
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
    let harms: [(&[u8], usize, &str); 5] = [
        // The region: 52 becomes 53.
        (b"491204952", 8, "site 275 "),
        (b"fs-275275", 5, "alias fs-27"),
        (b"department:49reader", 12, "token t1 "),
        (b"275guichet", 5, "device "),
        (b"site:275reader", 7, "user agent "),
    ];
    for (text, at, named) in harms {
        let (dir, store) = network();
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
    let left: u32 = store
        .connection()
        .query_row("SELECT (SELECT count(*) FROM seal) + (SELECT count(*) FROM unsealed)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 2, "the token's and the user's");
    let user = users::find(store.connection(), &"agent".parse().unwrap()).unwrap().unwrap();
    assert_eq!(user.scope, "site:fs-new", "whoever sees a site sees it under its new id");
}

#[test]
fn every_column_of_the_registry_is_sealed() {
    let (_dir, store) = network();
    let conn = store.connection();
    let tables = ["site", "site_alias", "site_history", "site_hand", "token", "user", "device"];
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
