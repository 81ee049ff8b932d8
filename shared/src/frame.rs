//! The frames of the sync protocol and their bytes.
//!
//! On the stream each frame is a header of four bytes — the length of the body, big-endian in
//! three bytes, and the frame's type, whose top bit says that the body is compressed with
//! zstd — and a body in CBOR. Fields are numbered; a program skips fields and frame types that
//! it does not know, so that newer peers can say more.
//!
//! A body is at most [`BODY_LEN_MAX`] bytes, on the wire and after decompression.

use minicbor::{Decode, Encode};

mod body;
mod compression;
mod wire;

pub use body::{
    Ack, Busy, Bye, DeviceStanding, Digests, Edits, Have, Hello, Mark, Need, Push, Reference, Refused, Version, Welcome,
};
pub(crate) use wire::{bounded_deps, bounded_replaces, bounded_settings};

/// Longest body, compressed or not.
pub const BODY_LEN_MAX: usize = 256 * 1024;
/// Bodies from this length on are compressed when that makes them shorter.
pub const COMPRESS_FROM: usize = 512;
/// Longest text of [`Hello::tried`].
pub const TRIED_LEN_MAX: usize = 120;
/// Bytes of a header.
pub const HEADER_LEN: usize = 4;
/// The protocol versions that this program speaks.
pub const PROTOCOL: std::ops::RangeInclusive<u32> = 1..=2;
/// The first version that knows documents of registers: an earlier one does not even read their
/// names, and takes a frame that has one for damaged.
pub const REGISTERS_SINCE: u32 = 2;

const COMPRESSED: u8 = 0x80;
const PUSH: u8 = 4;
const EDITS: u8 = 13;

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
    Busy(Busy),
    Bye(Bye),
    Reference(Reference),
    Edits(Edits),
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
        let failed = FrameError::Malformed { kind, source: None };
        expanded = compression::expand(body, BODY_LEN_MAX).ok_or(failed)?;
        expanded.as_slice()
    } else {
        body
    };
    let frame = match kind {
        1 => Frame::Hello(read(kind, body)?),
        2 => Frame::Welcome(read(kind, body)?),
        3 => Frame::Offered,
        PUSH => Frame::Push(read(kind, body)?),
        5 => Frame::Digests(read(kind, body)?),
        6 => Frame::Have(read(kind, body)?),
        7 => Frame::Ack(read(kind, body)?),
        8 => Frame::Need(read(kind, body)?),
        9 => Frame::Refused(read(kind, body)?),
        10 => Frame::Busy(read(kind, body)?),
        11 => Frame::Bye(read(kind, body)?),
        12 => Frame::Reference(read(kind, body)?),
        EDITS => Frame::Edits(read(kind, body)?),
        _ => return Ok(None),
    };
    Ok(Some(frame))
}

fn read<'b, T: Decode<'b, ()>>(kind: u8, body: &'b [u8]) -> Result<T, FrameError> {
    minicbor::decode(body).map_err(|source| FrameError::Malformed { kind, source: Some(source) })
}

/// Whether these are the bytes of a frame that a hub answers whatever becomes of it: of changes.
pub fn wants_answer(bytes: &[u8]) -> bool {
    bytes.get(3).is_some_and(|kind| matches!(kind & !COMPRESSED, PUSH | EDITS))
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
        Frame::Push(body) => (PUSH, write(body)),
        Frame::Digests(body) => (5, write(body)),
        Frame::Have(body) => (6, write(body)),
        Frame::Ack(body) => (7, write(body)),
        Frame::Need(body) => (8, write(body)),
        Frame::Refused(body) => (9, write(body)),
        Frame::Busy(body) => (10, write(body)),
        Frame::Bye(body) => (11, write(body)),
        Frame::Reference(body) => (12, write(body)),
        Frame::Edits(body) => (EDITS, write(body)),
    };
    if body.len() > BODY_LEN_MAX {
        return Err(FrameError::TooLong);
    }
    let compressed = (body.len() >= COMPRESS_FROM)
        .then(|| compression::compress(&body))
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

#[cfg(test)]
mod tests;
