//! The local tap log: what was tapped on this machine and when. The hour never leaves it.

use msap_shared::id::{TapId, TapName};
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::{StoreError, sql};

/// Where a tap's latest fact went: a chain and a sequence number, or set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this change.
    Change {
        /// The chain's row id.
        chain: i64,
        /// The sequence number.
        seq: u64,
    },
    /// The hub refused it three times.
    Aside,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The UUID.
    pub id: TapId,
    /// Its name in the document.
    pub name: TapName,
    /// Seconds since 1970.
    pub at: i64,
    /// The day it counts on.
    pub day: Day,
    /// Where its latest fact is.
    pub place: Place,
    /// The value that was asked for first.
    pub visit: String,
    /// The visit that this is a further request of.
    pub part_of: Option<TapName>,
}

const COLUMNS: &str = "id, name, at, day, chain, seq, visit, part_of";

fn tap_of_row(row: &Row<'_>) -> rusqlite::Result<Tap> {
    let chain: i64 = row.get(4)?;
    let place = if chain < 0 { Place::Aside } else { Place::Change { chain, seq: row.get(5)? } };
    let day: i32 = row.get(3)?;
    let day = Day::from_number(day).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, day.into()))?;
    Ok(Tap {
        id: TapId::new(row.get(0)?),
        name: TapName::new(row.get(1)?),
        at: row.get(2)?,
        day,
        place,
        visit: row.get(6)?,
        part_of: row.get::<_, Option<_>>(7)?.map(TapName::new),
    })
}

fn parts(place: Place) -> (i64, u64) {
    match place {
        Place::Change { chain, seq } => (chain, seq),
        Place::Aside => (-1, 0),
    }
}

/// The tap with this UUID.
pub fn by_id(conn: &Connection, id: &TapId) -> Result<Option<Tap>, StoreError> {
    sql::row(
        conn,
        "looking up a tap by its id",
        &format!("SELECT {COLUMNS} FROM tap WHERE id = ?1"),
        [id.as_bytes()],
        tap_of_row,
    )
}

/// The tap with this name.
pub fn by_name(conn: &Connection, name: &TapName) -> Result<Option<Tap>, StoreError> {
    sql::row(
        conn,
        "looking up a tap by its name",
        &format!("SELECT {COLUMNS} FROM tap WHERE name = ?1"),
        [name.as_bytes()],
        tap_of_row,
    )
}

/// The taps made here for one day, latest first.
pub fn of_day(conn: &Connection, day: Day) -> Result<Vec<Tap>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tap WHERE day = ?1 ORDER BY n DESC");
    sql::rows(conn, "listing taps", &sql, [day.number()], tap_of_row)
}

/// The further requests of a visit made here, earliest first.
pub fn parts_of(conn: &Connection, visit: &TapName) -> Result<Vec<Tap>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tap WHERE part_of = ?1 ORDER BY n");
    sql::rows(conn, "listing the requests of a visit", &sql, [visit.as_bytes()], tap_of_row)
}

/// Adds a line.
pub fn insert(conn: &Connection, tap: &Tap, reason: &str) -> Result<(), StoreError> {
    let (chain, seq) = parts(tap.place);
    sql::write(
        conn,
        "keeping a tap",
        "INSERT INTO tap (id, name, at, day, chain, seq, visit, reason, part_of, n)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT coalesce(max(n), 0) + 1 FROM tap))",
        (
            tap.id.as_bytes(),
            tap.name.as_bytes(),
            tap.at,
            tap.day.number(),
            chain,
            seq,
            &tap.visit,
            reason,
            tap.part_of.as_ref().map(TapName::as_bytes),
        ),
    )?;
    Ok(())
}

/// A tap's latest fact is elsewhere now.
pub fn set_place(conn: &Connection, name: &TapName, place: Place) -> Result<(), StoreError> {
    let (chain, seq) = parts(place);
    sql::write(
        conn,
        "moving a tap",
        "UPDATE tap SET chain = ?2, seq = ?3 WHERE name = ?1",
        (name.as_bytes(), chain, seq),
    )?;
    Ok(())
}

/// Forgets what was tapped before this second: the log is for undo and correction, not for
/// watching people work.
pub fn purge(conn: &Connection, before: i64) -> Result<(), StoreError> {
    sql::write(conn, "purging the tap log", "DELETE FROM tap WHERE at < ?1", [before])?;
    Ok(())
}
