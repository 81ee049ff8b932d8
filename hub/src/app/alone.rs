//! Carrying out a request while no hub runs.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::engine::{self, Engine};
use super::opening;
use crate::admin::{self, Asked, Context, Reply, Request};
use crate::almanac::Almanac;
use crate::backup::restore;
use crate::client::{LOCK, Lock};
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::harm;
use crate::keys::{self, Keys};
use crate::lang::Lang;
use crate::store::{self, StoreError};
use crate::who::Who;

/// Whether this can be a hub's data directory: a mistyped name must not become one.
pub(super) fn exists(data: &Path, keys: &Path, lang: Lang) -> Result<(), Failure> {
    match data.join(store::FILE_NAME).exists() || data.join(LOCK).exists() {
        true => Ok(()),
        false => Err(no_database(data, keys, lang)),
    }
}

/// Nothing was ever here, unless keys say that a hub was: then its database is lost.
pub(super) fn no_database(data: &Path, keys: &Path, lang: Lang) -> Failure {
    if Keys::examine(keys).is_ok() {
        let (what, next) = (harm::lost(keys, lang), harm::replace(lang));
        return Failure::new(Exit::Damaged, format!("{} : {what} ; {next}", data.join(store::FILE_NAME).display()));
    }
    let text = lang.of("pas de hub ici ; « msap-hub serve » en crée un", "no hub here; «msap-hub serve» makes one");
    Failure::new(Exit::NotFound, format!("{} : {text}", data.display()))
}

/// Carries out a request under the lock of the data directory.
///
/// # Errors
/// When the request cannot be carried out.
pub(super) fn carry_out(
    _lock: &Lock,
    data: &Path,
    keys: &Path,
    settings: &Settings,
    asked: &Asked,
) -> Result<Reply, Failure> {
    let (lang, now) = (asked.lang, Timestamp::now());
    restore::finish(data).map_err(|error| engine::backup_failure(&error, lang))?;
    let path = data.join(store::FILE_NAME);
    if !path.exists() {
        return Err(no_database(data, keys, lang));
    }
    match &asked.request {
        Request::Look(look) => {
            opening::examined(&path, lang)?;
            let conn = open(&path).map_err(|error| engine::store_failure(&error, lang))?;
            let list = || keys::read_list(keys).map(|found| found.listed);
            let almanac = Almanac::new(settings.rules.clone());
            admin::look_beside_list(&conn, &almanac, look, list, lang, now).map_err(|error| error.failure(lang))
        }
        Request::Authorities => {
            opening::examined(&path, lang)?;
            let conn = open(&path).map_err(|error| engine::store_failure(&error, lang))?;
            let keys = Keys::open_or_create(keys, true).map_err(|error| engine::keys_failure(&error))?;
            let found = admin::authorities(&conn, &keys).map_err(|error| error.failure(lang))?;
            Ok(Reply::Authorities(found))
        }
        Request::Revocations => {
            let keys = Keys::open_or_create(keys, true).map_err(|error| engine::keys_failure(&error))?;
            admin::revocations(&keys, lang).map(Reply::Revocations).map_err(|error| error.failure(lang))
        }
        Request::Change(change) => {
            let (mut core, keys) = opening::open(data, keys, lang)?;
            let context = Context {
                ca_hash: keys.ca_hash(),
                advertise: settings.sync_advertise.clone(),
                sync: settings.sync_listen,
            };
            let reply = core.on_behalf(Who::Operator, |core| {
                let mut hub = Engine { core, keys: &keys };
                admin::change(&mut hub, change, &context, lang, now).map_err(|error| error.failure(lang))
            });
            // Also after a failure: a database that went back in time has a new epoch by now.
            let witnessed = opening::witness(&core, &keys).map_err(|error| engine::keys_failure(&error));
            let reply = reply?;
            witnessed.map(|()| reply)
        }
    }
}

/// A connection to an existing database, brought to this version's layout.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(StoreError::sqlite("opening the database"))?;
    store::brought_up(conn, path)
}
