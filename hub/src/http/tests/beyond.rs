//! Claims about questions that go beyond a token, and about addresses that are no text.

use super::*;

const OCTOBER: &str = "from=2026-10-01&to=2026-10-31";

#[tokio::test]
async fn a_partner_sees_its_requests_by_month_and_nothing_that_tells_who_came() {
    let hub = hub();
    for query in [
        "by=month,site",
        "by=department,help",
        "by=bearer",
        "by=help,department",
        "help=online&department=49",
        "site=275",
        "bearer=mairie",
    ] {
        let (status, body) = hub.get("operator", &format!("/v1/visits?{OCTOBER}&operator=CNAF&{query}")).await;
        assert_eq!(status, 200, "{query}: {body}");
    }
    for (query, parameter) in [
        ("from=2026-10-01&to=2026-10-31&by=day", "by"),
        ("from=2026-10-01&to=2026-10-31&by=month,age", "by"),
        ("from=2026-10-01&to=2026-10-31&age=70%2B", "age"),
        ("from=2026-10-02&to=2026-10-31", "from"),
        ("from=2026-10-01&to=2026-10-30", "to"),
        ("from=2026-10-20&to=2026-10-20", "from"),
        // The month that goes on, and one to come.
        ("", "to"),
        ("from=2098-01-01&to=2098-01-31", "to"),
        ("from=2026-10-01&to=2026-10-31&by=help,site", "by"),
        ("from=2026-10-01&to=2026-10-31&by=help&site=275", "by"),
        ("from=2026-10-01&to=2026-10-31&by=help,bearer", "by"),
        ("from=2026-10-01&to=2026-10-31&help=online&site=275", "help"),
        ("from=2026-10-01&to=2026-10-31&help=online&bearer=mairie", "help"),
        ("from=2026-10-01&to=2026-10-31&help=online&by=site", "help"),
    ] {
        let (status, body) = hub.get("operator", &format!("/v1/visits?{query}&operator=CNAF").replace("?&", "?")).await;
        assert_eq!((status, body["parameter"].as_str()), (403, Some(parameter)), "{query}: {body}");
        assert!(body["detail"].as_str().unwrap().contains("operator:CNAF"), "{body}");
    }
    let everything = format!("/v1/visits?{NOVEMBER}&operator=CNAF&by=day,site,help,age");
    assert_eq!(hub.get("department", &format!("{everything}&department=49")).await.0, 200);
}

#[tokio::test]
async fn a_house_does_not_bring_an_antenna_from_outside_the_scope() {
    let hub = hub();
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    let antenna = "INSERT INTO site (id, name, kind, parent, department, region, timezone)
        VALUES ('700', 'Antenne', 'antenna', '275', '61', '28', 'Europe/Paris')";
    conn.execute_batch(antenna).unwrap();
    for token in ["department", "region"] {
        for query in ["site=275", "site=fs-275&by=site"] {
            let (status, body) = hub.get(token, &format!("/v1/visits?{query}")).await;
            assert_eq!((status, body["parameter"].as_str()), (403, Some("site")), "{token} {query}");
            assert!(body["detail"].as_str().unwrap().contains("antennas=apart"), "{body}");
        }
        for query in ["site=275&antennas=apart", "department=49&site=275", "department=49"] {
            assert_eq!(hub.get(token, &format!("/v1/visits?{query}")).await.0, 200, "{token} {query}");
        }
        assert_eq!(hub.get(token, "/v1/visits?site=275,361").await.1["parameter"], Value::Null, "{token}");
    }
    let moved = "UPDATE site_span SET department = '49', region = '52' WHERE site = '700'";
    conn.execute_batch(moved).unwrap();
    assert_eq!(hub.get("department", "/v1/visits?site=275").await.0, 200);
}

#[tokio::test]
async fn a_name_that_is_no_text_is_a_problem_like_any_other() {
    let hub = hub();
    for address in ["/v1/sites/%FF", "/v1/documents/%FF", "/v1/documents/site/%C3%28"] {
        let (status, body) = hub.get("admin", address).await;
        assert_eq!((status, &body["type"]), (400, &"urn:msap:problem:address".into()), "{address}");
    }
}
