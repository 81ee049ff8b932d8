//! Who is slow, silent or half there is gone in seconds; who is honest goes on.

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UdpSocket};

use super::*;

/// Shortened, in the same order.
fn short() -> Limits {
    Limits { handshake: Duration::from_millis(300), greeting: Duration::from_millis(600), ..Limits::default() }
}

/// Writes a byte now and then until the other side is gone.
async fn trickle(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin), bytes: &[u8]) {
    let (mut read, mut write) = tokio::io::split(stream);
    let writing = async {
        for byte in bytes.iter().cycle() {
            if write.write_all(&[*byte]).await.is_err() || write.flush().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let gone = async {
        let mut sink = Vec::new();
        read.read_to_end(&mut sink).await.ok();
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        tokio::select! { () = writing => {}, () = gone => {} }
    })
    .await
    .expect("the hub holds on to it");
}

#[tokio::test]
async fn connections_without_tls_are_closed_while_an_honest_one_goes_on() {
    let mut world = World::over(Transport::Tcp, short(), None);
    let mut honest = world.in_session(&Key::generate().unwrap()).await;
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    let mut slow = TcpStream::connect(world.address).await.unwrap();
    // The head of a long record, then the hello of TLS byte by byte.
    let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0];
    let mut byte = [0];
    let (read, ()) = tokio::join!(silent.read(&mut byte), trickle(&mut slow, &hello));
    assert!(matches!(read, Ok(0) | Err(_)));
    say(&mut honest, &offered()).await;
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
}

#[tokio::test]
async fn a_half_open_handshake_of_quic_gives_its_places_back() {
    let limits = Limits { connections: 1, ..short() };
    let mut world = World::new(limits, None);
    // A first packet from somebody who never answers, again and again until it is taken on.
    let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let relay = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let client = world.device(&Key::generate().unwrap());
    let targets = [relay.local_addr().unwrap()];
    let half = client.connect(&targets, Transport::Quic, Duration::from_secs(5));
    let first_packet = async {
        let mut packet = [0; 2_048];
        let len = relay.recv(&mut packet).await.unwrap();
        deaf.send_to(&packet[..len], world.address).await.unwrap();
        deaf.recv(&mut packet).await.unwrap();
    };
    tokio::select! {
        _ = half => panic!("a handshake without answers"),
        () = first_packet => {}
    }
    // The only place is taken; it is free again when the handshake has had its time.
    let key = Key::generate().unwrap();
    let link = loop {
        match world.reach(&world.device(&key)).await {
            Ok(link) => break link,
            Err(why) => assert_eq!(why, CloseReason::Theirs(CloseCode::Busy)),
        }
    };
    let mut link = link;
    say(&mut link, &offered()).await;
    assert!(matches!(world.hear().await, Heard::Opened(_)));
}

async fn a_device_without_a_first_frame_is_closed(transport: Transport) {
    let mut world = World::over(transport, short(), None);
    let mut honest = world.in_session(&Key::generate().unwrap()).await;
    let silent = world.connect(&Key::generate().unwrap()).await;
    assert_eq!(closed(silent).await, CloseReason::Theirs(CloseCode::Timeout));
    // Half a frame.
    let mut half = world.connect(&Key::generate().unwrap()).await;
    say(&mut half, &[0, 1]).await;
    assert_eq!(closed(half).await, CloseReason::Theirs(CloseCode::Timeout));
    // A long frame, byte by byte.
    let mut slow = world.connect(&Key::generate().unwrap()).await;
    say(&mut slow, &[0, 0xff, 0xff, 1]).await;
    let (read, write) = slow.streams();
    trickle(&mut tokio::io::join(read, write), &[0]).await;
    assert!(world.heard.try_recv().is_err());
    say(&mut honest, &offered()).await;
    assert_eq!(world.hear().await, Heard::Frame(Frame::Offered));
}

async fn a_slow_enrolment_is_closed(transport: Transport) {
    let world = World::over(transport, short(), None);
    let mut slow = world.reach(&world.stranger()).await.unwrap();
    let (read, write) = slow.streams();
    trickle(&mut tokio::io::join(read, write), &[0, 0, 0x3f, 0xff]).await;
}

over_both!(a_device_without_a_first_frame_is_closed, a_slow_enrolment_is_closed);

#[test]
fn whoever_says_nothing_is_gone_after_fifteen_seconds() {
    let limits = Limits::default();
    assert!(limits.handshake <= limits.greeting);
    assert!(limits.greeting + msap_shared::io::link::CLOSE_MAX <= Duration::from_secs(15));
    // An agent gives up before the hub does, and has the time of a slow line.
    assert!(limits.handshake >= Duration::from_secs(8));
}
