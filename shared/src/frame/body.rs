//! What each frame says.

use minicbor::{Decode, Encode};

use crate::chain::{Facts, Refusal, Run, Tip};
use crate::document::DocId;
use crate::id::{ChangeHash, Digest32, Epoch, SessionToken, WriterId};
use crate::reference::Held;
use crate::register::Edit;

/// One hub commit, as devices remember it: its number and the random tag it drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Mark {
    /// Counts up with every commit of one database.
    #[n(0)]
    pub commit: u64,
    /// Random: a database copied back by hand counts on with other tags.
    #[n(1)]
    pub tag: u64,
}

/// Device → hub: the first frame of a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Lowest protocol version that the device speaks.
    #[n(0)]
    pub protocol_min: u32,
    /// Highest protocol version that the device speaks.
    #[n(1)]
    pub protocol_max: u32,
    /// The agent's version.
    #[n(2)]
    pub app: String,
    /// The `next` of the last session that was welcomed.
    #[n(3)]
    pub token_prev: Option<SessionToken>,
    /// Drawn by the device and kept before it is sent.
    #[n(4)]
    pub token_next: SessionToken,
    /// The device's wall clock, milliseconds since 1970. Measured, never trusted.
    #[n(5)]
    pub clock_ms: i64,
    /// The epoch that the device's acknowledgements belong to.
    #[n(6)]
    pub epoch: Option<Epoch>,
    /// Highest mark seen in that epoch.
    #[n(7)]
    pub seen: Option<Mark>,
    /// Digest of every chain tip of the device's site, as the device has them.
    #[n(8)]
    pub digest: Digest32,
    /// Whether pushes and an [`Offered`](super::Frame::Offered) follow at once.
    #[n(9)]
    pub offers: bool,
    /// The references that the device holds; `None` from one that knows of none.
    #[cbor(n(10), decode_with = "super::wire::bounded_references")]
    pub references: Option<Vec<Held>>,
    /// What did not lead to a session before this one, for people: `quic silent`. At most
    /// [`TRIED_LEN_MAX`](super::TRIED_LEN_MAX) bytes.
    #[n(11)]
    pub tried: Option<String>,
    /// Changes kept that the device does not know the hub to hold, for people; `None` from one that
    /// does not tell.
    #[n(12)]
    pub waiting: Option<u64>,
    /// The earliest day that they are about, as its [number](crate::time::Day::number); `None` when
    /// nothing that waits is about a day.
    #[n(13)]
    pub oldest_waiting_day: Option<i32>,
}

/// How the hub regards a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DeviceStanding {
    /// Its changes are taken and acknowledged.
    #[n(0)]
    Active,
    /// Certified by this CA but unknown to this database: its changes are stored apart and not
    /// acknowledged until an operator approves it.
    #[n(1)]
    Pending,
}

/// Hub → device: the answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The hub's epoch.
    #[n(0)]
    pub epoch: Epoch,
    /// Its last commit.
    #[n(1)]
    pub mark: Mark,
    /// The protocol version to speak.
    #[n(2)]
    pub protocol: u32,
    /// The hub's clock, milliseconds since 1970.
    #[n(3)]
    pub clock_ms: i64,
    /// Whether everything in `Hello::digest` is committed here in this epoch.
    #[n(4)]
    pub in_sync: bool,
    /// How the hub regards the device.
    #[n(5)]
    pub standing: DeviceStanding,
}

/// Consecutive changes of one chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Push {
    /// The document.
    #[n(0)]
    pub document: DocId,
    /// Whose chain.
    #[n(1)]
    pub writer: WriterId,
    /// Sequence number of the first change.
    #[n(2)]
    pub first_seq: u64,
    /// The changes' facts.
    #[cbor(n(3), decode_with = "super::wire::bounded_changes")]
    pub changes: Vec<Facts>,
    /// Hash of the last change.
    #[n(4)]
    pub last_hash: ChangeHash,
    /// From the hub: a commit that holds it.
    #[n(5)]
    pub mark: Option<Mark>,
}

/// Edits of a document of registers, each after those that it follows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Edits {
    /// The document.
    #[n(0)]
    pub document: DocId,
    /// The edits, of any writers.
    #[cbor(n(1), decode_with = "super::wire::bounded_edits")]
    pub edits: Vec<Edit>,
    /// From the hub: a commit that holds them.
    #[n(2)]
    pub mark: Option<Mark>,
}

/// A chain's end, as peers tell each other of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Version {
    /// Whose chain.
    #[n(0)]
    pub writer: WriterId,
    /// Its last sequence number.
    #[n(1)]
    pub seq: u64,
    /// The hash there.
    #[n(2)]
    pub hash: ChangeHash,
}

