//! Both sides of a link on loopback, over each transport.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::super::certificate::{Authority, Key, read_device};
use super::super::listen::{Arrival, Listener};
use super::super::reach::Client;
use super::super::serving::{Serving, Shown};
use super::super::tls;
use super::*;

const BOTH: [Transport; 2] = [Transport::Quic, Transport::Tcp];
const LIMIT: Duration = Duration::from_secs(10);

struct World {
    authority: Authority,
    listener: Listener,
    address: SocketAddr,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let shown = Shown {
            chain: vec![authority.certify_hub(&key).unwrap()],
            key: key.to_der(),
            authorities: vec![authority.certificate().clone()],
        };
        let config = tls::hub(Arc::new(Serving::new(shown).unwrap())).unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), config, &[7; 32]).unwrap();
        let address = listener.local_addr().unwrap();
        Self { authority, listener, address }
    }

    /// A device that trusts this hub and carries a certificate of `signer`.
    fn device(&self, signer: &Authority) -> Client {
        let key = Key::generate().unwrap();
        let request = key.signing_request().unwrap();
        let certificate = signer.certify_device(&request, &"361".parse().unwrap()).unwrap();
        let trusted: [CertificateDer<'static>; 1] = [self.authority.certificate().clone()];
        Client::new(tls::device(&trusted, vec![certificate], key.to_der()).unwrap(), Conversation::Sync).unwrap()
    }

    async fn connect(&self, client: &Client, transport: Transport) -> Result<Link, CloseReason> {
        client.connect(&[self.address], transport, LIMIT).await
    }

    async fn arrival(&self) -> Result<Arrival, CloseReason> {
        self.listener.next().await.unwrap().unwrap().accept().await
    }

    /// The agent's end and the hub's, the agent's first frame read.
    async fn connected(&self, transport: Transport) -> (Link, Link) {
        let client = self.device(&self.authority);
        let agent = async {
            let mut link = self.connect(&client, transport).await.unwrap();
            link.put(&Frame::Offered).await.unwrap();
            link
        };
        let hub = async {
            let mut link = self.arrival().await.unwrap().open(std::future::pending()).await.unwrap();
            assert_eq!(link.next().await.unwrap(), Some(Frame::Offered));
            link
        };
        let (agent, hub) = tokio::join!(agent, hub);
        assert_eq!((agent.transport(), hub.transport()), (transport, transport));
        (agent, hub)
    }
}

#[tokio::test]
async fn what_is_written_before_an_end_arrives_and_so_does_the_code() {
    let world = World::new();
    for transport in BOTH {
        for code in [CloseCode::Normal, CloseCode::Busy, CloseCode::Shutdown] {
            let (mut agent, mut hub) = world.connected(transport).await;
            let hub_side = async {
                for _ in 0..50_000 {
                    hub.put(&Frame::Offered).await.unwrap();
                }
                hub.end(End::Ours(code)).await
            };
            let agent_side = async {
                for n in 0..50_000 {
                    assert_eq!(agent.next().await.unwrap(), Some(Frame::Offered), "{n}");
                }
                agent.ended().await
            };
            let (ours, theirs) = tokio::join!(hub_side, agent_side);
            assert_eq!((ours, theirs), (CloseReason::Ours(code), CloseReason::Theirs(code)), "{transport:?}");
        }
    }
}

#[tokio::test]
async fn a_code_that_cannot_wait_is_seen_at_once() {
    let world = World::new();
    for transport in BOTH {
        let (agent, hub) = world.connected(transport).await;
        let (ours, theirs) = tokio::join!(hub.end(End::Ours(CloseCode::Revoked)), agent.ended());
        assert_eq!((ours, theirs), (CloseReason::Ours(CloseCode::Revoked), CloseReason::Theirs(CloseCode::Revoked)));
    }
}

#[tokio::test]
async fn a_code_is_seen_by_whoever_is_writing() {
    let world = World::new();
    for transport in BOTH {
        let (mut agent, hub) = world.connected(transport).await;
        // The agent writes until it cannot, and has read nothing by then.
        let agent_side = async {
            let error = loop {
                if let Err(error) = agent.put(&Frame::Offered).await {
                    break error;
                }
                tokio::task::yield_now().await;
            };
            agent.end(End::of(&error)).await
        };
        let (_, theirs) = tokio::join!(hub.end(End::Ours(CloseCode::Revoked)), agent_side);
        assert_eq!(theirs, CloseReason::Theirs(CloseCode::Revoked), "{transport:?}");
    }
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_lost_and_not_done() {
    let world = World::new();
    let (agent, hub) = world.connected(Transport::Tcp).await;
    // The connection closes without the end of TLS: what an attacker or a broken middlebox does.
    drop(hub);
    assert_eq!(agent.ended().await, CloseReason::Lost);
}

#[tokio::test]
async fn a_device_of_another_network_is_turned_down_in_the_handshake() {
    let world = World::new();
    let stranger = Authority::new(Key::generate().unwrap()).unwrap();
    let client = world.device(&stranger);
    for transport in BOTH {
        let (agent, hub) = tokio::join!(world.connect(&client, transport), world.arrival());
        assert_eq!(hub.err(), Some(CloseReason::Untrusted), "{transport:?}");
        // The agent's own handshake may be over before the hub has looked at its certificate.
        let why = match agent {
            Ok(link) => link.ended().await,
            Err(why) => why,
        };
        assert_eq!(why, CloseReason::Rejected, "{transport:?}");
    }
}

#[tokio::test]
async fn a_hub_of_another_network_is_not_trusted() {
    let (world, other) = (World::new(), World::new());
    let client = other.device(&world.authority);
    for transport in BOTH {
        let (agent, hub) = tokio::join!(world.connect(&client, transport), world.arrival());
        assert_eq!(agent.err(), Some(CloseReason::Untrusted), "{transport:?}");
        assert_eq!(hub.err(), Some(CloseReason::Rejected), "{transport:?}");
    }
}

#[tokio::test]
async fn the_device_certificate_reaches_the_hub() {
    let world = World::new();
    let client = world.device(&world.authority);
    for transport in BOTH {
        let (_agent, hub) = tokio::join!(world.connect(&client, transport), world.arrival());
        let (_, site) = read_device(&hub.unwrap().certificate.unwrap()).unwrap();
        assert_eq!(site.as_str(), "361");
    }
}

#[tokio::test]
async fn something_else_that_answers_is_no_hub() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::new();
    let client = world.device(&world.authority);
    let garbage = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    };
    let targets = [address];
    let (_stream, agent) = tokio::join!(garbage, client.connect(&targets, Transport::Tcp, LIMIT));
    assert_eq!(agent.err(), Some(CloseReason::Lost));
}

#[tokio::test]
async fn the_first_address_that_answers_is_taken() {
    let world = World::new();
    // Over UDP it is mute; over TCP nobody listens there.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let client = world.device(&world.authority);
    let targets = [silent.local_addr().unwrap(), world.address];
    for transport in BOTH {
        let (agent, _hub) = tokio::join!(client.connect(&targets, transport, LIMIT), world.arrival());
        assert_eq!(agent.unwrap().transport(), transport);
    }
}
