//! Edits of documents of registers, in the hub's half.
//!
//! What differs from runs of visits: an edit follows edits of others, so a document's are sent and
//! judged together, in an order that puts each after those that it follows.

use std::collections::BTreeMap;

use super::{HubReplica, HubSession, News, TakenEdits};
use crate::chain::Refusal;
use crate::document::{DocId, DocKind};
use crate::frame::{DeviceStanding, Edits, Frame, Have, Mark, Need, Refused, Version};
use crate::id::WriterId;
use crate::session::{SessionError, check_kind, check_number};

impl HubSession {
    pub(super) fn edits<R: HubReplica>(
        &mut self,
        edits: Edits,
        replica: &mut R,
    ) -> Result<Vec<News>, SessionError<R::Error>> {
        let Edits { document, edits, mark: _ } = edits;
        check_kind(&document, DocKind::is_registers)?;
        for edit in &edits {
            check_number(edit.seq)?;
        }
        if !self.grant.covers(&document) {
            for edit in &edits {
                self.refuse_edit(&document, Version::of_edit(edit), Refusal::Grant);
            }
            return Ok(Vec::new());
        }
        if self.standing == DeviceStanding::Pending {
            for (writer, from) in replica.store_edits_apart(&document, edits)? {
                if !self.asked.insert((document.clone(), writer, from)) {
                    // It has been asked for, and what came cannot be kept.
                    continue;
                }
                self.replies.push(Frame::Need(Need { document: document.clone(), writer, from }));
            }
            return Ok(Vec::new());
        }
        let TakenEdits { held, fresh, refused, forked, missing } = replica.take_edits(&document, edits)?;
        self.held.extend(held.into_iter().map(|version| (document.clone(), version)));
        for (version, why) in refused {
            self.refuse_edit(&document, version, why);
        }
        for writer in forked {
            self.owe(document.clone(), writer, 1);
        }
        if !missing.is_empty() && self.told.insert(document.clone()) {
            // What is held says what is not: the device goes on from there.
            let versions = replica.versions(&document)?;
            self.replies.push(Frame::Have(Have { document: document.clone(), versions, held: None }));
        } else {
            // It was told, and has not got it.
            for version in missing {
                replica.refuse_edit(&document, &version, Refusal::Dependencies)?;
                self.refuse_edit(&document, version, Refusal::Dependencies);
            }
        }
        let news = fresh.into_iter().map(|(writer, from)| News { document: document.clone(), writer, from });
        Ok(news.collect())
    }

    fn refuse_edit(&mut self, document: &DocId, version: Version, why: Refusal) {
        self.replies.push(Frame::Refused(Refused::new(document.clone(), version, version.seq, why)));
    }

    /// What the device lacks of a document of which it has told its versions.
    pub(super) fn owe_edits<R: HubReplica>(
        &mut self,
        document: &DocId,
        theirs: &BTreeMap<WriterId, Version>,
        mine: &[Version],
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        for version in mine {
            let from = match theirs.get(&version.writer) {
                None => 1,
                // It has more: its own offer tells whether it is the same.
                Some(their) if their.seq > version.seq => continue,
                Some(their) if replica.holds(document, their)? => their.seq + 1,
                Some(_) => 1,
            };
            if from <= version.seq {
                self.owe(document.clone(), version.writer, from);
            }
        }
        Ok(())
    }

    pub(super) fn poll_edits<R: HubReplica>(&mut self, mark: Mark, replica: &mut R) -> Result<Option<Frame>, R::Error> {
        while let Some((document, mut owed)) = self.owed_edits.pop_first() {
            let edits = replica.edits(&document, &owed)?;
            if !edits.is_empty() {
                owed.extend(edits.iter().map(|edit| (edit.writer, edit.seq + 1)));
                self.owed_edits.insert(document.clone(), owed);
                return Ok(Some(Frame::Edits(Edits { document, edits, mark: Some(mark) })));
            }
        }
        Ok(None)
    }
}
