//! Backups made by the running hub, again and again.
//!
//! Started by the daemon. A failure is logged and tried again later; it never disturbs the rest
//! of the hub. When the last good backup was made is read from the shelf each time, so neither a
//! restart nor a clock that is put right makes it forget.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::shelf::Shelf;
use super::{BackupError, Made, Overwrite, Stopped, glance, make};
use crate::exit::with_causes;

/// The longest between two looks at the clock: it may be put right meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The most backups that are looked at for a whole one.
const LOOKS_MAX: usize = 20;
/// The bounds of the wait after a failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(3_600);

/// When and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Where backups go.
    pub dir: PathBuf,
    /// How often one is made.
    pub every: Duration,
    /// How many are kept.
    pub keep: usize,
}

/// How the last good backup stands against the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// The file, and how long ago it was made; `None` when there is none.
    pub last: Option<(PathBuf, Duration)>,
    /// Whether there is none, or twice the interval has passed.
    pub overdue: bool,
    /// Later ones that are not whole any more, and what is wrong with each.
    pub broken: Vec<(PathBuf, String)>,
}

/// How closely a backup is looked at before it counts.
type Look = fn(&Path) -> Result<(), BackupError>;

impl Schedule {
    /// The age of the last backup that still looks whole to `look`.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn age(&self, look: Look, now: Timestamp) -> std::io::Result<Age> {
        let (mut last, mut broken) = (None, Vec::new());
        for kept in Shelf::new(&self.dir).until(now)?.into_iter().rev().take(LOOKS_MAX) {
            match look(&kept.path) {
                Ok(()) => {
                    last = Some((kept.path, now.duration_since(kept.at).max(SignedDuration::ZERO).unsigned_abs()));
                    break;
                }
                Err(BackupError::Damaged { path, what }) => broken.push((path, what)),
                Err(error) => broken.push((kept.path, with_causes(&error))),
            }
        }
        let overdue = last.as_ref().is_none_or(|(_, age)| *age > self.every.saturating_mul(2));
        Ok(Age { last, overdue, broken })
    }

    /// Makes one now, and prunes.
    ///
    /// # Errors
    /// When no whole backup came of it, or an old one could not be removed.
    pub fn make(&self, database: &Path, now: Timestamp, stop: &CancellationToken) -> Result<Made, BackupError> {
        let shelf = Shelf::new(&self.dir);
        shelf.set_up().map_err(BackupError::io(&self.dir))?;
        let going_on = &mut |_| if stop.is_cancelled() { Err(Stopped) } else { Ok(()) };
        let made = make(database, &shelf.place(now), Overwrite::Never, going_on)?;
        shelf.prune(self.keep, &made.file).map_err(BackupError::io(&self.dir))?;
        Ok(made)
    }

    /// The wait after a failure.
    fn retry(&self) -> Duration {
        (self.every / 8).clamp(RETRY_MIN, RETRY_MAX)
    }
}

/// Makes backups of `database` until `stop`.
pub async fn keep_backing_up(schedule: Schedule, database: PathBuf, stop: CancellationToken) {
    loop {
        let wait = match schedule.age(glance::header, Timestamp::now()) {
            Ok(Age { last: Some((_, age)), .. }) if age < schedule.every => schedule.every - age,
            Ok(_) | Err(_) => match once(&schedule, &database, &stop).await {
                true => schedule.every,
                false => schedule.retry(),
            },
        };
        tokio::select! {
            () = tokio::time::sleep(wait.min(LOOK_EVERY.max(schedule.retry()))) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Makes one; tells of it in the log.
async fn once(schedule: &Schedule, database: &Path, stop: &CancellationToken) -> bool {
    let (making, database, stopping) = (schedule.clone(), database.to_owned(), stop.clone());
    let made = tokio::task::spawn_blocking(move || making.make(&database, Timestamp::now(), &stopping)).await;
    let error = match made {
        Ok(Ok(made)) => {
            info!(file = %made.file.display(), bytes = made.bytes, changes = made.contents.changes, "backed up the database");
            return true;
        }
        Ok(Err(BackupError::Stopped(_))) => return false,
        Ok(Err(error)) => with_causes(&error),
        Err(error) => error.to_string(),
    };
    error!(error, dir = %schedule.dir.display(), "no backup could be made: it is tried again later");
    match schedule.age(glance::header, Timestamp::now()) {
        Ok(Age { overdue: true, last, .. }) => {
            let age_s = last.map(|(_, age)| age.as_secs());
            warn!(age_s, dir = %schedule.dir.display(), "the last good backup is older than twice the interval");
        }
        Ok(_) => {}
        Err(error) => warn!(%error, dir = %schedule.dir.display(), "the directory of backups cannot be read"),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FILE_NAME, Store};

    #[test]
    fn the_age_is_that_of_the_files_whatever_restarted() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join(FILE_NAME);
        drop(Store::open(dir.path(), None, Box::new(|| [1; 16])).unwrap());
        let schedule = Schedule { dir: dir.path().join("sauvegardes"), every: Duration::from_secs(86_400), keep: 2 };
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let none = Age { last: None, overdue: true, broken: Vec::new() };
        assert_eq!(schedule.age(glance::pages, now).unwrap(), none);
        let stop = CancellationToken::new();
        let made = schedule.make(&database, now, &stop).unwrap();
        let later = |hours| now + SignedDuration::from_hours(hours);
        let age = schedule.age(glance::pages, later(48)).unwrap();
        let last = Some((made.file, Duration::from_secs(48 * 3_600)));
        assert_eq!(age, Age { last: last.clone(), overdue: false, broken: Vec::new() });
        assert!(schedule.age(glance::pages, later(49)).unwrap().overdue);
        // Emptied or cut later on, a file is no backup: the one before it tells the age.
        let cut = schedule.make(&database, later(1), &stop).unwrap().file;
        let whole = std::fs::read(&cut).unwrap();
        for len in [0, 50, 4_096, whole.len() - 1] {
            std::fs::write(&cut, &whole[..len]).unwrap();
            for look in [glance::header as Look, glance::pages] {
                let age = schedule.age(look, later(48)).unwrap();
                assert_eq!((&age.last, age.broken.len()), (&last, 1), "{len}: {age:?}");
            }
        }
        // Of the right length, with a page that is none.
        let mut spoilt = whole.clone();
        spoilt[4_096..4_196].fill(0x5a);
        std::fs::write(&cut, spoilt).unwrap();
        assert_eq!(schedule.age(glance::pages, later(48)).unwrap().last, last);
        std::fs::remove_file(&cut).unwrap();
        for hours in [24, 48, 72] {
            schedule.make(&database, later(hours), &stop).unwrap();
        }
        assert_eq!(Shelf::new(&schedule.dir).list().unwrap().len(), 2);
        stop.cancel();
        assert!(matches!(schedule.make(&database, later(96), &stop), Err(BackupError::Stopped(_))));
        assert_eq!(std::fs::read_dir(&schedule.dir).unwrap().count(), 2);
    }
}
