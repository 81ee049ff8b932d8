//! A digest of each row of the registry: sites, their names and histories, what was set by hand,
//! machines, tokens, users; closures and calendars of the network; what was settled and released,
//! each release with all of its cells; the journal.
//!
//! Changes carry their hashes and views are folded anew; these rows follow from nothing, so a bit
//! that a disk flips in one would move figures in silence. Triggers note in `unsealed` which rows
//! a transaction writes and what they said before; `renew`, called by [`super::Store::write`]
//! before each commit, keeps the digest of what they say now. A session writes none of them.
//!
//! Invariant: whatever was no longer what the hub had written is never sealed by writing to it or
//! beside it, only by [`anew`], which a person asks for. Rows written by another program through
//! SQLite are not damage: they wait in `unsealed` until the next commit. Only where rows are only
//! ever added, what changes or takes away one is damage, whatever wrote it.

use msap_shared::io::store::sql;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest, Sha256};

use super::{StoreError, releases};

/// What is sealed, and how a row is found by the parts of its key.
const KINDS: [(&str, &str); 13] = [
    ("site", "key = ?1"),
    ("alias", "key = ?1"),
    ("history", "site = ?1 AND field = ?2 AND from_day = CAST(?3 AS INTEGER)"),
    ("hand", "site = ?1 AND field = ?2"),
    ("fact", "site = ?1 AND field = ?2 AND from_day = CAST(?3 AS INTEGER)"),
    ("token", "key = ?1"),
    ("user", "key = ?1"),
    ("device", "key = ?1"),
    ("closure", "key = ?1"),
    ("calendar", "calendar = ?1 AND zone = ?2 AND year = CAST(?3 AS INTEGER)"),
    ("settlement", "key = ?1"),
    ("release", "kind = ?1 AND period = ?2"),
    ("journal", "key = ?1"),
];
/// Rows told of one kind.
const TOLD_MAX: usize = 10;

/// Under this kind stands what a person sealed although its sums do not hold: nothing can mend it.
const SUMS: &str = "sums";

type Sealed = [u8; 32];

/// Seals the rows that the transaction under way has written, but for those that were not before
/// it what their seals say.
pub(super) fn renew(conn: &Connection) -> Result<(), StoreError> {
    let doing = "reading what was written to the registry";
    let sql = "SELECT u.kind, u.key, CAST(u.was AS BLOB), s.digest FROM unsealed u
               LEFT JOIN seal s ON s.kind = u.kind AND s.key = u.key";
    let written = sql::rows(conn, doing, sql, [], |row| {
        let was: Option<Vec<u8>> = row.get(2)?;
        let sealed: Option<Sealed> = row.get(3)?;
        let intact = was.as_deref().map(digest) == sealed;
        Ok((row.get::<_, String>(0)?, row.get::<_, Value>(1)?, intact))
    })?;
    if written.is_empty() {
        return Ok(());
    }
    for (kind, key, intact) in written {
        if intact {
            let content = content(conn, &kind, &key)?;
            put(conn, &kind, &key, content.as_deref())?;
        } else {
            tracing::error!(kind, key = shown(&key), "a row was not what was last written there: run check");
        }
    }
    sql::write(conn, "ending the list of written rows", "DELETE FROM unsealed", [])?;
    Ok(())
}

fn content(conn: &Connection, kind: &str, key: &Value) -> Result<Option<Vec<u8>>, StoreError> {
    let known = KINDS.iter().find(|(known, _)| *known == kind);
    let (kind, found_by) = known.ok_or_else(|| StoreError::corrupt(format!("a seal of a {kind:?}")))?;
    let sql = format!("SELECT CAST(content AS BLOB) FROM sealed_{kind} WHERE {found_by}");
    let parts: Vec<Value> = match key {
        Value::Text(key) if found_by.contains("?2") => key.split(' ').map(|part| part.to_owned().into()).collect(),
        key => vec![key.clone()],
    };
    sql::row(conn, "reading a row to seal", &sql, params_from_iter(parts), |row| row.get(0))
}

