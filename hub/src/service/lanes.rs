//! Who reads beside whom: pools of readers of their own, so that nobody with a little to ask waits for
//! somebody with a lot.
//!
//! Reached by the handle. What is asked over HTTP goes by [`Lane`], and is turned away when too many wait
//! for the same one; what the hub itself asks waits its turn.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::Handle;
use super::readers::{Bounds, Readers};
use crate::lane::{Lane, ReadError};
use crate::store::StoreError;

/// Readings of figures and lists at once, and how many wait for them: each of the light ones takes
/// milliseconds, each of the heavy ones may take seconds.
pub(super) const LIGHT: Bounds = Bounds { places: 2, waiting: 256 };
pub(super) const HEAVY: Bounds = Bounds { places: 2, waiting: 16 };
/// For tokens, which every request waits for.
const KEYS: Bounds = Bounds { places: 1, waiting: 1_024 };
/// For whoever has no token.
const STRANGERS: Bounds = Bounds { places: 1, waiting: 64 };
/// For the hub's own, who wait as long as it takes.
const OWN: Bounds = Bounds { places: 1, waiting: 0 };

/// Every pool.
pub(super) struct Lanes {
    /// For tokens: nobody waits for whoever reads figures, only to be told 401.
    look_ups: Arc<Readers>,
    /// For figures and lists.
    light: Arc<Readers>,
    /// For figures and lists of which each may take seconds.
    heavy: Arc<Readers>,
    /// For whoever has no token: nobody who has one waits for them.
    strangers: Arc<Readers>,
    /// For operators, who look on when readers are too many.
    looks: Arc<Readers>,
    /// For whoever watches the hub, who must not take a long reading for a dead hub.
    scrapes: Arc<Readers>,
    /// For what the hub does by itself, now and then.
    rounds: Arc<Readers>,
}

impl Lanes {
    pub(super) fn over(database: PathBuf) -> Arc<Self> {
        let readers = |bounds| Readers::new(database.clone(), bounds);
        Arc::new(Self {
            look_ups: readers(KEYS),
            light: readers(LIGHT),
            heavy: readers(HEAVY),
            strangers: readers(STRANGERS),
            looks: readers(OWN),
            scrapes: readers(OWN),
            rounds: readers(OWN),
        })
    }

    fn of(&self, lane: Lane) -> &Arc<Readers> {
        match lane {
            Lane::Key => &self.look_ups,
            Lane::Anybody => &self.strangers,
            Lane::Light => &self.light,
            Lane::Heavy => &self.heavy,
        }
    }
}

#[cfg(test)]
impl Lanes {
    /// Whether one more would be turned away.
    pub(super) fn is_full(&self, lane: Lane) -> bool {
        self.of(lane).is_full()
    }
}

impl Handle {
    /// Runs a query on a connection that only reads, for a bounded time, beside those of other lanes.
    /// It ends when whoever asks has gone.
    ///
    /// # Errors
    /// What the query returns, when too many wait for this lane, or when no connection can be opened.
    pub async fn read<T: Send + 'static>(
        &self,
        lane: Lane,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.lanes.of(lane).read(query).await
    }

    /// Runs a query of the hub's own that is over at once, such as one row by its key.
    ///
    /// # Errors
    /// What the query returns, or when no connection can be opened.
    pub async fn look_up<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.lanes.look_ups.read_in_turn(query).await
    }

    /// Runs an operator's query, without waiting for those of [`Handle::read`].
    ///
    /// # Errors
    /// What the query returns, or when no connection can be opened.
    pub async fn look<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.lanes.looks.read_in_turn(query).await
    }

    /// Runs a query of whoever watches the hub, without waiting for anybody else.
    ///
    /// # Errors
    /// What the query returns, or when no connection can be opened.
    pub async fn scrape<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.lanes.scrapes.read_in_turn(query).await
    }

    /// Runs a query of what the hub does by itself, without keeping anybody waiting.
    pub(super) async fn make_rounds<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.lanes.rounds.read_in_turn(query).await
    }
}
