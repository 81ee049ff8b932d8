//! Claims about the forms of figures: tables, comparisons, days of the past, and tags.

use axum::http::HeaderMap;

use super::*;

impl Hub {
    async fn figures(&self, query: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request =
            Request::get(format!("/v1/visits?{NOVEMBER}&{query}")).header("authorization", "Bearer national");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = self.send(request.body(Body::empty()).unwrap()).await;
        (status.as_u16(), headers, String::from_utf8(body).unwrap())
    }

    pub(super) fn write(&self, sql: &str) {
        let conn = Connection::open(self._dir.path().join("hub.db")).unwrap();
        conn.execute_batch(sql).unwrap();
        crate::store::rollups::sum_anew(&conn);
        crate::store::reported::note_anew(&conn);
    }
}

#[tokio::test]
async fn figures_come_as_tables_with_stable_columns() {
    let hub = hub();
    hub.write("UPDATE site SET name = '=Chemillé' WHERE id = '275'");
    let by = "by=day,site";
    let csv = "day,site,site_name,visits,requests,expected,reported\r\n\
               2026-11-20,361,Perseigne,4,5,0,0\r\n2026-11-21,275,'=Chemillé,2,2,0,0\r\n";
    for (query, headers) in [
        (format!("{by}&format=csv"), vec![]),
        (by.to_owned(), vec![("accept", "text/csv")]),
        (by.to_owned(), vec![("accept", "text/html, text/csv;q=0.9, */*;q=0.1")]),
    ] {
        let (status, found, body) = hub.figures(&query, &headers).await;
        assert_eq!((status, body.as_str()), (200, csv), "{query}");
        assert_eq!(found["content-type"], "text/csv; charset=utf-8; header=present");
        assert_eq!(found["content-disposition"], "attachment; filename=\"visites-2026-11-01-2026-11-30.csv\"");
    }
    let (_, _, french) = hub.figures(&format!("{by}&format=csv-fr"), &[("accept", "application/json")]).await;
    let header = "\u{feff}jour;lieu;nom du lieu;visites;demandes;jours attendus;jours reçus";
    assert!(french.starts_with(&format!("{header}\r\n20/11/2026;361;Perseigne;4;5;0;0\r\n")), "{french}");
    let (_, _, total) = hub.figures("format=csv&operator=CNAF", &[]).await;
    assert_eq!(total, "visits,requests,expected,reported\r\n,6,0,0\r\n");
    // Days are of sites, not of what people ask for.
    let (_, _, matter) = hub.figures("format=csv&by=operator", &[]).await;
    assert!(matter.starts_with("operator,visits,requests\r\n"), "{matter}");
    let (_, _, json) = hub.figures(&format!("{by}&format=json"), &[("accept", "text/csv")]).await;
    assert!(serde_json::from_str::<Value>(&json).is_ok());
}

#[tokio::test]
async fn an_unknown_parameter_is_told_with_the_nearest_one() {
    let hub = hub();
    for (name, nearest) in
        [("departement", "department"), ("asof", "as_of"), ("operators", "operator"), ("helps", "help")]
    {
        let (status, _, body) = hub.figures(&format!("{name}=49"), &[]).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let found = (status, body["parameter"].as_str(), body["nearest"].as_str());
        assert_eq!(found, (400, Some(name), Some(nearest)));
        assert!(body["detail"].as_str().unwrap().contains(nearest), "{body}");
    }
    for (name, nearest) in [("dep", "department"), ("departments_of", "department"), ("fromm", "from")] {
        let (_, _, body) = hub.figures(&format!("{name}=49"), &[]).await;
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["nearest"], nearest, "{name}");
    }
    // What is near to nothing is told with all that there are.
    for name in ["x", "zz", "d", "etat", "couleur"] {
        let (status, _, body) = hub.figures(&format!("{name}=49"), &[]).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body.get("nearest")), (400, None), "{body}");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("from, to, by, site, department") && detail.contains("as_of"), "{detail}");
    }
    let (status, body) = hub.get("national", "/v1/sites/275?x=1").await;
    assert!(status == 400 && body["detail"].as_str().unwrap().ends_with("cette adresse n’en prend aucun"), "{body}");
}

