//! Keeps one session with the hub, as long as the agent runs.
//!
//! Started by `service`. The dial connects, over whatever the `ladder` says, moves frames between
//! the link and the core, and, when the link ends, waits and connects again. It decides nothing
//! about what is synced. Invariants: at most one session at a time; no two attempts over the same
//! transport without a wait that chance spreads, unless a person asks or a session fell silent; a
//! hub that turned this device away is asked again at the longest wait only; every attempt goes to
//! the hub, and is made with the identity, of the last join.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use msap_shared::frame::{self, DeviceStanding, Frame};
use msap_shared::io::link::{CloseCode, CloseReason, Link, Outgoing, Transport};
use msap_shared::io::pump::{End, Port};
use msap_shared::io::reach::{self, Client};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::identity::{Identity, IdentityError};

use self::ladder::{Attempt, CONNECT_MAX, Ladder, Network, Networks, Preference};
use self::patience::Patience;
use self::wait::Waits;

pub mod ladder;
mod patience;
mod wait;

#[cfg(test)]
mod tests;

/// Longest wait for the hub's first frame once the stream is open.
const GREETING_MAX: Duration = Duration::from_secs(30);
/// Longest wait for any word of the hub once visits were handed to the connection: longer than a
/// slow line needs to carry what its buffers hold.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// A session that lived this long was a good one: the waits begin anew after it.
const STEADY: Duration = Duration::from_secs(30);

/// How eagerly to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Wait between sessions that the hub ended in good order.
    pub interval: Duration,
    /// Longest wait between attempts.
    pub max_backoff: Duration,
    /// Longest wait for the hub's first frame.
    pub greeting_max: Duration,
    /// Longest wait for any word of the hub once visits were handed to the connection.
    pub answer_max: Duration,
    /// Longest time for a connection to stand.
    pub connect_max: Duration,
    /// Over what.
    pub transport: Preference,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            max_backoff: Duration::from_secs(15 * 60),
            greeting_max: GREETING_MAX,
            answer_max: ANSWER_MAX,
            connect_max: CONNECT_MAX,
            transport: Preference::Auto,
        }
    }
}

/// The core, as its connection sees it: the mirror of the hub's sessions.
pub trait SessionPort: Clone + Send + Sync + 'static {
    /// Where the hub is, `host:port`, as the last join told it; `None` when the agent is stopping.
    fn hub(&self) -> impl Future<Output = Option<String>> + Send;

    /// What was remembered of networks, as it was told last.
    fn networks(&self) -> impl Future<Output = String> + Send;

    /// What is worth remembering of networks, when it changed.
    fn remember(&self, networks: String) -> impl Future<Output = ()> + Send;

    /// The hub is connected: the core begins a session. What it wants sent comes out of the
    /// receiver, its first word at once; dropping the other end closes the connection.
    fn open(&self, transport: Transport) -> impl Future<Output = mpsc::Receiver<Outgoing>> + Send;

    /// A frame came; done when the core has room for the next one.
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send;

    /// All that was queued is written.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// The session is over, or an attempt led to none: how the machine stands with the hub.
    /// `transport` is `None` where none was tried.
    fn closed(&self, transport: Option<Transport>, why: CloseReason) -> impl Future<Output = ()> + Send;

    /// Somebody wants to sync now (`notify_one`): ends the wait between attempts.
    fn wake(&self) -> Arc<Notify>;
}

/// The core, and what the dial must know of a session itself.
struct CorePort<'a, P> {
    port: &'a P,
    patience: Patience,
    answer_max: Duration,
    /// Whether the hub answers what it is sent: it does not, to a device that waits for approval.
    answers: AtomicBool,
    /// When the hub was heard for the first time.
    heard_at: OnceLock<Instant>,
    /// Within how long the hub asked to come back; 0 when it did not.
    told_ms: AtomicU64,
}

impl<P: SessionPort> Port for CorePort<'_, P> {
    async fn frame(&self, frame: Frame) -> Result<(), CloseCode> {
        self.heard_at.get_or_init(Instant::now);
        self.patience.heard();
        match frame {
            Frame::Welcome(welcome) => {
                self.answers.store(welcome.standing == DeviceStanding::Active, Ordering::Relaxed);
                self.port.frame(Frame::Welcome(welcome)).await
            }
            Frame::Busy(busy) => {
                self.told_ms.store(busy.retry_after_ms.max(1), Ordering::Relaxed);
                Ok(())
            }
            frame => self.port.frame(frame).await,
        }
    }

    fn written(&self, bytes: &[u8]) {
        if self.answers.load(Ordering::Relaxed) && frame::wants_answer(bytes) {
            self.patience.owed(self.answer_max);
        }
    }

    fn drained(&self) -> impl Future<Output = ()> + Send {
        self.port.drained()
    }
}

/// How one attempt ended, as far as the next one depends on it.
struct Ended {
    attempt: Attempt,
    told_ms: Option<u64>,
}

impl Ended {
    fn without_a_word(transport: Transport, why: CloseReason) -> Self {
        Self { attempt: Attempt { transport, why, heard: None }, told_ms: None }
    }
}

