//! The line between one site and the hub: passes everything on and counts it as it stands on the
//! wire.
//!
//! Each site has a line of its own, so that no site's packets wait in another's buffer and each
//! site's arrival is seen. UDP and TCP of one address are passed on alike. UDP is exact: every
//! datagram with its headers. TCP is an estimate, since a program does not see segments: content,
//! with the headers of as few segments as can carry it and one acknowledgement for each reading.
//! Dropping the line cuts it without a word to either side.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::relay::Traffic;

/// What each datagram has on the wire beside its content: IPv4 and UDP headers.
const UDP_HEADERS: u64 = 28;
/// The same of a TCP segment, with its timestamps.
const TCP_HEADERS: u64 = 52;
/// Content of a full segment on Ethernet.
const SEGMENT_LEN: u64 = 1_448;
/// Opening a TCP connection: what goes up (SYN, ACK) and down (SYN with ACK).
const TCP_OPENING: (u64, u64) = (60 + TCP_HEADERS, 60);
/// Longer than any datagram of QUIC's, which keeps to 1,452 bytes.
const DATAGRAM_LEN_MAX: usize = 2_048;
const READ_LEN: usize = 16 * 1024;
/// Ports are given by the system for UDP; the same one must be free for TCP.
const PORT_ATTEMPTS: usize = 32;

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

struct Counts {
    begun: Instant,
    up: AtomicU64,
    down: AtomicU64,
    last_us: AtomicU64,
    arrived: OnceLock<Instant>,
    heard: Notify,
}

impl Counts {
    fn pass(&self, way: Way, bytes: u64) {
        match way {
            Way::Up => {
                self.arrived.get_or_init(Instant::now);
                self.up.fetch_add(bytes, Ordering::Relaxed);
            }
            Way::Down => {
                self.down.fetch_add(bytes, Ordering::Relaxed);
                self.heard.notify_one();
            }
        }
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_us.store(now, Ordering::Relaxed);
    }
}

/// One site's line.
pub struct Wire {
    address: SocketAddr,
    counts: Arc<Counts>,
    tasks: [AbortOnDropHandle<()>; 2],
}

impl Wire {
    /// A line on loopback to the hub at `to`.
    ///
    /// # Errors
    /// When no socket can be had.
    pub async fn lay(to: SocketAddr) -> io::Result<Self> {
        let (udp, tcp) = listen().await?;
        let address = udp.local_addr()?;
        let counts = Arc::new(Counts {
            begun: Instant::now(),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            last_us: AtomicU64::new(0),
            arrived: OnceLock::new(),
            heard: Notify::new(),
        });
        let tasks =
            [tokio::spawn(pass_datagrams(udp, to, counts.clone())), tokio::spawn(accept(tcp, to, counts.clone()))];
        Ok(Self { address, counts, tasks: tasks.map(AbortOnDropHandle::new) })
    }

    /// Where the site is to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic { up: read(&self.counts.up), down: read(&self.counts.down) }
    }

    /// When the site's first packet passed.
    pub fn arrived(&self) -> Option<Instant> {
        self.counts.arrived.get().copied()
    }

    /// When something last passed.
    pub fn last(&self) -> Instant {
        self.counts.begun + std::time::Duration::from_micros(self.counts.last_us.load(Ordering::Relaxed))
    }

    /// Cuts it: nothing passes any more.
    pub fn cut(&self) {
        self.tasks.iter().for_each(AbortOnDropHandle::abort);
    }

    /// Done when something has come from the hub since this was last asked.
    pub async fn heard(&self) {
        self.counts.heard.notified().await;
    }
}

/// One address for both transports.
async fn listen() -> io::Result<(UdpSocket, TcpListener)> {
    let mut taken = None;
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => taken = Some(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Each attempt of the site has a socket of its own towards the hub, so that the hub tells them
/// apart as it would out there.
async fn pass_datagrams(front: UdpSocket, to: SocketAddr, counts: Arc<Counts>) {
    let front = Arc::new(front);
    let mut backs: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    let mut answers = JoinSet::new();
    let mut datagram = [0; DATAGRAM_LEN_MAX];
    loop {
        // A port of the site's that is closed is told as an error of the next reading.
        let Ok((len, site)) = front.recv_from(&mut datagram).await else { continue };
        let back = match backs.entry(site) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let Ok(back) = connected(to).await.map(Arc::new) else { continue };
                answers.spawn(pass_answers(back.clone(), front.clone(), site, counts.clone()));
                entry.insert(back)
            }
        };
        counts.pass(Way::Up, len as u64 + UDP_HEADERS);
        // One that is not taken is a datagram lost: the protocol lives with it.
        back.send(&datagram[..len]).await.ok();
    }
}

