//! What the documents amount to: the fold of their facts, kept beside them.
//!
//! The tables `fact (document, tap, rev, day, value, contested)` and
//! `closing (document, day, rev, closed)` stand in both databases, and are derived: they can be
//! thrown away and folded anew from the changes.

use rusqlite::{Connection, Row};

use super::chains::{Doc, document_changes};
use super::{StoreError, sql};
use crate::document::fold::{Change, Closing, Standing};
use crate::document::visits::{Key, Subject, Value, parse_fact};
use crate::id::TapName;

/// What one more fact did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Nothing: known, older, or outside the grammar and on its way to be refused.
    Nothing,
    /// A tap stands otherwise than before.
    Tap {
        /// Which tap.
        name: TapName,
        /// How it stood.
        before: Option<Standing<String>>,
        /// How it stands.
        after: Standing<String>,
    },
    /// What is said of a day's closing is newer than before.
    Closing {
        /// The day of the month.
        day: u8,
        /// Whether it was closed.
        before: bool,
        /// Whether it is.
        after: bool,
    },
}

/// The columns of a standing, in the order that [`standing_of_row`] reads.
pub const STANDING_COLUMNS: &str = "rev, day, value, contested";

/// Reads a standing from a row that begins with [`STANDING_COLUMNS`].
///
/// # Errors
/// When a column has another type.
pub fn standing_of_row(row: &Row<'_>) -> rusqlite::Result<Standing<String>> {
    Ok(Standing { rev: row.get(0)?, day: row.get(1)?, value: row.get(2)?, contested: row.get(3)? })
}

/// What counts for a tap in one document.
///
/// # Errors
/// When the store fails.
pub fn standing(conn: &Connection, document: i64, name: &TapName) -> Result<Option<Standing<String>>, StoreError> {
    let sql = "SELECT rev, day, value, contested FROM fact WHERE document = ?1 AND tap = ?2";
    sql::row(conn, "looking up a tap", sql, (document, name.as_bytes()), standing_of_row)
}

/// The closing of a day.
///
/// # Errors
/// When the store fails.
pub fn closing(conn: &Connection, document: i64, day: u8) -> Result<Option<Closing>, StoreError> {
    let sql = "SELECT rev, closed FROM closing WHERE document = ?1 AND day = ?2";
    sql::row(conn, "looking up a closing", sql, (document, day), |row| {
        Ok(Closing { rev: row.get(0)?, closed: row.get(1)? })
    })
}

/// Folds one fact in.
///
/// # Errors
/// When the store fails.
pub fn fold(conn: &Connection, doc: Doc<'_>, key: &str, value: &str) -> Result<Folded, StoreError> {
    let Some(month) = doc.name.month() else { return Ok(Folded::Nothing) };
    match parse_fact(month, key, value) {
        Ok((Key { day, subject: Subject::Tap(name), rev }, Value::Visit(_))) => {
            let first = Standing::new(rev, day, value.to_owned());
            // Nearly every fact is the first of its tap: one look answers and keeps it.
            if begin_standing(conn, doc.row, &name, &first)? {
                return Ok(Folded::Tap { name, before: None, after: first });
            }
            let before =
                standing(conn, doc.row, &name)?.ok_or_else(|| StoreError::corrupt("a tap that comes and goes"))?;
            let mut after = before.clone();
            if after.take(rev, day, first.value) == Change::Nothing {
                return Ok(Folded::Nothing);
            }
            move_standing(conn, doc.row, &name, &after)?;
            Ok(Folded::Tap { name, before: Some(before), after })
        }
        Ok((Key { day, subject: Subject::Close, rev }, Value::Closed(closed))) => {
            let before = closing(conn, doc.row, day)?;
            let mut after = before.unwrap_or(Closing { rev, closed });
            if before.is_some() && !after.take(rev, closed) {
                return Ok(Folded::Nothing);
            }
            let sql = "INSERT OR REPLACE INTO closing (document, day, rev, closed) VALUES (?1, ?2, ?3, ?4)";
            sql::write(conn, "folding a closing", sql, (doc.row, day, after.rev, after.closed))?;
            Ok(Folded::Closing { day, before: before.is_some_and(|before| before.closed), after: after.closed })
        }
        Ok(_) | Err(_) => Ok(Folded::Nothing),
    }
}

/// Keeps a tap's first standing. `false`: it has one already, which stays.
fn begin_standing(conn: &Connection, document: i64, tap: &TapName, to: &Standing<String>) -> Result<bool, StoreError> {
    let Standing { rev, day, value, contested } = to;
    let sql = "INSERT OR IGNORE INTO fact (document, tap, rev, day, value, contested) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (document, tap.as_bytes(), rev, day, value, contested);
    Ok(sql::write(conn, "folding a fact", sql, row)? == 1)
}

/// Replaces a tap's standing.
fn move_standing(conn: &Connection, document: i64, tap: &TapName, to: &Standing<String>) -> Result<(), StoreError> {
    let Standing { rev, day, value, contested } = to;
    let sql = "UPDATE fact SET rev = ?3, day = ?4, value = ?5, contested = ?6 WHERE document = ?1 AND tap = ?2";
    sql::write(conn, "folding a fact", sql, (document, tap.as_bytes(), rev, day, value, contested))?;
    Ok(())
}

/// Folds a whole document anew from its changes: after something was taken out of it.
///
/// # Errors
/// When the store fails, or a change does not read back.
pub fn refold(conn: &Connection, doc: Doc<'_>) -> Result<(), StoreError> {
    sql::write(conn, "refolding", "DELETE FROM fact WHERE document = ?1", [doc.row])?;
    sql::write(conn, "refolding", "DELETE FROM closing WHERE document = ?1", [doc.row])?;
    for kept in document_changes(conn, doc.row)? {
        for (key, value) in kept.facts()? {
            fold(conn, doc, &key, &value)?;
        }
    }
    Ok(())
}

/// The taps of one document with their standings; of one day of it when given.
///
/// # Errors
/// When the store fails.
pub fn standings(
    conn: &Connection,
    document: i64,
    day: Option<u8>,
) -> Result<Vec<(TapName, Standing<String>)>, StoreError> {
    let sql = "SELECT rev, day, value, contested, tap FROM fact WHERE document = ?1 AND (?2 IS NULL OR day = ?2)";
    sql::rows(conn, "reading taps", sql, (document, day), |row| Ok((TapName::new(row.get(4)?), standing_of_row(row)?)))
}
