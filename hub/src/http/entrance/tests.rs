//! Claims about the door.

use axum::http::HeaderValue;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn an_address_that_people_open_has_no_path_and_no_port_that_goes_without_saying() {
    for (text, shown) in [
        ("https://hub.exemple.fr", "https://hub.exemple.fr"),
        ("https://Hub.exemple.fr:443/", "https://hub.exemple.fr"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ] {
        assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), shown);
    }
    for text in ["", "hub.exemple.fr", "ftp://x", "https://", "https://x/hub", "https://u@x", "https://é", "null"] {
        assert!(text.parse::<PublicUrl>().is_err(), "{text:?}");
    }
}

#[test]
fn only_proxies_are_believed_about_who_stands_behind_them() {
    let entrance = Entrance::new(None, vec!["192.0.2.1".parse().unwrap()]);
    let client = |peer: &str, chain: &[(&'static str, &'static str)]| {
        entrance.client(Some(Peer(peer.parse().unwrap())), &headers(chain)).to_string()
    };
    const FROM: &str = "x-forwarded-for";
    for (peer, chain, found) in [
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),
        ("192.0.2.1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:192.0.2.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "invented, 198.51.100.7, 192.0.2.1", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
    ] {
        assert_eq!(client(peer, &[(FROM, chain)]), found, "{peer} {chain}");
    }
    assert_eq!(client("127.0.0.1", &[(FROM, "203.0.113.1"), (FROM, "203.0.113.2")]), "203.0.113.2");
    assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
}

#[test]
fn a_request_comes_from_an_own_page_a_foreign_one_or_does_not_say() {
    let named = Entrance::new(Some("https://hub.example.fr".parse().unwrap()), Vec::new());
    let plain = Entrance::new(None, Vec::new());
    let host = ("host", "127.0.0.1:8080");
    for (pairs, behind_tls, without) in [
        (&[host][..], Origin::Silent, Origin::Silent),
        (&[host, ("sec-fetch-site", "none")], Origin::Silent, Origin::Silent),
        (&[host, ("sec-fetch-site", "same-origin")], Origin::Own, Origin::Own),
        (&[host, ("origin", "https://hub.example.fr")], Origin::Own, Origin::Foreign),
        (&[host, ("origin", "http://127.0.0.1:8080")], Origin::Foreign, Origin::Own),
        (&[("origin", "http://127.0.0.1:8080")], Origin::Foreign, Origin::Foreign),
        (&[host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "none")], Origin::Foreign, Origin::Foreign),
        (&[host, ("origin", "http://127.0.0.1:8080"), ("origin", "null")], Origin::Foreign, Origin::Foreign),
        (&[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "x")], Origin::Foreign, Origin::Foreign),
    ] {
        assert_eq!((named.origin(&headers(pairs)), plain.origin(&headers(pairs))), (behind_tls, without), "{pairs:?}");
    }
}
