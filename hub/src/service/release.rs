//! Releases the figures of periods that are over.
//!
//! Reckoned on a thread and from a connection of its own, so that neither the writer nor any reader waits for it; the
//! writer only keeps what comes out, in one transaction. When the hub stops, so does the reckoning, midway: nothing was
//! released then, and the next start begins with the same period.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Handle, Stopping};
use crate::almanac::Almanac;
use crate::privacy::{Release, Stopped};
use crate::release;
use crate::store::figures::FigureError;
use crate::store::releases::Note;
use crate::store::{self, StoreError, devices};

/// How often periods that are due are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The same while machines are listened to.
const LISTEN_EVERY: Duration = Duration::from_secs(10);

/// Instructions of SQLite between two looks whether the hub stops.
const STEPS: i32 = 100_000;

/// What came of a look.
enum Looked {
    /// A period was due, and is released.
    Released,
    /// No period is due.
    Nothing,
    /// Machines have not been heard, or not for long enough.
    Listening,
}

/// What came of reckoning.
enum Reckoned {
    /// These are to be released.
    Due(Vec<Release>, Note),
    /// No period is due.
    Nothing,
    /// Machines have not been heard.
    Listening,
}

/// Why nothing is released.
#[derive(Debug, thiserror::Error)]
enum ReleaseError {
    #[error(transparent)]
    Figures(#[from] FigureError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl From<StoreError> for ReleaseError {
    fn from(error: StoreError) -> Self {
        FigureError::from(error).into()
    }
}

impl Handle {
    /// Releases whatever is due of the database at `database`, again and again.
    pub async fn keep_releasing(self, database: PathBuf, stop: CancellationToken) {
        let since = Timestamp::now();
        loop {
            let mut wait = LOOK_EVERY;
            match self.release_next(&database, since, &stop).await {
                Ok(Looked::Released) if !stop.is_cancelled() => continue,
                Ok(Looked::Listening) => wait = LISTEN_EVERY,
                Ok(_) => {}
                // What was cut off fails in many ways.
                Err(_) if stop.is_cancelled() => {}
                Err(failure) => error!(error = %failure, "the figures of a period could not be released"),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Releases the next period that is due.
    async fn release_next(
        &self,
        database: &Path,
        since: Timestamp,
        stop: &CancellationToken,
    ) -> Result<Looked, ReleaseError> {
        let (database, almanac, stop) = (database.to_owned(), self.almanac().clone(), stop.clone());
        let work = move || reckon(&database, &almanac, (since, Timestamp::now()), &stop);
        let reckoned = tokio::task::spawn_blocking(work).await;
        let reckoned = reckoned.unwrap_or_else(|_| Err(StoreError::corrupt("the figures to be released").into()));
        let (releases, note) = match reckoned? {
            Reckoned::Due(releases, note) => (releases, note),
            Reckoned::Nothing => return Ok(Looked::Nothing),
            Reckoned::Listening => return Ok(Looked::Listening),
        };
        let period = releases.first().map(|release| release.period.to_string()).unwrap_or_default();
        match self.manage(move |core, now| core.release(&releases, &note, now)).await {
            Ok(kept) => kept?,
            Err(Stopping) => return Ok(Looked::Nothing),
        }
        info!(period, "the figures of a period are released");
        Ok(Looked::Released)
    }
}

/// Reckons the next period that is due, from one moment of the database, unless the hub stops.
fn reckon(
    database: &Path,
    almanac: &Almanac,
    (since, now): (Timestamp, Timestamp),
    stop: &CancellationToken,
) -> Result<Reckoned, ReleaseError> {
    let listen = almanac.rules().release.listen;
    if Duration::try_from(now.duration_since(since)).unwrap_or_default() < listen {
        return Ok(Reckoned::Listening);
    }
    let conn = store::reader(database)?;
    let stopping = stop.clone();
    conn.progress_handler(STEPS, Some(move || stopping.is_cancelled()))
        .map_err(StoreError::sqlite("looking for a period that is due"))?;
    let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
    if !listen.is_zero() && !devices::clocks_agree(&moment, since)? {
        return Ok(Reckoned::Listening);
    }
    let pages = almanac.open(&moment)?;
    let due = release::next(&moment, &pages, now)?;
    // What is not reckoned yet needs the database no longer.
    drop(moment);
    let Some(due) = due else { return Ok(Reckoned::Nothing) };
    let (releases, note) = release::reckon(due, &|| stop.is_cancelled())?;
    Ok(Reckoned::Due(releases, note))
}
