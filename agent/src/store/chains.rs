//! The agent's side of the chains: their order of arrival here, and what the hub holds of them.

use msap_shared::chain::Built;
use msap_shared::document::DocId;
use msap_shared::document::visits::Key;
use msap_shared::id::{ChangeHash, Digest32, WriterId};
pub use msap_shared::io::store::chains::*;
use msap_shared::session::site::Waiting;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{StoreError, sql};

/// The row id of a document, which begins to exist.
pub fn document_row_or_new(conn: &Connection, document: &DocId) -> Result<i64, StoreError> {
    if let Some(row) = document_row(conn, document)? {
        return Ok(row);
    }
    sql::write(conn, "beginning a document", "INSERT INTO document (name) VALUES (?1)", [document.to_string()])?;
    Ok(conn.last_insert_rowid())
}

/// Every document kept here, with its digest.
pub fn documents(conn: &Connection) -> Result<Vec<(DocId, Digest32)>, StoreError> {
    digests(conn, "SELECT name, digest FROM document ORDER BY name", [])
}

/// Number of the last change kept here: it only grows.
pub fn position(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'position'";
    Ok(sql::row(conn, "reading the position", sql, [], |row| row.get(0))?.unwrap_or_default())
}

fn next_position(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "INSERT INTO meta (key, value) VALUES ('position', 1)
               ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value";
    Ok(sql::row(conn, "advancing the position", sql, [], |row| row.get(0))?.unwrap_or_default())
}

/// Appends a change to its chain, and moves the tip and the digest along. Returns the chain's
/// row id.
pub fn append(conn: &Connection, doc: Doc<'_>, writer: &WriterId, built: &Built) -> Result<i64, StoreError> {
    let before = chain(conn, doc.row, writer)?;
    let row = move_tip(conn, doc, writer, before.as_ref(), Some(&built.tip))?;
    let at = next_position(conn)?;
    let sql = "INSERT INTO change (chain, seq, hash, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    sql::write(conn, "keeping a change", sql, (row, built.tip.seq, built.tip.hash.as_bytes(), &built.bytes, at))?;
    Ok(row)
}

/// Every change of a document, the last that was kept here first.
pub fn latest_changes(conn: &Connection, document: i64) -> Result<Vec<Kept>, StoreError> {
    let sql = "SELECT c.seq, c.hash, c.bytes FROM change c JOIN chain ON chain.id = c.chain
               WHERE chain.document = ?1 ORDER BY c.at DESC";
    sql::rows(conn, "reading a document backwards", sql, [document], |row| {
        Ok(Kept { seq: row.get(0)?, hash: ChangeHash::new(row.get(1)?), bytes: row.get(2)? })
    })
}

/// The chains that the epoch is not known to hold whole.
pub fn waiting(conn: &Connection) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT d.name, c.writer, c.acked, c.seq FROM chain c JOIN document d ON d.id = c.document
               WHERE c.acked < c.seq ORDER BY c.id";
    let rows = sql::rows(conn, "listing what waits", sql, [], |row| {
        Ok((row.get::<_, String>(0)?, WriterId::new(row.get(1)?), row.get(2)?, row.get(3)?))
    })?;
    rows.into_iter()
        .map(|(name, writer, acked, seq)| Ok(Waiting { document: document_named(&name)?, writer, acked, seq }))
        .collect()
}

/// Up to where a chain is held; `None` when it is gone.
pub fn acked(conn: &Connection, chain: i64) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT acked FROM chain WHERE id = ?1";
    sql::row(conn, "looking up an acknowledgement", sql, [chain], |row| row.get(0))
}

/// A chain is held up to `seq`.
pub fn set_acked(conn: &Connection, chain: i64, seq: u64) -> Result<(), StoreError> {
    let sql = "UPDATE chain SET acked = min(?2, seq) WHERE id = ?1 AND acked < ?2";
    sql::write(conn, "confirming a chain", sql, (chain, seq))?;
    Ok(())
}

/// Every chain is held up to what was kept by `position`.
pub fn set_acked_by(conn: &Connection, position: u64) -> Result<(), StoreError> {
    let sql = "UPDATE chain SET acked = max(acked, coalesce(
                   (SELECT max(seq) FROM change WHERE change.chain = chain.id AND at <= ?1), 0))
               WHERE acked < seq";
    sql::write(conn, "confirming all chains", sql, [position])?;
    Ok(())
}

/// The chains of one document are held whole.
pub fn set_acked_document(conn: &Connection, document: &DocId) -> Result<(), StoreError> {
    let sql = "UPDATE chain SET acked = seq
               WHERE document = (SELECT id FROM document WHERE name = ?1) AND acked < seq";
    sql::write(conn, "confirming a document", sql, [document.to_string()])?;
    Ok(())
}

/// Nothing is known to be held: another epoch.
pub fn forget_acks(conn: &Connection) -> Result<(), StoreError> {
    sql::write(conn, "forgetting acknowledgements", "UPDATE chain SET acked = 0 WHERE acked > 0", [])?;
    Ok(())
}

/// Changes that the epoch is not known to hold. Reads the chains that wait, and no others.
pub fn waiting_count(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(seq - acked), 0) FROM chain WHERE acked < seq";
    Ok(sql::row(conn, "counting what waits", sql, [], |row| row.get(0))?.unwrap_or_default())
}

/// The earliest day that something waiting is about. Reads one run of each waiting chain, which
/// is where its earliest days are.
pub fn oldest_waiting_day(conn: &Connection) -> Result<Option<Day>, StoreError> {
    let mut oldest = None;
    for chain in waiting(conn)? {
        // Edits of registers are about no day.
        let Some(month) = chain.document.month() else { continue };
        if oldest.is_some_and(|day: Day| day < month.first_day()) {
            continue;
        }
        let run = run(conn, &chain.document, &chain.writer, chain.acked + 1)?;
        let days = run.iter().flat_map(|run| run.changes.iter().flatten());
        let days = days.filter_map(|(key, _)| month.day(Key::parse(key).ok()?.day));
        oldest = days.chain(oldest).min();
    }
    Ok(oldest)
}

/// Changes kept, and how many of them the epoch holds.
pub fn totals(conn: &Connection) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT coalesce(sum(seq), 0), coalesce(sum(acked), 0) FROM chain";
    Ok(sql::row(conn, "counting changes", sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or_default())
}
