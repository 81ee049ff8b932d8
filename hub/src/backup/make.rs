//! Making a backup, and reading one back.
//!
//! The copy is written beside its target under another name, flushed, and read back whole: its
//! pages, every change's hash, every chain, and the figures against a fold anew. Then it takes
//! its name.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use msap_shared::io::file;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::{BackupError, OnProgress, Progress, Stage};
use crate::store::check::{self, CheckReport};
use crate::store::{self, MIGRATIONS, StoreError, copy, meta};

/// Problems told of a file that is not whole.
const PROBLEMS_TOLD_MAX: usize = 3;
/// How the name of a file ends that is being made.
const PART: &str = ".part";
/// Nobody is still making a file that was last written this long ago.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// What to do with a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Leave it, and make no backup.
    Never,
    /// Replace it, once the new one is whole.
    Asked,
}

/// What a database holds, found by reading all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The epoch.
    pub epoch: String,
    /// The last commit.
    pub commit: u64,
    /// The version of its layout.
    pub layout: u32,
    /// Sites known.
    pub sites: u64,
    /// Devices known.
    pub devices: u64,
    /// Documents read back.
    pub documents: u64,
    /// Changes read back.
    pub changes: u64,
}

/// A backup, just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The file.
    pub file: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// What it holds.
    #[serde(flatten)]
    pub contents: Contents,
    /// Always: a file that does not read back whole is no backup.
    pub verified: bool,
    /// Never: a backup that is stolen must not be a network that is stolen.
    pub keys_included: bool,
}

/// Backs up the hub's database, whether a hub writes to it or not.
///
/// # Errors
/// When there is no whole copy; the target is as it was before then.
pub fn make(
    database: &Path,
    target: &Path,
    overwrite: Overwrite,
    on_progress: OnProgress<'_>,
) -> Result<Made, BackupError> {
    if !database.exists() {
        return Err(BackupError::Missing(database.into()));
    }
    may_be_written(database, target, overwrite)?;
    let part = Part::take(target)?;
    let reader = store::reader(database)?;
    copy::copy::<BackupError>(&reader, &part.path, &mut |done, total| {
        Ok(on_progress(Progress { stage: Stage::Copying, done, total })?)
    })?;
    drop(reader);
    let bytes = part.flush()?;
    let contents = verify(&part.path, on_progress).map_err(|error| match error {
        // It is the database that is damaged, not the copy of it.
        BackupError::Damaged { what, .. } => BackupError::Damaged { path: database.into(), what },
        error => error,
    })?;
    may_be_written(database, target, overwrite)?;
    part.keep(target)?;
    Ok(Made { file: target.into(), bytes, contents, verified: true, keys_included: false })
}

fn may_be_written(database: &Path, target: &Path, overwrite: Overwrite) -> Result<(), BackupError> {
    if target.file_name().is_none() || target.is_dir() {
        return Err(BackupError::NoName(target.into()));
    }
    if is_of_database(database, target) {
        return Err(BackupError::Live(target.into()));
    }
    if let Some(folder) = file::missing_directory(target) {
        return Err(BackupError::NoFolder(folder));
    }
    match overwrite {
        Overwrite::Never if target.symlink_metadata().is_ok() => Err(BackupError::Exists(target.into())),
        _ => Ok(()),
    }
}

/// Whether a path is the database or one of the files beside it.
pub(super) fn is_of_database(database: &Path, path: &Path) -> bool {
    let Ok(database) = database.canonicalize() else { return false };
    let path = path.canonicalize().unwrap_or_else(|_| {
        // Not there yet: its directory is.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        parent.canonicalize().unwrap_or_else(|_| parent.into()).join(path.file_name().unwrap_or_default())
    });
    path == database || ["-wal", "-shm"].iter().any(|side| path == beside(&database, side))
}

/// The path with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().into();
    name.push(suffix);
    name.into()
}

