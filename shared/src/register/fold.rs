//! What the edits of one document amount to.

use std::collections::{BTreeMap, BTreeSet};

use super::{DEPS_MAX, Edit, Setting};
use crate::chain::{OpId, Refusal};
use crate::id::{ChangeHash, WriterId};

/// One edit, as far as others depend on it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) hash: ChangeHash,
    pub(super) op_start: u64,
    pub(super) op_max: u64,
    /// Positions of the edits that it follows.
    pub(super) deps: Vec<usize>,
    /// The keys that it set, in order.
    pub(super) keys: Vec<String>,
}

/// A value that nobody has replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What set it.
    pub op: OpId,
    /// The value.
    pub value: String,
}

/// What the edits of one document amount to.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    pub(super) nodes: Vec<Node>,
    pub(super) by_hash: BTreeMap<ChangeHash, usize>,
    /// Each writer's edits, number 1 first.
    pub(super) chains: BTreeMap<WriterId, Vec<usize>>,
    heads: BTreeSet<ChangeHash>,
    op_max: u64,
    pub(super) keys: BTreeMap<String, BTreeMap<OpId, String>>,
}

impl Registers {
    /// Adds an edit that is known to follow: one that was judged to, or that was kept. One that
    /// does not, because something of the past is damaged, counts for what it says.
    pub fn add(&mut self, edit: &Edit) {
        let at = self.nodes.len();
        let deps = edit.deps.iter().filter_map(|dep| self.by_hash.get(dep).copied()).collect();
        let keys = edit.settings.iter().map(|setting| setting.key.clone()).collect();
        let (hash, op_start, op_max) = (edit.hash, edit.op_start, edit.op_max());
        self.nodes.push(Node { hash, op_start, op_max, deps, keys });
        self.by_hash.insert(hash, at);
        self.chains.entry(edit.writer).or_default().push(at);
        for dep in &edit.deps {
            self.heads.remove(dep);
        }
        self.heads.insert(hash);
        self.op_max = self.op_max.max(op_max);
        for (op, Setting { key, value, replaces }) in edit.ops() {
            let entries = self.keys.entry(key.clone()).or_default();
            for replaced in replaces {
                entries.remove(replaced);
            }
            entries.insert(op, value.clone());
        }
    }

    /// How many edits there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether this edit is among them.
    pub fn holds(&self, hash: &ChangeHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// The ends: the edits that no other follows.
    pub fn heads(&self) -> impl Iterator<Item = &ChangeHash> {
        self.heads.iter()
    }

    /// The values of a key that nobody has replaced, in Automerge's order: the last one wins
    /// where a program shows only one.
    pub fn entries(&self, key: &str) -> Vec<Entry> {
        let entries = self.keys.get(key).into_iter().flatten();
        entries.map(|(op, value)| Entry { op: *op, value: value.clone() }).collect()
    }

    /// Every key with its values.
    pub fn all(&self) -> impl Iterator<Item = (&str, &BTreeMap<OpId, String>)> {
        self.keys.iter().map(|(key, entries)| (key.as_str(), entries))
    }

    /// The edit by which `writer` sets these keys, having seen all that stands; `None` when each
    /// has its value already, and no other.
    ///
    /// # Errors
    /// When one edit cannot carry it, or a key is named twice.
    pub fn author(&self, writer: WriterId, facts: &[(String, String)]) -> Result<Option<Edit>, Refusal> {
        let stands = |(key, value): &&(String, String)| {
            let entries = self.keys.get(key).filter(|entries| entries.len() == 1);
            entries.is_none_or(|entries| !entries.values().all(|standing| standing == value))
        };
        let setting = |(key, value): &(String, String)| Setting {
            key: key.clone(),
            value: value.clone(),
            replaces: self.keys.get(key).into_iter().flat_map(BTreeMap::keys).copied().collect(),
        };
        let settings: Vec<Setting> = facts.iter().filter(stands).map(setting).collect();
        if settings.is_empty() {
            return Ok(None);
        }
        self.author_of(writer, settings).map(Some)
    }

    /// The edit by which `writer` makes these settings. It follows all the ends there are, or where
    /// they are more than an edit may follow, some of them: values outside their past then stay.
    ///
    /// # Errors
    /// When one edit cannot carry them.
    pub fn author_of(&self, writer: WriterId, mut settings: Vec<Setting>) -> Result<Edit, Refusal> {
        let own = self.chains.get(&writer).map_or(&[][..], Vec::as_slice);
        let mut deps: Vec<ChangeHash> = self.heads.iter().copied().take(DEPS_MAX - 1).collect();
        let last = own.last().map(|at| self.nodes[*at].hash);
        deps.extend(last.filter(|last| !deps.contains(last)));
        deps.sort_unstable();
        let past = self.past(&deps);
        for setting in &mut settings {
            setting.replaces.retain(|op| self.position(op).is_some_and(|at| past.holds(at)));
        }
        let (seq, op_start) = (own.len() as u64 + 1, past.op_max(self) + 1);
        let edit = Edit { writer, seq, op_start, deps, settings, hash: ChangeHash::new([0; 32]) };
        match edit.check() {
            None => Ok(edit.named()),
            Some(why) => Err(why),
        }
    }

    /// The position of the edit that made an operation.
    pub(super) fn position(&self, op: &OpId) -> Option<usize> {
        let own = self.chains.get(&op.writer)?;
        let after = own.partition_point(|at| self.nodes[*at].op_start <= op.counter);
        let at = *own.get(after.checked_sub(1)?)?;
        (op.counter <= self.nodes[at].op_max).then_some(at)
    }

    /// Everything that an edit follows which depends on these.
    pub(super) fn past(&self, deps: &[ChangeHash]) -> Past {
        if self.heads.iter().all(|head| deps.contains(head)) {
            return Past::All;
        }
        let mut seen = vec![false; self.nodes.len()];
        let mut next: Vec<usize> = deps.iter().filter_map(|dep| self.by_hash.get(dep).copied()).collect();
        while let Some(at) = next.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                next.extend(&self.nodes[at].deps);
            }
        }
        Past::Some(seen)
    }
}

/// What an edit follows.
pub(super) enum Past {
    /// All there is.
    All,
    /// By position.
    Some(Vec<bool>),
}

impl Past {
    pub(super) fn holds(&self, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(seen) => seen.get(at).copied().unwrap_or_default(),
        }
    }

    pub(super) fn op_max(&self, of: &Registers) -> u64 {
        match self {
            Self::All => of.op_max,
            Self::Some(seen) => {
                let ends = of.nodes.iter().zip(seen).filter(|(_, seen)| **seen).map(|(node, _)| node.op_max);
                ends.max().unwrap_or_default()
            }
        }
    }
}
