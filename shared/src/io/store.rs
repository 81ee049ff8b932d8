//! What the two programs' databases have in common: how they are opened, how they fail, and the
//! tables of documents, chains and changes.
//!
//! Both keep changes raw, keyed by chain and sequence number, with the hash as a checked column:
//! keyed by the random hash, inserts cost ten times as much.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, Migrations};

use crate::chain::DecodeError;

pub mod chains;
pub mod facts;
pub mod registers;
pub mod sql;
pub mod verify;

/// Earlier versions can corrupt a database when its write-ahead log restarts.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How a store fails.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database.
    #[error("{path} does not exist")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A database by a later version of this program.
    #[error("{path} was written by a newer version of this program")]
    NewerSchema {
        /// The database.
        path: PathBuf,
    },
    /// The database contradicts itself, or is none.
    #[error("the database is damaged: {what}")]
    Corrupt {
        /// What does not hold.
        what: String,
    },
    /// SQLite failed.
    #[error("sqlite failed while {doing}: {source}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// How it failed.
        source: rusqlite::Error,
    },
    /// The layout could not be brought up to date.
    #[error("the database's layout could not be brought up to date")]
    Migration(#[source] rusqlite_migration::Error),
    /// The SQLite library is too old.
    #[error("this program is linked with SQLite {0}, which can lose data: it needs 3.51.3 or later")]
    OldSqlite(&'static str),
}

impl StoreError {
    /// Names what was being done when SQLite failed.
    pub fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { what: format!("sqlite reports it while {doing}: {source}") }
            }
            _ => Self::Sqlite { doing, source },
        }
    }

    /// A stored value that is not what this program writes.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// Whether the disk may take the same again later: no space, or a lock.
    pub fn is_passing(&self) -> bool {
        let Self::Sqlite { source, .. } = self else { return false };
        let code = source.sqlite_error_code();
        matches!(code, Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether there was no room on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(ErrorCode::DiskFull))
    }

    /// Whether the database is damaged or not for this version: exit 9.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::NewerSchema { .. } | Self::Corrupt { .. } | Self::OldSqlite(_))
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Corrupt { what: format!("a kept change does not read back: {error}") }
    }
}

/// Settings of the one connection that writes, and the layout of this version.
///
/// `migrations` is only ever appended to; each runs in a transaction of its own.
///
/// # Errors
/// When the database is damaged or newer.
pub fn prepare(mut conn: Connection, path: &Path, migrations: &[&'static str]) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::OldSqlite(rusqlite::version()));
    }
    // FULL: a commit that was answered survives a power cut; NORMAL loses some.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA busy_timeout = 2000;
         PRAGMA journal_size_limit = 8388608;
         PRAGMA trusted_schema = OFF;",
    )
    .map_err(StoreError::sqlite("preparing the connection"))?;
    conn.set_prepared_statement_cache_capacity(128);
    let migrations = Migrations::new(migrations.iter().map(|sql| M::up(sql)).collect());
    migrations.to_latest(&mut conn).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(_) => StoreError::NewerSchema { path: path.into() },
        rusqlite_migration::Error::RusqliteError { err, .. } => {
            StoreError::sqlite("bringing the layout up to date")(err)
        }
        other => StoreError::Migration(other),
    })?;
    Ok(conn)
}
