//! Claims about what stands beside figures: of June 2020, which is over whenever this runs.

use msap_shared::document::DocKind;
use serde_json::json;

use super::*;

/// Chemillé opens on Tuesdays and joined in May 2020; it received people on two of five Tuesdays, once on
/// a Wednesday, and once too late. No Tuesday of that June may be a holiday.
fn june() -> Hub {
    let hub = hub();
    hub.say("275", DocKind::Schedule, &[("hours|2020-01-01|every|tu|-", "09:00-12:00")]);
    hub.write(
        "UPDATE device SET enrolled_day = 7440;
         INSERT INTO visits VALUES ('275', 7458, 'CNAF', 'online', '70+', 7458, 0, 1, 1),
            ('275', 7459, 'CNAF', 'online', '70+', 7459, 0, 1, 1), ('275', 7465, 'MSA', 'online', '70+', 7471, 0, 1, 1);",
    );
    hub
}

const JUNE: &str = "from=2020-06-01&to=2020-06-30";

#[tokio::test]
async fn every_figure_carries_its_completeness() {
    let hub = june();
    let (_, body) = hub.get("national", &format!("/v1/visits?{JUNE}&site=275&by=day")).await;
    assert_eq!(
        body["completeness"],
        json!({
            "expected": 5, "reported": 2, "late": 1, "missing": 3, "unexpected": 1, "rate": 0.4,
            "not_expected_count": 0, "missing_sites": [{
                "site": "275", "name": "Chemillé", "count": 3, "days": ["2020-06-16/2020-06-30"],
            }],
            "missing_sites_count": 1, "not_expected": [], "not_expected_count": 0, "more": null,
        }),
    );
    let days: Vec<_> = body["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["day"], row["expected"], row["reported"]]))
        .collect();
    assert_eq!(days, [json!(["2020-06-02", 1, 1]), json!(["2020-06-03", 0, 0]), json!(["2020-06-09", 1, 1])]);
    // Of sites and days, whatever is asked for of them.
    for query in ["operator=MSA", "help=online&age=70%2B", "by=operator", "by=month,operator"] {
        let (status, body) = hub.get("national", &format!("/v1/visits?{JUNE}&site=275&{query}")).await;
        assert_eq!((status, &body["completeness"]["reported"]), (200, &2.into()), "{query}");
        let row = &body["rows"][0];
        assert_eq!(row["expected"].as_u64(), query.contains("month").then_some(5), "{row}");
    }
    let (_, body) = hub.get("national", &format!("/v1/visits?{JUNE}")).await;
    let why: Vec<_> = body["completeness"]["not_expected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| json!([site["site"], site["reason"]]))
        .collect();
    assert_eq!(why, [json!(["361", "never_enrolled"]), json!(["597", "never_enrolled"])]);
    assert_eq!(body["completeness"]["not_expected_count"], 2);
    let (_, body) = hub.get("national", "/v1/completeness?month=2020-06").await;
    assert_eq!((&body["total"]["rate"], &body["total"]["not_expected"]), (&json!(0.4), &json!(2)), "{body}");
}

#[tokio::test]
async fn whoever_was_expected_and_said_nothing_has_a_row_where_rows_are_of_places() {
    let hub = june();
    hub.write("UPDATE visits SET day = 7500 WHERE day BETWEEN 7458 AND 7465");
    let rows = async |query: &str| {
        let (status, body) = hub.get("national", &format!("/v1/visits?{JUNE}&{query}")).await;
        assert_eq!(status, 200, "{body}");
        body["rows"].as_array().unwrap().clone()
    };
    let silent =
        json!({ "site": "275", "site_name": "Chemillé", "visits": 0, "requests": 0, "expected": 5, "reported": 0 });
    assert_eq!(rows("by=site").await, [silent]);
    assert_eq!(rows("by=region").await.len(), 1);
    assert_eq!(rows("by=department,month&operator=CNAF").await[0]["visits"], Value::Null);
    let days: Vec<_> = rows("by=day,site").await.iter().map(|row| row["day"].clone()).collect();
    assert_eq!(days, ["2020-06-02", "2020-06-09", "2020-06-16", "2020-06-23", "2020-06-30"]);
    // A silence is of no operator; and nobody can tell which time it is of but by its place.
    assert_eq!((rows("by=site,operator").await.len(), rows("by=month").await.len()), (0, 0));
}

#[tokio::test]
async fn completeness_is_asked_like_figures() {
    let hub = june();
    let (status, body) = hub.get("department", "/v1/completeness?month=2020-06&by=month,site&department=49").await;
    assert_eq!((status, &body["total"]["rate"]), (200, &json!(0.4)), "{body}");
    assert_eq!((&body["rows"][0]["site_name"], &body["rows"][0]["missing"]), (&json!("Chemillé"), &json!(3)));
    assert_eq!(hub.get("department", "/v1/completeness?month=2020-06").await.0, 403);
    assert_eq!(hub.get("operator", "/v1/completeness?month=2020-06&operator=CNAF").await.0, 200);
    for (token, query, status, parameter) in [
        ("operator", "month=2020-06&operator=CNAF&by=day", 403, "by"),
        ("national", "month=2020-13", 422, "month"),
        ("national", "month=2020-06&from=2020-06-01&to=2020-06-30", 422, "month"),
        ("national", "by=operator", 422, "by"),
        ("national", "compare=year", 400, "compare"),
        ("national", "mois=2020-06", 400, "mois"),
    ] {
        let (found, body) = hub.get(token, &format!("/v1/completeness?{query}")).await;
        assert_eq!((found, body["parameter"].as_str()), (status, Some(parameter)), "{query}");
    }
    let request = Request::get(format!("/v1/completeness?{JUNE}&by=site&format=csv&site=275"));
    let request = request.header("authorization", "Bearer national").body(Body::empty()).unwrap();
    let (_, headers, csv) = hub.send(request).await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"completude-2020-06-01-2020-06-30.csv\"");
    assert_eq!(
        String::from_utf8(csv).unwrap(),
        "site,site_name,expected,reported,late,missing,unexpected,rate,not_expected\r\n275,Chemillé,5,2,1,3,1,0.4000,0\r\n"
    );
}

#[tokio::test]
async fn an_answer_is_another_once_hours_machines_or_holidays_are() {
    let hub = june();
    let tag = async || {
        let request = Request::get(format!("/v1/visits?{JUNE}")).header("authorization", "Bearer national");
        let (_, headers, _) = hub.send(request.body(Body::empty()).unwrap()).await;
        headers["etag"].to_str().unwrap().to_owned()
    };
    let mut tags = vec![tag().await];
    let commit = "INSERT INTO mark (n, tag) SELECT max(n) + 1, 1 FROM mark;";
    for sql in [
        "INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES (x'aa', x'aa', '361', 'active', 7400)",
        "UPDATE device SET standing = 'pending' WHERE site = '275'",
        "UPDATE site SET school_zone = 'B' WHERE id = '275'",
        "UPDATE catalogue SET changes = changes + 1",
        "UPDATE site SET label_date = '2020-01-01' WHERE id = '275'",
        "UPDATE site SET commune = 'Chemillé-en-Anjou' WHERE id = '275'",
        "UPDATE site SET bearer = 'mairie' WHERE id = '275'",
        "UPDATE site_span SET parent = '275' WHERE site = '597'",
        "DELETE FROM site_span WHERE site = '597'",
        "INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
             VALUES ('site/275/visits/2020-06', '275', x'01', x'01', 1, x'00', 1, 9821)",
    ] {
        hub.write(&format!("{sql}; {commit}"));
        tags.push(tag().await);
    }
    hub.say("275", DocKind::Schedule, &[("hours|2020-01-01|every|we|-", "09:00-12:00")]);
    tags.push(tag().await);
    hub.write(commit);
    assert_eq!(Some(&tag().await), tags.last(), "a commit that touches none of it");
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 12);
}

