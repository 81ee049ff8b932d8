//! Both sides of a connection on loopback.

use tokio::io::AsyncReadExt;

use super::super::certificate::{Authority, Key};
use super::super::serving::{Serving, Shown};
use super::super::tls;
use super::*;

struct World {
    authority: Authority,
    endpoint: Endpoint,
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
        let endpoint = listen("127.0.0.1:0".parse().unwrap(), config).unwrap();
        Self { authority, endpoint }
    }

    fn address(&self) -> String {
        self.endpoint.local_addr().unwrap().to_string()
    }

    /// A device that trusts this hub and carries a certificate of `signer`.
    fn device(&self, signer: &Authority) -> ClientConfig {
        let key = Key::generate().unwrap();
        let request = key.signing_request().unwrap();
        let certificate = signer.certify_device(&request, &"361".parse().unwrap()).unwrap();
        client(tls::device(&[self.authority.certificate().clone()], vec![certificate], key.to_der()).unwrap()).unwrap()
    }

    async fn connected(&self) -> (Endpoint, Connection, Connection) {
        let config = self.device(&self.authority);
        let address = self.address();
        let (ours, theirs) =
            tokio::join!(connect(&address, &config), async { self.endpoint.accept().await.unwrap().await.unwrap() });
        let (endpoint, ours) = ours.unwrap();
        (endpoint, ours, theirs)
    }
}

#[tokio::test]
async fn what_is_written_before_a_close_arrives_and_so_does_the_code() {
    let world = World::new();
    for code in [CloseCode::Normal, CloseCode::Busy, CloseCode::Shutdown] {
        let (_endpoint, agent, hub) = world.connected().await;
        let (mut agent_send, mut agent_recv) = agent.open_bi().await.unwrap();
        agent_send.write_all(b"hello").await.unwrap();
        let (mut hub_send, _hub_recv) = hub.accept_bi().await.unwrap();
        let written = vec![7; 200_000];
        let hub_side = async {
            hub_send.write_all(&written).await.unwrap();
            end(&hub, &mut hub_send, End::Ours(code)).await
        };
        let agent_side = async {
            let mut read = Vec::new();
            agent_recv.read_to_end(1 << 20).await.map(|bytes| read.extend(bytes)).unwrap();
            (read.len(), end(&agent, &mut agent_send, End::Finished).await)
        };
        let (ours, (read, theirs)) = tokio::join!(hub_side, agent_side);
        assert_eq!((ours, read, theirs), (CloseReason::Ours(code), 200_000, CloseReason::Theirs(code)));
    }
}

#[tokio::test]
async fn a_code_that_cannot_wait_is_seen_at_once() {
    let world = World::new();
    let (_endpoint, agent, hub) = world.connected().await;
    let (mut agent_send, mut agent_recv) = agent.open_bi().await.unwrap();
    agent_send.write_all(b"hello").await.unwrap();
    let (mut hub_send, _hub_recv) = hub.accept_bi().await.unwrap();
    assert_eq!(end(&hub, &mut hub_send, End::Ours(CloseCode::Revoked)).await, CloseReason::Ours(CloseCode::Revoked));
    let mut byte = [0];
    assert!(AsyncReadExt::read(&mut agent_recv, &mut byte).await.is_err());
    let seen = end(&agent, &mut agent_send, End::Broken).await;
    assert_eq!(seen, CloseReason::Theirs(CloseCode::Revoked));
}

#[tokio::test]
async fn a_device_of_another_network_is_turned_down_in_the_handshake() {
    let world = World::new();
    let stranger = Authority::new(Key::generate().unwrap()).unwrap();
    let config = world.device(&stranger);
    let address = world.address();
    let accept = async { world.endpoint.accept().await.unwrap().await };
    let (agent, hub) = tokio::join!(connect(&address, &config), accept);
    assert_eq!(reason(&hub.err().unwrap()), CloseReason::Untrusted);
    // The agent's own handshake may be over before the hub has looked at its certificate.
    let why = match agent {
        Ok((_endpoint, connection)) => reason(&connection.closed().await),
        Err(why) => why,
    };
    assert_eq!(why, CloseReason::Rejected);
}

#[tokio::test]
async fn a_hub_of_another_network_is_not_trusted() {
    let (world, other) = (World::new(), World::new());
    let config = other.device(&world.authority);
    let address = world.address();
    let accept = async { world.endpoint.accept().await.unwrap().await };
    let (agent, hub) = tokio::join!(connect(&address, &config), accept);
    assert_eq!(agent.err(), Some(CloseReason::Untrusted));
    assert_eq!(reason(&hub.err().unwrap()), CloseReason::Rejected);
}

#[tokio::test]
async fn the_device_certificate_reaches_the_hub() {
    let world = World::new();
    let (_endpoint, _agent, hub) = world.connected().await;
    let shown = hub.peer_identity().unwrap().downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().unwrap();
    let (_, site) = super::super::certificate::read_device(&shown[0]).unwrap();
    assert_eq!(site.as_str(), "361");
}

#[tokio::test]
async fn names_that_do_not_resolve_are_told_apart() {
    let world = World::new();
    let config = world.device(&world.authority);
    assert_eq!(connect("no port", &config).await.err(), Some(CloseReason::Unresolved));
}
