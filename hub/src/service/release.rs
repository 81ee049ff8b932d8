//! Releases the figures of periods that are over.
//!
//! Reckoned on a thread of its own, from one moment of the database; the writer only keeps what
//! comes out. If the hub ends meanwhile, nothing was released.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Handle, Stopping};
use crate::publish;
use crate::store::figures::FigureError;
use crate::store::{StoreError, devices};

/// How often periods that are due are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How long machines are listened to before anything is released. What is released stays: a clock
/// that is wrong, or a database that was put back without anybody saying so, would release what it
/// must not, and machines are who tells.
const LISTEN: SignedDuration = SignedDuration::from_hours(1);

impl Handle {
    /// Runs a query for somebody without a token, without keeping anybody else waiting.
    ///
    /// # Errors
    /// What the query returns, or when no connection can be opened.
    pub async fn read_for_anybody<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.strangers.read(query).await
    }

    /// Releases whatever is due, again and again.
    pub async fn keep_releasing(self, stop: CancellationToken) {
        let since = Timestamp::now();
        loop {
            match self.release_next(since).await {
                Ok(true) if !stop.is_cancelled() => continue,
                Ok(_) => {}
                Err(failure) => error!(error = %failure, "the figures of a period could not be released"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Whether a period was due, and is released.
    async fn release_next(&self, since: Timestamp) -> Result<bool, FigureError> {
        let now = Timestamp::now();
        if now.duration_since(since) < LISTEN {
            return Ok(false);
        }
        let almanac = self.almanac().clone();
        let due = self.read(move |conn| {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            if !devices::clocks_agree(&moment, since)? {
                return Ok(Ok(None));
            }
            let pages = almanac.open(&moment)?;
            Ok(publish::next(&moment, &pages, now))
        });
        let Some(due) = due.await?? else { return Ok(false) };
        let reckoned = tokio::task::spawn_blocking(move || publish::reckon(due)).await;
        let Ok((releases, note)) = reckoned else {
            return Err(StoreError::corrupt("the figures to be released").into());
        };
        let period = releases.first().map(|release| release.period.to_string()).unwrap_or_default();
        match self.manage(move |core, now| core.release(&releases, &note, now)).await {
            Ok(kept) => kept?,
            Err(Stopping) => return Ok(false),
        }
        info!(period, "the figures of a period are released");
        Ok(true)
    }
}
