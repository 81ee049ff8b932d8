//! Releases the figures of periods that are over.
//!
//! Reckoned on a thread of its own, from one moment of the database; the writer only keeps what
//! comes out. If the hub ends meanwhile, nothing was released.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Handle, Stopping};
use crate::publish;
use crate::store::figures::FigureError;
use crate::store::{StoreError, devices};

/// How often periods that are due are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The same while machines are listened to.
const LISTEN_EVERY: Duration = Duration::from_secs(10);

/// What came of a look.
enum Looked {
    /// A period was due, and is released.
    Released,
    /// No period is due.
    Nothing,
    /// Machines have not been heard, or not for long enough.
    Listening,
}

impl Handle {
    /// Releases whatever is due, again and again.
    pub async fn keep_releasing(self, stop: CancellationToken) {
        let since = Timestamp::now();
        loop {
            let mut wait = LOOK_EVERY;
            match self.release_next(since).await {
                Ok(Looked::Released) if !stop.is_cancelled() => continue,
                Ok(Looked::Listening) => wait = LISTEN_EVERY,
                Ok(_) => {}
                Err(failure) => error!(error = %failure, "the figures of a period could not be released"),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Releases the next period that is due.
    async fn release_next(&self, since: Timestamp) -> Result<Looked, FigureError> {
        let (now, almanac) = (Timestamp::now(), self.almanac().clone());
        let (listened, listen) = (now.duration_since(since), almanac.rules().release.listen);
        if Duration::try_from(listened).unwrap_or_default() < listen {
            return Ok(Looked::Listening);
        }
        let due = self.make_rounds(move |conn| {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            if !listen.is_zero() && !devices::clocks_agree(&moment, since)? {
                return Ok(None);
            }
            let pages = almanac.open(&moment)?;
            Ok(Some(publish::next(&moment, &pages, now)))
        });
        let Some(due) = due.await? else { return Ok(Looked::Listening) };
        let Some(due) = due? else { return Ok(Looked::Nothing) };
        let reckoned = tokio::task::spawn_blocking(move || publish::reckon(due)).await;
        let Ok((releases, note)) = reckoned else {
            return Err(StoreError::corrupt("the figures to be released").into());
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
