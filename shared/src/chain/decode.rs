//! Back from canonical bytes to a change's content.
//!
//! Strict: what decodes encodes again to the same bytes, or the answer is an error. Automerge
//! is a merge library, not a parser of damaged bytes; nothing here reaches it.

use sha2::{Digest as _, Sha256};

use super::encode::{
    CHUNK_CHANGE, COLUMN_ACTION, COLUMN_INSERT, COLUMN_KEY, COLUMN_PRED, COLUMN_PRED_ACTOR, COLUMN_PRED_COUNTER,
    COLUMN_VALUE, COLUMN_VALUE_META, MAGIC, VALUE_UTF8, encode,
};
use super::{Built, FACTS_PER_CHANGE_MAX, Facts, OpId, Tip};
use crate::id::{ChangeHash, WriterId};
use crate::register::{Edit, REPLACED_MAX, SETTINGS_MAX, Setting};

/// Bytes that are not one canonical change.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The chunk's checksum does not match its contents: the bytes are damaged.
    #[error("the change's checksum does not match its contents")]
    Checksum,
    /// Whole, but not of the form that this program writes.
    #[error("the change is not of the canonical form")]
    Form,
}

/// A decoded change of a visits document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Who wrote it.
    pub writer: WriterId,
    /// The change before it in its chain.
    pub dep: Option<ChangeHash>,
    /// The change itself, with the tip it makes.
    pub built: Built,
    /// Its facts.
    pub facts: Facts,
}

/// Reads one change chunk of a visits document.
///
/// # Errors
/// When the bytes are damaged, or are not what [`encode`] writes for facts.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let (edit, built) = decode_edit(bytes)?;
    let Edit { writer, deps, settings, .. } = edit;
    let (dep, further) = match deps.as_slice() {
        [] => (None, false),
        [dep] => (Some(*dep), false),
        _ => (None, true),
    };
    if further || settings.len() > FACTS_PER_CHANGE_MAX || settings.iter().any(|setting| !setting.replaces.is_empty()) {
        return Err(DecodeError::Form);
    }
    let facts = settings.into_iter().map(|Setting { key, value, .. }| (key, value)).collect();
    Ok(Decoded { writer, dep, built, facts })
}

