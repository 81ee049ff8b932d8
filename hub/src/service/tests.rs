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

/// A reading that has begun, and what ends it.
type Held = (JoinHandle<()>, blocking::Sender<()>);

/// Begins a reading that goes on until it is let go.
async fn hold<F, R>(read: impl FnOnce(Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>) -> F) -> Held
where
    F: Future<Output = R> + Send + 'static,
    R: Send,
{
    let (begun, wait_begun) = oneshot::channel();
    let (release, wait_release) = blocking::channel::<()>();
    let reading = read(Box::new(move |_: &Connection| {
        begun.send(()).unwrap();
        wait_release.recv().unwrap();
        Ok(())
    }));
    let reading = tokio::spawn(async move { drop(reading.await) });
    wait_begun.await.unwrap();
    (reading, release)
}

/// Takes every place of the heavy lane.
async fn hold_heavy(handle: &Handle) -> Vec<Held> {
    let mut held = Vec::new();
    for _ in 0..HEAVY.places {
        let handle = handle.clone();
        held.push(hold(async move |scan| handle.read(Lane::Heavy, scan).await).await);
    }
    held
}

async fn let_go(held: Vec<Held>) {
    for (reading, release) in held {
        release.send(()).unwrap();
        reading.await.unwrap();
    }
}

/// A bound for a test that fails.
async fn soon<T>(asked: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), asked).await.expect("nobody waits for a slow reading")
}

#[tokio::test]
async fn slow_readings_keep_nobody_waiting_who_asks_for_little() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    let held = hold_heavy(&handle).await;
    let of_token = handle.read(Lane::Key, |conn| tokens::by_hash(conn, &[0; 32]));
    assert!(soon(of_token).await.unwrap().is_none());
    for lane in [Lane::Light, Lane::Anybody] {
        assert_eq!(soon(handle.read(lane, |_| Ok(7))).await.unwrap(), 7);
    }
    assert_eq!(soon(handle.look(tokens::list)).await.unwrap(), []);
    assert_eq!(soon(handle.look_up(check_runs::last)).await.unwrap(), None);
    assert_eq!(soon(handle.scrape(|_| Ok(7))).await.unwrap(), 7);
    assert_eq!(soon(handle.make_rounds(|_| Ok(7))).await.unwrap(), 7);
    let_go(held).await;
    stop.cancel();
    drop(handle);
    service.finish().await.unwrap();
}

/// What the interface answers to a token, in whole.
async fn get(router: &axum::Router, target: &str) -> Response {
    let request = Request::get(target).header("authorization", "Bearer secret").body(Body::empty()).unwrap();
    soon(router.clone().oneshot(request)).await.unwrap()
}

#[tokio::test]
async fn with_every_heavy_place_held_a_site_s_month_is_answered_and_decades_are_asked_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    let sql = "INSERT INTO site (id, name, kind, timezone) VALUES ('275', 'Chemillé', 'house', 'Europe/Paris');
               INSERT INTO token VALUES ('x', ?1, '', 'national', 'reader', 4000000000, 0)";
    let conn = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    let (site, token) = sql.split_once(';').unwrap();
    conn.execute(site, []).unwrap();
    conn.execute(token, [token_hash("secret")]).unwrap();
    let router = http::router(handle.clone(), Arc::new(Entrance::new(None, Vec::new())));
    let watched = Source { handle: handle.clone(), database: dir.path().join(FILE_NAME).into(), backups: None };
    let watched = metrics::router(watched);

    let mut held = hold_heavy(&handle).await;
    // And an operator who looks at everything.
    let operator = handle.clone();
    held.push(hold(async move |scan| operator.look(scan).await).await);
    let mut waiting = tokio::task::JoinSet::new();
    let (decades, month) = ("/v1/visits?from=2000-01-01&to=2026-10-31", "/v1/visits?site=275&by=day");
    let (queued, mut wait_queued) = mpsc::unbounded_channel();
    for _ in 0..HEAVY.waiting {
        let (router, queued) = (router.clone(), queued.clone());
        waiting.spawn(async move {
            let asked = get(&router, decades);
            let mut asked = std::pin::pin!(asked);
            // Its token is looked up on the way, which takes its time.
            std::future::poll_fn(|context| {
                let answered = asked.as_mut().poll(context);
                queued.send(()).ok();
                answered
            })
            .await
            .status()
        });
    }
    // Whichever comes last finds the queue full, once all of those have come so far.
    let refused = loop {
        wait_queued.recv().await.unwrap();
        if handle.lanes.is_full(Lane::Heavy) {
            break get(&router, decades).await;
        }
    };
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"10".parse().unwrap()));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    for target in [month, "/v1/sites/275", "/healthz", "/readyz", "/v1/public"] {
        assert_eq!(get(&router, target).await.status(), 200, "{target}");
    }
    assert_eq!(get(&watched, "/metrics").await.status(), 200);
    let_go(held).await;
    while let Some(status) = waiting.join_next().await {
        assert_eq!(status.unwrap(), 200, "whoever waited was answered");
    }
    drop((router, watched, handle));
    stop.cancel();
    service.finish().await.unwrap();
}

/// Tells whether an answer came to its end, once nobody works it out any more.
struct Outcome {
    answered: bool,
    told: mpsc::UnboundedSender<bool>,
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.told.send(self.answered).ok();
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_the_place_of_its_question_back() {
    let dir = tempfile::tempdir().unwrap();
    let (service, stop) = service(dir.path());
    let handle = service.handle.clone();
    let (begun, mut wait_begun) = mpsc::unbounded_channel();
    let (told, mut wait_told) = mpsc::unbounded_channel();
    let endless = axum::routing::get({
        let handle = handle.clone();
        async move || {
            let mut outcome = Outcome { answered: false, told };
            let count = move |conn: &Connection| {
                begun.send(()).unwrap();
                let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
                conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(StoreError::sqlite("counting for ever"))
            };
            let counted = handle.read(Lane::Heavy, count).await;
            outcome.answered = true;
            counted.map_or_else(|error| error.to_string(), |n| n.to_string())
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/endless", endless);
    let rim = CancellationToken::new();
    let served = tokio::spawn(http::serve(listener, router, http::Limits::new(100, 100, Vec::new()), rim.clone()));
    for _ in 0..HEAVY.places {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /endless HTTP/1.1\r\nhost: hub\r\n\r\n").await.unwrap();
        wait_begun.recv().await.unwrap();
        drop(client);
        assert_eq!(soon(wait_told.recv()).await, Some(false), "nobody waits for the answer");
    }
    assert_eq!(soon(handle.read(Lane::Heavy, |_| Ok(7))).await.unwrap(), 7);
    rim.cancel();
    served.await.unwrap();
    drop(handle);
    stop.cancel();
    service.finish().await.unwrap();
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
