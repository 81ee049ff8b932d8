//! What one network address may hold before it has shown who it is.

use super::*;

/// Connects to enrol, and says nothing.
async fn knock(world: &World) -> Result<(Endpoint, Connection), CloseReason> {
    let tls = tls::enrolling(world.keys.ca_hash()).unwrap();
    quic::connect(&world.address, &quic::client(tls).unwrap()).await
}

async fn closed(connection: &Connection) -> CloseReason {
    let closed = tokio::time::timeout(Duration::from_secs(6), connection.closed());
    quic::reason(&closed.await.unwrap())
}

#[tokio::test]
async fn a_mute_enrolment_holds_a_place_for_seconds_only() {
    let limits = Limits { enrolments_per_address: 1, count_loopback: true, ..Limits::default() };
    let world = World::new(limits, None);
    let (_mute, first) = knock(&world).await.unwrap();
    let (_surplus, second) = knock(&world).await.unwrap();
    // Which of the two the hub saw first is chance.
    let (one, other) = tokio::join!(closed(&first), closed(&second));
    let mut codes = [one, other].map(|why| why.as_str());
    codes.sort_unstable();
    let mut expected = [CloseCode::Busy, CloseCode::Timeout].map(|code| CloseReason::Theirs(code).as_str());
    expected.sort_unstable();
    assert_eq!(codes, expected);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let answer = world.enrol(&request(&Key::generate().unwrap(), SECRET)).await;
    assert!(matches!(answer, Answer::Enrolled(_)));
}

#[tokio::test]
async fn an_address_without_places_for_handshakes_is_refused() {
    let limits = Limits { handshakes_per_address: 0, count_loopback: true, ..Limits::default() };
    let world = World::new(limits, None);
    assert_eq!(knock(&world).await.err(), Some(CloseReason::Theirs(CloseCode::Busy)));
    // This machine itself is not counted otherwise.
    let world = World::new(Limits { count_loopback: false, ..limits }, None);
    assert!(knock(&world).await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_is_over_gives_its_place_back() {
    let world = World::new(Limits { handshakes_per_address: 1, count_loopback: true, ..Limits::default() }, None);
    let mut links = Vec::new();
    for _ in 0..3 {
        links.push(world.connect(&Key::generate().unwrap()).await);
    }
}
