//! Whose database this is: the keys that it was last opened with.
//!
//! Asked by whoever opens it and by `restore`: the database of another network beside these keys
//! would turn every machine away. A rotation of the authority leaves the hub's own key, a hub key
//! that was lost leaves the authority; so one key in common is enough.

use msap_shared::id::Fingerprint;
use msap_shared::io::store::sql;
use rusqlite::Connection;

use super::StoreError;

const FINGERPRINT_LEN: usize = 32;

/// The keys that the database was last opened with: the hub's own first, then the authorities.
/// Empty: nobody has noted them yet.
pub fn keys(conn: &Connection) -> Result<Vec<Fingerprint>, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'keys'";
    let bytes: Option<Vec<u8>> = sql::row(conn, "reading whose database this is", sql, [], |row| row.get(0))?;
    let bytes = bytes.unwrap_or_default();
    let (keys, rest) = bytes.as_chunks::<FINGERPRINT_LEN>();
    match rest {
        [] => Ok(keys.iter().copied().map(Fingerprint::new).collect()),
        _ => Err(StoreError::corrupt("whose database this is cannot be read")),
    }
}

/// Notes the keys.
pub fn set_keys(conn: &Connection, keys: &[Fingerprint]) -> Result<(), StoreError> {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| key.as_bytes()).copied().collect();
    let sql = "INSERT INTO meta (key, value) VALUES ('keys', ?1)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sql::write(conn, "noting whose database this is", sql, [bytes])?;
    Ok(())
}

/// Notes that this database was begun beside the keys of an earlier one: until they come back, it
/// does not know the machines that were certified before.
pub fn begun_anew(conn: &Connection) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO meta (key, value) VALUES ('begun_anew', 1)";
    sql::write(conn, "noting that the database was lost", sql, [])?;
    Ok(())
}

/// Whether it was.
pub fn was_begun_anew(conn: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM meta WHERE key = 'begun_anew'";
    Ok(sql::row(conn, "reading whether the database was lost", sql, [], |_| Ok(()))?.is_some())
}
