//! UDP on the relay.
//!
//! Each machine has a socket of its own towards the hub, so that answers find their way back; a
//! router that forgets is a new socket. One task holds whatever is not to arrive yet, so that
//! datagrams are overtaken where the weather says so and nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::{Shared, Way};

/// Longest datagram.
const LEN_MAX: usize = 65_536;
/// Datagrams on their way. What comes when there are as many is lost.
const UNDER_WAY_MAX: usize = 4_096;

/// A datagram on its way.
struct Parcel {
    at: Instant,
    from: Arc<UdpSocket>,
    /// `None` where the socket is connected.
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
}

impl Parcel {
    async fn deliver(self) {
        let sent = match self.to {
            Some(to) => self.from.send_to(&self.bytes, to).await,
            None => self.from.send(&self.bytes).await,
        };
        // A datagram that is not taken is a datagram lost: the protocol lives with it.
        sent.ok();
    }
}

/// What the router remembers of a machine.
struct Flow {
    back: Arc<UdpSocket>,
    rebound: u64,
    _answers: AbortOnDropHandle<()>,
}

/// Passes datagrams on, for ever.
pub(super) async fn pass(front: UdpSocket, shared: Arc<Shared>) {
    let front = Arc::new(front);
    let (post, parcels) = mpsc::channel(UNDER_WAY_MAX);
    let postman = AbortOnDropHandle::new(tokio::spawn(deliver(parcels)));
    let mut flows: BTreeMap<SocketAddr, Flow> = BTreeMap::new();
    let mut datagram = vec![0; LEN_MAX];
    while !postman.is_finished() {
        let Ok((len, machine)) = front.recv_from(&mut datagram).await else { continue };
        let rebound = shared.rebound.load(Ordering::SeqCst);
        let arrivals = shared.datagram(Way::Up, len);
        let back = match flows.get(&machine) {
            Some(flow) if flow.rebound == rebound => flow.back.clone(),
            _ => {
                let Ok(flow) = open(machine, rebound, &front, &post, &shared).await else { continue };
                let back = flow.back.clone();
                flows.insert(machine, flow);
                back
            }
        };
        hand_over(&post, arrivals, &back, None, &datagram[..len]).await;
    }
}

/// A socket towards the hub, and the task that passes on what comes back.
async fn open(
    machine: SocketAddr,
    rebound: u64,
    front: &Arc<UdpSocket>,
    post: &mpsc::Sender<Parcel>,
    shared: &Arc<Shared>,
) -> io::Result<Flow> {
    let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
    back.connect(shared.to).await?;
    let (from, front, post, shared) = (back.clone(), front.clone(), post.clone(), shared.clone());
    let answers = tokio::spawn(async move {
        let mut datagram = vec![0; LEN_MAX];
        loop {
            // A hub that is gone is told by an error, once for each datagram sent to it.
            let Ok(len) = from.recv(&mut datagram).await else { continue };
            let arrivals = shared.datagram(Way::Down, len);
            hand_over(&post, arrivals, &front, Some(machine), &datagram[..len]).await;
        }
    });
    Ok(Flow { back, rebound, _answers: AbortOnDropHandle::new(answers) })
}

async fn hand_over(
    post: &mpsc::Sender<Parcel>,
    arrivals: Vec<Instant>,
    from: &Arc<UdpSocket>,
    to: Option<SocketAddr>,
    bytes: &[u8],
) {
    for at in arrivals {
        let parcel = Parcel { at, from: from.clone(), to, bytes: bytes.to_vec() };
        if at <= Instant::now() {
            parcel.deliver().await;
        } else {
            post.try_send(parcel).ok();
        }
    }
}

/// Delivers each parcel when its time has come.
async fn deliver(mut parcels: mpsc::Receiver<Parcel>) {
    let mut held: BTreeMap<(Instant, u64), Parcel> = BTreeMap::new();
    let mut number = 0;
    loop {
        let due = held.first_key_value().map(|((at, _), _)| *at);
        let wait = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            parcel = parcels.recv() => {
                let Some(parcel) = parcel else { return };
                number += 1;
                if held.len() < UNDER_WAY_MAX {
                    held.insert((parcel.at, number), parcel);
                }
            }
            () = wait => {
                if let Some((_, parcel)) = held.pop_first() {
                    parcel.deliver().await;
                }
            }
        }
    }
}
