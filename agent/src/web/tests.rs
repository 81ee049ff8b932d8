//! The API and the page, on a real core.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method};
use jiff::Timestamp;
use msap_shared::id::DeviceId;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::core::{Core, Input, Now, Output};
use crate::store::{self, Profile};

const PORT: u16 = 8477;
const ID: &str = "01931f2a-7a00-7000-8000-000000000001";

/// A core at 10:42 on 23 November 2026 in Paris.
#[derive(Clone)]
struct Fake {
    core: Arc<Mutex<Core>>,
    disk_is_full: bool,
}

impl Ask for Fake {
    async fn ask(&self, command: Command) -> Result<Reply, CommandError> {
        if self.disk_is_full {
            return Err(CommandError::DiskFull);
        }
        let now = Now { wall: "2026-11-23T09:42:00Z".parse::<Timestamp>().unwrap(), monotonic_ms: 0 };
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = core.turn(vec![Input::Command(7, command)], now).unwrap();
        match outputs.into_iter().next() {
            Some(Output::Reply(7, reply)) => reply,
            _ => panic!("a command is answered in its turn"),
        }
    }

    fn sync_now(&self) {}

    fn data(&self) -> &Path {
        Path::new("no identity here")
    }
}

fn core(dir: &Path) -> Core {
    let profile = Profile {
        site: "275".parse().unwrap(),
        site_name: "Chemillé <en> Anjou".into(),
        timezone: "Europe/Paris".parse().unwrap(),
        device: DeviceId::new([7; 8]),
        label: "Accueil 1".into(),
        hub: "hub.exemple.fr:4433".into(),
    };
    store::create(dir, &profile).unwrap();
    let mut drawn = 0;
    let fresh = Box::new(move || {
        drawn += 1;
        [drawn; 16]
    });
    Core::new(store::open(dir).unwrap(), fresh).unwrap()
}

struct Site {
    router: Router,
    _dir: tempfile::TempDir,
}

impl Site {
    fn new(disk_is_full: bool) -> Self {
        Self::linked(disk_is_full, Vec::new())
    }

    /// A site whose connection has gone through this.
    fn linked(disk_is_full: bool, past: Vec<Input>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut core = core(dir.path());
        core.turn(past, Now { wall: "2026-11-23T09:42:00Z".parse().unwrap(), monotonic_ms: 0 }).unwrap();
        Self::of(core, dir, disk_is_full)
    }

    fn of(core: Core, dir: tempfile::TempDir, disk_is_full: bool) -> Self {
        let desk = Fake { core: Arc::new(Mutex::new(core)), disk_is_full };
        let shown = ["CNAF", "MSA"].map(|code| code.parse().unwrap());
        Self { router: router(desk, &shown, PORT), _dir: dir }
    }

    async fn raw(&self, method: Method, path: &str, body: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8477");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (status, headers, text) = self.raw(method, path, Some(&body.to_string())).await;
        let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
        assert_eq!(headers["content-type"], kind, "{text}");
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, text) = self.raw(Method::GET, path, None).await;
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    async fn tap(&self, id: &str, operator: &str) -> (u16, Value) {
        self.ask(Method::POST, "/api/visits", json!({ "id": id, "operator": operator })).await
    }
}

#[tokio::test]
async fn a_tap_counts_once_however_often_it_is_sent() {
    let site = Site::new(false);
    let (status, tap) = site.tap(ID, "CNAF").await;
    assert_eq!(status, 201, "{tap}");
    assert_eq!(
        (&tap["help"], &tap["age"], &tap["people"], &tap["day"]),
        (&json!("online"), &json!("unknown"), &json!(1), &json!("2026-11-23"))
    );
    assert_eq!((tap["id"].as_str(), tap["keeping"].as_str()), (Some(ID), Some("kept")));
    let (status, again) = site.tap(ID, "CNAF").await;
    assert_eq!((status, &again["new"]), (200, &json!(false)));
    let (status, problem) = site.tap(ID, "MSA").await;
    assert_eq!((status, &problem["field"]), (409, &json!("id")));
    let (_, tally) = site.get("/api/tally?day=2026-11-23").await;
    assert_eq!((&tally["visits"], &tally["requests"]), (&json!(1), &json!(1)));
    assert_eq!(tally["rows"], json!([{ "operator": "CNAF", "visits": 1, "requests": 1 }]));
}

