//! The device's half.
//!
//! Nothing about the hub is kept to decide what to send, except which changes its current epoch
//! is known to hold. A new epoch forgets that, and everything is compared again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{SessionError, check_kind, check_number, haves, knows};
use crate::document::{DocId, DocKind};
use crate::frame::{
    Ack, DeviceStanding, Digests, Frame, Have, Hello, Need, PROTOCOL, Push, TRIED_LEN_MAX, Version, Welcome,
};
use crate::id::{Digest32, Epoch, WriterId};
use crate::time::Day;

mod edits;
mod replica;

pub use replica::{Adopted, Compared, Greeting, SiteReplica, Waiting};

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Hello sent, no Welcome yet.
    Greeting,
    /// Welcomed in another epoch than known: nothing is offered before the digests arrive.
    Unsettled,
    /// Welcomed; what is kept is sent at once.
    Live,
    /// Welcomed, but not approved yet: only what the hub asks for is sent.
    Pending,
}

/// The device's half of one session.
#[derive(Debug)]
pub struct SiteSession {
    phase: Phase,
    position: u64,
    /// The version that both speak: the hub's choice, from its Welcome on.
    protocol: u32,
    /// The hub's, from its Welcome: whatever it confirms is of this epoch.
    epoch: Option<Epoch>,
    /// Still to send, in order.
    outbox: VecDeque<Frame>,
    /// Up to where each chain was sent in this session.
    sent: BTreeMap<(DocId, WriterId), u64>,
    /// Documents being compared: nothing of them is offered until the hub's Have.
    comparing: BTreeSet<DocId>,
    /// What was asked of the hub in this session.
    asked: BTreeSet<(DocId, WriterId, u64)>,
    /// The documents of which the hub was told once what is kept here, because it sent edits that
    /// follow something else.
    told: BTreeSet<DocId>,
    /// An Offered is due once everything waiting was sent.
    offered_due: bool,
    /// From its Welcome.
    hub_clock_ms: Option<i64>,
}

impl SiteSession {
    /// Starts a session: its first frames can be taken at once.
    ///
    /// `clock_ms` is the machine's wall clock.
    ///
    /// # Errors
    /// When the replica fails.
    pub fn start<R: SiteReplica>(replica: &mut R, app: &str, clock_ms: i64) -> Result<Self, R::Error> {
        let greeting = replica.greet()?;
        let offers = !replica.waiting()?.is_empty();
        let hello = Hello {
            protocol_min: *PROTOCOL.start(),
            protocol_max: *PROTOCOL.end(),
            app: app.to_owned(),
            token_prev: greeting.token_prev,
            token_next: greeting.token_next,
            clock_ms,
            epoch: greeting.epoch,
            seen: greeting.seen,
            digest: greeting.digest,
            offers,
            references: Some(greeting.references),
            tried: None,
            waiting: Some(greeting.waiting),
            oldest_waiting_day: greeting.oldest_waiting_day.map(Day::number),
        };
        let begun = Self::begun(Phase::Greeting, greeting.position, None);
        Ok(Self { outbox: VecDeque::from([Frame::Hello(hello)]), offered_due: offers, ..begun })
    }

    /// Tells the hub what was tried before this session, when its first frame was not taken yet.
    pub fn tell_tried(&mut self, tried: String) {
        if let Some(Frame::Hello(hello)) = self.outbox.front_mut() {
            hello.tried = Some(tried).filter(|tried| !tried.is_empty() && tried.len() <= TRIED_LEN_MAX);
        }
    }

    /// The half that takes an answer by file: greeted, whenever that was, and welcomed as
    /// `welcome` says. `in_sync` counts for nothing, since it speaks of what was kept back then,
    /// and what this half would say nobody takes.
    pub fn by_file(welcome: &Welcome) -> Self {
        let phase = match welcome.standing {
            DeviceStanding::Active => Phase::Live,
            DeviceStanding::Pending => Phase::Pending,
        };
        Self::begun(phase, 0, Some(welcome.epoch))
    }

    fn begun(phase: Phase, position: u64, epoch: Option<Epoch>) -> Self {
        Self {
            phase,
            position,
            protocol: *PROTOCOL.end(),
            epoch,
            outbox: VecDeque::new(),
            sent: BTreeMap::new(),
            comparing: BTreeSet::new(),
            asked: BTreeSet::new(),
            told: BTreeSet::new(),
            offered_due: false,
            hub_clock_ms: None,
        }
    }

