//! The journal: who changed what in the hub, and when. Append-only.

use jiff::Timestamp;
use msap_shared::io::store::sql;
use rusqlite::{Connection, Row, params};

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

/// A field of a site was set.
pub const SITE_SET: &str = "site.set";
/// The figures of a period were released.
pub const FIGURES_RELEASED: &str = "figures.release";
/// Somebody was shown figures so small that they may be one person's.
pub const SMALL_FIGURES_READ: &str = "figures.small";

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
    sql::rows(conn, "reading the journal", SQL, (after, limit), entry)
}

/// The last `limit` lines, oldest first.
pub fn last(conn: &Connection, limit: u32) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = "SELECT n, at, action, subject, detail FROM journal ORDER BY n DESC LIMIT ?1";
    let mut lines = sql::rows(conn, "reading the journal", SQL, [limit], entry)?;
    lines.reverse();
    Ok(lines)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry { n: row.get(0)?, at: row.get(1)?, action: row.get(2)?, subject: row.get(3)?, detail: row.get(4)? })
}