#[tokio::test]
async fn a_tap_is_corrected_and_undone_by_uuid_or_by_name() {
    let site = Site::new(false);
    let (_, tap) = site.tap(ID, "CNAF").await;
    let path = format!("/api/visits/{ID}");
    let (status, corrected) = site.ask(Method::PATCH, &path, json!({ "age": "70+", "help": "paperwork" })).await;
    assert_eq!((status, &corrected["age"], &corrected["help"]), (200, &json!("70+"), &json!("paperwork")));
    let named = format!("/api/visits/{}", tap["name"].as_str().unwrap());
    let (status, undone) = site.ask(Method::DELETE, &named, json!({})).await;
    assert_eq!((status, &undone["undone"]), (200, &json!(true)));
    assert_eq!(site.get("/api/tally").await.1["visits"], 0);
    site.tap("01931f2a-7a00-7000-8000-000000000002", "MSA").await;
    assert_eq!(site.ask(Method::POST, "/api/visits/undo", json!({})).await.1["operator"], "MSA");
    assert_eq!(site.get("/api/visits?day=2026-11-23").await.1.as_array().unwrap().len(), 2);
    let unknown = "/api/visits/01931f2a-7a00-7000-8000-0000000000ff";
    assert_eq!(site.ask(Method::PATCH, unknown, json!({ "age": "70+" })).await.0, 404);
}

