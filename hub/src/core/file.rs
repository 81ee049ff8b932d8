//! Sync by file: the hub's half of a session, fed from a device's file and answering by one.
//!
//! Called by `bundle`, between two turns. A device's file is taken in one transaction, through
//! the same half and the same ledger as a line; what the device told is kept, so that it can be
//! answered at any time. Invariants: a file that makes no sense leaves nothing behind; no file
//! touches a device's place in its line of sessions, so none raises a false alarm of a clone; an
//! answer tells of committed changes only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::document::DocId;
use msap_shared::frame::{DeviceStanding, Frame, Have, PROTOCOL, Reference, Version};
use msap_shared::grant::Grant;
use msap_shared::id::{DeviceId, Epoch, Fingerprint, SessionToken, SiteId};
use msap_shared::io::bundle::{BundleError, Frames};
use msap_shared::reference::Held;
use msap_shared::session::hub::{HubSession, common_protocol};
use msap_shared::session::{SEQ_MAX, SessionError};
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use self::seen::Seen;
use self::tallied::ByFile;
use super::{Core, Done, NO_LINE, admit};
use crate::reference::Sources;
use crate::replica::Replica;
use crate::store::devices::{self, Standing};
use crate::store::told::{self, Told};
use crate::store::{StoreError, Witnessed, chains, journal, refusals};

mod seen;
mod tallied;

/// What carries such a session, as device lists show it.
const TRANSPORT: &str = "file";

/// A device's file, its signature checked.
#[derive(Clone, Copy, Debug)]
pub struct FromDevice<'a> {
    /// Whose it is.
    pub fingerprint: Fingerprint,
    /// The site that its certificate names. Its row decides, if there is one.
    pub site: &'a SiteId,
    /// Its public key, as the certificate has it.
    pub spki: &'a [u8],
    /// What an answer must carry.
    pub token: Option<SessionToken>,
    /// What a session would send.
    pub frames: &'a Frames,
}

/// What became of the changes of one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// New, and held now.
    pub taken: u64,
    /// Held before.
    pub known: u64,
    /// Never to be taken, the rest of their run included.
    pub refused: u64,
    /// Changes before them are missing: the device's next file has them.
    pub missing: u64,
    /// Held under their numbers are others: the answer says which.
    pub forked: u64,
    /// Stored apart until somebody approves the device.
    pub apart: u64,
}

/// What a file brought.
#[derive(Clone, Debug)]
pub struct TakenIn {
    /// The site it counts for.
    pub site: SiteId,
    /// How the hub regards the device.
    pub standing: DeviceStanding,
    /// By document.
    pub documents: BTreeMap<DocId, Tally>,
    /// Whether anything is different now.
    pub changed: bool,
    /// Whether the device takes for confirmed what another epoch held, and left it out.
    pub outdated: bool,
}

/// An answer, to be signed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The site.
    pub site: SiteId,
    /// The epoch that holds what it tells of.
    pub epoch: Epoch,
    /// The token of the file that it answers; `None` when the device never sent one.
    pub token: Option<SessionToken>,
    /// What a session would bring.
    pub frames: Frames,
    /// Changes in it.
    pub changes: u64,
    /// Whether everything found room.
    pub whole: bool,
}

