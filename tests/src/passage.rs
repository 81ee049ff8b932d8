//! A way to the hub on which one transport may be blocked, as by a firewall.
//!
//! Called by the tests across programs. TCP and UDP stand at one port, like at the hub itself.
//! What is blocked is dropped without a word, also for what has passed before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::spawn;
use std::time::Duration;

/// Ports tried until one is free for both.
const PORTS_TRIED_MAX: usize = 32;
/// How soon a passage that was dropped is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Gates {
    udp_blocked: AtomicBool,
    stop: AtomicBool,
}

/// A passage on loopback; it ends when it is dropped.
pub struct Passage {
    address: SocketAddr,
    gates: Arc<Gates>,
}

impl Passage {
    /// Leads to `hub`; everything passes.
    ///
    /// # Errors
    /// When no port is free for both transports.
    pub fn to(hub: SocketAddr) -> io::Result<Self> {
        let (tcp, udp) = bind()?;
        let address = tcp.local_addr()?;
        let gates = Arc::new(Gates::default());
        let (for_tcp, for_udp) = (gates.clone(), gates.clone());
        spawn(move || pass_tcp(&tcp, hub, &for_tcp));
        spawn(move || pass_udp(&udp, hub, &for_udp));
        Ok(Self { address, gates })
    }

    /// Where machines are to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// UDP no longer passes.
    pub fn block_udp(&self) {
        self.gates.udp_blocked.store(true, Ordering::SeqCst);
    }

    /// UDP passes again.
    pub fn pass_udp(&self) {
        self.gates.udp_blocked.store(false, Ordering::SeqCst);
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.gates.stop.store(true, Ordering::SeqCst);
        // So that whoever accepts looks.
        TcpStream::connect(self.address).ok();
    }
}

fn bind() -> io::Result<(TcpListener, UdpSocket)> {
    let mut failed = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORTS_TRIED_MAX {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => {
                udp.set_read_timeout(Some(LOOK_EVERY))?;
                return Ok((tcp, udp));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn pass_tcp(listener: &TcpListener, hub: SocketAddr, gates: &Arc<Gates>) {
    while let Ok((machine, _)) = listener.accept() {
        if gates.stop.load(Ordering::SeqCst) {
            return;
        }
        // A hub that is not there refuses; so does the passage then.
        let Ok(hub) = TcpStream::connect(hub) else { continue };
        let (Ok(from), Ok(to)) = (machine.try_clone(), hub.try_clone()) else { continue };
        spawn(move || copy(from, to));
        spawn(move || copy(hub, machine));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16_384];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).ok();
}

/// Each machine has a socket of its own towards the hub, so that answers find their way back.
fn pass_udp(front: &UdpSocket, hub: SocketAddr, gates: &Arc<Gates>) {
    let mut backs: BTreeMap<SocketAddr, UdpSocket> = BTreeMap::new();
    let mut datagram = [0; 65_536];
    while !gates.stop.load(Ordering::SeqCst) {
        let Ok((len, machine)) = front.recv_from(&mut datagram) else { continue };
        if gates.udp_blocked.load(Ordering::SeqCst) {
            continue;
        }
        let back = match backs.entry(machine) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match open_back(front, machine, hub, gates) {
                Ok(back) => entry.insert(back),
                Err(_) => continue,
            },
        };
        // A datagram that is not taken is a datagram lost: the protocol lives with it.
        back.send(&datagram[..len]).ok();
    }
}

fn open_back(front: &UdpSocket, machine: SocketAddr, hub: SocketAddr, gates: &Arc<Gates>) -> io::Result<UdpSocket> {
    let back = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    back.connect(hub)?;
    back.set_read_timeout(Some(LOOK_EVERY))?;
    let (front, receiver, gates) = (front.try_clone()?, back.try_clone()?, gates.clone());
    spawn(move || {
        let mut datagram = [0; 65_536];
        while !gates.stop.load(Ordering::SeqCst) {
            let Ok(len) = receiver.recv(&mut datagram) else { continue };
            if !gates.udp_blocked.load(Ordering::SeqCst) {
                front.send_to(&datagram[..len], machine).ok();
            }
        }
    });
    Ok(back)
}
