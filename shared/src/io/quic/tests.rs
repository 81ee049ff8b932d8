//! What only QUIC does.

use std::sync::Mutex;

use super::super::certificate::{Authority, Key};
use super::super::serving::{Serving, Shown};
use super::super::tls;
use super::*;

const SECRET: [u8; 32] = [7; 32];

struct Hub {
    authority: Authority,
    config: rustls::ServerConfig,
}

impl Hub {
    fn new() -> Self {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let shown = Shown {
            chain: vec![authority.certify_hub(&key).unwrap()],
            key: key.to_der(),
            authorities: vec![authority.certificate().clone()],
        };
        let config = tls::hub(Arc::new(Serving::new(shown).unwrap())).unwrap();
        Self { authority, config }
    }

    fn start(&self, secret: &[u8; 32]) -> Endpoint {
        listen("127.0.0.1:0".parse().unwrap(), self.config.clone(), secret).unwrap()
    }

    fn device(&self) -> ClientConfig {
        let key = Key::generate().unwrap();
        let certificate =
            self.authority.certify_device(&key.signing_request().unwrap(), &"361".parse().unwrap()).unwrap();
        client(tls::device(&[self.authority.certificate().clone()], vec![certificate], key.to_der()).unwrap()).unwrap()
    }
}

/// The datagrams that passed, their lengths with IPv4 and UDP headers: up, then down.
type Passed = Arc<Mutex<[Vec<usize>; 2]>>;

/// Passes datagrams on to whichever hub runs at the moment.
async fn relay(to: Arc<Mutex<SocketAddr>>, passed: Passed) -> SocketAddr {
    let front = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let back = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = front.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut up, mut down) = ([0; 2_048], [0; 2_048]);
        let mut device = None;
        loop {
            tokio::select! {
                Ok((len, from)) = front.recv_from(&mut up) => {
                    device = Some(from);
                    let hub = *to.lock().unwrap();
                    passed.lock().unwrap()[0].push(len + 28);
                    back.send_to(&up[..len], hub).await.unwrap();
                }
                Ok((len, from)) = back.recv_from(&mut down) => {
                    // Who is gone says nothing.
                    let hub = *to.lock().unwrap();
                    if let Some(device) = device.filter(|_| from == hub) {
                        passed.lock().unwrap()[1].push(len + 28);
                        front.send_to(&down[..len], device).await.unwrap();
                    }
                }
            }
        }
    });
    address
}

/// How a device learns within `patience` that the hub was killed and started again, with this secret.
async fn learns(secret: &[u8; 32], patience: Duration) -> Option<CloseReason> {
    let hub = Hub::new();
    let first = hub.start(&SECRET);
    let to = Arc::new(Mutex::new(first.local_addr().unwrap()));
    let address = relay(to.clone(), Passed::default()).await;
    let config = hub.device();
    let (connected, accepted) =
        tokio::join!(connect(address, &config), async { first.accept().await.unwrap().await.unwrap() });
    let (_endpoint, connection) = connected.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(b"hello").await.unwrap();
    let (_, mut received) = accepted.accept_bi().await.unwrap();
    received.read_exact(&mut [0; 5]).await.unwrap();
    // Killed: nothing of it is heard any more. Another process takes its place.
    let second = hub.start(secret);
    *to.lock().unwrap() = second.local_addr().unwrap();
    send.write_all(b"a visit").await.unwrap();
    let closed = tokio::time::timeout(patience, connection.closed()).await.ok();
    closed.map(|error| reason(&error))
}

#[tokio::test]
async fn a_hub_that_was_killed_and_is_back_says_so_at_once() {
    assert_eq!(learns(&SECRET, IDLE_MAX / 2).await, Some(CloseReason::Lost));
}

#[tokio::test]
async fn only_who_knows_the_secret_can_end_a_connection() {
    assert_eq!(learns(&[8; 32], Duration::from_secs(1)).await, None);
}

#[tokio::test]
async fn a_handshake_and_a_word_each_way_are_a_few_datagrams() {
    // On a machine that is busy, some are sent twice.
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(quiet_session().await);
    }
    let least = |way: usize| sessions.iter().map(|passed| passed[way].iter().sum::<usize>()).min().unwrap();
    assert!(least(0) <= 2_900 && least(1) <= 1_600, "{sessions:?}");
}

/// What passes for a session without news, from the first datagram to the last.
async fn quiet_session() -> [Vec<usize>; 2] {
    let hub = Hub::new();
    let listening = hub.start(&SECRET);
    let passed = Passed::default();
    let to = Arc::new(Mutex::new(listening.local_addr().unwrap()));
    let address = relay(to, passed.clone()).await;
    let config = hub.device();
    let device = async {
        let (endpoint, connection) = connect(address, &config).await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&[7; 97]).await.unwrap();
        receive.read_exact(&mut [0; 39]).await.unwrap();
        connection.close(VarInt::from_u32(0), b"normal");
        endpoint.wait_idle().await;
    };
    let answering = async {
        let connection = listening.accept().await.unwrap().await.unwrap();
        let (mut send, mut receive) = connection.accept_bi().await.unwrap();
        receive.read_exact(&mut [0; 97]).await.unwrap();
        send.write_all(&[7; 39]).await.unwrap();
        connection.closed().await;
    };
    tokio::join!(device, answering);
    let passed = passed.lock().unwrap();
    passed.clone()
}

#[test]
fn no_datagram_is_larger_than_what_every_network_carries() {
    // IPv6 and UDP headers.
    const { assert!(MTU + 40 + 8 <= 1_280) };
}
