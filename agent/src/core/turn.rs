//! What goes into a turn, and what comes out of it.

use msap_shared::document::DocId;
use msap_shared::frame::Frame;

use super::Attempt;
use crate::command::{Command, CommandError, Reply};

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The desk asks; the reply carries the ticket.
    Command(u64, Command),
    /// A connection stands: start a session.
    Connected {
        /// How it was made.
        transport: &'static str,
    },
    /// A frame arrived.
    Frame(Frame),
    /// The connection has taken all frames: more may follow.
    Drained,
    /// The connection ended, or could not be made.
    Disconnected {
        /// What to show meanwhile: `offline`, `revoked`…
        state: &'static str,
        /// Why, in plain words; `None` for an orderly end.
        why: Option<String>,
        /// What was tried; `None` when there was no way to try.
        attempt: Option<Attempt>,
    },
    /// What to remember of networks.
    Networks(String),
    /// A document was read back: what does not hold of it.
    ReadBack(DocId, Vec<String>),
}

/// Something to do, after the commit.
#[derive(Debug)]
pub enum Output {
    /// To whoever holds the ticket.
    Reply(u64, Result<Reply, CommandError>),
    /// To the hub.
    Send(Frame),
    /// End the connection: the peer broke the protocol, or the state was reloaded.
    Hangup(&'static str),
}

impl Output {
    pub(super) fn ticket(&self) -> Option<u64> {
        match self {
            Self::Reply(ticket, _) => Some(*ticket),
            Self::Send(_) | Self::Hangup(_) => None,
        }
    }
}
