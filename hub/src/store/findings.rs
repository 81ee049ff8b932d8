//! What the verifier found: it wants a person.

use msap_shared::document::DocId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::StoreError;

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
