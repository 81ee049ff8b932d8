//! Calendars that were imported, and the closures of the network.
//!
//! Every function that writes counts one more change of the catalogue, so that whoever keeps what
//! he read knows when it is old.

use msap_shared::document::register::Author;
use msap_shared::document::schedule::Reason;
use msap_shared::io::store::sql;
use msap_shared::schedule::NetworkClosure;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::StoreError;
use crate::calendar::Kind;

/// How often calendars and closures have changed.
pub fn changes(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT changes FROM catalogue";
    Ok(sql::row(conn, "reading the catalogue's state", sql, [], |row| row.get(0))?.unwrap_or_default())
}

fn note_change(conn: &Connection) -> Result<(), StoreError> {
    sql::write(conn, "noting a change of the catalogue", "UPDATE catalogue SET changes = changes + 1", [])?;
    Ok(())
}

/// Every year that was imported, as machines are sent it.
pub fn imported(conn: &Connection) -> Result<Vec<(Kind, Vec<u8>)>, StoreError> {
    let sql = "SELECT calendar, value FROM calendar ORDER BY calendar, zone, year";
    sql::rows(conn, "reading calendars", sql, [], |row| {
        let kind = if row.get_ref(0)?.as_str()? == Kind::Public.as_str() { Kind::Public } else { Kind::School };
        Ok((kind, row.get(1)?))
    })
}

/// One year of one zone, if it was imported.
pub fn imported_year(conn: &Connection, kind: Kind, zone: &str, year: i16) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT value FROM calendar WHERE calendar = ?1 AND zone = ?2 AND year = ?3";
    sql::row(conn, "reading a calendar", sql, (kind.as_str(), zone, year), |row| row.get(0))
}

/// Keeps one year of one zone.
pub fn put_year(conn: &Connection, kind: Kind, zone: &str, year: i16, value: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO calendar (calendar, zone, year, value) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (calendar, zone, year) DO UPDATE SET value = excluded.value";
    sql::write(conn, "keeping a calendar", sql, (kind.as_str(), zone, year, value))?;
    note_change(conn)
}

/// Every closure of the network, in the order of their days.
pub fn closures(conn: &Connection) -> Result<Vec<NetworkClosure>, StoreError> {
    let sql = "SELECT id, from_day, to_day, reason, label, scope FROM network_closure ORDER BY from_day, to_day, id";
    let rows = sql::rows(conn, "reading closures of the network", sql, [], closure)?;
    rows.into_iter().map(|row| row.ok_or_else(|| StoreError::corrupt("a closure of the network"))).collect()
}

/// The closures that concern a place: of the network, its region and its department.
pub fn closures_of(conn: &Connection, region: &str, department: &str) -> Result<Vec<NetworkClosure>, StoreError> {
    let mut all = closures(conn)?;
    all.retain(|closure| concerns(&closure.scope, region, department));
    Ok(all)
}

/// Whether a closure of this scope holds in a place.
pub fn concerns(scope: &Author, region: &str, department: &str) -> bool {
    match scope {
        Author::National => true,
        Author::Region(code) => **code == *region,
        Author::Department(code) => **code == *department,
        Author::Device(_) | Author::Site(_) | Author::List => false,
    }
}

/// `None` when the row is not one that this program writes.
fn closure(row: &Row<'_>) -> rusqlite::Result<Option<NetworkClosure>> {
    let (from, to) = (Day::from_number(row.get(1)?), Day::from_number(row.get(2)?));
    let (reason, scope): (String, String) = (row.get(3)?, row.get(5)?);
    let (Some(from), Some(to), Ok(scope)) = (from, to, scope.parse()) else { return Ok(None) };
    let reason = Reason::known(&reason).unwrap_or(Reason::Other);
    Ok(Some(NetworkClosure { id: row.get(0)?, from, to, reason, label: row.get(4)?, scope }))
}

/// Keeps a closure, in place of the one of its id.
pub fn put_closure(conn: &Connection, closure: &NetworkClosure) -> Result<(), StoreError> {
    let sql = "INSERT INTO network_closure (id, from_day, to_day, reason, label, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (id) DO UPDATE SET from_day = excluded.from_day, to_day = excluded.to_day,
                   reason = excluded.reason, label = excluded.label, scope = excluded.scope";
    let NetworkClosure { id, from, to, reason, label, scope } = closure;
    let row = (id, from.number(), to.number(), reason.as_str(), label, scope.to_string());
    sql::write(conn, "keeping a closure of the network", sql, row)?;
    note_change(conn)
}

/// Takes a closure back; `false` when there is none of this id.
pub fn remove_closure(conn: &Connection, id: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM network_closure WHERE id = ?1";
    let removed = sql::write(conn, "taking a closure of the network back", sql, [id])? > 0;
    if removed {
        note_change(conn)?;
    }
    Ok(removed)
}
