//! Tokens of the HTTP API in the store. The secret itself is never stored.

use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;

/// One token's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Public id.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// What it may see, as text.
    pub scope: String,
    /// What it may do, as text.
    pub role: String,
    /// Seconds since 1970.
    pub expires: i64,
    /// Whether somebody ended it early.
    pub revoked: bool,
    /// The last day on which it was used; `None`: never yet.
    pub used: Option<Day>,
}

const SELECT: &str = "SELECT t.id, t.label, t.scope, t.role, t.expires, t.revoked, u.day
                      FROM token t LEFT JOIN token_use u ON u.token = t.id";

fn read(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get(0)?,
        label: row.get(1)?,
        scope: row.get(2)?,
        role: row.get(3)?,
        expires: row.get(4)?,
        revoked: row.get(5)?,
        used: row.get::<_, Option<i32>>(6)?.and_then(Day::from_number),
    })
}

/// Adds a token under the SHA-256 of its secret.
pub fn insert(conn: &Connection, token: &TokenRow, hash: &[u8; 32]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO token (id, hash, label, scope, role, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    conn.execute(SQL, params![token.id, hash, token.label, token.scope, token.role, token.expires])
        .map(drop)
        .map_err(StoreError::sqlite("adding a token"))
}

/// The token whose secret has this hash. The lookup is by hash: how long it takes tells nothing
/// about the secret, because nobody can choose a hash close to another.
pub fn by_hash(conn: &Connection, hash: &[u8; 32]) -> Result<Option<TokenRow>, StoreError> {
    let sql = format!("{SELECT} WHERE t.hash = ?1");
    conn.prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([hash], read).optional())
        .map_err(StoreError::sqlite("looking for a token"))
}

/// The token with this id.
pub fn find(conn: &Connection, id: &str) -> Result<Option<TokenRow>, StoreError> {
    sql::row(conn, "looking for a token", &format!("{SELECT} WHERE t.id = ?1"), [id], read)
}

/// Notes the day on which a token was used: the day, and nothing finer.
pub fn note_use(conn: &Connection, id: &str, today: Day) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_use (token, day) VALUES (?1, ?2)
               ON CONFLICT (token) DO UPDATE SET day = excluded.day";
    sql::write(conn, "noting the use of a token", sql, (id, today.number())).map(drop)
}

/// All tokens, in the order of their ids.
pub fn list(conn: &Connection) -> Result<Vec<TokenRow>, StoreError> {
    let sql = format!("{SELECT} ORDER BY t.id");
    conn.prepare(&sql)
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(StoreError::sqlite("reading tokens"))
}

/// Ends a token, which stays listed. Whether it was not ended before; `None` when there is none
/// with this id.
pub fn revoke(conn: &Connection, id: &str) -> Result<Option<bool>, StoreError> {
    let doing = "revoking a token";
    let was = sql::row(conn, doing, "SELECT revoked FROM token WHERE id = ?1", [id], |row| row.get::<_, bool>(0))?;
    if was == Some(false) {
        sql::write(conn, doing, "UPDATE token SET revoked = 1 WHERE id = ?1", [id])?;
    }
    Ok(was.map(|revoked| !revoked))
}
