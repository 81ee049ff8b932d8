//! Putting a backup in the database's place.
//!
//! The backup is copied into the data directory, brought to this version's layout, read back
//! whole, and begins a new epoch there, so that the sites send what it lacks. Only then does the
//! present database step aside. From the moment that the copy is called `hub.db.restored-…`, the
//! exchange happens: whoever opens the directory next, under its lock, ends one that was cut off.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use msap_shared::io::file;
use rusqlite::Connection;
use serde::Serialize;

use super::aside::BEFORE;
use super::make::{Part, beside, contents, is_of_database, open_to_write};
use super::{BackupError, Contents, OnProgress, shelf};
use crate::keys::{Keys, NotIntact, Witness, of_one_network};
use crate::store::{self, Store, StoreError, devices, journal, meta, network};
use crate::who::Who;

/// How a database is called that is whole and waits to take its place.
const RESTORED: &str = "hub.db.restored-";

/// Which keys a backup may be put beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Those of its own network.
    ItsKeys,
    /// Any: its own are lost for good, and every machine has to be invited again.
    OtherKeys,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup, as it was read back.
    #[serde(flatten)]
    pub contents: Contents,
    /// The epoch that begins with it.
    pub new_epoch: String,
    /// Where the database is that stood here before.
    pub set_aside: Option<PathBuf>,
}

/// Puts the database in `backup` in the place of the one in `data`. The caller holds the lock.
///
/// # Errors
/// When the backup is not whole or cannot be copied; the data directory is as it was before then.
pub fn restore(
    backup: &Path,
    data: &Path,
    (keys, beside_keys): (&Keys, Beside),
    on_progress: OnProgress<'_>,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    finish(data)?;
    if backup.is_dir() {
        return Err(BackupError::Directory(backup.into()));
    }
    if !backup.is_file() {
        return Err(BackupError::Missing(backup.into()));
    }
    let database = data.join(store::FILE_NAME);
    if is_of_database(&database, backup) {
        return Err(BackupError::Live(backup.into()));
    }
    let part = Part::take(&data.join("hub.db.restoring"))?;
    // A file that was copied by hand may come with its log.
    for side in ["", "-wal", "-journal"] {
        copy_file(&beside(backup, side), &beside(&part.path, side))?;
    }
    file::hand_over(&part.path).map_err(BackupError::io(&part.path))?;
    let (contents, conn) = taken_up(&part.path, on_progress).map_err(|error| error.of_file(backup))?;
    let (noted, present) = (network::keys(&conn)?, keys.identity());
    if beside_keys == Beside::ItsKeys {
        of_one_network((backup, &noted), (keys.dir(), &present)).map_err(BackupError::OtherNetwork)?;
    }
    let mut store = Store::over(conn, part.path.clone(), None, Box::new(rand::random::<[u8; 16]>))?;
    let revoked = match keys.revocations() {
        Ok(devices) => devices,
        Err(NotIntact::Damaged { readable, .. }) => readable,
        Err(NotIntact::Keys(error)) => return Err(error.into()),
    };
    store.act_for(Who::Operator);
    store.write(|conn, turn| {
        turn.begin_epoch()?;
        network::set_keys(conn, &present)?;
        let name = backup.file_name().unwrap_or_default().to_string_lossy();
        let detail = format!("epoch={} commit={}", contents.epoch, contents.commit);
        journal::record(conn, now, "backup.restore", &name, &detail)?;
        // The list beside the keys is younger than the backup.
        for device in &revoked {
            devices::revoke(conn, *device, "revoked after the backup")?;
        }
        Ok::<_, StoreError>(())
    })?;
    let witnessed = store.now();
    closed(store.into_connection())?;
    part.flush()?;
    part.keep(&data.join(format!("{RESTORED}{}", free_stamp(data, now))))?;
    let set_aside = finish(data)?;
    let witness = Witness { epoch: witnessed.epoch, mark: witnessed.mark, revocations: keys.revocation_count() };
    keys.write_witness(&witness)?;
    Ok(Restored { contents, new_epoch: witnessed.epoch.to_string(), set_aside })
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = match File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackupError::io(from)(error)),
    };
    let failed = BackupError::io(to);
    let mut target = OpenOptions::new().write(true).create(true).truncate(true).open(to).map_err(&failed)?;
    io::copy(&mut source, &mut target).map_err(&failed)?;
    Ok(())
}

/// The copy, brought to this version's layout and read back whole.
fn taken_up(path: &Path, on_progress: OnProgress<'_>) -> Result<(Contents, Connection), BackupError> {
    let conn = open_to_write(path)?;
    let layout = meta::layout(&conn)?;
    if layout == 0 {
        return Err(StoreError::corrupt("no layout of a hub").into());
    }
    let conn = store::brought_up(conn, path)?;
    Ok((contents(&conn, layout, on_progress)?, conn))
}

/// Everything into the one file.
fn closed(conn: Connection) -> Result<(), StoreError> {
    let failed = StoreError::sqlite("closing the restored database");
    conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(&failed)?;
    conn.close().map_err(|(_, error)| failed(error))
}

/// A stamp under which nothing was set aside yet.
fn free_stamp(data: &Path, now: Timestamp) -> String {
    let stamp = shelf::stamp(now);
    let is_free = |stamp: &String| !data.join(format!("{BEFORE}{stamp}")).exists();
    let numbered = (2..u32::MAX).map(|n| format!("{stamp}-{n}"));
    std::iter::once(stamp.clone()).chain(numbered).find(is_free).unwrap_or(stamp)
}

/// Ends an exchange that is under way: the present database steps aside with its log, and the
/// restored one takes its place. Nothing happens when there is none. Returns where the other one
/// is. The caller holds the lock.
///
/// # Errors
/// When the file system fails; called again, it goes on.
pub fn finish(data: &Path) -> Result<Option<PathBuf>, BackupError> {
    let mut set_aside = None;
    for entry in std::fs::read_dir(data).map_err(BackupError::io(data))? {
        let restored = entry.map_err(BackupError::io(data))?;
        let name = restored.file_name();
        let Some(stamp) = name.to_str().and_then(|name| name.strip_prefix(RESTORED)) else { continue };
        let (database, before) = (data.join(store::FILE_NAME), data.join(format!("{BEFORE}{stamp}")));
        // The log and the database it belongs to stay together, and none is left for the new one.
        for side in ["-wal", "-shm", ""] {
            let (from, to) = (beside(&database, side), beside(&before, side));
            match file::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BackupError::io(&from)(error)),
                _ => {}
            }
        }
        file::rename(&restored.path(), &database).map_err(BackupError::io(&database))?;
        tracing::info!(before = %before.display(), "a backup took the database's place");
        set_aside = before.exists().then_some(before);
    }
    Ok(set_aside)
}
