//! Claims about the handle, on a hub in a directory of its own.

use std::sync::mpsc as blocking;

use super::*;
use crate::accept::{Cut, Sessions as _};
use crate::almanac::Rules;
use crate::core::Revocations;
use crate::drift::{Checker, Nightly, keep_checking};
use crate::privacy::VISITS;
use crate::release::ReleaseRules;
use crate::store::{FILE_NAME, Store, check_runs, meta, releases, tokens};

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

#[tokio::test]
async fn a_hub_that_stops_while_a_period_is_reckoned_releases_nothing_of_it_until_it_is_back() {
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

/// A view that a disk has spoilt.
fn spoil(dir: &std::path::Path) {
    let conn = Connection::open(dir.join(FILE_NAME)).unwrap();
    conn.execute_batch(
        "INSERT INTO site (id, name, kind, timezone) VALUES ('275', 'Chemillé', 'house', 'Europe/Paris');
         INSERT INTO visits VALUES ('275', 9820, 'CNAF', 'online', '25-39', 9820, 0, 3, 4);",
    )
    .unwrap();
}

/// The last check that a hub has kept, once it is one of those wanted.
async fn checked(handle: &Handle, wanted: impl Fn(&check_runs::CheckRun) -> bool) -> check_runs::CheckRun {
    let found = async {
        loop {
            let last = handle.look_up(check_runs::last).await.unwrap();
            match last.filter(&wanted) {
                Some(last) => break last,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("no check was made")
}

#[tokio::test]
async fn a_hub_that_runs_by_day_only_makes_up_for_the_first_check() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let (handle, rim) = (service.handle.clone(), CancellationToken::new());
    // First served on one morning, started again on the next.
    let (first, again): (Timestamp, Timestamp) =
        ("2026-11-18T08:00:00Z".parse().unwrap(), "2026-11-19T08:00:00Z".parse().unwrap());
    for now in [first, again] {
        handle.manage(move |core, _| core.await_check(now)).await.unwrap().unwrap();
    }
    let checker = Checker::new(handle.clone(), &dir.path().join(FILE_NAME), rim.clone());
    let nightly = tokio::spawn(keep_checking(checker, Nightly::at(3).unwrap(), Duration::ZERO, move || again));
    assert_eq!(checked(&handle, |_| true).await.drift(), 0);
    rim.cancel();
    nightly.await.unwrap();
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}

#[tokio::test]
async fn a_difference_is_found_at_night_and_kept_until_the_views_are_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let (handle, rim) = (service.handle.clone(), CancellationToken::new());
    let checker = Checker::new(handle.clone(), &dir.path().join(FILE_NAME), rim.clone());
    assert_eq!(checker.check().await.unwrap().differences, [""; 0]);
    let first = handle.look_up(check_runs::last).await.unwrap().unwrap();
    assert_eq!(first.drift(), 0);

    spoil(dir.path());
    // The night before was missed: the check is made at once.
    let forget = |conn: &Connection| Ok::<_, StoreError>(conn.execute("UPDATE check_run SET at = 1", []).map(drop));
    handle.manage(move |core, _| core.store().write(|conn, _| forget(conn))).await.unwrap().unwrap().unwrap();
    let nightly = tokio::spawn(keep_checking(checker, Nightly::at(3).unwrap(), Duration::ZERO, Timestamp::now));
    let found = checked(&handle, |last| last.at > 1).await;
    assert_eq!((found.drift(), found.differences), (1, 1), "{found:?}");
    assert!(found.told[0].starts_with("visits (275, 2026-"), "{found:?}");
    assert_eq!(handle.trouble(), None, "the hub goes on");

    handle.manage(Core::rebuild).await.unwrap().unwrap();
    assert_eq!(handle.look_up(check_runs::last).await.unwrap().unwrap().drift(), 0);
    rim.cancel();
    nightly.await.unwrap();
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}