#[tokio::test]
async fn wrong_values_are_refused_naming_the_field() {
    let site = Site::new(false);
    for (body, status, field) in [
        (json!({ "operator": "CNAF" }), 422, "id"),
        (json!({ "id": "1234", "operator": "CNAF" }), 422, "id"),
        (json!({ "id": "00000000-0000-0000-0000-000000000000", "operator": "CNAF" }), 422, "id"),
        (json!({ "id": ID, "operator": "CNAF", "reason": "parce que" }), 422, "reason"),
        (json!({ "id": ID, "operator": "CNAF", "day": "1999-01-01" }), 422, "day"),
        (json!({ "id": ID }), 422, "operator"),
        (json!({ "id": ID, "operator": "cnaf" }), 422, "operator"),
        (json!({ "id": ID, "operator": "NOBODY" }), 422, "operator"),
        (json!({ "id": ID, "operator": 3 }), 422, "operator"),
        (json!({ "id": ID, "operator": "CNAF", "help": "magic" }), 422, "help"),
        (json!({ "id": ID, "operator": "CNAF", "age": "12" }), 422, "age"),
        (json!({ "id": ID, "operator": "CNAF", "n": 0 }), 422, "n"),
        (json!({ "id": ID, "operator": "CNAF", "n": 100 }), 422, "n"),
        (json!({ "id": ID, "operator": "CNAF", "n": 1_000_000 }), 422, "n"),
        (json!({ "id": ID, "operator": "CNAF", "n": 1.5 }), 422, "n"),
        (json!({ "id": ID, "operator": "CNAF", "n": "two" }), 422, "n"),
        (json!({ "id": ID, "operator": "CNAF", "n": -1, "reason": "x" }), 422, "day"),
        (json!({ "id": ID, "operator": "CNAF", "n": -1, "day": "2026-11-23" }), 422, "reason"),
        (json!({ "id": ID, "operator": "CNAF", "day": "2026-02-30" }), 422, "day"),
        (json!({ "id": ID, "operator": "CNAF", "day": "2026-11-24" }), 422, "day"),
        (json!({ "id": ID, "operator": "CNAF", "same_visit": 1 }), 422, "same_visit"),
        (json!({ "id": ID, "operator": "CNAF", "people": 1 }), 400, "people"),
    ] {
        let (found, problem) = site.ask(Method::POST, "/api/visits", body.clone()).await;
        assert_eq!((found, problem["field"].as_str()), (status, Some(field)), "{body} gave {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
    assert_eq!(site.get("/api/tally").await.1["requests"], 0);
}

#[tokio::test]
async fn unknown_and_repeated_parameters_are_refused() {
    let site = Site::new(false);
    for path in [
        "/api/tally?jour=2026-11-23",
        "/api/tally?day=2026-11-23&day=2026-11-22",
        "/api/tally?day=2026-11-23&month=2026-11",
        "/api/visits?month=2026-11",
        "/api/status?x=1",
    ] {
        assert_eq!(site.get(path).await.0, 400, "{path}");
    }
    assert_eq!(site.get("/api/tally?month=2026-13").await.0, 422);
    assert_eq!(site.get("/api/tally?month=2026-11").await.1["closed"], Value::Null);
}

#[tokio::test]
async fn what_is_no_json_object_is_malformed() {
    let site = Site::new(false);
    for body in ["{", "[]", "3", "\"x\"", "\u{0}", "{\"id\":"] {
        assert_eq!(site.raw(Method::POST, "/api/visits", Some(body)).await.0, 400, "{body:?}");
    }
    let twice = format!("{{\"id\":\"{ID}\",\"operator\":\"CNAF\",\"n\":1,\"n\":9}}");
    let (status, _, problem) = site.raw(Method::POST, "/api/visits", Some(&twice)).await;
    assert!(status == 400 && problem.contains("\"field\":\"n\"") && problem.contains("deux fois"), "{problem}");
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(guard::BODY_LEN_MAX));
    assert_eq!(site.raw(Method::POST, "/api/visits", Some(&large)).await.0, 413);
    assert_eq!(site.raw(Method::GET, "/nowhere", None).await.0, 404);
    assert_eq!(site.raw(Method::PUT, "/api/status", None).await.0, 405);
    assert_eq!(site.raw(Method::DELETE, "/api/visits/%FF", None).await.0, 400);
}

#[tokio::test]
async fn a_file_from_the_hub_may_be_as_long_as_files_are_and_no_longer() {
    let site = Site::new(false);
    let body = |len: usize| format!("{{\"file\":\"{}\"}}", "A".repeat(len));
    let asked = async |body: String| site.raw(Method::POST, guard::IMPORT_PATH, Some(&body)).await.0;
    let longest = guard::IMPORT_LEN_MAX - body(0).len();
    // Base 64 comes in fours: the file is read, and is none of the hub's.
    assert_eq!(asked(body(longest / 4 * 4)).await, 422);
    assert_eq!(asked(body(longest + 1)).await, 413);
    assert_eq!(asked("{\"file\":\"not base 64\"}".to_owned()).await, 422);
}

#[tokio::test]
async fn a_day_is_closed_and_reopened() {
    let site = Site::new(false);
    let (status, day) = site.ask(Method::PUT, "/api/days/today", json!({ "closed": true })).await;
    assert_eq!((status, day), (200, json!({ "day": "2026-11-23", "closed": true })));
    assert_eq!(site.get("/api/tally").await.1["closed"], true);
    assert_eq!(site.ask(Method::PUT, "/api/days/2026-11-23", json!({ "closed": false })).await.1["closed"], false);
    assert_eq!(site.ask(Method::PUT, "/api/days/2026-11-23", json!({})).await.1["field"], "closed");
    assert_eq!(site.ask(Method::PUT, "/api/days/someday", json!({ "closed": true })).await.0, 422);
}

#[tokio::test]
async fn the_status_has_every_field_of_the_contract() {
    let site = Site::new(false);
    site.tap(ID, "CNAF").await;
    let (_, status) = site.get("/api/status").await;
    for field in [
        "site",
        "device",
        "kept",
        "confirmed",
        "waiting",
        "refused",
        "oldest_waiting_day",
        "last_contact",
        "hub",
        "transport",
        "tried",
        "clock_offset_ms",
        "version",
        "state",
        "last_error",
        "label",
        "today",
        "timezone",
    ] {
        assert!(status.get(field).is_some(), "{field} is missing from {status}");
    }
    assert_eq!(
        (&status["site"], &status["waiting"], &status["today"]),
        (&json!("275"), &json!(1), &json!("2026-11-23"))
    );
    assert_eq!(status["last_contact"], Value::Null);
}

#[tokio::test]
async fn verification_and_the_sync_log_answer() {
    let site = Site::new(false);
    site.tap(ID, "CNAF").await;
    let (status, verified) = site.ask(Method::POST, "/api/verify", json!({})).await;
    assert_eq!((status, &verified["problems"], &verified["changes"]), (200, &json!([]), &json!(1)));
    assert!(site.get("/api/sync/log").await.1.is_array());
    assert_eq!(site.ask(Method::POST, "/api/sync", json!({})).await.0, 202);
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_counted() {
    let (status, problem) = Site::new(true).tap(ID, "CNAF").await;
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("disque"), "{problem}");
}

#[tokio::test]
async fn an_undo_tells_what_it_undid_with_the_visit() {
    let site = Site::new(false);
    site.tap(ID, "CNAF").await;
    let further = json!({ "id": "01931f2a-7a00-7000-8000-000000000002", "operator": "MSA", "same_visit": true });
    let (_, part) = site.ask(Method::POST, "/api/visits", further).await;
    let (_, undone) = site.ask(Method::DELETE, &format!("/api/visits/{ID}"), json!({})).await;
    assert_eq!((&undone["also_undone"], &part["part_of"]), (&json!([part["name"]]), &undone["name"]));
    assert_eq!(part["time"], "10:42");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let site = Site::new(false);
    for path in ["/", "/assets/desk.css", "/assets/desk.js", "/api/status", "/nowhere"] {
        let (_, headers, _) = site.raw(Method::GET, path, None).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        let wanted =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'";
        assert!(policy.starts_with(wanted), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["cache-control"], if path.contains("assets") { "no-cache" } else { "no-store" }, "{path}");
    }
}

#[tokio::test]
async fn a_rebound_name_is_refused_before_anything_is_read() {
    let site = Site::new(false);
    let request = Request::builder().uri("/api/status").header("host", "evil.example:8477").body(Body::empty());
    let response = site.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.headers().contains_key("content-security-policy"));
}

mod contradictions;
mod decisions;
mod house;
mod page;
mod remarks;
mod shown;
