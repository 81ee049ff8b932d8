//! What the hub notes of a device's sessions.

use msap_shared::id::{DeviceId, SessionToken};
use rusqlite::{Connection, params};

use super::{Contact, StoreError};

/// Notes a session of a device.
pub fn set_contact(conn: &Connection, id: DeviceId, contact: &Contact) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET last_contact = coalesce(?2, last_contact), \
                       last_in_sync = coalesce(?3, last_in_sync), app_version = ?4, transport = ?5, \
                       clock_offset_ms = coalesce(?6, clock_offset_ms), tried = ?7 WHERE id = ?1";
    let Contact { at, in_sync, app_version, transport, clock_offset_ms, tried } = contact;
    let row = params![id.as_bytes(), at, in_sync, app_version, transport, clock_offset_ms, tried];
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(row))
        .map(drop)
        .map_err(StoreError::sqlite("noting a session"))
}

/// Notes that a device was heard, `at` in seconds since 1970.
pub fn set_heard(conn: &Connection, id: DeviceId, at: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET last_contact = ?2 WHERE id = ?1";
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(params![id.as_bytes(), at]))
        .map(drop)
        .map_err(StoreError::sqlite("noting that a device was heard"))
}

/// A device that counted as replaced is heard: it exists twice, and a person is told.
pub fn heard_again(conn: &Connection, id: DeviceId) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET replaced_by = NULL, forked = 1 WHERE id = ?1";
    conn.execute(SQL, [id.as_bytes()]).map(drop).map_err(StoreError::sqlite("noting that a device exists twice"))
}

/// Notes that a device holds nothing that the hub does not, and was told so. `at` is in seconds
/// since 1970.
pub fn set_in_sync(conn: &Connection, id: DeviceId, at: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET last_in_sync = ?2 WHERE id = ?1";
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(params![id.as_bytes(), at]))
        .map(drop)
        .map_err(StoreError::sqlite("noting that a device is in sync"))
}

/// Keeps a device's place in its line of sessions, and whether that line has split.
pub fn set_token(conn: &Connection, id: DeviceId, token: Option<SessionToken>, forked: bool) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET token = ?2, forked = ?3 WHERE id = ?1";
    let token = token.map(|token| token.as_bytes().to_vec());
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(params![id.as_bytes(), token, forked]))
        .map(drop)
        .map_err(StoreError::sqlite("keeping a device's token"))
}

/// Forgets every device's place in its line: a new epoch begins the lines anew.
pub fn forget_tokens(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("UPDATE device SET token = NULL", []).map(drop).map_err(StoreError::sqlite("forgetting tokens"))
}
