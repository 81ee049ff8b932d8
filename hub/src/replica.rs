//! The store as a session sees it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::chain::{Built, Refusal, Run, Verdict, judge};
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Subject};
use msap_shared::frame::{Hello, Reference, TRIED_LEN_MAX, Version};
use msap_shared::id::{DeviceId, Digest32, Epoch, SiteId, WriterId};
use msap_shared::io::store::facts;
use msap_shared::reference::Held;
use msap_shared::register::Edit;
use msap_shared::session::hub::{HubReplica, Taken, TakenEdits};
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::reference::{Sources, is_known};
use crate::store::chains::{self, Accepted, Chain, Doc};
use crate::store::devices::{self, Contact};
use crate::store::{StoreError, Turn, journal, meta, pending, references, refusals, registers, views};

mod edits;

/// The store for one device, within one transaction, or after it for reading.
pub struct Replica<'a, 'turn> {
    conn: &'a Connection,
    site: &'a SiteId,
    device: DeviceId,
    sources: Option<(&'a Sources, Day)>,
    writing: Option<Writing<'a, 'turn>>,
}

struct Writing<'a, 'turn> {
    turn: &'a mut Turn<'turn>,
    now: Timestamp,
    today: Day,
    transport: &'static str,
    /// Whether the device may show that this database went back in time.
    believed: bool,
}

impl<'a, 'turn> Replica<'a, 'turn> {
    /// Within a turn's transaction.
    pub fn writing(
        conn: &'a Connection,
        turn: &'a mut Turn<'turn>,
        site: &'a SiteId,
        device: DeviceId,
        (now, today): (Timestamp, Day),
    ) -> Self {
        let writing = Writing { turn, now, today, transport: "", believed: false };
        Self { conn, site, device, sources: None, writing: Some(writing) }
    }

    /// For a session: what carries it, and whether the device is believed when it knows commits
    /// that this database does not.
    pub fn of(mut self, transport: &'static str, believed: bool) -> Self {
        if let Some(writing) = &mut self.writing {
            (writing.transport, writing.believed) = (transport, believed);
        }
        self
    }

    /// With what references are made of, and the day for which.
    pub fn with(mut self, sources: &'a Sources, today: Day) -> Self {
        self.sources = Some((sources, today));
        self
    }

    /// After a commit.
    pub fn reading(conn: &'a Connection, site: &'a SiteId, device: DeviceId) -> Self {
        Self { conn, site, device, sources: None, writing: None }
    }

    /// A mark that this database does not know, of a device that is believed, begins another
    /// epoch. Returns the epoch that now holds.
    pub(crate) fn doubt(&mut self, hello: &Hello) -> Result<Epoch, StoreError> {
        let Writing { turn, now, believed, .. } = self.writing.as_mut().ok_or_else(not_writing)?;
        let went_back = match hello.seen {
            Some(seen) if hello.epoch == Some(turn.epoch()) => !meta::knows(self.conn, seen)?,
            _ => false,
        };
        match (went_back, *believed) {
            (true, true) => {
                let subject = self.device.to_string();
                journal::record(
                    self.conn,
                    *now,
                    "epoch.begin",
                    &subject,
                    "it knows commits that this database does not",
                )?;
                turn.begin_epoch()?;
            }
            (true, false) => {
                tracing::warn!(device.id = %self.device, "a device names a commit that was never made here");
            }
            (false, _) => {}
        }
        Ok(turn.epoch())
    }

    /// Takes note of a device's contact.
    pub(crate) fn note_contact(&mut self, hello: &Hello, clock_offset_ms: Option<i64>) -> Result<(), StoreError> {
        let Writing { now, transport, .. } = self.writing.as_mut().ok_or_else(not_writing)?;
        let contact = Contact {
            at: Some(now.as_second()),
            in_sync: None,
            app_version: shown(&hello.app, 40),
            transport: (*transport).to_owned(),
            clock_offset_ms,
            tried: shown(hello.tried.as_deref().unwrap_or_default(), TRIED_LEN_MAX),
            waiting: hello.waiting.map(|waiting| u32::try_from(waiting).unwrap_or(u32::MAX)),
            oldest_waiting_day: hello.waiting.and(hello.oldest_waiting_day).and_then(Day::from_number),
            turned_away: None,
        };
        devices::set_contact(self.conn, self.device, &contact)
    }

