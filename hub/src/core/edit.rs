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
use rusqlite::Connection;

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
    /// Who changed what, for the journal; empty where another line tells of many edits at once.
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
        let mut edited = self.edit_all(std::slice::from_ref(edit), now)?;
        edited.pop().ok_or_else(|| StoreError::corrupt("an edit without an outcome"))
    }

    /// Edits several documents, in one transaction.
    ///
    /// # Errors
    /// When the store fails; nothing is kept then.
    pub fn edit_all(&mut self, edits: &[SiteEdit], now: Timestamp) -> Result<Vec<SiteEdited>, StoreError> {
        let today = self.day(now);
        let writer = match self.writer {
            Some(writer) => writer,
            None => *self.writer.insert(WriterId::new(self.store.draw())),
        };
        let done = self.store.write(|conn, turn| {
            let accepted = Accepted { day: today, commit: turn.commit() };
            let written = edits.iter().map(|edit| edit.write(conn, writer, accepted, now));
            written.collect::<Result<Vec<_>, StoreError>>()
        });
        // Whether or not a turn that failed left something, nobody writes on under its number.
        let written = done.inspect_err(|_| self.writer = None)?;
        let (edited, news): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        let news = edits.iter().zip(news).filter_map(|(edit, news)| Some((NO_LINE, edit.site.clone(), news?)));
        let done = Done { news: news.collect(), doubted: self.doubted, ..Done::default() };
        let outputs = self.after(done, now)?;
        self.outputs.extend(outputs);
        Ok(edited)
    }
}

impl SiteEdit {
    /// Writes the edit within a turn, as `writer`.
    fn write(
        &self,
        conn: &Connection,
        writer: WriterId,
        accepted: Accepted,
        now: Timestamp,
    ) -> Result<(SiteEdited, Option<News>), StoreError> {
        let Self { site, kind, facts, detail } = self;
        let admitted = facts.iter().all(|(key, value)| admits(*kind, key, value));
        let Some(document) = DocId::registers(site.clone(), *kind).filter(|_| admitted) else {
            return Ok((SiteEdited::Refused(Refusal::Setting), None));
        };
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
        chains::append(conn, doc, &writer, before.as_ref(), &[&built], accepted)?;
        registers::fold(conn, doc.row, &edit)?;
        if !detail.is_empty() {
            journal::record(conn, now, "document.edit", &document.to_string(), detail)?;
        }
        Ok((SiteEdited::Kept, Some(News { document, writer, from: edit.seq })))
    }
}
