//! Claims about the handle, on a hub in a directory of its own.

use std::sync::mpsc as blocking;

use super::*;
use crate::accept::Sessions as _;
use crate::core::Revocations;
use crate::store::{FILE_NAME, Store, tokens};

/// A running writer, and what stops it.
fn service(dir: &std::path::Path) -> (Service, CancellationToken) {
    let keys = Arc::new(Keys::open_or_create(&dir.join("keys"), false).unwrap());
    let store = Store::open(dir, None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    let core = Core::new(store, crate::ask::hub_zone(), Revocations { intact: true, ..Revocations::default() });
    let stop = CancellationToken::new();
    let service = Service::start(core, dir.join(FILE_NAME), keys, "", Arc::default(), stop.clone()).unwrap();
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
    let pulse = Pulse::since(begun);
    assert!(pulse.age() >= TURN_MAX);
    pulse.beat(false);
    assert!(pulse.age() < TURN_MAX);
}

#[tokio::test]
async fn a_device_that_finds_no_place_in_a_crowd_that_lasts_is_asked_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    let (begun, wait_begun) = oneshot::channel();
    let (release, wait_release) = blocking::channel::<()>();
    let blocked = handle.clone();
    let managing = tokio::spawn(async move {
        blocked
            .manage(move |_, _| {
                begun.send(()).unwrap();
                wait_release.recv().unwrap();
            })
            .await
    });
    wait_begun.await.unwrap();
    for n in 0..QUEUE_LEN as u64 {
        handle.input(Input::Drained(ConnId::new(n))).await.unwrap();
    }
    let peer = || Peer {
        fingerprint: msap_shared::id::Fingerprint::new([1; 32]),
        certificate_site: "275".parse().unwrap(),
        transport: "quic",
        cut: Cut::new().0,
    };
    assert_eq!(handle.opened(peer(), mpsc::channel(1).0).await, Err(CloseCode::Busy));
    release.send(()).unwrap();
    managing.await.unwrap().unwrap();
    assert!(handle.opened(peer(), mpsc::channel(1).0).await.is_ok());
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}

#[tokio::test]
async fn a_defect_that_ends_the_writer_is_told_from_a_damaged_database() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    assert!(handle.manage(|_, _| panic!("planted")).await.is_err());
    stop.cancelled().await;
    drop(handle);
    assert!(matches!(service.finish().await, Err(WriterEnded::Panicked)));
}
