//! Edits of the site's documents of registers: this machine's own, and those of others.
//!
//! Called by the desk's commands and by the session. Invariant: no edit is kept here before all that
//! it follows.

use std::collections::BTreeSet;

use msap_shared::chain::{Built, OpId, Refusal};
use msap_shared::document::{DocId, DocKind, admits};
use msap_shared::id::WriterId;
use msap_shared::register::{Edit, Registers, Setting, Verdict};

use super::Replica;
use crate::store::chains::{self, Doc};
use crate::store::retire::{self, Cause, EditTail};
use crate::store::{StoreError, meta, registers};

/// What became of an edit that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// It is kept.
    Kept,
    /// Everything stands already as asked for.
    Nothing,
    /// The document does not take it: nothing is kept.
    Refused(Refusal),
}

impl Replica<'_> {
    /// Sets these keys of one of the site's documents of registers, in one edit, having seen all
    /// that stands: whatever stood under them is settled by it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn edit(&mut self, kind: DocKind, facts: &[(String, String)]) -> Result<Edited, StoreError> {
        let site = meta::profile(self.conn)?.site;
        let Some(document) = DocId::registers(site, kind).filter(|_| facts.iter().all(|(k, v)| admits(kind, k, v)))
        else {
            return Ok(Edited::Refused(Refusal::Setting));
        };
        let doc = Doc { row: chains::document_row_or_new(self.conn, &document)?, name: &document };
        let known = registers::load(self.conn, doc.row)?;
        let edit = match known.author(*self.writer, facts) {
            Ok(Some(edit)) => edit,
            Ok(None) => return Ok(Edited::Nothing),
            Err(why) => return Ok(Edited::Refused(why)),
        };
        match known.judge(&edit) {
            Verdict::Follows(built) => {
                self.keep(doc, &edit, &built)?;
                Ok(Edited::Kept)
            }
            Verdict::Refused(why) => Ok(Edited::Refused(why)),
            other => Err(StoreError::corrupt(format!("an edit of this machine's own is {other:?}"))),
        }
    }

    fn keep(&mut self, doc: Doc<'_>, edit: &Edit, built: &Built) -> Result<(), StoreError> {
        chains::append(self.conn, doc, &edit.writer, built)?;
        registers::fold(self.conn, doc.row, edit)
    }

    /// Keeps edits from the hub, which judged what they say. `false` when one follows something that
    /// is not kept here.
    pub(super) fn take_over(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<bool, StoreError> {
        let doc = Doc { row: chains::document_row_or_new(self.conn, document)?, name: document };
        let mut known = registers::load(self.conn, doc.row)?;
        let mut again = Vec::new();
        let mut whole = true;
        for edit in edits {
            let mut verdict = known.judge(&edit);
            if verdict == Verdict::Fork && edit.sound().is_some() {
                // The hub's stands.
                let tail = retire::take_out_edits(self.conn, doc, &edit.writer, edit.seq, Cause::Fork)?;
                self.renew_writer();
                (known, again) = (tail.kept, [again, tail.again].concat());
                verdict = known.judge(&edit);
            }
            match verdict {
                Verdict::Known => self.held(doc.row, &edit.writer, edit.seq)?,
                Verdict::Follows(built) => {
                    self.keep(doc, &edit, &built)?;
                    known.add(&edit);
                    self.held(doc.row, &edit.writer, edit.seq)?;
                    if edit.writer == *self.writer {
                        // Somebody else has gone on as this load's writer.
                        self.renew_writer();
                    }
                }
                Verdict::Missing => whole = false,
                // Not to be had twice, and not to be had at all: the hub's affair.
                Verdict::Fork | Verdict::Refused(_) => {}
            }
        }
        self.enter_again(doc, EditTail { kept: known, again })?;
        Ok(whole)
    }

    /// Takes an edit out, with all that follow it, and enters what they set again.
    pub(super) fn cut_edits(
        &mut self,
        doc: Doc<'_>,
        writer: &WriterId,
        seq: u64,
        cause: Cause,
    ) -> Result<(), StoreError> {
        let tail = retire::take_out_edits(self.conn, doc, writer, seq, cause)?;
        self.renew_writer();
        self.enter_again(doc, tail)
    }

    /// Enters edits that were saved from a damaged database: those that still follow as they are, and
    /// what the others say anew, unless something that stands says it; so too of values that are `left`
    /// of edits that are gone, unless an edit is known to have replaced them. Returns how many of each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enter_edits(
        &mut self,
        document: &DocId,
        mut edits: Vec<Edit>,
        mut left: Vec<(OpId, Setting)>,
    ) -> Result<(u64, u64), StoreError> {
        let doc = Doc { row: chains::document_row_or_new(self.conn, document)?, name: document };
        let mut known = registers::load(self.conn, doc.row)?;
        edits.sort_by_key(|edit| (edit.op_start, edit.writer));
        let ops = edits.iter().flat_map(|edit| edit.ops());
        let told: BTreeSet<OpId> = ops.flat_map(|(op, setting)| setting.replaces.iter().copied().chain([op])).collect();
        left.retain(|(op, _)| !told.contains(op));
        let mut orphans: Vec<(OpId, Setting)> = Vec::new();
        let mut changes = 0;
        for edit in edits {
            match known.judge(&edit) {
                Verdict::Follows(built) => {
                    self.keep(doc, &edit, &built)?;
                    known.add(&edit);
                    changes += 1;
                }
                Verdict::Known => {}
                // Something of its past is gone. What it says is entered beside what stands: a person
                // settles it, and the hub may have the rest.
                Verdict::Missing | Verdict::Fork | Verdict::Refused(_) => {
                    for (op, setting) in edit.ops() {
                        orphans.retain(|(earlier, _)| !setting.replaces.contains(earlier));
                        orphans.push((op, setting.clone()));
                    }
                }
            }
        }
        orphans.extend(left);
        let mut again: Vec<Setting> = Vec::new();
        for (_, Setting { key, value, mut replaces }) in orphans {
            let standing = known.entries(&key);
            if standing.iter().all(|entry| entry.value != value) {
                replaces.retain(|op| standing.iter().any(|entry| entry.op == *op));
                again.push(Setting { key, value, replaces });
            }
        }
        let anew = again.len() as u64;
        self.enter_again(doc, EditTail { kept: known, again })?;
        Ok((changes, anew))
    }

    /// Enters settings again, under a writer that was drawn when they were taken out, each in an edit of its own, so that one that can
    /// never be taken holds up no other.
    fn enter_again(&mut self, doc: Doc<'_>, tail: EditTail) -> Result<(), StoreError> {
        let EditTail { kept: mut known, again } = tail;
        for setting in again {
            if stands_alone(&known, &setting.key, &setting.value) {
                continue;
            }
            let edit = known.author_of(*self.writer, vec![setting.clone()]);
            let judged = edit.map(|edit| (known.judge(&edit), edit));
            match judged {
                Ok((Verdict::Follows(built), edit)) => {
                    self.keep(doc, &edit, &built)?;
                    known.add(&edit);
                }
                Ok((Verdict::Refused(why), _)) | Err(why) => {
                    retire::set_aside(self.conn, doc.name, &setting, why.code())?;
                }
                Ok((other, _)) => {
                    return Err(StoreError::corrupt(format!("an edit of this machine's own is {other:?}")));
                }
            }
        }
        Ok(())
    }
}

fn stands_alone(known: &Registers, key: &str, value: &str) -> bool {
    matches!(known.entries(key).as_slice(), [only] if only.value == value)
}

#[cfg(test)]
mod tests;
