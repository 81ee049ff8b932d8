//! The hub's store, as a session needs it.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::{Refusal, Run};
use crate::document::DocId;
use crate::frame::{Hello, Reference, Version};
use crate::id::{Digest32, Epoch, WriterId};
use crate::reference::Held;
use crate::register::Edit;

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of it is held: acknowledge this version. `fresh` is the first sequence number that
    /// was new, to be passed on to the site's other devices.
    Held {
        /// The end of the run.
        version: Version,
        /// First new sequence number.
        fresh: Option<u64>,
    },
    /// The first part is held, when there is a version; the rest never will be.
    Refused {
        /// The end of the part that is held, and the first new sequence number in it.
        held: Option<(Version, u64)>,
        /// The first refused change.
        seq: u64,
        /// Why.
        why: Refusal,
    },
    /// Changes before it are missing, from this number on.
    Gap(u64),
    /// Another change is held under one of its numbers: the hub's chain is the answer.
    Fork,
}

/// What became of edits. Those that follow a refused or forked one of the same frame are passed
/// over: the device gives them up together with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenEdits {
    /// Up to where each writer's edits are held: acknowledge these.
    pub held: Vec<Version>,
    /// Each writer's first new number, to be passed on to the site's other devices.
    pub fresh: BTreeMap<WriterId, u64>,
    /// What will never be held, and why.
    pub refused: Vec<(Version, Refusal)>,
    /// Writers of which another edit is held under one of the numbers: the hub's is the answer.
    pub forked: BTreeSet<WriterId>,
    /// Edits that follow something which is not held here.
    pub missing: Vec<Version>,
}

/// The hub's store, as a session needs it. Every method acts within the host's transaction.
pub trait HubReplica {
    /// How the store fails.
    type Error;

    /// Takes note of a device's Hello: its place in the line of sessions, its version, its
    /// clock. A mark that this database does not know starts a new epoch first. Returns the
    /// epoch that now holds.
    fn greeted(&mut self, hello: &Hello) -> Result<Epoch, Self::Error>;
    /// Every document of the site with its digest.
    fn documents(&mut self) -> Result<Vec<(DocId, Digest32)>, Self::Error>;
    /// The version vector of one document of the site.
    fn versions(&mut self, document: &DocId) -> Result<Vec<Version>, Self::Error>;
    /// A run of one chain from this number on, bounded by [`crate::session::PUSH_BYTES_MAX`].
    fn run(&mut self, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, Self::Error>;
    /// Judges a run and keeps what can be kept, views included.
    fn take(&mut self, document: &DocId, run: Run) -> Result<Taken, Self::Error>;
    /// Stores a pending device's run apart. When changes before it are missing, says from where.
    fn store_apart(&mut self, document: &DocId, run: Run) -> Result<Option<u64>, Self::Error>;
    /// Takes note of the references that the device holds, and gives those that differ.
    fn differing(&mut self, held: &[Held]) -> Result<Vec<Reference>, Self::Error>;
    /// Takes in what a device answers to a reference; gives it anew when the answer says what it
    /// lacked.
    fn answered(&mut self, answer: &Reference) -> Result<Option<Reference>, Self::Error>;
    /// Edits of a document of registers: of these writers, each from its number on, every one after
    /// those that it follows, bounded by [`crate::session::PUSH_BYTES_MAX`].
    fn edits(&mut self, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, Self::Error>;
    /// Whether this very change is held.
    fn holds(&mut self, document: &DocId, version: &Version) -> Result<bool, Self::Error>;
    /// Judges edits and keeps what can be kept.
    fn take_edits(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<TakenEdits, Self::Error>;
    /// Takes note of an edit that is refused because the device cannot bring what it follows.
    fn refuse_edit(&mut self, document: &DocId, edit: &Version, why: Refusal) -> Result<(), Self::Error>;
    /// Stores a pending device's edits apart. When earlier ones of their writers are missing, says
    /// from where.
    fn store_edits_apart(&mut self, document: &DocId, edits: Vec<Edit>)
    -> Result<BTreeMap<WriterId, u64>, Self::Error>;
    /// Last sequence number of the chain that is stored apart; 0 for none.
    fn stored_apart(&mut self, document: &DocId, writer: &WriterId) -> Result<u64, Self::Error>;
}
