//! The check of each night, while the hub goes on.

use super::*;

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
