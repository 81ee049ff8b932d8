//! Accepts what the sites' machines bring to the hub.
//!
//! Started by `app` with the open door and the core's handle. Each connection, over QUIC or TCP,
//! has a task of its own: after the handshake its ALPN says whether it is an enrolment or a
//! session; a session's frames go to the core, which decides, and come from it. Invariants:
//! nothing that one connection sends ends another; whoever has not said its first word within
//! [`GREETING_MAX`] is gone; a session without a device's certificate does not begin; the core
//! hears of the end of every session it opened.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use msap_shared::frame::Frame;
use msap_shared::id::{Fingerprint, SiteId};
use msap_shared::io::link::{CloseCode, CloseReason, Outgoing};
use msap_shared::io::listen::{Knock, Listener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use self::serve::serve;
use crate::enrol::Registrar;
use crate::tally::{Place, Tally, network};

mod serve;
#[cfg(test)]
mod tests;

/// Time for a handshake: on a line of 32 kbit/s with round trips of 600 ms it takes three seconds.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(9);
/// Time from the first packet to the first frame, or for a whole enrolment.
pub const GREETING_MAX: Duration = Duration::from_secs(12);
/// When devices come back after a stop, unless the settings say otherwise: within this time.
pub const RETURN_OVER: Duration = Duration::from_secs(20);
/// Wait after a connection that the system could not hand over: out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Frames that wait to be written to one connection.
const QUEUE_LEN: usize = 64;
/// Time for all connections to end at a stop.
const STOP_MAX: Duration = Duration::from_secs(5);

/// How much is taken on at once, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections, handshakes included.
    pub connections: usize,
    /// Connections of one device: two, when it was cloned or reconnects before the hub has
    /// noticed; more is a fault.
    pub per_device: usize,
    /// Handshakes under way.
    pub handshakes: usize,
    /// Enrolments under way.
    pub enrolments: usize,
    /// Handshakes under way from one network address.
    pub handshakes_per_address: usize,
    /// Enrolments under way from one network address.
    pub enrolments_per_address: usize,
    /// Whether connections from this machine itself are counted by address: a relay or a test
    /// here speaks for many.
    pub count_loopback: bool,
    /// Time for a handshake.
    pub handshake: Duration,
    /// Time from the first packet to the first frame, or for a whole enrolment.
    pub greeting: Duration,
    /// The time over which devices are to come back after a stop.
    pub return_over: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8_192,
            per_device: 4,
            handshakes: 512,
            enrolments: 64,
            handshakes_per_address: 16,
            enrolments_per_address: 8,
            count_loopback: false,
            handshake: HANDSHAKE_MAX,
            greeting: GREETING_MAX,
            return_over: RETURN_OVER,
        }
    }
}

impl Limits {
    /// What connections from this address are counted by, if they are: nobody has shown a
    /// certificate yet.
    fn counted(&self, address: IpAddr) -> Option<IpAddr> {
        (self.count_loopback || !address.to_canonical().is_loopback()).then(|| network(address))
    }
}

/// A session, as the core names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnId(u64);

impl ConnId {
    /// Wraps a number that the core has not given to another session.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The device's identity, proved by the handshake.
    pub fingerprint: Fingerprint,
    /// The site in its certificate. The device's row decides, if there is one.
    pub certificate_site: SiteId,
    /// What carries the session: `quic` or `tcp`.
    pub transport: &'static str,
    /// Ends the session at once.
    pub cut: Cut,
}

/// Ends a session at once, past whatever is queued or stuck: for a revocation.
#[derive(Clone, Debug)]
pub struct Cut(Arc<watch::Sender<Option<CloseCode>>>);

impl Cut {
    pub(crate) fn new() -> (Self, watch::Receiver<Option<CloseCode>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(Arc::new(sender)), receiver)
    }

    /// Closes the connection with `code`; the first code counts.
    pub fn close(&self, code: CloseCode) {
        self.0.send_if_modified(|cut| {
            let first = cut.is_none();
            cut.get_or_insert(code);
            first
        });
    }
}

