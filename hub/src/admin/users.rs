//! People who sign in: who they are, what they may see and do, and when that ends.

use jiff::Timestamp;
use rusqlite::Connection;

use super::AdminError;
use super::reply::{Reply, UserObject};
use super::tokens::granted;
use crate::login::Login;
use crate::password::Kept;
use crate::store::users::UserRow;
use crate::store::{journal, users};

/// Adds somebody.
pub(super) fn add(
    conn: &Connection,
    now: Timestamp,
    login: &str,
    password: &Kept,
    (scope, role): (&str, &str),
) -> Result<Reply, AdminError> {
    let login: Login = login.parse()?;
    let (scope, role) = granted(conn, scope, role)?;
    let (scope, role) = (scope.to_string(), role.to_string());
    let user = UserRow { login, password: password.clone(), scope, role, disabled: false };
    if !users::insert(conn, &user)? {
        return Err(AdminError::UserExists(user.login.to_string()));
    }
    note(conn, now, "user.add", &user, &rights(&user))
}

/// What becomes of somebody.
#[derive(Clone, Copy, Debug)]
pub(super) enum UserChange<'a> {
    /// Another password.
    Password(&'a Kept),
    /// Other rights; what is not named stays.
    Rights(Option<&'a str>, Option<&'a str>),
    /// Nobody signs in under this name.
    Disable,
    /// Whoever has the password signs in again.
    Enable,
}

/// Changes somebody's row; whoever was signed in under the name is not any more.
pub(super) fn change(
    conn: &Connection,
    now: Timestamp,
    login: &str,
    change: UserChange<'_>,
) -> Result<Reply, AdminError> {
    let unknown = || AdminError::UnknownUser(login.chars().take(60).collect());
    let known = login.parse().map_err(|_| unknown())?;
    let mut user = users::find(conn, &known)?.ok_or_else(unknown)?;
    let (action, detail) = match change {
        UserChange::Password(password) => {
            user.password = password.clone();
            ("user.passwd", String::new())
        }
        UserChange::Rights(scope, role) => {
            let (scope, role) = granted(conn, scope.unwrap_or(&user.scope), role.unwrap_or(&user.role))?;
            (user.scope, user.role) = (scope.to_string(), role.to_string());
            ("user.set", rights(&user))
        }
        UserChange::Disable => {
            user.disabled = true;
            ("user.disable", String::new())
        }
        UserChange::Enable => {
            user.disabled = false;
            ("user.enable", String::new())
        }
    };
    users::replace(conn, &user)?;
    note(conn, now, action, &user, &detail)
}

fn rights(user: &UserRow) -> String {
    format!("scope={} role={}", user.scope, user.role)
}

fn note(conn: &Connection, now: Timestamp, action: &str, user: &UserRow, detail: &str) -> Result<Reply, AdminError> {
    journal::record(conn, now, action, user.login.as_str(), detail)?;
    Ok(Reply::User(UserObject::from(user.clone())))
}
