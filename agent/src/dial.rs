//! Keeps one session with the hub, as long as the agent runs.
//!
//! Started by `service`. The dial connects, moves frames between the connection and the core,
//! and, when the connection ends, waits and connects again. It decides nothing about what is
//! synced. Invariants: at most one session at a time; no two attempts without a wait that
//! chance spreads, unless a person asks; a hub that turned this device away is asked again at
//! the longest wait only; every attempt goes to the hub, and is made with the identity, of the
//! last join.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use msap_shared::backoff::Backoff;
use msap_shared::frame::Frame;
use msap_shared::io::link::{CloseCode, CloseReason, FrameReader, Outgoing};
use msap_shared::io::pump::{End, Port, pump};
use msap_shared::io::quic;
use quinn::{ClientConfig, Connection};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::identity::{Identity, IdentityError};

#[cfg(test)]
mod tests;

/// First wait after a loss.
const BACKOFF_BASE_MS: u64 = 1_000;
/// Longest wait for the hub's first frame once the stream is open.
const GREETING_MAX: Duration = Duration::from_secs(30);
/// A session that lived this long was a good one: the waits begin anew after it.
const STEADY: Duration = Duration::from_secs(30);
/// Time for the last packets to leave when the agent stops.
const LEAVE_MAX: Duration = Duration::from_secs(1);

/// How eagerly to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Wait between sessions that the hub ended in good order.
    pub interval: Duration,
    /// Longest wait between attempts.
    pub max_backoff: Duration,
    /// Longest wait for the hub's first frame.
    pub greeting_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            max_backoff: Duration::from_secs(15 * 60),
            greeting_max: GREETING_MAX,
        }
    }
}

/// The core, as its connection sees it: the mirror of the hub's sessions.
pub trait SessionPort: Clone + Send + Sync + 'static {
    /// Where the hub is, `host:port`, as the last join told it; `None` when the agent is stopping.
    fn hub(&self) -> impl Future<Output = Option<String>> + Send;

    /// The hub is connected: the core begins a session. What it wants sent comes out of the
    /// receiver, its first word at once; dropping the other end closes the connection.
    fn open(&self) -> impl Future<Output = mpsc::Receiver<Outgoing>> + Send;

    /// A frame came; done when the core has room for the next one.
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send;

    /// All that was queued is written.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// The session is over, or an attempt led to none: how the machine stands with the hub.
    fn closed(&self, why: CloseReason) -> impl Future<Output = ()> + Send;

    /// Somebody wants to sync now (`notify_one`): ends the wait between attempts.
    fn wake(&self) -> Arc<Notify>;
}

struct CorePort<'a, P> {
    port: &'a P,
    heard: Notify,
}

impl<P: SessionPort> Port for CorePort<'_, P> {
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send {
        self.heard.notify_one();
        self.port.frame(frame)
    }

    fn drained(&self) -> impl Future<Output = ()> + Send {
        self.port.drained()
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
    let cap_ms = u64::try_from(settings.max_backoff.as_millis()).unwrap_or(u64::MAX);
    let backoff = Backoff { base_ms: BACKOFF_BASE_MS.min(cap_ms), cap_ms };
    let wake = port.wake();
    let load = || Identity::load(dir).and_then(|identity| identity.client_config());
    let mut config = load()?;
    let mut attempt = 0_u32;
    while !shutdown.is_cancelled() {
        // The machine may have joined anew meanwhile. Joining keeps the identity before the
        // address: read in the other order, a new address never goes with an old identity.
        let address = match hub {
            Some(hub) => hub.to_owned(),
            None => match port.hub().await {
                Some(hub) => hub,
                None => break,
            },
        };
        match load() {
            Ok(renewed) => config = renewed,
            Err(error) => warn!(error = &error as &dyn std::error::Error, "going on with the identity of before"),
        }
        let began = Instant::now();
        let why = session(&address, &config, settings.greeting_max, &port, &shutdown).await;
        port.closed(why).await;
        if shutdown.is_cancelled() {
            break;
        }
        if was_good(why, began.elapsed()) {
            attempt = 0;
        }
        let wait = wait_ms(why, settings.interval, &backoff, attempt, rand::random());
        attempt = attempt.saturating_add(1);
        debug!(why = why.as_str(), attempt, wait_ms = wait, "waiting before the next attempt");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait)) => {}
            () = wake.notified() => {}
            () = shutdown.cancelled() => break,
        }
    }
    Ok(())
}

/// Whether the waits begin anew: a hub that let a deadline pass only seemed to be there.
fn was_good(why: CloseReason, lived: Duration) -> bool {
    lived >= STEADY && why != CloseReason::Ours(CloseCode::Timeout)
}

/// How long to wait after a session that ended like this.
fn wait_ms(why: CloseReason, interval: Duration, backoff: &Backoff, attempt: u32, chance: u64) -> u64 {
    match why {
        // Only a person can change these.
        CloseReason::Theirs(CloseCode::Unknown | CloseCode::Revoked) => backoff.longest_ms(chance),
        CloseReason::Untrusted | CloseReason::Rejected => backoff.longest_ms(chance),
        CloseReason::Theirs(CloseCode::Normal) => {
            let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
            Backoff::spread(interval.min(backoff.cap_ms), chance)
        }
        _ => backoff.delay_ms(attempt, chance),
    }
}

/// One attempt: connects and runs the session to its end.
async fn session<P: SessionPort>(
    hub: &str,
    config: &ClientConfig,
    greeting_max: Duration,
    port: &P,
    shutdown: &CancellationToken,
) -> CloseReason {
    let connected = tokio::select! {
        connected = quic::connect(hub, config) => connected,
        () = shutdown.cancelled() => return CloseReason::Ours(CloseCode::Shutdown),
    };
    let (endpoint, connection) = match connected {
        Ok(connected) => connected,
        Err(why) => return why,
    };
    let why = converse(&connection, greeting_max, port, shutdown).await;
    info!(hub, why = why.as_str(), "a session ended");
    // The endpoint goes with the session: a close that stands in its queue must leave first.
    drop(tokio::time::timeout(LEAVE_MAX, endpoint.wait_idle()).await);
    why
}

async fn converse<P: SessionPort>(
    connection: &Connection,
    greeting_max: Duration,
    port: &P,
    shutdown: &CancellationToken,
) -> CloseReason {
    let (mut send, receive) = match connection.open_bi().await {
        Ok(streams) => streams,
        Err(error) => return quic::reason(&error),
    };
    let mut reader = FrameReader::new(receive);
    let mut queue = port.open().await;
    let core = CorePort { port, heard: Notify::new() };
    let end = tokio::select! {
        end = pump(&mut reader, &mut send, &mut queue, &core) => end,
        () = mute(&core.heard, greeting_max) => End::Ours(CloseCode::Timeout),
        () = shutdown.cancelled() => End::Ours(CloseCode::Shutdown),
    };
    quic::end(connection, &mut send, end).await
}

/// Done when nothing was heard in this time; never once something was: from then on keep-alives
/// tell whether the hub is there.
async fn mute(heard: &Notify, greeting_max: Duration) {
    if tokio::time::timeout(greeting_max, heard.notified()).await.is_ok() {
        std::future::pending().await
    }
}