/// The core, as connections see it.
pub trait Sessions: Clone + Send + Sync + 'static {
    /// A device has connected and said its first word. What the core wants sent goes into
    /// `out`; dropping it closes the connection.
    fn opened(&self, peer: Peer, out: mpsc::Sender<Outgoing>)
    -> impl Future<Output = Result<ConnId, CloseCode>> + Send;

    /// A frame came; done when the core has room for the next one.
    fn frame(&self, conn: ConnId, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send;

    /// All that was queued is written.
    fn drained(&self, conn: ConnId) -> impl Future<Output = ()> + Send;

    /// The connection is gone. Told once for every session that was opened.
    fn closed(&self, conn: ConnId, why: CloseReason) -> impl Future<Output = ()> + Send;
}

/// What all connections share.
struct Shared<S> {
    sessions: S,
    registrar: Arc<dyn Registrar>,
    limits: Limits,
    enrolments: Semaphore,
    devices: Arc<Tally<Fingerprint>>,
    enrolling: Arc<Tally<IpAddr>>,
    shutdown: CancellationToken,
}

/// What a handshake under way holds.
type Handshake = (OwnedSemaphorePermit, Option<Place<IpAddr>>);

/// Who may begin a handshake.
struct Door {
    limits: Limits,
    connections: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    knocking: Arc<Tally<IpAddr>>,
}

impl Door {
    fn new(limits: Limits) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections));
        let handshakes = Arc::new(Semaphore::new(limits.handshakes));
        Self { limits, connections, handshakes, knocking: Tally::new() }
    }

    /// Lets one in, with its place among the connections, or sees to it otherwise.
    fn admit(&self, knock: Knock) -> Option<(Knock, OwnedSemaphorePermit, Handshake)> {
        let Self { limits, connections, handshakes, knocking } = self;
        let counted = limits.counted(knock.remote().ip());
        // Under pressure, whoever knocks must first show that its address is its own: nobody can
        // use up another's places.
        let pressed = handshakes.available_permits() < limits.handshakes / 2
            || counted.is_some_and(|address| knocking.count(&address) >= limits.handshakes_per_address / 2);
        let knock = if pressed { knock.proved()? } else { knock };
        let counted = match counted.map(|address| knocking.take(address, limits.handshakes_per_address)) {
            None => Some(None),
            Some(taken) => taken.map(Some),
        };
        let place = connections.clone().try_acquire_owned().ok().zip(handshakes.clone().try_acquire_owned().ok());
        let (Some((place, handshake)), Some(counted)) = (place, counted) else {
            debug!("refused a connection: too many");
            knock.refuse();
            return None;
        };
        Some((knock, place, (handshake, counted)))
    }
}

/// Accepts connections until `shutdown`, then closes them and waits until they are gone.
pub async fn run<S: Sessions>(
    listener: Listener,
    sessions: S,
    registrar: Arc<dyn Registrar>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let shared = Arc::new(Shared {
        sessions,
        registrar,
        limits,
        enrolments: Semaphore::new(limits.enrolments),
        devices: Tally::new(),
        enrolling: Tally::new(),
        shutdown: shutdown.clone(),
    });
    let door = Door::new(limits);
    let tasks = TaskTracker::new();
    loop {
        let knock = tokio::select! {
            () = shutdown.cancelled() => break,
            knock = listener.next() => knock,
        };
        let knock = match knock {
            Ok(Some(knock)) => knock,
            Ok(None) => break,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some((knock, place, handshake)) = door.admit(knock) else { continue };
        let shared = shared.clone();
        tasks.spawn(async move {
            serve(&shared, knock, handshake).await;
            drop(place);
        });
    }
    // Nobody new; whoever is here is told by its own task.
    listener.shut();
    tasks.close();
    drop(tokio::time::timeout(STOP_MAX, tasks.wait()).await);
    drop(tokio::time::timeout(STOP_MAX, listener.close(CloseCode::Shutdown)).await);
}