#[tokio::test]
async fn an_answer_that_is_known_is_not_sent_again_until_figures_change() {
    let hub = hub();
    let (_, headers, _) = hub.figures("by=site", &[]).await;
    let tag = headers["etag"].to_str().unwrap().strip_prefix("W/").unwrap().to_owned();
    assert_eq!(
        (&headers["cache-control"], &headers["vary"]),
        (&"private, no-cache".parse().unwrap(), &"authorization, cookie, accept, accept-encoding".parse().unwrap())
    );
    let known = async |query: &str, tag: &str| {
        let (status, headers, body) = hub.figures(query, &[("if-none-match", tag)]).await;
        assert!(headers.contains_key("etag") && (status == 200 || body.is_empty()));
        status
    };
    for tag in [&tag, &format!("\"x\", W/{tag}"), "*"] {
        assert_eq!(known("by=site", tag).await, 304, "{tag}");
    }
    for other in ["by=day", "by=site&format=csv", "by=site&compare=year", "by=site&department=49"] {
        assert_eq!(known(other, &tag).await, 200, "{other}");
    }
    // Nobody is told so beyond the scope.
    let request = Request::get(format!("/v1/visits?{NOVEMBER}&by=site")).header("if-none-match", &tag);
    let refused = request.header("authorization", "Bearer department").body(Body::empty()).unwrap();
    assert_eq!(hub.send(refused).await.0, 403);
    // A commit that touches no figures leaves it, a name or a move does not.
    hub.write("INSERT INTO mark (n, tag) SELECT coalesce(max(n), 0) + 1, 1 FROM mark");
    assert_eq!(known("by=site", &tag).await, 304);
    hub.write("UPDATE site SET name = 'Chemillé-en-Anjou' WHERE id = '275'");
    assert_eq!(known("by=site", &tag).await, 200);
}

#[tokio::test]
async fn a_period_is_compared_and_nothing_to_compare_with_is_said() {
    let hub = hub();
    let received = "INSERT INTO visits VALUES
        ('275', 9790, 'CNAF', 'online', '70+', 9790, 0, 4, 4), ('275', 9790, 'MSA', 'online', '70+', 9790, 0, 1, 1)";
    hub.write(received);
    let ask = async |query: &str| {
        let (status, _, body) = hub.figures(query, &[]).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let body = ask("compare=previous&by=month,department").await;
    let days = serde_json::json!(
        { "expected": 0, "reported": 0, "late": 0, "missing": 0, "unexpected": 0, "rate": null, "not_expected": 3 });
    let compare =
        serde_json::json!({ "with": "previous", "from": "2026-10-01", "to": "2026-10-31", "completeness": days });
    assert_eq!(body["compare"], compare);
    let figure = |visits: i64, requests: i64| serde_json::json!({ "visits": visits, "requests": requests });
    assert_eq!(
        body["total"],
        serde_json::json!({
            "visits": 6, "requests": 7, "compared": figure(5, 5), "difference": figure(1, 2),
            "percent": { "visits": 20.0, "requests": 40.0 },
        })
    );
    assert_eq!(
        body["rows"],
        serde_json::json!([
            { "month": "2026-11", "department": "49", "visits": 2, "requests": 2, "compared": figure(5, 5),
              "difference": figure(-3, -3), "percent": { "visits": -60.0, "requests": -60.0 }, "expected": 0, "reported": 0 },
            { "month": "2026-11", "department": "61", "visits": 4, "requests": 5, "compared": null,
              "difference": null, "percent": null, "expected": 0, "reported": 0 },
        ])
    );
    // 21 October, beside 21 November; the row of a day with nothing now is there too.
    let rows = ask("compare=previous&by=day").await["rows"].clone();
    let days: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["day"].as_str().unwrap().to_owned()).collect();
    assert_eq!(days, ["2026-11-20", "2026-11-21"]);
    assert_eq!((&rows[0]["compared"], &rows[1]["compared"]), (&Value::Null, &figure(5, 5)));
    let gone = ask("compare=previous&by=operator").await["rows"].clone();
    assert_eq!(gone[1]["operator"], "MSA");
    assert_eq!(gone[1]["compared"], serde_json::json!({ "visits": null, "requests": 1 }));
    let body = ask("compare=year").await;
    assert_eq!(body["compare"]["from"], "2025-11-01");
    assert_eq!((&body["total"]["compared"], &body["total"]["percent"]), (&Value::Null, &Value::Null));
    let (_, _, csv) = hub.figures("compare=previous&by=department&format=csv", &[]).await;
    assert_eq!(
        csv,
        "department,visits,requests,visits_compared,requests_compared,visits_difference,requests_difference,\
         visits_percent,requests_percent,expected,reported\r\n49,2,2,5,5,-3,-3,-60.0,-60.0,0,0\r\n61,4,5,,,,,,,0,0\r\n"
    );
}

