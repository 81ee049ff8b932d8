//! Changes of devices that this database does not know: kept apart, never acknowledged, until an
//! operator approves the device. Each device has a quota: what is beyond it stays at the device,
//! which has not been told that it arrived.

use msap_shared::chain::{Built, Tip, decode_edit};
use msap_shared::document::DocId;
use msap_shared::id::{ChangeHash, DeviceId, SiteId, WriterId};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::chains::{Kept, document_named};
use super::{StoreError, meta};

/// Most changes of one device that wait: five years of a busy site.
pub const CHANGES_MAX: u64 = 100_000;
/// Most bytes of them.
pub const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A change that waits.
#[derive(Clone, Debug)]
pub struct PendingChange {
    /// The document.
    pub document: DocId,
    /// Whose chain.
    pub writer: WriterId,
    /// The change.
    pub kept: Kept,
}

/// The last change of a chain that one device has brought.
pub fn tip(
    conn: &Connection,
    device: &DeviceId,
    document: &DocId,
    writer: &WriterId,
) -> Result<Option<Tip>, StoreError> {
    let sql = "SELECT bytes FROM pending_change WHERE document = ?1 AND writer = ?2 AND device = ?3
               ORDER BY seq DESC LIMIT 1";
    let key = (document.to_string(), writer.as_bytes(), device.as_bytes());
    let bytes: Option<Vec<u8>> = sql::row(conn, "reading what waits", sql, key, |row| row.get(0))?;
    bytes.map(|bytes| Ok(decode_edit(&bytes)?.1.tip)).transpose()
}

/// The hash that one device has brought for one change of a chain.
pub fn hash_at(
    conn: &Connection,
    device: &DeviceId,
    document: &DocId,
    writer: &WriterId,
    seq: u64,
) -> Result<Option<ChangeHash>, StoreError> {
    let sql = "SELECT hash FROM pending_change WHERE document = ?1 AND writer = ?2 AND seq = ?3 AND device = ?4";
    let key = (document.to_string(), writer.as_bytes(), seq, device.as_bytes());
    sql::row(conn, "looking up what waits", sql, key, |row| row.get(0).map(ChangeHash::new))
}

/// Keeps changes apart, as far as the device's quota goes.
pub fn add(
    conn: &Connection,
    device: &DeviceId,
    document: &DocId,
    writer: &WriterId,
    changes: &[Built],
    received: Day,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO pending_change (device, document, writer, seq, hash, bytes, received_day)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let name = document.to_string();
    let (mut count, mut total) = sum(conn, device)?;
    for Built { tip, bytes } in changes {
        let size = bytes.len() as u64;
        if !fits(count + 1, total + size) {
            break;
        }
        let key = (device.as_bytes(), &name, writer.as_bytes(), tip.seq);
        let (device, name, writer, seq) = key;
        let row = (device, name, writer, seq, tip.hash.as_bytes(), bytes, received.number());
        if sql::write(conn, "keeping a change apart", sql, row)? > 0 {
            (count, total) = (count + 1, total + size);
            // Returns tell what waits.
            meta::touch_figures(conn)?;
        }
    }
    let sql = "INSERT OR REPLACE INTO pending_sum (device, changes, bytes) VALUES (?1, ?2, ?3)";
    sql::write(conn, "summing what waits", sql, (device.as_bytes(), count, total))?;
    Ok(())
}

/// Whether so much may wait.
fn fits(changes: u64, bytes: u64) -> bool {
    changes <= CHANGES_MAX && bytes <= BYTES_MAX
}

/// Whether a device's quota is used up: not even a short change fits any more.
pub fn is_full(conn: &Connection, device: &DeviceId) -> Result<bool, StoreError> {
    let (changes, bytes) = sum(conn, device)?;
    Ok(!fits(changes + 1, bytes + 1_024))
}

/// How many changes and bytes wait for a device.
fn sum(conn: &Connection, device: &DeviceId) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT changes, bytes FROM pending_sum WHERE device = ?1";
    let sum = sql::row(conn, "summing what waits", sql, [device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sum.unwrap_or_default())
}

/// Sums anew: after some was folded.
pub fn sum_anew(conn: &Connection) -> Result<(), StoreError> {
    sql::write(conn, "summing what waits", "DELETE FROM pending_sum", [])?;
    let sql = "INSERT INTO pending_sum SELECT device, count(*), sum(length(bytes)) FROM pending_change GROUP BY device";
    sql::write(conn, "summing what waits", sql, [])?;
    Ok(())
}

/// Everything that waits for a site's approved devices, chain by chain; the same change brought by
/// two of them stands once.
pub fn of_approved(conn: &Connection, site: &SiteId) -> Result<Vec<PendingChange>, StoreError> {
    let sql = "SELECT DISTINCT p.document, p.writer, p.seq, p.hash, p.bytes FROM pending_change p
               JOIN device d ON d.id = p.device WHERE d.standing IN ('active', 'returned')
               AND p.document > ?1 AND p.document < ?2 ORDER BY p.document, p.writer, p.seq, p.hash";
    // All names that begin like this: '0' follows '/'.
    let names = [format!("site/{site}/"), format!("site/{site}0")];
    let rows = sql::rows(conn, "reading what waits", sql, names, |row| {
        let kept = Kept { seq: row.get(2)?, hash: ChangeHash::new(row.get(3)?), bytes: row.get(4)? };
        Ok((row.get::<_, String>(0)?, WriterId::new(row.get(1)?), kept))
    })?;
    // One that does not read back stays where it is, and the others go on.
    let read = |(name, writer, kept): (String, WriterId, Kept)| {
        kept.tip().ok()?;
        Some(document_named(&name).map(|document| PendingChange { document, writer, kept }))
    };
    rows.into_iter().filter_map(read).collect()
}

/// A change was folded: it no longer waits.
pub fn remove(conn: &Connection, change: &PendingChange) -> Result<(), StoreError> {
    let sql = "DELETE FROM pending_change WHERE document = ?1 AND writer = ?2 AND seq = ?3 AND hash = ?4";
    let key = (change.document.to_string(), change.writer.as_bytes(), change.kept.seq, change.kept.hash.as_bytes());
    sql::write(conn, "taking what waited", sql, key)?;
    Ok(())
}
