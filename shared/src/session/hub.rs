//! The hub's half.
//!
//! Frames are made in two steps: [`HubSession::receive`] acts on the store inside the host's
//! transaction, and [`HubSession::committed`] turns what was done into words once it is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{CHAINS_ASKED_MAX, SessionError, check_kind, check_number, haves, knows};
use crate::chain::{Digest, Refusal};
use crate::document::{DocId, DocKind};
use crate::frame::{
    Ack, DeviceStanding, Digests, Frame, Have, Hello, Mark, Need, PROTOCOL, Push, Reference, Refused, Version, Welcome,
};
use crate::grant::Grant;
use crate::id::{Digest32, Epoch, WriterId};
use crate::reference::Held;

mod edits;
mod handover;
mod replica;
mod wants;

use handover::Handover;
pub use replica::{HubReplica, Taken, TakenEdits};

/// A chain, with the sequence number from which something is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The document.
    pub document: DocId,
    /// Whose chain.
    pub writer: WriterId,
    /// First new sequence number.
    pub from: u64,
}

/// The hub's half of one session.
#[derive(Debug)]
pub struct HubSession {
    grant: Grant,
    standing: DeviceStanding,
    /// The version that both speak, from its Hello.
    protocol: u32,
    /// From its Hello; `None` before.
    hello_digest: Option<Digest32>,
    welcome_due: Option<WelcomeDue>,
    digests_due: bool,
    held: Vec<(DocId, Version)>,
    in_sync_due: bool,
    /// Said once committed.
    replies: Vec<Frame>,
    outbox: VecDeque<Frame>,
    /// The references that the device holds or was sent; `None` for one that knows of none, or
    /// is pending.
    references: Option<BTreeMap<u32, Digest32>>,
    /// What a pending device has and the hub has not stored apart: asked for chain by chain.
    wanted: BTreeMap<(DocId, WriterId), u64>,
    /// What was asked of the device: an answer that does not help will not help again.
    asked: BTreeSet<(DocId, WriterId, u64)>,
    /// What the device lacks: sent chain by chain, as the connection takes it.
    owed: BTreeMap<(DocId, WriterId), u64>,
    /// The same of documents of registers: sent document by document, each edit after those that it
    /// follows.
    owed_edits: BTreeMap<DocId, BTreeMap<WriterId, u64>>,
    /// The documents of which the device was told once what is held, because it sent edits that
    /// follow something else.
    told: BTreeSet<DocId>,
    handover: Handover,
}

#[derive(Debug)]
struct WelcomeDue {
    protocol: u32,
    in_sync: bool,
}

/// The highest protocol version that a device and this program both speak.
pub fn common_protocol(hello: &Hello) -> Option<u32> {
    let protocol = hello.protocol_max.min(*PROTOCOL.end());
    (protocol >= hello.protocol_min && PROTOCOL.contains(&protocol)).then_some(protocol)
}

impl HubSession {
    /// A session with a device of this grant and standing.
    pub fn new(grant: Grant, standing: DeviceStanding) -> Self {
        Self {
            grant,
            standing,
            protocol: *PROTOCOL.end(),
            hello_digest: None,
            welcome_due: None,
            digests_due: false,
            held: Vec::new(),
            in_sync_due: false,
            replies: Vec::new(),
            outbox: VecDeque::new(),
            references: None,
            wanted: BTreeMap::new(),
            asked: BTreeSet::new(),
            owed: BTreeMap::new(),
            owed_edits: BTreeMap::new(),
            told: BTreeSet::new(),
            handover: Handover::default(),
        }
    }

    /// The half that answers a device by file: greeted by its file, whenever that came, and due
    /// to welcome it in the version that both speak. It never says `in_sync`: what the device keeps
    /// by now, nobody here knows.
    pub fn by_file(grant: Grant, standing: DeviceStanding, protocol: u32) -> Self {
        let welcome_due = Some(WelcomeDue { protocol, in_sync: false });
        Self { hello_digest: Some(Digest32::new([0; 32])), welcome_due, protocol, ..Self::new(grant, standing) }
    }

    /// Whether the device may be told of documents of this kind.
    pub fn knows(&self, kind: DocKind) -> bool {
        knows(self.protocol, kind)
    }

    /// The device's rights.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// How the hub regards the device.
    pub fn standing(&self) -> DeviceStanding {
        self.standing
    }

    /// Whether the device may be told of other devices' changes: welcomed and active.
    pub fn is_live(&self) -> bool {
        self.hello_digest.is_some() && self.standing == DeviceStanding::Active
    }

    /// Whether the device is told, once what was done is kept, that it holds nothing else.
    pub fn will_say_in_sync(&self) -> bool {
        self.in_sync_due || self.welcome_due.as_ref().is_some_and(|welcome| welcome.in_sync)
    }

