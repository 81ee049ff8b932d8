//! The sync log: what happened between this machine and the hub, for a person to read.

use rusqlite::Connection;

use super::{StoreError, sql};
use crate::command::LogLine;

/// Lines kept.
const LINES_MAX: i64 = 500;

/// Adds a line.
pub fn add(conn: &Connection, at: i64, event: &str, detail: &str) -> Result<(), StoreError> {
    sql::write(
        conn,
        "adding to the sync log",
        "INSERT INTO sync_log (at, event, detail) VALUES (?1, ?2, ?3)",
        (at, event, detail),
    )?;
    let last = conn.last_insert_rowid();
    sql::write(conn, "trimming the sync log", "DELETE FROM sync_log WHERE n <= ?1", [last - LINES_MAX])?;
    Ok(())
}

/// The lines, newest first.
pub fn lines(conn: &Connection) -> Result<Vec<LogLine>, StoreError> {
    let sql = "SELECT at, event, detail FROM sync_log ORDER BY n DESC";
    sql::rows(conn, "reading the sync log", sql, [], |row| {
        Ok(LogLine { at: row.get(0)?, event: row.get(1)?, detail: row.get(2)? })
    })
}
