//! The store's thread, and the handles by which the page and the connection reach it.
//!
//! One thread owns the core. It takes what has gathered, turns once, and hands out replies and
//! frames. A failure that does not pass ends the thread and with it the program: the desk is
//! told nothing rather than something untrue.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use msap_shared::document::DocId;
use msap_shared::frame::{self, Frame};
use msap_shared::io::link::{CloseCode, CloseReason, Outgoing, Transport};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::command::{Command, CommandError, Reply};
use crate::config::Settings;
use crate::core::{Attempt, Core, Input, Now, Output};
use crate::dial::{self, SessionPort};
use crate::identity::IdentityFiles;
use crate::store::{self, StoreError, meta, unclosed};
use crate::upkeep;

use self::room::Room;
use self::spoken::spoken;

mod reading;
pub mod room;
mod sleep;
mod spoken;

/// The most inputs one transaction takes.
const INPUTS_PER_TURN_MAX: usize = 64;
/// What may gather while a turn is under way.
const QUEUE_LEN: usize = 256;
/// Frames that may wait for the connection; the core lets out fewer at a time.
const FRAMES_QUEUE_LEN: usize = 64;

/// Longest wait at a stop for the database to be closed; a page that somebody reads may take longer.
const CLOSE_MAX: Duration = Duration::from_secs(3);

type Answer = Result<Reply, CommandError>;

/// Work for the store's thread.
enum Job {
    Ask(Command, oneshot::Sender<Answer>),
    /// Where the hub is.
    Hub(oneshot::Sender<String>),
    /// What is remembered of networks.
    Networks(oneshot::Sender<String>),
    /// Which document is to be read back now.
    Due(oneshot::Sender<Option<DocId>>),
    Open(Transport, oneshot::Sender<mpsc::Receiver<Outgoing>>),
    Link(Input),
}

/// Reaches the store's thread for the front desk.
#[derive(Clone)]
pub struct Desk {
    jobs: mpsc::Sender<Job>,
    wake: Arc<Notify>,
    /// The data directory.
    data: Arc<Path>,
}

impl Desk {
    /// The data directory, where this machine's key and certificate lie.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Carries out a command; kept when this returns.
    ///
    /// # Errors
    /// The desk's own refusals, or [`CommandError::NotKept`] when the agent is stopping.
    pub async fn ask(&self, command: Command) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Ask(command, reply)).await.map_err(|_| CommandError::NotKept)?;
        answer.await.map_err(|_| CommandError::NotKept)?
    }

    /// Ends the wait before the next attempt to reach the hub.
    pub fn sync_now(&self) {
        self.wake.notify_one();
    }

    async fn link(&self, input: Input) -> Result<(), CloseCode> {
        self.jobs.send(Job::Link(input)).await.map_err(|_| CloseCode::Shutdown)
    }
}

impl SessionPort for Desk {
    async fn hub(&self) -> Option<String> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Hub(reply)).await.ok()?;
        answer.await.ok()
    }

    async fn networks(&self) -> String {
        let (reply, answer) = oneshot::channel();
        // Stopping: nothing will be dialled.
        self.jobs.send(Job::Networks(reply)).await.ok();
        answer.await.unwrap_or_default()
    }

    async fn remember(&self, networks: String) {
        self.link(Input::Networks(networks)).await.ok();
    }

    async fn open(&self, transport: Transport) -> mpsc::Receiver<Outgoing> {
        let (reply, answer) = oneshot::channel();
        if self.jobs.send(Job::Open(transport, reply)).await.is_ok()
            && let Ok(queue) = answer.await
        {
            return queue;
        }
        // Stopping: a queue whose other end is gone closes the connection.
        mpsc::channel(1).1
    }

    async fn frame(&self, frame: Frame) -> Result<(), CloseCode> {
        self.link(Input::Frame(frame)).await
    }

    async fn drained(&self) {
        self.link(Input::Drained).await.ok();
    }

    async fn closed(&self, transport: Option<Transport>, why: CloseReason) {
        let attempt = transport.map(|transport| Attempt { transport: transport.as_str(), why: why.as_str() });
        let (state, why) = spoken(why);
        self.link(Input::Disconnected { state, why: why.map(str::to_owned), attempt }).await.ok();
    }

    fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }
}

