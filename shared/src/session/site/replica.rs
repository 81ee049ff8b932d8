//! The store of a device, as its half of the session needs it.

use std::collections::BTreeMap;

use crate::chain::Run;
use crate::document::DocId;
use crate::frame::{Mark, Reference, Refused, Version, Welcome};
use crate::id::{Digest32, Epoch, SessionToken, WriterId};
use crate::reference::Held;
use crate::register::Edit;
use crate::time::Day;

/// What a device says of itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The `next` of the last welcomed session.
    pub token_prev: Option<SessionToken>,
    /// This session's `next`, kept already.
    pub token_next: SessionToken,
    /// The epoch its acknowledgements belong to.
    pub epoch: Option<Epoch>,
    /// Highest mark seen in it.
    pub seen: Option<Mark>,
    /// Digest of all chain tips.
    pub digest: Digest32,
    /// Number of the last change kept: what `in_sync` will speak of.
    pub position: u64,
    /// The references that are held here.
    pub references: Vec<Held>,
    /// Changes kept that the epoch is not known to hold.
    pub waiting: u64,
    /// The earliest day that they are about.
    pub oldest_waiting_day: Option<Day>,
}

/// A chain with changes that the epoch is not known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The document.
    pub document: DocId,
    /// Whose chain.
    pub writer: WriterId,
    /// Last sequence number known to be held; 0 for none.
    pub acked: u64,
    /// Last sequence number kept here.
    pub seq: u64,
}

/// How a version told by the hub compares with the chain kept here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same change is kept here.
    Same,
    /// Fewer changes are kept here.
    Behind,
    /// Another change is kept here under that number: a fork.
    Differs,
}

/// What became of a run from the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// Kept, or known.
    Kept,
    /// Earlier changes are missing: ask from this number on.
    Gap(u64),
}

/// The store of a device, as its half of the session needs it. Every method acts within the
/// host's transaction.
pub trait SiteReplica {
    /// How the store fails.
    type Error;

    /// Keeps a fresh `next` token, unless one is waiting for its welcome, and tells where the
    /// device stands.
    fn greet(&mut self) -> Result<Greeting, Self::Error>;
    /// The session was welcomed: `next` becomes `prev`. Another epoch than before, or a hub that
    /// does not know the device, forgets all acknowledgements. Whether it did.
    fn welcomed(&mut self, welcome: &Welcome) -> Result<bool, Self::Error>;
    /// Remembers the highest mark of the epoch.
    fn saw(&mut self, mark: Mark) -> Result<(), Self::Error>;
    /// The chains with something waiting.
    fn waiting(&mut self) -> Result<Vec<Waiting>, Self::Error>;
    /// A run of one chain from this number on, bounded by [`crate::session::PUSH_BYTES_MAX`]; `None` when
    /// the chain ends before it.
    fn run(&mut self, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, Self::Error>;
    /// Edits of a document of registers: of these writers, each from its number on, every one after
    /// those that it follows, bounded by [`crate::session::PUSH_BYTES_MAX`].
    fn edits(&mut self, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, Self::Error>;
    /// Keeps edits from the hub. Where one differs from what is kept here, the hub's stands, and
    /// the own one is retired as if refused, with all that follow it. `false` when one follows
    /// something that is not kept here.
    fn adopt_edits(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<bool, Self::Error>;
    /// Compares one version of the hub's, and marks as held what it covers.
    fn confirm(&mut self, document: &DocId, version: &Version) -> Result<Compared, Self::Error>;
    /// Everything up to this position is held.
    fn confirm_all(&mut self, position: u64) -> Result<(), Self::Error>;
    /// The whole document is held as it stands here.
    fn confirm_document(&mut self, document: &DocId) -> Result<(), Self::Error>;
    /// Every document with its digest.
    fn documents(&mut self) -> Result<Vec<(DocId, Digest32)>, Self::Error>;
    /// The version vector of one document; empty when it is not kept here.
    fn versions(&mut self, document: &DocId) -> Result<Vec<Version>, Self::Error>;
    /// Keeps a run from the hub. Where it differs from what is kept here, the hub's stands, and
    /// the own tail is retired as if refused.
    fn adopt(&mut self, document: &DocId, run: Run) -> Result<Adopted, Self::Error>;
    /// Takes a reference up, whole or not at all, and says what is held now; `None` for a kind
    /// that is not known here.
    fn refer(&mut self, reference: Reference) -> Result<Option<Reference>, Self::Error>;
    /// Retires the chain from `seq` on, with all that follow it, and enters its facts again under a
    /// fresh writer.
    fn retire(&mut self, refused: &Refused) -> Result<(), Self::Error>;
}
