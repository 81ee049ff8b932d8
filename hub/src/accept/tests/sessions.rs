//! Sessions, from the first frame to the end.

use super::*;

over_both!(
    frames_of_a_session_reach_the_core_and_its_answers_the_device,
    bad_bytes_end_only_the_connection_they_came_on,
    a_session_without_a_certificate_does_not_begin,
    a_device_the_core_turns_away_learns_why,
    a_cut_ends_a_session_whose_queue_is_full,
    connections_are_limited_for_each_device,
    a_stop_tells_every_device_and_the_core,
    a_session_that_is_cut_for_lack_of_room_learns_within_what_time_to_come_back,
);

async fn frames_of_a_session_reach_the_core_and_its_answers_the_device(transport: Transport) {
    let mut world = World::over(transport, Limits::default(), None);
    let mut link = world.connect(&Key::generate().unwrap()).await;
    say(&mut link, &offered().repeat(3)).await;
    assert_eq!(world.hear().await, Heard::Opened("361".parse().unwrap()));
    for _ in 0..3 {
        assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
        assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
    }
    assert_eq!(world.notes.peers.lock().unwrap()[0].0.transport, transport.as_str());
    link.end(End::Ours(CloseCode::Normal)).await;
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Theirs(CloseCode::Normal)));
}

async fn bad_bytes_end_only_the_connection_they_came_on(transport: Transport) {
    let mut world = World::over(transport, Limits::default(), None);
    let mut healthy = world.in_session(&Key::generate().unwrap()).await;
    let garbage: [(Vec<u8>, CloseCode); 3] = [
        (vec![0, 0, 2, 1, 0xff, 0xff], CloseCode::Protocol),
        (vec![0xff; 32], CloseCode::TooLarge),
        (vec![0, 0, 4, 0x81, 1, 2, 3, 4], CloseCode::Protocol),
    ];
    for (bytes, code) in garbage {
        // As the first words, and within a session.
        let mut link = world.connect(&Key::generate().unwrap()).await;
        say(&mut link, &bytes).await;
        assert_eq!(closed(link).await, CloseReason::Theirs(code));
        let mut link = world.connect(&Key::generate().unwrap()).await;
        say(&mut link, &[offered(), bytes].concat()).await;
        assert_eq!(closed(link).await, CloseReason::Theirs(code));
        assert!(matches!(world.hear().await, Heard::Opened(_)));
        assert!(matches!(world.hear().await, Heard::Frame(_)));
        assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(code)));
    }
    // A stream that ends within a frame.
    let mut link = world.connect(&Key::generate().unwrap()).await;
    say(&mut link, &[0, 0, 9, 1, 0]).await;
    link.streams().1.shutdown().await.unwrap();
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Protocol));
    assert_eq!(healthy.next().await.unwrap(), Some(Frame::Offered));
    say(&mut healthy, &offered()).await;
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
}

async fn a_session_without_a_certificate_does_not_begin(transport: Transport) {
    let mut world = World::over(transport, Limits::default(), None);
    let mut bare = tls::enrolling(world.keys.ca_hash()).unwrap();
    // Who asks for both is shown the authorities, and is taken for a device that syncs.
    bare.alpn_protocols = vec![tls::ALPN_SYNC.to_vec(), tls::ALPN_ENROL.to_vec()];
    let link = world.reach(&Client::new(bare, Conversation::Sync).unwrap()).await.unwrap();
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Unknown));
    assert!(world.heard.try_recv().is_err());
}

async fn a_device_the_core_turns_away_learns_why(transport: Transport) {
    let key = Key::generate().unwrap();
    let world = World::over(transport, Limits::default(), Some(key.fingerprint()));
    let mut link = world.connect(&key).await;
    say(&mut link, &offered()).await;
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Revoked));
}

async fn a_cut_ends_a_session_whose_queue_is_full(transport: Transport) {
    let mut world = World::over(transport, Limits::default(), None);
    let link = world.in_session(&Key::generate().unwrap()).await;
    let (peer, out) = world.notes.peers.lock().unwrap()[0].clone();
    // The device reads nothing: its window, the stream's and the queue fill up.
    let frame = [vec![0x03, 0x0d, 0x40, 0x7f], vec![0; 200_000]].concat();
    while out.try_send(Outgoing::Frame(frame.clone())).is_ok() {
        tokio::task::yield_now().await;
    }
    peer.cut.close(CloseCode::Revoked);
    peer.cut.close(CloseCode::Normal);
    // Over TCP it must read to hear it: the frame that was begun comes first.
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Revoked));
}

async fn connections_are_limited_for_each_device(transport: Transport) {
    let mut world = World::over(transport, Limits { per_device: 2, ..Limits::default() }, None);
    let key = Key::generate().unwrap();
    let mut links = vec![world.in_session(&key).await, world.in_session(&key).await];
    // What stands stays; the newcomer waits.
    let third = world.connect(&key).await;
    assert_eq!(closed(third).await, CloseReason::Theirs(CloseCode::Busy));
    // A device that leaves makes room.
    links.remove(0).end(End::Ours(CloseCode::Normal)).await;
    assert!(matches!(world.hear().await, Heard::Closed(_)));
    world.in_session(&key).await;
    assert_eq!(links[0].next().await.unwrap(), Some(Frame::Offered));
}

async fn a_stop_tells_every_device_and_the_core(transport: Transport) {
    let limits = Limits { return_over: Duration::from_secs(7), ..Limits::default() };
    let mut world = World::over(transport, limits, None);
    let mut link = world.in_session(&Key::generate().unwrap()).await;
    assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
    world.shutdown.cancel();
    // Within what time to come back, then why.
    assert_eq!(link.next().await.unwrap(), Some(Frame::Busy(frame::Busy { retry_after_ms: 7_000 })));
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Shutdown));
    assert_eq!(world.hear().await, Heard::Closed(CloseReason::Ours(CloseCode::Shutdown)));
    world.running.await.unwrap();
}

async fn a_session_that_is_cut_for_lack_of_room_learns_within_what_time_to_come_back(transport: Transport) {
    let mut world = World::over(transport, Limits::default(), None);
    let mut link = world.in_session(&Key::generate().unwrap()).await;
    assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
    world.notes.peers.lock().unwrap()[0].0.cut.close(CloseCode::Busy);
    assert_eq!(link.next().await.unwrap(), Some(Frame::Busy(frame::Busy { retry_after_ms: 30_000 })));
    assert_eq!(closed(link).await, CloseReason::Theirs(CloseCode::Busy));
}

#[tokio::test]
async fn connections_are_limited_in_all_whatever_carries_them() {
    let mut world = World::new(Limits { connections: 2, ..Limits::default() }, None);
    let mut links = Vec::new();
    for transport in [Transport::Quic, Transport::Tcp] {
        world.transport = transport;
        links.push(world.in_session(&Key::generate().unwrap()).await);
    }
    for (transport, why) in
        [(Transport::Quic, CloseReason::Theirs(CloseCode::Busy)), (Transport::Tcp, CloseReason::Lost)]
    {
        world.transport = transport;
        assert_eq!(world.reach(&world.device(&Key::generate().unwrap())).await.err(), Some(why));
    }
}
