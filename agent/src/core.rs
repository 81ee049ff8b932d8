//! The agent as a plain value: inputs go in, replies and frames come out.
//!
//! The core owns the database and is the only one to write it. One [`Core::turn`] takes up to a
//! few hundred inputs, writes what they ask for in one transaction, commits, and only then lets
//! replies and frames out. It has no clock, socket or thread: the store thread of the program
//! and the simulation both call it.
//!
//! Invariant: nothing in memory is ahead of the disk. After a commit that failed for a passing
//! reason the session is dropped and the load takes a fresh writer, as after a restart.

use jiff::Timestamp;
use msap_shared::frame::Frame;
use msap_shared::id::WriterId;
use msap_shared::session::SessionError;
use msap_shared::session::site::{Phase, SiteSession};
use rusqlite::{Connection, TransactionBehavior};

use crate::command::{Command, CommandError, Reply};
use crate::config::Origin;
use crate::desk;
use crate::dial::ladder::Networks;
use crate::outlook;
use crate::replica::{Credentials, Fresh, NoCredentials, Replica};
use crate::store::{Profile, StoreError, chains, log, meta, taps};
use crate::upkeep;

use self::clock::Clock;
pub use self::link::{Attempt, LinkState, TRIED_MAX};
pub use self::machine::{Machine, Storage};
pub use self::turn::{Input, Output};

pub mod clock;
mod link;
mod machine;
mod turn;

/// The most frames let out before the connection has written them.
pub const FRAMES_IN_FLIGHT_MAX: usize = 32;
/// A wall clock that moved by more than this against the monotonic clock has jumped.
const CLOCK_JUMP_MS: i64 = 5_000;
/// The tap log is purged after this many days.
const TAP_LOG_DAYS: i64 = 400;

/// Both clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The wall clock: measured, shown, never trusted.
    pub wall: Timestamp,
    /// Milliseconds of a clock that only goes forward.
    pub monotonic_ms: u64,
}

/// The agent's state.
pub struct Core {
    conn: Connection,
    profile: Profile,
    writer: WriterId,
    fresh: Fresh,
    credentials: Box<dyn Credentials>,
    session: Option<SiteSession>,
    /// Frames were let out, and the connection has not said yet that they are written.
    in_flight: bool,
    link: LinkState,
    storage: Storage,
    /// Little room is left on the disk, as last looked.
    low: bool,
    /// The hub that the settings name instead of the invitation's.
    hub: Option<(String, Origin)>,
    /// Wall minus monotonic clock at the last turn, in milliseconds.
    clock_lead_ms: Option<i64>,
    clock: Clock,
}

impl Core {
    /// Takes over a prepared database. This load's writer is drawn here.
    ///
    /// # Errors
    /// When the database does not say who this machine is.
    pub fn new(conn: Connection, mut fresh: Fresh) -> Result<Self, StoreError> {
        let profile = meta::profile(&conn)?;
        let writer = WriterId::new(fresh());
        let link = LinkState::new(&recalled(&conn)?);
        let (storage, low, clock) = (Storage::Ok, false, Clock::load(&conn)?);
        let (session, in_flight, hub, clock_lead_ms) = (None, false, None, None);
        let credentials = Box::new(NoCredentials);
        Ok(Self {
            conn,
            profile,
            writer,
            fresh,
            credentials,
            session,
            in_flight,
            link,
            storage,
            low,
            hub,
            clock_lead_ms,
            clock,
        })
    }

