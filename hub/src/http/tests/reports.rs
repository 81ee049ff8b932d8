//! Who may have returns, sizes, coverage and reports, and in which forms.

use msap_shared::document::DocKind;

use super::*;

/// The days of November that are over whenever this runs.
const UNTIL_THEN: &str = "from=2026-11-01&to=2026-11-21";

impl Hub {
    async fn plain(
        &self,
        token: &str,
        address: &str,
        headers: &[(&str, &str)],
    ) -> (u16, axum::http::HeaderMap, String) {
        let mut request = Request::get(address).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = self.send(request.body(Body::empty()).unwrap()).await;
        (status.as_u16(), headers, String::from_utf8(body).unwrap())
    }
}

#[tokio::test]
async fn a_partner_has_its_own_return_the_national_cell_all_and_nobody_else_any() {
    let hub = hub();
    let month = crate::ask::today(Timestamp::now()).month();
    let so_far = format!("/v1/operators/CNAF/return?month={month}&so_far=true");
    for (token, address, status) in [
        ("national", so_far.as_str(), 200),
        ("operator", so_far.as_str(), 403),
        ("national", "/v1/operators/CNAF/return?month=2026-10", 200),
        ("national", "/v1/operators/cnaf/return?month=2026-10", 200),
        ("operator", "/v1/operators/CNAF/return?month=2026-10", 200),
        ("operator", "/v1/operators/CNAF/return?month=2026-10&as_of=2026-11-10", 403),
        ("operator", "/v1/operators/MSA/return?month=2026-10", 403),
        ("department", "/v1/operators/CNAF/return?month=2026-10", 403),
        ("region", "/v1/operators/CNAF/return?month=2026-10", 403),
        ("house", "/v1/operators/CNAF/return?month=2026-10", 403),
        ("national", "/v1/operators/NOBODY/return?month=2026-10", 404),
        ("national", "/v1/operators/CNAF/return", 422),
        ("national", "/v1/operators/CNAF/return?month=2099-01&so_far=true", 422),
        ("national", "/v1/operators/CNAF/return?month=2026-10&months=1", 400),
    ] {
        let (found, _, body) = hub.plain(token, address, &[]).await;
        assert_eq!(found, status, "{token} {address}: {body}");
    }
}

#[tokio::test]
async fn whoever_may_not_have_a_return_or_coverage_is_told_what_to_ask() {
    let hub = hub();
    for (token, address, expected) in [
        ("department", "/v1/operators/MSA/return?month=2026-10", "demandez /v1/visits?operator=MSA&department=49"),
        ("operator", "/v1/operators/MSA/return?month=2026-10", "demandez /v1/operators/CNAF/return"),
        (
            "operator",
            "/v1/operators/CNAF/return?month=2026-10&as_of=2026-11-10",
            "as_of est réservé au niveau national",
        ),
        ("operator", "/v1/coverage", "par exemple avec operator=CNAF"),
        ("department", "/v1/coverage?operator=CNAF", "par exemple avec department=49"),
    ] {
        let (status, _, body) = hub.plain(token, address, &[]).await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        let scope = TOKENS.iter().find(|(id, ..)| *id == token).unwrap().1;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 403 && detail.contains(expected) && detail.contains(scope), "{address}: {detail}");
    }
}

#[tokio::test]
async fn a_return_is_a_french_table_unless_another_form_is_asked_for() {
    let hub = hub();
    let address = "/v1/operators/CNAF/return?month=2026-10";
    let (_, headers, french) = hub.plain("operator", address, &[]).await;
    assert!(french.starts_with("\u{feff}partenaire;"), "{french}");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"releve-CNAF-2026-10.csv\"");
    let tag = headers["etag"].to_str().unwrap();
    let known = hub.plain("operator", address, &[("if-none-match", tag)]).await;
    assert_eq!((known.0, known.2.as_str()), (304, ""));
    let (_, _, csv) = hub.plain("operator", address, &[("accept", "text/csv")]).await;
    assert!(csv.starts_with("operator,operator_name,month,"), "{csv}");
    let (_, _, json) = hub.plain("operator", address, &[("accept", "application/json")]).await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["operator"], "CNAF");
}

