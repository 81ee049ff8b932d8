//! Connections that only read, lent to queries for a bounded time.
//!
//! Called by the handle. Invariant: never more than `most` queries run at once on one pool, and
//! never more connections are open, whether whoever asked still waits or has gone.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::store::{self, StoreError};

/// The longest a query may take.
const READ_MAX: Duration = Duration::from_secs(10);

/// One pool.
pub(super) struct Readers {
    path: PathBuf,
    most: usize,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, most: usize) -> Arc<Self> {
        Arc::new(Self { path, most, places: Arc::new(Semaphore::new(most)), idle: Mutex::default() })
    }

    /// Runs a query when there is a place.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Ok(place) = self.places.clone().acquire_owned().await else {
            return Err(StoreError::corrupt("the readers are gone"));
        };
        let readers = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The place is taken as long as the query runs: whoever asked may hang up before.
            let _place = place;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = idle.map_or_else(|| store::reader(&readers.path), Ok)?;
            store::limit_time(&conn, READ_MAX)?;
            let outcome = query(&conn);
            let mut idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < readers.most {
                idle.push(conn);
            }
            outcome
        });
        work.await.unwrap_or_else(|_| Err(StoreError::corrupt("a reader panicked")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_query_whose_asker_has_gone_keeps_its_place_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (n)").unwrap();
        let readers = Readers::new(path, 1);
        let (begun, wait_begun) = tokio::sync::oneshot::channel();
        let (release, wait_release) = mpsc::channel::<()>();
        let asked = readers.clone();
        let asker = tokio::spawn(async move {
            let slow = move |_: &Connection| {
                begun.send(()).unwrap();
                wait_release.recv().unwrap();
                Ok(())
            };
            asked.read(slow).await
        });
        wait_begun.await.unwrap();
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        assert_eq!(readers.places.available_permits(), 0);
        release.send(()).unwrap();
        readers.read(|_| Ok(())).await.unwrap();
        assert_eq!(readers.idle.lock().unwrap().len(), 1);
    }
}
