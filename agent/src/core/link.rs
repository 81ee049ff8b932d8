//! How the connection stands, and what was tried.

use std::collections::VecDeque;

use super::Now;
use crate::command::Tried;
use crate::dial::ladder::Networks;

/// Attempts that `status` tells of.
pub const TRIED_MAX: usize = 6;

/// An attempt to reach the hub, in stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Over what.
    pub transport: &'static str,
    /// Why it ended.
    pub why: &'static str,
}

/// How the connection stands, as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// `offline`, `connecting`, `connected`, `pending`, `revoked`…
    pub state: &'static str,
    /// While connected.
    pub transport: Option<&'static str>,
    /// Why the last attempt ended.
    pub last_error: Option<String>,
    /// The last attempts that ended, latest last.
    pub tried: VecDeque<Tried>,
}

impl LinkState {
    /// At a start: of what was tried before, it is known where QUIC did not pass.
    pub(super) fn new(networks: &Networks) -> Self {
        let tried = networks.quic_tried().map(|at| Tried { transport: "quic", why: "silent", at });
        Self { state: "offline", transport: None, last_error: None, tried: tried.into_iter().collect() }
    }

    /// What did not lead to a session, as the hub is told: `quic silent`.
    pub(super) fn in_vain(&self) -> String {
        let in_vain = |tried: &&Tried| !matches!(tried.why, "normal" | "shutdown" | "busy" | "epoch" | "replaced");
        let mut told: Vec<String> =
            self.tried.iter().filter(in_vain).map(|tried| format!("{} {}", tried.transport, tried.why)).collect();
        told.dedup();
        told.join(", ")
    }

    pub(super) fn ended(&mut self, attempt: Attempt, now: Now) {
        let Attempt { transport, why } = attempt;
        self.tried.push_back(Tried { transport, why, at: now.wall.as_second() });
        if self.tried.len() > TRIED_MAX {
            self.tried.pop_front();
        }
    }
}
