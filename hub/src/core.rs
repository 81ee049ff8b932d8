//! The hub as a plain value: inputs go in, frames come out.
//!
//! The core owns the connection that writes. One [`Core::turn`] takes up to a few hundred
//! inputs, writes what they ask for in one transaction, commits, and only then lets frames out.
//! It has no clock, socket or thread: the writer's thread of the program and the simulation both
//! call it.
//!
//! Invariant: nothing in memory is ahead of the disk. After a commit that failed for a passing
//! reason every session is dropped; the devices come back and offer again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::frame::{DeviceStanding, Frame};
use msap_shared::grant::Grant;
use msap_shared::id::{DeviceId, Fingerprint, SiteId, WriterId};
use msap_shared::io::link::CloseCode;
use msap_shared::session::SessionError;
use msap_shared::session::hub::{HubSession, News};
use msap_shared::time::{Day, SiteZone};
use rusqlite::Connection;

use self::admission::{admit, meet};
use crate::accept::ConnId;
use crate::metrics::Pushes;
use crate::reference::Sources;
use crate::replica::Replica;
use crate::store::devices;
use crate::store::{Store, StoreError, Turn, Witnessed, history};
use crate::who::Who;

mod admission;
pub mod edit;
pub mod file;
mod manage;

pub use manage::Approved;

/// The most frames one connection is given before it has written them.
pub const FRAMES_IN_FLIGHT_MAX: usize = 32;
/// A device that takes nothing while this many answers wait for it is cut off.
pub const BACKLOG_MAX: usize = 1_024;

/// No line has this number: they count from 1.
const NO_LINE: ConnId = ConnId::new(0);

/// Which keys this hub may not be spoken to with.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// The devices turned away, from the list beside the keys.
    pub devices: BTreeSet<DeviceId>,
    /// Whether that list is whole. When it is not, a certified device that the database does not
    /// know might have been revoked, and waits for an operator.
    pub intact: bool,
}

/// Something that happened on a connection.
#[derive(Debug)]
pub enum Input {
    /// A device has connected; the handshake proved its key.
    Opened {
        /// The connection.
        conn: ConnId,
        /// The device's identity.
        fingerprint: Fingerprint,
        /// The site that its certificate names. Its row decides, if there is one.
        site: SiteId,
        /// What carries the session.
        transport: &'static str,
    },
    /// A frame came.
    Frame(ConnId, Frame),
    /// All frames are written: more may follow.
    Drained(ConnId),
    /// The connection is gone.
    Closed(ConnId),
}

impl Input {
    fn writes(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::Frame(..))
    }

    fn conn(&self) -> ConnId {
        match self {
            Self::Opened { conn, .. } | Self::Frame(conn, _) | Self::Drained(conn) | Self::Closed(conn) => *conn,
        }
    }
}

/// Something to do, after the commit.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all send a frame: a box would be an allocation for each")]
pub enum Output {
    /// Send a frame.
    Send(ConnId, Frame),
    /// End the connection.
    Close(ConnId, CloseCode),
}

/// One session and whose it is.
struct Live {
    session: HubSession,
    device: DeviceId,
    transport: &'static str,
    /// Its Hello was taken.
    greeted: bool,
    /// It was told once that it has nothing left to send; what comes up since comes at once.
    in_sync: bool,
    /// Frames were given out, and the connection has not said yet that they are written.
    in_flight: bool,
}

/// The hub's state.
pub struct Core {
    store: Store,
    zone: SiteZone,
    revocations: Revocations,
    sources: Sources,
    live: BTreeMap<ConnId, Live>,
    /// Whether a device has shown, since this database was opened, that it went back in time. It
    /// can do so once: whoever doubts again, in the epoch that this began, is not to be believed.
    doubted: bool,
    /// The day to which the sites' rows were last brought forward.
    forwarded: Option<Day>,
    /// Whether the disk had no room for the last turn that wrote.
    full: bool,
    /// Who writes for coordinators in this load, once one did.
    writer: Option<WriterId>,
    /// What became of pushes since the start.
    pushes: Pushes,
    /// From what operators did: let out with the next [`Core::drain_outputs`].
    outputs: Vec<Output>,
}

/// What a turn did beside writing: acted upon once it is committed.
#[derive(Default)]
struct Done {
    touched: BTreeSet<ConnId>,
    closed: Vec<(ConnId, CloseCode)>,
    news: Vec<(ConnId, SiteId, News)>,
    /// The connection whose Hello showed that this database went back in time.
    new_epoch: Option<ConnId>,
    /// Whether one did so before.
    doubted: bool,
}

