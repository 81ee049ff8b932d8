//! The hub: a database, the files beside its keys, and now and then a running core.

use std::collections::BTreeSet;
use std::path::PathBuf;

use msap_hub::core::{Core, Revocations};
use msap_hub::store::{MIGRATIONS, Store, Witnessed};
use msap_shared::id::Fingerprint;
use rand::rngs::StdRng;
use rusqlite::Connection;

use super::disk::{self, Fact};
use super::machine::fresh_from;

/// Power and disk.
pub(super) enum Power {
    On(Box<Core>),
    Off(Connection),
    /// Only between two states.
    Between,
}

/// A copy of the hub's database, with what the witness said then.
#[derive(Clone)]
pub(super) struct Backup {
    pub image: Vec<u8>,
    pub witness: Option<Witnessed>,
    pub holds: BTreeSet<Fact>,
}

/// The hub's host.
pub(super) struct Server {
    pub power: Power,
    /// The file beside the keys.
    pub witness: Option<Witnessed>,
    /// The list beside the keys.
    pub revoked: BTreeSet<Fingerprint>,
    /// Whether that list is whole.
    pub intact: bool,
    pub backups: Vec<Backup>,
    /// Every fact that this database has been seen to hold: it must never lose one.
    pub holds: BTreeSet<Fact>,
    /// Counts the times that the database was swapped.
    pub generation: u64,
}

fn zone() -> msap_shared::time::SiteZone {
    "Europe/Paris".parse().expect("a zone")
}

fn empty() -> Connection {
    disk::empty("hub", |conn| {
        msap_shared::io::store::prepare(conn, std::path::Path::new("memory"), &MIGRATIONS).expect("an empty database")
    })
}

impl Server {
    pub(super) fn new(rng: &mut StdRng) -> Self {
        let mut server = Self {
            power: Power::Off(empty()),
            witness: None,
            revoked: BTreeSet::new(),
            intact: true,
            backups: Vec::new(),
            holds: BTreeSet::new(),
            generation: 1,
        };
        server.start(rng);
        server
    }

    pub(super) fn core(&mut self) -> Option<&mut Core> {
        match &mut self.power {
            Power::On(core) => Some(core),
            Power::Off(_) | Power::Between => None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        matches!(self.power, Power::On(_))
    }

    pub(super) fn disk(&self) -> &Connection {
        match &self.power {
            Power::On(core) => core.connection(),
            Power::Off(conn) => conn,
            Power::Between => unreachable!("only within a method"),
        }
    }

    pub(super) fn start(&mut self, rng: &mut StdRng) {
        if let Power::Off(conn) = std::mem::replace(&mut self.power, Power::Between) {
            let store = Store::over(conn, PathBuf::from("memory"), self.witness, fresh_from(rng, None));
            let revocations =
                Revocations { devices: self.revoked.iter().map(Fingerprint::device).collect(), intact: self.intact };
            let core = Core::new(store.expect("a database that opens"), zone(), revocations);
            self.power = Power::On(Box::new(core));
        }
        self.note_witness();
    }

    pub(super) fn kill(&mut self) {
        self.power = match std::mem::replace(&mut self.power, Power::Between) {
            Power::On(core) => Power::Off(core.into_store().into_connection()),
            other => other,
        };
    }

    /// The witness file catches up.
    pub(super) fn note_witness(&mut self) {
        if let Power::On(core) = &self.power {
            self.witness = Some(core.now());
        }
    }

    pub(super) fn backup(&mut self) {
        let backup = Backup { image: disk::image(self.disk()), witness: self.witness, holds: self.holds.clone() };
        self.backups.push(backup);
    }

    /// Puts another database in place of this one. The hub is off.
    pub(super) fn swap(&mut self, to: Option<&Backup>) {
        let (conn, holds) = match to {
            Some(backup) => (disk::from_image(&backup.image), backup.holds.clone()),
            None => (empty(), BTreeSet::new()),
        };
        self.power = Power::Off(conn);
        self.holds = holds;
        self.generation += 1;
    }

    /// People and requests of each site, as the views say.
    pub(super) fn totals(&self) -> Vec<(String, i64, i64)> {
        let sql = "SELECT site, sum(people), sum(requests) FROM visits GROUP BY site ORDER BY site";
        let mut statement = self.disk().prepare(sql).expect("the figures");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.and_then(Iterator::collect).expect("three columns")
    }

    /// Whether the store takes anything at the moment.
    pub(super) fn set_full(&mut self, full: bool) {
        let pages = if full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 1000000" };
        // Bounded below by what is used: the pragma answers with the bound that now holds.
        self.disk().query_row(pages, [], |_| Ok(())).expect("a pragma that answers");
        // What the program finds out by getting its ballast back.
        if let (false, Some(core)) = (full, self.core()) {
            core.has_room();
        }
    }
}
