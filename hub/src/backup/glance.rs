//! A short look at a backup: is the file still what was put on the shelf?
//!
//! Called for the age of the last good backup. Each was read back whole when it was made; what
//! may have become of it since is that it was cut, emptied, overwritten or put on a bad disk. The
//! length that its own first page tells shows a cut one at the price of a hundred bytes; the
//! doctor has its pages read too, for a bounded time.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use msap_shared::io::store::sql;

use super::BackupError;
use crate::exit::with_causes;
use crate::store::{self, StoreError, meta};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_LEN: usize = 100;
/// How long pages are read.
const PAGES_TIME_MAX: Duration = Duration::from_secs(20);

/// Whether a file has the header of a database, and the length that this header tells.
///
/// # Errors
/// What is wrong with it.
pub fn header(path: &Path) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged { path: path.into(), what };
    let mut file = File::open(path).map_err(BackupError::io(path))?;
    let len = file.metadata().map_err(BackupError::io(path))?.len();
    let mut head = [0; HEADER_LEN];
    if file.read_exact(&mut head).is_err() {
        return Err(damaged(format!("{len} bytes")));
    }
    let number = |at: usize, len: usize| head[at..at + len].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    // 65,536 does not fit and is written as 1.
    let page = match number(16, 2) {
        1 => 65_536,
        page => page,
    };
    let told = page * number(28, 4);
    if !head.starts_with(MAGIC) || told != len {
        return Err(damaged(format!("{len} bytes, its header tells of {told}")));
    }
    Ok(())
}

/// The same, and its pages as far as they are read in time.
///
/// # Errors
/// What is wrong with it.
pub fn pages(path: &Path) -> Result<(), BackupError> {
    header(path)?;
    let read = || -> Result<Option<String>, StoreError> {
        let conn = store::reader(path)?;
        if meta::layout(&conn)? == 0 {
            return Err(StoreError::corrupt("no layout of a hub"));
        }
        store::limit_time(&conn, PAGES_TIME_MAX)?;
        sql::row(&conn, "reading the pages", "PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    let damaged = |what: String| BackupError::Damaged { path: path.into(), what };
    match read() {
        Ok(Some(found)) if found != "ok" => Err(damaged(found)),
        Err(error) if error.is_damage() => Err(damaged(with_causes(&error))),
        // Out of time: what was read is whole.
        Ok(_) | Err(_) => Ok(()),
    }
}
