//! The ways from the writer to the connections.
//!
//! Owned by the writer. A line stays until its connection says that it is gone: a queue that ends says
//! nothing of why.

use std::collections::BTreeMap;

use msap_shared::frame;
use msap_shared::io::link::{CloseCode, Outgoing};
use tokio::sync::mpsc;

use crate::accept::{ConnId, Cut, Peer};
use crate::core::{Input, Output};
use crate::metrics::Metrics;

/// One of them.
struct Line {
    out: mpsc::Sender<Outgoing>,
    cut: Cut,
    transport: &'static str,
}

/// All of them, by the numbers that they are given.
pub(super) struct Lines {
    lines: BTreeMap<ConnId, Line>,
    next: u64,
    metrics: Metrics,
}

impl Lines {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { lines: BTreeMap::new(), next: 1, metrics }
    }

    /// A connection begins.
    pub(super) fn open(&mut self, peer: Peer, out: mpsc::Sender<Outgoing>) -> (ConnId, Input) {
        let Peer { fingerprint, certificate_site: site, transport, cut } = peer;
        let conn = ConnId::new(self.next);
        self.next += 1;
        self.metrics.session_began(transport);
        self.lines.insert(conn, Line { out, cut, transport });
        (conn, Input::Opened { conn, fingerprint, site, transport })
    }

    /// A connection is gone.
    pub(super) fn close(&mut self, conn: ConnId) {
        if let Some(line) = self.lines.remove(&conn) {
            self.metrics.session_ended(line.transport);
        }
    }

    /// Whether a connection still has frames to write.
    pub(super) fn has_frames(&self, conn: ConnId) -> bool {
        self.lines.get(&conn).is_some_and(|line| line.out.capacity() < line.out.max_capacity())
    }

    /// Hands out what a turn has said.
    pub(super) fn dispatch(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(conn, frame) => {
                    let Some(Line { out, cut, .. }) = self.lines.get(&conn) else { continue };
                    let mut bytes = Vec::new();
                    let sent =
                        frame::encode(&frame, &mut bytes).is_ok() && out.try_send(Outgoing::Frame(bytes)).is_ok();
                    if !sent {
                        cut.close(CloseCode::TooLarge);
                    }
                }
                Output::Close(conn, code) => {
                    if let Some(line) = self.lines.get(&conn) {
                        line.cut.close(code);
                    }
                }
            }
        }
    }
}
