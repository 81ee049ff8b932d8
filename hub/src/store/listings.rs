//! Lists for operators: refused changes and flagged facts. Read-only.

use data_encoding::BASE64URL_NOPAD;
use msap_shared::id::{DeviceId, WriterId};
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::StoreError;

/// Most rows that a list shows.
const ROWS_MAX: u32 = 10_000;

/// One refused change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the table of that name")]
pub struct RefusedRow {
    pub document: String,
    pub device: DeviceId,
    pub writer: WriterId,
    pub seq: u64,
    pub reason: u8,
    pub day: Option<Day>,
}

/// One flagged fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlaggedRow {
    /// Name of the document.
    pub document: String,
    /// Name of the tap.
    pub tap: String,
    /// Why it waits.
    pub reason: String,
    /// Day of the month, when the fact is still held.
    pub day: Option<i64>,
    /// What it says, when it is still held.
    pub value: Option<String>,
}

/// Refused changes, the latest day first.
pub fn refused(conn: &Connection) -> Result<Vec<RefusedRow>, StoreError> {
    const SQL: &str = "SELECT document, device, writer, seq, reason, day FROM refused \
        ORDER BY day DESC, document, writer, seq LIMIT ?1";
    let read = |row: &Row<'_>| {
        Ok(RefusedRow {
            document: row.get(0)?,
            device: DeviceId::new(row.get(1)?),
            writer: WriterId::new(row.get(2)?),
            seq: row.get::<_, i64>(3)?.unsigned_abs(),
            reason: row.get(4)?,
            day: Day::from_number(row.get(5)?),
        })
    };
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map([ROWS_MAX], read)?.collect())
        .map_err(StoreError::sqlite("listing refused changes"))
}

/// Flagged facts, by document.
pub fn flagged(conn: &Connection) -> Result<Vec<FlaggedRow>, StoreError> {
    const SQL: &str = "SELECT d.name, g.tap, g.reason, f.day, f.value FROM flagged g \
        JOIN document d ON d.id = g.document \
        LEFT JOIN fact f ON f.document = g.document AND f.tap = g.tap ORDER BY d.name, g.tap, g.reason LIMIT ?1";
    let read = |row: &Row<'_>| {
        Ok(FlaggedRow {
            document: row.get(0)?,
            tap: row.get::<_, Vec<u8>>(1).map(|bytes| BASE64URL_NOPAD.encode(&bytes))?,
            reason: row.get(2)?,
            day: row.get(3)?,
            value: row.get(4)?,
        })
    };
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map([ROWS_MAX], read)?.collect())
        .map_err(StoreError::sqlite("listing flagged facts"))
}