    /// With this machine's key and certificates.
    #[must_use]
    pub fn with(mut self, credentials: Box<dyn Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Takes note of the hub that the settings name: the one that is dialled, and shown.
    #[must_use]
    pub fn dialling(mut self, hub: Option<(String, Origin)>) -> Self {
        self.hub = hub;
        self
    }

    /// Who this machine is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Who writes in this load.
    pub fn writer(&self) -> WriterId {
        self.writer
    }

    /// The database, for reading.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// Whether the last thing written found no room.
    pub fn is_full(&self) -> bool {
        self.storage == Storage::Full
    }

    /// Takes note of whether little room is left on the disk: the desk is told before it is full.
    pub fn note_room(&mut self, low: bool) {
        self.low = low;
    }

    /// Takes note of how long the machine has slept since this start, which the clock that only
    /// goes forward does not show.
    pub fn note_sleep(&mut self, ms: u64) {
        self.clock.note_sleep(ms);
    }

    /// Gives the database back: how a simulated disk outlives its process.
    pub fn into_connection(self) -> Connection {
        self.conn
    }

    /// The state is dropped and read anew: no session, and a writer of its own for what follows.
    ///
    /// # Errors
    /// When the database does not say who this machine is.
    pub fn reload(&mut self) -> Result<(), StoreError> {
        self.session = None;
        self.writer = WriterId::new((self.fresh)());
        let before = std::mem::replace(&mut self.profile, meta::profile(&self.conn)?);
        if before.device != self.profile.device {
            // Joined anew: what was said of the machine that it was no longer holds.
            self.link = LinkState::new(&recalled(&self.conn)?);
        }
        Ok(())
    }

    /// One turn: everything asked for is kept in one transaction, then answered.
    ///
    /// # Errors
    /// When the store fails in a way that does not pass: nothing was answered, and the process
    /// must stop.
    pub fn turn(&mut self, inputs: Vec<Input>, now: Now) -> Result<Vec<Output>, StoreError> {
        self.notice_clock_jump(now);
        let tickets: Vec<u64> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Command(ticket, _) => Some(*ticket),
                _ => None,
            })
            .collect();
        // Reading goes on where nothing can be written: asked again by itself.
        let reads: Vec<(u64, Command)> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Command(ticket, command) if command.is_reading() => Some((*ticket, command.clone())),
                _ => None,
            })
            .collect();
        let error = match self.attempt(inputs, now) {
            Ok(outputs) => return Ok(outputs),
            Err(error) if error.is_passing() => error,
            Err(error) => return Err(error),
        };
        self.reload()?;
        self.storage = if error.is_full() { Storage::Full } else { Storage::Locked };
        if matches!(self.link.state, "connected" | "connecting") {
            (self.link.state, self.link.transport, self.link.last_error) = ("offline", None, None);
        }
        let mut outputs = self.read_only(reads, now)?;
        let answered: Vec<u64> = outputs.iter().filter_map(Output::ticket).collect();
        let refused = tickets.into_iter().filter(|ticket| !answered.contains(ticket));
        outputs.extend(refused.map(|ticket| Output::Reply(ticket, Err(self.not_kept()))));
        outputs.push(Output::Hangup("the disk did not keep the last turn"));
        Ok(outputs)
    }

    /// The answers to commands that write nothing; none where not even reading is possible now.
    fn read_only(&mut self, reads: Vec<(u64, Command)>, now: Now) -> Result<Vec<Output>, StoreError> {
        let inputs: Vec<Input> = reads.into_iter().map(|(ticket, command)| Input::Command(ticket, command)).collect();
        match self.attempt(inputs, now) {
            Ok(outputs) => Ok(outputs),
            Err(error) if error.is_passing() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn not_kept(&self) -> CommandError {
        if self.is_full() { CommandError::DiskFull } else { CommandError::NotKept }
    }

    fn attempt(&mut self, inputs: Vec<Input>, now: Now) -> Result<Vec<Output>, StoreError> {
        // Taken apart so that the transaction and the session borrow different fields.
        let Self {
            conn, profile, writer, fresh, credentials, session, in_flight, link, storage, low, hub, clock, ..
        } = self;
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::sqlite("beginning a turn"))?;
        let written_before = tx.total_changes();
        let mut replica = Replica { conn: &tx, writer, fresh, credentials: credentials.as_mut() };
        let mut referred = false;
        let mut outputs = Vec::new();
        for input in inputs {
            match input {
                Input::Command(ticket, Command::GiveDay(day)) => {
                    let given = clock.give(day, &profile.timezone, now).map_err(|likely| CommandError::Invalid {
                        field: "day",
                        why: format!("{day} est loin du {likely}, le jour que donne l’horloge du hub : vérifiez"),
                    });
                    outputs.push(Output::Reply(ticket, given.map(|()| Reply::Given(day))));
                }
                Input::Command(ticket, command) => {
                    let today = clock.today(&profile.timezone, now);
                    let storage = if *low && *storage == Storage::Ok { Storage::Low } else { *storage };
                    let machine = Machine { profile, link, storage, today, hub: hub.as_ref() };
                    let reply = desk::carry_out(command, &mut replica, machine, now.wall)?;
                    outputs.push(Output::Reply(ticket, reply));
                }
                Input::Connected { transport } => {
                    let clock_ms = now.wall.as_millisecond();
                    let mut half = SiteSession::start(&mut replica, env!("CARGO_PKG_VERSION"), clock_ms)?;
                    half.tell_tried(link.in_vain());
                    *session = Some(half);
                    *in_flight = false;
                    // What was decided about this machine stands until a hub says otherwise.
                    let decided = outlook::is_verdict(link.state) || link.state == "pending";
                    if !decided {
                        (link.state, link.last_error) = ("connecting", None);
                    }
                    link.transport = Some(transport);
                }
                Input::Frame(frame) => {
                    referred |= matches!(frame, Frame::Reference(_));
                    if let Some(half) = session.as_mut() {
                        match half.receive(frame, &mut replica) {
                            Ok(()) => {
                                if let Some(offset) = note_contact(&tx, half, link, now)? {
                                    clock.measured(offset, now);
                                    // Not by a clock that nobody has seen to be right: one that
                                    // is years ahead would take the whole log.
                                    if clock.today(&profile.timezone, now).doubt.is_none() {
                                        taps::purge(&tx, now.wall.as_second() - TAP_LOG_DAYS * 86_400)?;
                                    }
                                }
                            }
                            Err(SessionError::Replica(error)) => return Err(error),
                            Err(SessionError::Protocol(why)) => {
                                *session = None;
                                replica.renew_writer();
                                outputs.push(Output::Hangup(why));
                            }
                        }
                    }
                }
                Input::Drained => *in_flight = false,
                Input::Disconnected { state, why, attempt } => {
                    *session = None;
                    let told = [attempt.map(|attempt| attempt.transport), why.as_deref()];
                    let detail: Vec<&str> = told.into_iter().flatten().collect();
                    log::add(&tx, now.wall.as_second(), state, &detail.join(": "))?;
                    attempt.into_iter().for_each(|attempt| link.ended(attempt, now));
                    let stays = state == "offline" && matches!(link.state, "revoked" | "refused");
                    link.state = if stays { link.state } else { state };
                    (link.transport, link.last_error) = (None, why);
                }
                Input::Networks(networks) => meta::set_networks(&tx, &networks)?,
                Input::ReadBack(document, found) => upkeep::note(&tx, &document, found, now.wall.as_second())?,
            }
        }
        if let Some(half) = session.as_mut().filter(|_| !*in_flight) {
            for _ in 0..FRAMES_IN_FLIGHT_MAX {
                let Some(frame) = half.poll(&mut replica)? else { break };
                *in_flight = true;
                outputs.push(Output::Send(frame));
            }
        }
        let writes = tx.total_changes() != written_before;
        if writes {
            let today = clock.today(&profile.timezone, now);
            clock.keep(&tx, today, now)?;
        }
        tx.commit().map_err(StoreError::sqlite("committing a turn"))?;
        if writes {
            // Reading alone says nothing of the room there is.
            *storage = Storage::Ok;
        }
        if referred {
            *profile = meta::profile(conn)?;
        }
        Ok(outputs)
    }

    fn notice_clock_jump(&mut self, now: Now) {
        let lead = now.wall.as_millisecond().saturating_sub_unsigned(now.monotonic_ms);
        let jumped = self.clock_lead_ms.is_some_and(|before| before.abs_diff(lead) > CLOCK_JUMP_MS.unsigned_abs());
        if jumped {
            // A machine that was suspended and copied would go on twice as the same writer.
            self.writer = WriterId::new((self.fresh)());
        }
        self.clock_lead_ms = Some(lead);
    }
}

