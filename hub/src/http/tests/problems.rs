//! Whatever goes wrong is told as a problem that names what it is about.

use super::*;

/// What is sent.
fn request(method: &str, target: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(target).header("authorization", "Bearer admin")
}

#[tokio::test]
async fn every_mistake_of_a_request_is_a_problem_that_names_it() {
    let hub = hub();
    let bare = |method: &str, target: &str| request(method, target).body(Body::empty()).unwrap();
    let with =
        |target: &str, name: &str, value: &str| request("GET", target).header(name, value).body(Body::empty()).unwrap();
    let put = |kind: &str, body: &str| {
        let request = request("PUT", "/v1/closures").header("content-type", kind);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let long = "a".repeat(super::super::door::ADDRESS_LEN_MAX);
    let wide = "a".repeat(super::super::door::HEADERS_LEN_MAX);
    let heavy = format!("\"{}\"", "a".repeat(super::super::api::BODY_LEN_MAX));
    for (request, status, kind, about) in [
        (bare("GET", "/nothing"), 404, "not-found", None),
        (bare("GET", "/v1/nothing"), 404, "not-found", None),
        (bare("GET", "/v1/sites/999"), 404, "not-found", None),
        (bare("POST", "/v1/visits"), 405, "method", None),
        (bare("DELETE", "/healthz"), 405, "method", None),
        (bare("GET", "/v1/visits?departement=49"), 400, "unknown-parameter", Some(("parameter", "departement"))),
        (bare("GET", "/v1/session?x=1"), 400, "unknown-parameter", Some(("parameter", "x"))),
        (bare("DELETE", "/v1/closures/a?x=1"), 400, "unknown-parameter", Some(("parameter", "x"))),
        (bare("GET", "/v1/visits?site=275&site=361"), 400, "repeated-parameter", Some(("parameter", "site"))),
        (bare("GET", "/v1/visits?from=2026-11-01"), 400, "missing-parameter", Some(("parameter", "to"))),
        (bare("GET", "/v1/visits?by=%"), 400, "address", Some(("parameter", "by"))),
        (bare("GET", "/v1/visits?by=%zz"), 400, "address", Some(("parameter", "by"))),
        (bare("GET", "/v1/visits?site=%ff"), 400, "address", Some(("parameter", "site"))),
        (bare("GET", "/v1/sites/%ff"), 400, "address", None),
        (bare("GET", "/v1/sites/%4"), 400, "address", None),
        (bare("PATCH", "/v1/sites/275/partners/%ff"), 400, "address", None),
        (bare("GET", "/v1/visits?department=00"), 422, "parameter-value", Some(("parameter", "department"))),
        (bare("GET", &format!("/v1/visits?site={long}")), 414, "address-too-long", None),
        (with("/v1/visits", "x-more", &wide), 431, "headers-too-long", None),
        (with("/v1/visits", "accept", "application/xml"), 406, "not-acceptable", None),
        (with("/v1/sites/275", "accept", "text/csv"), 406, "not-acceptable", None),
        (with("/v1/sites/275/schedule.ics", "accept", "application/json"), 406, "not-acceptable", None),
        (put("text/plain", "{}"), 415, "media-type", None),
        (put("application/x-www-form-urlencoded", "from=2026-11-01"), 415, "media-type", None),
        (put("application/json", &heavy), 413, "body-too-large", None),
        (put("application/json", "{"), 400, "body", None),
        (put("application/json", "[]"), 400, "body", None),
        (put("application/json", "{}"), 422, "field", Some(("field", "from"))),
        (put("application/json", r#"{"odd":1}"#), 422, "field", Some(("field", "from"))),
    ] {
        let (method, uri) = (request.method().clone(), request.uri().to_string());
        let (found, headers, body) = hub.send(request).await;
        let uri: String = uri.chars().take(80).collect();
        assert_eq!(found, status, "{method} {uri}: {}", String::from_utf8_lossy(&body));
        assert_eq!(headers["content-type"], "application/problem+json", "{method} {uri}");
        assert!(!headers.contains_key("etag") && headers["cache-control"] == "no-store", "{method} {uri}");
        assert_eq!(headers.contains_key("allow"), status == 405, "{method} {uri}: {headers:?}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], format!("urn:msap:problem:{kind}"), "{method} {uri}");
        assert_eq!(problem["status"], status);
        assert!(["title", "detail"].iter().all(|field| !problem[field].as_str().unwrap().is_empty()), "{problem}");
        match about {
            Some((name, value)) => assert_eq!(problem[name], value, "{method} {uri}"),
            None => assert!(problem.get("parameter").is_none() && problem.get("field").is_none(), "{problem}"),
        }
    }
    // At the bounds all is well.
    let body = format!("\"{}\"", "a".repeat(super::super::api::BODY_LEN_MAX - 2));
    let (found, ..) = hub.send(put("application/json; charset=utf-8", &body)).await;
    assert_eq!(found, 400, "a text is no object, but it was read");
}

#[tokio::test]
async fn an_address_tells_which_methods_it_takes() {
    let hub = hub();
    for (target, allowed) in [
        ("/v1/visits", vec!["GET", "HEAD"]),
        ("/v1/closures", vec!["GET", "HEAD", "PUT"]),
        ("/v1/session", vec!["DELETE", "GET", "HEAD", "POST"]),
        ("/docs", vec!["GET", "HEAD"]),
    ] {
        let (status, headers, _) = hub.send(request("TRACE", target).body(Body::empty()).unwrap()).await;
        let mut named: Vec<_> = headers["allow"].to_str().unwrap().split(',').map(str::trim).collect();
        named.sort_unstable();
        assert_eq!((status.as_u16(), named), (405, allowed), "{target}");
    }
}

#[tokio::test]
async fn a_handler_that_panics_answers_with_a_problem() {
    let panics = axum::routing::get(async || -> &'static str { panic!("a planted fault") });
    let router = Router::new().route("/panics", panics);
    let hub = Hub { router: super::super::api::guarded(router), ..hub() };
    let (status, body) = hub.get("admin", "/panics").await;
    assert_eq!((status, body["type"].as_str()), (500, Some("urn:msap:problem:internal")));
    assert!(!body.to_string().contains("planted"), "{body}");
}
