//! The core, put together from the keys and the database, and what operators' changes ask of it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use msap_shared::id::DeviceId;
use msap_shared::time::Month;
use rusqlite::Connection;

use crate::admin::{AdminError, CheckObject, FoldedObject, Hub};
use crate::ask;
use crate::bundle::{self, AnswerObject, BundleObject};
use crate::core::{Core, Revocations};
use crate::exit::{Exit, Failure, with_causes};
use crate::keys::{Keys, KeysError, NotIntact, Witness};
use crate::lang::Lang;
use crate::store::devices::{self, Device, Standing};
use crate::store::{self, Store, StoreError, Witnessed};

/// Opens keys and database; makes both at the first start. The caller holds the lock.
///
/// # Errors
/// When either is missing beside the other, damaged or newer.
pub(super) fn open(data: &Path, keys: &Path, lang: Lang) -> Result<(Core, Arc<Keys>), Failure> {
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
    private(&database).map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", database.display())))?;
    let store = Store::open(data, witnessed, Box::new(rand::random::<[u8; 16]>));
    let store = store.map_err(|error| store_failure(&error, lang))?;
    let rows = devices::list(store.connection(), None).map_err(|error| store_failure(&error, lang))?;
    complete(&keys, &mut revocations, &rows).map_err(|error| keys_failure(&error))?;
    Ok((Core::new(store, ask::hub_zone(), revocations), Arc::new(keys)))
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

    fn import_file(
        &mut self,
        bytes: &[u8],
        address: &str,
        answer: bool,
        now: Timestamp,
    ) -> Result<BundleObject, AdminError> {
        Ok(bundle::import(self.core, self.keys, bytes, address, answer, now)?)
    }

    fn export_file(
        &mut self,
        device: DeviceId,
        from: Option<Month>,
        now: Timestamp,
    ) -> Result<Option<AnswerObject>, AdminError> {
        Ok(bundle::answer(self.core, self.keys, device, from, now)?)
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

#[cfg(test)]
mod tests {
    use msap_shared::id::Fingerprint;
    use msap_shared::io::link::CloseCode;

    use super::*;
    use crate::accept::ConnId;
    use crate::core::{Input, Output};

    fn now() -> Timestamp {
        "2026-11-20T11:00:00Z".parse().unwrap()
    }

    fn opened(conn: u64, device: Fingerprint) -> Vec<Input> {
        let site = "275".parse().unwrap();
        vec![Input::Opened { conn: ConnId::new(conn), fingerprint: device, site, transport: "quic" }]
    }

    fn is_turned_away(outputs: &[Output]) -> bool {
        matches!(outputs, [Output::Close(_, CloseCode::Revoked)])
    }

    /// A hub with two devices in session.
    fn hub(data: &Path, keys: &Path) -> (Core, Arc<Keys>, [Fingerprint; 2]) {
        let (mut core, keys) = open(data, keys, Lang::Fr).unwrap();
        witness(&core, &keys).unwrap();
        let devices = [Fingerprint::new([1; 32]), Fingerprint::new([2; 32])];
        for (conn, device) in (1..).zip(devices) {
            assert!(core.turn(opened(conn, device), now()).unwrap().is_empty());
        }
        (core, keys, devices)
    }

    #[test]
    fn revocations_that_keys_from_an_old_backup_lack_are_added_from_the_database() {
        let (data, old, lost) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut core, keys, [first, second]) = hub(data.path(), &data.path().join("keys"));
        Engine { core: &mut core, keys: &keys }.revoke(first.device(), "volé", now()).unwrap();
        witness(&core, &keys).unwrap();
        for entry in std::fs::read_dir(data.path().join("keys")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), old.path().join(entry.file_name())).unwrap();
        }
        Engine { core: &mut core, keys: &keys }.revoke(second.device(), "vendu", now()).unwrap();
        witness(&core, &keys).unwrap();
        drop((core, keys));

        let (core, keys) = open(data.path(), old.path(), Lang::Fr).unwrap();
        assert_eq!(keys.revocations().unwrap(), [first, second]);
        witness(&core, &keys).unwrap();
        drop((core, keys));
        // The database is lost later on: the list is whole and turns both away.
        let (mut core, keys) = open(lost.path(), old.path(), Lang::Fr).unwrap();
        assert_eq!(keys.revocations().unwrap().len(), 2);
        for (conn, device) in (3..).zip([first, second]) {
            assert!(is_turned_away(&core.turn(opened(conn, device), now()).unwrap()));
        }
    }

    #[test]
    fn a_revocation_holds_though_the_database_cannot_be_written() {
        let data = tempfile::tempdir().unwrap();
        let (mut core, keys, [first, _]) = hub(data.path(), &data.path().join("keys"));
        core.connection().execute_batch("PRAGMA query_only = ON").unwrap();
        let context = crate::admin::Context { ca_hash: [0; 16], advertise: None, sync: "127.0.0.1:1".parse().unwrap() };
        let asked =
            crate::admin::Change::DeviceRevoke { device: first.device().to_string(), reason: "volé".to_owned() };
        let mut engine = Engine { core: &mut core, keys: &keys };
        assert!(crate::admin::change(&mut engine, &asked, &context, Lang::Fr, now()).is_err());
        assert!(is_turned_away(&core.drain_outputs()));
        assert_eq!(keys.revocations().unwrap(), [first]);
        core.connection().execute_batch("PRAGMA query_only = OFF").unwrap();
        assert!(is_turned_away(&core.turn(opened(9, first), now()).unwrap()));
        // Asked again, the row follows.
        let mut engine = Engine { core: &mut core, keys: &keys };
        crate::admin::change(&mut engine, &asked, &context, Lang::Fr, now()).unwrap();
        let row = devices::show(core.connection(), first.device()).unwrap().unwrap();
        assert_eq!(row.standing, Standing::Revoked);
    }
}
