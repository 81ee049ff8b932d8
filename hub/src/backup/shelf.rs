//! The directory of scheduled backups.
//!
//! A file's name tells when it was made, `hub-20261122T031500Z.db`, and that it was read back
//! whole: no other file ever gets such a name here. So the age of the last good backup is known
//! after any restart, and nothing but a backup is ever pruned.

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

const FORM: &str = "%Y%m%dT%H%M%SZ";
const BEFORE: &str = "hub-";
const AFTER: &str = ".db";
/// A clock that is put right by more than this leaves files from the future behind.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

/// A moment, as names tell it.
pub fn stamp(at: Timestamp) -> String {
    at.strftime(FORM).to_string()
}

/// One backup of the shelf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// When it was made.
    pub at: Timestamp,
    /// The file.
    pub path: PathBuf,
}

/// A directory of backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// The shelf in this directory, which need not be there yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the directory if it is missing; not those above it: a disk that is not mounted must
    /// not be taken for one.
    ///
    /// # Errors
    /// As the file system says.
    pub fn set_up(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        match std::fs::DirBuilder::new().mode(0o700).create(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Where a backup made now goes.
    pub fn place(&self, now: Timestamp) -> PathBuf {
        self.dir.join(format!("{BEFORE}{}{AFTER}", stamp(now)))
    }

    /// All backups, oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let at = entry.file_name().to_str().and_then(made_at);
            kept.extend(at.filter(|_| entry.path().is_file()).map(|at| Kept { at, path: entry.path() }));
        }
        kept.sort();
        Ok(kept)
    }

    /// The backups made until now, oldest first. One that a wrong clock dated in the future says
    /// nothing of its age.
    ///
    /// # Errors
    /// When the directory cannot be read; one that is not there holds none.
    pub fn until(&self, now: Timestamp) -> io::Result<Vec<Kept>> {
        let mut kept = match self.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            kept => kept?,
        };
        kept.retain(|kept| kept.at <= now + CLOCK_SLACK);
        Ok(kept)
    }

    /// Removes the oldest backups until `keep` are left; never `made`, which was just verified.
    ///
    /// # Errors
    /// When the directory cannot be read or a file not be removed.
    pub fn prune(&self, keep: usize, made: &Path) -> io::Result<usize> {
        let kept = self.list()?;
        let spare = kept.len().saturating_sub(keep);
        let oldest = kept.iter().filter(|kept| kept.path != made).take(spare);
        let mut removed = 0;
        for kept in oldest {
            std::fs::remove_file(&kept.path)?;
            removed += 1;
        }
        Ok(removed)
    }
}

fn made_at(name: &str) -> Option<Timestamp> {
    let text = name.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let at = DateTime::strptime(FORM, text).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // Nothing that only resembles a name of ours.
    (stamp(at) == text).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_its_own_files_are_pruned_oldest_first_and_never_the_one_just_made() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(&dir.path().join("sauvegardes"));
        let now = at("2026-11-22T09:00:00Z");
        assert_eq!(shelf.until(now).unwrap(), []);
        shelf.set_up().unwrap();
        shelf.set_up().unwrap();
        let strangers = [
            "hub.db",
            "hub-avant.db",
            "hub-20261122T0900Z.db",
            "hub-20261301T090000Z.db",
            "hub-20261122T090000Z.db.part",
        ];
        for name in strangers {
            std::fs::write(shelf.dir().join(name), "not ours").unwrap();
        }
        std::fs::create_dir(shelf.place(at("2020-01-01T00:00:00Z"))).unwrap();
        let days = ["2026-11-19T09:00:00Z", "2026-11-20T09:00:00Z", "2026-11-21T09:00:00Z", "2031-01-01T00:00:00Z"];
        for day in days {
            std::fs::write(shelf.place(at(day)), "").unwrap();
        }
        assert_eq!(shelf.until(now).unwrap().last().unwrap().at, at(days[2]));
        assert_eq!(shelf.list().unwrap().len(), 4);

        let made = shelf.place(now);
        std::fs::write(&made, "").unwrap();
        assert_eq!(shelf.prune(5, &made).unwrap(), 0);
        assert_eq!(shelf.prune(3, &made).unwrap(), 2);
        assert_eq!(shelf.prune(1, &made).unwrap(), 2);
        assert_eq!(shelf.list().unwrap(), [Kept { at: now, path: made }]);
        for name in strangers {
            assert!(shelf.dir().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_directory_above_that_is_missing_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Shelf::new(&dir.path().join("mnt/sauvegardes")).set_up().is_err());
    }
}
