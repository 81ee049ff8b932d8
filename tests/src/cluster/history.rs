//! Visits entered through the agent's own core while no agent runs on the directory.
//!
//! The same code that answers the front desk, in transactions of many taps: a history of years is
//! there in seconds.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use msap_agent::command::{Command, Count};
use msap_agent::core::{Core, Input, Now, Output};
use msap_agent::lock;
use msap_agent::store;
use msap_shared::id::TapId;
use msap_shared::time::Day;

use crate::generator::{Chance, Tap};

/// Taps in one transaction.
const TURN: usize = 500;

/// What was entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// People.
    pub visits: i64,
    /// Requests.
    pub requests: i64,
}

/// Enters visits into the database of `data`.
///
/// # Errors
/// When an agent runs there, or a tap is not taken.
pub fn enter(data: &Path, visits: impl IntoIterator<Item = (Day, Vec<Tap>)>, seed: u64) -> Result<Entered> {
    enter_at(data, visits, seed, Timestamp::now())
}

/// The same by a machine's clock that shows this time.
///
/// # Errors
/// As [`enter`].
pub fn enter_at(
    data: &Path,
    visits: impl IntoIterator<Item = (Day, Vec<Tap>)>,
    seed: u64,
    wall: Timestamp,
) -> Result<Entered> {
    let _held = lock::hold(data).context("an agent runs on this directory")?;
    let core = Core::new(store::open(data)?, Box::new(rand::random::<[u8; 16]>))?;
    let mut desk = Desk { core, wall, waiting: Vec::new(), entered: Entered::default() };
    let mut ids = Chance::new(seed, &data.display().to_string());
    for (day, taps) in visits {
        for tap in taps {
            desk.tap(day, tap, TapId::new(ids.bytes()))?;
        }
    }
    desk.turn()?;
    Ok(desk.entered)
}

struct Desk {
    core: Core,
    wall: Timestamp,
    waiting: Vec<Input>,
    entered: Entered,
}

impl Desk {
    fn tap(&mut self, day: Day, tap: Tap, id: TapId) -> Result<()> {
        let Tap { operator, help, age, people, same_visit } = tap;
        self.entered.requests += i64::from(people);
        self.entered.visits += if same_visit { 0 } else { i64::from(people) };
        let count = Count { id, operator, help, age, people, day: Some(day), same_visit, reason: None };
        self.waiting.push(Input::Command(self.waiting.len() as u64, Command::Count(count)));
        if self.waiting.len() >= TURN { self.turn() } else { Ok(()) }
    }

    fn turn(&mut self) -> Result<()> {
        let now = Now { wall: self.wall, monotonic_ms: 0 };
        for output in self.core.turn(std::mem::take(&mut self.waiting), now)? {
            if let Output::Reply(_, Err(error)) = output {
                bail!("a tap was not taken: {error}");
            }
        }
        Ok(())
    }
}