#[tokio::test]
async fn what_is_expected_follows_hours_closures_and_the_place_of_a_site_at_once() {
    let hub = june();
    let expected = async || {
        let (_, body) = hub.get("national", &format!("/v1/completeness?{JUNE}&site=275")).await;
        body["total"]["expected"].as_u64().unwrap()
    };
    assert_eq!(expected().await, 5);
    // The 9th is a Tuesday; closures of other departments change nothing.
    let closure = |id: &str, scope: &str, from: i32| {
        format!(
            "INSERT INTO network_closure VALUES ('{id}', {from}, {from}, 'other', 'pont', '{scope}');
             UPDATE catalogue SET changes = changes + 1;"
        )
    };
    for (id, scope, from, left) in [
        ("a", "department:61", 7465, 5),
        ("b", "department:49", 7465, 4),
        ("c", "region:52", 7472, 3),
        ("d", "national", 7479, 2),
    ] {
        hub.write(&closure(id, scope, from));
        assert_eq!(expected().await, left, "{scope}");
    }
    hub.write("DELETE FROM network_closure WHERE id = 'c'; UPDATE catalogue SET changes = changes + 1;");
    assert_eq!(expected().await, 3);
    hub.write("UPDATE site SET department = '61', region = '28' WHERE id = '275'");
    assert_eq!(expected().await, 3, "the closure of the other department instead");
    hub.write("DELETE FROM network_closure WHERE id = 'a'; UPDATE catalogue SET changes = changes + 1;");
    assert_eq!(expected().await, 4);
    hub.say("275", DocKind::Schedule, &[("hours|2020-06-09|every|tu|-", "closed")]);
    assert_eq!(expected().await, 1);
}