/// Hub → device: the digest of each document of the site, when the whole differs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Digests {
    /// The hub's epoch.
    #[n(0)]
    pub epoch: Epoch,
    /// Every document of the site that the hub has.
    #[n(1)]
    pub documents: Vec<(DocId, Digest32)>,
    /// A commit that holds them.
    #[n(2)]
    pub mark: Mark,
}

/// Either → other: the version vector of one document.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Have {
    /// The document.
    #[n(0)]
    pub document: DocId,
    /// The ends of all its chains, as the sender has them.
    #[n(1)]
    pub versions: Vec<Version>,
    /// From the hub: its epoch, and a commit that holds all of it.
    #[n(2)]
    pub held: Option<(Epoch, Mark)>,
}

/// Hub → device: committed. The only thing, beside `in_sync` and a hub's [`Have`], that makes a
/// visit «confirmed».
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ack {
    /// The epoch that holds it.
    #[n(0)]
    pub epoch: Epoch,
    /// The commit that holds it.
    #[n(1)]
    pub mark: Mark,
    /// Up to where each chain is held. Compared by hash: a fork is never acknowledged.
    #[n(2)]
    pub held: Vec<(DocId, Version)>,
    /// Whether everything in `Hello::digest` is committed now.
    #[n(3)]
    pub in_sync: bool,
}

/// Either → other: send me this chain from here on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Need {
    /// The document.
    #[n(0)]
    pub document: DocId,
    /// Whose chain.
    #[n(1)]
    pub writer: WriterId,
    /// First sequence number wanted.
    #[n(2)]
    pub from: u64,
}

/// Hub → device: this change, and all that follow it in its chain, can never be taken.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Refused {
    /// The document.
    #[n(0)]
    pub document: DocId,
    /// Whose chain.
    #[n(1)]
    pub writer: WriterId,
    /// Sequence number of the refused change.
    #[n(2)]
    pub seq: u64,
    /// Why: see [`Refusal::code`].
    #[n(3)]
    pub reason: u8,
    /// Last hash of the run that was refused: a refusal of what is no longer kept is ignored.
    #[n(4)]
    pub last_hash: ChangeHash,
}

/// Hub → device: come back later. The connection is closed right after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Busy {
    /// The device comes back at an instant of its own choice within this time.
    #[n(0)]
    pub retry_after_ms: u64,
}

/// Either side: why the connection is closed. Only where what carries the frames cannot say so
/// itself: over QUIC, the close of the connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Bye {
    /// The number of the reason.
    #[n(0)]
    pub code: u32,
}

/// Hub → device: a value that the hub alone decides, whole. Device → hub: which of its kind the
/// device holds now. See [`crate::reference`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reference {
    /// What it is about.
    #[n(0)]
    pub kind: u32,
    /// The hub's epoch, and the commit of which it is; from a device those it was told.
    #[n(1)]
    pub epoch: Option<Epoch>,
    /// See `epoch`.
    #[n(2)]
    pub n: u64,
    /// What tells it from others of its kind.
    #[n(3)]
    pub hash: Digest32,
    /// The value; from a device what the hub needs to make it.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub value: Vec<u8>,
}

impl Push {
    /// The run that the frame carries.
    pub fn into_run(self) -> (DocId, Run) {
        let Self { document, writer, first_seq, changes, last_hash, mark: _ } = self;
        (document, Run { writer, first_seq, changes, last_hash })
    }

    /// The frame that carries a run; `mark` when it comes from the hub.
    pub fn of_run(document: DocId, run: Run, mark: Option<Mark>) -> Self {
        let Run { writer, first_seq, changes, last_hash } = run;
        Self { document, writer, first_seq, changes, last_hash, mark }
    }

    /// Sequence number of the last change; `None` for an empty push.
    pub fn last_seq(&self) -> Option<u64> {
        let count = self.changes.len() as u64;
        self.first_seq.checked_add(count)?.checked_sub(1).filter(|_| count > 0)
    }
}

impl Version {
    /// The place of one edit.
    pub fn of_edit(edit: &Edit) -> Self {
        Self { writer: edit.writer, seq: edit.seq, hash: edit.hash }
    }

    /// The end of the chain of `writer`.
    pub fn of_tip(writer: WriterId, tip: &Tip) -> Self {
        Self { writer, seq: tip.seq, hash: tip.hash }
    }
}

impl Refused {
    /// The frame that refuses the run which ends at `last`, from `seq` on.
    pub fn new(document: DocId, last: Version, seq: u64, why: Refusal) -> Self {
        Self { document, writer: last.writer, seq, reason: why.code(), last_hash: last.hash }
    }
}