async fn connected(to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(to).await?;
    Ok(socket)
}

async fn pass_answers(back: Arc<UdpSocket>, front: Arc<UdpSocket>, site: SocketAddr, counts: Arc<Counts>) {
    let mut datagram = [0; DATAGRAM_LEN_MAX];
    loop {
        // A hub that does not run is told as an error.
        let Ok(len) = back.recv(&mut datagram).await else { continue };
        front.send_to(&datagram[..len], site).await.ok();
        counts.pass(Way::Down, len as u64 + UDP_HEADERS);
    }
}

async fn accept(front: TcpListener, to: SocketAddr, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((site, _)) = front.accept().await else { continue };
        let Ok(hub) = TcpStream::connect(to).await else { continue };
        if site.set_nodelay(true).and_then(|()| hub.set_nodelay(true)).is_err() {
            continue;
        }
        counts.pass(Way::Up, TCP_OPENING.0);
        counts.pass(Way::Down, TCP_OPENING.1);
        let ((from_site, to_site), (from_hub, to_hub)) = (site.into_split(), hub.into_split());
        connections.spawn(pass_stream(from_site, to_hub, Way::Up, counts.clone()));
        connections.spawn(pass_stream(from_hub, to_site, Way::Down, counts.clone()));
    }
}

async fn pass_stream(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, counts: Arc<Counts>) {
    let back = match way {
        Way::Up => Way::Down,
        Way::Down => Way::Up,
    };
    let mut bytes = vec![0; READ_LEN];
    loop {
        match from.read(&mut bytes).await {
            Ok(len) if len > 0 => {
                if to.write_all(&bytes[..len]).await.is_err() {
                    return;
                }
                let content = len as u64;
                counts.pass(way, content + content.div_ceil(SEGMENT_LEN) * TCP_HEADERS);
                counts.pass(back, TCP_HEADERS);
            }
            // Its end, orderly or not, is passed on by dropping the other half.
            Ok(_) | Err(_) => {
                counts.pass(way, TCP_HEADERS);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn datagrams_pass_both_ways_and_are_counted_with_their_headers() {
        let hub = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let wire = Wire::lay(hub.local_addr().unwrap()).await.unwrap();
        assert!(wire.arrived().is_none());
        let site = connected(wire.address()).await.unwrap();
        let mut datagram = [0; 64];
        for (n, length) in [(1, 10), (2, 20)] {
            site.send(&[n; 64][..length]).await.unwrap();
            let (len, from) = hub.recv_from(&mut datagram).await.unwrap();
            assert_eq!(datagram[..len], [n; 64][..length]);
            hub.send_to(&[n], from).await.unwrap();
            assert_eq!(site.recv(&mut datagram).await.unwrap(), 1);
            wire.heard().await;
        }
        assert_eq!(wire.traffic(), Traffic { up: 30 + 2 * UDP_HEADERS, down: 2 + 2 * UDP_HEADERS });
        assert!(wire.arrived().is_some_and(|arrived| arrived <= wire.last()));
    }

    #[tokio::test]
    async fn streams_pass_both_ways_with_their_ends() {
        let hub = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let wire = Wire::lay(hub.local_addr().unwrap()).await.unwrap();
        let mut site = TcpStream::connect(wire.address()).await.unwrap();
        let (mut session, _) = hub.accept().await.unwrap();
        let sent = vec![7; 3_000];
        site.write_all(&sent).await.unwrap();
        site.shutdown().await.unwrap();
        let mut received = Vec::new();
        session.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, sent);
        session.write_all(b"ok").await.unwrap();
        drop(session);
        let mut answer = String::new();
        site.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "ok");
        let Traffic { up, down } = wire.traffic();
        assert!(up > 3_000 && down > 2, "{up} {down}");
    }
}
