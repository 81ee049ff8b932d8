//! Opening what a hub stands on: its keys and its database, made at the first start.
//!
//! Called by the daemon and by commands that change something while no hub runs, under the lock
//! of the data directory. Invariant: a database that is empty, mixed with another's log, or put
//! back from another time is never gone on with in silence.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use msap_shared::io::file::hand_over;

use super::engine::{backup_failure, keys_failure, store_failure};
use super::whose;
use crate::ask;
use crate::backup::{restore, shelf};
use crate::core::{Core, Revocations};
use crate::exit::{Exit, Failure};
use crate::keys::{self, Keys, KeysError, NotIntact, Witness};
use crate::lang::Lang;
use crate::store::check::{self, CheckReport};
use crate::store::devices::{self, Device, Standing};
use crate::store::wal::{self, Log};
use crate::store::{self, Store, StoreError, Witnessed, journal};

/// Left by a hub that stopped because its disk failed: the next start reads everything back.
const SUSPECT: &str = "suspect";

/// Opens keys and database; makes both at the first start. The caller holds the lock.
///
/// # Errors
/// When either is missing beside the other, damaged or newer.
pub(super) fn open(data: &Path, keys: &Path, lang: Lang) -> Result<(Core, Arc<Keys>), Failure> {
    restore::finish(data).map_err(|error| backup_failure(&error, lang))?;
    let database = data.join(store::FILE_NAME);
    let keys = Keys::open_or_create(keys, database.exists()).map_err(|error| keys_failure(&error))?;
    let witness = keys.read_witness().map_err(|error| keys_failure(&error))?;
    let mut revocations = match keys.revocations() {
        Ok(devices) => Revocations { devices: devices.into_iter().collect(), intact: true },
        Err(NotIntact::Damaged { damage, readable }) => {
            tracing::warn!(%damage, "the list of revocations is not known to be whole");
            Revocations { devices: readable.into_iter().collect(), intact: false }
        }
        Err(NotIntact::Keys(error)) => return Err(keys_failure(&error)),
    };
    let witnessed = witness.map(|witness| Witnessed { epoch: witness.epoch, mark: witness.mark });
    let io = |error: io::Error| Failure::new(Exit::Failure, format!("{} : {error}", database.display()));
    not_emptied(&database, witness.is_some(), lang).map_err(io)??;
    let lost = witness.is_some() && !database.exists();
    let mixed = set_foreign_log_aside(&database, lang)?;
    let noted = whose::noted(&database).map_err(|error| store_failure(&error, lang))?;
    keys::of_one_network((&database, &noted), (keys.dir(), &keys.identity())).map_err(|error| keys_failure(&error))?;
    private(&database).map_err(io)?;
    let store = Store::open(data, witnessed, Box::new(rand::random::<[u8; 16]>));
    let mut store = store.map_err(|error| store_failure(&error, lang))?;
    went_back(&mut store, witnessed, mixed).map_err(|error| store_failure(&error, lang))?;
    read_back(&store, data, witnessed, lang)?;
    whose::note(&mut store, &noted, &keys, lost).map_err(|error| store_failure(&error, lang))?;
    let rows = devices::list(store.connection(), None).map_err(|error| store_failure(&error, lang))?;
    complete(&keys, &mut revocations, &rows).map_err(|error| keys_failure(&error))?;
    Ok((Core::new(store, ask::hub_zone(), revocations), Arc::new(keys)))
}

/// Looks at the files of a database that is only to be read: what [`open`] would not go on with,
/// is not read either.
///
/// # Errors
/// When there is nothing to read.
pub(super) fn examined(database: &Path, lang: Lang) -> Result<(), Failure> {
    let io = |error: io::Error| Failure::new(Exit::Failure, format!("{} : {error}", database.display()));
    not_emptied(database, true, lang).map_err(io)??;
    set_foreign_log_aside(database, lang).map(drop)
}