/// Reads one change chunk of any document.
///
/// # Errors
/// When the bytes are damaged, or are not what [`encode`] writes.
pub fn decode_edit(bytes: &[u8]) -> Result<(Edit, Built), DecodeError> {
    let mut input = Input(bytes);
    if input.take(4)? != MAGIC {
        return Err(DecodeError::Form);
    }
    let checksum = input.take(4)?;
    let hash: [u8; 32] = Sha256::digest(input.0).into();
    if checksum != &hash[..4] {
        return Err(DecodeError::Checksum);
    }
    if input.byte()? != CHUNK_CHANGE || input.unsigned()? != input.0.len() as u64 {
        return Err(DecodeError::Form);
    }
    let mut deps = Vec::new();
    for _ in 0..input.unsigned()? {
        // Ends with the input: a number that is too great takes no memory.
        deps.push(ChangeHash::try_from(input.take(32)?).map_err(|_| DecodeError::Form)?);
    }
    let writer = input.writer()?;
    let (seq, op_start) = (input.unsigned()?, input.unsigned()?);
    if input.take(2)? != [0, 0] {
        return Err(DecodeError::Form);
    }
    let mut writers = vec![writer];
    for _ in 0..input.unsigned()? {
        writers.push(input.writer()?);
    }
    let settings = input.settings(&writers)?;
    // One comparison replaces a check per column: run lengths, order, specifications, values.
    let (canonical, hash) = encode(&writer, seq, op_start, &deps, &settings);
    if canonical != bytes || settings.is_empty() {
        return Err(DecodeError::Form);
    }
    let op_max = op_start.checked_add(settings.len() as u64 - 1).ok_or(DecodeError::Form)?;
    let tip = Tip { seq, hash, op_max };
    Ok((Edit { writer, seq, op_start, deps, settings, hash }, Built { tip, bytes: canonical }))
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(DecodeError::Form)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let mut n = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(DecodeError::Form)
    }

    fn signed(&mut self) -> Result<i64, DecodeError> {
        let mut n = 0i64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            n |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let unused = 64 - 7 - shift;
                return Ok(n << unused >> unused);
            }
        }
        Err(DecodeError::Form)
    }

    fn writer(&mut self) -> Result<WriterId, DecodeError> {
        if self.unsigned()? != 16 {
            return Err(DecodeError::Form);
        }
        WriterId::try_from(self.take(16)?).map_err(|_| DecodeError::Form)
    }

    /// The columns, as settings.
    fn settings(&mut self, writers: &[WriterId]) -> Result<Vec<Setting>, DecodeError> {
        let order = [
            COLUMN_KEY,
            COLUMN_INSERT,
            COLUMN_ACTION,
            COLUMN_VALUE_META,
            COLUMN_VALUE,
            COLUMN_PRED,
            COLUMN_PRED_ACTOR,
            COLUMN_PRED_COUNTER,
        ];
        let mut lengths = [0usize; 8];
        let columns = self.unsigned()?;
        let mut next = 0;
        for _ in 0..columns {
            let specification = self.byte()?;
            let at = order[next..].iter().position(|s| *s == specification).ok_or(DecodeError::Form)? + next;
            lengths[at] = usize::try_from(self.unsigned()?).map_err(|_| DecodeError::Form)?;
            next = at + 1;
        }
        let mut columns = [const { Input(&[]) }; 8];
        for (column, len) in columns.iter_mut().zip(lengths) {
            *column = Input(self.take(len)?);
        }
        if !self.0.is_empty() {
            return Err(DecodeError::Form);
        }
        let [mut keys, _, _, mut meta, mut values, mut counts, mut actors, mut counters] = columns;
        let lens = meta.run_length_encoded(SETTINGS_MAX, Self::unsigned)?;
        let keys = keys.run_length_encoded(SETTINGS_MAX, |input| {
            let len = usize::try_from(input.unsigned()?).map_err(|_| DecodeError::Form)?;
            text(input.take(len)?)
        })?;
        let counts = counts.run_length_encoded(SETTINGS_MAX, Self::unsigned)?;
        let mut actors = actors.run_length_encoded(REPLACED_MAX, Self::unsigned)?.into_iter();
        let mut counters = counters.run_length_encoded(REPLACED_MAX, Self::signed)?.into_iter();
        if lens.len() != keys.len() || counts.len() != keys.len() {
            return Err(DecodeError::Form);
        }
        let mut counter = 0i64;
        let mut replaced = || {
            let (actor, difference) = actors.next().zip(counters.next()).ok_or(DecodeError::Form)?;
            counter = counter.checked_add(difference).ok_or(DecodeError::Form)?;
            let writer = usize::try_from(actor).ok().and_then(|actor| writers.get(actor)).ok_or(DecodeError::Form)?;
            Ok(OpId { counter: u64::try_from(counter).map_err(|_| DecodeError::Form)?, writer: *writer })
        };
        let mut settings = Vec::new();
        for ((key, len), count) in keys.into_iter().zip(lens).zip(counts) {
            if len & 0xf != VALUE_UTF8 || count > REPLACED_MAX as u64 {
                return Err(DecodeError::Form);
            }
            let len = usize::try_from(len >> 4).map_err(|_| DecodeError::Form)?;
            let value = text(values.take(len)?)?;
            let replaces = (0..count).map(|_| replaced()).collect::<Result<_, _>>()?;
            settings.push(Setting { key, value, replaces });
        }
        Ok(settings)
    }

    /// At most `max` values: run lengths take no memory before they are bounded.
    fn run_length_encoded<T: Clone>(
        &mut self,
        max: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut out = Vec::new();
        while !self.0.is_empty() {
            let run = self.signed()?;
            let count = usize::try_from(run.unsigned_abs()).map_err(|_| DecodeError::Form)?;
            if run == 0 || count > max - out.len() {
                return Err(DecodeError::Form);
            }
            if run > 0 {
                let value = read(self)?;
                out.extend(std::iter::repeat_n(value, count));
            } else {
                for _ in 0..count {
                    out.push(read(self)?);
                }
            }
        }
        Ok(out)
    }
}

fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Form)
}
