//! Claims about the handle, on a hub in a directory of its own.

use std::sync::mpsc as blocking;

use super::*;
use crate::core::Revocations;
use crate::store::{FILE_NAME, Store, tokens};

/// A running writer, and what stops it.
fn service(dir: &std::path::Path) -> (Service, CancellationToken) {
    let keys = Arc::new(Keys::open_or_create(&dir.join("keys"), false).unwrap());
    let store = Store::open(dir, None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    let core = Core::new(store, crate::ask::hub_zone(), Revocations { intact: true, ..Revocations::default() });
    let stop = CancellationToken::new();
    let service = Service::start(core, dir.join(FILE_NAME), keys, "", stop.clone()).unwrap();
    (service, stop)
}

#[tokio::test]
async fn slow_readings_keep_neither_tokens_nor_operators_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    let mut slow = Vec::new();
    for _ in 0..READERS {
        let (begun, wait_begun) = oneshot::channel();
        let (release, wait_release) = blocking::channel::<()>();
        let handle = handle.clone();
        let reading = tokio::spawn(async move {
            let scan = move |_: &Connection| {
                begun.send(()).unwrap();
                wait_release.recv().unwrap();
                Ok(())
            };
            handle.read(scan).await
        });
        wait_begun.await.unwrap();
        slow.push((reading, release));
    }
    let soon = Duration::from_secs(5);
    let looked_up = handle.look_up(|conn| tokens::by_hash(conn, &[0; 32]));
    assert!(tokio::time::timeout(soon, looked_up).await.unwrap().unwrap().is_none());
    let looked = handle.look(tokens::list);
    assert_eq!(tokio::time::timeout(soon, looked).await.unwrap().unwrap(), []);
    for (reading, release) in slow {
        release.send(()).unwrap();
        reading.await.unwrap().unwrap();
    }
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}

#[tokio::test]
async fn asking_whether_the_writer_works_asks_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    assert_eq!(handle.trouble(), None);
    let (begun, wait_begun) = oneshot::channel();
    let (release, wait_release) = blocking::channel::<()>();
    let busy = tokio::spawn({
        let handle = handle.clone();
        async move {
            let long = move |_: &mut Core, _| {
                begun.send(()).unwrap();
                wait_release.recv().unwrap();
            };
            handle.manage(long).await
        }
    });
    wait_begun.await.unwrap();
    for _ in 0..=QUEUE_LEN {
        handle.trouble();
    }
    assert_eq!(handle.jobs.capacity(), QUEUE_LEN);
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    stop.cancel();
    service.finish().await.unwrap();
    assert!(handle.trouble().is_some());
}

#[test]
fn a_writer_that_ends_no_turn_does_not_work() {
    let Some(begun) = Instant::now().checked_sub(TURN_MAX) else { return };
    let pulse = Pulse { begun, last_ms: AtomicU64::new(0), full: AtomicBool::new(false) };
    assert!(pulse.age() >= TURN_MAX);
    pulse.beat(false);
    assert!(pulse.age() < TURN_MAX);
}
