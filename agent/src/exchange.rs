//! One database takes another's place, and a power cut loses neither.
//!
//! Called by `restore` and `doctor --repair`, under the agent's lock. A database that is whole is
//! first called `agent.db.restored-…`; from then on the exchange happens: whoever takes the
//! directory next ends one that was cut off. What stood there before is moved aside and never
//! deleted.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use msap_shared::io::file;

use crate::store::{FILE_NAME, unclosed};

/// How a database is called that is whole and waits to take its place.
const RESTORED: &str = "agent.db.restored-";
/// How the one is called whose place was taken.
const ASIDE: &str = "agent.db.damaged-";
/// The side files of a database. The log comes first: beside another database it would be taken
/// for its own.
pub const SIDES: [&str; 2] = ["-wal", "-shm"];

/// A file that cannot be renamed.
#[derive(Debug, thiserror::Error)]
#[error("{path}")]
pub struct ExchangeError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// The file beside a database.
pub fn with(path: &Path, side: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(side);
    name.into()
}

/// Puts the database in `part`, closed and flushed, in the place of the one of `dir`. Returns
/// where that one is now.
///
/// # Errors
/// When a file cannot be renamed; the next who takes the directory goes on from there.
pub fn replace(dir: &Path, part: &Path, now: Timestamp) -> Result<PathBuf, ExchangeError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let is_free = |stamp: &String| ![ASIDE, RESTORED].iter().any(|name| dir.join(format!("{name}{stamp}")).exists());
    let stamp = (1..u32::MAX).map(|n| format!("{stamp}-{n}")).find(is_free).unwrap_or_else(|| stamp.to_string());
    rename(part, &dir.join(format!("{RESTORED}{stamp}")))?;
    finish(dir)?;
    Ok(dir.join(format!("{ASIDE}{stamp}")))
}

/// Whether an exchange was cut off.
pub fn is_under_way(dir: &Path) -> bool {
    waiting(dir).is_some()
}

/// Ends an exchange that was cut off, if there is one.
///
/// # Errors
/// When a file cannot be renamed; called again, it goes on.
pub fn finish(dir: &Path) -> Result<(), ExchangeError> {
    while let Some((restored, stamp)) = waiting(dir) {
        let (path, aside) = (dir.join(FILE_NAME), dir.join(format!("{ASIDE}{stamp}")));
        for side in SIDES.iter().chain([&""]) {
            let from = with(&path, side);
            if from.exists() {
                rename(&from, &with(&aside, side))?;
            }
        }
        rename(&restored, &path)?;
        // The log that the note speaks of went aside.
        unclosed::closed(dir);
    }
    Ok(())
}

fn waiting(dir: &Path) -> Option<(PathBuf, String)> {
    let mut entries = std::fs::read_dir(dir).ok()?.flatten();
    entries.find_map(|entry| {
        let stamp = entry.file_name().to_str()?.strip_prefix(RESTORED)?.to_owned();
        Some((entry.path(), stamp))
    })
}

fn rename(from: &Path, to: &Path) -> Result<(), ExchangeError> {
    file::rename(from, to).map_err(|source| ExchangeError { path: from.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
    }

    fn texts(dir: &Path) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        let mut texts: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
            .collect();
        texts.sort();
        texts
    }

    #[test]
    fn an_exchange_cut_off_anywhere_is_ended_by_whoever_comes_next() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let whole = tempfile::tempdir().unwrap();
        let before = [("agent.db", "old"), ("agent.db-wal", "old log"), ("agent.db.part", "new")];
        holding(whole.path(), &before);
        let aside = replace(whole.path(), &whole.path().join("agent.db.part"), now).unwrap();
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "old");
        let done = texts(whole.path());
        assert_eq!(done.len(), 3, "{done:?}");
        assert_eq!(done[0], ("agent.db".to_owned(), "new".to_owned()));

        let (restored, aside) = ("agent.db.restored-20261122T100000Z-1", "agent.db.damaged-20261122T100000Z-1");
        let log = format!("{aside}-wal");
        for cut in [
            vec![("agent.db", "old"), ("agent.db-wal", "old log"), (restored, "new")],
            vec![("agent.db", "old"), (&*log, "old log"), (restored, "new")],
            vec![(aside, "old"), (&*log, "old log"), (restored, "new")],
        ] {
            let dir = tempfile::tempdir().unwrap();
            holding(dir.path(), &cut);
            assert!(is_under_way(dir.path()));
            finish(dir.path()).unwrap();
            assert_eq!(texts(dir.path()), done);
            assert!(!is_under_way(dir.path()));
            finish(dir.path()).unwrap();
            assert_eq!(texts(dir.path()), done);
        }
    }

    #[test]
    fn a_copy_that_was_not_whole_yet_takes_no_place() {
        let dir = tempfile::tempdir().unwrap();
        holding(dir.path(), &[("agent.db", "old"), ("agent.db.part", "ne")]);
        finish(dir.path()).unwrap();
        assert_eq!(texts(dir.path()).len(), 2);
        assert_eq!(std::fs::read_to_string(dir.path().join("agent.db")).unwrap(), "old");
    }

    #[test]
    fn nothing_set_aside_is_ever_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        for text in ["first", "second", "third"] {
            holding(dir.path(), &[("agent.db.part", text)]);
            replace(dir.path(), &dir.path().join("agent.db.part"), now).unwrap();
        }
        let kept: Vec<String> = texts(dir.path()).into_iter().map(|(_, text)| text).collect();
        assert_eq!(kept, ["third", "first", "second"]);
    }
}
