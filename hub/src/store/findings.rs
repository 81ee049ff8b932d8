//! What went wrong and wants a person: refusals, and what the verifier found.

use msap_shared::document::DocId;
use msap_shared::frame::Refused;
use msap_shared::id::{ChangeHash, DeviceId, SiteId, WriterId};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::StoreError;

/// Takes note of a refusal. `last` is the last hash of the refused run.
pub fn add_refused(
    conn: &Connection,
    document: &DocId,
    device: &DeviceId,
    writer: &WriterId,
    (seq, last, reason): (u64, &ChangeHash, u8),
    day: Day,
) -> Result<(), StoreError> {
    // A hostile number is listed at the bound that the column has.
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let sql = "INSERT OR REPLACE INTO refused (document, device, writer, seq, hash, reason, day)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = (document.to_string(), device.as_bytes(), writer.as_bytes(), seq, last.as_bytes(), reason, day.number());
    sql::write(conn, "noting a refusal", sql, row)?;
    Ok(())
}

/// Most refusals that one answer by file repeats.
const REFUSED_MAX: u32 = 1_000;

/// What was refused of a site's documents, the latest day first.
pub fn refused_of(conn: &Connection, site: &SiteId) -> Result<Vec<Refused>, StoreError> {
    // Names begin with the site's and a slash; «0» is what follows a slash.
    let sql = "SELECT document, writer, seq, reason, hash FROM refused
               WHERE document >= 'site/' || ?1 || '/' AND document < 'site/' || ?1 || '0' ORDER BY day DESC LIMIT ?2";
    let read = |row: &Row<'_>| {
        let place = (WriterId::new(row.get(1)?), row.get(2)?, row.get(3)?, ChangeHash::new(row.get(4)?));
        Ok((row.get::<_, String>(0)?, place))
    };
    let rows = sql::rows(conn, "listing what was refused", sql, (site.as_str(), REFUSED_MAX), read)?;
    rows.into_iter()
        .map(|(name, (writer, seq, reason, last_hash))| {
            let document = name.parse().map_err(|_| StoreError::corrupt(format!("a refusal of {name:?}")))?;
            Ok(Refused { document, writer, seq, reason, last_hash })
        })
        .collect()
}

/// Replaces what is known to be wrong with a document.
pub fn set_findings(conn: &Connection, document: &DocId, problems: &[String], day: Day) -> Result<(), StoreError> {
    let name = document.to_string();
    sql::write(conn, "clearing findings", "DELETE FROM finding WHERE document = ?1", [&name])?;
    for problem in problems {
        let sql = "INSERT OR IGNORE INTO finding (document, problem, day) VALUES (?1, ?2, ?3)";
        sql::write(conn, "noting a finding", sql, (&name, problem, day.number()))?;
    }
    Ok(())
}

/// Everything the verifier found.
pub fn findings(conn: &Connection) -> Result<Vec<String>, StoreError> {
    sql::rows(conn, "listing findings", "SELECT problem FROM finding ORDER BY document", [], |row| row.get(0))
}