#[tokio::test]
async fn sizes_and_coverage_are_told_within_the_scope() {
    let hub = hub();
    hub.say("275", DocKind::Partners, &[("presence|CNAF", "reachable|3230||2026-11-02")]);
    for (token, address, status) in [
        ("national", "/v1/network", 200),
        ("national", "/v1/network?by=month,department&format=csv-fr", 200),
        ("department", "/v1/network", 403),
        ("department", "/v1/network?department=49&by=bearer", 200),
        ("department", "/v1/network?department=61", 403),
        ("region", "/v1/network?region=52", 200),
        ("operator", "/v1/network", 403),
        ("national", "/v1/network?by=site", 422),
        ("national", "/v1/network?departement=49", 400),
        ("national", "/v1/coverage?operator=CNAF", 200),
        ("national", "/v1/coverage", 200),
        ("operator", "/v1/coverage?operator=CNAF", 200),
        ("operator", "/v1/coverage?operator=CNAF,MSA", 403),
        ("operator", "/v1/coverage", 403),
        ("department", "/v1/coverage?operator=CNAF", 403),
        ("department", "/v1/coverage?department=49&by=department", 200),
        ("house", "/v1/coverage?site=361", 200),
        ("house", "/v1/coverage?site=275", 403),
        ("national", "/v1/coverage?operator=caf", 422),
        ("national", "/v1/coverage?by=month", 422),
    ] {
        let (found, _, body) = hub.plain(token, address, &[]).await;
        assert_eq!(found, status, "{token} {address}: {body}");
    }
    let (_, body) = hub.get("department", "/v1/coverage?department=49").await;
    assert_eq!((&body["sites"][0]["site"], &body["sites"][0]["state"]), (&"275".into(), &"reachable".into()));
    let (_, body) = hub.get("national", "/v1/network?by=department").await;
    assert_eq!(body["rows"][1]["department"], "61");
    assert_eq!((&body["rows"][1]["houses"]["open"], &body["rows"][1]["antennas"]["open"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn small_ages_of_a_report_are_read_once_the_journal_says_by_whom() {
    let hub = hub();
    for _ in 0..2 {
        assert_eq!(hub.plain("house", &format!("/v1/sites/361/report?{UNTIL_THEN}&format=text"), &[]).await.0, 200);
    }
    // Without a figure that is small.
    assert_eq!(hub.plain("house", "/v1/sites/361/report?from=2026-01-01&to=2026-01-31", &[]).await.0, 200);
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    let lines = crate::store::journal::list(&conn, 0, 100).unwrap();
    let read: Vec<_> = lines.iter().filter(|line| line.action == "read.small_cells").collect();
    let [line] = &read[..] else { panic!("{lines:?}") };
    assert_eq!((line.subject.as_str(), line.detail.contains("scope=site:361")), ("report:361", true));
}

#[tokio::test]
async fn a_report_is_for_whoever_sees_the_site_and_all_that_is_attached_to_it() {
    let hub = hub();
    let period = UNTIL_THEN;
    for (token, address, status) in [
        ("national", "/v1/sites/361/report", 200),
        ("house", "/v1/sites/361/report?antennas=apart", 200),
        ("house", "/v1/sites/275/report", 403),
        ("antenna", "/v1/sites/361/report", 403),
        ("antenna", "/v1/sites/597/report", 200),
        ("department", "/v1/sites/fs-275/report", 200),
        ("operator", "/v1/sites/275/report", 403),
        ("national", "/v1/sites/999/report", 404),
        ("national", "/v1/sites/361/report?antennas=together", 422),
        ("national", "/v1/sites/361/report?from=2026-01-01", 400),
    ] {
        let (found, _, body) = hub.plain(token, address, &[]).await;
        assert_eq!(found, status, "{token} {address}: {body}");
    }
    let (_, body) = hub.get("house", &format!("/v1/sites/361/report?{period}&antennas=apart")).await;
    assert_eq!(body["whole"]["total"]["visits"], 4);
    assert_eq!(body["sites"][1]["total"]["visits"], 1);
    let (_, headers, text) = hub.plain("house", &format!("/v1/sites/361/report?{period}&format=text"), &[]).await;
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert!(text.starts_with("Perseigne (361)\nRapport du 1er novembre 2026"), "{text}");
    let (known, address) =
        ([("if-none-match", headers["etag"].to_str().unwrap())], format!("/v1/sites/361/report?{period}"));
    let (status, again, body) = hub.plain("house", &format!("{address}&format=text"), &known).await;
    assert_eq!((status, body.as_str(), &again["etag"]), (304, "", &headers["etag"]));
    let (status, json, _) = hub.plain("house", &address, &known).await;
    assert_eq!((status, &json["content-type"]), (200, &"application/json".parse().unwrap()));
    // An antenna in the next department.
    hub.write("UPDATE site_span SET department = '72', region = '52' WHERE site = '597'");
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    let token = "UPDATE token SET scope = 'department:61' WHERE id = 'department'";
    conn.execute_batch(token).unwrap();
    let (status, body) = hub.get("department", "/v1/sites/361/report").await;
    assert_eq!(status, 403);
    assert!(body["detail"].as_str().unwrap().ends_with("ajoutez antennas=none"), "{body}");
    assert_eq!(hub.plain("department", "/v1/sites/361/report?antennas=none", &[]).await.0, 200);
}
