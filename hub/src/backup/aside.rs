//! The databases whose place a restored one took, `hub.db.before-20261122T031500Z`.
//!
//! Made by `restore`, told by the doctor, pruned by a hub that has started: only then is it known
//! that the restored one serves. Nothing but names of ours is ever removed.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::make::beside;
use super::shelf;

/// How such a database is called, before its stamp.
pub(super) const BEFORE: &str = "hub.db.before-";
/// So many stay.
pub const KEEP: usize = 3;

/// All of them, oldest first.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(data: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|name| name.strip_prefix(BEFORE));
        found.extend(stamp.and_then(place).map(|place| (place, entry.path())));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Removes the oldest until [`KEEP`] are left, each with its log. How many went.
///
/// # Errors
/// When the directory cannot be read or a file not be removed.
pub fn prune(data: &Path) -> io::Result<usize> {
    let found = list(data)?;
    let spare = found.len().saturating_sub(KEEP);
    for path in &found[..spare] {
        // The database goes last: while it is there, the next start finds its log as well.
        for side in ["-wal", "-shm", ""] {
            match std::fs::remove_file(beside(path, side)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(spare)
}

/// Where a stamp stands in time: `20261122T031500Z`, or the second one of that moment with `-2`.
fn place(stamp: &str) -> Option<(Timestamp, u32)> {
    match stamp.split_once('-') {
        Some((moment, number)) => Some((shelf::moment(moment)?, number.parse().ok()?)),
        None => Some((shelf::moment(stamp)?, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_with_their_logs_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(format!("hub.db{name}"));
        let strangers =
            ["", "-wal", ".before-migration", ".before-20261301T090000Z", ".before-", ".restored-20200101T000000Z"];
        let ours = [
            ".before-20251231T235959Z",
            ".before-20261122T090000Z",
            ".before-20261122T090000Z-2",
            ".before-20261122T090000Z-10",
            ".before-20261123T000000Z",
        ];
        let logs = [".before-20251231T235959Z-wal", ".before-20261123T000000Z-wal"];
        for name in [&strangers[..], &ours, &logs].concat() {
            std::fs::write(path(name), "").unwrap();
        }
        assert_eq!(list(dir.path()).unwrap(), ours.map(path));
        assert_eq!(prune(dir.path()).unwrap(), 2);
        assert_eq!(list(dir.path()).unwrap(), [ours[2], ours[3], ours[4]].map(path));
        assert_eq!(prune(dir.path()).unwrap(), 0);
        assert!(!path(logs[0]).exists() && path(logs[1]).exists());
        assert!(strangers.iter().all(|name| path(name).exists()));
    }
}
