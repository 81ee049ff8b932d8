//! Accepts what the sites' machines bring to the hub.
//!
//! Started by `app` with the endpoint and the core's handle. Each connection has a task of its
//! own: after the handshake its ALPN says whether it is an enrolment or a session; a session's
//! frames go to the core, which decides, and come from it. Invariants: nothing that one
//! connection sends ends another; every wait has an end; a session without a device's
//! certificate does not begin; the core hears of the end of every session it opened.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use msap_shared::frame::Frame;
use msap_shared::id::{Fingerprint, SiteId};
use msap_shared::io::certificate::read_device;
use msap_shared::io::link::{CloseCode, CloseReason, FrameReader, Outgoing};
use msap_shared::io::pump::{End, Port, pump};
use msap_shared::io::{quic, tls};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, Incoming};
use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use crate::enrol::{self, Registrar};

use self::tally::{Place, Tally, network};

mod tally;
#[cfg(test)]
mod tests;

/// Time for a device that has connected to open its stream and send its first frame.
const FIRST_FRAME_MAX: Duration = Duration::from_secs(10);
/// Frames that wait to be written to one connection.
const QUEUE_LEN: usize = 64;
/// Time for all connections to end at a stop.
const STOP_MAX: Duration = Duration::from_secs(5);

/// How much is taken on at once.
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
    /// What carries the session.
    pub transport: &'static str,
    /// Ends the session at once.
    pub cut: Cut,
}

/// Ends a session at once, past whatever is queued or stuck: for a revocation.
#[derive(Clone, Debug)]
pub struct Cut(Arc<watch::Sender<Option<CloseCode>>>);

