//! One peer's half of a sync conversation.
//!
//! A session owns no socket, clock or store: its host gives it frames and a replica to act on,
//! and takes frames out of it. The same halves run over QUIC and in the simulation.
//!
//! ```text
//! device → Hello, then Push… and Offered: everything not acknowledged in the epoch it knows
//! hub    → Welcome                                    a quiet reconnect ends here
//! hub    → Ack                                        after the commit; or Need, Refused, Push
//! hub    → Digests                                    only when the two sides differ
//! device → Have per differing document, hub → Have, and both push what the other lacks
//! ```
//!
//! Documents of registers go the same way, with Edits in place of Push, of all writers together.
//! Whoever is sent an edit that follows something he does not hold tells once what he has.
//!
//! Invariant: hosts call a half inside a transaction and take its frames out only after the
//! commit, so no frame leaves before what it tells of is kept.

use crate::document::{DocId, DocKind};
use crate::frame::{Frame, Have, REGISTERS_SINCE, Version};

pub mod hub;
pub mod site;

/// The most bytes of facts one push carries: a turn's work stays bounded.
pub const PUSH_BYTES_MAX: usize = 48 * 1024;

/// Why a half gives up.
#[derive(Debug, thiserror::Error)]
pub enum SessionError<E> {
    /// The peer broke the protocol. The session ends with a code; the frame is not tried again.
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
    /// The replica failed.
    #[error(transparent)]
    Replica(#[from] E),
}

/// Longest chain. An agent takes another writer long before; a number beyond it is an attack or
/// an accident. It also bounds what one chain can cost the hub to read.
pub const SEQ_MAX: u64 = 16_384;

/// The most versions that one Have carries: chains are not bounded in number, frames are.
const VERSIONS_PER_HAVE_MAX: usize = 2_000;
/// The most chains that are kept in mind for a peer, to be sent or asked for.
const CHAINS_ASKED_MAX: usize = 16_384;

/// What is held of a document, in as many frames as it needs. Whoever takes them may send again
/// what is not in the one at hand: that is known then.
fn haves(document: &DocId, versions: &[Version]) -> Vec<Frame> {
    let have = |versions: &[Version]| {
        Frame::Have(Have { document: document.clone(), versions: versions.to_vec(), held: None })
    };
    match versions {
        [] => vec![have(&[])],
        all => all.chunks(VERSIONS_PER_HAVE_MAX).map(have).collect(),
    }
}

/// Whether a peer of this protocol version may be told of documents of this kind.
fn knows(protocol: u32, kind: DocKind) -> bool {
    kind.is_visits() || protocol >= REGISTERS_SINCE
}

/// The kind of document that a frame is for.
fn check_kind<E>(document: &DocId, is: impl FnOnce(DocKind) -> bool) -> Result<(), SessionError<E>> {
    if is(document.kind()) { Ok(()) } else { Err(SessionError::Protocol("changes of another kind of document")) }
}

/// A sequence number that a peer names.
fn check_number<E>(seq: u64) -> Result<(), SessionError<E>> {
    if (1..=SEQ_MAX).contains(&seq) { Ok(()) } else { Err(SessionError::Protocol("a sequence number out of bounds")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;
    use crate::id::{ChangeHash, WriterId};

    #[test]
    fn a_document_of_many_chains_is_told_in_frames_that_fit() {
        let document: DocId = "site/275/visits/2026-11".parse().unwrap();
        let version = |n: u64| {
            let mut writer = [0; 16];
            writer[..8].copy_from_slice(&n.to_be_bytes());
            Version { writer: WriterId::new(writer), seq: SEQ_MAX, hash: ChangeHash::new([n as u8; 32]) }
        };
        let versions: Vec<Version> = (0..5_000).map(version).collect();
        let frames = haves(&document, &versions);
        let mut told = Vec::new();
        for frame in frames {
            frame::encode(&frame, &mut Vec::new()).unwrap();
            let Frame::Have(have) = frame else { panic!() };
            told.extend(have.versions);
        }
        assert_eq!(told, versions);
        assert_eq!(haves(&document, &[]).len(), 1, "nothing is told as well");
    }
}