impl Core {
    /// Takes over a store. `zone` is the hub's own: it dates what is received.
    pub fn new(store: Store, zone: SiteZone, revocations: Revocations) -> Self {
        let (sources, live, outputs) = (Sources::default(), BTreeMap::new(), Vec::new());
        let (doubted, forwarded, full, writer, pushes) = (false, None, false, None, Pushes::default());
        Self { store, zone, revocations, sources, live, doubted, forwarded, full, writer, pushes, outputs }
    }

    /// With what references are made of, beside the database.
    pub fn with(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The store, for what is not a session's.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Has something done on somebody's behalf: the journal's lines say so.
    pub fn on_behalf<T>(&mut self, who: Who, action: impl FnOnce(&mut Self) -> T) -> T {
        self.store.act_for(who);
        let done = action(self);
        self.store.act_for(Who::Hub);
        done
    }

    /// The epoch and the last commit.
    pub fn now(&self) -> Witnessed {
        self.store.now()
    }

    /// The database, for reading.
    pub fn connection(&self) -> &Connection {
        self.store.connection()
    }

    /// The hub's own day at `now`.
    pub fn day(&self, now: Timestamp) -> Day {
        Day::at(now, &self.zone)
    }

    /// Gives the database back: how a simulated disk outlives its process.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// One turn: everything is kept in one transaction, then answered.
    ///
    /// # Errors
    /// When the store fails in a way that does not pass: nothing was answered, and the process
    /// must stop.
    pub fn turn(&mut self, inputs: Vec<Input>, now: Timestamp) -> Result<Vec<Output>, StoreError> {
        let named: BTreeSet<ConnId> = inputs.iter().map(Input::conn).collect();
        if self.full && inputs.iter().any(Input::writes) {
            return Ok(self.all_closed(named, CloseCode::Busy));
        }
        let done = match self.attempt(inputs, now) {
            Ok(done) => done,
            Err(error) if error.is_passing() => {
                tracing::error!(%error, "the last turn was not kept: all sessions begin again");
                self.full = error.is_full();
                let code = if self.full { CloseCode::Busy } else { CloseCode::Internal };
                return Ok(self.all_closed(named, code));
            }
            Err(error) => return Err(error),
        };
        self.after(done, now)
    }

    /// Every session ends, and these connections.
    fn all_closed(&mut self, named: BTreeSet<ConnId>, code: CloseCode) -> Vec<Output> {
        let live = std::mem::take(&mut self.live).into_keys();
        let all: BTreeSet<ConnId> = live.chain(named).collect();
        all.into_iter().map(|conn| Output::Close(conn, code)).collect()
    }

    fn attempt(&mut self, inputs: Vec<Input>, now: Timestamp) -> Result<Done, StoreError> {
        let today = self.day(now);
        let Self { store, live, revocations, sources, doubted, forwarded, full, .. } = self;
        let mut done = Done { doubted: *doubted, ..Done::default() };
        let ends = |input: &Input| matches!(input, Input::Closed(conn) if live.get(conn).is_some_and(|l| l.greeted));
        // Nothing to keep, nothing to commit: a connection that has taken its frames only wants
        // the next ones. A full disk does not take when a device was last heard, either.
        if !inputs.iter().any(|input| input.writes() || (!*full && ends(input))) {
            for input in inputs {
                match input {
                    Input::Drained(conn) => drained(live, conn, &mut done),
                    Input::Closed(conn) => drop(live.remove(&conn)),
                    Input::Opened { .. } | Input::Frame(..) => {}
                }
            }
            return Ok(done);
        }
        let new_day = *forwarded != Some(today);
        store.write(|conn, turn| {
            if new_day {
                history::bring_forward(conn, today)?;
            }
            for input in inputs {
                step(input, conn, turn, live, (revocations, sources), (now, today), &mut done)?;
            }
            Ok::<_, StoreError>(())
        })?;
        *forwarded = Some(today);
        Ok(done)
    }

    /// What is kept may be told.
    fn after(&mut self, done: Done, now: Timestamp) -> Result<Vec<Output>, StoreError> {
        let Done { mut touched, closed, news, new_epoch, doubted: _ } = done;
        let mut outputs = Vec::new();
        self.pushes.accepted += news.len() as u64;
        for (conn, code) in closed {
            self.live.remove(&conn);
            outputs.push(Output::Close(conn, code));
        }
        if let Some(witness) = new_epoch {
            self.doubted = true;
            tracing::error!(epoch = %self.now().epoch, "this database went back in time: a new epoch begins");
            let others: Vec<ConnId> = self.live.keys().copied().filter(|conn| *conn != witness).collect();
            for conn in others {
                self.live.remove(&conn);
                outputs.push(Output::Close(conn, CloseCode::Epoch));
            }
        }
        for (from, site, news) in news {
            for (conn, live) in &mut self.live {
                if *conn != from && live.session.is_live() && *live.session.grant().site() == site {
                    live.session.relay(&news);
                    touched.insert(*conn);
                }
            }
        }
        let Witnessed { epoch, mark } = self.store.now();
        for conn in touched {
            let Some(live) = self.live.get_mut(&conn) else { continue };
            live.session.committed(epoch, mark, now.as_millisecond());
            if live.in_flight {
                if live.session.backlog() > BACKLOG_MAX {
                    self.live.remove(&conn);
                    outputs.push(Output::Close(conn, CloseCode::TooLarge));
                }
                continue;
            }
            let site = live.session.grant().site().clone();
            let mut replica = Replica::reading(self.store.connection(), &site, live.device);
            for _ in 0..FRAMES_IN_FLIGHT_MAX {
                match live.session.poll(epoch, mark, &mut replica) {
                    Ok(Some(frame)) => {
                        self.pushes.refused += u64::from(matches!(frame, Frame::Refused(_)));
                        live.in_flight = true;
                        outputs.push(Output::Send(conn, frame));
                    }
                    Ok(None) => break,
                    // One damaged document must not stop the network: this site's session ends.
                    Err(StoreError::Corrupt { what }) => {
                        tracing::error!(site.id = %site, what, "a document does not read back: run check");
                        self.live.remove(&conn);
                        outputs.push(Output::Close(conn, CloseCode::Internal));
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(outputs)
    }

    /// What operators' actions have to say to connections.
    pub fn drain_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }
}

/// Carries out one input within the turn's transaction.
fn step(
    input: Input,
    tx: &Connection,
    turn: &mut Turn<'_>,
    live: &mut BTreeMap<ConnId, Live>,
    (revocations, sources): (&Revocations, &Sources),
    (now, today): (Timestamp, Day),
    done: &mut Done,
) -> Result<(), StoreError> {
    match input {
        Input::Opened { conn, fingerprint, site, transport } => {
            match admit(tx, revocations, &fingerprint, site, now)? {
                Ok((standing, site)) => {
                    let session = HubSession::new(Grant::of_site(site), standing);
                    let (device, greeted, in_sync, in_flight) = (fingerprint.device(), false, false, false);
                    live.insert(conn, Live { session, device, transport, greeted, in_sync, in_flight });
                }
                Err(code) => {
                    devices::set_turned_away(tx, fingerprint.device(), now.as_second())?;
                    done.closed.push((conn, code));
                }
            }
        }
        Input::Frame(conn, frame) => {
            let Some(Live { session, device, transport, in_sync, .. }) = live.get_mut(&conn) else {
                // Its opening was in a turn that was not kept, or it was closed: it begins again.
                done.closed.push((conn, CloseCode::Internal));
                return Ok(());
            };
            let site = session.grant().site().clone();
            let epoch_before = turn.epoch();
            let hello = matches!(frame, Frame::Hello(_));
            let believed = !done.doubted && done.new_epoch.is_none() && session.standing() == DeviceStanding::Active;
            let replica = Replica::writing(tx, turn, &site, *device, (now, today)).of(transport, believed);
            let mut replica = replica.with(sources, today);
            match session.receive(frame, &mut replica) {
                Ok(news) => {
                    if session.will_say_in_sync() || (!*in_sync && session.has_all()) {
                        *in_sync = true;
                        devices::set_in_sync(tx, *device, now.as_second())?;
                    }
                    done.news.extend(news.into_iter().map(|news| (conn, site.clone(), news)));
                    if hello {
                        meet(tx, live, conn, &mut done.closed)?;
                    }
                }
                Err(SessionError::Replica(error)) => return Err(error),
                Err(SessionError::Protocol(why)) => {
                    tracing::warn!(device.id = %device, site.id = %site, why, "a device broke the protocol");
                    live.remove(&conn);
                    done.closed.push((conn, CloseCode::Protocol));
                }
            }
            if turn.epoch() != epoch_before {
                done.new_epoch = Some(conn);
            }
            done.touched.insert(conn);
        }
        Input::Drained(conn) => drained(live, conn, done),
        Input::Closed(conn) => {
            if let Some(ended) = live.remove(&conn).filter(|live| live.greeted) {
                devices::set_heard(tx, ended.device, now.as_second())?;
            }
        }
    }
    Ok(())
}

fn drained(live: &mut BTreeMap<ConnId, Live>, conn: ConnId, done: &mut Done) {
    if let Some(live) = live.get_mut(&conn) {
        live.in_flight = false;
        done.touched.insert(conn);
    }
}

#[cfg(test)]
mod tests;
