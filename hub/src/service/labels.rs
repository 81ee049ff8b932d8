//! Once a day of the hub: how the labels of all houses stand, noted where it has changed.
//!
//! Read beside the writer; only what has changed is written on its thread.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Handle;
use crate::ask;
use crate::label;
use crate::store::figures::FigureError;
use crate::store::{StoreError, label_history};

/// Between two looks whether another day has begun.
const LOOK_EVERY: Duration = Duration::from_secs(600);

impl Handle {
    /// Notes how labels stand, each day anew.
    pub async fn keep_noting_labels(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.note_labels().await {
                tracing::error!(%error, "how labels stand could not be noted");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn note_labels(&self) -> Result<(), FigureError> {
        let almanac = self.almanac().clone();
        let found = self.make_rounds(move |conn| {
            let found = || {
                let now = Timestamp::now();
                let day = ask::today(now);
                // Not «or later»: a clock that was ahead once must not silence the days to come.
                if label_history::noted_on(conn)? == Some(day) {
                    return Ok(None);
                }
                let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
                let changes = label::changes(&moment, &*almanac.open(&moment)?, now)?;
                Ok::<_, FigureError>(Some((day, changes)))
            };
            Ok(found())
        });
        let Some((day, changes)) = found.await?? else { return Ok(()) };
        // A hub that stops notes them at its next start.
        Ok(self.manage(move |core, _| core.note_labels(&changes, day)).await.unwrap_or(Ok(()))?)
    }
}
