//! A way to the hub that can be made bad: seeded loss, delay and the like, cuts and blocks, for
//! UDP and TCP of one address.
//!
//! Called by the tests across programs and the figures. The `weather` decides what becomes of what
//! is sent, `datagrams` and `streams` carry it out on loopback. Invariants: without weather,
//! everything passes; nothing is altered, only lost, doubled, held or cut; a relay that is dropped
//! leaves nothing behind.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use msap_shared::io::link::Transport;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::Instant;

mod datagrams;
mod streams;
pub mod weather;

use self::weather::{Line, UDP_HEADERS, Weather};

/// Ports tried until one is free for both transports.
const PORTS_TRIED_MAX: usize = 32;

/// What a transport meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It passes, in this weather both ways.
    Open(Weather),
    /// It is dropped without a word, also what has passed before.
    Silent,
    /// Connections are reset, new ones too. Datagrams are dropped.
    Reset,
    /// The hub's side of each connection is reset and the machine is not told: a connection that is
    /// half open. Datagrams are dropped.
    HalfOpen,
}

impl Gate {
    /// Everything passes at once.
    pub const CLEAR: Self = Self::Open(Weather::CLEAR);
}

/// What machine and hub have sent in datagrams, lost or not, headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes towards the hub.
    pub up: u64,
    /// Bytes towards the machines.
    pub down: u64,
}

impl Traffic {
    /// What has been sent since `before`.
    pub fn since(self, before: Self) -> Self {
        Self { up: self.up - before.up, down: self.down - before.down }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// One transport: its gate, and the line of each way.
struct Lane {
    gate: watch::Sender<Gate>,
    up: Mutex<Line>,
    down: Mutex<Line>,
}

impl Lane {
    fn new(seed: u64, [up, down]: [&str; 2]) -> Self {
        let line = |purpose| Mutex::new(Line::new(seed, purpose));
        Self { gate: watch::Sender::new(Gate::CLEAR), up: line(up), down: line(down) }
    }

    /// What `decide` says of the line that leads this way.
    fn on<T>(&self, way: Way, decide: impl FnOnce(&mut Line) -> T) -> T {
        let line = match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        };
        // A line is whole between any two of its decisions.
        decide(&mut line.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Shared {
    to: SocketAddr,
    begun: Instant,
    udp: Lane,
    tcp: Lane,
    /// How often the router has forgotten from which port it sends for whom.
    rebound: AtomicU64,
    /// Connections that a gate has ended.
    cuts: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

impl Shared {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The instants at which the copies of a datagram are to arrive, now counted.
    fn datagram(&self, way: Way, len: usize) -> Vec<Instant> {
        let count = match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        };
        count.fetch_add((len + UDP_HEADERS) as u64, Ordering::Relaxed);
        let Gate::Open(weather) = *self.udp.gate.borrow() else { return Vec::new() };
        let arrivals = self.udp.on(way, |line| line.datagram(&weather, self.now(), len));
        arrivals.into_iter().map(|at| self.begun + at).collect()
    }
}

/// A relay on loopback; it ends when it is dropped.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Taken when the relay is dropped.
    runtime: Option<Runtime>,
}

impl Relay {
    /// Leads to the hub at `to`; everything passes.
    ///
    /// # Errors
    /// When no port is free for both transports.
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        Self::seeded(to, 0)
    }

    /// The same, with the chance of this seed.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub fn seeded(to: SocketAddr, seed: u64) -> io::Result<Self> {
        let (udp, tcp) = bind()?;
        let address = udp.local_addr()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("relay").enable_all().build()?;
        let entered = runtime.enter();
        let shared = Arc::new(Shared {
            to,
            begun: Instant::now(),
            udp: Lane::new(seed, ["udp up", "udp down"]),
            tcp: Lane::new(seed, ["tcp up", "tcp down"]),
            rebound: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
        });
        let (udp, tcp) = (tokio::net::UdpSocket::from_std(udp)?, tokio::net::TcpListener::from_std(tcp)?);
        runtime.spawn(datagrams::pass(udp, shared.clone()));
        runtime.spawn(streams::pass(tcp, shared.clone()));
        drop(entered);
        Ok(Self { address, shared, runtime: Some(runtime) })
    }

    /// Where machines are to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has been sent so far.
    pub fn traffic(&self) -> Traffic {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic { up: read(&self.shared.up), down: read(&self.shared.down) }
    }

    /// From now on, this is what `transport` meets.
    pub fn set(&self, transport: Transport, gate: Gate) {
        let lane = match transport {
            Transport::Quic => &self.shared.udp,
            Transport::Tcp => &self.shared.tcp,
        };
        lane.gate.send_replace(gate);
    }

    /// From now on, this is the weather for both transports.
    pub fn weather(&self, weather: Weather) {
        self.set(Transport::Quic, Gate::Open(weather));
        self.set(Transport::Tcp, Gate::Open(weather));
    }

    /// How many connections a gate has ended so far, for one side at least.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// The router forgets: each machine's next datagram reaches the hub from a new port, and what
    /// the hub sends to the old one is lost.
    pub fn rebind(&self) {
        self.shared.rebound.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nothing blocks in it, and a relay may be dropped where nothing may wait.
            runtime.shutdown_background();
        }
    }
}

fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let mut failed = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORTS_TRIED_MAX {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((udp, tcp));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests;
