//! Sync by file: the hub's half of a session, fed from a device's file and answering by one.
//!
//! Called by `bundle`, between two turns. A device's file is taken in one transaction, through
//! the same half and the same ledger as a line; what the device told is kept, so that it can be
//! answered at any time. Invariants: a file that makes no sense leaves nothing behind; no file
//! touches a device's place in its line of sessions, so none raises a false alarm of a clone; an
//! answer tells of committed changes only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::chain::Run;
use msap_shared::document::DocId;
use msap_shared::frame::{DeviceStanding, Frame, Have, Hello, Reference, Version};
use msap_shared::grant::Grant;
use msap_shared::id::{DeviceId, Digest32, Epoch, Fingerprint, SessionToken, SiteId, WriterId};
use msap_shared::io::bundle::{BundleError, Frames};
use msap_shared::reference::Held;
use msap_shared::session::hub::{HubReplica, HubSession, Taken};
use msap_shared::session::{SEQ_MAX, SessionError};
use msap_shared::time::Month;

use self::seen::Seen;
use super::{Core, Done, admit};
use crate::accept::ConnId;
use crate::replica::Replica;
use crate::store::devices::{self, Standing};
use crate::store::told::{self, Told};
use crate::store::{StoreError, Witnessed, chains, journal, refusals};

mod seen;

/// What carries such a session, as device lists show it.
const TRANSPORT: &str = "file";
/// No line has this number: they count from 1.
const NO_LINE: ConnId = ConnId::new(0);

/// A device's file, its signature checked.
#[derive(Clone, Copy, Debug)]
pub struct FromDevice<'a> {
    /// Whose it is.
    pub fingerprint: Fingerprint,
    /// The site that its certificate names. Its row decides, if there is one.
    pub site: &'a SiteId,
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
        let Self { store, revocations, doubted, .. } = self;
        let FromDevice { fingerprint, token, frames, .. } = file;
        let device = fingerprint.device();
        let mut done = Done { doubted: *doubted, ..Done::default() };
        let taken = store.write(|conn, turn| {
            let admitted = admit(conn, revocations, &fingerprint, file.site.clone(), today)?;
            let (standing, site) = admitted.map_err(|_| FileRefused::Revoked)?;
            let believed = !done.doubted && standing == DeviceStanding::Active;
            let epoch_before = turn.epoch();
            let mut session = HubSession::new(Grant::of_site(site.clone()), standing);
            let mut seen = Seen::default();
            let (mut have, mut known_epoch) = (Vec::new(), None);
            for frame in frames.iter() {
                if let Frame::Hello(hello) = &frame {
                    known_epoch = hello.epoch;
                }
                if let Frame::Have(told) = frame {
                    have.extend(session.grant().covers(&told.document).then_some(told));
                    continue;
                }
                seen.note_foreign(&frame, session.grant());
                let inner = Replica::writing(conn, turn, &site, device, (now, today)).of(TRANSPORT, believed);
                match session.receive(frame, &mut ByFile { inner, seen: &mut seen }) {
                    Ok(news) => done.news.extend(news.map(|news| (NO_LINE, site.clone(), news))),
                    Err(SessionError::Replica(error)) => return Err(error.into()),
                    Err(SessionError::Protocol(why)) => return Err(FileRefused::Protocol(why)),
                }
            }
            if turn.epoch() != epoch_before {
                done.new_epoch = Some(NO_LINE);
            }
            let outdated = known_epoch.is_some_and(|known| known != turn.epoch()) && seen.lacks(conn, &have)?;
            let told = Told { token, have: seen.as_told(have)? };
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
        let conn = self.store.connection();
        let Some(row) = devices::show(conn, device)? else { return Ok(None) };
        let standing = match row.standing {
            Standing::Active | Standing::Returned => DeviceStanding::Active,
            Standing::Pending => DeviceStanding::Pending,
            Standing::Revoked => return Err(FileRefused::Revoked),
        };
        let site = row.site;
        let told = told::last(conn, device)?;
        let Witnessed { epoch, mark } = self.store.now();
        let mut replica = Replica::reading(conn, &site, device);
        let mut session = HubSession::by_file(Grant::of_site(site.clone()), standing);
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
            let mut have = versions_told(told.as_ref());
            for refused in refusals::of_site(conn, &site)? {
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
                have.entry(document).or_default();
            }
            for (document, versions) in have {
                if from.is_some_and(|from| document.month() < from) {
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
        let changes = if let Frame::Push(push) = &frame { push.changes.len() as u64 } else { 0 };
        match self.frames.push(&frame)? {
            true => self.changes += changes,
            false => self.whole = false,
        }
        Ok(())
    }
}

fn versions_told(told: Option<&Told>) -> BTreeMap<DocId, Vec<Version>> {
    let frames = told.into_iter().flat_map(|told| told.have.iter());
    let have = frames.filter_map(|frame| match frame {
        Frame::Have(Have { document, versions, .. }) => Some((document, versions)),
        _ => None,
    });
    have.collect()
}

/// The store for a device's file: a session's, but for its line, with a tally.
struct ByFile<'a, 'b, 'turn> {
    inner: Replica<'a, 'turn>,
    seen: &'b mut Seen,
}

impl HubReplica for ByFile<'_, '_, '_> {
    type Error = StoreError;

    fn greeted(&mut self, hello: &Hello) -> Result<Epoch, StoreError> {
        let epoch = self.inner.doubt(hello)?;
        // How its clock stood when the file was made says nothing of now.
        self.inner.note_contact(hello, None)?;
        Ok(epoch)
    }

    fn digest(&mut self) -> Result<Digest32, StoreError> {
        self.inner.digest()
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

    // References take a question and an answer: a file has one of the two. A machine that never
    // has a line keeps what it was told when it joined.
    fn differing(&mut self, _held: &[Held]) -> Result<Vec<Reference>, StoreError> {
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
}
