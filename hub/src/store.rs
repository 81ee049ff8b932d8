//! The hub's database: one SQLite file, one connection that writes, others that read.
//!
//! All SQL of the hub lives in this module. Its functions act on a [`Connection`]; those that
//! write do so inside [`Store::write`], which keeps everything or nothing and draws the commit's
//! mark.
//!
//! Changes are the truth; the fact, closing, visits and flagged tables are derived from them in
//! the same transaction and can be thrown away and rebuilt.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use msap_shared::frame::Mark;
use msap_shared::id::Epoch;
pub use msap_shared::io::store::StoreError;
use msap_shared::io::store::prepare;
pub use msap_shared::io::store::registers;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::views::Arrivals;
use crate::who::Who;

pub mod apart;
pub mod calendars;
pub mod chains;
pub mod check;
pub mod check_runs;
pub mod copy;
pub mod devices;
pub mod documents;
pub mod figures;
pub mod findings;
pub mod flagged;
pub mod history;
pub mod journal;
pub mod label_history;
pub mod meta;
pub mod network;
pub mod pending;
pub mod rebuild;
pub mod references;
pub mod refusals;
pub mod releases;
pub mod reported;
pub mod reporters;
pub mod rollups;
pub mod seal;
pub mod sessions;
pub mod site_facts;
pub mod sites;
pub mod small_reads;
pub mod tokens;
pub mod told;
pub mod tree;
pub mod users;
pub mod views;
pub mod wal;

/// The database's name within the data directory.
pub const FILE_NAME: &str = "hub.db";

/// The layouts of the database, version by version; only ever appended to.
pub const MIGRATIONS: [&str; 18] = [
    include_str!("store/migration_1.sql"),
    include_str!("store/migration_2.sql"),
    include_str!("store/migration_3.sql"),
    include_str!("store/migration_4.sql"),
    include_str!("store/migration_5.sql"),
    include_str!("store/migration_6.sql"),
    include_str!("store/migration_7.sql"),
    include_str!("store/migration_8.sql"),
    include_str!("store/migration_9.sql"),
    include_str!("store/migration_10.sql"),
    include_str!("store/migration_11.sql"),
    include_str!("store/migration_12.sql"),
    include_str!("store/migration_13.sql"),
    include_str!("store/migration_14.sql"),
    include_str!("store/migration_15.sql"),
    include_str!("store/migration_16.sql"),
    include_str!("store/migration_17.sql"),
    include_str!("store/migration_18.sql"),
];

/// A source of 16 random bytes: epochs and tags.
pub type Fresh = Box<dyn FnMut() -> [u8; 16] + Send>;

/// Where a database was when it was last seen: kept beside the keys, apart from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Its epoch.
    pub epoch: Epoch,
    /// Its last commit.
    pub mark: Mark,
}

/// The connection that writes.
pub struct Store {
    conn: Connection,
    path: PathBuf,
    fresh: Fresh,
    now: Witnessed,
    acting: Who,
}

impl Store {
    /// Opens the database in `dir`, or begins it.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn open(dir: &Path, witness: Option<Witnessed>, fresh: Fresh) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let conn = Connection::open(&path).map_err(StoreError::sqlite("opening the database"))?;
        Self::over(conn, path, witness, fresh)
    }

    /// Takes over a connection: how a simulated disk outlives its process.
    ///
    /// A database that does not know what the witness saw has gone back in time: it gets an
    /// epoch of its own, so that agents offer everything again.
    ///
    /// # Errors
    /// When the database is damaged or newer.
    pub fn over(
        conn: Connection,
        path: PathBuf,
        witness: Option<Witnessed>,
        mut fresh: Fresh,
    ) -> Result<Self, StoreError> {
        let conn = brought_up(conn, &path)?;
        let known = meta::epoch(&conn)?;
        let went_back = match (known, witness) {
            (None, _) => true,
            (Some(epoch), Some(seen)) => epoch != seen.epoch || !meta::knows(&conn, seen.mark)?,
            (Some(_), None) => false,
        };
        let epoch = known.unwrap_or_else(|| Epoch::new(fresh()));
        let mark = meta::last_mark(&conn)?.unwrap_or(Mark { commit: 0, tag: 0 });
        let mut store = Self { conn, path, fresh, now: Witnessed { epoch, mark }, acting: Who::Hub };
        if went_back {
            store.write(|_, turn| turn.begin_epoch())?;
        }
        Ok(store)
    }

    /// Runs `f` in one transaction, with a mark of its own, and commits.
    ///
    /// # Errors
    /// What `f` returns, or when the commit fails; nothing was written then.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        f: impl FnOnce(&Connection, &mut Turn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let doing = StoreError::sqlite("beginning a turn");
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing)?;
        let commit = self.now.mark.commit + 1;
        let mut turn =
            Turn { conn: &tx, fresh: &mut self.fresh, epoch: self.now.epoch, commit, arrivals: Arrivals::default() };
        // Set and taken back within the transaction, so that nothing is left of it if that fails.
        let for_somebody = self.acting != Who::Hub;
        if for_somebody {
            journal::act_for(&tx, &self.acting)?;
        }
        let value = f(&tx, &mut turn)?;
        if for_somebody {
            journal::act_for(&tx, &Who::Hub)?;
        }
        let epoch = turn.epoch;
        let [a, b, c, d, e, f, g, h, ..] = (self.fresh)();
        let mark = Mark { commit, tag: u64::from_be_bytes([a, b, c, d, e, f, g, h]) };
        seal::renew(&tx)?;
        meta::add_mark(&tx, mark)?;
        tx.commit().map_err(StoreError::sqlite("committing a turn"))?;
        self.now = Witnessed { epoch, mark };
        Ok(value)
    }

    /// Says on whose behalf it is written from now on: the journal tells it.
    pub fn act_for(&mut self, who: Who) {
        self.acting = who;
    }

    /// 16 random bytes, from where epochs and tags come.
    pub(crate) fn draw(&mut self) -> [u8; 16] {
        (self.fresh)()
    }

    /// The epoch and the last commit: what the witness file keeps.
    pub fn now(&self) -> Witnessed {
        self.now
    }

    /// The connection, for reading within the writer's thread.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// Gives the database back.
    pub fn into_connection(self) -> Connection {
        self.conn
    }

    /// Another connection that only reads.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<Connection, StoreError> {
        reader(&self.path)
    }
}

