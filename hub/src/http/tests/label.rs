//! Claims about `GET /v1/label`: who may ask, and what is refused by name.

use super::*;

#[tokio::test]
async fn a_label_is_read_within_a_scope() {
    let hub = hub();
    let (status, body) = hub.get("department", "/v1/label?department=49").await;
    let sites: Vec<_> = body["sites"].as_array().unwrap().iter().map(|site| site["site"].clone()).collect();
    assert_eq!((status, sites), (200, vec!["275".into()]), "houses only: {body}");
    assert!(body["note"]["fr"].as_str().unwrap().contains("jamais une décision automatique"));
    assert_eq!(body["sites"][0]["checks"].as_array().unwrap().len(), 6);
    for (token, query, status) in [
        ("department", "", 403),
        ("department", "department=61", 403),
        ("region", "region=52&state=unknown,not_met", 200),
        ("house", "site=361", 200),
        ("house", "site=275", 403),
        ("antenna", "site=597", 200),
        ("operator", "", 403),
        ("national", "check=hours&state=unknown", 200),
    ] {
        assert_eq!(hub.get(token, &format!("/v1/label?{query}")).await.0, status, "{token} {query}");
    }
    for (query, status, parameter) in [
        ("state=bad", 422, "state"),
        ("check=heures", 422, "check"),
        ("etat=met", 400, "etat"),
        ("operator=CNAF", 400, "operator"),
        ("site=999", 422, "site"),
    ] {
        let (found, body) = hub.get("national", &format!("/v1/label?{query}")).await;
        assert_eq!((found, body["parameter"].as_str()), (status, Some(parameter)), "{query}");
    }
    // Page by page, with the numbers of all houses on each.
    let (_, first) = hub.get("national", "/v1/label?limit=1").await;
    let (_, second) =
        hub.get("national", &format!("/v1/label?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&first["sites"][0]["site"], &second["sites"][0]["site"]), (&"275".into(), &"361".into()));
    assert_eq!((first["sites"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
    let of_all =
        |page: &Value| page["numbers"]["overall"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!([of_all(&first), of_all(&second)], [2, 2]);
    // A table has them all.
    for (query, rows, leads_on) in [("format=csv", 2, false), ("format=csv&limit=1", 1, true), ("limit=1", 0, true)] {
        let request = Request::get(format!("/v1/label?{query}")).header("authorization", "Bearer national");
        let (_, headers, body) = hub.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(headers.contains_key("link"), leads_on, "{query}");
        assert_eq!(body.split(|byte| *byte == b'\n').count().saturating_sub(2), rows, "{query}");
    }
    let request = Request::get("/v1/label?check=hours&format=csv&site=275");
    let request = request.header("authorization", "Bearer national").body(Body::empty()).unwrap();
    let (_, headers, csv) = hub.send(request).await;
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"label-20"));
    assert!(headers.contains_key("etag"));
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("site,site_name,department,life,overall,since,hours,weekly_minutes,"), "{csv}");
}