/// An empty file where a database was: SQLite would take it for a new one, and so would everybody
/// who reads its figures.
fn not_emptied(database: &Path, known: bool, lang: Lang) -> io::Result<Result<(), Failure>> {
    match std::fs::metadata(database) {
        Ok(metadata) if metadata.len() == 0 && known => {
            let text = lang.of(
                "est vide, alors que ce hub avait une base : restaurez une sauvegarde (msap-hub restore FICHIER), ou \
                 supprimez ce fichier pour repartir sans elle ; les postes renverront ce qu’ils gardent",
                "is empty, and this hub had a database: restore a backup (msap-hub restore FILE), or remove this file \
                 to begin without one; the sites will send what they keep",
            );
            Ok(Err(Failure::new(Exit::Damaged, format!("{} {text}", database.display()))))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(Ok(())),
    }
}

/// Moves a log aside that belongs to another database than the one it lies beside. Whether it did.
fn set_foreign_log_aside(database: &Path, lang: Lang) -> Result<bool, Failure> {
    let log = wal::path_of(database);
    match wal::compare(database) {
        Ok(Log::None | Log::Own) => return Ok(false),
        Ok(Log::Foreign) => {}
        Err(error) => return Err(store_failure(&error, lang)),
    }
    let moved = || {
        let mut name = log.clone().into_os_string();
        name.push(format!(".foreign-{}", shelf::stamp(Timestamp::now())));
        let aside = PathBuf::from(name);
        std::fs::rename(&log, &aside)?;
        match std::fs::remove_file(database.with_extension("db-shm")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(aside),
        }
    };
    let aside = moved().map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", log.display())))?;
    tracing::error!(log = %aside.display(), "the database was put back beside the log of another one: the log is set aside");
    Ok(true)
}

/// Notes in the journal that the database is not the one that was seen last, and begins a new
/// epoch where the store could not know.
fn went_back(store: &mut Store, witnessed: Option<Witnessed>, mixed: bool) -> Result<(), StoreError> {
    let begun = witnessed.is_some_and(|witnessed| witnessed.epoch != store.now().epoch);
    if !begun && !mixed {
        return Ok(());
    }
    store.write(|conn, turn| {
        if !begun {
            turn.begin_epoch()?;
        }
        let why = "the database does not know the last commit that was witnessed";
        journal::record(conn, Timestamp::now(), "epoch.begin", "", why)
    })?;
    tracing::error!(epoch = %store.now().epoch, "the database is not the one that was seen last: a new epoch begins");
    Ok(())
}

/// Reads everything back where there is reason to doubt it: a database that was put there by
/// somebody else, or a disk that failed.
fn read_back(store: &Store, data: &Path, witnessed: Option<Witnessed>, lang: Lang) -> Result<(), Failure> {
    let suspect = data.join(SUSPECT);
    let is_other = witnessed.is_some_and(|witnessed| witnessed.epoch != store.now().epoch);
    if !is_other && !suspect.exists() {
        return Ok(());
    }
    tracing::info!("reading the whole database back before anything is served");
    let report = check::look::<StoreError>(store.connection(), &mut |_, _| {
        super::daemon::still_starting();
        Ok(())
    });
    let CheckReport { problems, registry, .. } = report.map_err(|error| store_failure(&error, lang))?;
    // A person may have to look at the sites for this, in a hub that runs.
    if let Some(first) = registry.first() {
        tracing::error!(first, "the registry is not what was last written: run check");
    }
    if let Some(first) = problems.first() {
        return Err(store_failure(&StoreError::corrupt(first), lang));
    }
    match std::fs::remove_file(&suspect) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::new(Exit::Failure, format!("{} : {error}", suspect.display())))
        }
        _ => Ok(()),
    }
}

/// Leaves word for the next start that the disk failed. Whether it can is up to the disk.
pub(super) fn suspect(data: &Path) {
    if let Err(error) = std::fs::write(data.join(SUSPECT), "") {
        tracing::warn!(%error, "the next start will not know that the disk failed: run check after it");
    }
}

/// Adds to the list beside the keys whom only the database knows to be revoked: the keys came
/// back from a backup that is older than it. Before the first witness is written, which would
/// take the shorter list for whole; once the database is lost too, nobody else knows.
fn complete(keys: &Keys, revocations: &mut Revocations, rows: &[Device]) -> Result<(), KeysError> {
    let today = ask::today(Timestamp::now());
    for device in rows.iter().filter(|device| device.standing == Standing::Revoked) {
        if revocations.devices.insert(device.id) {
            tracing::warn!(device.id = %device.id, "the list of revocations lacked a device: added");
            keys.append_revocation(&device.fingerprint, today, &device.reason)?;
        }
    }
    Ok(())
}

