//! The agent's database: one SQLite file, one connection, one owner.
//!
//! All SQL of the agent lives in this module. Its functions act on a [`Connection`] inside the
//! transaction of the caller, so that a turn of the core is kept whole or not at all.
//!
//! Invariants: every change row's bytes hash to its hash column; a chain's tip is its last
//! change; a document's digest is the digest of its tips; the fact table is the fold of the
//! changes.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use msap_shared::id::{DeviceId, SessionToken, SiteId};
use msap_shared::io::file::{self, Access};
use msap_shared::io::store::sql;
pub use msap_shared::io::store::{StoreError, prepare, registers};
use msap_shared::time::SiteZone;
use rusqlite::{Connection, OpenFlags, ffi};
use serde_json::{Value, json};

pub mod chains;
pub mod facts;
pub mod log;
pub mod meta;
pub mod retire;
pub mod taps;

/// The database's name within the data directory.
pub const FILE_NAME: &str = "agent.db";

/// The layouts of the database, version by version; only ever appended to.
pub const MIGRATIONS: [&str; 4] = [
    include_str!("store/migration_1.sql"),
    include_str!("store/migration_2.sql"),
    include_str!("store/migration_3.sql"),
    include_str!("store/migration_4.sql"),
];

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

/// What the profile is also kept in, for the day on which the database does not tell.
const PROFILE_FILE: &str = "profile.json";

/// Creates the database of a machine that joins, or, when it exists, takes over the new profile
/// and keeps everything counted.
///
/// # Errors
/// When the file cannot be written, or belongs to another site.
pub fn create(dir: &Path, profile: &Profile) -> Result<(), StoreError> {
    create_at(&dir.join(FILE_NAME), profile)?;
    keep_beside(dir, profile);
    Ok(())
}

/// The same, under any name.
///
/// # Errors
/// As [`create`].
pub fn create_at(path: &Path, profile: &Profile) -> Result<Connection, StoreError> {
    let doing = "creating the database";
    private(path).map_err(|error| {
        let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        StoreError::sqlite(doing)(rusqlite::Error::SqliteFailure(code, Some(error.to_string())))
    })?;
    let conn = Connection::open(path).map_err(StoreError::sqlite(doing))?;
    let conn = prepare(conn, path, &MIGRATIONS)?;
    meta::set_profile(&conn, profile)?;
    Ok(conn)
}

/// Keeps the profile beside the database. A disk that does not take it is no obstacle: the
/// database has it.
fn keep_beside(dir: &Path, profile: &Profile) {
    let text = profile.to_json();
    let path = dir.join(PROFILE_FILE);
    if !file::read_optional(&path).is_ok_and(|kept| kept.as_deref() == Some(text.as_bytes())) {
        drop(file::write_atomic(&path, text.as_bytes(), Access::Owner));
    }
}

/// Who the machine of `dir` is by what was kept beside the database.
pub fn profile_beside(dir: &Path) -> Option<Profile> {
    Profile::from_json(&file::read_optional(&dir.join(PROFILE_FILE)).ok()??)
}

impl Profile {
    fn to_json(&self) -> String {
        let Self { site, site_name, timezone, device, label, hub } = self;
        json!({
            "site": site.as_str(),
            "site_name": site_name,
            "timezone": timezone.name(),
            "device": device.to_string(),
            "label": label,
            "hub": hub,
        })
        .to_string()
    }

    fn from_json(bytes: &[u8]) -> Option<Self> {
        let fields: Value = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| fields[name].as_str();
        Some(Self {
            site: text("site")?.parse().ok()?,
            site_name: text("site_name")?.to_owned(),
            timezone: text("timezone")?.parse().ok()?,
            device: text("device")?.parse().ok()?,
            label: text("label")?.to_owned(),
            hub: text("hub")?.to_owned(),
        })
    }
}

/// Makes the database's file for its owner only: SQLite would let the umask decide. Its side
/// files take the same mode.
fn private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens the database in `dir`.
///
/// # Errors
/// [`StoreError::Missing`] when there is none; damage and newer layouts are told apart.
pub fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(FILE_NAME);
    match std::fs::metadata(&path) {
        Err(_) => return Err(StoreError::Missing { path }),
        // SQLite would make a new database of it.
        Ok(metadata) if metadata.len() == 0 => return Err(StoreError::corrupt("the file is empty")),
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let doing = "opening the database for writing";
    let conn = Connection::open_with_flags(&path, flags).map_err(StoreError::sqlite(doing))?;
    // SQLite falls back to reading where it may not write: said now, not at the first tap.
    if conn.is_readonly("main").map_err(StoreError::sqlite(doing))? {
        let code = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(StoreError::sqlite(doing)(rusqlite::Error::SqliteFailure(code, None)));
    }
    let conn = prepare(conn, &path, &MIGRATIONS)?;
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(StoreError::sqlite("reading through the database"))?;
    if found != "ok" {
        return Err(StoreError::corrupt(found));
    }
    keep_beside(dir, &meta::profile(&conn)?);
    Ok(conn)
}

/// Who the machine of `dir` is, beside an agent that may be running; `None` when its database
/// does not tell.
pub fn profile(dir: &Path) -> Option<Profile> {
    meta::profile(&reading(dir)?).ok()
}

/// The machine's place in its line of sessions, when its database tells.
pub fn tokens(dir: &Path) -> Option<(Option<SessionToken>, Option<SessionToken>)> {
    meta::tokens(&reading(dir)?).ok()
}

fn reading(dir: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(dir.join(FILE_NAME), flags).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            site: "275".parse().unwrap(),
            site_name: "Chemillé".into(),
            timezone: "Europe/Paris".parse().unwrap(),
            device: DeviceId::new([7; 8]),
            label: "Accueil 1".into(),
            hub: "hub.exemple.fr:4433".into(),
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_database_and_its_side_files_are_readable_by_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        create(dir.path(), &profile()).unwrap();
        let conn = open(dir.path()).unwrap();
        meta::set_last_contact(&conn, 1).unwrap();
        for name in [FILE_NAME, "agent.db-wal", "agent.db-shm"] {
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_database_of_every_earlier_layout_is_brought_up_to_date() {
        for version in 1..=MIGRATIONS.len() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(FILE_NAME);
            let before = prepare(Connection::open(&path).unwrap(), &path, &MIGRATIONS[..version]).unwrap();
            meta::set_profile(&before, &profile()).unwrap();
            drop(before);
            let conn = open(dir.path()).unwrap();
            let day = "2026-11-20".parse().unwrap();
            assert_eq!(taps::of_day(&conn, day).unwrap(), [], "layout {version}");
            assert_eq!(super::profile(dir.path()), Some(profile()));
        }
    }

    #[test]
    fn a_database_that_cannot_be_made_is_no_damage() {
        let dir = tempfile::tempdir().unwrap();
        let error = create(&dir.path().join("nowhere"), &profile()).unwrap_err();
        assert!(matches!(error, StoreError::Sqlite { .. }), "{error}");
        assert!(!error.is_damage());
    }
}
