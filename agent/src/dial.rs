//! Keeps one session with the hub, as long as the agent runs.
//!
//! Started by `service`. The dial connects, moves frames between the connection and the core,
//! and, when the connection ends, waits and connects again. It decides nothing about what is
//! synced. Invariants: at most one session at a time; no two attempts without a wait that
//! chance spreads, unless a person asks; a hub that turned this device away is asked again at
//! the longest wait only.

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
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), max_backoff: Duration::from_secs(15 * 60) }
    }
}

/// The core, as its connection sees it: the mirror of the hub's sessions.
pub trait SessionPort: Clone + Send + Sync + 'static {
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

struct CorePort<'a, P>(&'a P);

impl<P: SessionPort> Port for CorePort<'_, P> {
    fn frame(&self, frame: Frame) -> impl Future<Output = Result<(), CloseCode>> + Send {
        self.0.frame(frame)
    }

    fn drained(&self) -> impl Future<Output = ()> + Send {
        self.0.drained()
    }
}

/// Dials the hub at `host:port` with the identity in `dir`, until `shutdown`.
///
/// # Errors
/// When the machine has no usable identity to begin with.
pub async fn run<P: SessionPort>(
    dir: &Path,
    hub: &str,
    settings: Settings,
    port: P,
    shutdown: CancellationToken,
) -> Result<(), IdentityError> {
    let cap_ms = u64::try_from(settings.max_backoff.as_millis()).unwrap_or(u64::MAX);
    let backoff = Backoff { base_ms: BACKOFF_BASE_MS.min(cap_ms), cap_ms };
    let wake = port.wake();
    let mut config = Identity::load(dir)?.client_config()?;
    let mut attempt = 0_u32;
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        let why = session(hub, &config, &port, &shutdown).await;
        port.closed(why).await;
        if shutdown.is_cancelled() {
            break;
        }
        if began.elapsed() >= STEADY {
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
        // The machine may have joined anew meanwhile.
        match Identity::load(dir).and_then(|identity| identity.client_config()) {
            Ok(renewed) => config = renewed,
            Err(error) => warn!(error = &error as &dyn std::error::Error, "going on with the identity of before"),
        }
    }
    Ok(())
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
    let why = converse(&connection, port, shutdown).await;
    info!(hub, why = why.as_str(), "a session ended");
    // The endpoint goes with the session: a close that stands in its queue must leave first.
    drop(tokio::time::timeout(LEAVE_MAX, endpoint.wait_idle()).await);
    why
}

async fn converse<P: SessionPort>(connection: &Connection, port: &P, shutdown: &CancellationToken) -> CloseReason {
    let (mut send, receive) = match connection.open_bi().await {
        Ok(streams) => streams,
        Err(error) => return quic::reason(&error),
    };
    let mut reader = FrameReader::new(receive);
    let mut queue = port.open().await;
    let core = CorePort(port);
    let end = tokio::select! {
        end = pump(&mut reader, &mut send, &mut queue, &core) => end,
        () = shutdown.cancelled() => End::Ours(CloseCode::Shutdown),
    };
    quic::end(connection, &mut send, end).await
}
