//! People who sign in, in the store. Of a password there is only what argon2id makes of it.
//!
//! Invariant: whoever is disabled, or whose password or rights change, is signed in nowhere from
//! the same commit on.

use msap_shared::io::store::sql;
use rusqlite::{Connection, Row};

use super::{StoreError, sessions};
use crate::login::{Login, LoginError};
use crate::password::Kept;

/// One person's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Under which name.
    pub login: Login,
    /// What is kept of the password.
    pub password: Kept,
    /// What it may see, as text.
    pub scope: String,
    /// What it may do, as text.
    pub role: String,
    /// Whether nobody can sign in under this name.
    pub disabled: bool,
}

const COLUMNS: &str = "login, password, scope, role, disabled";

/// Adds somebody; false when there is somebody under this name.
pub fn insert(conn: &Connection, user: &UserRow) -> Result<bool, StoreError> {
    let sql = "INSERT INTO user (login, password, scope, role, disabled) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (login) DO NOTHING";
    let UserRow { login, password, scope, role, disabled } = user;
    let values = (login.as_str(), password.as_str(), scope, role, disabled);
    Ok(sql::write(conn, "adding a user", sql, values)? == 1)
}

/// Whoever has this login.
pub fn find(conn: &Connection, login: &Login) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user WHERE login = ?1");
    let found = sql::row(conn, "looking for a user", &sql, [login.as_str()], texts)?;
    found.map(parsed).transpose()
}

/// Everybody, in the order of their logins.
pub fn list(conn: &Connection) -> Result<Vec<UserRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user ORDER BY login");
    sql::rows(conn, "reading users", &sql, [], texts)?.into_iter().map(parsed).collect()
}

/// Puts a row in the place of the one with its login, and ends that one's sessions; false when
/// there is none.
pub fn replace(conn: &Connection, user: &UserRow) -> Result<bool, StoreError> {
    let sql = "UPDATE user SET password = ?2, scope = ?3, role = ?4, disabled = ?5 WHERE login = ?1";
    let UserRow { login, password, scope, role, disabled } = user;
    let values = (login.as_str(), password.as_str(), scope, role, disabled);
    let found = sql::write(conn, "changing a user", sql, values)? == 1;
    sessions::end_of(conn, login)?;
    Ok(found)
}

type Texts = (String, String, String, String, bool);

fn texts(row: &Row<'_>) -> rusqlite::Result<Texts> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn parsed((login, password, scope, role, disabled): Texts) -> Result<UserRow, StoreError> {
    let parsed = login.parse().map_err(|error: LoginError| StoreError::corrupt(format!("a user's row: {error}")))?;
    // What a disk has made of a password is nobody's: its seal tells, and another password mends it.
    let password = password.parse().unwrap_or_else(|_| Kept::nobodys());
    Ok(UserRow { login: parsed, password, scope, role, disabled })
}
