//! The store for a device's file: what a session sees, counted document by document.

use std::collections::BTreeMap;

use msap_shared::chain::{Refusal, Run};
use msap_shared::document::DocId;
use msap_shared::frame::{Hello, Reference, Version};
use msap_shared::id::{Digest32, Epoch, WriterId};
use msap_shared::reference::Held;
use msap_shared::register::Edit;
use msap_shared::session::hub::{HubReplica, Taken, TakenEdits};

use super::Seen;
use crate::replica::Replica;
use crate::store::StoreError;

/// The store for a device's file: a session's, but for its line, with a tally.
pub(super) struct ByFile<'a, 'b, 'turn> {
    pub(super) inner: Replica<'a, 'turn>,
    pub(super) seen: &'b mut Seen,
}

impl HubReplica for ByFile<'_, '_, '_> {
    type Error = StoreError;

    fn greeted(&mut self, hello: &Hello) -> Result<Epoch, StoreError> {
        let epoch = self.inner.doubt(hello)?;
        // How its clock stood when the file was made says nothing of now.
        self.inner.note_contact(hello, None)?;
        Ok(epoch)
    }

    fn documents(&mut self) -> Result<Vec<(DocId, Digest32)>, StoreError> {
        self.inner.documents()
    }

    fn versions(&mut self, document: &DocId) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(document)
    }

    fn run(&mut self, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, StoreError> {
        self.inner.run(document, writer, from)
    }

    // What it holds is noted; what it lacks is in the answer, whenever that is asked for.
    fn differing(&mut self, held: &[Held]) -> Result<Vec<Reference>, StoreError> {
        self.inner.differing(held)?;
        self.seen.references = held.to_vec();
        Ok(Vec::new())
    }

    fn answered(&mut self, _answer: &Reference) -> Result<Option<Reference>, StoreError> {
        Ok(None)
    }

    fn take(&mut self, document: &DocId, run: Run) -> Result<Taken, StoreError> {
        let (writer, count) = (run.writer, run.changes.len() as u64);
        let after = run.first_seq.saturating_add(count);
        let taken = self.inner.take(document, run)?;
        let tally = self.seen.documents.entry(document.clone()).or_default();
        let new = |version: &Version, fresh: u64| (version.seq + 1).saturating_sub(fresh);
        match &taken {
            Taken::Held { version, fresh } => {
                let fresh = fresh.map_or(0, |fresh| new(version, fresh));
                tally.taken += fresh;
                tally.known += count.saturating_sub(fresh);
            }
            Taken::Refused { held, seq, .. } => {
                let refused = after.saturating_sub(*seq);
                let fresh = held.as_ref().map_or(0, |(version, fresh)| new(version, *fresh));
                tally.taken += fresh;
                tally.refused += refused;
                tally.known += count.saturating_sub(refused + fresh);
            }
            Taken::Gap(_) => tally.missing += count,
            Taken::Fork => {
                tally.forked += count;
                self.seen.forked.insert((document.clone(), writer));
            }
        }
        Ok(taken)
    }

    fn store_apart(&mut self, document: &DocId, run: Run) -> Result<Option<u64>, StoreError> {
        let count = run.changes.len() as u64;
        let gap = self.inner.store_apart(document, run)?;
        let tally = self.seen.documents.entry(document.clone()).or_default();
        match gap {
            None => tally.apart += count,
            Some(_) => tally.missing += count,
        }
        Ok(gap)
    }

    fn stored_apart(&mut self, document: &DocId, writer: &WriterId) -> Result<u64, StoreError> {
        self.inner.stored_apart(document, writer)
    }

    fn edits(&mut self, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, StoreError> {
        self.inner.edits(document, from)
    }

    fn holds(&mut self, document: &DocId, version: &Version) -> Result<bool, StoreError> {
        self.inner.holds(document, version)
    }

    fn take_edits(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<TakenEdits, StoreError> {
        let count = edits.len() as u64;
        let numbers: Vec<(WriterId, u64)> = edits.iter().map(|edit| (edit.writer, edit.seq)).collect();
        let mut taken = self.inner.take_edits(document, edits)?;
        let is_new = |(writer, seq): &&(WriterId, u64)| taken.fresh.get(writer).is_some_and(|fresh| seq >= fresh);
        let is_held =
            |(writer, seq): &&(WriterId, u64)| taken.held.iter().any(|held| held.writer == *writer && held.seq >= *seq);
        let held = numbers.iter().filter(is_held).count() as u64;
        let fresh = numbers.iter().filter(is_held).filter(is_new).count() as u64;
        let tally = self.seen.documents.entry(document.clone()).or_default();
        tally.taken += fresh;
        tally.known += held - fresh;
        // What follows something refused goes the same way; what follows something missing as well.
        let given_up = count - held;
        match (taken.refused.is_empty(), taken.forked.is_empty()) {
            (false, _) => tally.refused += given_up,
            (true, false) => tally.forked += given_up,
            (true, true) => tally.missing += given_up,
        }
        // A file is not asked back: what is missing comes with the device's next one.
        taken.missing.clear();
        self.seen.forked.extend(taken.forked.iter().map(|writer| (document.clone(), *writer)));
        Ok(taken)
    }

    fn refuse_edit(&mut self, document: &DocId, edit: &Version, why: Refusal) -> Result<(), StoreError> {
        self.inner.refuse_edit(document, edit, why)
    }

    fn store_edits_apart(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<BTreeMap<WriterId, u64>, StoreError> {
        let count = edits.len() as u64;
        let missing = self.inner.store_edits_apart(document, edits)?;
        let tally = self.seen.documents.entry(document.clone()).or_default();
        if missing.is_empty() {
            tally.apart += count;
        } else {
            tally.missing += count;
        }
        Ok(missing)
    }
}
