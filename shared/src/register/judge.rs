//! What to do with an edit, given what is kept of its document.
//!
//! Pure, and the guard before Automerge, which is a merge library and not a judge of what strangers
//! write: nothing is kept that this has not let through.

use std::collections::BTreeSet;

use super::{DEPS_MAX, EDITS_MAX, Edit, KEYS_MAX, REPLACED_MAX, Registers, VALUES_MAX};
use crate::chain::{Built, Refusal};
use crate::id::ChangeHash;

/// The judgement of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept already.
    Known,
    /// It goes on from what is kept: these are its bytes.
    Follows(Built),
    /// Something that it follows is not kept here.
    Missing,
    /// Another edit of the same writer is kept under its number.
    Fork,
    /// It can never be part of the document.
    Refused(Refusal),
}

impl Edit {
    /// What is wrong with the edit by itself.
    pub(super) fn check(&self) -> Option<Refusal> {
        let replaced: usize = self.settings.iter().map(|setting| setting.replaces.len()).sum();
        if !self.has_bounds() || self.deps.len() > DEPS_MAX || replaced > REPLACED_MAX {
            return Some(Refusal::Size);
        }
        let keys: BTreeSet<&str> = self.settings.iter().map(|setting| setting.key.as_str()).collect();
        if keys.len() < self.settings.len() {
            return Some(Refusal::Repeated);
        }
        if !is_ascending(&self.deps) {
            return Some(Refusal::Dependencies);
        }
        self.settings.iter().any(|setting| !is_ascending(&setting.replaces)).then_some(Refusal::Replaces)
    }
}

/// Whether there is one order only, and nothing twice.
fn is_ascending<T: PartialOrd>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

impl Registers {
    /// Judges an edit. Whether keys and values mean something is not asked here.
    pub fn judge(&self, edit: &Edit) -> Verdict {
        let own = self.chains.get(&edit.writer).map_or(&[][..], Vec::as_slice);
        let Some(index) = edit.seq.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
            return Verdict::Refused(Refusal::Size);
        };
        if let Some(at) = own.get(index) {
            return if self.nodes[*at].hash == edit.hash { Verdict::Known } else { Verdict::Fork };
        }
        if let Some(why) = edit.check() {
            return Verdict::Refused(why);
        }
        let built = edit.build();
        if built.tip.hash != edit.hash {
            return Verdict::Refused(Refusal::Hash);
        }
        if index > own.len() || edit.deps.iter().any(|dep| !self.by_hash.contains_key(dep)) {
            return Verdict::Missing;
        }
        match self.check_past(edit, own.last().map(|at| &self.nodes[*at].hash)) {
            None => Verdict::Follows(built),
            Some(why) => Verdict::Refused(why),
        }
    }

    /// What is wrong with an edit whose dependencies are all kept.
    fn check_past(&self, edit: &Edit, own_last: Option<&ChangeHash>) -> Option<Refusal> {
        if own_last.is_some_and(|own| !edit.deps.contains(own)) {
            return Some(Refusal::Dependencies);
        }
        let past = self.past(&edit.deps);
        if edit.op_start != past.op_max(self) + 1 {
            return Some(Refusal::Start);
        }
        for setting in &edit.settings {
            for op in &setting.replaces {
                let known = self.position(op).filter(|at| past.holds(*at)).map(|at| &self.nodes[at]);
                let key = known.and_then(|node| node.keys.get((op.counter - node.op_start) as usize));
                if key != Some(&setting.key) {
                    return Some(Refusal::Replaces);
                }
            }
        }
        self.is_full_for(edit).then_some(Refusal::Full)
    }

    fn is_full_for(&self, edit: &Edit) -> bool {
        let new = edit.settings.iter().filter(|setting| !self.keys.contains_key(&setting.key)).count();
        let crowded = edit.settings.iter().any(|setting| {
            let entries = self.keys.get(&setting.key).into_iter().flatten();
            entries.filter(|(op, _)| !setting.replaces.contains(op)).count() >= VALUES_MAX
        });
        self.nodes.len() >= EDITS_MAX || self.keys.len() + new > KEYS_MAX || crowded
    }
}
