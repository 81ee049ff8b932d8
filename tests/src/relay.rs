//! A relay for datagrams that counts what passes, as it stands on the wire.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that each datagram has on the wire beside its content: IPv4 and UDP headers.
const HEADERS: u64 = 28;

/// What has passed, headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes towards the hub.
    pub up: u64,
    /// Bytes towards the machines.
    pub down: u64,
}

impl Traffic {
    /// What has passed since `before`.
    pub fn since(self, before: Self) -> Self {
        Self { up: self.up - before.up, down: self.down - before.down }
    }
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    stop: AtomicBool,
}

/// A relay on loopback; it ends when it is dropped.
pub struct Relay {
    address: SocketAddr,
    counts: Arc<Counts>,
}

impl Relay {
    /// Passes datagrams on to `to`.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        let front = bind()?;
        let address = front.local_addr()?;
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        std::thread::spawn(move || pass_up(&front, to, &shared));
        Ok(Self { address, counts })
    }

    /// Where machines are to send.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic { up: read(&self.counts.up), down: read(&self.counts.down) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
    }
}

fn bind() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    // So that a dropped relay is noticed.
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    Ok(socket)
}

/// Each machine has a socket of its own towards the hub, so that answers find their way back.
fn pass_up(front: &UdpSocket, to: SocketAddr, counts: &Arc<Counts>) {
    let mut backs: BTreeMap<SocketAddr, UdpSocket> = BTreeMap::new();
    let mut datagram = [0; 65_536];
    while !counts.stop.load(Ordering::Relaxed) {
        let Ok((len, machine)) = front.recv_from(&mut datagram) else { continue };
        let back = match backs.entry(machine) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match open_back(front, machine, to, counts) {
                Some(back) => entry.insert(back),
                None => continue,
            },
        };
        counts.up.fetch_add(len as u64 + HEADERS, Ordering::Relaxed);
        // A datagram that is not taken is a datagram lost: the protocol lives with it.
        back.send(&datagram[..len]).ok();
    }
}

fn open_back(front: &UdpSocket, machine: SocketAddr, to: SocketAddr, counts: &Arc<Counts>) -> Option<UdpSocket> {
    let back = bind().ok()?;
    back.connect(to).ok()?;
    let (front, receiver, counts) = (front.try_clone().ok()?, back.try_clone().ok()?, counts.clone());
    std::thread::spawn(move || {
        let mut datagram = [0; 65_536];
        while !counts.stop.load(Ordering::Relaxed) {
            let Ok(len) = receiver.recv(&mut datagram) else { continue };
            counts.down.fetch_add(len as u64 + HEADERS, Ordering::Relaxed);
            front.send_to(&datagram[..len], machine).ok();
        }
    });
    Some(back)
}
