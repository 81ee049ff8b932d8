//! The writer's thread, as the connections of devices see it.

use msap_shared::frame::Frame;
use msap_shared::io::link::{CloseCode, CloseReason, Outgoing};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Handle, Job, OPEN_MAX};
use crate::accept::{ConnId, Peer, Sessions};
use crate::core::Input;

impl Sessions for Handle {
    async fn opened(&self, peer: Peer, out: mpsc::Sender<Outgoing>) -> Result<ConnId, CloseCode> {
        let (reply, answer) = oneshot::channel();
        match timeout(OPEN_MAX, self.jobs.send(Job::Opened(peer, out, reply))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(CloseCode::Shutdown),
            Err(_) => return Err(CloseCode::Busy),
        }
        answer.await.map_err(|_| CloseCode::Shutdown)
    }

    async fn frame(&self, conn: ConnId, frame: Frame) -> Result<(), CloseCode> {
        self.input(Input::Frame(conn, frame)).await
    }

    async fn drained(&self, conn: ConnId) {
        // A writer that has stopped needs no more frames.
        self.input(Input::Drained(conn)).await.ok();
    }

    async fn closed(&self, conn: ConnId, _why: CloseReason) {
        self.input(Input::Closed(conn)).await.ok();
    }
}
