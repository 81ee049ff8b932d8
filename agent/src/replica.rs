//! The store as a session sees it, and the one way to enter facts.

use std::collections::BTreeMap;

use msap_shared::chain::{FACTS_PER_CHANGE_MAX, Refusal, Run, Tip, Verdict, extend, judge};
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Subject};
use msap_shared::frame::{DeviceStanding, Mark, Reference, Refused, Version, Welcome};
use msap_shared::id::{Digest32, SessionToken, WriterId};
use msap_shared::reference::{self, AUTHORITIES, Authorities, Held, PROFILE};
use msap_shared::register::Edit;
use msap_shared::session::SEQ_MAX;
use msap_shared::session::site::{Adopted, Compared, Greeting, SiteReplica, Waiting};
use rusqlite::Connection;

use crate::join::is_reachable;
use crate::store::chains::{self, Chain, Doc};
use crate::store::retire::{self, Cause};
use crate::store::taps::{self, Place};
use crate::store::{Profile, StoreError, facts, meta, references, registers};

mod edits;

pub use edits::Edited;

/// A source of 16 random bytes: the writers' ids and the sessions' tokens.
pub type Fresh = Box<dyn FnMut() -> [u8; 16] + Send>;

/// This machine's key and certificates, which stand apart from its database.
pub trait Credentials: Send {
    /// Which list of authorities is trusted, once the first of them has certified this machine.
    fn held(&self) -> Option<Digest32>;

    /// Takes up what the hub says of its authorities, whole or not at all. Answers this machine's
    /// public key, for which the hub may make a certificate; `None` when it makes no sense.
    fn take_up(&mut self, value: &Authorities) -> Option<Vec<u8>>;
}

/// None at all: for machines that only exist in memory.
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn held(&self) -> Option<Digest32> {
        None
    }

    fn take_up(&mut self, _value: &Authorities) -> Option<Vec<u8>> {
        None
    }
}

/// A load that has written this many changes to one document goes on as another writer.
const CHAIN_LEN: u64 = SEQ_MAX / 2;

/// The store within one transaction, with the writer of this load.
pub struct Replica<'a> {
    /// Within the turn's transaction.
    pub conn: &'a Connection,
    /// Who writes now. Replaced whenever it might not be alone.
    pub writer: &'a mut WriterId,
    /// Where ids come from.
    pub fresh: &'a mut Fresh,
    /// What stands apart from the database.
    pub credentials: &'a mut dyn Credentials,
}

