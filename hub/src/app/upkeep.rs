//! `backup` and `restore`: done by this process, beside a hub that runs or in its place.
//!
//! A backup only reads the database, which SQLite allows beside the writer; so the file lands
//! where whoever asks may write, and not only where the hub may.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::{alone, io_failure, written};
use crate::backup::restore::Beside;
use crate::backup::{self, BackupError, OnProgress, Overwrite, Progress, Stage, Stopped, restore};
use crate::cli::{Backup, Global, Restore};
use crate::client::{Lock, LockError};
use crate::exit::Failure;
use crate::keys::Keys;
use crate::lang::Lang;
use crate::{out, store};

/// Between two lines of progress.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// Another command may hold the lock for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// Backs the database up.
pub(super) fn backup(global: &Global, data: &Path, asked: &Backup) -> Result<(), Failure> {
    let lang = global.lang;
    let database = data.join(store::FILE_NAME);
    if !database.exists() {
        return Err(alone::no_hub(data, lang));
    }
    let overwrite = if asked.force { Overwrite::Asked } else { Overwrite::Never };
    let made = with_progress(lang, |show| backup::make(&database, &asked.file, overwrite, show));
    let made = made.map_err(|error| error.failure(lang))?;
    let told = lang.of(
        "sauvegarde relue en entier ; les clés n’y sont pas : sauvegardez-les à part",
        "backup read back whole; the keys are not in it: back them up apart",
    );
    tell(&made, told, global.json)
}

/// Puts a backup back.
pub(super) fn restore(global: &Global, data: &Path, keys: &Path, asked: &Restore) -> Result<(), Failure> {
    let lang = global.lang;
    if !data.is_dir() {
        return Err(alone::no_hub(data, lang));
    }
    let restored = locked(data).and_then(|_lock| {
        // A database without its keys would be of no use.
        let keys = Keys::open_or_create(keys, true)?;
        let beside = if asked.other_keys { Beside::OtherKeys } else { Beside::ItsKeys };
        with_progress(lang, |show| restore::restore(&asked.file, data, (&keys, beside), show, Timestamp::now()))
    });
    let restored = restored.map_err(|error| error.failure(lang))?;
    let told = lang.of(
        "sauvegarde remise en place : démarrez le hub, les postes renverront ce qui lui manque",
        "the backup is in place: start the hub, the sites will send what it lacks",
    );
    tell(&restored, told, global.json)
}

fn locked(data: &Path) -> Result<Lock, BackupError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Lock::take(data) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Taken(_)) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            Err(LockError::Taken(path)) => return Err(BackupError::Serving(path)),
            Err(LockError::Io { path, source }) => return Err(BackupError::io(&path)(source)),
        }
    }
}

fn tell(done: &impl Serialize, told: &str, json: bool) -> Result<(), Failure> {
    if json {
        return written(out::json(done));
    }
    let value = serde_json::to_value(done).map_err(|error| io_failure(&error.into()))?;
    written(crate::cli::show::one(&value))?;
    eprintln!("{told}");
    Ok(())
}

/// Does something long with a line of progress, if somebody sits at a terminal.
fn with_progress<T>(lang: Lang, work: impl FnOnce(OnProgress<'_>) -> T) -> T {
    let terminal = std::io::stderr().is_terminal();
    let mut shown: Option<Instant> = None;
    let done = work(&mut |progress: Progress| {
        if terminal && shown.is_none_or(|at| at.elapsed() >= SHOW_EVERY) {
            shown = Some(Instant::now());
            let stage = match progress.stage {
                Stage::Copying => lang.of("copie", "copying"),
                Stage::Verifying => lang.of("relecture", "reading back"),
            };
            let percent = progress.done * 100 / progress.total.max(1);
            eprint!("\r\u{1b}[K{stage} : {percent} %");
        }
        Ok::<_, Stopped>(())
    });
    if shown.is_some() {
        eprint!("\r\u{1b}[K");
    }
    done
}
