//! What coordinators change of a site's documents of registers: the hub writes it, like a machine of
//! the site would, and every machine gets it.
//!
//! Called by the service for the API and the commands. The hub's writer is one load's, as a
//! machine's is: drawn at every start and after every turn that was not kept, so that a database put
//! back goes on as nobody else.

use jiff::Timestamp;
use msap_shared::chain::Refusal;
use msap_shared::document::{DocId, DocKind, admits};
use msap_shared::id::{SiteId, WriterId};
use msap_shared::register::Verdict;
use msap_shared::session::hub::News;

use super::{Core, Done, NO_LINE};
use crate::store::chains::{self, Accepted, Doc};
use crate::store::{StoreError, journal, registers, sites};

/// An edit on behalf of a coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteEdit {
    /// The site.
    pub site: SiteId,
    /// Which of its documents.
    pub kind: DocKind,
    /// Keys and their new values: whatever stands under them is settled by this.
    pub facts: Vec<(String, String)>,
    /// Who changed what, for the journal.
    pub detail: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteEdited {
    /// It is committed, and on its way to the site's machines.
    Kept,
    /// Everything stands already as asked for.
    Nothing,
    /// There is no such site.
    NoSite,
    /// The document does not take it.
    Refused(Refusal),
}

impl Core {
    /// Edits a site's document. What there is to say to its machines is let out with the next
    /// [`Core::drain_outputs`].
    ///
    /// # Errors
    /// When the store fails; nothing is kept then.
    pub fn edit(&mut self, edit: &SiteEdit, now: Timestamp) -> Result<SiteEdited, StoreError> {
        let today = self.day(now);
        let SiteEdit { site, kind, facts, detail } = edit;
        let admitted = facts.iter().all(|(key, value)| admits(*kind, key, value));
        let Some(document) = DocId::registers(site.clone(), *kind).filter(|_| admitted) else {
            return Ok(SiteEdited::Refused(Refusal::Setting));
        };
        let writer = match self.writer {
            Some(writer) => writer,
            None => *self.writer.insert(WriterId::new(self.store.draw())),
        };
        let done = self.store.write(|conn, turn| {
            if sites::find(conn, site)?.is_none() {
                return Ok((SiteEdited::NoSite, None));
            }
            let doc = Doc { row: chains::document_row_or_new(conn, &document)?, name: &document };
            let known = registers::load(conn, doc.row)?;
            let edit = match known.author(writer, facts) {
                Ok(Some(edit)) => edit,
                Ok(None) => return Ok((SiteEdited::Nothing, None)),
                Err(why) => return Ok((SiteEdited::Refused(why), None)),
            };
            let built = match known.judge(&edit) {
                Verdict::Follows(built) => built,
                Verdict::Refused(why) => return Ok((SiteEdited::Refused(why), None)),
                other => return Err(StoreError::corrupt(format!("an edit of the hub's own is {other:?}"))),
            };
            let before = chains::chain(conn, doc.row, &writer)?;
            let accepted = Accepted { day: today, commit: turn.commit() };
            chains::append(conn, doc, &writer, before.as_ref(), &[&built], accepted)?;
            registers::fold(conn, doc.row, &edit)?;
            journal::record(conn, now, "document.edit", &document.to_string(), detail)?;
            let news = News { document: document.clone(), writer, from: edit.seq };
            Ok((SiteEdited::Kept, Some(news)))
        });
        // Whether or not a turn that failed left something, nobody writes on under its number.
        let (edited, news) = done.inspect_err(|_| self.writer = None)?;
        let news = news.into_iter().map(|news| (NO_LINE, site.clone(), news)).collect();
        let outputs = self.after(Done { news, doubted: self.doubted, ..Done::default() }, now)?;
        self.outputs.extend(outputs);
        Ok(edited)
    }
}
