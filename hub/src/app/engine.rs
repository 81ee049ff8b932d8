//! The core, put together from the keys and the database, and what operators' changes ask of it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use msap_shared::id::DeviceId;
use rusqlite::Connection;

use crate::admin::{AdminError, CheckObject, FoldedObject, Hub};
use crate::ask;
use crate::core::{Core, Revocations};
use crate::exit::{Exit, Failure, with_causes};
use crate::keys::{Keys, KeysError, NotIntact, Witness};
use crate::lang::Lang;
use crate::store::{self, Store, StoreError, Witnessed, devices};

/// Opens keys and database; makes both at the first start. The caller holds the lock.
///
/// # Errors
/// When either is missing beside the other, damaged or newer.
pub(super) fn open(data: &Path, keys: &Path, lang: Lang) -> Result<(Core, Arc<Keys>), Failure> {
    let database = data.join(store::FILE_NAME);
    let keys = Keys::open_or_create(keys, database.exists()).map_err(|error| keys_failure(&error))?;
    let witness = keys.read_witness().map_err(|error| keys_failure(&error))?;
    let revocations = match keys.revocations() {
        Ok(devices) => Revocations { devices: devices.into_iter().collect(), intact: true },
        Err(NotIntact::Damaged { damage, readable }) => {
            tracing::warn!(%damage, "the list of revocations is not known to be whole");
            Revocations { devices: readable.into_iter().collect(), intact: false }
        }
        Err(NotIntact::Keys(error)) => return Err(keys_failure(&error)),
    };
    let witnessed = witness.map(|witness| Witnessed { epoch: witness.epoch, mark: witness.mark });
    private(&database).map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", database.display())))?;
    let store = Store::open(data, witnessed, Box::new(rand::random::<[u8; 16]>));
    let store = store.map_err(|error| store_failure(&error, lang))?;
    Ok((Core::new(store, ask::hub_zone(), revocations), Arc::new(keys)))
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

pub(super) fn keys_failure(error: &KeysError) -> Failure {
    let exit = if error.exit_code() == Exit::Damaged as u8 { Exit::Damaged } else { Exit::Failure };
    Failure::new(exit, with_causes(error))
}

pub(super) fn store_failure(error: &StoreError, lang: Lang) -> Failure {
    let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failure };
    let text = lang.of("la base du hub a échoué", "the hub's database failed");
    Failure::new(exit, format!("{text} : {}", with_causes(error)))
}

/// The core and the keys, as [`Hub`].
pub(super) struct Engine<'a> {
    pub(super) core: &'a mut Core,
    pub(super) keys: &'a Keys,
}

impl Hub for Engine<'_> {
    fn write<T, E, F>(&mut self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        self.core.store().write(|conn, _| f(conn))
    }

    fn revoke(&mut self, device: DeviceId, reason: &str, now: Timestamp) -> Result<(), AdminError> {
        let unknown = || AdminError::UnknownDevice(device.to_string());
        let row = devices::show(self.core.connection(), device)?.ok_or_else(unknown)?;
        // The list beside the keys comes first: it must hold whatever happens to the database.
        if !self.keys.is_revoked(&row.fingerprint)? {
            self.keys.append_revocation(&row.fingerprint, self.core.day(now), reason)?;
        }
        match self.core.revoke(device, reason, now)? {
            true => Ok(()),
            false => Err(unknown()),
        }
    }

    fn approve(&mut self, only: Option<DeviceId>, now: Timestamp) -> Result<FoldedObject, AdminError> {
        let approved = self.core.approve(only, now)?;
        Ok(FoldedObject {
            devices: approved.devices.iter().map(ToString::to_string).collect(),
            changes: approved.changes,
            left: approved.left,
        })
    }

    fn check(&mut self, rebuild: bool, now: Timestamp) -> Result<CheckObject, AdminError> {
        let report = self.core.check(rebuild, now)?;
        Ok(CheckObject {
            documents: report.documents,
            changes: report.changes,
            rebuilt: rebuild && report.problems.is_empty(),
            problems: report.problems,
            differences: report.differences,
            negative: report.negative,
        })
    }
}