/// Opens the store, starts its thread and, in the returned future, keeps the session with the
/// hub. The future ends with `shutdown`, or with the failure that stops the agent.
///
/// # Errors
/// When the store does not open.
pub fn start(
    dir: &Path,
    settings: &Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<(Desk, impl Future<Output = anyhow::Result<()>> + Send + use<>)> {
    let hub = settings.sync.hub.clone();
    let shown = hub.clone().map(|address| (address, settings.sync.hub_origin.clone()));
    // Before the store is opened: a disk that is quite full has no room even for that.
    let room = Room::in_directory(dir);
    let log_lost = unclosed::is_log_lost(dir);
    let core = Core::new(store::open(dir)?, Box::new(rand::random::<[u8; 16]>))?;
    if log_lost {
        tracing::error!("agent.db-wal is missing beside a database that was not closed: the last taps may be lost");
        upkeep::note_log_lost(core.connection(), Timestamp::now().as_second())?;
    }
    unclosed::opened(dir);
    let core = core.with(Box::new(IdentityFiles::new(dir))).dialling(shown);
    let dial_settings = dial::Settings {
        interval: settings.sync.interval,
        max_backoff: settings.sync.max_backoff,
        transport: settings.sync.transport,
        ..dial::Settings::default()
    };
    let (jobs, queue) = mpsc::channel(QUEUE_LEN);
    let desk = Desk { jobs, wake: Arc::new(Notify::new()), data: dir.into() };
    let dir = dir.to_owned();
    let stopped = shutdown.clone();
    let database_dir = dir.clone();
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || {
            // Whatever ends this thread ends the program.
            let _stop = stopped.drop_guard();
            ended.send(Writer::new(core, room).run(queue, &database_dir)).ok();
        })
        .context("starting the store's thread")?;
    let port = desk.clone();
    let session = async move {
        // Ends with the shutdown, as everything that can ask the thread.
        tokio::spawn(upkeep::run(port.clone(), dir.clone(), shutdown.clone()));
        dial::run(&dir, hub.as_deref(), dial_settings, port, shutdown.clone()).await?;
        shutdown.cancelled().await;
        // The thread ends when nobody can ask any more, and has closed the database then; a
        // failure of its own is already there.
        match timeout(CLOSE_MAX, end).await {
            Ok(Ok(ended)) => Ok(ended?),
            Ok(Err(_)) => Err(anyhow::anyhow!("the store's thread panicked")),
            Err(_) => Ok(()),
        }
    };
    Ok((desk, session))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

struct Writer {
    core: Core,
    room: Room,
    started: Instant,
    /// Time since the machine's start, sleep included, when this program started.
    booted: Option<Duration>,
    next_ticket: u64,
    asked: BTreeMap<u64, oneshot::Sender<Answer>>,
    connection: Option<mpsc::Sender<Outgoing>>,
    /// Where the hub was looked for last; empty before the first time.
    dialled: String,
}

impl Writer {
    fn new(core: Core, room: Room) -> Self {
        Self {
            core,
            room,
            started: Instant::now(),
            booted: sleep::since_boot(),
            next_ticket: 0,
            asked: BTreeMap::new(),
            connection: None,
            dialled: String::new(),
        }
    }

    fn run(mut self, mut queue: mpsc::Receiver<Job>, dir: &Path) -> Result<(), StoreError> {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, INPUTS_PER_TURN_MAX) > 0 {
            let mut inputs = Vec::new();
            for job in jobs.drain(..) {
                inputs.extend(self.input_of(job)?);
            }
            let monotonic_ms = millis(self.started.elapsed());
            if let Some((before, now)) = self.booted.zip(sleep::since_boot()) {
                self.core.note_sleep(millis(now.saturating_sub(before)).saturating_sub(monotonic_ms));
            }
            self.room.look(&mut self.core);
            let outputs = self.core.turn(inputs, Now { wall: Timestamp::now(), monotonic_ms })?;
            self.room.give_up(&self.core);
            outputs.into_iter().for_each(|output| self.dispatch(output));
        }
        // Closing takes the log away: the note goes first.
        unclosed::closed(dir);
        Ok(())
    }

    /// The command that joins writes the profile beside this thread, between two sessions.
    fn take_up_profile(&mut self) -> Result<(), StoreError> {
        if meta::profile(self.core.connection())? != *self.core.profile() {
            self.core.reload()?;
        }
        Ok(())
    }

    /// The hub's address; in turn with the one before it, until it has served once: an address
    /// that nobody reaches must not be the last thing that machines learn.
    fn next_address(&mut self) -> Result<String, StoreError> {
        let present = self.core.profile().hub.clone();
        let before = meta::hub_before(self.core.connection())?;
        Ok(before.filter(|_| self.dialled == present).unwrap_or(present))
    }

    /// The hub answers at the address dialled last.
    fn served(&self) -> Result<(), StoreError> {
        let (conn, present) = (self.core.connection(), &self.core.profile().hub);
        if self.dialled != *present || meta::hub_before(conn)?.is_none() {
            return Ok(());
        }
        match meta::forget_hub_before(conn) {
            Err(error) if !error.is_passing() => Err(error),
            // Tried in turn for a while longer.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What the core must know of a job; nothing when it is answered at once.
    fn input_of(&mut self, job: Job) -> Result<Option<Input>, StoreError> {
        Ok(Some(match job {
            Job::Ask(command, reply) => {
                self.next_ticket += 1;
                self.asked.insert(self.next_ticket, reply);
                Input::Command(self.next_ticket, command)
            }
            Job::Hub(reply) => {
                match self.take_up_profile() {
                    Err(error) if !error.is_passing() => return Err(error),
                    // What was known before is right until the next attempt.
                    Ok(()) | Err(_) => {}
                }
                self.dialled = self.next_address()?;
                reply.send(self.dialled.clone()).ok();
                return Ok(None);
            }
            Job::Networks(reply) => {
                match meta::networks(self.core.connection()) {
                    Err(error) if !error.is_passing() => return Err(error),
                    // What is not remembered is found out again.
                    read => drop(reply.send(read.unwrap_or_default())),
                }
                return Ok(None);
            }
            Job::Due(reply) => {
                match upkeep::due(self.core.connection(), Timestamp::now().as_second()) {
                    Err(error) if !error.is_passing() => return Err(error),
                    due => drop(reply.send(due.unwrap_or_default())),
                }
                return Ok(None);
            }
            Job::Open(transport, reply) => {
                self.served()?;
                let (out, frames) = mpsc::channel(FRAMES_QUEUE_LEN);
                self.connection = Some(out);
                // The connection may have gone meanwhile; then its end follows.
                reply.send(frames).ok();
                Input::Connected { transport: transport.as_str() }
            }
            // The connection speaks whenever its queue is empty for a moment; with frames in it
            // again, it will once more.
            Job::Link(Input::Drained)
                if self.connection.as_ref().is_some_and(|out| out.capacity() < out.max_capacity()) =>
            {
                return Ok(None);
            }
            Job::Link(input) => {
                if matches!(input, Input::Disconnected { .. }) {
                    self.connection = None;
                }
                input
            }
        }))
    }

    fn dispatch(&mut self, output: Output) {
        match output {
            Output::Reply(ticket, answer) => {
                if let Some(reply) = self.asked.remove(&ticket) {
                    // Whoever asked may have gone; what was asked is done all the same.
                    reply.send(answer).ok();
                }
            }
            Output::Send(frame) => {
                let mut bytes = Vec::new();
                let sent = frame::encode(&frame, &mut bytes).is_ok()
                    && self.connection.as_ref().is_some_and(|out| out.try_send(Outgoing::Frame(bytes)).is_ok());
                if !sent {
                    // Dropping the queue closes the connection.
                    self.connection = None;
                }
            }
            Output::Hangup(why) => {
                tracing::warn!(why, "the session with the hub begins again");
                if let Some(out) = self.connection.take() {
                    out.try_send(Outgoing::Close(CloseCode::Protocol)).ok();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
