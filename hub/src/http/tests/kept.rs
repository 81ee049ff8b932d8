//! What whoever asks keeps of answers: tags, and what is sent compressed.

use axum::http::{HeaderMap, Method};

use super::super::api::described;
use super::super::describe::Operation;
use super::*;

impl Hub {
    async fn fetch(&self, target: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::get(target).header("authorization", "Bearer admin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, headers, body) = self.send(request.body(Body::empty()).unwrap()).await;
        (status.as_u16(), headers, body)
    }
}

/// Every address that is read, with names that there are.
fn views() -> Vec<String> {
    let gets = described().into_iter().filter(|(method, path, _)| *method == Method::GET && path.starts_with("/v1/"));
    // Nothing is released here; what is has a test of its own.
    let gets = gets.filter(|(_, path, _)| path != "/v1/public/{table}");
    let needed = |(_, path, operation): (_, String, &Operation)| {
        let needed = operation.parameters.iter().filter(|one| one.needed);
        let needed: Vec<_> = needed.map(|one| format!("{}={}", one.name, one.example)).collect();
        let path = path.replace("{*id}", "site/275/visits/2026-11").replace("{id}", "275").replace("{code}", "CNAF");
        if needed.is_empty() { path } else { format!("{path}?{}", needed.join("&")) }
    };
    gets.map(needed).collect()
}

#[tokio::test]
async fn every_view_has_a_tag_and_is_not_sent_again_to_whoever_has_it() {
    let hub = hub();
    for address in views() {
        let (status, headers, body) = hub.fetch(&address, &[]).await;
        assert_eq!(status, 200, "{address}");
        let tag = headers["etag"].to_str().unwrap();
        assert!(tag.starts_with("W/\"") && !body.is_empty(), "{address} {tag}");
        assert_eq!(headers["cache-control"], "private, no-cache", "{address}");
        for known in
            [tag.to_owned(), tag.strip_prefix("W/").unwrap().to_owned(), format!("\"x\", {tag}"), "*".to_owned()]
        {
            let (status, again, body) = hub.fetch(&address, &[("if-none-match", &known)]).await;
            assert_eq!((status, body.len(), &again["etag"]), (304, 0, &headers["etag"]), "{address} {known}");
            assert_eq!((&again["vary"], &again["cache-control"]), (&headers["vary"], &headers["cache-control"]));
        }
        assert_eq!(hub.fetch(&address, &[("if-none-match", "\"another\"")]).await.0, 200, "{address}");
    }
}

#[tokio::test]
async fn a_tag_goes_when_what_it_stands_for_changes_and_differs_by_form() {
    let hub = hub();
    let tag = async |address: &str| hub.fetch(address, &[]).await.1["etag"].clone();
    for (address, change) in [
        // First: it is named by commits, and there is none between these.
        ("/v1/visits?from=2026-11-01&to=2026-11-30", "UPDATE site SET name = 'C' WHERE id = '275'"),
        ("/v1/sites", "UPDATE site SET commune = 'A' WHERE id = '275'"),
        ("/v1/sites/275", "UPDATE site SET commune = 'B' WHERE id = '275'"),
        ("/v1/fleet", "UPDATE device SET label = 'accueil'"),
        ("/v1/closures", "INSERT INTO network_closure VALUES ('x', 9900, 9900, 'works', 'x', 'department:49')"),
        ("/v1/documents", "INSERT INTO document (id, name, site) VALUES (9, 'site/275/visits/2026-10', '275')"),
        ("/v1/journal", "INSERT INTO journal (at, who, action, subject, detail) VALUES (1, 'hub', 'site.set', '', '')"),
    ] {
        let before = tag(address).await;
        assert_eq!(tag(address).await, before, "{address}");
        hub.write(change);
        assert_ne!(tag(address).await, before, "{address}");
    }
    assert_ne!(tag("/v1/sites").await, tag("/v1/sites?format=csv").await);
    assert_ne!(tag("/v1/sites?format=csv").await, tag("/v1/sites?format=csv-fr").await);
}

#[tokio::test]
async fn long_answers_are_compressed_under_the_same_tag_and_short_ones_are_not() {
    let hub = hub();
    let long = "/v1/sites";
    let (_, plain, body) = hub.fetch(long, &[]).await;
    assert!(!plain.contains_key("content-encoding") && body.len() > 1_024, "{}", body.len());
    for encoding in ["gzip", "br"] {
        let (status, headers, packed) = hub.fetch(long, &[("accept-encoding", encoding)]).await;
        assert_eq!((status, &headers["content-encoding"]), (200, &encoding.parse().unwrap()));
        assert!(packed.len() < body.len() / 2, "{encoding}: {} of {}", packed.len(), body.len());
        let vary: Vec<_> = headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(", ").contains("accept-encoding"), "{vary:?}");
        // One tag for all encodings is a weak one.
        assert_eq!(headers["etag"], plain["etag"]);
        let tag = headers["etag"].to_str().unwrap();
        let (status, _, rest) = hub.fetch(long, &[("accept-encoding", encoding), ("if-none-match", tag)]).await;
        assert_eq!((status, rest.len()), (304, 0));
    }
    let short = hub.fetch("/v1/closures", &[("accept-encoding", "gzip, br")]).await;
    assert!(!short.1.contains_key("content-encoding"));
    let raw = hub.fetch("/v1/documents/site/275/visits/2026-11", &[("accept-encoding", "gzip")]).await;
    assert!(!raw.1.contains_key("content-encoding"), "documents are compressed in themselves");
}
