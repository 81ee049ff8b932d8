//! What one network address may hold before it has shown who it is.

use super::*;

over_both!(
    a_mute_enrolment_holds_a_place_for_seconds_only,
    an_address_without_places_for_handshakes_is_refused,
    a_handshake_that_is_over_gives_its_place_back,
);

/// Connects to enrol, and says nothing.
async fn knock(world: &World) -> Result<Link, CloseReason> {
    world.reach(&world.stranger()).await
}

async fn a_mute_enrolment_holds_a_place_for_seconds_only(transport: Transport) {
    let limits = Limits { enrolments_per_address: 1, count_loopback: true, ..Limits::default() };
    let world = World::over(transport, limits, None);
    let (first, second) = (knock(&world).await.unwrap(), knock(&world).await.unwrap());
    // Which of the two the hub saw first is chance.
    let (one, other) = tokio::join!(closed(first), closed(second));
    if transport == Transport::Quic {
        let mut codes = [one, other].map(|why| why.as_str());
        codes.sort_unstable();
        assert_eq!(codes, [CloseCode::Busy, CloseCode::Timeout].map(CloseCode::as_str));
    }
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let answer = world.enrol(&request(&Key::generate().unwrap(), SECRET)).await;
    assert!(matches!(answer, Answer::Enrolled(_)));
}

async fn an_address_without_places_for_handshakes_is_refused(transport: Transport) {
    let limits = Limits { handshakes_per_address: 0, count_loopback: true, ..Limits::default() };
    let world = World::over(transport, limits, None);
    let refused = match transport {
        Transport::Quic => CloseReason::Theirs(CloseCode::Busy),
        Transport::Tcp => CloseReason::Lost,
    };
    assert_eq!(knock(&world).await.err(), Some(refused));
    // This machine itself is not counted otherwise.
    let world = World::over(transport, Limits { count_loopback: false, ..limits }, None);
    assert!(knock(&world).await.is_ok());
}

async fn a_handshake_that_is_over_gives_its_place_back(transport: Transport) {
    let limits = Limits { handshakes_per_address: 1, count_loopback: true, ..Limits::default() };
    let mut world = World::over(transport, limits, None);
    let mut links = Vec::new();
    for _ in 0..3 {
        links.push(world.in_session(&Key::generate().unwrap()).await);
    }
}