/// What is remembered of networks.
fn recalled(conn: &Connection) -> Result<Networks, StoreError> {
    Ok(Networks::from(meta::networks(conn)?.as_str()))
}

/// Takes note of a frame from the hub: when, and what it says of the session. Returns how far
/// this clock is ahead of the hub's, in milliseconds, when that was measured.
fn note_contact(
    conn: &Connection,
    half: &SiteSession,
    link: &mut LinkState,
    now: Now,
) -> Result<Option<i64>, StoreError> {
    let mut measured = None;
    let state = match half.phase() {
        Phase::Greeting => "connecting",
        Phase::Pending => "pending",
        Phase::Unsettled | Phase::Live => "connected",
    };
    if link.state != state {
        // Not the totals: years of chains would be read for a line of the log.
        let waiting = chains::waiting_count(conn)?;
        let way = link.transport.unwrap_or_default();
        log::add(conn, now.wall.as_second(), state, &format!("{way}: {waiting} opération(s) en attente"))?;
        if let Some(hub) = half.hub_clock_ms() {
            let offset = now.wall.as_millisecond().saturating_sub(hub);
            meta::set_clock_offset_ms(conn, offset)?;
            measured = Some(offset);
        }
    }
    link.state = state;
    link.last_error = None;
    meta::set_last_contact(conn, now.wall.as_second())?;
    Ok(measured)
}

#[cfg(test)]
mod tests;
