//! Edits of documents of registers, in the device's half.

use std::collections::BTreeMap;

use super::{SiteReplica, SiteSession};
use crate::document::{DocId, DocKind};
use crate::frame::{Edits, Frame, Have, Need};
use crate::id::WriterId;
use crate::session::{SessionError, check_kind, check_number};

impl SiteSession {
    /// The next edits to offer, of the first document that has some: of each of these writers from
    /// its number on.
    pub(super) fn offer_edits<R: SiteReplica>(
        &mut self,
        registers: BTreeMap<DocId, BTreeMap<WriterId, u64>>,
        replica: &mut R,
    ) -> Result<Option<Frame>, R::Error> {
        for (document, from) in registers {
            let edits = replica.edits(&document, &from)?;
            if !edits.is_empty() {
                self.sent.extend(edits.iter().map(|edit| ((document.clone(), edit.writer), edit.seq)));
                return Ok(Some(Frame::Edits(Edits { document, edits, mark: None })));
            }
        }
        Ok(None)
    }

    /// Sends what a hub asked for that stores it apart.
    pub(super) fn send_edits<R: SiteReplica>(
        &mut self,
        need: Need,
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        let Need { document, writer, mut from } = need;
        loop {
            let edits = replica.edits(&document, &BTreeMap::from([(writer, from)]))?;
            let Some(last) = edits.last() else { return Ok(()) };
            from = last.seq + 1;
            self.outbox.push_back(Frame::Edits(Edits { document: document.clone(), edits, mark: None }));
        }
    }

    pub(super) fn adopt_edits<R: SiteReplica>(
        &mut self,
        edits: Edits,
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        let Edits { document, edits, mark } = edits;
        check_kind(&document, DocKind::is_registers)?;
        if let Some(mark) = mark {
            replica.saw(mark)?;
        }
        for edit in &edits {
            check_number(edit.seq)?;
        }
        let whole = replica.adopt_edits(&document, edits)?;
        if !whole && self.told.insert(document.clone()) {
            let versions = replica.versions(&document)?;
            self.outbox.push_back(Frame::Have(Have { document, versions, held: None }));
        }
        Ok(())
    }
}
