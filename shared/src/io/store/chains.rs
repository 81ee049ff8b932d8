//! Documents as chains of changes: the truth from which all else is derived.
//!
//! The tables `document (id, name, digest…)`, `chain (id, document, writer, seq, hash, op_max…)`
//! and `change (chain, seq, hash, bytes…)` stand in both databases; each program adds columns of
//! its own. Invariants: every change row's bytes hash to its hash column; a chain's row is its
//! last change; a document's digest is the digest of its chains' ends.

use rusqlite::{Connection, Row};

use super::{StoreError, sql};
use crate::chain::{CHANGES_PER_RUN_MAX, Digest, Facts, Run, Tip, decode, decode_edit};
use crate::document::DocId;
use crate::frame::Version;
use crate::id::{ChangeHash, Digest32, WriterId};
use crate::register::Edit;
use crate::session::PUSH_BYTES_MAX;

/// A document with its row id.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'a> {
    /// Row id.
    pub row: i64,
    /// Its name.
    pub name: &'a DocId,
}

/// A chain, as its row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Row id.
    pub row: i64,
    /// Where it ends.
    pub tip: Tip,
}

/// A change, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sequence number.
    pub seq: u64,
    /// Its hash.
    pub hash: ChangeHash,
    /// The change chunk.
    pub bytes: Vec<u8>,
}

impl Kept {
    /// The change's facts, verified against its hash.
    ///
    /// # Errors
    /// When the bytes are not those that were kept.
    pub fn facts(&self) -> Result<Facts, StoreError> {
        let decoded = decode(&self.bytes)?;
        if decoded.built.tip.hash != self.hash {
            return Err(StoreError::corrupt(format!("change {} has other bytes", self.hash)));
        }
        Ok(decoded.facts)
    }

    /// The change as an edit of registers, verified against its hash.
    ///
    /// # Errors
    /// When the bytes are not those that were kept.
    pub fn edit(&self) -> Result<Edit, StoreError> {
        let edit = Edit::decode(&self.bytes)?;
        if edit.hash != self.hash {
            return Err(StoreError::corrupt(format!("change {} has other bytes", self.hash)));
        }
        Ok(edit)
    }

    /// The tip that the change makes.
    ///
    /// # Errors
    /// When the bytes are not those that were kept.
    pub fn tip(&self) -> Result<Tip, StoreError> {
        let tip = decode_edit(&self.bytes)?.1.tip;
        if (tip.seq, tip.hash) == (self.seq, self.hash) {
            Ok(tip)
        } else {
            Err(StoreError::corrupt(format!("change {} has other bytes", self.hash)))
        }
    }
}

/// The row id of a document, if it is kept here.
///
/// # Errors
/// When the store fails; so for all functions of this module.
pub fn document_row(conn: &Connection, document: &DocId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM document WHERE name = ?1";
    sql::row(conn, "looking up a document", sql, [document.to_string()], |row| row.get(0))
}

/// Reads a document's name as it was kept.
///
/// # Errors
/// When the text names no document.
pub fn document_named(name: &str) -> Result<DocId, StoreError> {
    name.parse().map_err(|error| StoreError::corrupt(format!("{error}")))
}

fn chain_of_row(row: &Row<'_>) -> rusqlite::Result<Chain> {
    let hash = ChangeHash::new(row.get(2)?);
    Ok(Chain { row: row.get(0)?, tip: Tip { seq: row.get(1)?, hash, op_max: row.get(3)? } })
}

/// The chain of one writer in one document.
///
/// # Errors
/// When the store fails.
pub fn chain(conn: &Connection, document: i64, writer: &WriterId) -> Result<Option<Chain>, StoreError> {
    let sql = "SELECT id, seq, hash, op_max FROM chain WHERE document = ?1 AND writer = ?2";
    sql::row(conn, "looking up a chain", sql, (document, writer.as_bytes()), chain_of_row)
}

/// The version vector of a document; empty when it is not kept here.
///
/// # Errors
/// When the store fails.
pub fn versions(conn: &Connection, document: &DocId) -> Result<Vec<Version>, StoreError> {
    let sql = "SELECT c.writer, c.seq, c.hash FROM chain c JOIN document d ON d.id = c.document
               WHERE d.name = ?1 ORDER BY c.writer";
    sql::rows(conn, "reading a version vector", sql, [document.to_string()], |row| {
        Ok(Version { writer: WriterId::new(row.get(0)?), seq: row.get(1)?, hash: ChangeHash::new(row.get(2)?) })
    })
}

/// The hash kept for one sequence number of a chain.
///
/// # Errors
/// When the store fails.
pub fn hash_at(conn: &Connection, chain: i64, seq: u64) -> Result<Option<ChangeHash>, StoreError> {
    let sql = "SELECT hash FROM change WHERE chain = ?1 AND seq = ?2";
    sql::row(conn, "looking up a hash", sql, (chain, seq), |row| row.get(0).map(ChangeHash::new))
}

