//! Taking an edit out of a document, and what has to be said again afterwards.
//!
//! The hub refused it, or holds another one in its place. Whatever follows it goes with it, whoever
//! wrote that; what these edits set and nothing later of theirs replaced is entered again by
//! whoever takes them out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edit, Registers, Setting};
use crate::chain::OpId;
use crate::id::{ChangeHash, WriterId};

/// A document with an edit taken out.
#[derive(Clone, Debug, Default)]
pub struct Parted {
    /// What the others amount to.
    pub kept: Registers,
    /// The edit, and all that follow it, in order.
    pub out: Vec<Edit>,
    /// What has to be said again, in order, with the number of the edit in `out` that said it.
    pub again: Vec<(usize, Setting)>,
}

/// Takes the edit `seq` of `writer` out of these, which stand each after all that it follows.
///
/// What is said again replaces what it replaced before, as far as that stays, and nothing else: a
/// value beside it stays beside it. What an edit that stays has said as well, without having been seen by the one that
/// goes, is not said again: another holder of the same edit was faster.
pub fn part(edits: Vec<Edit>, writer: &WriterId, seq: u64) -> Parted {
    let mut parted = Parted::default();
    let mut stay = Vec::new();
    let mut gone: BTreeSet<ChangeHash> = BTreeSet::new();
    for edit in edits {
        let goes = (edit.writer == *writer && edit.seq >= seq) || edit.deps.iter().any(|dep| gone.contains(dep));
        if goes {
            gone.insert(edit.hash);
            parted.out.push(edit);
        } else {
            parted.kept.add(&edit);
            stay.push(edit);
        }
    }
    let Parted { kept, out, again } = &mut parted;
    let ops = || out.iter().flat_map(Edit::ops);
    let superseded: BTreeSet<&OpId> = ops().flat_map(|(_, setting)| &setting.replaces).collect();
    // What each of their operations replaced, as far as it stays: also by way of others that go.
    let mut replaced: BTreeMap<OpId, BTreeSet<OpId>> = BTreeMap::new();
    for (op, setting) in ops() {
        let mut all = BTreeSet::new();
        for before in &setting.replaces {
            match replaced.get(before) {
                Some(earlier) => all.extend(earlier),
                None => drop(all.insert(*before)),
            }
        }
        replaced.insert(op, all);
    }
    // What each of them follows, as far as it stays.
    let mut pasts: BTreeMap<ChangeHash, BTreeSet<ChangeHash>> = BTreeMap::new();
    for (n, edit) in out.iter().enumerate() {
        let mut past = BTreeSet::new();
        for dep in &edit.deps {
            match pasts.get(dep) {
                Some(earlier) => past.extend(earlier),
                None => drop(past.insert(*dep)),
            }
        }
        let deps: Vec<ChangeHash> = past.iter().copied().collect();
        pasts.insert(edit.hash, past);
        let seen = kept.past(&deps);
        let is_past = |op: &OpId| kept.position(op).is_some_and(|at| seen.holds(at));
        for (op, setting) in edit.ops().filter(|(op, _)| !superseded.contains(op)) {
            let Setting { key, value, .. } = setting;
            let said = stay.iter().filter(|other| other.settings.iter().any(|s| s.key == *key && s.value == *value));
            if said.into_iter().any(|other| !is_past(&OpId { counter: other.op_start, writer: other.writer })) {
                continue;
            }
            let standing = kept.entries(key).into_iter().map(|entry| entry.op);
            let replaces = standing.filter(|standing| replaced[&op].contains(standing)).collect();
            again.push((n, Setting { key: key.clone(), value: value.clone(), replaces }));
        }
    }
    parted
}
