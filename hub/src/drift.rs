//! The whole database is read back every night, and when somebody asks: pages, changes, seals, and the
//! views against what the changes amount to.
//!
//! Started by the daemon. A check only reads, on a connection of its own, so the writer never waits for
//! it. What it found is kept with its time, and is an alert when it is anything: in the log, in `doctor`,
//! at the head of the fleet, as `msap_hub_drift`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use msap_shared::time::Day;
use rusqlite::Connection;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::ask::hub_zone;
use crate::exit::with_causes;
use crate::service::{Handle, Stopping};
use crate::store::check::{self, CheckReport};
use crate::store::check_runs::{self, CheckRun};
use crate::store::{self, StoreError};

/// The longest between two looks at the clock: it may be put right meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Wait after a check that could not be made.
const RETRY: Duration = Duration::from_secs(3_600);
/// How long the hour is: hubs, and whatever else runs at the full hour, do not march in step.
const SPREAD_S: u16 = 3_600;
/// Instructions of SQLite between two looks whether the hub stops.
const STEPS: i32 = 100_000;
/// Findings that are logged.
const LOGGED_MAX: usize = 5;

/// The hour of the hub's own clock in which the database is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nightly {
    hour: i8,
}

impl Nightly {
    /// Each day in this hour; `None` when no clock shows it.
    pub fn at(hour: i8) -> Option<Self> {
        (0..=23).contains(&hour).then_some(Self { hour })
    }

    /// The last moment until `now` at which a check was due. `offset` is the moment within the hour.
    fn due(self, now: Timestamp, offset: Duration) -> Option<Timestamp> {
        let (zone, offset) = (hub_zone(), SignedDuration::try_from(offset).ok()?);
        let today = Day::at(now, &zone);
        let at = |day: Day| zone.instant(day.date().at(self.hour, 0, 0, 0))?.checked_add(offset).ok();
        [today, today.plus_days(-1)].into_iter().filter_map(at).find(|due| *due <= now)
    }

    /// Whether a check is due that was not made: the last one, or else the moment from which one is
    /// awaited, was before. What a wrong clock has dated ahead says nothing.
    fn is_missed(self, now: Timestamp, offset: Duration, last: Option<Timestamp>) -> bool {
        let last = last.filter(|last| *last <= now).unwrap_or(Timestamp::MIN);
        self.due(now, offset).is_some_and(|due| last < due)
    }
}

/// The same moment of the hour each day, another one for each network.
pub fn offset(seed: [u8; 16]) -> Duration {
    let [a, b, ..] = seed;
    Duration::from_secs((u16::from_be_bytes([a, b]) % SPREAD_S).into())
}

/// Why a check says nothing.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hub stops.
    #[error(transparent)]
    Stopping(#[from] Stopping),
}

/// Checks the database of a running hub, one check at a time.
#[derive(Clone)]
pub struct Checker {
    handle: Handle,
    database: Arc<Path>,
    stop: CancellationToken,
    one: Arc<Mutex<()>>,
}

impl Checker {
    /// Of the hub behind this handle, until `stop`.
    pub fn new(handle: Handle, database: &Path, stop: CancellationToken) -> Self {
        Self { handle, database: database.into(), stop, one: Arc::default() }
    }

    /// Reads everything back and keeps what was found; tells of it in the log.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn check(&self) -> Result<CheckReport, CheckError> {
        let _one = self.one.lock().await;
        let began = Timestamp::now();
        let (database, stop) = (self.database.clone(), self.stop.clone());
        let looked = tokio::task::spawn_blocking(move || look(&database, stop)).await;
        let looked = looked.unwrap_or_else(|_| Err(StoreError::corrupt("the check panicked").into()));
        let report = looked.inspect_err(|error| match error {
            CheckError::Store(error) => error!(error = with_causes(error), "the database could not be checked"),
            CheckError::Stopping(_) => {}
        })?;
        let times = (began, Timestamp::now());
        tell(&report, times);
        let found = report.clone();
        self.handle.manage(move |core, _| core.checked(&found, times)).await?;
        Ok(report)
    }
}