#[tokio::test]
async fn a_day_before_the_epoch_is_lost_and_a_later_one_is_told_with_what_moved_since() {
    let hub = hub();
    // The first use of a token is kept, and a first commit begins the epoch.
    hub.get("national", "/v1/sites?department=49").await;
    // The first day of the epoch is the 20th; visits of the 20th came on the 20th and the 25th.
    const NOVEMBER_2020: &str = "from=2020-11-01&to=2020-11-30";
    hub.write(
        "INSERT OR REPLACE INTO meta VALUES ('epoch_day', 7629);
         INSERT INTO visits VALUES ('361', 7629, 'CNAF', 'online', '25-39', 7629, 0, 3, 4),
                                   ('597', 7629, 'MSA', 'online', '70+', 7629, 0, 1, 1),
                                   ('361', 7629, 'CNAF', 'online', '25-39', 7634, 0, -1, -1),
                                   ('597', 7629, 'MSA', 'online', '70+', 7634, 0, 2, 3);
         INSERT INTO revision VALUES ('361', 7629, 'CNAF', 'online', '25-39', 7634, 'correction', -1, -1);
         INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day) VALUES
            ('site/361/visits/2020-11', '361', x'00', x'00', 1, x'00', 1, 7631),
            ('site/361/visits/2020-10', '361', x'00', x'00', 1, x'00', 1, 7631),
            ('site/361/visits/2020-11', '361', x'00', x'00', 2, x'00', 1, 7628);",
    );
    let (status, body) = hub.get("national", &format!("/v1/visits?{NOVEMBER_2020}&as_of=2020-11-19")).await;
    let found = (status, body["type"].as_str(), body["parameter"].as_str());
    assert_eq!(found, (409, Some("urn:msap:problem:history_lost"), Some("as_of")), "{body}");
    assert!(body["detail"].as_str().unwrap().contains("20 novembre 2020"), "{body}");
    let (status, body) =
        hub.get("national", &format!("/v1/visits?{NOVEMBER_2020}&as_of=2020-11-20&department=61")).await;
    assert_eq!((status, &body["as_of"]), (200, &"2020-11-20".into()), "{body}");
    assert_eq!(body["total"], serde_json::json!({ "visits": 4, "requests": 5 }));
    let figure = |visits: i64, requests: i64| serde_json::json!({ "visits": visits, "requests": requests });
    let moved = |cause: &str, visits: i64, requests: i64| {
        serde_json::json!(
            { "received_day": "2020-11-25", "cause": cause, "visits": visits, "requests": requests })
    };
    assert_eq!(
        body["since"],
        serde_json::json!({
            "visits": 1, "requests": 2, "late": figure(2, 3), "correction": figure(-1, -1), "settled": figure(0, 0),
            "negative": figure(0, 0), "refused": { "changes": 1 },
            "by_received_day": [moved("late", 2, 3), moved("correction", -1, -1)],
        })
    );
    // A partner could tell from two days what came on one.
    let (status, body) =
        hub.get("operator", &format!("/v1/visits?{NOVEMBER_2020}&operator=CNAF&as_of=2020-11-20")).await;
    assert_eq!((status, body["parameter"].as_str()), (403, Some("as_of")));
}

#[tokio::test]
async fn what_is_compared_with_must_lie_in_the_scope_too() {
    let hub = hub();
    hub.write(
        "UPDATE site_span SET from_day = 9801 WHERE site = '275';
         INSERT INTO site_span VALUES ('275', 0, 9800, 'open', NULL, '61', '28', '')",
    );
    for (query, expected) in [("site=275", 200), ("site=275&compare=previous", 403)] {
        let (status, _) = hub.get("department", &format!("/v1/visits?{NOVEMBER}&{query}")).await;
        assert_eq!(status, expected, "{query}");
    }
}
