//! Back from canonical bytes to a change's content.
//!
//! Strict: what decodes encodes again to the same bytes, or the answer is an error. Automerge
//! is a merge library, not a parser of damaged bytes; nothing here reaches it.

use sha2::{Digest as _, Sha256};

use super::encode::{
    CHUNK_CHANGE, COLUMN_ACTION, COLUMN_INSERT, COLUMN_KEY, COLUMN_PRED, COLUMN_VALUE, COLUMN_VALUE_META, MAGIC,
    VALUE_UTF8, encode,
};
use super::{Built, FACTS_PER_CHANGE_MAX, Facts, Tip};
use crate::id::{ChangeHash, WriterId};

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

/// A decoded change.
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

/// Reads one change chunk.
///
/// # Errors
/// When the bytes are damaged, or are not what [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
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
    let dep = match input.byte()? {
        0 => None,
        1 => Some(ChangeHash::try_from(input.take(32)?).map_err(|_| DecodeError::Form)?),
        _ => return Err(DecodeError::Form),
    };
    if input.unsigned()? != 16 {
        return Err(DecodeError::Form);
    }
    let writer = WriterId::try_from(input.take(16)?).map_err(|_| DecodeError::Form)?;
    let (seq, op_start) = (input.unsigned()?, input.unsigned()?);
    if input.take(3)? != [0, 0, 0] {
        return Err(DecodeError::Form);
    }
    let facts = input.facts()?;
    // One comparison replaces a check per column: run lengths, order, specifications, values.
    let (canonical, hash) = encode(&writer, seq, op_start, dep.as_ref(), &facts);
    if canonical != bytes || facts.is_empty() {
        return Err(DecodeError::Form);
    }
    let op_max = op_start.checked_add(facts.len() as u64 - 1).ok_or(DecodeError::Form)?;
    let tip = Tip { seq, hash, op_max };
    Ok(Decoded { writer, dep, built: Built { tip, bytes: canonical }, facts })
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

    /// Small run lengths only: a change holds at most [`FACTS_PER_CHANGE_MAX`] facts.
    fn run(&mut self) -> Result<i64, DecodeError> {
        // One or two bytes of signed LEB128: bit 6 of the last one is the sign.
        let first = self.byte()?;
        let (bits, unsigned) = match first & 0x80 {
            0 => (7, i64::from(first)),
            _ => (14, i64::from(first & 0x7f) | i64::from(self.byte()?) << 7),
        };
        let n = if unsigned >> (bits - 1) & 1 == 1 { unsigned - (1 << bits) } else { unsigned };
        let bound = FACTS_PER_CHANGE_MAX as i64;
        if n == 0 || n < -bound || n > bound { Err(DecodeError::Form) } else { Ok(n) }
    }

    /// The columns, as facts.
    fn facts(&mut self) -> Result<Facts, DecodeError> {
        let mut lengths = [0usize; 6];
        let order = [COLUMN_KEY, COLUMN_INSERT, COLUMN_ACTION, COLUMN_VALUE_META, COLUMN_VALUE, COLUMN_PRED];
        let columns = self.unsigned()?;
        let mut next = 0;
        for _ in 0..columns {
            let specification = self.byte()?;
            let at = order[next..].iter().position(|s| *s == specification).ok_or(DecodeError::Form)? + next;
            lengths[at] = usize::try_from(self.unsigned()?).map_err(|_| DecodeError::Form)?;
            next = at + 1;
        }
        let [keys, insert, action, meta, values, pred] = lengths;
        let (mut keys, _, _) = (Input(self.take(keys)?), self.take(insert)?, self.take(action)?);
        let (mut meta, mut values, _) = (Input(self.take(meta)?), Input(self.take(values)?), self.take(pred)?);
        if !self.0.is_empty() {
            return Err(DecodeError::Form);
        }
        let mut facts = Facts::new();
        let lens = meta.run_length_encoded(Self::unsigned)?;
        let names = keys.run_length_encoded(|input| {
            let len = usize::try_from(input.unsigned()?).map_err(|_| DecodeError::Form)?;
            text(input.take(len)?)
        })?;
        if lens.len() != names.len() {
            return Err(DecodeError::Form);
        }
        for (key, len) in names.into_iter().zip(lens) {
            if len & 0xf != VALUE_UTF8 {
                return Err(DecodeError::Form);
            }
            let len = usize::try_from(len >> 4).map_err(|_| DecodeError::Form)?;
            facts.push((key, text(values.take(len)?)?));
        }
        Ok(facts)
    }

    fn run_length_encoded<T: Clone>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut out = Vec::new();
        while !self.0.is_empty() {
            let run = self.run()?;
            if run > 0 {
                let value = read(self)?;
                out.extend(std::iter::repeat_n(value, run.unsigned_abs() as usize));
            } else {
                for _ in 0..run.unsigned_abs() {
                    out.push(read(self)?);
                }
            }
            if out.len() > FACTS_PER_CHANGE_MAX {
                return Err(DecodeError::Form);
            }
        }
        Ok(out)
    }
}

fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Form)
}