    /// Keeps changes of a pending device apart, and says once when its quota is used up.
    fn add_pending(
        &self,
        document: &DocId,
        writer: &WriterId,
        built: &[Built],
        received: Day,
    ) -> Result<(), StoreError> {
        let was_full = pending::is_full(self.conn, &self.device)?;
        pending::add(self.conn, &self.device, document, writer, built, received)?;
        if !was_full && pending::is_full(self.conn, &self.device)? {
            tracing::warn!(
                device.id = %self.device, site.id = %self.site,
                "the quota of a pending device is used up: approve or revoke it; the rest waits at the device"
            );
        }
        Ok(())
    }

    fn today(&self) -> Result<Day, StoreError> {
        Ok(self.accepted()?.day)
    }

    fn accepted(&self) -> Result<Accepted, StoreError> {
        let writing = self.writing.as_ref().ok_or_else(not_writing)?;
        Ok(Accepted { day: writing.today, commit: writing.turn.commit() })
    }
}

/// A stranger's text, as people may see it.
fn shown(text: &str, len_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(len_max).collect()
}

/// Only frames that are taken in write, and they are taken in within a turn.
fn not_writing() -> StoreError {
    StoreError::corrupt("a write outside a turn")
}

/// Sessions take runs for visits only.
fn no_visits() -> StoreError {
    StoreError::corrupt("a run for a document of registers")
}

impl HubReplica for Replica<'_, '_> {
    type Error = StoreError;

    fn greeted(&mut self, hello: &Hello) -> Result<Epoch, StoreError> {
        let epoch = self.doubt(hello)?;
        let Some(device) = devices::show(self.conn, self.device)? else { return Ok(epoch) };
        let in_line = device.token.is_none_or(|token| hello.token_prev == Some(token) || hello.token_next == token);
        if !in_line && !device.forked {
            tracing::error!(device.id = %device.id, site.id = %device.site, "a machine exists twice: clone or old image");
        }
        devices::set_token(self.conn, device.id, Some(hello.token_next), device.forked || !in_line)?;
        let now_ms = self.writing.as_ref().ok_or_else(not_writing)?.now.as_millisecond();
        self.note_contact(hello, Some(hello.clock_ms.saturating_sub(now_ms)))?;
        Ok(epoch)
    }

    fn documents(&mut self) -> Result<Vec<(DocId, Digest32)>, StoreError> {
        chains::of_site(self.conn, self.site)
    }

    fn versions(&mut self, document: &DocId) -> Result<Vec<Version>, StoreError> {
        chains::versions(self.conn, document)
    }

