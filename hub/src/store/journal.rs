//! The journal: who changed what in the hub, and when. Append-only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::StoreError;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the journal.
    pub n: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// What was done, such as `site.set`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// With which values.
    pub detail: String,
}

/// The actions after which the import leaves a field of a site alone.
pub const SITE_SET: &str = "site.set";

/// Adds a line, in the caller's transaction.
pub fn record(conn: &Connection, now: Timestamp, action: &str, subject: &str, detail: &str) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO journal (at, action, subject, detail) VALUES (?1, ?2, ?3, ?4)";
    conn.execute(SQL, params![now.as_second(), action, subject, detail])
        .map(drop)
        .map_err(StoreError::sqlite("writing the journal"))
}

/// The lines after `after`, oldest first, at most `limit`.
pub fn list(conn: &Connection, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = "SELECT n, at, action, subject, detail FROM journal WHERE n > ?1 ORDER BY n LIMIT ?2";
    let entry = |row: &rusqlite::Row<'_>| {
        Ok(Entry { n: row.get(0)?, at: row.get(1)?, action: row.get(2)?, subject: row.get(3)?, detail: row.get(4)? })
    };
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map(params![after, limit], entry)?.collect())
        .map_err(StoreError::sqlite("reading the journal"))
}

/// Which fields of which sites a person has set by hand: a later import of the national list must
/// not undo them. Read from the journal, where each `site.set` names one field in its detail,
/// `field=value`.
pub fn set_by_hand(conn: &Connection) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    const SQL: &str = "SELECT subject, detail FROM journal WHERE action = ?1";
    let doing = "reading the journal";
    let mut statement = conn.prepare(SQL).map_err(StoreError::sqlite(doing))?;
    let mut rows = statement.query([SITE_SET]).map_err(StoreError::sqlite(doing))?;
    let mut fields = BTreeMap::<String, BTreeSet<String>>::new();
    while let Some(row) = rows.next().map_err(StoreError::sqlite(doing))? {
        let subject: String = row.get(0).map_err(StoreError::sqlite(doing))?;
        let detail: String = row.get(1).map_err(StoreError::sqlite(doing))?;
        if let Some((field, _)) = detail.split_once('=') {
            fields.entry(subject).or_default().insert(field.to_owned());
        }
    }
    Ok(fields)
}