impl Replica<'_> {
    /// Takes a writer that nobody has used.
    pub fn renew_writer(&mut self) {
        *self.writer = WriterId::new((self.fresh)());
    }

    /// Enters one fact: a change of its own at the end of this load's chain. Returns where it
    /// went.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enter(&mut self, document: &DocId, key: &str, value: &str) -> Result<Place, StoreError> {
        let doc = Doc { row: chains::document_row_or_new(self.conn, document)?, name: document };
        let mut tip = chains::chain(self.conn, doc.row, self.writer)?.map(|chain| chain.tip);
        if tip.is_some_and(|tip| tip.seq >= CHAIN_LEN) {
            // Long before the bound that peers hold chains to.
            self.renew_writer();
            tip = None;
        }
        let built = extend(self.writer, tip.as_ref(), &[(key, value)]);
        let chain = chains::append(self.conn, doc, self.writer, &built)?;
        facts::fold(self.conn, doc, key, value)?;
        Ok(Place::Change { chain, seq: built.tip.seq })
    }

    /// The hub was heard: what it said of its epoch holds from here on, and an answer by file to
    /// what was said before no longer counts. Whether acknowledgements were forgotten. A file
    /// leaves the tokens of sessions alone: it could raise a false alarm of a clone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enter_epoch(&mut self, welcome: &Welcome) -> Result<bool, StoreError> {
        meta::forget_file_token(self.conn)?;
        let other = meta::epoch(self.conn)? != Some(welcome.epoch);
        // A hub to which this machine is unknown holds nothing of it, whatever its epoch.
        let forgets = other || welcome.standing == DeviceStanding::Pending;
        if forgets {
            chains::forget_acks(self.conn)?;
        }
        if other {
            meta::set_epoch(self.conn, welcome.epoch)?;
        }
        meta::saw_mark(self.conn, welcome.mark)?;
        Ok(forgets)
    }

    /// Takes a tail out of a chain and enters its facts again under a fresh writer.
    fn cut(
        &mut self,
        doc: Doc<'_>,
        writer: &WriterId,
        chain: &Chain,
        seq: u64,
        cause: Cause,
    ) -> Result<(), StoreError> {
        let tail = retire::take_out(self.conn, doc, writer, chain, seq, cause)?;
        self.renew_writer();
        for (key, value) in tail.again {
            let place = self.enter(doc.name, &key, &value)?;
            if let Ok(Key { subject: Subject::Tap(name), .. }) = Key::parse(&key) {
                taps::set_place(self.conn, &name, place)?;
            }
        }
        Ok(())
    }

    /// Replaces, from the first change that differs, the kept chain by the hub's.
    fn adopt_fork(&mut self, doc: Doc<'_>, chain: &Chain, run: Run) -> Result<Adopted, StoreError> {
        let Some(mut tip) = tip_before(self.conn, chain, run.first_seq)? else { return Ok(Adopted::Gap(1)) };
        let mut first_differing = None;
        let mut rebuilt = Vec::new();
        for content in &run.changes {
            let built = extend(&run.writer, tip.as_ref(), content);
            tip = Some(built.tip);
            if first_differing.is_none()
                && chains::hash_at(self.conn, chain.row, built.tip.seq)? != Some(built.tip.hash)
            {
                first_differing = Some(built.tip.seq);
            }
            rebuilt.push(built);
        }
        // Judged as a fork, it was not judged by its form: what is adopted must read back.
        let formed = run.changes.iter().all(|facts| (1..=FACTS_PER_CHANGE_MAX).contains(&facts.len()));
        let whole = formed && tip.is_some_and(|tip| tip.hash == run.last_hash);
        match first_differing {
            Some(seq) if whole => {
                self.cut(doc, &run.writer, chain, seq, Cause::Fork)?;
                for (built, content) in rebuilt.into_iter().zip(&run.changes).filter(|(b, _)| b.tip.seq >= seq) {
                    chains::append(self.conn, doc, &run.writer, &built)?;
                    for (key, value) in content {
                        facts::fold(self.conn, doc, key, value)?;
                    }
                }
                self.held(doc.row, &run.writer, run.first_seq + run.changes.len() as u64 - 1)?;
                Ok(Adopted::Kept)
            }
            // It differs before this run begins: the whole chain tells where.
            _ if run.first_seq > 1 => Ok(Adopted::Gap(1)),
            _ => Ok(Adopted::Kept),
        }
    }

    fn held_references(&self) -> Result<Vec<Held>, StoreError> {
        let authorities = self.credentials.held().map(|hash| (AUTHORITIES, hash));
        let profile = meta::profile_hash(self.conn)?.map(|hash| (PROFILE, hash));
        Ok(authorities.into_iter().chain(profile).chain(references::held(self.conn)?).collect())
    }

    /// Takes up the site's profile, if it is this machine's and makes sense.
    fn take_up_profile(&self, value: &[u8], hash: &Digest32) -> Result<(), StoreError> {
        let Some(reference::Profile { site, address }) = reference::from_bytes(value) else { return Ok(()) };
        let known = meta::profile(self.conn)?;
        let Ok(timezone) = site.timezone.parse() else { return Ok(()) };
        if known.site.as_str() != site.site {
            return Ok(());
        }
        let hub = if is_reachable(&address) { address } else { known.hub.clone() };
        meta::replace_profile(self.conn, &known, &Profile { site_name: site.name, timezone, hub, ..known.clone() })?;
        meta::set_profile_hash(self.conn, hash)
    }

    fn held(&mut self, document: i64, writer: &WriterId, seq: u64) -> Result<(), StoreError> {
        match chains::chain(self.conn, document, writer)? {
            Some(chain) => chains::set_acked(self.conn, chain.row, seq),
            None => Ok(()),
        }
    }
}

/// The tip just before `seq`; the outer `None` when the chain does not reach there.
fn tip_before(conn: &Connection, chain: &Chain, seq: u64) -> Result<Option<Option<Tip>>, StoreError> {
    if seq <= 1 {
        return Ok(Some(None));
    }
    let Some(kept) = chains::changes(conn, chain.row, seq - 1)?.into_iter().next() else { return Ok(None) };
    kept.tip().map(Some).map(Some)
}