/// The reading itself, which ends early when the hub stops.
fn look(database: &Path, stop: CancellationToken) -> Result<CheckReport, CheckError> {
    let conn = store::reader(database)?;
    let stopping = stop.clone();
    conn.progress_handler(STEPS, Some(move || stopping.is_cancelled()))
        .map_err(StoreError::sqlite("beginning a check"))?;
    let going_on = &mut |_, _| if stop.is_cancelled() { Err(Stopping.into()) } else { Ok(()) };
    check::look(&conn, going_on).map_err(|error| if stop.is_cancelled() { Stopping.into() } else { error })
}

fn tell(report: &CheckReport, (began, ended): (Timestamp, Timestamp)) {
    let CheckReport { documents, changes, problems, registry, differences, .. } = report;
    let took_s = ended.duration_since(began).as_secs();
    if CheckRun::of(report, (began, ended)).drift() == 0 {
        return info!(documents, changes, took_s, "checked the whole database: it is what was written");
    }
    for found in problems.iter().chain(registry).chain(differences).take(LOGGED_MAX) {
        error!(found, "a check found");
    }
    let (problems, registry, differences) = (problems.len(), registry.len(), differences.len());
    error!(problems, registry, differences, "the database is not what was written: run msap-hub doctor");
}

/// Checks every night until the hub stops. A night that the hub was not there for is made up for as soon as it is: also
/// the first one after it was first served, or it would never begin with a hub that runs by day only.
pub async fn keep_checking(
    checker: Checker,
    nightly: Nightly,
    offset: Duration,
    clock: impl Fn() -> Timestamp + Send + 'static,
) {
    let (since, mut wait) = (clock(), Duration::ZERO);
    // A check that finds no room to be kept is not made again until the next night.
    let mut tried = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = checker.stop.cancelled() => return,
        }
        wait = LOOK_EVERY;
        let last = match checker.handle.look_up(last_or_awaited).await {
            Ok(last) => last.unwrap_or(since),
            Err(error) => {
                error!(error = with_causes(&error), "when the database was last checked cannot be read");
                wait = RETRY;
                continue;
            }
        };
        let now = clock();
        if [Some(last), tried].into_iter().all(|last| nightly.is_missed(now, offset, last)) {
            match checker.check().await {
                Ok(_) => tried = Some(now),
                Err(_) => wait = RETRY,
            }
        }
    }
}

/// When the database was last checked, or else from when on a check is awaited.
fn last_or_awaited(conn: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let last = check_runs::last(conn)?.map(|run| run.at);
    let from = if last.is_some() { last } else { check_runs::awaited_from(conn)? };
    Ok(from.and_then(|from| Timestamp::from_second(from).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_check_is_due_once_a_day_by_the_hubs_own_clock() {
        let nightly = Nightly::at(3).unwrap();
        let offset = Duration::from_secs(25 * 60);
        for (now, due) in [
            ("2026-11-20T02:24:59Z", "2026-11-19T02:25:00Z"),
            ("2026-11-20T02:25:00Z", "2026-11-20T02:25:00Z"),
            ("2026-11-20T23:59:59Z", "2026-11-20T02:25:00Z"),
            ("2026-07-20T02:00:00Z", "2026-07-20T01:25:00Z"),
            // The clock leaps over 02:00 to 03:00, and back.
            ("2026-03-29T12:00:00Z", "2026-03-29T01:25:00Z"),
            ("2026-10-25T12:00:00Z", "2026-10-25T02:25:00Z"),
        ] {
            assert_eq!(nightly.due(at(now), offset), Some(at(due)), "{now}");
        }
        // Last checked, or first served: until the next night nothing is missed, then it is.
        for (last, now, missed) in [
            ("2026-11-20T02:25:00Z", "2026-11-21T02:24:59Z", false),
            ("2026-11-20T10:00:00Z", "2026-11-20T18:00:00Z", false),
            ("2026-11-20T10:00:00Z", "2026-11-21T08:00:00Z", true),
            ("2031-01-01T00:00:00Z", "2026-11-21T08:00:00Z", true),
        ] {
            assert_eq!(nightly.is_missed(at(now), offset, Some(at(last))), missed, "{last} {now}");
        }
        let two = Nightly::at(2).unwrap();
        assert_eq!(two.due(at("2026-03-29T12:00:00Z"), Duration::ZERO), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!((Nightly::at(24), Nightly::at(-1)), (None, None));
        assert!((0..=u8::MAX).all(|n| super::offset([n; 16]) < Duration::from_secs(3_600)));
    }
}
