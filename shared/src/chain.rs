//! A writer's chain: its changes to one document, each depending on the one before.
//!
//! A visits document is a union of independent chains, so a change can be accepted without
//! opening the document: what came before it in its own chain is enough. A change travels as
//! its content only; whoever receives it rebuilds the exact bytes that Automerge would have
//! written ([`encode`]) and compares the last hash. Content that does not rebuild to the named
//! hash does not exist. The documents of registers, whose changes depend on others', share these
//! bytes: see [`crate::register`].

use minicbor::{Decode, Encode};

use crate::id::{ChangeHash, WriterId};

mod decode;
mod digest;
mod encode;
mod judge;

pub use decode::{DecodeError, Decoded, decode, decode_edit};
pub use digest::{Digest, tip_digest};
pub use encode::{Put, encode};
pub use judge::{Refusal, Run, Verdict, judge};

/// The most facts one change may carry.
pub const FACTS_PER_CHANGE_MAX: usize = 64;
/// The most changes one run may carry.
pub const CHANGES_PER_RUN_MAX: usize = 1_024;

/// The content of one change: its facts as they stand in the document.
pub type Facts = Vec<(String, String)>;

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Sequence number of the last change, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: ChangeHash,
    /// Counter of its last operation: the next change starts one above.
    pub op_max: u64,
}

/// One operation, as Automerge names it. The order is Automerge's: the greatest wins among values
/// that nobody has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct OpId {
    /// Greater than that of every operation its author knew.
    #[n(0)]
    pub counter: u64,
    /// Its author.
    #[n(1)]
    pub writer: WriterId,
}

/// One change, rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The tip after this change.
    pub tip: Tip,
    /// The change chunk, as Automerge stores it.
    pub bytes: Vec<u8>,
}

/// Builds the change that follows `tip` in the chain of `writer`.
pub fn extend<K: AsRef<str>, V: AsRef<str>>(writer: &WriterId, tip: Option<&Tip>, facts: &[(K, V)]) -> Built {
    let (seq, op_start, dep) = match tip {
        Some(tip) => (tip.seq + 1, tip.op_max + 1, Some(tip.hash)),
        None => (1, 1, None),
    };
    let (bytes, hash) = encode(writer, seq, op_start, dep.as_slice(), facts);
    Built { tip: Tip { seq, hash, op_max: op_start + facts.len() as u64 - 1 }, bytes }
}

#[cfg(test)]
mod tests;
