//! The hub's side of the chains: which site a document belongs to, and when a change came.

use msap_shared::chain::Built;
use msap_shared::document::DocId;
use msap_shared::id::{Digest32, SiteId, WriterId};
pub use msap_shared::io::store::chains::*;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::StoreError;

/// The row id of a document, which begins to exist.
pub fn document_row_or_new(conn: &Connection, document: &DocId) -> Result<i64, StoreError> {
    if let Some(row) = document_row(conn, document)? {
        return Ok(row);
    }
    let sql = "INSERT INTO document (name, site) VALUES (?1, ?2)";
    sql::write(conn, "beginning a document", sql, (document.to_string(), document.site().as_str()))?;
    Ok(conn.last_insert_rowid())
}

/// The documents of a site, with their digests.
pub fn of_site(conn: &Connection, site: &SiteId) -> Result<Vec<(DocId, Digest32)>, StoreError> {
    digests(conn, "SELECT name, digest FROM document WHERE site = ?1 ORDER BY name", [site.as_str()])
}

/// Every document.
pub fn all(conn: &Connection) -> Result<Vec<(i64, DocId)>, StoreError> {
    named(conn, "SELECT id, name FROM document ORDER BY id")
}

/// Documents that changed since they were last verified, at most `limit`.
pub fn touched(conn: &Connection, limit: u32) -> Result<Vec<(i64, DocId)>, StoreError> {
    named(conn, &format!("SELECT id, name FROM document WHERE touched = 1 LIMIT {limit}"))
}

fn named(conn: &Connection, sql: &str) -> Result<Vec<(i64, DocId)>, StoreError> {
    let rows = sql::rows(conn, "listing documents", sql, [], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.into_iter().map(|(row, name)| Ok((row, document_named(&name)?))).collect()
}

/// Marks a document as changed, or as verified at this digest: a change that came meanwhile
/// leaves it marked.
pub fn set_verified(conn: &Connection, row: i64, digest: &Digest32) -> Result<(), StoreError> {
    let sql = "UPDATE document SET touched = 0 WHERE id = ?1 AND digest = ?2";
    sql::write(conn, "marking a document as verified", sql, (row, digest.as_bytes()))?;
    Ok(())
}

/// When the hub accepted a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// By its own calendar.
    pub day: Day,
    /// In which commit: the order of arrival, whatever the clock does.
    pub commit: u64,
}

/// Appends changes to a chain.
pub fn append(
    conn: &Connection,
    doc: Doc<'_>,
    writer: &WriterId,
    before: Option<&Chain>,
    fresh: &[&Built],
    accepted: Accepted,
) -> Result<(), StoreError> {
    let Some(last) = fresh.last() else { return Ok(()) };
    let row = move_tip(conn, doc, writer, before, Some(&last.tip))?;
    let sql = "INSERT INTO change (chain, seq, hash, bytes, received_day, accepted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Accepted { day, commit } = accepted;
    for Built { tip, bytes } in fresh {
        let row = (row, tip.seq, tip.hash.as_bytes(), bytes, day.number(), commit);
        sql::write(conn, "keeping a change", sql, row)?;
    }
    let sql = "UPDATE document SET touched = 1, accepted = ?2 WHERE id = ?1 AND (touched = 0 OR accepted < ?2)";
    sql::write(conn, "marking a document as changed", sql, (doc.row, commit))?;
    Ok(())
}

/// The last commit that added to a document; 0 when it is not kept here. Whoever has read the
/// document at this commit of the same epoch knows it as it is.
pub fn accepted_at(conn: &Connection, document: &DocId) -> Result<u64, StoreError> {
    let sql = "SELECT accepted FROM document WHERE name = ?1";
    let accepted = sql::row(conn, "reading when a document changed", sql, [document.to_string()], |row| row.get(0))?;
    Ok(accepted.unwrap_or_default())
}

/// The digest of one document.
pub fn digest_at(conn: &Connection, row: i64) -> Result<Digest32, StoreError> {
    let sql = "SELECT digest FROM document WHERE id = ?1";
    let digest = sql::row(conn, "reading a digest", sql, [row], |row| row.get(0))?;
    Ok(Digest32::new(digest.unwrap_or_default()))
}