/// Reads a database file back whole.
///
/// # Errors
/// [`BackupError::Damaged`] or [`BackupError::Newer`] when it is not one, or not whole.
pub fn verify(path: &Path, on_progress: OnProgress<'_>) -> Result<Contents, BackupError> {
    let conn = open(path).map_err(|error| error.of_file(path))?;
    let layout = meta::layout(&conn).map_err(|error| BackupError::from(error).of_file(path))?;
    let known = MIGRATIONS.len();
    match usize::try_from(layout).unwrap_or(usize::MAX) {
        0 => return Err(BackupError::Damaged { path: path.into(), what: "no layout of a hub".to_owned() }),
        newer if newer > known => return Err(BackupError::Newer(path.into())),
        same if same == known => return contents(&conn, layout, on_progress).map_err(|error| error.of_file(path)),
        _ => {}
    }
    // Of an older version: a copy of it, brought up to date, shows whether this one can use it.
    let scratch = Part::take(&beside(path, ".check"))?;
    copy::copy::<StoreError>(&conn, &scratch.path, &mut |_, _| Ok(()))?;
    let current = store::brought_up(open_to_write(&scratch.path)?, &scratch.path)?;
    contents(&current, layout, on_progress).map_err(|error| error.of_file(path))
}

fn open(path: &Path) -> Result<Connection, BackupError> {
    if !path.exists() {
        return Err(BackupError::Missing(path.into()));
    }
    Ok(store::reader(path)?)
}

/// A connection to an existing file.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(StoreError::sqlite("opening the database"))
}

/// Reads everything that a connection sees, and what it amounts to.
pub(super) fn contents(conn: &Connection, layout: u32, on_progress: OnProgress<'_>) -> Result<Contents, BackupError> {
    let report = check::look::<BackupError>(conn, &mut |done, total| {
        Ok(on_progress(Progress { stage: Stage::Verifying, done, total })?)
    })?;
    let CheckReport { documents, changes, problems, registry, differences, .. } = report;
    let mut found = problems.iter().chain(&registry).chain(&differences).map(String::as_str).peekable();
    if let Some(first) = found.peek().copied() {
        let told: Vec<&str> = found.take(PROBLEMS_TOLD_MAX).collect();
        tracing::debug!(problem = first, "a database does not read back");
        return Err(StoreError::corrupt(told.join("; ")).into());
    }
    let epoch = meta::epoch(conn)?.ok_or_else(|| StoreError::corrupt("it has no epoch"))?;
    let commit = meta::last_mark(conn)?.map_or(0, |mark| mark.commit);
    let (sites, devices) = meta::sizes(conn)?;
    Ok(Contents { epoch: epoch.to_string(), commit, layout, sites, devices, documents, changes })
}

/// A file that is being made, and goes away unless it is kept.
///
/// Its name carries the process, since locks cannot be relied on where backups are put: network
/// file systems emulate them in ways that get into SQLite's own.
pub(super) struct Part {
    pub(super) path: PathBuf,
    kept: bool,
}

impl Part {
    /// Begins the file that is to be `target`, and clears away what cut-off attempts have left.
    pub(super) fn take(target: &Path) -> Result<Self, BackupError> {
        clear_away(target);
        let part = Self { path: beside(target, &format!(".{}{PART}", std::process::id())), kept: false };
        part.remove();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part.path);
        made.map_err(BackupError::io(&part.path))?;
        Ok(part)
    }

    /// Flushes it to the disk and tells its length.
    pub(super) fn flush(&self) -> Result<u64, BackupError> {
        let failed = BackupError::io(&self.path);
        let file = File::open(&self.path).map_err(&failed)?;
        file.sync_all().map_err(&failed)?;
        Ok(file.metadata().map_err(&failed)?.len())
    }

    /// Gives it its name.
    pub(super) fn keep(mut self, target: &Path) -> Result<(), BackupError> {
        file::rename(&self.path, target).map_err(BackupError::io(target))?;
        self.kept = true;
        Ok(())
    }

    fn remove(&self) {
        for side in ["", "-wal", "-shm", "-journal"] {
            removed(&beside(&self.path, side));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            self.remove();
        }
    }
}

/// Removes what other processes began for this target and have not touched for long.
fn clear_away(target: &Path) {
    let (Some(name), Some(parent)) = (target.file_name().and_then(|name| name.to_str()), target.parent()) else {
        return;
    };
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_part = entry.file_name().to_str().is_some_and(|found| found.starts_with(name) && found.ends_with(PART));
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|at| at.elapsed());
        if is_part && matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            removed(&entry.path());
        }
    }
}

fn removed(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a temporary file could not be removed");
        }
        _ => {}
    }
}