impl Cut {
    fn new() -> (Self, watch::Receiver<Option<CloseCode>>) {
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

/// Accepts connections until `shutdown`, then closes them and waits until they are gone.
pub async fn run<S: Sessions>(
    endpoint: Endpoint,
    sessions: S,
    registrar: Arc<dyn Registrar>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let handshakes = Arc::new(Semaphore::new(limits.handshakes));
    let shared = Arc::new(Shared {
        sessions,
        registrar,
        limits,
        enrolments: Semaphore::new(limits.enrolments),
        devices: Tally::new(),
        enrolling: Tally::new(),
        shutdown: shutdown.clone(),
    });
    let knocking = Tally::new();
    let tasks = TaskTracker::new();
    loop {
        let incoming = tokio::select! {
            () = shutdown.cancelled() => break,
            incoming = endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { break };
        let counted = limits.counted(incoming.remote_address().ip());
        // Under pressure, whoever knocks must first show that its address is its own: nobody can
        // use up another's places.
        let pressed = handshakes.available_permits() < limits.handshakes / 2
            || counted.is_some_and(|address| knocking.count(&address) >= limits.handshakes_per_address / 2);
        if pressed && !incoming.remote_address_validated() && incoming.may_retry() {
            if let Err(error) = incoming.retry() {
                error.into_incoming().refuse();
            }
            continue;
        }
        let knock = match counted.map(|address| knocking.take(address, limits.handshakes_per_address)) {
            None => Some(None),
            Some(taken) => taken.map(Some),
        };
        let place = connections.clone().try_acquire_owned().ok().zip(handshakes.clone().try_acquire_owned().ok());
        let (Some((place, handshake)), Some(knock)) = (place, knock) else {
            debug!("refused a connection: too many");
            incoming.refuse();
            continue;
        };
        let shared = shared.clone();
        tasks.spawn(async move {
            serve(&shared, incoming, (handshake, knock)).await;
            drop(place);
        });
    }
    // Nobody new; whoever is here is told by its own task.
    endpoint.set_server_config(None);
    tasks.close();
    drop(tokio::time::timeout(STOP_MAX, tasks.wait()).await);
    endpoint.close(quinn::VarInt::from_u32(CloseCode::Shutdown.number()), b"shutdown");
    drop(tokio::time::timeout(STOP_MAX, endpoint.wait_idle()).await);
}

async fn serve<S: Sessions>(shared: &Arc<Shared<S>>, incoming: Incoming, handshake: Handshake) {
    let Ok(connecting) = incoming.accept() else { return };
    let connection = match tokio::time::timeout(quic::HANDSHAKE_MAX, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return debug!(%error, "a handshake failed"),
        Err(_) => return debug!("a handshake took too long"),
    };
    drop(handshake);
    let protocol = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok()?.protocol);
    let why = match protocol.as_deref() {
        Some(tls::ALPN_ENROL) => enrolment(shared, &connection).await,
        Some(tls::ALPN_SYNC) => sync(shared, &connection).await,
        // The handshake agrees on one of the two or fails.
        _ => quic::close(&connection, CloseCode::Protocol),
    };
    debug!(why = why.as_str(), "a connection ended");
}

async fn enrolment<S: Sessions>(shared: &Arc<Shared<S>>, connection: &Connection) -> CloseReason {
    let limits = &shared.limits;
    let address = limits.counted(connection.remote_address().ip());
    let place = address.map(|address| shared.enrolling.take(address, limits.enrolments_per_address));
    let (Ok(_permit), None | Some(Some(_))) = (shared.enrolments.try_acquire(), &place) else {
        return quic::close(connection, CloseCode::Busy);
    };
    tokio::select! {
        why = enrol::converse(connection, shared.registrar.clone()) => why,
        () = shared.shutdown.cancelled() => quic::close(connection, CloseCode::Shutdown),
    }
}

/// A session of the core, closed there whatever happens to this task.
struct Opened<S: Sessions> {
    sessions: S,
    conn: ConnId,
    told: bool,
}

impl<S: Sessions> Opened<S> {
    async fn close(mut self, why: CloseReason) {
        self.told = true;
        self.sessions.closed(self.conn, why).await;
    }
}

impl<S: Sessions> Drop for Opened<S> {
    fn drop(&mut self) {
        // Only after a panic in this task: the core must not keep the session.
        if let (false, Ok(runtime)) = (self.told, tokio::runtime::Handle::try_current()) {
            let (sessions, conn) = (self.sessions.clone(), self.conn);
            runtime.spawn(async move { sessions.closed(conn, CloseReason::Ours(CloseCode::Internal)).await });
        }
    }
}

impl<S: Sessions> Port for Opened<S> {
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send {
        self.sessions.frame(self.conn, frame)
    }

    fn drained(&self) -> impl Future<Output = ()> + Send {
        self.sessions.drained(self.conn)
    }
}

/// The device at the other end, by its certificate.
fn identify(connection: &Connection) -> Option<(Fingerprint, SiteId)> {
    let shown = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    read_device(shown.first()?).ok()
}

async fn sync<S: Sessions>(shared: &Arc<Shared<S>>, connection: &Connection) -> CloseReason {
    let Some((fingerprint, certificate_site)) = identify(connection) else {
        return quic::close(connection, CloseCode::Unknown);
    };
    let Some(_place) = shared.devices.take(fingerprint, shared.limits.per_device) else {
        return quic::close(connection, CloseCode::Busy);
    };
    let first = tokio::time::timeout(FIRST_FRAME_MAX, async {
        let (send, receive) = connection.accept_bi().await.ok()?;
        let mut reader = FrameReader::new(receive);
        let first = reader.next().await;
        Some((send, reader, first))
    });
    let first = tokio::select! {
        first = first => first,
        () = shared.shutdown.cancelled() => return quic::close(connection, CloseCode::Shutdown),
    };
    let (mut send, mut reader, first) = match first {
        Ok(Some((send, reader, Ok(Some(first))))) => (send, reader, first),
        Ok(Some((mut send, _, Ok(None)))) => return quic::end(connection, &mut send, End::Finished).await,
        Ok(Some((mut send, _, Err(error)))) => {
            debug!(error = &error as &dyn std::error::Error, "no first frame");
            let end = error.close_code().map_or(End::Broken, End::Ours);
            return quic::end(connection, &mut send, end).await;
        }
        Ok(None) => return quic::close(connection, CloseCode::Normal),
        Err(_) => return quic::close(connection, CloseCode::Timeout),
    };
    let (cut, mut cuts) = Cut::new();
    // Held here too, so that waiting for a cut never ends for lack of somebody to make it.
    let _cut = cut.clone();
    let (out, mut queue) = mpsc::channel(QUEUE_LEN);
    let peer = Peer { fingerprint, certificate_site: certificate_site.clone(), transport: "quic", cut };
    let opened = match shared.sessions.opened(peer, out).await {
        Ok(conn) => Opened { sessions: shared.sessions.clone(), conn, told: false },
        Err(code) => {
            info!(site.id = %certificate_site, device.id = %fingerprint.device(), code = code.as_str(), "turned a device away");
            return quic::end(connection, &mut send, End::Ours(code)).await;
        }
    };
    let end = tokio::select! {
        // A core that cuts a session also drops its queue: the cut says why and comes first.
        biased;
        code = cut_off(&mut cuts) => End::Ours(code),
        () = shared.shutdown.cancelled() => End::Ours(CloseCode::Shutdown),
        end = async {
            match opened.frame(first).await {
                Ok(()) => pump(&mut reader, &mut send, &mut queue, &opened).await,
                Err(code) => End::Ours(code),
            }
        } => end,
    };
    let why = quic::end(connection, &mut send, end).await;
    info!(site.id = %certificate_site, device.id = %fingerprint.device(), why = why.as_str(), "a session ended");
    opened.close(why).await;
    why
}

async fn cut_off(cuts: &mut watch::Receiver<Option<CloseCode>>) -> CloseCode {
    // Copied out: what the channel lends must not be held across a wait.
    let cut = cuts.wait_for(Option::is_some).await.map(|cut| *cut);
    match cut {
        Ok(code) => code.unwrap_or(CloseCode::Internal),
        Err(_) => std::future::pending().await,
    }
}