fn put(conn: &Connection, kind: &str, key: &Value, content: Option<&[u8]>) -> Result<(), StoreError> {
    let doing = "sealing a row";
    match content {
        Some(content) => {
            let sql = "INSERT INTO seal (kind, key, digest) VALUES (?1, ?2, ?3)
                       ON CONFLICT (kind, key) DO UPDATE SET digest = excluded.digest";
            sql::write(conn, doing, sql, (kind, key, digest(content)))?;
        }
        None => {
            sql::write(conn, doing, "DELETE FROM seal WHERE kind = ?1 AND key = ?2", (kind, key))?;
        }
    }
    Ok(())
}

/// The rows that are not what the hub last wrote there, in words.
pub fn broken(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut told = Vec::new();
    for (kind, key) in differing(conn)? {
        told.push(format!("{kind} {} is not what was last written there", shown(&key)));
    }
    told.extend(unsound(conn)?.into_iter().map(|(_, what)| what));
    Ok(told)
}

/// The releases whose figures are not the sums of their parts, unless a person has sealed them so: their keys, and what
/// does not hold, in words.
fn unsound(conn: &Connection) -> Result<Vec<(Value, String)>, StoreError> {
    let mut found = Vec::new();
    for (key, what) in releases::unsound(conn)? {
        let key = Value::from(key);
        let sql = "SELECT digest FROM seal WHERE kind = ?1 AND key = ?2";
        let sealed: Option<Sealed> = sql::row(conn, "reading a seal", sql, (SUMS, &key), |row| row.get(0))?;
        if sealed.is_none() || content(conn, "release", &key)?.as_deref().map(digest) != sealed {
            found.push((key, what));
        }
    }
    Ok(found)
}

/// Seals all rows as they are: a person has looked at them. Which ones were not what their seals
/// say.
pub fn anew(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut told = Vec::new();
    for (kind, key) in differing(conn)? {
        let content = content(conn, kind, &key)?;
        put(conn, kind, &key, content.as_deref())?;
        told.push(format!("{kind} {}", shown(&key)));
    }
    for (key, what) in unsound(conn)? {
        let content = content(conn, "release", &key)?;
        put(conn, SUMS, &key, content.as_deref())?;
        told.push(what);
    }
    Ok(told)
}

/// Rows whose seal is missing or says something else, and seals whose row is missing.
fn differing(conn: &Connection) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let doing = "comparing the registry with its seals";
    let mut found = Vec::new();
    for (kind, _) in KINDS {
        // Without the `+`, a key's type would keep SQLite from looking it up.
        let rows = format!(
            "SELECT row.key, CAST(row.content AS BLOB), seal.digest FROM sealed_{kind} row
             LEFT JOIN seal ON seal.kind = ?1 AND seal.key = +row.key
             WHERE NOT EXISTS (SELECT 1 FROM unsealed u WHERE u.kind = ?1 AND u.key = +row.key) ORDER BY row.key"
        );
        let rows = sql::rows(conn, doing, &rows, [kind], |row| {
            let (content, sealed): (Option<Vec<u8>>, Option<Sealed>) = (row.get(1)?, row.get(2)?);
            let is_intact = sealed == Some(digest(content.unwrap_or_default()));
            // A key whose text a flipped bit has spoilt.
            Ok((!is_intact).then(|| row.get::<_, Value>(0).unwrap_or(Value::Null)))
        })?;
        found.extend(rows.into_iter().flatten().map(|key| (kind, key)));
        let ended = format!(
            "SELECT key FROM seal WHERE kind = ?1 EXCEPT SELECT key FROM sealed_{kind}
             EXCEPT SELECT key FROM unsealed WHERE kind = ?1"
        );
        let ended = sql::rows(conn, doing, &ended, [kind], |row| row.get(0))?;
        found.extend(ended.into_iter().map(|key| (kind, key)));
    }
    Ok(found)
}

fn digest(content: impl AsRef<[u8]>) -> Sealed {
    Sha256::digest(content).into()
}

/// A key as people read it.
fn shown(key: &Value) -> String {
    match key {
        Value::Null => String::new(),
        Value::Integer(n) => n.to_string(),
        Value::Real(n) => n.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => data_encoding::HEXLOWER.encode(bytes),
    }
}

/// At most so many of these texts, and how many more there are.
pub fn abridged(told: &[String]) -> String {
    let mut text = told.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(more) = told.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
        text.push_str(&format!(", +{more}"));
    }
    text
}

#[cfg(test)]
mod tests;
