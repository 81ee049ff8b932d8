//! Who may what: every address, asked by every scope and role.

use std::collections::BTreeSet;

use super::*;

/// Scopes that have to do with site 275, and scopes that have not.
const SCOPES: [&str; 9] = [
    "national",
    "region:52",
    "department:49",
    "site:275",
    "operator:CNAF",
    "region:28",
    "department:61",
    "site:361",
    "operator:MSA",
];
const ROLES: [&str; 3] = ["reader", "coordinator", "admin"];

const NONE: &str = "33333 3333";
const ALL: &str = "22222 2222";
const CLOSE: &str = r#"{"from":"2026-12-24","reason":"works","label":"travaux","scope":"department:49"}"#;
const ABSENT: &str = r#"{"mode":"absent"}"#;
const CLOSED: &str = r#"{"from":"2026-12-24","reason":"works"}"#;

/// A method, an address as the router has it, what is asked of it with which body, and the answer
/// to each scope in the order of [`SCOPES`], for a reader, a coordinator and an administrator:
/// 2 for 200, 3 for 403, 4 for 404, 0 for 400.
type Line = (&'static str, &'static str, &'static str, &'static str, [&'static str; 3]);

const LINES: [Line; 64] = [
    ("GET", "/visits", "/visits", "", ["23333 3333"; 3]),
    ("GET", "/visits", "/visits?region=52", "", ["22333 3333"; 3]),
    ("GET", "/visits", "/visits?department=49", "", ["22233 3333"; 3]),
    ("GET", "/visits", "/visits?site=275", "", ["22223 3333"; 3]),
    ("GET", "/visits", "/visits?site=597", "", ["23333 2223"; 3]),
    ("GET", "/visits", "/visits?operator=CNAF&from=2026-10-01&to=2026-10-31", "", ["23332 3333"; 3]),
    ("GET", "/completeness", "/completeness", "", ["23333 3333"; 3]),
    ("GET", "/completeness", "/completeness?department=49", "", ["22233 3333"; 3]),
    ("GET", "/completeness", "/completeness?site=275", "", ["22223 3333"; 3]),
    ("GET", "/fleet", "/fleet", "", ["23333 3333"; 3]),
    ("GET", "/fleet", "/fleet?department=49", "", ["22233 3333"; 3]),
    ("GET", "/label", "/label", "", ["23333 3333"; 3]),
    ("GET", "/label", "/label?department=49", "", ["22233 3333"; 3]),
    ("GET", "/network", "/network", "", ["23333 3333"; 3]),
    ("GET", "/network", "/network?region=52", "", ["22333 3333"; 3]),
    ("GET", "/network", "/network?department=49", "", ["22233 3333"; 3]),
    ("GET", "/coverage", "/coverage", "", ["23333 3333"; 3]),
    ("GET", "/coverage", "/coverage?site=275", "", ["22223 3333"; 3]),
    ("GET", "/coverage", "/coverage?operator=CNAF", "", ["23332 3333"; 3]),
    ("GET", "/operators/{code}/return", "/operators/CNAF/return?month=2026-10", "", ["23332 3333"; 3]),
    ("GET", "/operators/{code}/return", "/operators/NOBODY/return?month=2026-10", "", ["44444 4444"; 3]),
    ("GET", "/sites", "/sites", "", ["23333 3333"; 3]),
    ("GET", "/sites", "/sites?department=49", "", ["22233 3333"; 3]),
    ("GET", "/sites/{id}", "/sites/275", "", ["22223 3333"; 3]),
    ("GET", "/sites/{id}", "/sites/fs-275", "", ["22223 3333"; 3]),
    ("GET", "/sites/{id}", "/sites/597", "", ["23333 2223"; 3]),
    ("GET", "/sites/{id}", "/sites/999", "", ["44444 4444"; 3]),
    ("GET", "/sites/{id}/report", "/sites/275/report", "", ["22223 3333"; 3]),
    ("GET", "/sites/{id}/report", "/sites/999/report", "", ["44444 4444"; 3]),
    ("GET", "/sites/{id}/schedule", "/sites/275/schedule", "", ["22223 3333"; 3]),
    ("GET", "/sites/{id}/schedule", "/sites/999/schedule", "", ["44444 4444"; 3]),
    ("GET", "/sites/{id}/schedule.ics", "/sites/275/schedule.ics", "", ["22223 3333"; 3]),
    ("GET", "/sites/{id}/hours.osm", "/sites/275/hours.osm", "", ["22223 3333"; 3]),
    ("PUT", "/sites/{id}/closures", "/sites/275/closures", CLOSED, [NONE, "22223 3333", "22223 3333"]),
    ("PUT", "/sites/{id}/closures", "/sites/999/closures", CLOSED, [NONE, "44443 4443", "44443 4443"]),
    ("DELETE", "/sites/{id}/closures", "/sites/275/closures?from=2026-12-24", "", [NONE, "22223 3333", "22223 3333"]),
    ("GET", "/sites/{id}/partners", "/sites/275/partners", "", ["22223 3333"; 3]),
    (
        "PATCH",
        "/sites/{id}/partners/{operator}",
        "/sites/275/partners/CNAF",
        ABSENT,
        [NONE, "22223 3333", "22223 3333"],
    ),
    ("DELETE", "/sites/{id}/partners/{operator}", "/sites/275/partners/CNAF", "", [NONE, "22223 3333", "22223 3333"]),
    ("GET", "/partners", "/partners", "", ["23333 3333"; 3]),
    ("GET", "/partners", "/partners?department=49", "", ["22233 3333"; 3]),
    ("GET", "/partners", "/partners?site=275", "", ["22223 3333"; 3]),
    ("GET", "/partners", "/partners?operator=CNAF", "", ["23332 3333"; 3]),
    ("GET", "/partners.ics", "/partners.ics?operator=CNAF", "", ["23332 3333"; 3]),
    ("GET", "/closures", "/closures", "", [ALL; 3]),
    ("PUT", "/closures", "/closures", CLOSE, [NONE, "22233 3333", "22233 3333"]),
    ("DELETE", "/closures/{id}", "/closures/held", "", [NONE, "22233 3333", "22233 3333"]),
    ("DELETE", "/closures/{id}", "/closures/none", "", [NONE, "44443 4443", "44443 4443"]),
    ("GET", "/exports/visits.csv", "/exports/visits.csv", "", ["23333 3333"; 3]),
    ("GET", "/exports/visits.csv", "/exports/visits.csv?department=49", "", ["22233 3333"; 3]),
    // A partner sees months, not days.
    ("GET", "/exports/visits.csv", "/exports/visits.csv?operator=CNAF", "", ["23333 3333"; 3]),
    ("GET", "/exports/anct.csv", "/exports/anct.csv", "", ["23333 3333"; 3]),
    ("GET", "/exports/anct.csv", "/exports/anct.csv?department=49", "", ["22233 3333"; 3]),
    ("GET", "/conflicts", "/conflicts", "", [NONE, "22223 2223", "22223 2223"]),
    ("POST", "/conflicts/{id}", "/conflicts/275.none", r#"{"version":1}"#, [NONE, "44443 3333", "44443 3333"]),
    ("GET", "/flagged", "/flagged", "", [NONE, "22223 2223", "22223 2223"]),
    ("GET", "/refused", "/refused", "", [NONE, "22223 2223", "22223 2223"]),
    ("GET", "/documents", "/documents", "", [NONE, NONE, "23333 3333"]),
    ("GET", "/documents/{*id}", "/documents/site/275/visits/2026-11", "", [NONE, NONE, "23333 3333"]),
    ("GET", "/documents/{*id}", "/documents/site/999/schedule", "", [NONE, NONE, "43333 3333"]),
    ("GET", "/journal", "/journal", "", [NONE, NONE, "23333 3333"]),
    // Asked without a token, and here without anything.
    ("POST", "/session", "/session", "", ["00000 0000"; 3]),
    ("GET", "/session", "/session", "", [ALL; 3]),
    // A token is no session.
    ("DELETE", "/session", "/session", "", ["00000 0000"; 3]),
];

fn name(role: &str, scope: &str) -> String {
    format!("{role}-{scope}")
}

#[tokio::test]
async fn every_address_answers_each_scope_and_role_as_the_table_says() {
    let hub = hub();
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    for (role, scope) in ROLES.iter().flat_map(|role| SCOPES.map(|scope| (*role, scope))) {
        let name = name(role, scope);
        let values = rusqlite::params![name, token_hash(&name), scope, role];
        conn.execute("INSERT INTO token VALUES (?1, ?2, '', ?3, ?4, 4000000000, 0)", values).unwrap();
    }
    let mut wrong = Vec::new();
    for (method, _, target, body, answers) in LINES {
        for (role, expected) in ROLES.iter().zip(answers) {
            for (scope, expected) in SCOPES.iter().zip(expected.chars().filter(|c| *c != ' ')) {
                conn.execute_batch(
                    "INSERT OR REPLACE INTO network_closure VALUES ('held', 9900, 9900, 'works', 'x', 'department:49')",
                )
                .unwrap();
                let held = match method {
                    "DELETE" if target.starts_with("/sites/275/closures") => {
                        Some(Request::put("/v1/sites/275/closures").body(Body::from(CLOSED)))
                    }
                    "DELETE" if target.starts_with("/sites/275/partners") => {
                        Some(Request::patch("/v1/sites/275/partners/CNAF").body(Body::from(ABSENT)))
                    }
                    _ => None,
                };
                if let Some(held) = held {
                    let mut held = held.unwrap();
                    held.headers_mut().insert("authorization", "Bearer coordinator-national".parse().unwrap());
                    assert_eq!(hub.send(held).await.0, 200);
                }
                let request = Request::builder().method(method).uri(format!("/v1{target}"));
                let request = request.header("authorization", format!("Bearer {}", name(role, scope)));
                let (status, _, answer) = hub.send(request.body(Body::from(body)).unwrap()).await;
                let expected = match expected {
                    '2' => 200,
                    '3' => 403,
                    '4' => 404,
                    '0' => 400,
                    other => panic!("{other:?} in the table"),
                };
                if status.as_u16() != expected {
                    let answer = String::from_utf8_lossy(&answer);
                    wrong.push(format!("{method} {target} as {role} of {scope}: {status}, not {expected}: {answer}"));
                } else if expected == 403 {
                    // Whoever is turned away is told what he has, and what was asked for or needed.
                    let answer: Value = serde_json::from_slice(&answer).unwrap();
                    let (kind, detail) = (answer["type"].as_str().unwrap(), answer["detail"].as_str().unwrap());
                    let named = match kind {
                        "urn:msap:problem:outside-scope" => answer["scope"] == **scope && detail.contains(scope),
                        "urn:msap:problem:needs-role" => detail.contains("rôle"),
                        _ => false,
                    };
                    assert!(named, "{method} {target} as {role} of {scope}: {answer}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_address_has_a_line_in_the_table() {
    let listed: BTreeSet<(&str, &str)> = LINES.iter().map(|(method, path, ..)| (*method, *path)).collect();
    let addresses = api::addresses::<File>();
    let served: BTreeSet<_> = addresses.iter().map(|address| (address.method.as_str(), address.path)).collect();
    assert_eq!(listed, served);
}

#[tokio::test]
async fn nothing_is_told_without_a_token_or_a_session() {
    let hub = hub();
    for (method, _, target, body, _) in LINES.iter().filter(|line| (line.0, line.1) != ("POST", "/session")) {
        let request = Request::builder().method(*method).uri(format!("/v1{target}"));
        let (status, ..) = hub.send(request.body(Body::from(*body)).unwrap()).await;
        assert_eq!(status, 401, "{method} {target}");
    }
}

#[tokio::test]
async fn machines_are_told_one_by_one_to_whoever_runs_the_network_and_to_no_reader() {
    let hub = hub();
    hub.write("UPDATE device SET label = 'accueil de Mme Martin'");
    for (token, query, names) in [
        ("national", "", false),
        ("region", "?region=52", false),
        ("department", "?department=49", true),
        ("local-admin", "?department=49", true),
        ("admin", "", true),
    ] {
        let (status, body) = hub.get(token, &format!("/v1/fleet{query}")).await;
        let site = body["sites"].as_array().unwrap().iter().find(|site| site["id"] == "275").unwrap();
        assert_eq!((status, &site["machines"], &site["version"]), (200, &1.into(), &"0.1.0".into()), "{token}");
        assert_eq!((site["devices"].is_array(), site["devices"].is_null()), (names, !names), "{token}: {site}");
        let join = if query.is_empty() { '?' } else { '&' };
        let table = Request::get(format!("/v1/fleet{query}{join}format=csv"));
        let table = table.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        let table = String::from_utf8(hub.send(table).await.2).unwrap();
        assert!(table.contains("275,Chemillé"), "{table}");
        for text in [body.to_string(), table] {
            assert_eq!((text.contains("Martin"), text.contains("0102030405060708")), (names, names), "{token}: {text}");
        }
    }
}

#[tokio::test]
async fn whoever_asks_beyond_his_scope_is_told_what_he_has_and_what_he_asked_for() {
    let hub = hub();
    for (token, address, scope, asked) in [
        ("department", "/v1/visits?department=61", "department:49", "department:61"),
        ("department", "/v1/visits?department=49,61", "department:49", "department:49, department:61"),
        ("department", "/v1/visits", "department:49", "national"),
        ("department", "/v1/sites/361", "department:49", "site:361"),
        ("department", "/v1/sites?region=28", "department:49", "region:28"),
        ("house", "/v1/visits?site=275", "site:361", "site:275"),
        ("operator", "/v1/visits?operator=MSA&site=275", "operator:CNAF", "site:275, operator:MSA"),
        ("operator", "/v1/partners?operator=MSA", "operator:CNAF", "operator:MSA"),
        ("local-admin", "/v1/journal", "department:49", "national"),
    ] {
        let (status, body) = hub.get(token, address).await;
        assert_eq!((status, &body["type"]), (403, &"urn:msap:problem:outside-scope".into()), "{address}");
        assert_eq!((&body["scope"], &body["asked"]), (&scope.into(), &asked.into()), "{address}");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(scope) && detail.contains(asked), "{detail}");
    }
    let many: Vec<String> = (0..30).map(|_| "361".to_owned()).collect();
    let (_, body) = hub.get("department", &format!("/v1/visits?site={}", many.join(","))).await;
    assert!(body["asked"].as_str().unwrap().len() < 200, "{body}");
}

#[tokio::test]
async fn a_house_sees_its_antennas_as_of_the_day() {
    let hub = hub();
    let path = hub._dir.path().join("hub.db");
    let mut store = Store::open(path.parent().unwrap(), None, Box::new(rand::random::<[u8; 16]>)).unwrap();
    // 597 belongs to 361 until 15 November 2026, and to 275 from then on.
    let (antenna, day) = ("597".parse().unwrap(), |text: &str| text.parse::<msap_shared::time::Day>().unwrap());
    store
        .write(|conn, _| {
            let (site, _) = crate::store::sites::find(conn, &antenna)?.unwrap();
            let moved = crate::site::Site { parent: Some("275".parse().unwrap()), ..site };
            let since = crate::store::history::Since::named(day("2026-11-15"));
            crate::store::sites::put(conn, &moved, since, day("2026-11-22"))
        })
        .unwrap();
    store
        .write(|conn, _| {
            let sql = "INSERT INTO token VALUES ('other', ?1, '', 'site:275', 'reader', 4000000000, 0)";
            conn.execute(sql, [token_hash("other")]).map_err(StoreError::sqlite("a test"))
        })
        .unwrap();
    for (token, from, to, status) in [
        ("house", "2026-11-01", "2026-11-14", 200),
        ("house", "2026-11-01", "2026-11-15", 403),
        ("house", "2026-11-15", "2026-11-30", 403),
        ("other", "2026-11-01", "2026-11-14", 403),
        ("other", "2026-11-14", "2026-11-15", 403),
        ("other", "2026-11-15", "2026-11-30", 200),
    ] {
        let address = format!("/v1/visits?site=597&from={from}&to={to}");
        assert_eq!(hub.get(token, &address).await.0, status, "{token} {from} {to}");
    }
    // What a site is now belongs to its house of now.
    assert_eq!((hub.get("house", "/v1/sites/597").await.0, hub.get("other", "/v1/sites/597").await.0), (403, 200));
}
