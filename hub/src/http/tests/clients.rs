//! One client cannot have all connections.

use std::net::IpAddr;

use super::super::surplus::Clients;
use super::*;

async fn asked(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_client_with_too_many_connections_is_told_and_the_others_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let limits = Limits { count_loopback: true, ..Limits::new(4, 2, Vec::new()) };
    let served = tokio::spawn(serve(listener, hub().router, limits, stop.clone()));
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    // More than there are places in all: none of them holds one.
    for _ in 0..6 {
        let answer = asked(&mut TcpStream::connect(address).await.unwrap()).await;
        assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains("urn:msap:problem:too-many-connections"), "{answer}");
    }
    // What was held is served still, and its end makes room.
    assert!(asked(&mut held.remove(0)).await.starts_with("HTTP/1.1 200"));
    assert!(asked(&mut held.remove(0)).await.starts_with("HTTP/1.1 200"));
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), served).await.unwrap().unwrap();
}

#[test]
fn this_machine_and_trusted_proxies_are_not_counted_and_a_subscriber_is_one_client() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let limits = Limits::new(100, 2, vec![ip("192.0.2.1")]);
    let clients = Clients::new();
    let admitted = |text: &str, times: usize| {
        let places: Vec<_> = (0..times).map(|_| clients.admit(ip(text), &limits)).collect();
        places.iter().filter(|place| place.is_some()).count()
    };
    for free in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.1", "::ffff:192.0.2.1"] {
        assert_eq!(admitted(free, 5), 5, "{free}");
    }
    for counted in ["192.0.2.2", "2001:db8::1"] {
        assert_eq!(admitted(counted, 5), 2, "{counted}");
        assert_eq!(admitted(counted, 2), 2, "places come back");
    }
    let _held: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|text| clients.admit(ip(text), &limits)).into();
    assert!(clients.admit(ip("2001:db8::3"), &limits).is_none());
    assert!(clients.admit(ip("2001:db8:0:1::3"), &limits).is_some());
}