    /// Where the conversation stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The hub's clock as its Welcome told it, milliseconds since 1970.
    pub fn hub_clock_ms(&self) -> Option<i64> {
        self.hub_clock_ms
    }

    /// Takes in one frame.
    ///
    /// # Errors
    /// When the hub breaks the protocol, or the replica fails.
    pub fn receive<R: SiteReplica>(&mut self, frame: Frame, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        match (self.phase, frame) {
            // Whoever carries the frames acts on these: nothing of the conversation is in them.
            (_, Frame::Busy(_) | Frame::Bye(_)) => Ok(()),
            (Phase::Greeting, Frame::Welcome(welcome)) => self.welcome(welcome, replica),
            (Phase::Greeting, _) => Err(SessionError::Protocol("a frame before Welcome")),
            (_, Frame::Ack(ack)) => self.acknowledged(ack, replica),
            (_, Frame::Digests(digests)) => self.compare(digests, replica),
            (_, Frame::Have(have)) => self.hub_has(have, replica),
            (_, Frame::Need(need)) => self.hub_needs(need, replica),
            (_, Frame::Push(push)) => self.adopt(push, replica),
            (_, Frame::Edits(edits)) => self.adopt_edits(edits, replica),
            (_, Frame::Refused(refused)) => {
                check_number(refused.seq)?;
                Ok(replica.retire(&refused)?)
            }
            (_, Frame::Reference(reference)) => {
                self.outbox.extend(replica.refer(reference)?.map(Frame::Reference));
                Ok(())
            }
            (_, Frame::Hello(_) | Frame::Welcome(_) | Frame::Offered) => {
                Err(SessionError::Protocol("a frame that only starts a session"))
            }
        }
    }

    /// The next frame to send, if any. Called again after every commit that may have added
    /// something.
    ///
    /// # Errors
    /// When the replica fails.
    pub fn poll<R: SiteReplica>(&mut self, replica: &mut R) -> Result<Option<Frame>, R::Error> {
        if let Some(frame) = self.outbox.pop_front() {
            return Ok(Some(frame));
        }
        if matches!(self.phase, Phase::Greeting | Phase::Live)
            && let Some(frame) = self.offer(replica)?
        {
            return Ok(Some(frame));
        }
        Ok(std::mem::take(&mut self.offered_due).then_some(Frame::Offered))
    }

    fn offer<R: SiteReplica>(&mut self, replica: &mut R) -> Result<Option<Frame>, R::Error> {
        let mut registers: BTreeMap<DocId, BTreeMap<WriterId, u64>> = BTreeMap::new();
        for Waiting { document, writer, acked, seq } in replica.waiting()? {
            if self.comparing.contains(&document) || !knows(self.protocol, document.kind()) {
                continue;
            }
            let key = (document, writer);
            let from = self.sent.get(&key).copied().unwrap_or(0).max(acked) + 1;
            if from > seq {
                continue;
            }
            if key.0.kind().is_registers() {
                registers.entry(key.0).or_default().insert(writer, from);
            } else if let Some(run) = replica.run(&key.0, &writer, from)? {
                let push = Push::of_run(key.0.clone(), run, None);
                self.sent.insert(key, push.last_seq().unwrap_or(seq));
                return Ok(Some(Frame::Push(push)));
            }
        }
        self.offer_edits(registers, replica)
    }

    fn welcome<R: SiteReplica>(&mut self, welcome: Welcome, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        if !PROTOCOL.contains(&welcome.protocol) {
            return Err(SessionError::Protocol("a version that this program does not speak"));
        }
        self.protocol = welcome.protocol;
        self.hub_clock_ms = Some(welcome.clock_ms);
        self.epoch = Some(welcome.epoch);
        let other_epoch = replica.welcomed(&welcome)?;
        self.phase = match welcome.standing {
            DeviceStanding::Pending => Phase::Pending,
            DeviceStanding::Active if other_epoch && !welcome.in_sync => Phase::Unsettled,
            DeviceStanding::Active => Phase::Live,
        };
        if welcome.in_sync && welcome.standing == DeviceStanding::Active {
            replica.confirm_all(self.position)?;
        }
        if self.phase != Phase::Live && std::mem::take(&mut self.offered_due) {
            // The hub waits for this word before it compares.
            self.outbox.push_back(Frame::Offered);
        }
        Ok(())
    }

