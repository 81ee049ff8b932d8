//! Edits of documents of registers, as the hub takes them in.
//!
//! Called by sessions, files and approvals, within a turn. What an edit says is judged against the
//! edits that are held; Automerge has no part in it, and reads what was let through only later, in
//! the verifier and in exports.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::chain::Refusal;
use msap_shared::document::{DocId, admits};
use msap_shared::frame::Version;
use msap_shared::id::{ChangeHash, WriterId};
use msap_shared::register::{Edit, Verdict};
use msap_shared::session::hub::TakenEdits;

use super::Replica;
use crate::store::chains::{self, Doc};
use crate::store::{StoreError, pending, refusals, registers};

impl Replica<'_, '_> {
    /// Judges edits, each after those that it follows, and keeps what can be kept.
    pub(super) fn take_in(&mut self, document: &DocId, edits: &[Edit]) -> Result<TakenEdits, StoreError> {
        let (conn, accepted) = (self.conn, self.accepted()?);
        let doc = Doc { row: chains::document_row_or_new(conn, document)?, name: document };
        let mut known = registers::load(conn, doc.row)?;
        let mut taken = TakenEdits::default();
        let mut held: BTreeMap<WriterId, Version> = BTreeMap::new();
        let mut given_up: BTreeSet<ChangeHash> = BTreeSet::new();
        for edit in edits {
            let version = Version::of_edit(edit);
            if edit.deps.iter().any(|dep| given_up.contains(dep)) {
                given_up.insert(edit.hash);
                continue;
            }
            let admitted = edit.settings.iter().all(|set| admits(document.kind(), &set.key, &set.value));
            match known.judge(edit) {
                Verdict::Known => {
                    held.insert(edit.writer, version);
                    continue;
                }
                Verdict::Follows(built) if admitted => {
                    let before = chains::chain(conn, doc.row, &edit.writer)?;
                    chains::append(conn, doc, &edit.writer, before.as_ref(), &[&built], accepted)?;
                    registers::fold(conn, doc.row, edit)?;
                    known.add(edit);
                    taken.fresh.entry(edit.writer).or_insert(edit.seq);
                    held.insert(edit.writer, version);
                    continue;
                }
                Verdict::Follows(_) => taken.refused.push((version, Refusal::Setting)),
                Verdict::Refused(why) => taken.refused.push((version, why)),
                Verdict::Missing => taken.missing.push(version),
                Verdict::Fork => drop(taken.forked.insert(edit.writer)),
            }
            given_up.insert(edit.hash);
        }
        for (version, why) in &taken.refused {
            self.note_refusal(document, version, *why)?;
        }
        taken.held = held.into_values().collect();
        Ok(taken)
    }

    pub(super) fn note_refusal(&self, document: &DocId, edit: &Version, why: Refusal) -> Result<(), StoreError> {
        let refusal = (edit.seq, &edit.hash, why.code());
        refusals::add(self.conn, document, &self.device, &edit.writer, refusal, self.today()?)
    }

    /// Whether this very change is held.
    pub(super) fn is_held(&self, document: &DocId, version: &Version) -> Result<bool, StoreError> {
        let Some(row) = chains::document_row(self.conn, document)? else { return Ok(false) };
        let Some(chain) = chains::chain(self.conn, row, &version.writer)? else { return Ok(false) };
        Ok(chains::hash_at(self.conn, chain.row, version.seq)? == Some(version.hash))
    }

    /// Stores a pending device's edits apart, as far as they are sound by themselves: what they
    /// follow may wait as well. Returns the writers of which earlier edits are missing, and from
    /// where.
    pub(super) fn put_apart(
        &mut self,
        document: &DocId,
        edits: &[Edit],
    ) -> Result<BTreeMap<WriterId, u64>, StoreError> {
        let received = self.today()?;
        let mut missing = BTreeMap::new();
        for edit in edits {
            let stored = pending::tip(self.conn, &self.device, document, &edit.writer)?.map_or(0, |tip| tip.seq);
            if edit.seq > stored + 1 {
                missing.insert(edit.writer, stored + 1);
            } else if let Some(built) = edit.sound().filter(|_| edit.seq == stored + 1) {
                // What is not sound waits at the device, to be refused by name once it is approved.
                self.add_pending(document, &edit.writer, &[built], received)?;
            }
        }
        Ok(missing)
    }
}
