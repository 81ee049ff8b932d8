//! A simulated network: machines of several sites and a hub, in virtual time.
//!
//! The hosts here run the programs' own cores over their own stores, in memory; what is
//! simulated is the world around them: power, disks, images, clocks, lines. Every step draws an
//! event; after every step the oracle asks whether anything is called confirmed that the hub
//! does not hold, and whether a disk has lost anything. In the end the faults stop, everything
//! that still exists is connected, and every tap must be in the hub's total exactly once.
//!
//! One seed makes one world: the same seed, the same run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_hub::accept::ConnId;
use msap_shared::id::{SiteId, TapId, TapName};
use msap_shared::time::Day;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

mod copies;
mod disk;
mod edits;
mod events;
mod fault;
mod files;
mod heal;
mod machine;
mod oracle;
mod people;
mod planted;
pub mod replay;
mod server;
mod wire;

pub use fault::Fault;

use machine::Machine;
use server::Server;
use wire::Line;

/// What went wrong in a world.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}, step {step}: {what}")]
pub struct Broken {
    /// The world's seed.
    pub seed: u64,
    /// The step.
    pub step: usize,
    /// Which promise was broken.
    pub what: String,
}

macro_rules! seen {
    ($($name:ident),* $(,)?) => {
        /// What happened in worlds: to see that the simulation meets what it is there for.
        #[derive(Clone, Copy, Debug, Default)]
        #[expect(missing_docs, reason = "each counts what its name says")]
        pub struct Seen {
            $(pub $name: u64,)*
        }

        impl Seen {
            /// Adds another world's counts.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// What never happened.
            pub fn never(&self) -> Vec<&'static str> {
                let counts = [$((stringify!($name), self.$name)),*];
                counts.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
            }
        }
    };
}

use seen;

seen!(
    taps,
    kills,
    clock_jumps,
    cuts,
    clones,
    old_images,
    disks_lost,
    memory_copies,
    full_disks,
    hub_restores,
    hub_restores_by_hand,
    hub_wipes,
    approvals,
    revocations,
    refused,
    forked,
    forks_alarmed,
    set_aside,
    files_taken,
    answers_taken,
    answers_outdated,
    edits,
    hub_edits,
    conflicts,
    settled,
    edits_refused,
    edits_forked,
);

/// A promise was broken.
type Check = Result<(), String>;

/// What somebody at a desk meant to count, whatever became of it.
struct Intent {
    site: SiteId,
    day: Day,
    id: TapId,
    people: i16,
    operator: &'static str,
    /// The names under which it was counted: one, unless a fault is planted.
    names: BTreeSet<TapName>,
    /// Only with a planted fault: negative taps that were meant to undo it.
    undone_by: BTreeSet<TapName>,
    /// A desk was told that it is kept.
    answered: bool,
}

/// How often things happen in one world, drawn from its seed.
struct Weather {
    /// Machines suspended and copied with their memory, without a clock to show it.
    copies_of_memory: bool,
    /// Changes that can never be accepted.
    bad_changes: bool,
    /// The hub loses or swaps its database.
    hub_trouble: bool,
    /// Disks fail, are restored, are copied.
    disk_trouble: bool,
    /// Disks fill up.
    full_disks: bool,
}

/// The simulated network.
pub struct World {
    seed: u64,
    step: usize,
    rng: StdRng,
    fault: Option<Fault>,
    now_ms: u64,
    weather: Weather,
    machines: Vec<Machine>,
    hub: Server,
    lines: BTreeMap<ConnId, Line>,
    next_conn: u64,
    intents: Vec<Intent>,
    by_name: BTreeMap<TapName, usize>,
    /// Writers that were copied with a machine's memory: only these may fork.
    copied_writers: BTreeSet<msap_shared::id::WriterId>,
    /// Chains that the hub's host refuses from a number on, as a stricter hub would.
    cursed: BTreeMap<msap_shared::id::WriterId, u64>,
    bad_taps: usize,
    /// Values of registers that were drawn.
    values: u64,
    /// What people said in documents of registers.
    said: edits::AllSaid,
    seen: Seen,
    /// The faults have stopped.
    calm: bool,
    /// What the hub's host, not its core, answers: said after the core's own words.
    host_answers: Vec<(ConnId, msap_shared::frame::Frame)>,
    /// Files on their way, for ever.
    sticks: files::Sticks,
    /// Tells every step on standard error.
    trace: bool,
}

/// The day on which every world begins: a month's end is near.
const BEGINNING: &str = "2026-11-26T07:00:00Z";
/// Steps of one world before it is healed.
const STEPS: usize = 160;

impl World {
    /// The world of a seed, with at most one planted fault.
    pub fn new(seed: u64, fault: Option<Fault>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let weather = Weather {
            copies_of_memory: fault.is_some_and(Fault::wants_forks) || (fault.is_none() && rng.random_bool(0.3)),
            bad_changes: rng.random_bool(0.4) || fault.is_some_and(Fault::wants_refusals),
            hub_trouble: rng.random_bool(0.6) || fault.is_some(),
            disk_trouble: rng.random_bool(0.6) || fault.is_some(),
            full_disks: rng.random_bool(0.3),
        };
        let hub = Server::new(&mut rng);
        let mut world = Self {
            seed,
            step: 0,
            rng,
            fault,
            now_ms: 0,
            weather,
            machines: Vec::new(),
            hub,
            lines: BTreeMap::new(),
            next_conn: 1,
            intents: Vec::new(),
            by_name: BTreeMap::new(),
            copied_writers: BTreeSet::new(),
            cursed: BTreeMap::new(),
            bad_taps: 0,
            values: 0,
            said: edits::AllSaid::new(),
            seen: Seen::default(),
            calm: false,
            host_answers: Vec::new(),
            sticks: files::Sticks::default(),
            trace: std::env::var_os("SIM_TRACE").is_some(),
        };
        let sites = world.rng.random_range(1..=2);
        for site in 0..sites {
            let site: SiteId = format!("s{site}").parse().expect("a lower-case letter and a digit");
            for _ in 0..world.rng.random_range(1..=3) {
                world.new_machine(site.clone());
            }
        }
        world
    }

    /// Runs the world to its end.
    ///
    /// # Errors
    /// The first broken promise.
    pub fn run(mut self) -> Result<Seen, Broken> {
        for step in 0..STEPS {
            self.step = step;
            self.event().map_err(|what| self.broken(what))?;
        }
        self.step = STEPS;
        self.heal().map_err(|what| self.broken(what))?;
        Ok(self.seen)
    }

    fn broken(&self, what: String) -> Broken {
        Broken { seed: self.seed, step: self.step, what }
    }

    fn wall(&self) -> Timestamp {
        let beginning: Timestamp = BEGINNING.parse().expect("an instant");
        Timestamp::from_millisecond(beginning.as_millisecond() + self.now_ms as i64).expect("near the beginning")
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:3} {}", self.step, what());
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    fn new_machine(&mut self, site: SiteId) {
        let n = self.machines.len();
        let machine = Machine::new(n, site, &mut self.rng, self.now_ms);
        self.machines.push(machine);
    }

    /// One of these, if there are any.
    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.rng.random_range(0..from.len())].clone())
    }
}
