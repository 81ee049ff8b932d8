//! Making and ending tokens of the API.

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use rusqlite::Connection;

use super::AdminError;
use super::reply::{Reply, TokenObject};
use crate::http::scope::{Role, Scope, ScopeError};
use crate::http::token_hash;
use crate::store::tokens::TokenRow;
use crate::store::{journal, sites, tokens};

/// Longest label, in characters.
const LABEL_LEN_MAX: usize = 100;

/// A token's random part: 160 bits, 32 characters of base 32.
pub(super) type Chance = [u8; 25];

/// Makes a token. Its secret is in the reply and nowhere else.
pub(super) fn create(
    conn: &Connection,
    now: Timestamp,
    chance: &Chance,
    label: &str,
    (scope, role): (&str, &str),
    valid_s: i64,
) -> Result<Reply, AdminError> {
    let (scope, role) = granted(conn, scope, role)?;
    if !(1..=LABEL_LEN_MAX).contains(&label.chars().count()) || label.chars().any(char::is_control) {
        return Err(AdminError::Text("--label"));
    }
    let (secret, id) = chance.split_at(20);
    let secret = format!("msap_{}", BASE32_NOPAD.encode(secret).to_lowercase());
    let row = TokenRow {
        id: BASE32_NOPAD.encode(id).to_lowercase(),
        label: label.to_owned(),
        scope: scope.to_string(),
        role: role.to_string(),
        expires: now.as_second().saturating_add(valid_s),
        revoked: false,
        used: None,
    };
    tokens::insert(conn, &row, &token_hash(&secret))?;
    journal::record(conn, now, "token.create", &row.id, &format!("scope={scope} role={role} label={label}"))?;
    Ok(Reply::TokenMade { token: TokenObject::from(row), secret })
}

/// Ends a token.
pub(super) fn revoke(conn: &Connection, now: Timestamp, id: &str) -> Result<Reply, AdminError> {
    let ended = tokens::revoke(conn, id)?.ok_or_else(|| AdminError::UnknownToken(id.chars().take(60).collect()))?;
    if ended {
        journal::record(conn, now, "token.revoke", id, "")?;
    }
    Ok(Reply::Done)
}

/// What a token or a person is to see and do, as typed.
pub(super) fn granted(conn: &Connection, scope: &str, role: &str) -> Result<(Scope, Role), AdminError> {
    let mut scope: Scope = scope.parse()?;
    let role: Role = role.parse()?;
    if matches!(scope, Scope::Operator(_)) && role != Role::Reader {
        return Err(ScopeError::PartnerReads(scope.to_string()).into());
    }
    if let Scope::Site(site) = &mut scope {
        // Scopes compare ids; an alias given here must not give rights that see nothing.
        *site = sites::resolve(conn, site.as_str())?.ok_or_else(|| AdminError::UnknownSite(site.to_string()))?;
    }
    Ok((scope, role))
}