    fn acknowledged<R: SiteReplica>(&mut self, ack: Ack, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        self.of_this_epoch(Some(ack.epoch))?;
        replica.saw(ack.mark)?;
        if ack.in_sync {
            // The hub has said that nothing differs: no digests will follow.
            replica.confirm_all(self.position)?;
            self.settled();
        }
        for (document, version) in &ack.held {
            self.confirm(document, version, replica)?;
        }
        Ok(())
    }

    fn of_this_epoch<E>(&self, epoch: Option<Epoch>) -> Result<(), SessionError<E>> {
        if epoch == self.epoch { Ok(()) } else { Err(SessionError::Protocol("a confirmation of another epoch")) }
    }

    /// A version that differs is never taken as an acknowledgement: the hub's chain is asked for.
    fn confirm<R: SiteReplica>(
        &mut self,
        document: &DocId,
        version: &Version,
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        if replica.confirm(document, version)? == Compared::Differs {
            self.need(Need { document: document.clone(), writer: version.writer, from: 1 });
        }
        Ok(())
    }

    /// Each thing is asked for once: an answer that does not help will not help again.
    fn need(&mut self, need: Need) {
        if self.asked.insert((need.document.clone(), need.writer, need.from)) {
            self.outbox.push_back(Frame::Need(need));
        }
    }

    fn compare<R: SiteReplica>(&mut self, digests: Digests, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        self.of_this_epoch(Some(digests.epoch))?;
        replica.saw(digests.mark)?;
        let theirs: BTreeMap<DocId, Digest32> = digests.documents.into_iter().collect();
        let mine: BTreeMap<DocId, Digest32> = replica.documents()?.into_iter().collect();
        let names: BTreeSet<&DocId> = theirs.keys().chain(mine.keys()).collect();
        for name in names.into_iter().filter(|name| knows(self.protocol, name.kind())) {
            if self.phase != Phase::Pending && theirs.contains_key(name) && theirs.get(name) == mine.get(name) {
                replica.confirm_document(name)?;
                continue;
            }
            let versions = replica.versions(name)?;
            self.outbox.extend(haves(name, &versions));
            self.comparing.insert(name.clone());
        }
        self.settled();
        Ok(())
    }

    /// Both sides know what the other has: what is counted from here on is sent at once.
    fn settled(&mut self) {
        if self.phase == Phase::Unsettled {
            self.phase = Phase::Live;
        }
    }

    fn hub_has<R: SiteReplica>(&mut self, have: Have, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        self.of_this_epoch(have.held.map(|(epoch, _)| epoch))?;
        if let Some((_, mark)) = have.held {
            replica.saw(mark)?;
        }
        if self.phase == Phase::Pending {
            return Err(SessionError::Protocol("a Have to a pending device"));
        }
        for version in &have.versions {
            self.confirm(&have.document, version, replica)?;
        }
        let theirs: BTreeMap<WriterId, u64> = have.versions.iter().map(|v| (v.writer, v.seq)).collect();
        // Offer again from where the hub stands, whatever was sent before.
        self.sent.retain(|(document, _), _| *document != have.document);
        for (writer, seq) in theirs {
            self.sent.insert((have.document.clone(), writer), seq);
        }
        self.comparing.remove(&have.document);
        Ok(())
    }

    fn hub_needs<R: SiteReplica>(&mut self, need: Need, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        check_number(need.from)?;
        match self.phase {
            // Not offered while pending: send just what was asked for.
            Phase::Pending if need.document.kind().is_registers() => self.send_edits(need, replica)?,
            Phase::Pending => {
                let mut from = need.from;
                while let Some(run) = replica.run(&need.document, &need.writer, from)? {
                    from += run.changes.len() as u64;
                    self.outbox.push_back(Frame::Push(Push::of_run(need.document.clone(), run, None)));
                }
            }
            _ => {
                self.sent.insert((need.document, need.writer), need.from - 1);
            }
        }
        Ok(())
    }

    fn adopt<R: SiteReplica>(&mut self, push: Push, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        check_kind(&push.document, DocKind::is_visits)?;
        if let Some(mark) = push.mark {
            replica.saw(mark)?;
        }
        let (document, run) = push.into_run();
        let writer = run.writer;
        if let Adopted::Gap(from) = replica.adopt(&document, run)? {
            self.need(Need { document, writer, from });
        }
        Ok(())
    }
}
