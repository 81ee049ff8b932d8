//! Copies of the agent's database: made while it is written to, read back whole, put back.
//!
//! Called by the command line. A backup is an old image of this machine and safe as such: the
//! agent writes as somebody new at every start, taps have their names, and what the image lacks
//! comes back from the hub.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use msap_shared::io::{file, store::verify};
use rusqlite::{Connection, OpenFlags, backup::Backup};

use crate::exchange::{self, ExchangeError};
use crate::store::chains::{self, Doc};
use crate::store::{self, MIGRATIONS, StoreError, meta, prepare};

/// Pages copied at a time.
const PAGES: std::ffi::c_int = 1_000;

/// Why there is no backup, or it was not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file of this name is there.
    #[error("{path} exists")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is not a whole database of an agent.
    #[error("{path} does not verify")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: StoreError,
    },
    /// It is of another site's machine.
    #[error("{path} counts for site {found}")]
    OtherSite {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database itself.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ExchangeError> for BackupError {
    fn from(error: ExchangeError) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}

/// Copies the database of `data` to `to`, also while an agent writes to it, reads the copy back
/// and gives it its name. Returns the number of changes in it.
///
/// # Errors
/// When `to` exists, cannot be written, or what was copied does not verify.
pub fn make(data: &Path, to: &Path) -> Result<u64, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let from = data.join(store::FILE_NAME);
    if !from.exists() {
        return Err(StoreError::Missing { path: from }.into());
    }
    let part = part_of(to)?;
    let made = copy(&from, &part).and_then(|()| checked(&part));
    let made = made.and_then(|(_, changes)| {
        let named = std::fs::File::open(&part).and_then(|copy| copy.sync_all()).and_then(|()| file::rename(&part, to));
        named.map(|()| changes).map_err(|source| BackupError::Io { path: to.to_owned(), source })
    });
    if made.is_err() {
        discard(&part);
    }
    made
}

/// Puts the backup `from` in the place of the database of `data`, which is moved aside. Returns
/// where to. The caller holds the agent's lock.
///
/// # Errors
/// When `from` does not verify or is of another site; nothing is changed then.
pub fn restore(data: &Path, from: &Path, now: Timestamp) -> Result<PathBuf, BackupError> {
    if !from.exists() {
        return Err(BackupError::Missing { path: from.to_owned() });
    }
    let part = data.join("agent.db.part");
    discard(&part);
    let put = put_back(data, from, &part, now);
    if put.is_err() {
        discard(&part);
    }
    put
}

fn put_back(data: &Path, from: &Path, part: &Path, now: Timestamp) -> Result<PathBuf, BackupError> {
    let named = |error| match error {
        BackupError::Store(source) | BackupError::Damaged { source, .. } => {
            BackupError::Damaged { path: from.to_owned(), source }
        }
        other => other,
    };
    let io = |source| BackupError::Io { path: part.to_owned(), source };
    std::fs::copy(from, part).map_err(io)?;
    let (conn, _) = checked(part).map_err(named)?;
    let site = meta::profile(&conn)?.site;
    if let Some(ours) = store::profile(data).or_else(|| store::profile_beside(data)) {
        if ours.site != site {
            return Err(BackupError::OtherSite { path: from.to_owned(), found: site.to_string() });
        }
        // It may have joined anew since: key and certificate lie beside the database.
        meta::set_profile(&conn, &ours)?;
    }
    // The same machine goes on: the hub need not take it for a copy.
    if let Some(tokens) = store::tokens(data) {
        meta::set_tokens(&conn, tokens)?;
    }
    conn.close().map_err(|(_, error)| StoreError::sqlite("closing the backup")(error))?;
    std::fs::File::open(part).and_then(|copy| copy.sync_all()).map_err(io)?;
    Ok(exchange::replace(data, part, now)?)
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let doing = "copying the database";
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(StoreError::sqlite(doing))?;
    let mut target = Connection::open(to).map_err(StoreError::sqlite(doing))?;
    let backup = Backup::new(&source, &mut target).map_err(StoreError::sqlite(doing))?;
    backup.run_to_completion(PAGES, Duration::ZERO, None).map_err(StoreError::sqlite(doing))?;
    Ok(())
}

/// Opens a copy and reads it back whole.
fn checked(path: &Path) -> Result<(Connection, u64), BackupError> {
    let damaged = |source| BackupError::Damaged { path: path.to_owned(), source };
    let open = || {
        let conn = Connection::open(path).map_err(StoreError::sqlite("opening the backup"))?;
        let conn = prepare(conn, path, &MIGRATIONS)?;
        // One file, whole by itself.
        conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(StoreError::sqlite("one file"))?;
        let found: String = conn
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(StoreError::sqlite("reading the backup through"))?;
        if found != "ok" {
            return Err(StoreError::corrupt(found));
        }
        meta::profile(&conn)?;
        let changes = verified(&conn)?;
        Ok((conn, changes))
    };
    open().map_err(damaged)
}

/// Verifies every document; the number of changes.
///
/// # Errors
/// With the first thing that does not hold.
pub fn verified(conn: &Connection) -> Result<u64, StoreError> {
    let mut changes = 0;
    for (name, _) in chains::documents(conn)? {
        let Some(row) = chains::document_row(conn, &name)? else { continue };
        let found = verify::verify(conn, Doc { row, name: &name })?;
        if let Some(problem) = found.problems.into_iter().next() {
            return Err(StoreError::corrupt(problem));
        }
        changes += found.changes;
    }
    Ok(changes)
}

fn part_of(to: &Path) -> Result<PathBuf, BackupError> {
    let Some(name) = to.file_name() else {
        let source = io::ErrorKind::InvalidInput.into();
        return Err(BackupError::Io { path: to.to_owned(), source });
    };
    let mut name = name.to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    discard(&part);
    Ok(part)
}

fn discard(part: &Path) {
    for side in ["", "-wal", "-shm", "-journal"] {
        let mut path = part.as_os_str().to_owned();
        path.push(side);
        drop(std::fs::remove_file(path));
    }
}