    /// How many frames wait to be taken.
    pub fn backlog(&self) -> usize {
        self.outbox.len()
    }

    /// Takes in one frame. Returns what is new to the site's other devices.
    ///
    /// # Errors
    /// When the device breaks the protocol, or the replica fails.
    pub fn receive<R: HubReplica>(
        &mut self,
        frame: Frame,
        replica: &mut R,
    ) -> Result<Vec<News>, SessionError<R::Error>> {
        let news = self.act(frame, replica)?;
        self.handover.hold(&self.held);
        Ok(news)
    }

    fn act<R: HubReplica>(&mut self, frame: Frame, replica: &mut R) -> Result<Vec<News>, SessionError<R::Error>> {
        match (self.hello_digest, frame) {
            (None, Frame::Hello(hello)) => self.hello(&hello, replica)?,
            (None, _) => return Err(SessionError::Protocol("a frame before Hello")),
            (Some(_), Frame::Push(push)) => return Ok(self.push(push, replica)?.into_iter().collect()),
            (Some(_), Frame::Edits(edits)) => return self.edits(edits, replica),
            (Some(hello), Frame::Offered) => self.offered(hello, replica)?,
            (Some(_), Frame::Have(have)) => self.device_has(have, replica)?,
            (Some(_), Frame::Need(need)) => self.device_needs(need)?,
            (Some(_), Frame::Reference(answer)) => self.device_refers(&answer, replica)?,
            (Some(_), _) => return Err(SessionError::Protocol("a frame that only the hub sends")),
        }
        Ok(Vec::new())
    }

    /// What was done is kept: the words for it may leave.
    pub fn committed(&mut self, epoch: Epoch, mark: Mark, clock_ms: i64) {
        if let Some(WelcomeDue { protocol, in_sync }) = self.welcome_due.take() {
            let standing = self.standing;
            let welcome = Welcome { epoch, mark, protocol, clock_ms, in_sync, standing };
            self.outbox.push_back(Frame::Welcome(welcome));
        }
        if !self.held.is_empty() || self.in_sync_due {
            let held = std::mem::take(&mut self.held);
            let in_sync = std::mem::take(&mut self.in_sync_due);
            match self.outbox.back_mut() {
                // One that still waits for the connection says it all.
                Some(Frame::Ack(waiting)) => {
                    waiting.mark = mark;
                    waiting.held.extend(held);
                    waiting.in_sync |= in_sync;
                }
                _ => self.outbox.push_back(Frame::Ack(Ack { epoch, mark, held, in_sync })),
            }
        }
        self.outbox.extend(self.replies.drain(..).map(|mut frame| {
            match &mut frame {
                Frame::Have(have) => have.held = Some((epoch, mark)),
                Frame::Reference(reference) => (reference.epoch, reference.n) = (Some(epoch), mark.commit),
                _ => {}
            }
            frame
        }));
    }

    /// The next frame to send, if any: after a commit, and whenever the connection has taken
    /// the last one. `epoch` and `mark` are the last commit's.
    ///
    /// # Errors
    /// When the replica fails.
    pub fn poll<R: HubReplica>(
        &mut self,
        epoch: Epoch,
        mark: Mark,
        replica: &mut R,
    ) -> Result<Option<Frame>, R::Error> {
        if let Some(frame) = self.outbox.pop_front() {
            return Ok(Some(frame));
        }
        if std::mem::take(&mut self.digests_due) {
            // A pending device is told of nothing, so that it confirms nothing.
            let documents = match self.standing {
                DeviceStanding::Active => self.documents(replica)?,
                DeviceStanding::Pending => Vec::new(),
            };
            if self.standing == DeviceStanding::Active {
                self.handover.tell(&documents);
            }
            return Ok(Some(Frame::Digests(Digests { epoch, documents, mark })));
        }
        while let Some(((document, writer), from)) = self.wanted.pop_first() {
            if let Some(need) = self.need(document, writer, from) {
                return Ok(Some(need));
            }
        }
        while let Some(((document, writer), from)) = self.owed.pop_first() {
            if let Some(run) = replica.run(&document, &writer, from)? {
                let next = from + run.changes.len() as u64;
                self.owed.insert((document.clone(), writer), next);
                return Ok(Some(Frame::Push(Push::of_run(document, run, Some(mark)))));
            }
        }
        self.poll_edits(mark, replica)
    }

    /// Another device of the site brought something new.
    pub fn relay(&mut self, news: &News) {
        if !self.knows(news.document.kind()) {
            return;
        }
        self.owe(news.document.clone(), news.writer, news.from);
    }

