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

use super::engine::{backup_failure, keys_failure, store_failure};
use crate::ask;
use crate::backup::{restore, shelf};
use crate::core::{Core, Revocations};
use crate::exit::{Exit, Failure};
use crate::keys::{Keys, KeysError, NotIntact, Witness};
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
    private(&database).map_err(io)?;
    let mixed = set_foreign_log_aside(&database, lang)?;
    let store = Store::open(data, witnessed, Box::new(rand::random::<[u8; 16]>));
    let mut store = store.map_err(|error| store_failure(&error, lang))?;
    went_back(&mut store, witnessed, mixed).map_err(|error| store_failure(&error, lang))?;
    read_back(&store, data, witnessed, lang)?;
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
    let CheckReport { problems, .. } = report.map_err(|error| store_failure(&error, lang))?;
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
        if revocations.devices.insert(device.fingerprint) {
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
        _ => Ok(()),
    }
}

/// Notes beside the keys where the database is.
pub(super) fn witness(core: &Core, keys: &Keys) -> Result<(), KeysError> {
    let Witnessed { epoch, mark } = core.now();
    keys.write_witness(&Witness { epoch, mark, revocations: keys.revocation_count() })
}
