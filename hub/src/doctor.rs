//! `msap-hub doctor`: is this installation in order?
//!
//! Looks, changes nothing, and needs no running hub. Everything that the database holds is read
//! back, beside a hub that serves as well. Each finding that is not in order says what to do.

use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::address;
use crate::admin::socket;
use crate::app::ADDRESSES;
use crate::backup::schedule::{Age, Schedule};
use crate::backup::{aside, glance};
use crate::client::{Lock, LockError};
use crate::config::Settings;
use crate::exit::{Failure, with_causes};
use crate::harm;
use crate::keys::Keys;
use crate::lang::Lang;
use crate::store;

mod checked;
mod room;
mod storage;
#[cfg(test)]
mod tests;

/// How one point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In order.
    Good,
    /// Worth a look.
    Doubtful,
    /// To be put right.
    Bad,
    /// Storage is damaged, or from a newer version.
    Damaged,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was examined.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// What to do about it; empty when it is in order.
    pub next: String,
}

/// Examines settings, data directory, keys, database, backups and the running hub.
pub fn examine(data: &Path, keys: &Path, settings: Result<Settings, Failure>, lang: Lang) -> Vec<Finding> {
    let mut doctor = Doctor { lang, found: Vec::new() };
    let schedule = doctor.settings(settings, listening(data));
    let database = data.join(store::FILE_NAME);
    if database.exists() {
        let runs = doctor.hub(data);
        doctor.room(data, runs);
        doctor.database(&database, runs);
        doctor.keys(keys, &database);
        doctor.backups(schedule);
        doctor.replaced(data);
    } else if Keys::examine(keys).is_ok() {
        let detail = format!("{} : {}", database.display(), harm::lost(keys, lang));
        doctor.note("database", State::Damaged, detail, harm::replace(lang));
        doctor.keys(keys, &database);
        doctor.backups(schedule);
    } else {
        let text = lang.of("n’existe pas", "does not exist");
        let next = lang.of(
            "« msap-hub serve » crée une base ; sinon, vérifiez --data",
            "«msap-hub serve» makes one; otherwise check --data",
        );
        doctor.note("database", State::Bad, format!("{} {text}", database.display()), next);
    }
    doctor.found
}

/// Where the hub listens that runs on this directory.
fn listening(data: &Path) -> Option<SocketAddr> {
    let text = std::fs::read(data.join(ADDRESSES)).ok()?;
    serde_json::from_slice::<serde_json::Value>(&text).ok()?["sync"].as_str()?.parse().ok()
}

struct Doctor {
    lang: Lang,
    found: Vec<Finding>,
}

impl Doctor {
    fn note(&mut self, check: &'static str, state: State, detail: impl Into<String>, next: &str) {
        self.found.push(Finding { check, state, detail: detail.into(), next: next.to_owned() });
    }

    fn good(&mut self, check: &'static str, detail: impl Into<String>) {
        self.note(check, State::Good, detail, "");
    }

    /// The settings; answers the schedule of backups. `running` is where a hub listens that runs.
    fn settings(&mut self, settings: Result<Settings, Failure>, running: Option<SocketAddr>) -> Option<Schedule> {
        let lang = self.lang;
        match settings {
            Err(failure) => {
                let next = lang.of("corrigez ce réglage", "put this setting right");
                self.note("settings", State::Bad, failure.message, next);
                None
            }
            Ok(settings) => {
                match &settings.sync_advertise {
                    Some(address) => self.good("settings", format!("sync.advertise = {address}")),
                    None => self.not_advertised(running.unwrap_or(settings.sync_listen)),
                }
                settings.backup
            }
        }
    }

