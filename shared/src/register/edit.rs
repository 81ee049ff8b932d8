//! One change of a document of registers, as content.

use minicbor::{Decode, Encode};

use super::{EDIT_BYTES_MAX, SETTINGS_MAX};
use crate::chain::{Built, DecodeError, OpId, Put, Tip, decode_edit, encode};
use crate::id::{ChangeHash, WriterId};

/// One change: what its author set at once.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Edit {
    /// Who wrote it.
    #[n(0)]
    pub writer: WriterId,
    /// Its number among the writer's edits of the document, from 1.
    #[n(1)]
    pub seq: u64,
    /// Counter of its first operation.
    #[n(2)]
    pub op_start: u64,
    /// What it follows, in ascending order: the ends of all that its author knew, and the author's
    /// own last edit.
    #[cbor(n(3), decode_with = "crate::frame::bounded_deps")]
    pub deps: Vec<ChangeHash>,
    /// What it sets.
    #[cbor(n(4), decode_with = "crate::frame::bounded_settings")]
    pub settings: Vec<Setting>,
    /// The hash that the content must rebuild to.
    #[n(5)]
    pub hash: ChangeHash,
}

/// One key and its new value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Setting {
    /// The root key.
    #[n(0)]
    pub key: String,
    /// What it holds from here on.
    #[n(1)]
    pub value: String,
    /// The values whose place it takes, in ascending order.
    #[cbor(n(2), decode_with = "crate::frame::bounded_replaces")]
    pub replaces: Vec<OpId>,
}

impl Put for Setting {
    fn key(&self) -> &str {
        &self.key
    }

    fn value(&self) -> &str {
        &self.value
    }

    fn replaces(&self) -> &[OpId] {
        &self.replaces
    }
}

impl Edit {
    /// Gives the edit the hash that its content has.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.hash = encode(&self.writer, self.seq, self.op_start, &self.deps, &self.settings).1;
        self
    }

    /// The change, rebuilt. It is the edit's only if the hashes agree.
    pub fn build(&self) -> Built {
        let Self { writer, seq, op_start, deps, settings, .. } = self;
        let (bytes, hash) = encode(writer, *seq, *op_start, deps, settings);
        Built { tip: Tip { seq: *seq, hash, op_max: self.op_max() }, bytes }
    }

    /// Reads a change that was kept.
    ///
    /// # Errors
    /// When the bytes are damaged, or not of the canonical form.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(decode_edit(bytes)?.0)
    }

    /// Counter of its last operation.
    pub fn op_max(&self) -> u64 {
        self.op_start.saturating_add(self.settings.len() as u64).saturating_sub(1)
    }

    /// Its settings with their operations.
    pub fn ops(&self) -> impl Iterator<Item = (OpId, &Setting)> {
        let counters = self.op_start..;
        counters.zip(&self.settings).map(|(counter, setting)| (OpId { counter, writer: self.writer }, setting))
    }

    /// The change, rebuilt, if the edit is sound by itself, whatever it follows.
    pub fn sound(&self) -> Option<Built> {
        let built = self.check().is_none().then(|| self.build())?;
        (built.tip.hash == self.hash && self.seq > 0 && self.op_start > 0).then_some(built)
    }

    /// Whether it is of a size that a document takes.
    pub(super) fn has_bounds(&self) -> bool {
        let bytes: usize = self.settings.iter().map(|setting| setting.key.len() + setting.value.len()).sum();
        (1..=SETTINGS_MAX).contains(&self.settings.len()) && bytes <= EDIT_BYTES_MAX
    }
}