    fn run(&mut self, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, StoreError> {
        chains::run(self.conn, document, writer, from)
    }

    fn take(&mut self, document: &DocId, run: Run) -> Result<Taken, StoreError> {
        let (conn, accepted) = (self.conn, self.accepted()?);
        let received = accepted.day;
        let month = document.month().ok_or_else(no_visits)?;
        let doc = Doc { row: chains::document_row_or_new(conn, document)?, name: document };
        let writer = run.writer;
        let chain = chains::chain(conn, doc.row, &writer)?;
        let last = Version {
            writer,
            seq: run.first_seq.saturating_add(run.changes.len() as u64).saturating_sub(1),
            hash: run.last_hash,
        };
        let hash_at = |seq| match &chain {
            Some(chain) => chains::hash_at(conn, chain.row, seq),
            None => Ok(None),
        };
        let keys = OnceCell::new();
        let repeated = |key: &Key| is_repeated(conn, doc, chain.as_ref(), key, &keys);
        let tip = chain.map(|chain| chain.tip);
        match judge(month, run, tip.as_ref(), hash_at, repeated)? {
            Verdict::Known => Ok(Taken::Held { version: last, fresh: None }),
            Verdict::Gap { from } => Ok(Taken::Gap(from)),
            Verdict::Fork => Ok(Taken::Fork),
            Verdict::Extends { fresh, refused } => {
                let first = fresh.first().map(|(built, _)| built.tip.seq);
                let end = fresh.last().map(|(built, _)| Version::of_tip(writer, &built.tip));
                let built: Vec<_> = fresh.iter().map(|(built, _)| built).collect();
                chains::append(conn, doc, &writer, chain.as_ref(), &built, accepted)?;
                let arrivals = self.writing.as_mut().ok_or_else(not_writing)?.turn.arrivals();
                views::fold_in(conn, doc, fresh.iter().map(|(_, facts)| facts), accepted, arrivals)?;
                if first.is_some() {
                    meta::date_epoch(conn, received)?;
                    meta::touch_figures(conn)?;
                }
                match refused {
                    None => Ok(Taken::Held { version: end.unwrap_or(last), fresh: first }),
                    Some((seq, why)) => {
                        let refusal = (seq, &last.hash, why.code());
                        refusals::add(conn, document, &self.device, &writer, refusal, received)?;
                        Ok(Taken::Refused { held: end.zip(first), seq, why })
                    }
                }
            }
        }
    }

    fn differing(&mut self, held: &[Held]) -> Result<Vec<Reference>, StoreError> {
        let Some((sources, today)) = self.sources else { return Ok(Vec::new()) };
        if self.writing.is_some() {
            for (kind, hash) in held.iter().filter(|(kind, _)| is_known(*kind)) {
                references::set_held(self.conn, self.device, *kind, hash)?;
            }
        }
        sources.differing(self.conn, self.site, held, today)
    }

    fn answered(&mut self, answer: &Reference) -> Result<Option<Reference>, StoreError> {
        let Some((sources, _)) = self.sources.filter(|_| is_known(answer.kind)) else { return Ok(None) };
        references::set_held(self.conn, self.device, answer.kind, &answer.hash)?;
        sources.answered(self.conn, self.site, self.device, answer)
    }

    fn store_apart(&mut self, document: &DocId, run: Run) -> Result<Option<u64>, StoreError> {
        let received = self.today()?;
        let tip = pending::tip(self.conn, &self.device, document, &run.writer)?;
        let stored = tip.map_or(0, |tip| tip.seq);
        if run.first_seq > stored + 1 {
            let is_full = pending::is_full(self.conn, &self.device)?;
            return Ok((!is_full).then_some(stored + 1));
        }
        let writer = run.writer;
        let hash_at = |seq| pending::hash_at(self.conn, &self.device, document, &writer, seq);
        // What cannot be accepted waits at the device, to be refused by name once it is approved.
        let month = document.month().ok_or_else(no_visits)?;
        if let Verdict::Extends { fresh, .. } = judge(month, run, tip.as_ref(), hash_at, |_| Ok(false))? {
            let built: Vec<_> = fresh.into_iter().map(|(built, _)| built).collect();
            self.add_pending(document, &writer, &built, received)?;
        }
        Ok(None)
    }

    fn edits(&mut self, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, StoreError> {
        registers::edits(self.conn, document, from)
    }

    fn holds(&mut self, document: &DocId, version: &Version) -> Result<bool, StoreError> {
        self.is_held(document, version)
    }

    fn take_edits(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<TakenEdits, StoreError> {
        self.take_in(document, &edits)
    }

    fn refuse_edit(&mut self, document: &DocId, edit: &Version, why: Refusal) -> Result<(), StoreError> {
        self.note_refusal(document, edit, why)
    }

    fn store_edits_apart(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<BTreeMap<WriterId, u64>, StoreError> {
        self.put_apart(document, &edits)
    }

    fn stored_apart(&mut self, document: &DocId, writer: &WriterId) -> Result<u64, StoreError> {
        Ok(pending::tip(self.conn, &self.device, document, writer)?.map_or(0, |tip| tip.seq))
    }
}

/// Whether a key stands in the chain already.
///
/// A key that is in the document at all has left its tap at that revision or a later one, so
/// nearly always one look at the tap answers. Only then are the chain's own keys read, once.
fn is_repeated(
    conn: &Connection,
    doc: Doc<'_>,
    chain: Option<&Chain>,
    key: &Key,
    keys: &OnceCell<BTreeSet<Key>>,
) -> Result<bool, StoreError> {
    let Some(chain) = chain else { return Ok(false) };
    let seen = match key.subject {
        Subject::Tap(name) => facts::standing(conn, doc.row, &name)?.is_some_and(|standing| standing.rev >= key.rev),
        Subject::Close => facts::closing(conn, doc.row, key.day)?.is_some_and(|closing| closing.rev >= key.rev),
    };
    if !seen {
        return Ok(false);
    }
    if let Some(keys) = keys.get() {
        return Ok(keys.contains(key));
    }
    let mut all = BTreeSet::new();
    let mut from = 1;
    loop {
        let changes = chains::changes(conn, chain.row, from)?;
        let Some(last) = changes.last() else { break };
        from = last.seq + 1;
        for kept in &changes {
            // What does not read back is the verifier's to find, and holds up nobody here.
            let facts = kept.facts().unwrap_or_default();
            all.extend(facts.iter().filter_map(|(key, _)| Key::parse(key).ok()));
        }
    }
    Ok(keys.get_or_init(|| all).contains(key))
}
