//! Claims about the HTTP interface, over a store filled by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use self::file::File;
use super::*;
use crate::core::Revocations;
use crate::export::tests::chunks;
use crate::store::Store;

mod access;
mod beyond;
mod clients;
mod completeness;
mod coordinating;
mod counts;
mod described;
mod file;
mod french;
mod journal;
mod kept;
mod label;
mod lists;
mod problems;
mod public;
mod reports;
mod schedules;
mod session;
mod settling;

const TOKENS: [(&str, &str, &str); 8] = [
    ("national", "national", "reader"),
    ("admin", "national", "admin"),
    ("local-admin", "department:49", "admin"),
    ("region", "region:52", "reader"),
    ("department", "department:49", "coordinator"),
    ("house", "site:361", "reader"),
    ("antenna", "site:597", "reader"),
    ("operator", "operator:CNAF", "reader"),
];

fn fill(path: &Path) {
    let conn = Connection::open(path).unwrap();
    crate::store::MIGRATIONS.iter().for_each(|sql| conn.execute_batch(sql).unwrap());
    conn.pragma_update(None, "user_version", crate::store::MIGRATIONS.len()).unwrap();
    conn.execute_batch(
        "INSERT INTO site (id, name, kind, parent, department, region, bearer, timezone) VALUES
           ('361', 'Perseigne', 'house', NULL, '61', '28', 'mairie', 'Europe/Paris'),
           ('597', 'Courteille', 'antenna', '361', '61', '28', 'mairie', 'Europe/Paris'),
           ('275', 'Chemillé', 'house', NULL, '49', '52', '', 'Europe/Paris');
         INSERT INTO site_alias VALUES ('fs-275', '275');
         INSERT INTO visits VALUES
           ('361', 9820, 'CNAF', 'online', '25-39', 9820, 0, 3, 4),
           ('597', 9820, 'MSA', 'online', '70+', 9820, 0, 1, 1),
           ('275', 9821, 'CNAF', 'online', '70+', 9821, 0, 2, 2),
           ('275', 9821, 'ODD', 'online', '70+', 9821, 1, 7, 7);
         INSERT INTO device (id, fingerprint, site, standing, enrolled_day, last_contact, app_version)
           VALUES (x'0102030405060708', zeroblob(32), '275', 'active', 9800, 1795000000, '0.1.0');
         INSERT INTO document (id, name, site) VALUES (1, 'site/275/visits/2026-11', '275');
         INSERT INTO chain VALUES (1, 1, x'01', 2, x'00', 2), (2, 1, x'02', 2, x'00', 2);",
    )
    .unwrap();
    crate::store::rollups::sum_anew(&conn);
    let sql =
        "INSERT INTO change (chain, seq, hash, bytes, received_day, accepted) VALUES (?1, ?2, x'00', ?3, 9821, 1)";
    for (place, bytes) in chunks().into_iter().enumerate() {
        let values = rusqlite::params![place / 2 + 1, place % 2 + 1, bytes];
        conn.execute(sql, values).unwrap();
    }
    let token = |id: &str, scope: &str, role: &str, expires: i64, revoked: bool| {
        let values = rusqlite::params![id, token_hash(id), scope, role, expires, revoked];
        conn.execute("INSERT INTO token VALUES (?1, ?2, '', ?3, ?4, ?5, ?6)", values).unwrap();
    };
    for (id, scope, role) in TOKENS {
        token(id, scope, role, 4_000_000_000, false);
    }
    token("expired", "national", "admin", 1_000, false);
    token("revoked", "national", "admin", 4_000_000_000, true);
}

struct Hub {
    _dir: tempfile::TempDir,
    router: Router,
}

/// The interface over a file, with the settings that it has by default.
fn opened(file: File) -> Router {
    router(file, Arc::new(Entrance::new(None, Vec::new())))
}

fn hub() -> Hub {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.db");
    fill(&path);
    Hub { router: opened(File { path, writer: true, almanac: Arc::new(Almanac::default()) }), _dir: dir }
}

impl Hub {
    /// Sends a request; whatever the answer is, it must be one that the API's description tells of.
    async fn send(&self, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        described::hold(&method, &path, parts.status, &parts.headers, &body);
        (parts.status, parts.headers, body)
    }