    /// Asks for a chain from here on, once.
    fn need(&mut self, document: DocId, writer: WriterId, from: u64) -> Option<Frame> {
        let news = self.asked.insert((document.clone(), writer, from));
        news.then_some(Frame::Need(Need { document, writer, from }))
    }

    fn owe(&mut self, document: DocId, writer: WriterId, from: u64) {
        if document.kind().is_registers() {
            let owed = self.owed_edits.entry(document).or_default().entry(writer).or_insert(from);
            *owed = (*owed).min(from);
            return;
        }
        self.owed.entry((document, writer)).and_modify(|owed| *owed = (*owed).min(from)).or_insert(from);
    }

    fn hello<R: HubReplica>(&mut self, hello: &Hello, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        let protocol = common_protocol(hello).ok_or(SessionError::Protocol("no protocol version in common"))?;
        self.protocol = protocol;
        replica.greeted(hello)?;
        // From here on the digest speaks of the epoch that now holds.
        let in_sync = self.standing == DeviceStanding::Active && self.digest(replica)? == hello.digest;
        self.hello_digest = Some(hello.digest);
        self.welcome_due = Some(WelcomeDue { protocol, in_sync });
        self.digests_due = !in_sync && !hello.offers;
        let held = hello.references.as_ref().filter(|_| self.standing == DeviceStanding::Active);
        self.references = held.map(|held| held.iter().copied().collect());
        self.refer(replica)?;
        Ok(())
    }

    /// Sends the references that differ from those that the device holds or was sent: after its
    /// Hello, and whenever one may have changed.
    ///
    /// # Errors
    /// When the replica fails.
    pub fn refer<R: HubReplica>(&mut self, replica: &mut R) -> Result<(), R::Error> {
        let Some(known) = &mut self.references else { return Ok(()) };
        let held: Vec<Held> = known.iter().map(|(kind, hash)| (*kind, *hash)).collect();
        for reference in replica.differing(&held)? {
            known.insert(reference.kind, reference.hash);
            self.replies.push(Frame::Reference(reference));
        }
        Ok(())
    }

    fn device_refers<R: HubReplica>(
        &mut self,
        answer: &Reference,
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        if self.references.is_some() {
            self.replies.extend(replica.answered(answer)?.map(Frame::Reference));
        }
        Ok(())
    }

    fn offered<R: HubReplica>(&mut self, hello: Digest32, replica: &mut R) -> Result<(), SessionError<R::Error>> {
        if self.standing == DeviceStanding::Active && self.digest(replica)? == hello {
            self.in_sync_due = true;
        } else {
            self.digests_due = true;
        }
        Ok(())
    }

    /// Every document of the site that the device knows the kind of.
    fn documents<R: HubReplica>(&self, replica: &mut R) -> Result<Vec<(DocId, Digest32)>, R::Error> {
        let mut documents = replica.documents()?;
        documents.retain(|(document, _)| self.knows(document.kind()));
        Ok(documents)
    }

    /// Digest of their chain tips, as the device makes it of its own.
    fn digest<R: HubReplica>(&self, replica: &mut R) -> Result<Digest32, R::Error> {
        let mut whole = Digest::default();
        for (_, digest) in self.documents(replica)? {
            whole.toggle(&digest);
        }
        Ok(whole.id())
    }

    fn push<R: HubReplica>(&mut self, push: Push, replica: &mut R) -> Result<Option<News>, SessionError<R::Error>> {
        check_number(push.first_seq)?;
        check_kind(&push.document, DocKind::is_visits)?;
        let (document, run) = push.into_run();
        let (writer, first_seq) = (run.writer, run.first_seq);
        let last = Version { writer, seq: first_seq.saturating_add(run.changes.len() as u64), hash: run.last_hash };
        if !self.grant.covers(&document) {
            let refused = Refused::new(document, last, first_seq, Refusal::Grant);
            self.replies.push(Frame::Refused(refused));
            return Ok(None);
        }
        if self.standing == DeviceStanding::Pending {
            if let Some(from) = replica.store_apart(&document, run)? {
                let need = self.need(document, writer, from);
                self.replies.extend(need);
            }
            return Ok(None);
        }
        let fresh = match replica.take(&document, run)? {
            Taken::Held { version, fresh } => {
                self.held.push((document.clone(), version));
                fresh
            }
            Taken::Refused { held, seq, why } => {
                self.replies.push(Frame::Refused(Refused::new(document.clone(), last, seq, why)));
                held.map(|(version, fresh)| {
                    self.held.push((document.clone(), version));
                    fresh
                })
            }
            Taken::Gap(from) => {
                self.replies.push(Frame::Need(Need { document: document.clone(), writer, from }));
                None
            }
            Taken::Fork => {
                self.owe(document.clone(), writer, 1);
                None
            }
        };
        Ok(fresh.map(|from| News { document, writer, from }))
    }
}