    /// Says of join codes what `site invite` does.
    fn not_advertised(&mut self, sync: SocketAddr) {
        let lang = self.lang;
        let detail = match address::of_codes(None, sync) {
            Some(address) => lang.of(
                format!("sync.advertise n’est pas réglé : les codes portent {address}"),
                format!("sync.advertise is not set: join codes carry {address}"),
            ),
            None => lang.of(
                format!("sync.advertise n’est pas réglé, et le port de {sync} n’est connu que si le hub tourne"),
                format!("sync.advertise is not set, and the port of {sync} is known only while the hub runs"),
            ),
        };
        let next = lang.of(
            "réglez-le avant d’inviter des postes hors de cette machine et de son réseau",
            "set it before inviting machines that are not on this one's network",
        );
        self.note("settings", State::Doubtful, detail, next);
    }

    /// Whether a hub serves.
    fn hub(&mut self, data: &Path) -> bool {
        let lang = self.lang;
        match Lock::take(data) {
            Ok(_lock) => {
                let next = lang.of("démarrez-le : systemctl start msap-hub", "start it: systemctl start msap-hub");
                self.note("hub", State::Doubtful, lang.of("le hub ne tourne pas", "the hub does not run"), next);
                return false;
            }
            Err(error @ LockError::Io { .. }) => {
                self.note("hub", State::Bad, with_causes(&error), self.writable());
                return false;
            }
            Err(LockError::Taken(_)) => {}
        }
        match std::os::unix::net::UnixStream::connect(data.join(socket::NAME)) {
            Ok(_stream) => self.good("hub", lang.of("le hub tourne", "the hub runs")),
            Err(error) => {
                let next = lang.of("attendez ou redémarrez le hub", "wait, or start the hub again");
                self.note("hub", State::Bad, format!("{} : {error}", socket::NAME), next);
            }
        }
        true
    }

    fn writable(&self) -> &'static str {
        self.lang.of(
            "vérifiez les droits du dossier et que son disque n’est pas monté en lecture seule",
            "check the permissions of the directory, and that its disk is not mounted read-only",
        )
    }

    /// Databases that a restored one has replaced.
    fn replaced(&mut self, data: &Path) {
        let found = aside::list(data).unwrap_or_default();
        if found.is_empty() {
            return;
        }
        let size: u64 = found.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
        let names: Vec<_> =
            found.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
        let text = self.lang.of(
            "remplacées par une restauration, les plus anciennes supprimées au-delà de",
            "replaced by a restored one, the oldest removed beyond",
        );
        let detail = format!("{} ({} Mio), {text} {}", names.join(" "), size.div_ceil(1 << 20), aside::KEEP);
        self.good("replaced", detail);
    }

    fn backups(&mut self, schedule: Option<Schedule>) {
        let lang = self.lang;
        let Some(schedule) = schedule else {
            let text = lang.of("aucune sauvegarde n’est programmée", "no backup is scheduled");
            let next = lang.of("réglez backup.dir", "set backup.dir");
            return self.note("backup", State::Doubtful, text, next);
        };
        let next = lang.of(
            "lisez le journal du hub ; essayez msap-hub backup FICHIER",
            "read the hub’s log; try msap-hub backup FILE",
        );
        match schedule.age(glance::pages, Timestamp::now()) {
            Err(error) => {
                let dir = schedule.dir.display();
                self.note("backup", State::Bad, format!("{dir} : {error}"), self.writable());
            }
            Ok(Age { last, overdue, broken }) => {
                for (file, what) in &broken {
                    let text = lang.of("n’est pas une sauvegarde entière", "is not a whole backup");
                    self.note("backup", State::Bad, format!("{} {text} : {what}", file.display()), next);
                }
                let Some((file, age)) = last else {
                    let text = lang.of("aucune bonne sauvegarde dans", "no good backup in");
                    return self.note("backup", State::Bad, format!("{text} {}", schedule.dir.display()), next);
                };
                let text = lang.of("âge de la dernière bonne sauvegarde", "age of the last good backup");
                let detail = format!("{text} : {} h ({} s), {}", age.as_secs() / 3_600, age.as_secs(), file.display());
                match overdue {
                    true => self.note("backup", State::Bad, detail, next),
                    false => self.good("backup", detail),
                }
            }
        }
    }
}
