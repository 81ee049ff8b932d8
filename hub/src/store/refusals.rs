//! Refused changes, until a person has looked at them.
//!
//! What was refused is at the device, which enters its facts again; here only the fact of the
//! refusal is kept. Each device has a quota, so that one that goes wrong cannot fill the disk.

use std::collections::BTreeMap;

use msap_shared::document::DocId;
use msap_shared::frame::Refused;
use msap_shared::id::{ChangeHash, DeviceId, SiteId, WriterId};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::StoreError;
use super::flagged::Within;

/// Most refusals of one device that are kept. Further ones are refused all the same.
pub const PER_DEVICE_MAX: u32 = 1_000;

/// One refused change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the table of that name")]
pub struct RefusedRow {
    pub n: i64,
    pub document: String,
    pub site: String,
    pub device: DeviceId,
    pub writer: WriterId,
    pub seq: u64,
    pub reason: u8,
    pub day: Option<Day>,
    pub settled: bool,
}

/// Which refusals to list: those that nobody has settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedFilter {
    /// Of this part of the network only.
    pub within: Within,
    /// Of this site, and of its antennas.
    pub site: Option<SiteId>,
    /// Only those listed after this one.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Takes note of a refusal, once. `last` is the last hash of the refused run.
pub fn add(
    conn: &Connection,
    document: &DocId,
    device: &DeviceId,
    writer: &WriterId,
    (seq, last, reason): (u64, &ChangeHash, u8),
    day: Day,
) -> Result<(), StoreError> {
    if !has_room(conn, device)? {
        return Ok(());
    }
    // A hostile number is listed at the bound that the column has.
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let sql = "INSERT OR IGNORE INTO refusal (document, site, device, writer, seq, hash, reason, day)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (name, site) = (document.to_string(), document.site().as_str());
    let row = (name, site, device.as_bytes(), writer.as_bytes(), seq, last.as_bytes(), reason, day.number());
    let added = sql::write(conn, "noting a refusal", sql, row)?;
    if added > 0 && count(conn, device)? == PER_DEVICE_MAX {
        tracing::warn!(
            device.id = %device, site.id = site,
            "{PER_DEVICE_MAX} refusals of this device are listed: further ones are not, until some are settled"
        );
    }
    Ok(())
}

/// Whether one more may be kept: a settled one makes room.
fn has_room(conn: &Connection, device: &DeviceId) -> Result<bool, StoreError> {
    if count(conn, device)? < PER_DEVICE_MAX {
        return Ok(true);
    }
    let sql = "DELETE FROM refusal WHERE n = (SELECT min(n) FROM refusal WHERE device = ?1 AND settled = 1)";
    Ok(sql::write(conn, "making room for a refusal", sql, [device.as_bytes()])? > 0)
}

fn count(conn: &Connection, device: &DeviceId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM refusal WHERE device = ?1";
    Ok(sql::row(conn, "counting refusals", sql, [device.as_bytes()], |row| row.get(0))?.unwrap_or_default())
}

const SELECT: &str =
    "SELECT r.n, r.document, r.site, r.device, r.writer, r.seq, r.reason, r.day, r.settled FROM refusal r";

/// Refusals that nobody has settled, the latest first.
pub fn list(conn: &Connection, filter: &RefusedFilter) -> Result<Vec<RefusedRow>, StoreError> {
    let mut conditions = vec!["r.settled = 0"];
    let mut values = Vec::new();
    let of_site = filter.site.clone().map(Within::Site);
    for (condition, value) in
        [Some(&filter.within), of_site.as_ref()].into_iter().flatten().filter_map(Within::condition)
    {
        conditions.push(condition);
        values.push(Value::Text(value));
    }
    if let Some(after) = filter.after {
        conditions.push("r.n < ?");
        values.push(Value::Integer(after));
    }
    values.push(Value::Integer(filter.limit.into()));
    let sql = format!(
        "{SELECT} LEFT JOIN site s ON s.id = r.site WHERE {} ORDER BY r.n DESC LIMIT ?",
        conditions.join(" AND ")
    );
    sql::rows(conn, "listing refused changes", &sql, params_from_iter(values), read)
}

/// How many refusals of each device, of documents of each site, nobody has settled.
pub fn by_device(conn: &Connection) -> Result<BTreeMap<(String, DeviceId), u64>, StoreError> {
    let sql = "SELECT site, device, count(*) FROM refusal WHERE settled = 0 GROUP BY site, device";
    let counted = sql::rows(conn, "counting refused changes", sql, [], |row| {
        Ok(((row.get(0)?, DeviceId::new(row.get(1)?)), row.get(2)?))
    })?;
    Ok(counted.into_iter().collect())
}

/// The refusal with this number.
pub fn find(conn: &Connection, n: i64) -> Result<Option<RefusedRow>, StoreError> {
    sql::row(conn, "looking for a refused change", &format!("{SELECT} WHERE r.n = ?1"), [n], read)
}

/// Takes a refusal off the list. `false` when it was before.
pub fn settle(conn: &Connection, n: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE refusal SET settled = 1 WHERE n = ?1 AND settled = 0";
    Ok(sql::write(conn, "settling a refusal", sql, [n])? > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RefusedRow> {
    Ok(RefusedRow {
        n: row.get(0)?,
        document: row.get(1)?,
        site: row.get(2)?,
        device: DeviceId::new(row.get(3)?),
        writer: WriterId::new(row.get(4)?),
        seq: row.get::<_, i64>(5)?.unsigned_abs(),
        reason: row.get(6)?,
        day: Day::from_number(row.get(7)?),
        settled: row.get(8)?,
    })
}

/// Most refusals that one answer by file repeats.
const REPEATED_MAX: u32 = 1_000;

/// What was refused of a site's documents, the latest first, as its devices are told; what a
/// person has settled too: a refusal is final.
pub fn of_site(conn: &Connection, site: &SiteId) -> Result<Vec<Refused>, StoreError> {
    let sql = "SELECT document, writer, seq, reason, hash FROM refusal WHERE site = ?1 ORDER BY n DESC LIMIT ?2";
    let read = |row: &Row<'_>| {
        let place = (WriterId::new(row.get(1)?), row.get(2)?, row.get(3)?, ChangeHash::new(row.get(4)?));
        Ok((row.get::<_, String>(0)?, place))
    };
    let rows = sql::rows(conn, "listing what was refused", sql, (site.as_str(), REPEATED_MAX), read)?;
    rows.into_iter()
        .map(|(name, (writer, seq, reason, last_hash))| {
            let document = name.parse().map_err(|_| StoreError::corrupt(format!("a refusal of {name:?}")))?;
            Ok(Refused { document, writer, seq, reason, last_hash })
        })
        .collect()
}
