//! Whether the database was closed, and what is missing when it was not.
//!
//! SQLite removes the log `agent.db-wal` when it closes a database, after carrying it over. A
//! machine that lost its power leaves the log, and with it the last taps. A file beside the
//! database says that it is open: where that file is and the log is not, the log was lost, and
//! that is told. Without it, it would look like an older image of the disk.
//!
//! Called by whoever opens the database to write. A look that closes it again clears the note.

use std::path::{Path, PathBuf};

use super::FILE_NAME;

/// Says that the database is open, or was never closed.
const NOTE: &str = "agent.db.open";
const OPEN: &[u8] = b"open\n";
/// Somebody looked after the log was lost: a look makes another, empty one.
const LOST: &[u8] = b"lost\n";

fn log(dir: &Path) -> PathBuf {
    dir.join(format!("{FILE_NAME}-wal"))
}

/// Whether the database was left open and its log is gone. To be asked before it is opened.
pub fn is_log_lost(dir: &Path) -> bool {
    let Ok(note) = std::fs::read(dir.join(NOTE)) else { return false };
    note == LOST || dir.join(FILE_NAME).exists() && !log(dir).exists()
}

/// Notes that the database is open. A disk that is full keeps no note: then nothing is told.
pub fn opened(dir: &Path) {
    if log(dir).exists()
        && let Err(error) = std::fs::write(dir.join(NOTE), OPEN)
    {
        tracing::info!(%error, "a loss of the log would not be noticed");
    }
}

/// Notes that the database is being closed, or was replaced.
pub fn closed(dir: &Path) {
    drop(std::fs::remove_file(dir.join(NOTE)));
}

/// A use of the database that ends by closing it. It clears the note when it is dropped, if the
/// log was there to be carried over.
#[derive(Debug)]
pub struct Look {
    dir: PathBuf,
    lost: bool,
}

impl Look {
    /// Begins, before the database is opened.
    pub fn at(dir: &Path) -> Self {
        let lost = is_log_lost(dir);
        if lost {
            // Where this cannot be kept, the agent may miss it at its next start.
            drop(std::fs::write(dir.join(NOTE), LOST));
        }
        Self { dir: dir.into(), lost }
    }

    /// Whether the log was lost before.
    pub fn is_log_lost(&self) -> bool {
        self.lost
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // With the log still there, an agent has it open.
        if !self.lost && !log(&self.dir).exists() {
            closed(&self.dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_gone_from_an_open_database_is_lost_and_a_look_that_closes_it_is_no_loss() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        assert!(!is_log_lost(dir.path()));
        std::fs::write(path(FILE_NAME), "").unwrap();
        opened(dir.path());
        assert!(!path(NOTE).exists(), "a database that has no log has nothing to lose");
        std::fs::write(path("agent.db-wal"), "").unwrap();
        opened(dir.path());
        assert!(path(NOTE).exists() && !is_log_lost(dir.path()));

        drop(Look::at(dir.path()));
        assert!(path(NOTE).exists(), "an agent has it open");
        let look = Look::at(dir.path());
        std::fs::remove_file(path("agent.db-wal")).unwrap();
        drop(look);
        assert!(!path(NOTE).exists() && !is_log_lost(dir.path()), "it was carried over and closed");

        std::fs::write(path(NOTE), "").unwrap();
        for _ in 0..2 {
            let look = Look::at(dir.path());
            assert!(look.is_log_lost(), "told until the agent has taken note");
            std::fs::write(path("agent.db-wal"), "").unwrap();
        }
        opened(dir.path());
        assert!(!is_log_lost(dir.path()), "the agent has taken note");
        std::fs::remove_file(path("agent.db-wal")).unwrap();
        closed(dir.path());
        assert!(!is_log_lost(dir.path()));
    }
}
