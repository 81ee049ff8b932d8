//! What the hub alone decides, kept as it was sent: calendars, closures of the network, its terms.
//!
//! Written by the session and read where days are planned. A kind is replaced whole.

use msap_shared::id::Digest32;
use msap_shared::reference::{
    self, CLOSURES, Held, PUBLIC_HOLIDAYS, REFERENCES_MAX, SCHOOL_HOLIDAYS, TERMS, Terms, is_calendar,
};
use msap_shared::schedule::calendar::{Calendar, PublicYear, SchoolYear};
use msap_shared::schedule::closures::{Closures, NetworkClosure};
use rusqlite::Connection;

use super::{StoreError, sql};

/// Kinds that are kept elsewhere: the authorities and the profile.
const ELSEWHERE: usize = 2;

/// What a site's days and partners depend on besides its own documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Public and school holidays.
    pub calendar: Calendar,
    /// The site's zone of public holidays; empty when no year of them is there.
    pub holiday_zone: String,
    /// The site's zone of school holidays; empty when no year of them is there.
    pub school_zone: String,
    /// The network's closures that concern the site.
    pub closures: Vec<NetworkClosure>,
    /// The hub's settings that machines go by.
    pub terms: Terms,
}

/// Whether a value is one of a kind that is kept here, and reads.
pub fn is_kept(kind: u32, value: &[u8]) -> bool {
    match kind {
        CLOSURES => reference::from_bytes::<Closures>(value).is_some(),
        TERMS => reference::from_bytes::<Terms>(value).is_some(),
        _ if is_calendar(PUBLIC_HOLIDAYS, kind) => reference::from_bytes::<PublicYear>(value).is_some(),
        _ if is_calendar(SCHOOL_HOLIDAYS, kind) => reference::from_bytes::<SchoolYear>(value).is_some(),
        _ => false,
    }
}

/// Whether a kind is kept here.
pub fn is_known(kind: u32) -> bool {
    matches!(kind, CLOSURES | TERMS) || is_calendar(PUBLIC_HOLIDAYS, kind) || is_calendar(SCHOOL_HOLIDAYS, kind)
}

/// What is held, by kind: as many as a Hello may name beside the kinds that are kept elsewhere.
///
/// # Errors
/// When the store fails; so for all functions of this module.
pub fn held(conn: &Connection) -> Result<Vec<Held>, StoreError> {
    let sql = "SELECT kind, hash FROM reference ORDER BY kind LIMIT ?1";
    let most = REFERENCES_MAX - ELSEWHERE;
    sql::rows(conn, "reading references", sql, [most], |row| Ok((row.get(0)?, Digest32::new(row.get(1)?))))
}

/// Keeps a value in place of the one of its kind.
pub fn keep(conn: &Connection, kind: u32, hash: &Digest32, value: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference (kind, hash, value) VALUES (?1, ?2, ?3)
               ON CONFLICT (kind) DO UPDATE SET hash = excluded.hash, value = excluded.value";
    sql::write(conn, "keeping a reference", sql, (kind, hash.as_bytes(), value))?;
    Ok(())
}

/// Everything that is held, read. The zones are those of the latest years: a site that moved to
/// another zone is sent other ones.
pub fn around(conn: &Connection) -> Result<Around, StoreError> {
    let sql = "SELECT kind, value FROM reference ORDER BY kind";
    let kept = sql::rows(conn, "reading references", sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut around = Around::default();
    for (kind, value) in kept {
        let (kind, value): (u32, Vec<u8>) = (kind, value);
        if kind == CLOSURES {
            around.closures = reference::from_bytes::<Closures>(&value).unwrap_or_default().read();
        } else if kind == TERMS {
            around.terms = reference::from_bytes(&value).unwrap_or_default();
        } else if is_calendar(PUBLIC_HOLIDAYS, kind) {
            let Some(year) = reference::from_bytes::<PublicYear>(&value) else { continue };
            around.calendar.put_public_year(&year);
            around.holiday_zone = year.zone;
        } else if let Some(year) = reference::from_bytes::<SchoolYear>(&value) {
            around.calendar.put_school_year(&year);
            around.school_zone = year.zone;
        }
    }
    Ok(around)
}
