//! The writer's thread, and the handle by which everything else reaches it.
//!
//! One thread owns the core. It takes what has gathered — up to [`INPUTS_PER_TURN_MAX`] — turns
//! once, and hands the answers to the connections. Readers have connections of their own. A
//! failure that does not pass ends the thread and with it the program: no answer is better than
//! a wrong one.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use msap_shared::io::link::{CloseCode, Outgoing};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::accept::{ConnId, Peer};
use crate::almanac::Almanac;
use crate::core::{Core, Input};
use crate::keys::{Keys, Witness};
use crate::metrics::{Metrics, Pushes};
use crate::store::StoreError;
use crate::verify;

use self::lanes::Lanes;
use self::lines::Lines;
use self::pulse::Pulse;
use self::room::Room;

mod labels;
mod lanes;
mod lines;
mod pulse;
mod readers;
mod registrar;
mod release;
mod room;
mod sessions;
#[cfg(test)]
mod tests;

/// The most inputs one transaction takes.
pub const INPUTS_PER_TURN_MAX: usize = 256;
/// What may gather while a turn is under way.
const QUEUE_LEN: usize = 1_024;
/// Whoever has found no place in the queue for this long is asked to come back later: a moment's
/// crowd is none of its business, a crowd that lasts is.
const OPEN_MAX: Duration = Duration::from_secs(2);
/// The witness file is at most this far behind the database.
const WITNESS_EVERY: Duration = Duration::from_secs(1);
/// How exactly the hub keeps when a device in session was last heard.
const HEARD_EVERY: Duration = Duration::from_secs(60);
/// A writer that has ended no turn for this long does not work. It ends one, perhaps empty, at
/// least every [`WITNESS_EVERY`].
const TURN_MAX: Duration = Duration::from_secs(3);
/// Documents that changed are opened and compared this often.
const VERIFY_EVERY: Duration = Duration::from_secs(30);

/// What an operator wants done, between two turns.
type Action = Box<dyn FnOnce(&mut Core, Timestamp) + Send>;

/// Work for the writer's thread.
enum Job {
    Opened(Peer, mpsc::Sender<Outgoing>, oneshot::Sender<ConnId>),
    Input(Input),
    Manage(Action),
}

/// Reaches the writer's thread and the readers.
#[derive(Clone)]
pub struct Handle {
    jobs: mpsc::Sender<Job>,
    lanes: Arc<Lanes>,
    pulse: Arc<Pulse>,
    keys: Arc<Keys>,
    /// Where devices that enrol are to sync.
    advertise: Arc<str>,
    almanac: Arc<Almanac>,
    metrics: Metrics,
}

/// The running writer.
pub struct Service {
    /// Reaches it.
    pub handle: Handle,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Service {
    /// Starts the writer's thread. `stop` ends it; it cancels `stop` when it fails.
    pub fn start(
        core: Core,
        database: PathBuf,
        keys: Arc<Keys>,
        advertise: &str,
        almanac: Arc<Almanac>,
        stop: CancellationToken,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_LEN);
        let pulse = Arc::new(Pulse::new());
        let room = Room::beside(&database);
        let metrics = Metrics::default();
        let handle = Handle {
            jobs,
            lanes: Lanes::over(database),
            pulse: pulse.clone(),
            keys: keys.clone(),
            advertise: advertise.into(),
            almanac,
            metrics: metrics.clone(),
        };
        let runtime = tokio::runtime::Handle::current();
        let (witnessed, heard, witness, pushes) = (Instant::now(), Instant::now(), None, core.pushes());
        let lines = Lines::new(metrics.clone());
        let writer = Writer { core, keys, lines, witnessed, witness, heard, pulse, room, metrics, pushes };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Whatever ends this thread ends the program.
            let _stop = stop.clone().drop_guard();
            writer.run(queue, &runtime, &stop)
        })?;
        Ok(Self { handle, thread })
    }

    /// Waits for the thread, after `stop`.
    ///
    /// # Errors
    /// What ended it.
    pub async fn finish(self) -> Result<(), WriterEnded> {
        drop(self.handle);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        match joined {
            Ok(Ok(outcome)) => Ok(outcome?),
            Ok(Err(_)) | Err(_) => Err(WriterEnded::Panicked),
        }
    }
}

/// What ended the writer's thread before its time.
#[derive(Debug, thiserror::Error)]
pub enum WriterEnded {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect of the program, which says nothing of the database.
    #[error("the writer's thread panicked")]
    Panicked,
}

struct Writer {
    core: Core,
    keys: Arc<Keys>,
    lines: Lines,
    witnessed: Instant,
    /// What the witness file says.
    witness: Option<Witness>,
    heard: Instant,
    pulse: Arc<Pulse>,
    room: Room,
    metrics: Metrics,
    /// What was told of pushes already.
    pushes: Pushes,
}

