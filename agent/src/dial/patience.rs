//! How long the hub is waited for once it owes a word.
//!
//! Kept by the dial beside each session. Keep-alives tell whether somebody answers; over TCP that
//! may be a box on the way, long after the hub has forgotten the connection. What was counted
//! would then wait for an answer that never comes.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// When the hub's next word is due; `None` when it owes none.
pub(super) struct Patience {
    due: watch::Sender<Option<Instant>>,
}

impl Patience {
    /// Waits for the first word, this long.
    pub(super) fn new(limit: Duration) -> Self {
        Self { due: watch::Sender::new(Some(Instant::now() + limit)) }
    }

    /// The hub owes a word, within this time; an earlier one that it owes stands.
    pub(super) fn owed(&self, limit: Duration) {
        self.due.send_if_modified(|due| due.is_none() && due.replace(Instant::now() + limit).is_none());
    }

    /// The hub was heard.
    pub(super) fn heard(&self) {
        self.due.send_if_modified(|due| due.take().is_some());
    }

    /// Done when a word that is owed did not come in time.
    pub(super) async fn exhausted(&self) {
        let mut told = self.due.subscribe();
        loop {
            let due = *told.borrow_and_update();
            tokio::select! {
                () = until(due) => return,
                // The sender lives as long as this value.
                _ = told.changed() => {}
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// How long it lasts from now on; `None` for more than an hour.
    async fn lasts(patience: &Patience) -> Option<Duration> {
        let now = Instant::now();
        tokio::time::timeout(LIMIT * 120, patience.exhausted()).await.ok().map(|()| now.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_word_that_is_owed_is_waited_for() {
        let patience = Patience::new(LIMIT);
        tokio::time::advance(LIMIT / 2).await;
        patience.owed(LIMIT);
        assert_eq!(lasts(&patience).await.map(|left| left.as_secs()), Some(15));
        patience.heard();
        assert_eq!(lasts(&patience).await, None);
        patience.owed(LIMIT);
        assert_eq!(lasts(&patience).await.map(|left| left.as_secs()), Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_in_time_is_noticed_by_who_waits_already() {
        let patience = std::sync::Arc::new(Patience::new(LIMIT));
        let waiting = tokio::spawn({
            let patience = patience.clone();
            async move { patience.exhausted().await }
        });
        tokio::task::yield_now().await;
        patience.heard();
        tokio::time::advance(LIMIT * 2).await;
        assert!(!waiting.is_finished());
        patience.owed(LIMIT);
        waiting.await.unwrap();
    }
}
