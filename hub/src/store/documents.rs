//! Documents as they leave the hub: names and raw changes. Read-only.

use msap_shared::document::DocId;
use msap_shared::io::store::sql;
use rusqlite::Connection;

use super::StoreError;

/// One document of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Such as `site/361/visits/2026-11`.
    pub name: String,
    /// How many changes the hub has committed.
    pub changes: i64,
}

/// The documents whose name sorts after `after`, at most `limit`.
pub fn list(conn: &Connection, after: &str, limit: u32) -> Result<Vec<DocumentRow>, StoreError> {
    const SQL: &str = "SELECT d.name, (SELECT count(*) FROM chain c JOIN change x ON x.chain = c.id \
        WHERE c.document = d.id) FROM document d WHERE d.name > ?1 ORDER BY d.name LIMIT ?2";
    let row = |row: &rusqlite::Row<'_>| Ok(DocumentRow { name: row.get(0)?, changes: row.get(1)? });
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map(rusqlite::params![after, limit], row)?.collect())
        .map_err(StoreError::sqlite("listing documents"))
}

/// The raw changes of a document, each after those that it follows; empty when there is none of that
/// name.
pub fn chunks(conn: &Connection, name: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    const SQL: &str = "SELECT x.bytes FROM document d JOIN chain c ON c.document = d.id JOIN change x \
        ON x.chain = c.id LEFT JOIN edit e ON e.document = d.id AND e.writer = c.writer AND e.seq = x.seq \
        WHERE d.name = ?1 ORDER BY e.op_start, c.writer, x.seq";
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map([name], |row| row.get(0))?.collect())
        .map_err(StoreError::sqlite("reading the changes of a document"))
}

/// The documents of registers that a commit after `after` added to, with the last such commit.
pub fn registers_since(conn: &Connection, after: u64) -> Result<Vec<(DocId, u64)>, StoreError> {
    // The condition on the name is that of the index.
    const SQL: &str = "SELECT name, accepted FROM document \
        WHERE substr(name, -9) IN ('/schedule', '/partners') AND accepted > ?1";
    let rows = sql::rows(conn, "looking for schedules that changed", SQL, [after], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?))
    })?;
    let parsed = rows.into_iter().map(|(name, accepted)| {
        let document = name.parse().map_err(|error| StoreError::corrupt(format!("a document's name: {error}")))?;
        Ok((document, accepted))
    });
    parsed.collect()
}

/// Whether there is any document.
pub fn any(conn: &Connection) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM document)";
    conn.query_row(SQL, [], |row| row.get(0)).map_err(StoreError::sqlite("looking for a document"))
}

/// Reads something small, to see whether the database can be read at all.
pub fn probe(conn: &Connection) -> Result<(), StoreError> {
    const SQL: &str = "SELECT count(*) FROM mark WHERE n = 0";
    conn.query_row(SQL, [], |_| Ok(())).map_err(StoreError::sqlite("probing the database"))
}
