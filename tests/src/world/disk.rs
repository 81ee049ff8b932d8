//! Disks as bytes, and what is written on them, read without the programs' queries.

use std::cell::RefCell;
use std::collections::BTreeMap;

use msap_shared::chain::{Facts, decode_edit};
use msap_shared::id::{ChangeHash, WriterId};
use rusqlite::{Connection, MAIN_DB};

/// A fact where it stands: document, key, value.
pub(super) type Fact = (String, String, String);

/// A change by its place: document, writer, sequence number.
pub(super) type Place = (String, WriterId, u64);

/// A copy of a database.
pub(super) fn image(conn: &Connection) -> Vec<u8> {
    conn.serialize(MAIN_DB).expect("a database in memory serializes").to_vec()
}

/// A database with the content of an image.
pub(super) fn from_image(image: &[u8]) -> Connection {
    let mut conn = Connection::open_in_memory().expect("memory");
    let len = image.len();
    conn.deserialize_read_exact(MAIN_DB, image, len, false).expect("an image that was a database");
    conn
}

/// A database with the layout that `make` gives it, made once.
pub(super) fn empty(kind: &'static str, make: impl FnOnce(Connection) -> Connection) -> Connection {
    thread_local! {
        static EMPTY: RefCell<BTreeMap<&'static str, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    }
    let known = EMPTY.with_borrow(|empty| empty.get(kind).cloned());
    let image = known.unwrap_or_else(|| {
        let made = image(&make(Connection::open_in_memory().expect("memory")));
        EMPTY.with_borrow_mut(|empty| empty.insert(kind, made.clone()));
        made
    });
    from_image(&image)
}

/// Every change on a disk, with its hash and facts.
pub(super) fn changes(conn: &Connection) -> Vec<(Place, ChangeHash, Facts)> {
    let sql = "SELECT d.name, c.writer, h.seq, h.hash, h.bytes FROM change h
               JOIN chain c ON c.id = h.chain JOIN document d ON d.id = c.document";
    let mut statement = conn.prepare_cached(sql).expect("the tables of both programs");
    let rows = statement.query_map([], |row| {
        let place: Place = (row.get(0)?, WriterId::new(row.get(1)?), row.get(2)?);
        let (hash, bytes): ([u8; 32], Vec<u8>) = (row.get(3)?, row.get(4)?);
        Ok((place, ChangeHash::new(hash), bytes))
    });
    rows.expect("a query without parameters")
        .map(|row| {
            let (place, hash, bytes) = row.expect("columns of these types");
            let (edit, built) = decode_edit(&bytes).expect("a change that was written");
            assert_eq!(built.tip.hash, hash, "a change with other bytes");
            (place, hash, edit.settings.into_iter().map(|setting| (setting.key, setting.value)).collect())
        })
        .collect()
}
