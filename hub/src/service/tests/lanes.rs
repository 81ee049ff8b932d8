//! Whoever asks for little waits for nobody who asks for much.

use super::*;

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
