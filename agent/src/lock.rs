//! One agent per data directory: the lock that the running one holds.
//!
//! The system lets go of it when the process ends, however it ends, so that it never goes stale
//! as a file with a process id would.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::exchange;
use crate::store::unclosed::Look;

/// The file that is locked, in the data directory.
pub const LOCK_FILE: &str = "lock";

/// Longest wait for the lock: commands that look whether an agent runs hold it for an instant.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// The data directory is this process's own until the value is dropped.
#[derive(Debug)]
pub struct Held {
    /// Dropped first: whoever holds the directory has closed its database by then.
    look: Look,
    _file: File,
}

impl Held {
    /// Whether the database's log was lost before.
    pub fn is_log_lost(&self) -> bool {
        self.look.is_log_lost()
    }
}

/// Why the data directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent runs on it; exit 5.
    #[error("another agent runs on this data directory")]
    Taken,
    /// The file cannot be written or locked.
    #[error("the lock file cannot be used")]
    Io(#[from] io::Error),
}

/// Takes the data directory, and ends an exchange of databases that was cut off in it.
///
/// # Errors
/// [`LockError::Taken`] when another process holds it.
pub fn hold(data: &Path) -> Result<Held, LockError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(data.join(LOCK_FILE))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => {
                exchange::finish(data).map_err(|error| io::Error::new(error.source.kind(), error))?;
                return Ok(Held { look: Look::at(data), _file: file });
            }
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Err(LockError::Taken),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Whether an agent holds the data directory now.
pub fn is_held(data: &Path) -> bool {
    match File::open(data.join(LOCK_FILE)) {
        // Shared, so that commands at the same moment do not see each other; dropped at once.
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        // Somebody else's file: its address answers, if the agent runs.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_holder_at_a_time() {
        let data = tempfile::tempdir().unwrap();
        assert!(!is_held(data.path()));
        let held = hold(data.path()).unwrap();
        assert!(is_held(data.path()));
        assert!(matches!(hold(data.path()), Err(LockError::Taken)));
        drop(held);
        assert!(!is_held(data.path()));
        assert!(hold(data.path()).is_ok());
    }
}
