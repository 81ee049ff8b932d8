//! How ids and names stand in frames: ids as byte strings, names as texts, both checked while
//! they are read.

use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::Error as EncodeError;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::chain::{CHANGES_PER_RUN_MAX, FACTS_PER_CHANGE_MAX, Facts, OpId};
use crate::document::DocId;
use crate::id::{ChangeHash, Digest32, Epoch, SessionToken, WriterId};
use crate::reference::{Held, REFERENCES_MAX};
use crate::register::{DEPS_MAX, Edit, SETTINGS_MAX, Setting, VALUES_MAX};

macro_rules! as_bytes {
    ($($name:ty),*) => {$(
        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.bytes(self.as_bytes())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                Self::try_from(d.bytes()?).map_err(|_| DecodeError::message("an id of another length"))
            }
        }
    )*};
}

as_bytes!(ChangeHash, Digest32, Epoch, SessionToken, WriterId);

impl<C> Encode<C> for DocId {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(&self.to_string())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for DocId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        d.str()?.parse().map_err(|_| DecodeError::message("not the name of a document"))
    }
}

/// Facts that one change may bring over the wire: beyond what is acceptable, so that a change
/// just too large is refused by name, and bounded before memory is taken for it.
const FACTS_MAX: u64 = 2 * FACTS_PER_CHANGE_MAX as u64;

/// Reads the changes of a push, at most as many as a run may have: a short compressed body can
/// announce hundreds of thousands of empty ones.
pub(super) fn bounded_changes<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<Facts>, DecodeError> {
    let count = bounded(d, CHANGES_PER_RUN_MAX as u64)?;
    let mut changes = Vec::new();
    for _ in 0..count {
        let facts = bounded(d, FACTS_MAX)?;
        changes.push((0..facts).map(|_| d.decode_with(ctx)).collect::<Result<Facts, _>>()?);
    }
    Ok(changes)
}

/// Reads the edits of a frame, at most as many as changes of a run.
pub(super) fn bounded_edits<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<Edit>, DecodeError> {
    list(d, ctx, CHANGES_PER_RUN_MAX as u64)
}

/// Reads what an edit follows. These three allow for more than is acceptable, like the facts.
pub(crate) fn bounded_deps<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<ChangeHash>, DecodeError> {
    list(d, ctx, 2 * DEPS_MAX as u64)
}

/// Reads what an edit sets.
pub(crate) fn bounded_settings<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<Setting>, DecodeError> {
    list(d, ctx, 2 * SETTINGS_MAX as u64)
}

/// Reads what a setting replaces.
pub(crate) fn bounded_replaces<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<OpId>, DecodeError> {
    list(d, ctx, 2 * VALUES_MAX as u64)
}

fn list<'b, C, T: Decode<'b, C>>(d: &mut Decoder<'b>, ctx: &mut C, max: u64) -> Result<Vec<T>, DecodeError> {
    let count = bounded(d, max)?;
    (0..count).map(|_| d.decode_with(ctx)).collect()
}

/// Reads the references that a device holds.
pub(super) fn bounded_references<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Option<Vec<Held>>, DecodeError> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    let count = bounded(d, REFERENCES_MAX as u64)?;
    (0..count).map(|_| d.decode_with(ctx)).collect::<Result<_, _>>().map(Some)
}

fn bounded(d: &mut Decoder<'_>, max: u64) -> Result<u64, DecodeError> {
    d.array()?.filter(|len| *len <= max).ok_or_else(|| DecodeError::message("a list without a length, or too long"))
}
