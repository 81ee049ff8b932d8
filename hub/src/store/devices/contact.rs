//! What the hub notes of a device's sessions.

use jiff::Timestamp;
use msap_shared::id::{DeviceId, SessionToken};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, params};

use super::StoreError;

/// What the hub notes of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Seconds since 1970 at which it was last heard.
    pub at: Option<i64>,
    /// Seconds since 1970 of the last time it held nothing unconfirmed; `None` keeps what is
    /// noted.
    pub in_sync: Option<i64>,
    /// The agent's version.
    pub app_version: String,
    /// What carried the session.
    pub transport: String,
    /// Its clock minus the hub's.
    pub clock_offset_ms: Option<i64>,
    /// What it tried in vain before that session, in its own words.
    pub tried: String,
    /// Changes that it said it keeps and the hub lacks; `None` when it does not tell.
    pub waiting: Option<u32>,
    /// The earliest day that they are about.
    pub oldest_waiting_day: Option<Day>,
    /// Seconds since 1970 at which it was turned away, unless it was let in since.
    pub turned_away: Option<i64>,
}

/// Notes a session of a device.
pub fn set_contact(conn: &Connection, id: DeviceId, contact: &Contact) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET last_contact = coalesce(?2, last_contact), \
                       last_in_sync = coalesce(?3, last_in_sync), app_version = ?4, transport = ?5, \
                       clock_offset_ms = coalesce(?6, clock_offset_ms), tried = ?7, waiting = ?8, \
                       oldest_waiting_day = ?9, turned_away = ?10 WHERE id = ?1";
    let Contact { at, in_sync, app_version, transport, clock_offset_ms, tried, .. } = contact;
    let Contact { waiting, oldest_waiting_day, turned_away, .. } = contact;
    let oldest = oldest_waiting_day.map(Day::number);
    let row = params![
        id.as_bytes(),
        at,
        in_sync,
        app_version,
        transport,
        clock_offset_ms,
        tried,
        waiting,
        oldest,
        turned_away
    ];
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

/// Notes that a device was turned away, `at` in seconds since 1970. One that the database does not
/// know leaves no trace.
pub fn set_turned_away(conn: &Connection, id: DeviceId, at: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET turned_away = ?2 WHERE id = ?1";
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(params![id.as_bytes(), at]))
        .map(drop)
        .map_err(StoreError::sqlite("noting that a device was turned away"))
}

/// A device that counted as replaced is heard: it exists twice, and a person is told.
pub fn heard_again(conn: &Connection, id: DeviceId) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET replaced_by = NULL, forked = 1 WHERE id = ?1";
    conn.execute(SQL, [id.as_bytes()]).map(drop).map_err(StoreError::sqlite("noting that a device exists twice"))
}

/// Notes that a device holds nothing that the hub does not, and was told so. `at` is in seconds
/// since 1970.
pub fn set_in_sync(conn: &Connection, id: DeviceId, at: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE device SET last_in_sync = ?2, oldest_waiting_day = NULL, \
                       waiting = CASE WHEN waiting IS NULL THEN NULL ELSE 0 END WHERE id = ?1";
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

/// Whether most machines that were in contact since agree with the hub on the day, and one was.
pub fn clocks_agree(conn: &Connection, since: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 2 * sum(abs(clock_offset_ms) < 86400000) > count(*) FROM device
                       WHERE last_contact >= ?1 AND clock_offset_ms IS NOT NULL";
    let agree = sql::row(conn, "comparing clocks", SQL, [since.as_second()], |row| row.get::<_, Option<bool>>(0))?;
    Ok(agree.flatten().unwrap_or_default())
}
