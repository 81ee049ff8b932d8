//! Leaving nothing behind, also when somebody ends the program before its time.
//!
//! A signal runs no destructor: without this a thousand databases would stay in memory, and the
//! hub would run on.

use std::io::{self, Write as _};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// How long a hub outlives whoever started it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const ATTEMPTS: usize = 20;

/// On SIGINT or SIGTERM removes these directories and ends the program.
pub(super) async fn clean_up(directories: [PathBuf; 2]) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    for directory in directories {
        if let Err(error) = remove(&directory) {
            drop(writeln!(std::io::stderr(), "fleet : {} : {error}", directory.display()));
        }
    }
    std::process::exit(1);
}

/// Removes a directory in which somebody may still be writing: what comes between listing and
/// removing is removed next time.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    let mut removed = Ok(());
    for _ in 0..ATTEMPTS {
        removed = std::fs::remove_dir_all(directory);
        match &removed {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => break,
        }
    }
    removed
}

/// Ends this process soon after the one that started it, however that one ended.
pub(super) fn end_with_the_parent() {
    let parent = parent_id();
    std::thread::spawn(move || {
        while parent_id() == parent {
            std::thread::sleep(LOOK_EVERY);
        }
        std::process::exit(1);
    });
}
