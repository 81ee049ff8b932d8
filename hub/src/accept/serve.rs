//! One connection, from its handshake to its end.
//!
//! Called by the accept loop, in a task of its own for each. Written once for QUIC and TCP: what
//! carries the conversation shows in nothing but the session's row.

use std::time::Duration;

use msap_shared::frame::{Busy, Frame};
use msap_shared::id::{Fingerprint, SiteId};
use msap_shared::io::certificate::read_device;
use msap_shared::io::link::{CloseCode, CloseReason, Link};
use msap_shared::io::listen::{Arrival, Knock};
use msap_shared::io::pump::{End, Port};
use msap_shared::io::tls::Conversation;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info};

use super::{ConnId, Cut, Handshake, Peer, QUEUE_LEN, Sessions, Shared};
use crate::enrol;

/// When a device comes back to a hub that has too much to do: within this time.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Time for a device to be told when to come back.
const TELL_MAX: Duration = Duration::from_secs(1);

pub(super) async fn serve<S: Sessions>(shared: &Shared<S>, knock: Knock, handshake: Handshake) {
    let deadline = Instant::now() + shared.limits.greeting;
    let arrival = match timeout(shared.limits.handshake, knock.accept()).await {
        Ok(Ok(arrival)) => arrival,
        Ok(Err(why)) => return debug!(why = why.as_str(), "a handshake failed"),
        Err(_) => return debug!("a handshake took too long"),
    };
    drop(handshake);
    let why = match arrival.conversation {
        Conversation::Enrol => enrolment(shared, arrival, deadline).await,
        Conversation::Sync => sync(shared, arrival, deadline).await,
    };
    debug!(why = why.as_str(), "a connection ended");
}

impl<S> Shared<S> {
    /// When to wait no longer, and with what code to close then.
    async fn give_up(&self, deadline: Instant) -> CloseCode {
        tokio::select! {
            () = sleep_until(deadline) => CloseCode::Timeout,
            () = self.shutdown.cancelled() => CloseCode::Shutdown,
        }
    }
}

async fn enrolment<S: Sessions>(shared: &Shared<S>, arrival: Arrival, deadline: Instant) -> CloseReason {
    let limits = &shared.limits;
    let address = limits.counted(arrival.remote.ip());
    let place = address.map(|address| shared.enrolling.take(address, limits.enrolments_per_address));
    let (Ok(_permit), None | Some(Some(_))) = (shared.enrolments.try_acquire(), &place) else {
        return arrival.close(CloseCode::Busy).await;
    };
    let asked_by = deadline.min(Instant::now() + enrol::REQUEST_MAX);
    let mut link = match arrival.open(shared.give_up(asked_by)).await {
        Ok(link) => link,
        Err(why) => return why,
    };
    let end = tokio::select! {
        end = enrol::converse(&mut link, asked_by, shared.registrar.as_ref()) => end,
        code = shared.give_up(deadline) => End::Ours(code),
    };
    link.end(end).await
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

async fn sync<S: Sessions>(shared: &Shared<S>, arrival: Arrival, deadline: Instant) -> CloseReason {
    let identity = arrival.certificate.as_ref().and_then(|shown| read_device(shown).ok());
    let Some((fingerprint, site)) = identity else { return arrival.close(CloseCode::Unknown).await };
    let Some(_place) = shared.devices.take(fingerprint, shared.limits.per_device) else {
        return arrival.close(CloseCode::Busy).await;
    };
    let mut link = match arrival.open(shared.give_up(deadline)).await {
        Ok(link) => link,
        Err(why) => return why,
    };
    let first = tokio::select! {
        first = link.next() => first,
        code = shared.give_up(deadline) => return link.end(End::Ours(code)).await,
    };
    let first = match first {
        Ok(Some(Frame::Bye(bye))) => return link.end(End::Theirs(CloseCode::from_number(bye.code.into()))).await,
        Ok(Some(first)) => first,
        Ok(None) => return link.end(End::Finished).await,
        Err(error) => return link.end(End::of(&error)).await,
    };
    session(shared, link, first, (fingerprint, site)).await
}

async fn session<S: Sessions>(
    shared: &Shared<S>,
    mut link: Link,
    first: Frame,
    (fingerprint, certificate_site): (Fingerprint, SiteId),
) -> CloseReason {
    let (cut, mut cuts) = Cut::new();
    // Held here too, so that waiting for a cut never ends for lack of somebody to make it.
    let _cut = cut.clone();
    let (out, mut queue) = mpsc::channel(QUEUE_LEN);
    let transport = link.transport().as_str();
    let peer = Peer { fingerprint, certificate_site: certificate_site.clone(), transport, cut };
    let (site, device) = (&certificate_site, fingerprint.device());
    let opened = match shared.sessions.opened(peer, out).await {
        Ok(conn) => Opened { sessions: shared.sessions.clone(), conn, told: false },
        Err(code) => {
            info!(site.id = %site, device.id = %device, code = code.as_str(), "turned a device away");
            return turn_away(link, code, RETRY_AFTER).await;
        }
    };
    let end = tokio::select! {
        // A core that cuts a session also drops its queue: the cut says why and comes first.
        biased;
        code = cut_off(&mut cuts) => End::Ours(code),
        () = shared.shutdown.cancelled() => End::Ours(CloseCode::Shutdown),
        end = async {
            match opened.frame(first).await {
                Ok(()) => link.run(&mut queue, &opened).await,
                Err(code) => End::Ours(code),
            }
        } => end,
    };
    let why = match end {
        End::Ours(code @ CloseCode::Shutdown) => turn_away(link, code, shared.limits.return_over).await,
        // Too much to do, or a disk that is full: every session ends at once then.
        End::Ours(code @ CloseCode::Busy) => turn_away(link, code, RETRY_AFTER).await,
        end => link.end(end).await,
    };
    info!(site.id = %site, device.id = %device, transport, why = why.as_str(), "a session ended");
    opened.close(why).await;
    why
}

/// Closes; a device that may come back is told within what time, so that not all come at once.
async fn turn_away(mut link: Link, code: CloseCode, within: Duration) -> CloseReason {
    if matches!(code, CloseCode::Busy | CloseCode::Shutdown) {
        let retry_after_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        // A device that takes nothing chooses for itself.
        drop(timeout(TELL_MAX, link.put(&Frame::Busy(Busy { retry_after_ms }))).await);
    }
    link.end(End::Ours(code)).await
}

async fn cut_off(cuts: &mut watch::Receiver<Option<CloseCode>>) -> CloseCode {
    // Copied out: what the channel lends must not be held across a wait.
    let cut = cuts.wait_for(Option::is_some).await.map(|cut| *cut);
    match cut {
        Ok(code) => code.unwrap_or(CloseCode::Internal),
        Err(_) => std::future::pending().await,
    }
}
