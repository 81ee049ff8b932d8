//! Documents of registers: the order of their edits, and what they amount to, kept beside them.
//!
//! The tables `edit (document, op_start, writer, seq)` and
//! `register (document, key, counter, writer, value)` stand in both databases, and are derived from
//! the changes. By `op_start` an edit stands after all that it follows. `register` holds the values
//! that nobody has replaced, so that they are read without the history.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::chains::{Doc, Kept, document_row};
use super::{StoreError, sql};
use crate::chain::CHANGES_PER_RUN_MAX;
use crate::document::DocId;
use crate::id::{ChangeHash, WriterId};
use crate::register::{Edit, Registers};
use crate::session::PUSH_BYTES_MAX;

/// Every key of a document with its values: one, or several that were set without knowing of each
/// other. The last is the one that Automerge would show.
///
/// # Errors
/// When the store fails; so for all functions of this module.
pub fn values(conn: &Connection, document: &DocId) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let Some(row) = document_row(conn, document)? else { return Ok(Vec::new()) };
    let sql = "SELECT key, value FROM register WHERE document = ?1 ORDER BY key, counter, writer";
    let rows = sql::rows(conn, "reading registers", sql, [row], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in rows {
        match values.last_mut() {
            Some((last, values)) if *last == key => values.push(value),
            _ => values.push((key, vec![value])),
        }
    }
    Ok(values)
}

/// Every change of a document, each after those that it follows.
///
/// # Errors
/// When the store fails.
pub fn changes(conn: &Connection, document: i64) -> Result<Vec<Kept>, StoreError> {
    let sql = "SELECT h.seq, h.hash, h.bytes FROM edit e
               JOIN chain c ON c.document = e.document AND c.writer = e.writer
               JOIN change h ON h.chain = c.id AND h.seq = e.seq
               WHERE e.document = ?1 ORDER BY e.op_start, e.writer";
    sql::rows(conn, "reading edits", sql, [document], |row| {
        Ok(Kept { seq: row.get(0)?, hash: ChangeHash::new(row.get(1)?), bytes: row.get(2)? })
    })
}

/// What the kept edits of a document amount to, and follow.
///
/// # Errors
/// When the store fails, or an edit does not read back.
pub fn load(conn: &Connection, document: i64) -> Result<Registers, StoreError> {
    let mut registers = Registers::default();
    for kept in changes(conn, document)? {
        registers.add(&kept.edit()?);
    }
    Ok(registers)
}

/// Edits of these writers, each from its number on, to be sent: bounded in number and bytes, each
/// after those that it follows.
///
/// # Errors
/// When the store fails, or an edit does not read back.
pub fn edits(conn: &Connection, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, StoreError> {
    let doing = "reading edits to send";
    let Some(document) = document_row(conn, document)? else { return Ok(Vec::new()) };
    let sql = "SELECT writer, seq FROM edit WHERE document = ?1 ORDER BY op_start, writer";
    let places =
        sql::rows(conn, doing, sql, [document], |row| Ok((WriterId::new(row.get(0)?), row.get::<_, u64>(1)?)))?;
    let wanted = places.into_iter().filter(|(writer, seq)| from.get(writer).is_some_and(|from| seq >= from));
    let sql = "SELECT h.seq, h.hash, h.bytes FROM chain c JOIN change h ON h.chain = c.id
               WHERE c.document = ?1 AND c.writer = ?2 AND h.seq = ?3";
    let (mut edits, mut bytes) = (Vec::new(), 0);
    for (writer, seq) in wanted.take(CHANGES_PER_RUN_MAX) {
        let kept = sql::row(conn, doing, sql, (document, writer.as_bytes(), seq), |row| {
            Ok(Kept { seq: row.get(0)?, hash: ChangeHash::new(row.get(1)?), bytes: row.get(2)? })
        })?;
        let kept = kept.ok_or_else(|| StoreError::corrupt(format!("edit {seq} of {writer} is not there")))?;
        bytes += kept.bytes.len();
        if bytes > PUSH_BYTES_MAX && !edits.is_empty() {
            break;
        }
        edits.push(kept.edit()?);
    }
    Ok(edits)
}

/// Adds an edit to both tables. Its change is kept by the caller, after all that it follows.
///
/// # Errors
/// When the store fails.
pub fn fold(conn: &Connection, document: i64, edit: &Edit) -> Result<(), StoreError> {
    let doing = "folding an edit";
    let sql = "INSERT INTO edit (document, op_start, writer, seq) VALUES (?1, ?2, ?3, ?4)";
    sql::write(conn, doing, sql, (document, edit.op_start, edit.writer.as_bytes(), edit.seq))?;
    for (op, setting) in edit.ops() {
        for replaced in &setting.replaces {
            let sql = "DELETE FROM register WHERE document = ?1 AND key = ?2 AND counter = ?3 AND writer = ?4";
            sql::write(conn, doing, sql, (document, &setting.key, replaced.counter, replaced.writer.as_bytes()))?;
        }
        let sql = "INSERT INTO register (document, key, counter, writer, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        sql::write(conn, doing, sql, (document, &setting.key, op.counter, op.writer.as_bytes(), &setting.value))?;
    }
    Ok(())
}

/// Folds a whole document anew from its changes, in whatever order they are read.
///
/// # Errors
/// When the store fails, or an edit does not read back.
pub fn refold(conn: &Connection, doc: Doc<'_>) -> Result<(), StoreError> {
    let doing = "emptying registers";
    sql::write(conn, doing, "DELETE FROM edit WHERE document = ?1", [doc.row])?;
    sql::write(conn, doing, "DELETE FROM register WHERE document = ?1", [doc.row])?;
    let kept = super::chains::document_changes(conn, doc.row)?;
    let mut edits = kept.iter().map(Kept::edit).collect::<Result<Vec<_>, _>>()?;
    edits.sort_by_key(|edit| (edit.op_start, edit.writer));
    edits.iter().try_for_each(|edit| fold(conn, doc.row, edit))
}