impl SiteReplica for Replica<'_> {
    type Error = StoreError;

    fn greet(&mut self) -> Result<Greeting, StoreError> {
        let (token_prev, pending) = meta::tokens(self.conn)?;
        // One that waits for its welcome is said again: a lost Welcome raises no alarm.
        let token_next = match pending {
            Some(token) => token,
            None => {
                let token = SessionToken::new((self.fresh)());
                meta::set_token_next(self.conn, token)?;
                token
            }
        };
        Ok(Greeting {
            token_prev,
            token_next,
            epoch: meta::epoch(self.conn)?,
            seen: meta::mark(self.conn)?,
            digest: chains::digest_of(&chains::documents(self.conn)?),
            position: chains::position(self.conn)?,
            references: self.held_references()?,
            waiting: chains::waiting_count(self.conn)?,
            oldest_waiting_day: chains::oldest_waiting_day(self.conn)?,
        })
    }

    fn welcomed(&mut self, welcome: &Welcome) -> Result<bool, StoreError> {
        meta::advance_token(self.conn)?;
        self.enter_epoch(welcome)
    }

    fn saw(&mut self, mark: Mark) -> Result<(), StoreError> {
        meta::saw_mark(self.conn, mark)
    }

    fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        chains::waiting(self.conn)
    }

    fn run(&mut self, document: &DocId, writer: &WriterId, from: u64) -> Result<Option<Run>, StoreError> {
        chains::run(self.conn, document, writer, from)
    }

    fn edits(&mut self, document: &DocId, from: &BTreeMap<WriterId, u64>) -> Result<Vec<Edit>, StoreError> {
        registers::edits(self.conn, document, from)
    }

    fn adopt_edits(&mut self, document: &DocId, edits: Vec<Edit>) -> Result<bool, StoreError> {
        self.take_over(document, edits)
    }

    fn confirm(&mut self, document: &DocId, version: &Version) -> Result<Compared, StoreError> {
        let kept = match chains::document_row(self.conn, document)? {
            Some(id) => chains::chain(self.conn, id, &version.writer)?,
            None => None,
        };
        let Some(chain) = kept.filter(|chain| chain.tip.seq >= version.seq) else {
            if version.writer == *self.writer {
                // Somebody else has gone on as this load's writer.
                self.renew_writer();
            }
            return Ok(Compared::Behind);
        };
        if chains::hash_at(self.conn, chain.row, version.seq)? != Some(version.hash) {
            return Ok(Compared::Differs);
        }
        chains::set_acked(self.conn, chain.row, version.seq)?;
        Ok(Compared::Same)
    }

    fn confirm_all(&mut self, position: u64) -> Result<(), StoreError> {
        chains::set_acked_by(self.conn, position)
    }

    fn confirm_document(&mut self, document: &DocId) -> Result<(), StoreError> {
        chains::set_acked_document(self.conn, document)
    }

    fn documents(&mut self) -> Result<Vec<(DocId, Digest32)>, StoreError> {
        chains::documents(self.conn)
    }

    fn versions(&mut self, document: &DocId) -> Result<Vec<Version>, StoreError> {
        chains::versions(self.conn, document)
    }

    fn adopt(&mut self, document: &DocId, run: Run) -> Result<Adopted, StoreError> {
        let conn = self.conn;
        // The session takes runs for visits only.
        let Some(month) = document.month() else { return Ok(Adopted::Kept) };
        let doc = Doc { row: chains::document_row_or_new(conn, document)?, name: document };
        let writer = run.writer;
        let chain = chains::chain(conn, doc.row, &writer)?;
        let tip = chain.map(|chain| chain.tip);
        let hash_at = |seq| match &chain {
            Some(chain) => chains::hash_at(conn, chain.row, seq),
            None => Ok(None),
        };
        // What the hub holds was judged there; a repeated key is its affair.
        match judge(month, run.clone(), tip.as_ref(), hash_at, |_| Ok(false))? {
            Verdict::Known => {
                self.held(doc.row, &writer, run.first_seq + run.changes.len() as u64 - 1)?;
                Ok(Adopted::Kept)
            }
            Verdict::Gap { from } => Ok(Adopted::Gap(from)),
            Verdict::Fork => match &chain {
                Some(chain) => self.adopt_fork(doc, chain, run),
                None => Ok(Adopted::Kept),
            },
            Verdict::Extends { refused: Some((_, Refusal::Hash)), .. } if run.first_seq > 1 => Ok(Adopted::Gap(1)),
            Verdict::Extends { fresh, .. } => {
                let Some(seq) = fresh.last().map(|(built, _)| built.tip.seq) else { return Ok(Adopted::Kept) };
                for (built, content) in fresh {
                    chains::append(conn, doc, &writer, &built)?;
                    for (key, value) in &content {
                        facts::fold(conn, doc, key, value)?;
                    }
                }
                self.held(doc.row, &writer, seq)?;
                if writer == *self.writer {
                    self.renew_writer();
                }
                Ok(Adopted::Kept)
            }
        }
    }

    fn refer(&mut self, reference: Reference) -> Result<Option<Reference>, StoreError> {
        let value = match reference.kind {
            AUTHORITIES => {
                let told = reference::from_bytes::<Authorities>(&reference.value);
                told.and_then(|told| self.credentials.take_up(&told)).unwrap_or_default()
            }
            PROFILE => {
                self.take_up_profile(&reference.value, &reference.hash)?;
                Vec::new()
            }
            kind if references::is_known(kind) => {
                if references::is_kept(kind, &reference.value) {
                    references::keep(self.conn, kind, &reference.hash, &reference.value)?;
                }
                Vec::new()
            }
            _ => return Ok(None),
        };
        let held = self.held_references()?.into_iter().find(|(kind, _)| *kind == reference.kind);
        let hash = held.map_or(Digest32::new([0; 32]), |(_, hash)| hash);
        Ok(Some(Reference { hash, value, ..reference }))
    }

    fn retire(&mut self, refused: &Refused) -> Result<(), StoreError> {
        let Some(id) = chains::document_row(self.conn, &refused.document)? else { return Ok(()) };
        let Some(chain) = chains::chain(self.conn, id, &refused.writer)? else { return Ok(()) };
        if !retire::holds(self.conn, &chain, refused.seq, refused.last_hash.as_bytes())? {
            return Ok(());
        }
        let doc = Doc { row: id, name: &refused.document };
        if doc.name.kind().is_registers() {
            return self.cut_edits(doc, &refused.writer, refused.seq, Cause::Refused(refused.reason));
        }
        self.cut(doc, &refused.writer, &chain, refused.seq, Cause::Refused(refused.reason))
    }
}