/// Dials the hub with the identity in `dir`, until `shutdown`: at `hub`, `host:port`, when it is
/// given, else where the port says.
///
/// # Errors
/// When the machine has no usable identity to begin with.
pub async fn run<P: SessionPort>(
    dir: &Path,
    hub: Option<&str>,
    settings: Settings,
    port: P,
    shutdown: CancellationToken,
) -> Result<(), IdentityError> {
    let waits = Waits::new(settings.interval, settings.max_backoff);
    let wake = port.wake();
    let load = || Identity::load(dir).and_then(|identity| identity.client());
    let mut client = load()?;
    let mut ladder = Ladder::new(settings.transport, Networks::from(port.networks().await.as_str()));
    let mut failed = 0_u32;
    while !shutdown.is_cancelled() {
        // The machine may have joined anew meanwhile. Joining keeps the identity before the
        // address: read in the other order, a new address never goes with an old identity.
        let name = match hub {
            Some(hub) => hub.to_owned(),
            None => match port.hub().await {
                Some(hub) => hub,
                None => break,
            },
        };
        match load() {
            Ok(renewed) => client = renewed,
            Err(error) => warn!(error = &error as &dyn std::error::Error, "going on with the identity of before"),
        }
        let ended = attempt(&name, &client, &mut ladder, &settings, &port, &shutdown).await;
        if shutdown.is_cancelled() {
            break;
        }
        let wait = match &ended {
            None => waits.after(CloseReason::Unresolved, None, failed, rand::random()),
            Some(Ended { attempt, told_ms }) => {
                if was_good(attempt) {
                    failed = 0;
                }
                let next = ladder.rung(Timestamp::now().as_second()).transport;
                let falls_back = (attempt.transport, next) == (Transport::Quic, Transport::Tcp);
                if attempt.is_sudden_silence() || falls_back {
                    Duration::ZERO
                } else {
                    waits.after(attempt.why, *told_ms, failed, rand::random())
                }
            }
        };
        failed = failed.saturating_add(1);
        debug!(failed, wait_ms = wait.as_millis(), "waiting before the next attempt");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wake.notified() => {}
            () = shutdown.cancelled() => break,
        }
    }
    Ok(())
}

/// Whether the waits begin anew: a hub that let a deadline pass only seemed to be there.
fn was_good(attempt: &Attempt) -> bool {
    attempt.heard.is_some_and(|heard| heard >= STEADY) && attempt.why != CloseReason::Ours(CloseCode::Timeout)
}

/// One attempt, told to the ladder and the core; `None` where there was no address to try.
async fn attempt<P: SessionPort>(
    hub: &str,
    client: &Client,
    ladder: &mut Ladder,
    settings: &Settings,
    port: &P,
    shutdown: &CancellationToken,
) -> Option<Ended> {
    let addresses = tokio::select! {
        addresses = reach::resolve(hub) => addresses,
        () = shutdown.cancelled() => return None,
    };
    let Some(own) = reach::own_address(&addresses) else {
        let why = if addresses.is_empty() { CloseReason::Unresolved } else { CloseReason::Lost };
        port.closed(None, why).await;
        return None;
    };
    let now_s = || Timestamp::now().as_second();
    let rung = ladder.next(Some(Network::of(own)), now_s());
    let connected = tokio::select! {
        connected = client.connect(&addresses, rung.transport, rung.limit.min(settings.connect_max)) => connected,
        () = shutdown.cancelled() => Err(CloseReason::Ours(CloseCode::Shutdown)),
    };
    let ended = match connected {
        Ok(link) => session(link, hub, settings, port, shutdown).await,
        Err(why) => Ended::without_a_word(rung.transport, why),
    };
    let before = ladder.networks().clone();
    ladder.ended(&ended.attempt, now_s());
    if *ladder.networks() != before {
        port.remember(ladder.networks().to_string()).await;
    }
    port.closed(Some(rung.transport), ended.attempt.why).await;
    Some(ended)
}

/// Runs a session on a link to its end.
async fn session<P: SessionPort>(
    mut link: Link,
    hub: &str,
    settings: &Settings,
    port: &P,
    shutdown: &CancellationToken,
) -> Ended {
    let transport = link.transport();
    let mut queue = port.open(transport).await;
    let core = CorePort {
        port,
        patience: Patience::new(settings.greeting_max),
        answer_max: settings.answer_max,
        answers: AtomicBool::new(false),
        heard_at: OnceLock::new(),
        told_ms: AtomicU64::new(0),
    };
    let end = tokio::select! {
        end = link.run(&mut queue, &core) => end,
        () = core.patience.exhausted() => End::Ours(CloseCode::Timeout),
        () = shutdown.cancelled() => End::Ours(CloseCode::Shutdown),
    };
    let why = link.end(end).await;
    info!(hub, transport = transport.as_str(), why = why.as_str(), "a session ended");
    let heard = core.heard_at.get().map(Instant::elapsed);
    let told_ms = Some(core.told_ms.into_inner()).filter(|&told| told > 0);
    Ended { attempt: Attempt { transport, why, heard }, told_ms }
}
