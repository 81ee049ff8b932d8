//! The frames of the sync protocol, version 1, and their bytes.
//!
//! On the stream each frame is a header of four bytes — the length of the body, big-endian in
//! three bytes, and the frame's type, whose top bit says that the body is compressed with
//! zstd — and a body in CBOR. Fields are numbered; a program skips fields and frame types that
//! it does not know, so that newer peers can say more.
//!
//! A body is at most [`BODY_LEN_MAX`] bytes, on the wire and after decompression.

use minicbor::{Decode, Encode};

use crate::chain::{Facts, Refusal, Run, Tip};
use crate::document::DocId;
use crate::id::{ChangeHash, Digest32, Epoch, SessionToken, WriterId};

mod wire;

/// Longest body, compressed or not.
pub const BODY_LEN_MAX: usize = 256 * 1024;
/// Bodies from this length on are compressed when that makes them shorter.
pub const COMPRESS_FROM: usize = 512;
/// Bytes of a header.
pub const HEADER_LEN: usize = 4;
/// The protocol versions that this program speaks.
pub const PROTOCOL: std::ops::RangeInclusive<u32> = 1..=1;

const COMPRESSED: u8 = 0x80;

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
    /// Whether pushes and an [`Frame::Offered`] follow at once.
    #[n(9)]
    pub offers: bool,
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
    #[n(3)]
    pub changes: Vec<Facts>,
    /// Hash of the last change.
    #[n(4)]
    pub last_hash: ChangeHash,
    /// From the hub: a commit that holds it.
    #[n(5)]
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

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant carries the documented struct of its name")]
pub enum Frame {
    Hello(Hello),
    Welcome(Welcome),
    /// Device → hub: the pushes that follow a Hello at once end here.
    Offered,
    Push(Push),
    Digests(Digests),
    Have(Have),
    Ack(Ack),
    Need(Need),
    Refused(Refused),
}

/// Bytes that are no frame. The session ends; the same bytes are not tried again.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The header announces more than [`BODY_LEN_MAX`], or the body expands to more.
    #[error("a frame of more than {BODY_LEN_MAX} bytes")]
    TooLong,
    /// The body is not what its type says.
    #[error("a frame of type {kind} that does not decode")]
    Malformed {
        /// The frame's type.
        kind: u8,
        /// What the decoder found.
        #[source]
        source: Option<minicbor::decode::Error>,
    },
}

/// A frame's header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the body that follows.
    pub body_len: usize,
    kind: u8,
    compressed: bool,
}

/// Reads a header.
///
/// # Errors
/// [`FrameError::TooLong`] before a byte of the body is read.
pub fn header(bytes: [u8; HEADER_LEN]) -> Result<Header, FrameError> {
    let [a, b, c, kind] = bytes;
    let body_len = u32::from_be_bytes([0, a, b, c]) as usize;
    if body_len > BODY_LEN_MAX {
        return Err(FrameError::TooLong);
    }
    Ok(Header { body_len, kind: kind & !COMPRESSED, compressed: kind & COMPRESSED != 0 })
}

/// Reads a body. `None`: a type of frame that this version does not know, to be skipped.
///
/// # Errors
/// When the body is not of the form its type says.
pub fn decode(header: Header, body: &[u8]) -> Result<Option<Frame>, FrameError> {
    let kind = header.kind;
    let expanded;
    let body = if header.compressed {
        expanded = expand(kind, body)?;
        expanded.as_slice()
    } else {
        body
    };
    let frame = match kind {
        1 => Frame::Hello(read(kind, body)?),
        2 => Frame::Welcome(read(kind, body)?),
        3 => Frame::Offered,
        4 => Frame::Push(read(kind, body)?),
        5 => Frame::Digests(read(kind, body)?),
        6 => Frame::Have(read(kind, body)?),
        7 => Frame::Ack(read(kind, body)?),
        8 => Frame::Need(read(kind, body)?),
        9 => Frame::Refused(read(kind, body)?),
        _ => return Ok(None),
    };
    Ok(Some(frame))
}

fn read<'b, T: Decode<'b, ()>>(kind: u8, body: &'b [u8]) -> Result<T, FrameError> {
    minicbor::decode(body).map_err(|source| FrameError::Malformed { kind, source: Some(source) })
}

fn expand(kind: u8, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    zstd::bulk::decompress(body, BODY_LEN_MAX).map_err(|_| FrameError::Malformed { kind, source: None })
}

/// Appends a frame's bytes, header included.
///
/// # Errors
/// [`FrameError::TooLong`] when the body is over the bound; nothing is appended then. Senders
/// keep their frames far below it.
pub fn encode(frame: &Frame, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let (kind, body) = match frame {
        Frame::Hello(body) => (1, write(body)),
        Frame::Welcome(body) => (2, write(body)),
        Frame::Offered => (3, Vec::new()),
        Frame::Push(body) => (4, write(body)),
        Frame::Digests(body) => (5, write(body)),
        Frame::Have(body) => (6, write(body)),
        Frame::Ack(body) => (7, write(body)),
        Frame::Need(body) => (8, write(body)),
        Frame::Refused(body) => (9, write(body)),
    };
    if body.len() > BODY_LEN_MAX {
        return Err(FrameError::TooLong);
    }
    let compressed = (body.len() >= COMPRESS_FROM)
        .then(|| zstd::bulk::compress(&body, 1).ok())
        .flatten()
        .filter(|shorter| shorter.len() < body.len());
    let (kind, body) = match compressed {
        Some(shorter) => (kind | COMPRESSED, shorter),
        None => (kind, body),
    };
    // At most 2^18: the top byte is zero.
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind]);
    out.extend_from_slice(&body);
    Ok(())
}

fn write<T: Encode<()>>(body: &T) -> Vec<u8> {
    let mut out = Vec::new();
    match minicbor::encode(body, &mut out) {
        Ok(()) => out,
        Err(error) => match error.into_write() {
            // A vector takes every byte, and no field's encoder refuses a value.
            Some(never) => match never {},
            None => out,
        },
    }
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

#[cfg(test)]
mod tests;