fn kept_of_row(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept { seq: row.get(0)?, hash: ChangeHash::new(row.get(1)?), bytes: row.get(2)? })
}

/// Changes of a chain from `from` on, at most [`CHANGES_PER_RUN_MAX`] of them.
///
/// # Errors
/// When the store fails.
pub fn changes(conn: &Connection, chain: i64, from: u64) -> Result<Vec<Kept>, StoreError> {
    let sql = "SELECT seq, hash, bytes FROM change WHERE chain = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    sql::rows(conn, "reading changes", sql, (chain, from, CHANGES_PER_RUN_MAX as i64), kept_of_row)
}

/// Every change of a document, chain by chain.
///
/// # Errors
/// When the store fails.
pub fn document_changes(conn: &Connection, document: i64) -> Result<Vec<Kept>, StoreError> {
    let sql = "SELECT c.seq, c.hash, c.bytes FROM change c JOIN chain ON chain.id = c.chain
               WHERE chain.document = ?1 ORDER BY chain.id, c.seq";
    sql::rows(conn, "reading a document", sql, [document], kept_of_row)
}

/// A run of a chain from `from` on, to be sent: bounded in changes and bytes. `None` when the
/// chain ends before it.
///
/// # Errors
/// When the store fails, or a change does not read back.
pub fn run(conn: &Connection, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, StoreError> {
    let Some(row) = document_row(conn, document)? else { return Ok(None) };
    let Some(chain) = chain(conn, row, writer)? else { return Ok(None) };
    let mut run = Run { writer: *writer, first_seq: from, changes: Vec::new(), last_hash: chain.tip.hash };
    let mut bytes = 0;
    for kept in changes(conn, chain.row, from)? {
        bytes += kept.bytes.len();
        if bytes > PUSH_BYTES_MAX && !run.changes.is_empty() {
            break;
        }
        run.changes.push(kept.facts()?);
        run.last_hash = kept.hash;
    }
    Ok((!run.changes.is_empty()).then_some(run))
}

/// Moves a chain's end to `to`, and the document's digest with it; `None` ends the chain.
/// Returns the chain's row id.
///
/// # Errors
/// When the store fails.
pub fn move_tip(
    conn: &Connection,
    doc: Doc<'_>,
    writer: &WriterId,
    from: Option<&Chain>,
    to: Option<&Tip>,
) -> Result<i64, StoreError> {
    let row = match (from, to) {
        (Some(chain), Some(Tip { seq, hash, op_max })) => {
            let sql = "UPDATE chain SET seq = ?2, hash = ?3, op_max = ?4 WHERE id = ?1";
            sql::write(conn, "moving a chain's end", sql, (chain.row, seq, hash.as_bytes(), op_max))?;
            chain.row
        }
        (Some(chain), None) => {
            sql::write(conn, "ending a chain", "DELETE FROM chain WHERE id = ?1", [chain.row])?;
            chain.row
        }
        (None, Some(Tip { seq, hash, op_max })) => {
            let sql = "INSERT INTO chain (document, writer, seq, hash, op_max) VALUES (?1, ?2, ?3, ?4, ?5)";
            sql::write(conn, "beginning a chain", sql, (doc.row, writer.as_bytes(), seq, hash.as_bytes(), op_max))?;
            conn.last_insert_rowid()
        }
        (None, None) => return Err(StoreError::corrupt("a chain that neither was nor is")),
    };
    let sql = "SELECT digest FROM document WHERE id = ?1";
    let kept: Option<[u8; 32]> = sql::row(conn, "reading a digest", sql, [doc.row], |row| row.get(0))?;
    let mut digest = Digest::from_id(Digest32::new(kept.unwrap_or_default()));
    digest.advance(&doc.name.to_string(), writer, from.map(|chain| &chain.tip), to);
    let sql = "UPDATE document SET digest = ?2 WHERE id = ?1";
    sql::write(conn, "moving a digest", sql, (doc.row, digest.id().as_bytes()))?;
    Ok(row)
}

/// Documents with their digests, by a query that yields `name, digest`.
///
/// # Errors
/// When the store fails.
pub fn digests(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<(DocId, Digest32)>, StoreError> {
    let rows = sql::rows(conn, "reading digests", sql, params, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?))
    })?;
    rows.into_iter().map(|(name, digest)| Ok((document_named(&name)?, Digest32::new(digest)))).collect()
}

/// The digest over all of these documents.
pub fn digest_of(documents: &[(DocId, Digest32)]) -> Digest32 {
    let mut whole = Digest::default();
    for (_, digest) in documents {
        whole.toggle(digest);
    }
    whole.id()
}