/// Why a file is not taken or answered.
#[derive(Debug, thiserror::Error)]
pub enum FileRefused {
    /// The device was excluded.
    #[error("the device was revoked")]
    Revoked,
    /// Its frames are not those of a device's session.
    #[error("the frames make no session: {0}")]
    Protocol(&'static str),
    /// They do not fit.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Core {
    /// Takes in a device's file, whole or not at all.
    ///
    /// # Errors
    /// [`FileRefused`]; nothing is kept then.
    pub fn take_in(&mut self, file: FromDevice<'_>, now: Timestamp) -> Result<TakenIn, FileRefused> {
        let today = self.day(now);
        let Self { store, revocations, doubted, sources, .. } = self;
        let FromDevice { fingerprint, spki, token, frames, .. } = file;
        let device = fingerprint.device();
        let mut done = Done { doubted: *doubted, ..Done::default() };
        let taken = store.write(|conn, turn| {
            let admitted = admit(conn, revocations, &fingerprint, file.site.clone(), now)?;
            let (standing, site) = admitted.map_err(|_| FileRefused::Revoked)?;
            let believed = !done.doubted && standing == DeviceStanding::Active;
            let epoch_before = turn.epoch();
            let mut session = HubSession::new(Grant::of_site(site.clone()), standing);
            let mut seen = Seen::default();
            let (mut have, mut known_epoch, mut hello) = (Vec::new(), None, None);
            for frame in frames.iter() {
                if let Frame::Hello(said) = &frame {
                    known_epoch = said.epoch;
                    hello = Some(said.clone());
                }
                if let Frame::Have(told) = frame {
                    have.extend(session.grant().covers(&told.document).then_some(told));
                    continue;
                }
                seen.note_foreign(&frame, session.grant());
                let inner = Replica::writing(conn, turn, &site, device, (now, today)).of(TRANSPORT, believed);
                let inner = inner.with(sources, today);
                match session.receive(frame, &mut ByFile { inner, seen: &mut seen }) {
                    Ok(news) => done.news.extend(news.into_iter().map(|news| (NO_LINE, site.clone(), news))),
                    Err(SessionError::Replica(error)) => return Err(error.into()),
                    Err(SessionError::Protocol(why)) => return Err(FileRefused::Protocol(why)),
                }
            }
            if turn.epoch() != epoch_before {
                done.new_epoch = Some(NO_LINE);
            }
            let outdated = known_epoch.is_some_and(|known| known != turn.epoch()) && seen.lacks(conn, &have)?;
            let told = Told { token, have: seen.as_told(hello, have, spki)? };
            let news = seen.documents.values().any(|tally| tally.taken > 0 || tally.apart > 0);
            let changed = told::keep(conn, device, &told, today)? || news;
            if changed {
                let sum = |count: fn(&Tally) -> u64| seen.documents.values().map(count).sum::<u64>();
                let (taken, refused) = (sum(|tally| tally.taken), sum(|tally| tally.refused));
                journal::record(
                    conn,
                    now,
                    "bundle.import",
                    &device.to_string(),
                    &format!("{taken} new, {refused} refused"),
                )?;
            }
            Ok::<_, FileRefused>(TakenIn { site, standing, documents: seen.documents, changed, outdated })
        })?;
        let outputs = self.after(done, now)?;
        self.outputs.extend(outputs);
        Ok(taken)
    }

    /// Answers a device by file: what is held of it, what is refused, and what it lacks of the
    /// months from `from` on, as far as its last file tells. `None` when there is no such device.
    ///
    /// # Errors
    /// [`FileRefused`].
    pub fn answer(
        &mut self,
        device: DeviceId,
        from: Option<Month>,
        now: Timestamp,
    ) -> Result<Option<Answer>, FileRefused> {
        let today = self.day(now);
        let conn = self.store.connection();
        let Some(row) = devices::show(conn, device)? else { return Ok(None) };
        let standing = match row.standing {
            Standing::Active | Standing::Returned => DeviceStanding::Active,
            Standing::Pending => DeviceStanding::Pending,
            Standing::Revoked => return Err(FileRefused::Revoked),
        };
        let site = row.site.clone();
        let told = told::last(conn, device)?;
        let Witnessed { epoch, mark } = self.store.now();
        let mut replica = Replica::reading(conn, &site, device);
        let protocol = protocol_told(told.as_ref());
        let mut session = HubSession::by_file(Grant::of_site(site.clone()), standing, protocol);
        session.committed(epoch, mark, now.as_millisecond());
        let mut answer = Answer {
            site: site.clone(),
            epoch,
            token: told.as_ref().and_then(|told| told.token),
            frames: Frames::default(),
            changes: 0,
            whole: true,
        };
        // The welcome first; then what is not to be counted on any more, then the rest.
        answer.add(session.poll(epoch, mark, &mut replica)?)?;
        if standing == DeviceStanding::Active {
            for reference in references_for(&self.sources, conn, &row.site, (device, today), told.as_ref())? {
                answer.add(Some(Frame::Reference(Reference { epoch: Some(epoch), n: mark.commit, ..reference })))?;
            }
        }
        if standing == DeviceStanding::Active {
            let mut have = versions_told(told.as_ref());
            let refusals = refusals::of_site(conn, &site)?;
            for refused in refusals.into_iter().filter(|refused| session.knows(refused.document.kind())) {
                // The number may have been taken since, or be one that no session would name.
                let held = chains::versions(conn, &refused.document)?;
                let held = held.iter().any(|tip| tip.writer == refused.writer && tip.seq >= refused.seq);
                let kept = !held && refused.seq <= SEQ_MAX;
                let kept = kept
                    && have.get(&refused.document).is_none_or(|versions| {
                        versions.iter().any(|kept| kept.writer == refused.writer && kept.seq >= refused.seq)
                    });
                if kept {
                    answer.add(Some(Frame::Refused(refused)))?;
                }
            }
            for (document, _) in chains::of_site(conn, &site)? {
                if session.knows(document.kind()) {
                    have.entry(document).or_default();
                }
            }
            for (document, versions) in have {
                if document.month().zip(from).is_some_and(|(month, from)| month < from) {
                    continue;
                }
                let told = Frame::Have(Have { document, versions, held: None });
                match session.receive(told, &mut replica) {
                    Ok(_) => session.committed(epoch, mark, now.as_millisecond()),
                    Err(SessionError::Replica(error)) => return Err(error.into()),
                    Err(SessionError::Protocol(why)) => return Err(FileRefused::Protocol(why)),
                }
            }
            while answer.whole
                && let Some(frame) = session.poll(epoch, mark, &mut replica)?
            {
                answer.add(Some(frame))?;
            }
        }
        let detail = format!("{} changes", answer.changes);
        self.store.write(|conn, _| journal::record(conn, now, "bundle.export", &device.to_string(), &detail))?;
        Ok(Some(answer))
    }
}

impl Answer {
    fn add(&mut self, frame: Option<Frame>) -> Result<(), BundleError> {
        let Some(frame) = frame else { return Ok(()) };
        let changes = match &frame {
            Frame::Push(push) => push.changes.len() as u64,
            Frame::Edits(edits) => edits.edits.len() as u64,
            _ => 0,
        };
        match self.frames.push(&frame)? {
            true => self.changes += changes,
            false => self.whole = false,
        }
        Ok(())
    }
}

/// The references that differ from those that the device told of. It told its key as well: what
/// takes question and answer over a line is one answer here.
fn references_for(
    sources: &Sources,
    conn: &Connection,
    site: &SiteId,
    (device, today): (DeviceId, Day),
    told: Option<&Told>,
) -> Result<Vec<Reference>, StoreError> {
    let frames = told.into_iter().flat_map(|told| told.have.iter());
    let told: Vec<Reference> = frames
        .filter_map(|frame| match frame {
            Frame::Reference(reference) => Some(reference),
            _ => None,
        })
        .collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let held: Vec<Held> = told.iter().map(|told| (told.kind, told.hash)).collect();
    let mut all = sources.differing(conn, site, &held, today)?;
    for reference in &mut all {
        let asked = told.iter().find(|told| told.kind == reference.kind && !told.value.is_empty());
        if let Some(whole) = asked.map(|asked| sources.answered(conn, site, device, asked)).transpose()?.flatten() {
            *reference = whole;
        }
    }
    Ok(all)
}

/// The protocol version in which to answer: as the file said, which did not keep it at first.
fn protocol_told(told: Option<&Told>) -> u32 {
    let Some(told) = told else { return *PROTOCOL.end() };
    let hello = told.have.iter().find_map(|frame| match frame {
        Frame::Hello(hello) => common_protocol(&hello),
        _ => None,
    });
    hello.unwrap_or(*PROTOCOL.start())
}

fn versions_told(told: Option<&Told>) -> BTreeMap<DocId, Vec<Version>> {
    let frames = told.into_iter().flat_map(|told| told.have.iter());
    let have = frames.filter_map(|frame| match frame {
        Frame::Have(Have { document, versions, .. }) => Some((document, versions)),
        _ => None,
    });
    have.collect()
}