    async fn get(&self, token: &str, address: &str) -> (u16, Value) {
        let request = Request::get(address).header("authorization", format!("Bearer {token}"));
        let (status, headers, body) = self.send(request.body(Body::empty()).unwrap()).await;
        let object: Value = serde_json::from_slice(&body).unwrap();
        if !status.is_success() {
            assert_eq!(headers["content-type"], "application/problem+json", "{address}");
            assert_eq!(object["status"], status.as_u16(), "{address}");
        }
        (status.as_u16(), object)
    }
}

const NOVEMBER: &str = "from=2026-11-01&to=2026-11-30";

#[tokio::test]
async fn figures_have_the_promised_form() {
    let (status, mut body) = hub().get("national", &format!("/v1/visits?{NOVEMBER}&by=month,site")).await;
    assert_eq!(status, 200);
    assert!(body["as_of"].take().as_str().is_some());
    // Which of the days are over depends on today; of none of these sites any hours are known.
    let completeness = body["completeness"].take();
    assert_eq!((&completeness["expected"], &completeness["rate"]), (&0.into(), &Value::Null), "{completeness}");
    assert!(completeness["missing_sites"].is_array() && completeness["not_expected"].is_array(), "{completeness}");
    let expected = serde_json::json!({
        "as_of": null, "from": "2026-11-01", "to": "2026-11-30", "by": ["month", "site"],
        "total": { "visits": 6, "requests": 7 },
        "rows": [
            { "month": "2026-11", "site": "275", "site_name": "Chemillé", "visits": 2, "requests": 2,
              "expected": 0, "reported": 0 },
            { "month": "2026-11", "site": "361", "site_name": "Perseigne", "visits": 4, "requests": 5,
              "expected": 0, "reported": 0 },
        ],
        "flagged": { "visits": 7, "requests": 7 },
        "completeness": null,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn visits_are_null_by_operator_and_help() {
    let hub = hub();
    for filter in ["by=operator", "by=help", "operator=CNAF", "help=online"] {
        let (_, body) = hub.get("national", &format!("/v1/visits?{NOVEMBER}&{filter}")).await;
        assert_eq!(body["total"]["visits"], Value::Null, "{filter}");
        assert!(body["total"]["requests"].as_i64().unwrap() > 0, "{filter}");
    }
    for age in ["70%2B", "70+"] {
        let (_, body) = hub.get("national", &format!("/v1/visits?{NOVEMBER}&by=age&age={age}")).await;
        assert_eq!(body["rows"], serde_json::json!([{ "age": "70+", "visits": 3, "requests": 3 }]));
    }
}

#[tokio::test]
async fn a_house_counts_with_its_antennas_unless_apart() {
    let hub = hub();
    let total = async |more: &str| {
        let (_, body) = hub.get("national", &format!("/v1/visits?{NOVEMBER}&{more}")).await;
        body["total"]["visits"].as_i64().unwrap()
    };
    assert_eq!(total("site=361").await, 4);
    assert_eq!(total("site=361&antennas=apart").await, 3);
    assert_eq!(total("site=597").await, 1);
    assert_eq!(total("site=fs-275,361").await, 6);
}

#[tokio::test]
async fn the_current_month_is_the_default_period() {
    let (_, body) = hub().get("national", "/v1/visits").await;
    let month = body["as_of"].as_str().unwrap()[..7].to_owned();
    assert_eq!(body["from"], format!("{month}-01"));
    assert!(body["to"].as_str().unwrap().starts_with(&month));
}

#[tokio::test]
async fn every_mistake_is_named() {
    let hub = hub();
    for (query, status, parameter) in [
        ("departement=49", 400, "departement"),
        ("site=275&site=361", 400, "site"),
        ("from=2026-11-01", 400, "to"),
        ("to=2026-11-01", 400, "from"),
        ("from=2026-11-02&to=2026-11-01", 422, "from"),
        ("from=yesterday&to=2026-11-01", 422, "from"),
        ("from=2026-11-01&to=2026-02-30", 422, "to"),
        ("by=week", 422, "by"),
        ("by=", 422, "by"),
        ("by=day,day", 422, "by"),
        ("site=999", 422, "site"),
        ("site=", 422, "site"),
        ("department=00", 422, "department"),
        ("department=49,", 422, "department"),
        ("region=999", 422, "region"),
        ("bearer=nobody", 422, "bearer"),
        ("operator=CAF", 422, "operator"),
        ("help=phone", 422, "help"),
        ("age=25-49", 422, "age"),
        ("antennas=together", 422, "antennas"),
        ("compare=month", 422, "compare"),
        ("as_of=yesterday", 422, "as_of"),
        ("as_of=2099-12-31", 422, "as_of"),
        ("public=yes", 422, "public"),
        ("format=xml", 422, "format"),
    ] {
        let (found, body) = hub.get("national", &format!("/v1/visits?{query}")).await;
        assert_eq!((found, body["parameter"].as_str()), (status, Some(parameter)), "{query}: {body}");
    }
}

#[tokio::test]
async fn a_token_is_needed_and_must_count() {
    let hub = hub();
    for address in ["/v1/visits", "/v1/sites/275", "/v1/documents", "/v1/nothing"] {
        let (status, headers, _) = hub.send(Request::get(address).body(Body::empty()).unwrap()).await;
        assert_eq!((status.as_u16(), &headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()), "{address}");
        for token in ["expired", "revoked", "unknown", "", "x y"] {
            assert_eq!(hub.get(token, address).await.0, 401, "{token} {address}");
        }
    }
    let twice = Request::get("/v1/visits").header("authorization", "Bearer admin").header("authorization", "x");
    assert_eq!(hub.send(twice.body(Body::empty()).unwrap()).await.0, 401);
    assert_eq!(hub.get("admin", "/v1/nothing").await.0, 404);
}

#[tokio::test]
async fn a_scope_is_never_widened_nor_narrowed_in_silence() {
    let hub = hub();
    for (token, inside, outside) in [
        ("national", vec!["", "department=49", "site=361"], vec![]),
        (
            "region",
            vec!["region=52", "department=49", "department=49,85", "site=275"],
            vec!["", "region=52,28", "site=361", "by=region"],
        ),
        (
            "department",
            vec!["department=49", "site=275", "site=fs-275", "region=28&department=49"],
            vec!["", "department=49,61", "site=275,361", "region=52"],
        ),
        (
            "house",
            vec!["site=361", "site=597", "site=361,597&antennas=apart"],
            vec!["", "site=275", "site=361,275", "department=61"],
        ),
        ("antenna", vec!["site=597"], vec!["", "site=361"]),
        (
            "operator",
            vec!["from=2026-10-01&to=2026-10-31&operator=CNAF", "from=2026-10-01&to=2026-10-31&operator=CNAF&by=site"],
            vec!["", "operator=CNAF,MSA", "operator=MSA", "site=275"],
        ),
    ] {
        for query in inside {
            assert_eq!(hub.get(token, &format!("/v1/visits?{query}")).await.0, 200, "{token} {query}");
        }
        for query in outside {
            let (status, body) = hub.get(token, &format!("/v1/visits?{query}")).await;
            assert_eq!(status, 403, "{token} {query}");
            let scope = TOKENS.iter().find(|(id, ..)| *id == token).unwrap().1;
            assert!(body["detail"].as_str().unwrap().contains(scope), "{body}");
        }
    }
}

#[tokio::test]
async fn sites_are_listed_page_by_page() {
    let hub = hub();
    let (_, first) = hub.get("national", "/v1/sites?limit=2").await;
    let ids =
        |body: &Value| body["sites"].as_array().unwrap().iter().map(|site| site["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ["275", "361"]);
    let (_, second) =
        hub.get("national", &format!("/v1/sites?limit=2&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&second), &second["next"]), (vec![Value::from("597")], &Value::Null));
    let (_, antennas) = hub.get("national", "/v1/sites?kind=antenna&department=61").await;
    assert_eq!((ids(&antennas), &antennas["next"]), (vec![Value::from("597")], &Value::Null));
    let (_, never) = hub.get("national", "/v1/sites?state=never_connected&limit=1").await;
    assert_eq!((ids(&never), never["next"].is_string()), (vec![Value::from("361")], true));
    let (_, none) = hub.get("national", "/v1/sites?state=refused,retired").await;
    assert_eq!((ids(&none), &none["next"]), (vec![], &Value::Null));
    assert_eq!(hub.get("department", "/v1/sites").await.0, 403);
    assert_eq!(hub.get("department", "/v1/sites?department=49").await.0, 200);
    for (query, status, parameter) in [
        ("limit=0", 422, "limit"),
        ("limit=1001", 422, "limit"),
        ("cursor=%21", 400, "cursor"),
        ("kind=bus", 422, "kind"),
        ("state=asleep", 422, "state"),
        ("open_at=noon", 422, "open_at"),
        ("commune=x", 400, "commune"),
    ] {
        let (found, body) = hub.get("national", &format!("/v1/sites?{query}")).await;
        assert_eq!((found, body["parameter"].as_str()), (status, Some(parameter)), "{query}");
    }
}

#[tokio::test]
async fn a_site_is_found_by_its_id_or_alias() {
    let hub = hub();
    let (_, site) = hub.get("department", "/v1/sites/fs-275").await;
    assert_eq!((&site["id"], &site["version"]), (&"275".into(), &"0.1.0".into()));
    // Heard, and never known to have handed over everything: how long ago depends on the day.
    assert!(["behind", "silent"].contains(&site["state"].as_str().unwrap()), "{site}");
    assert_eq!(site["last_contact"], "2026-11-18T11:06:40Z");
    let (_, site) = hub.get("house", "/v1/sites/597").await;
    assert_eq!((&site["parent"], &site["state"]), (&"361".into(), &"never_connected".into()));
    assert_eq!(hub.get("department", "/v1/sites/361").await.0, 403);
    assert_eq!(hub.get("national", "/v1/sites/999").await.0, 404);
    assert_eq!(hub.get("national", "/v1/sites/275?x=1").await.0, 400);
}

#[tokio::test]
async fn documents_are_for_national_administrators() {
    let hub = hub();
    for token in ["national", "department", "local-admin", "house"] {
        assert_eq!(hub.get(token, "/v1/documents").await.0, 403, "{token}");
        assert_eq!(hub.get(token, "/v1/documents/site%2F275%2Fvisits%2F2026-11").await.0, 403, "{token}");
    }
    let (_, list) = hub.get("admin", "/v1/documents").await;
    assert_eq!(list["documents"], serde_json::json!([{ "id": "site/275/visits/2026-11", "changes": 4 }]));
    for address in ["/v1/documents/site%2F275%2Fvisits%2F2026-11", "/v1/documents/site/275/visits/2026-11"] {
        let request = Request::get(address).header("authorization", "Bearer admin");
        let (status, headers, bytes) = hub.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"application/octet-stream".parse().unwrap()));
        let mut document = automerge::AutoCommit::load(&bytes).unwrap();
        assert_eq!(document.get_changes(&[]).len(), 4);
    }
    assert_eq!(hub.get("admin", "/v1/documents/site/999/schedule").await.0, 404);
}

#[tokio::test]
async fn health_needs_no_token_and_tells_a_dead_writer() {
    let hub = hub();
    for address in ["/healthz", "/readyz"] {
        let (status, headers, _) = hub.send(Request::get(address).body(Body::empty()).unwrap()).await;
        assert_eq!(status, 200, "{address}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.db");
    let empty = Hub { router: opened(File { path: path.clone(), writer: true, almanac: Arc::default() }), _dir: dir };
    assert_eq!(empty.get("", "/readyz").await.0, 503);
    fill(&path);
    assert_eq!(empty.get("", "/readyz").await.0, 200);
    let dead = Hub { router: opened(File { path, writer: false, almanac: Arc::default() }), ..empty };
    assert_eq!(dead.get("", "/readyz").await.0, 503);
    assert_eq!(dead.get("", "/healthz").await.0, 200);
}

#[tokio::test]
async fn slow_and_surplus_connections_do_not_hold_the_interface() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let millis = Duration::from_millis;
    let bounds = Limits::new(2, 1, Vec::new());
    let limits = Limits { header: millis(200), connection: millis(20_000), grace: millis(500), ..bounds };
    let served = tokio::spawn(serve(listener, hub().router, limits, stop.clone()));

    // One sends nothing, one half a request line: both hold a place until the limit ends them.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /heal").await.unwrap();
    let mut third = TcpStream::connect(address).await.unwrap();
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    third.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        tokio::time::timeout(millis(5_000), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }
    // Nobody waits for a body that nobody reads.
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: hub\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(millis(5_000), half.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(Limits::new(1, 1, Vec::new()).header <= Duration::from_secs(15));
    stop.cancel();
    tokio::time::timeout(millis(5_000), served).await.unwrap().unwrap();
}
