//! The agent's database: one SQLite file, one connection, one owner.
//!
//! All SQL of the agent lives in this module. Its functions act on a [`Connection`] inside the
//! transaction of the caller, so that a turn of the core is kept whole or not at all.
//!
//! Invariants: every change row's bytes hash to its hash column; a chain's tip is its last
//! change; a document's digest is the digest of its tips; the fact table is the fold of the
//! changes.

use std::path::Path;

use msap_shared::id::{DeviceId, SiteId};
use msap_shared::io::store::sql;
pub use msap_shared::io::store::{StoreError, prepare};
use msap_shared::time::SiteZone;
use rusqlite::{Connection, OpenFlags};

pub mod chains;
pub mod facts;
pub mod log;
pub mod meta;
pub mod retire;
pub mod taps;

/// The database's name within the data directory.
pub const FILE_NAME: &str = "agent.db";

/// The layouts of the database, version by version; only ever appended to.
pub const MIGRATIONS: [&str; 1] = [include_str!("store/migration_1.sql")];

/// Who this machine is, as the hub told it when it joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The site it counts for.
    pub site: SiteId,
    /// The site's name.
    pub site_name: String,
    /// The site's legal clock.
    pub timezone: SiteZone,
    /// The machine's own id.
    pub device: DeviceId,
    /// What people call the machine.
    pub label: String,
    /// The hub's address, `host:port`.
    pub hub: String,
}

/// Creates the database of a machine that joins, or, when it exists, takes over the new profile
/// and keeps everything counted.
///
/// # Errors
/// When the file cannot be written, or belongs to another site.
pub fn create(dir: &Path, profile: &Profile) -> Result<(), StoreError> {
    let conn = Connection::open(dir.join(FILE_NAME)).map_err(StoreError::sqlite("creating the database"))?;
    let conn = prepare(conn, &dir.join(FILE_NAME), &MIGRATIONS)?;
    meta::set_profile(&conn, profile)
}

/// Opens the database in `dir`.
///
/// # Errors
/// [`StoreError::Missing`] when there is none; damage and newer layouts are told apart.
pub fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(FILE_NAME);
    if !path.exists() {
        return Err(StoreError::Missing { path });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&path, flags).map_err(StoreError::sqlite("opening the database"))?;
    prepare(conn, &path, &MIGRATIONS)
}
