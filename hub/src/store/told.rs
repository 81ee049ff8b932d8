//! What devices told in their last files: what to answer them by file.

use msap_shared::id::{DeviceId, SessionToken};
use msap_shared::io::bundle::Frames;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::StoreError;

/// A device's last file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What an answer must carry.
    pub token: Option<SessionToken>,
    /// The versions of each of its documents.
    pub have: Frames,
}

/// Takes note of a device's file. Whether it tells anything else than the one before.
pub fn keep(conn: &Connection, device: DeviceId, told: &Told, day: Day) -> Result<bool, StoreError> {
    let sql = "INSERT INTO told (device, token, day, have) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (device) DO UPDATE SET token = excluded.token, day = excluded.day, have = excluded.have
               WHERE token IS NOT excluded.token OR have <> excluded.have";
    let token = told.token.as_ref().map(SessionToken::as_bytes);
    let row = (device.as_bytes(), token, day.number(), told.have.as_bytes());
    Ok(sql::write(conn, "keeping what a file told", sql, row)? > 0)
}

/// What a device told last; `None` when it never sent a file.
pub fn last(conn: &Connection, device: DeviceId) -> Result<Option<Told>, StoreError> {
    let sql = "SELECT token, have FROM told WHERE device = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<[u8; 16]>>(0)?, row.get::<_, Vec<u8>>(1)?));
    let Some((token, have)) = sql::row(conn, "reading what a file told", sql, [device.as_bytes()], read)? else {
        return Ok(None);
    };
    let have = Frames::read(&have).map_err(|error| StoreError::corrupt(format!("what {device} told: {error}")))?;
    Ok(Some(Told { token: token.map(SessionToken::new), have }))
}