/// Makes the database's file for its owner only: SQLite would let the data directory decide, and
/// systemd's is open to all. Its side files take the same mode.
fn private(database: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(database) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => hand_over(database),
    }
}

/// Notes beside the keys where the database is.
pub(super) fn witness(core: &Core, keys: &Keys) -> Result<(), KeysError> {
    let Witnessed { epoch, mark } = core.now();
    keys.write_witness(&Witness { epoch, mark, revocations: keys.revocation_count() })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::journal;

    /// A hub's directory, its hub killed after `commits`, and what its database was before the
    /// last of them.
    struct Killed {
        dir: TempDir,
        epoch: msap_shared::id::Epoch,
    }

    const FILES: [&str; 3] = ["hub.db", "hub.db-wal", "hub.db-shm"];

    fn note(core: &mut Core, word: &str) {
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('test', ?1)";
        let done = core.store().write(|conn, _| conn.execute(sql, [word]).map_err(StoreError::sqlite("testing")));
        assert_eq!(done.unwrap(), 1);
    }

    impl Killed {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("old")).unwrap();
            let (mut core, keys) = open(dir.path(), &dir.path().join("keys"), Lang::Fr).unwrap();
            let epoch = core.now().epoch;
            note(&mut core, "one");
            note(&mut core, "two");
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            core.connection().query_row(checkpoint, [], |_| Ok(())).unwrap();
            std::fs::copy(dir.path().join("hub.db"), dir.path().join("old/hub.db")).unwrap();
            note(&mut core, "three");
            core.connection().query_row(checkpoint, [], |_| Ok(())).unwrap();
            core.store().write(|_, _| Ok::<_, StoreError>(())).unwrap();
            witness(&core, &keys).unwrap();
            // Copied as the kill leaves them: closing would carry the log over.
            let killed = tempfile::tempdir().unwrap();
            for name in FILES {
                std::fs::copy(dir.path().join(name), killed.path().join(name)).unwrap();
            }
            drop(core);
            for name in FILES {
                std::fs::remove_file(dir.path().join(name)).ok();
                std::fs::copy(killed.path().join(name), dir.path().join(name)).unwrap();
            }
            Self { dir, epoch }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn remove(&self, names: &[&str]) {
            names.iter().for_each(|name| std::fs::remove_file(self.path(name)).unwrap());
        }

        fn put_back(&self) {
            std::fs::copy(self.path("old/hub.db"), self.path("hub.db")).unwrap();
        }

        fn open(&self) -> Result<Core, Failure> {
            open(self.dir.path(), &self.path("keys"), Lang::Fr).map(|(core, _)| core)
        }

        /// Opens, and says whether a new epoch began and what the database holds.
        fn found(&self) -> (bool, String) {
            let core = self.open().unwrap();
            let begun = core.now().epoch != self.epoch;
            let journal = journal::list(core.connection(), 0, 10).unwrap();
            assert_eq!(journal.iter().any(|line| line.action == "epoch.begin"), begun);
            let sql = "SELECT value FROM meta WHERE key = 'test'";
            (begun, core.connection().query_row(sql, [], |row| row.get(0)).unwrap())
        }
    }

    #[test]
    fn a_database_put_back_by_hand_is_noticed_whatever_lies_beside_it() {
        let killed = Killed::new();
        assert_eq!(killed.found(), (false, "three".to_owned()), "a kill alone is nothing");

        // Everything put back, and nothing beside it.
        let killed = Killed::new();
        killed.remove(&["hub.db-wal", "hub.db-shm"]);
        killed.put_back();
        assert_eq!(killed.found(), (true, "two".to_owned()));

        // Beside the log of the one that stood there.
        let killed = Killed::new();
        killed.put_back();
        assert_eq!(killed.found(), (true, "two".to_owned()));
        let kept = std::fs::read_dir(killed.dir.path()).unwrap();
        let names = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().any(|name| name.starts_with("hub.db-wal.foreign-")));

        // The same without the witness, and without the index of the log.
        let killed = Killed::new();
        killed.put_back();
        killed.remove(&["hub.db-shm", "keys/witness"]);
        assert_eq!(killed.found(), (true, "two".to_owned()));

        // Only the log is lost, and with it a commit.
        let killed = Killed::new();
        killed.remove(&["hub.db-wal"]);
        assert_eq!(killed.found(), (true, "three".to_owned()));

        // A look beside no hub does not mix them either.
        let killed = Killed::new();
        killed.put_back();
        examined(&killed.path("hub.db"), Lang::Fr).unwrap();
        assert_eq!(killed.found(), (true, "two".to_owned()));
    }

    #[test]
    fn an_empty_cut_or_overwritten_database_is_damage_with_a_next_step() {
        type Damage = fn(&Path);
        let damages: [(&str, Damage); 4] = [
            ("empty", |path| std::fs::write(path, "").unwrap()),
            ("cut", |path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, &bytes[..bytes.len() - 4_096]).unwrap();
            }),
            ("cut to half a page", |path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, &bytes[..2_048]).unwrap();
            }),
            ("overwritten", |path| {
                let mut bytes = std::fs::read(path).unwrap();
                bytes[..4_096].fill(0x5a);
                std::fs::write(path, bytes).unwrap();
            }),
        ];
        for (what, damage) in damages {
            let killed = Killed::new();
            killed.remove(&["hub.db-wal", "hub.db-shm"]);
            damage(&killed.path("hub.db"));
            let before = std::fs::read(killed.path("hub.db")).unwrap();
            for _ in 0..2 {
                let failure = killed.open().err().unwrap();
                assert_eq!(failure.exit, Exit::Damaged, "{what}: {}", failure.message);
                assert!(failure.message.contains("msap-hub restore"), "{what}: {}", failure.message);
            }
            assert_eq!(std::fs::read(killed.path("hub.db")).unwrap(), before, "{what}");
        }
    }

    #[test]
    fn after_a_disk_that_failed_everything_is_read_back() {
        let killed = Killed::new();
        let core = killed.open().unwrap();
        suspect(killed.dir.path());
        core.connection()
            .execute_batch("INSERT INTO document (name, site) VALUES ('site/1/visits/2026-11', '1')")
            .unwrap_err();
        core.connection()
            .execute_batch(
                "PRAGMA foreign_keys = OFF; INSERT INTO document (name, site) VALUES ('site/1/visits/2026-11', '1')",
            )
            .unwrap();
        drop(core);
        for _ in 0..2 {
            assert_eq!(killed.open().err().unwrap().exit, Exit::Damaged);
        }
        let conn = rusqlite::Connection::open(killed.path("hub.db")).unwrap();
        conn.execute_batch("DELETE FROM document").unwrap();
        drop(conn);
        killed.open().unwrap();
        assert!(!killed.path(SUSPECT).exists());
    }

    #[test]
    fn the_database_of_another_network_is_left_alone() {
        let (ours, theirs) = (Killed::new(), Killed::new());
        let before = FILES.map(|name| std::fs::read(theirs.path(name)).unwrap());
        let failure = open(theirs.dir.path(), &ours.path("keys"), Lang::Fr).err().unwrap();
        assert_eq!(failure.exit, Exit::Damaged);
        assert!(failure.message.contains("hub.db") && failure.message.contains("--keys"), "{}", failure.message);
        assert_eq!(FILES.map(|name| std::fs::read(theirs.path(name)).unwrap())[..2], before[..2]);
        // A hub key that was lost, or another authority, leaves the other of the two.
        theirs.remove(&["keys/hub.key"]);
        theirs.open().unwrap();
        let keys = Keys::open_or_create(&theirs.path("keys"), true).unwrap();
        keys.rotate().unwrap();
        keys.finish_rotation().unwrap();
        theirs.open().unwrap();
        // Of a database that is begun beside keys of before, it is known that another was lost.
        let lost =
            |killed: &Killed| crate::store::network::was_begun_anew(killed.open().unwrap().connection()).unwrap();
        assert!(!lost(&theirs));
        theirs.remove(&["hub.db"]);
        for side in &FILES[1..] {
            std::fs::remove_file(theirs.path(side)).ok();
        }
        assert!(lost(&theirs) && lost(&theirs));
    }
}
