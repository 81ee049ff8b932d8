//! Claims about the handle, on a hub in a directory of its own.

use std::sync::mpsc as blocking;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use rusqlite::Connection;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::lanes::HEAVY;
use super::*;
use crate::accept::{Cut, Sessions as _};
use crate::almanac::Rules;
use crate::core::Revocations;
use crate::drift::{Checker, Nightly, keep_checking};
use crate::http::{self, Entrance, token_hash};
use crate::lane::Lane;
use crate::metrics::{self, Source};
use crate::privacy::VISITS;
use crate::release::ReleaseRules;
use crate::store::{FILE_NAME, Store, check_runs, meta, releases, tokens};

mod lanes;
mod nightly;

/// A running writer, and what stops it.
fn service(dir: &std::path::Path) -> (Service, CancellationToken) {
    service_by(dir, Rules::default())
}

fn service_by(dir: &std::path::Path, rules: Rules) -> (Service, CancellationToken) {
    let keys = Arc::new(Keys::open_or_create(&dir.join("keys"), false).unwrap());
    let store = Store::open(dir, None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    let core = Core::new(store, crate::ask::hub_zone(), Revocations { intact: true, ..Revocations::default() });
    let stop = CancellationToken::new();
    let service =
        Service::start(core, dir.join(FILE_NAME), keys, "", Arc::new(Almanac::new(rules)), stop.clone()).unwrap();
    (service, stop)
}

#[test]
fn every_commit_is_counted_whoever_made_the_core_commit() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(Keys::open_or_create(&dir.path().join("keys"), false).unwrap());
    let store = Store::open(dir.path(), None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    let core = Core::new(store, crate::ask::hub_zone(), Revocations { intact: true, ..Revocations::default() });
    let (metrics, pushes) = (Metrics::default(), core.pushes());
    let (witnessed, heard, room) = (Instant::now(), Instant::now(), Room::beside(&dir.path().join(FILE_NAME)));
    let lines = Lines::new(metrics.clone());
    let pulse = Arc::new(Pulse::new());
    let told = metrics.clone();
    let mut writer = Writer { core, keys, lines, witnessed, witness: None, heard, pulse, room, metrics, pushes };
    let write = |core: &mut Core| core.store().write(|_, _| Ok::<_, StoreError>(())).unwrap();
    writer.commit(write);
    writer.commit(|_| ());
    writer.commit(write);
    assert_eq!(told.commits(), 2);
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

#[tokio::test]
async fn a_hub_that_is_stopping_releases_nothing_and_what_was_due_once_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let release = ReleaseRules { listen: Duration::ZERO, ..ReleaseRules::default() };
    let (service, stop) = service_by(dir.path(), Rules { release, ..Rules::default() });
    let (handle, database) = (service.handle.clone(), dir.path().join(FILE_NAME));
    let begun = |conn: &Connection| meta::date_epoch(conn, "2025-10-20".parse().unwrap());
    handle.manage(move |core, _| core.store().write(|conn, _| begun(conn))).await.unwrap().unwrap();
    let released = || async {
        let periods = handle.look_up(|conn| releases::periods(conn, VISITS)).await.unwrap();
        !periods.is_empty()
    };
    let rim = CancellationToken::new();
    rim.cancel();
    handle.clone().keep_releasing(database.clone(), rim).await;
    assert!(!released().await);

    let rim = CancellationToken::new();
    let releasing = tokio::spawn(handle.clone().keep_releasing(database, rim.clone()));
    let some = async {
        while !released().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), some).await.expect("nothing was released");
    rim.cancel();
    releasing.await.unwrap();
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}