impl Writer {
    fn run(
        mut self,
        mut queue: mpsc::Receiver<Job>,
        runtime: &tokio::runtime::Handle,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut jobs = Vec::new();
        loop {
            jobs.clear();
            let got = runtime.block_on(async {
                tokio::select! {
                    got = tokio::time::timeout(WITNESS_EVERY, queue.recv_many(&mut jobs, INPUTS_PER_TURN_MAX)) => got,
                    () = stop.cancelled(), if queue.is_empty() => Ok(0),
                }
            });
            self.work(jobs.drain(..))?;
            self.room.give_up(&self.core);
            self.pulse.beat(self.core.is_full());
            if self.heard.elapsed() >= HEARD_EVERY {
                self.heard = Instant::now();
                self.commit(|core| core.hear(Timestamp::now()))?;
            }
            if self.witnessed.elapsed() >= WITNESS_EVERY {
                self.witness();
                self.room.look(&mut self.core);
            }
            if got == Ok(0) {
                break;
            }
        }
        self.witness();
        Ok(())
    }

    /// Inputs are turned together; an operator's action stands between two turns.
    fn work(&mut self, jobs: impl Iterator<Item = Job>) -> Result<(), StoreError> {
        let mut inputs = Vec::new();
        for job in jobs {
            match job {
                Job::Opened(peer, out, reply) => {
                    let (conn, opened) = self.lines.open(peer, out);
                    inputs.push(opened);
                    // The connection may be gone already; then its end follows.
                    reply.send(conn).ok();
                }
                Job::Input(input) => {
                    match &input {
                        Input::Closed(conn) => self.lines.close(*conn),
                        // The connection speaks whenever its queue is empty for a moment; with
                        // frames in it again, it will once more.
                        Input::Drained(conn) if self.lines.has_frames(*conn) => continue,
                        _ => {}
                    }
                    inputs.push(input);
                }
                Job::Manage(action) => {
                    self.turn(std::mem::take(&mut inputs))?;
                    self.commit(|core| action(core, Timestamp::now()));
                    let outputs = self.core.drain_outputs();
                    self.lines.dispatch(outputs);
                }
            }
        }
        self.turn(inputs)
    }

    fn turn(&mut self, inputs: Vec<Input>) -> Result<(), StoreError> {
        if inputs.is_empty() {
            return Ok(());
        }
        let outputs = self.commit(|core| core.turn(inputs, Timestamp::now()))?;
        self.lines.dispatch(outputs);
        Ok(())
    }

    /// Has the core do something, and counts what it commits. Nothing is committed otherwise.
    fn commit<T>(&mut self, act: impl FnOnce(&mut Core) -> T) -> T {
        let (before, began) = (self.core.now().mark.commit, Instant::now());
        let done = act(&mut self.core);
        self.metrics.committed(self.core.now().mark.commit.saturating_sub(before), began);
        let now = self.core.pushes();
        let Pushes { accepted, refused } = std::mem::replace(&mut self.pushes, now);
        self.metrics.pushed(Pushes { accepted: now.accepted - accepted, refused: now.refused - refused });
        done
    }

    fn witness(&mut self) {
        self.witnessed = Instant::now();
        let now = self.core.now();
        let witness = Witness { epoch: now.epoch, mark: now.mark, revocations: self.keys.revocation_count() };
        if self.witness.as_ref() == Some(&witness) {
            return;
        }
        match self.keys.write_witness(&witness) {
            Ok(()) => self.witness = Some(witness),
            Err(error) => {
                tracing::error!(%error, "the witness file could not be written: check the keys' directory");
            }
        }
    }
}

/// The hub stops, or has stopped.
#[derive(Debug, thiserror::Error)]
#[error("the hub is stopping")]
pub struct Stopping;

impl Handle {
    /// Runs an operator's action on the writer's thread, between two turns.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub async fn manage<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Core, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Stopping> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Manage(Box::new(move |core, now| {
            // Whoever asked may have gone; the action is done all the same.
            reply.send(action(core, now)).ok();
        }));
        self.jobs.send(job).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }

    /// What is counted as it happens.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What every site's schedule and partners amount to.
    pub fn almanac(&self) -> &Arc<Almanac> {
        &self.almanac
    }

    /// Why the writer cannot do its work, if it cannot. Nothing is asked of it.
    pub fn trouble(&self) -> Option<&'static str> {
        if self.jobs.is_closed() || self.pulse.age() >= TURN_MAX {
            return Some("le hub n’écrit plus : relancez-le, puis « msap-hub doctor »");
        }
        self.pulse.is_full().then_some("le disque est plein : rien n’est reçu")
    }

    /// Opens documents that changed, again and again, and compares them with the figures.
    pub async fn keep_verifying(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(VERIFY_EVERY) => {}
                () = stop.cancelled() => return,
            }
            let found = match self.make_rounds(verify::open_touched).await {
                Ok(found) if found.is_empty() => continue,
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "documents could not be verified");
                    continue;
                }
            };
            match self.manage(move |core, now| core.verified(&found, now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a verification could not be noted"),
                Err(Stopping) => return,
            }
        }
    }

    async fn input(&self, input: Input) -> Result<(), CloseCode> {
        self.jobs.send(Job::Input(input)).await.map_err(|_| CloseCode::Shutdown)
    }
}
