//! A machine at a site: a disk, and now and then a running agent.

use std::collections::BTreeSet;

use msap_agent::core::{Core, Input, Now, Output};
use msap_agent::replica::Fresh;
use msap_agent::store::{self, MIGRATIONS, Profile, meta};
use msap_hub::accept::ConnId;
use msap_shared::id::{Fingerprint, SiteId, WriterId};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rusqlite::Connection;

use super::disk::{self, Fact};

/// Power and disk.
pub(super) enum Power {
    /// The agent runs.
    On(Box<Core>),
    /// Only the disk is there.
    Off(Connection),
    /// The disk is lost.
    Gone,
}

/// One machine.
pub(super) struct Machine {
    pub site: SiteId,
    pub fingerprint: Fingerprint,
    pub power: Power,
    /// The line that the running agent holds.
    pub line: Option<ConnId>,
    /// Every fact that this disk has ever been seen to hold: it must never lose one.
    pub holds: BTreeSet<Fact>,
    /// Wall clock minus true time.
    pub clock_error_ms: i64,
    /// When the running process started.
    pub started_ms: u64,
    /// The generation of the hub that last welcomed it; 0 for none.
    pub welcomed: u64,
    pub revoked: bool,
    /// Who wrote in the last load, for planted faults.
    pub last_writer: Option<WriterId>,
    pub full: bool,
}

/// 16 bytes at a time from a generator of its own; the first ones can be set.
pub(super) fn fresh_from(rng: &mut StdRng, first: Option<WriterId>) -> Fresh {
    let mut own = StdRng::seed_from_u64(rng.random());
    let mut first = first.map(|writer| *writer.as_bytes());
    Box::new(move || {
        first.take().unwrap_or_else(|| {
            let mut bytes = [0; 16];
            own.fill_bytes(&mut bytes);
            bytes
        })
    })
}

impl Machine {
    pub(super) fn new(n: usize, site: SiteId, rng: &mut StdRng, now_ms: u64) -> Self {
        let conn = disk::empty("agent", |conn| {
            store::prepare(conn, std::path::Path::new("memory"), &MIGRATIONS).expect("an empty database")
        });
        let mut spki = [0; 32];
        rng.fill_bytes(&mut spki);
        let fingerprint = Fingerprint::new(spki);
        let profile = Profile {
            site: site.clone(),
            site_name: format!("Site {site}"),
            timezone: "Europe/Paris".parse().expect("a zone"),
            device: fingerprint.device(),
            label: format!("poste {n}"),
            hub: "hub:4433".to_owned(),
        };
        meta::set_profile(&conn, &profile).expect("an empty database");
        Self {
            site,
            fingerprint,
            power: Power::Off(conn),
            line: None,
            holds: BTreeSet::new(),
            clock_error_ms: 0,
            started_ms: now_ms,
            welcomed: 0,
            revoked: false,
            last_writer: None,
            full: false,
        }
    }

    /// The disk, running or not.
    pub(super) fn disk(&self) -> Option<&Connection> {
        match &self.power {
            Power::On(core) => Some(core.connection()),
            Power::Off(conn) => Some(conn),
            Power::Gone => None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        matches!(self.power, Power::On(_))
    }

    /// Starts the agent. `writer` only for planted faults.
    pub(super) fn start(&mut self, rng: &mut StdRng, now_ms: u64, writer: Option<WriterId>) {
        if let Power::Off(conn) = std::mem::replace(&mut self.power, Power::Gone) {
            let core = Core::new(conn, fresh_from(rng, writer)).expect("a machine that has joined");
            self.last_writer = Some(core.writer());
            self.started_ms = now_ms;
            self.power = Power::On(Box::new(core));
        }
    }

    /// The power goes. What was committed is on the disk.
    pub(super) fn kill(&mut self) {
        self.line = None;
        self.power = match std::mem::replace(&mut self.power, Power::Gone) {
            Power::On(core) => {
                self.last_writer = Some(core.writer());
                Power::Off(core.into_connection())
            }
            other => other,
        };
    }

    /// One turn of the running agent.
    pub(super) fn turn(&mut self, inputs: Vec<Input>, wall: jiff::Timestamp, now_ms: u64) -> Vec<Output> {
        let Power::On(core) = &mut self.power else { return Vec::new() };
        let shown = wall.as_millisecond() + self.clock_error_ms;
        let wall = jiff::Timestamp::from_millisecond(shown).expect("a clock within its range");
        let now = Now { wall, monotonic_ms: now_ms - self.started_ms };
        core.turn(inputs, now).expect("a store that fails in no lasting way")
    }
}