/// Brings a database to this version's layout, and folds the views that the layout before did not
/// have.
///
/// # Errors
/// When it is damaged or newer.
pub fn brought_up(conn: Connection, path: &Path) -> Result<Connection, StoreError> {
    let mut conn = prepare(conn, path, &MIGRATIONS)?;
    if meta::views_due(&conn)? {
        tracing::info!(path = %path.display(), "the views of an earlier version are folded anew, once");
        let doing = StoreError::sqlite("folding the views of an earlier version");
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&doing)?;
        rebuild::fold_all(&tx)?;
        meta::views_done(&tx)?;
        tx.commit().map_err(&doing)?;
    }
    Ok(conn)
}

/// A connection that only reads the database at `path`.
///
/// # Errors
/// When it cannot be opened.
pub fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(StoreError::sqlite("opening a reader"))?;
    conn.busy_timeout(Duration::from_secs(2)).map_err(StoreError::sqlite("opening a reader"))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// Ends whatever this connection runs once `limit` is over; the query fails, nothing else.
///
/// # Errors
/// When SQLite does not take the handler.
pub fn limit_time(conn: &Connection, limit: Duration) -> Result<(), StoreError> {
    let end = Instant::now() + limit;
    end_when(conn, move || Instant::now() > end)
}

/// Ends whatever this connection runs once `over` says so; the query fails, nothing else. It is asked
/// every so many steps, of short statements that are repeated too.
///
/// # Errors
/// When SQLite does not take the handler.
pub fn end_when(conn: &Connection, over: impl FnMut() -> bool + Send + 'static) -> Result<(), StoreError> {
    conn.progress_handler(10_000, Some(over)).map_err(StoreError::sqlite("limiting a query's time"))
}

/// A transaction under way.
pub struct Turn<'a> {
    conn: &'a Connection,
    fresh: &'a mut Fresh,
    epoch: Epoch,
    commit: u64,
    arrivals: Arrivals,
}

impl Turn<'_> {
    /// The epoch that holds within this turn.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The number of the commit under way.
    pub fn commit(&self) -> u64 {
        self.commit
    }

    /// The taps that have come within this turn.
    pub(crate) fn arrivals(&mut self) -> &mut Arrivals {
        &mut self.arrivals
    }

    /// Begins another epoch: what agents were told before is not to be trusted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_epoch(&mut self) -> Result<(), StoreError> {
        self.epoch = Epoch::new((self.fresh)());
        meta::set_epoch(self.conn, self.epoch)?;
        // Nor is who was signed in: he may have been signed out since.
        sessions::end_all(self.conn)?;
        // The first contact of an epoch raises no clone alarm.
        devices::forget_tokens(self.conn)
    }
}

/// An empty database of the latest layout, for tests.
#[cfg(test)]
pub(crate) fn empty() -> Connection {
    let conn = Connection::open_in_memory().expect("memory is there");
    MIGRATIONS.iter().for_each(|sql| conn.execute_batch(sql).expect("a migration runs"));
    conn
}
