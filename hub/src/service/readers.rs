//! Connections that only read, lent to queries for a bounded time.
//!
//! Called by the handle. Invariants: never more queries run at once on one pool than it has places, and
//! never more connections are open, whether whoever asked still waits or has gone; a query whose asker
//! has gone ends at its next step in the database.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lane::ReadError;
use crate::store::{self, StoreError};

/// The longest a query may take.
const READ_MAX: Duration = Duration::from_secs(10);

/// How many one pool serves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Queries at once.
    pub(super) places: usize,
    /// Queries that wait for a place.
    pub(super) waiting: usize,
}

/// One pool.
pub(super) struct Readers {
    path: PathBuf,
    most: usize,
    read_max: Duration,
    /// Whoever runs or waits.
    admitted: Arc<Semaphore>,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// Told to the query when whoever asked for it has gone.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Readers {
    pub(super) fn new(path: PathBuf, bounds: Bounds) -> Arc<Self> {
        Self::with(path, bounds, READ_MAX)
    }

    fn with(path: PathBuf, Bounds { places, waiting }: Bounds, read_max: Duration) -> Arc<Self> {
        let admitted = Arc::new(Semaphore::new(places.saturating_add(waiting)));
        let idle = Mutex::default();
        Arc::new(Self { path, most: places, read_max, admitted, places: Arc::new(Semaphore::new(places)), idle })
    }

    /// Runs a query when there is a place, unless too many wait for one.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| ReadError::Busy)?;
        Ok(self.run(Some(admitted), query).await?)
    }

    /// Runs a query when there is a place, however many wait for one: the hub's own.
    pub(super) async fn read_in_turn<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(None, query).await
    }

    /// Whether one more would be turned away.
    #[cfg(test)]
    pub(super) fn is_full(&self) -> bool {
        self.admitted.available_permits() == 0
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        admitted: Option<OwnedSemaphorePermit>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Ok(place) = self.places.clone().acquire_owned().await else {
            return Err(StoreError::corrupt("the readers are gone"));
        };
        let (readers, gone) = (self.clone(), Arc::new(AtomicBool::new(false)));
        // Dropped with this future, which whoever hangs up drops.
        let _asker = Asker(gone.clone());
        let work = tokio::task::spawn_blocking(move || {
            // The place is taken as long as the query runs: whoever asked may hang up before.
            let _held = (place, admitted);
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = idle.map_or_else(|| store::reader(&readers.path), Ok)?;
            let end = Instant::now() + readers.read_max;
            store::end_when(&conn, move || gone.load(Ordering::Relaxed) || Instant::now() > end)?;
            let outcome = query(&conn);
            let mut idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // One whose transaction could not be ended is of no use to the next.
            if conn.is_autocommit() && idle.len() < readers.most {
                idle.push(conn);
            }
            outcome
        });
        work.await.unwrap_or_else(|_| Err(StoreError::corrupt("a reader panicked")))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::sync::mpsc;
    use std::task::Poll;

    use tokio::sync::oneshot;

    use super::*;

    /// Far longer than any test.
    const LONG: Duration = Duration::from_secs(3_600);

    /// Asks once whether something has come to its end.
    async fn waits<F: Future>(mut asked: Pin<&mut F>) -> bool {
        poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await
    }

    fn readers(places: usize, waiting: usize) -> (tempfile::TempDir, Arc<Readers>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (n)").unwrap();
        let readers = Readers::with(path, Bounds { places, waiting }, LONG);
        (dir, readers)
    }

    #[tokio::test]
    async fn a_query_whose_asker_has_gone_keeps_its_place_until_it_ends() {
        let (_dir, readers) = readers(1, 1);
        let (begun, wait_begun) = oneshot::channel();
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

    #[tokio::test]
    async fn a_query_whose_asker_has_gone_ends_and_gives_its_place_back() {
        let (_dir, readers) = readers(1, 1);
        let (begun, wait_begun) = oneshot::channel();
        let asked = readers.clone();
        let asker = tokio::spawn(async move {
            let endless = move |conn: &Connection| {
                begun.send(()).unwrap();
                let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
                conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(StoreError::sqlite("counting for ever"))
            };
            asked.read(endless).await
        });
        wait_begun.await.unwrap();
        asker.abort();
        // Only when the place is there again; the limit is a bound for a test that fails.
        let next = tokio::time::timeout(Duration::from_secs(60), readers.read(|_| Ok(7))).await;
        assert_eq!(next.expect("the place came back").unwrap(), 7);
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_turned_away_and_whoever_leaves_makes_room() {
        let (_dir, readers) = readers(1, 1);
        let (begun, wait_begun) = oneshot::channel();
        let (release, wait_release) = mpsc::channel::<()>();
        let asked = readers.clone();
        let running = tokio::spawn(async move {
            let slow = move |_: &Connection| {
                begun.send(()).unwrap();
                wait_release.recv().unwrap();
                Ok(())
            };
            asked.read(slow).await
        });
        wait_begun.await.unwrap();
        let mut waiting = Box::pin(readers.read(|_| Ok(())));
        assert!(waits(waiting.as_mut()).await);
        assert!(matches!(readers.read(|_| Ok(())).await, Err(ReadError::Busy)));
        // The hub's own waits all the same.
        let mut own = Box::pin(readers.read_in_turn(|_| Ok(())));
        assert!(waits(own.as_mut()).await);
        drop(waiting);
        let mut waiting = Box::pin(readers.read(|_| Ok(())));
        assert!(waits(waiting.as_mut()).await);
        release.send(()).unwrap();
        running.await.unwrap().unwrap();
        own.await.unwrap();
        waiting.await.unwrap();
    }
}
