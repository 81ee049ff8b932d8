//! A set of chain tips in 32 bytes.

use sha2::{Digest as _, Sha256};

use super::Tip;
use crate::id::{Digest32, WriterId};

/// The set's digest: the exclusive or of one hash per tip, so that a tip can be put in and
/// taken out without looking at the others.
///
/// It is compared between a device and the hub about that device's own site only: whoever could
/// craft tips that cancel out would deceive nobody but himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Reads a digest that was kept.
    pub fn from_id(id: Digest32) -> Self {
        Self(*id.as_bytes())
    }

    /// The digest as a value to send or keep.
    pub fn id(self) -> Digest32 {
        Digest32::new(self.0)
    }

    /// Puts a tip in, or takes it out again.
    pub fn toggle(&mut self, tip: &Digest32) {
        for (mine, theirs) in self.0.iter_mut().zip(tip.as_bytes()) {
            *mine ^= theirs;
        }
    }

    /// Replaces the tip of one chain.
    pub fn advance(&mut self, document: &str, writer: &WriterId, from: Option<&Tip>, to: Option<&Tip>) {
        for tip in [from, to].into_iter().flatten() {
            self.toggle(&tip_digest(document, writer, tip));
        }
    }
}

/// The hash of one tip: of the document's name, the writer, the sequence number and the hash.
pub fn tip_digest(document: &str, writer: &WriterId, tip: &Tip) -> Digest32 {
    let mut hasher = Sha256::new();
    hasher.update(document.as_bytes());
    hasher.update([0]);
    hasher.update(writer.as_bytes());
    hasher.update(tip.seq.to_be_bytes());
    hasher.update(tip.hash.as_bytes());
    Digest32::new(hasher.finalize().into())
}
