//! Who is signed in. The cookie's secret itself is never stored; a backup holds hashes of sessions, and
//! putting it back ends them.
//!
//! Called by the HTTP interface. A session ends after a time without a request, after a day's
//! work in any case, when it is signed out, and with whatever changes the user's row.

use msap_shared::io::store::sql;
use rusqlite::Connection;

use super::StoreError;
use crate::login::Login;

/// Seconds without a request after which a session has ended.
pub const IDLE_S: i64 = 30 * 60;
/// Seconds after which it has ended in any case.
pub const LONGEST_S: i64 = 12 * 60 * 60;
/// Seconds within which another request is not noted: reading costs no commit.
pub const NOTED_EVERY_S: i64 = 60;
/// Sessions of one person; the one that was idle longest makes room.
pub const SESSIONS_MAX: u32 = 10;

/// A session that has not been ended, perhaps too old all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub login: String,
    /// What that person may see, as text.
    pub scope: String,
    /// What that person may do, as text.
    pub role: String,
    begun: i64,
    seen: i64,
}

impl SessionRow {
    /// The second at which it ends, unless another request comes before.
    pub fn until(&self) -> i64 {
        self.begun.saturating_add(LONGEST_S).min(self.seen.saturating_add(IDLE_S))
    }

    /// Whether a request now is to be noted.
    pub fn is_to_be_noted(&self, now_s: i64) -> bool {
        now_s.saturating_sub(self.seen) >= NOTED_EVERY_S
    }
}

/// Begins a session under the SHA-256 of its secret, and removes those that are over. Answers how
/// many others of the same person made room for it.
pub fn begin(conn: &Connection, hash: &[u8; 32], login: &Login, now_s: i64) -> Result<usize, StoreError> {
    let doing = "beginning a session";
    let over = "DELETE FROM session WHERE begun <= ?1 OR seen <= ?2";
    sql::write(conn, doing, over, (now_s - LONGEST_S, now_s - IDLE_S))?;
    let surplus = "DELETE FROM session WHERE hash IN
                   (SELECT hash FROM session WHERE login = ?1 ORDER BY seen DESC LIMIT -1 OFFSET ?2)";
    let pushed_out = sql::write(conn, doing, surplus, (login.as_str(), SESSIONS_MAX - 1))?;
    let sql = "INSERT INTO session (hash, login, begun, seen) VALUES (?1, ?2, ?3, ?3)";
    sql::write(conn, doing, sql, (hash, login.as_str(), now_s))?;
    Ok(pushed_out)
}

/// The session whose secret has this hash, of somebody who may sign in.
pub fn find(conn: &Connection, hash: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
    let sql = "SELECT s.login, u.scope, u.role, s.begun, s.seen FROM session s JOIN user u ON u.login = s.login
               WHERE s.hash = ?1 AND NOT u.disabled";
    sql::row(conn, "looking for a session", sql, [hash], |row| {
        Ok(SessionRow {
            login: row.get(0)?,
            scope: row.get(1)?,
            role: row.get(2)?,
            begun: row.get(3)?,
            seen: row.get(4)?,
        })
    })
}

/// Notes that a request came.
pub fn note(conn: &Connection, hash: &[u8; 32], now_s: i64) -> Result<(), StoreError> {
    let sql = "UPDATE session SET seen = ?2 WHERE hash = ?1 AND seen < ?2";
    sql::write(conn, "noting a session's request", sql, (hash, now_s)).map(drop)
}

/// Ends one session; false when it has ended before.
pub fn end(conn: &Connection, hash: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(sql::write(conn, "ending a session", "DELETE FROM session WHERE hash = ?1", [hash])? == 1)
}

/// Ends all sessions of one person.
pub(super) fn end_of(conn: &Connection, login: &Login) -> Result<(), StoreError> {
    sql::write(conn, "ending a user's sessions", "DELETE FROM session WHERE login = ?1", [login.as_str()]).map(drop)
}

/// Ends all sessions.
pub(super) fn end_all(conn: &Connection) -> Result<(), StoreError> {
    sql::write(conn, "ending all sessions", "DELETE FROM session", []).map(drop)
}

#[cfg(test)]
mod tests;
