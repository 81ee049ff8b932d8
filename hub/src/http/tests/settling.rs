//! Claims about the lists of what wants a person.

use super::*;

/// Three flagged facts and two refusals, at 275 and 361.
fn filled() -> Hub {
    let hub = hub();
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    conn.execute_batch(
        "INSERT INTO document (id, name, site) VALUES (2, 'site/361/visits/2026-11', '361');
         INSERT INTO fact VALUES (1, x'0000000000000001', 0, 20, '1|ODD|online|70+|1', 0),
           (1, x'0000000000000002', 0, 21, '100|CNAF|online|70+|1', 0),
           (2, x'0000000000000003', 0, 21, '1|ODD|online|70+|1', 0);
         INSERT INTO flagged VALUES (1, x'0000000000000001', 'operator', ''), (1, x'0000000000000002', 'count', ''),
           (2, x'0000000000000003', 'operator', ''), (2, x'0000000000000003', 'day', ''),
           (2, x'0000000000000004', 'day', 'count');
         INSERT INTO refusal VALUES
           (1, 'site/275/visits/2026-11', '275', x'0102030405060708', zeroblob(16), 1, x'00', 4, 9821, 0),
           (2, 'site/361/visits/2026-11', '361', x'0102030405060708', zeroblob(16), 2, x'01', 2, 9821, 0),
           (3, 'site/361/visits/2026-11', '361', x'0102030405060708', zeroblob(16), 3, x'02', 2, 9821, 1)",
    )
    .unwrap();
    for scope in ["national", "region:28", "site:361", "site:597", "operator:CNAF"] {
        let values = rusqlite::params![format!("c-{scope}"), token_hash(&format!("c-{scope}")), scope];
        let sql = "INSERT INTO token VALUES (?1, ?2, '', ?3, 'coordinator', 4000000000, 0)";
        conn.execute(sql, values).unwrap();
    }
    hub
}

fn sites(body: &Value, list: &str) -> Vec<String> {
    let rows = body[list].as_array().unwrap();
    rows.iter().map(|row| row["site"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_token_sees_what_wants_a_person_within_its_scope() {
    let hub = filled();
    for (token, flagged, refused) in [
        ("c-national", vec!["275", "275", "361"], vec!["361", "275"]),
        ("admin", vec!["275", "275", "361"], vec!["361", "275"]),
        ("department", vec!["275", "275"], vec!["275"]),
        ("c-region:28", vec!["361"], vec!["361"]),
        ("c-site:361", vec!["361"], vec!["361"]),
        ("c-site:597", vec![], vec![]),
    ] {
        let (status, body) = hub.get(token, "/v1/flagged").await;
        assert_eq!(
            (status, sites(&body, "flagged")),
            (200, flagged.iter().map(ToString::to_string).collect()),
            "{token}"
        );
        let (status, body) = hub.get(token, "/v1/refused").await;
        assert_eq!(
            (status, sites(&body, "refused")),
            (200, refused.iter().map(ToString::to_string).collect()),
            "{token}"
        );
    }
    for token in ["national", "house", "operator", "c-operator:CNAF"] {
        for address in ["/v1/flagged", "/v1/refused"] {
            assert_eq!(hub.get(token, address).await.0, 403, "{token} {address}");
        }
    }
}

#[tokio::test]
async fn what_wants_a_person_is_filtered_and_listed_page_by_page() {
    let hub = filled();
    let (_, whole) = hub.get("admin", "/v1/flagged").await;
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, body) = hub.get("admin", &format!("/v1/flagged?limit=1{cursor}")).await;
        assert_eq!(status, 200);
        pages.extend(body["flagged"].as_array().unwrap().clone());
        let Some(next) = body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(&Value::from(pages), &whole["flagged"]);
    let last = &whole["flagged"][2];
    assert_eq!((&last["reason"], &last["date"]), (&"day,operator".into(), &"2026-11-21".into()));
    let (_, body) = hub.get("admin", "/v1/refused?limit=1").await;
    let next = body["next"].as_str().unwrap();
    let (_, rest) = hub.get("admin", &format!("/v1/refused?limit=1&cursor={next}")).await;
    assert_eq!(
        (&body["refused"][0]["id"], &rest["refused"][0]["id"], &rest["next"]),
        (&2.into(), &1.into(), &Value::Null)
    );
    for (query, count) in [("reason=operator", 2), ("reason=day", 1), ("site=fs-275", 2), ("site=597", 0)] {
        let (_, body) = hub.get("admin", &format!("/v1/flagged?{query}")).await;
        assert_eq!(body["flagged"].as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(sites(&hub.get("admin", "/v1/refused?site=fs-275").await.1, "refused"), ["275"]);
    for (address, expected, parameter) in [
        ("/v1/flagged?reason=odd", 422, "reason"),
        ("/v1/flagged?site=999", 422, "site"),
        ("/v1/flagged?cursor=eA", 400, "cursor"),
        ("/v1/refused?cursor=eA", 400, "cursor"),
        ("/v1/refused?limit=0", 422, "limit"),
    ] {
        let (status, body) = hub.get("admin", address).await;
        assert_eq!((status, body["parameter"].as_str()), (expected, Some(parameter)), "{address}");
    }
    assert_eq!(hub.get("admin", "/v1/refused?reason=hash").await.0, 400);
}
