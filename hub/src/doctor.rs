//! `msap-hub doctor`: is this installation in order?
//!
//! Looks, changes nothing, and needs no running hub.

use std::path::Path;

use serde::Serialize;

use crate::admin::socket;
use crate::client::{Lock, LockError};
use crate::config::Settings;
use crate::exit::Failure;
use crate::lang::Lang;
use crate::store::{self, findings, meta};

/// How one point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In order.
    Good,
    /// Worth a look.
    Doubtful,
    /// To be put right.
    Bad,
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
}

/// Examines settings, data directory, keys, database and the running hub.
pub fn examine(data: &Path, keys: &Path, settings: Result<Settings, Failure>, lang: Lang) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut note = |check, state, detail: String| found.push(Finding { check, state, detail });
    match &settings {
        Err(failure) => note("settings", State::Bad, failure.message.clone()),
        Ok(settings) if settings.sync_advertise.is_none() => {
            let text = lang.of(
                "sync.advertise manque : les codes d’invitation porteront l’adresse d’écoute",
                "sync.advertise is missing: join codes will carry the address listened on",
            );
            note("settings", State::Doubtful, text.to_owned());
        }
        Ok(_) => note("settings", State::Good, String::new()),
    }

    let database = data.join(store::FILE_NAME);
    if !database.exists() {
        let text = lang.of(
            "pas de base : « msap-hub serve » n’a jamais tourné ici",
            "no database: «msap-hub serve» never ran here",
        );
        note("database", State::Bad, format!("{} : {text}", database.display()));
        return found;
    }
    let read = store::reader(&database).and_then(|conn| {
        let epoch = meta::epoch(&conn)?;
        let mark = meta::last_mark(&conn)?;
        Ok((epoch, mark, findings::findings(&conn)?))
    });
    match read {
        Ok((epoch, mark, problems)) => {
            let epoch = epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
            let commit = mark.map_or(0, |mark| mark.commit);
            note("database", State::Good, format!("epoch {epoch}, commit {commit}, sqlite {}", rusqlite::version()));
            // What the running hub noted when it opened documents that had changed.
            problems.into_iter().for_each(|problem| note("documents", State::Bad, problem));
        }
        Err(error) => note("database", State::Bad, crate::exit::with_causes(&error)),
    }

    for name in ["ca.key", "hub.key", "revocations"] {
        let path = keys.join(name);
        let state = if path.exists() { State::Good } else { State::Bad };
        note("keys", state, path.display().to_string());
    }
    for name in ["ca.key", "hub.key"] {
        if let Some(mode) = open_to_others(&keys.join(name)) {
            let text = lang.of("lisible par d’autres", "readable by others");
            note("keys", State::Bad, format!("{name} : {text} ({mode:o})"));
        }
    }

    match Lock::take(data) {
        Ok(_lock) => note("hub", State::Doubtful, lang.of("le hub ne tourne pas", "the hub does not run").to_owned()),
        Err(error @ LockError::Io { .. }) => note("hub", State::Bad, crate::exit::with_causes(&error)),
        Err(LockError::Taken(_)) => match std::os::unix::net::UnixStream::connect(data.join(socket::NAME)) {
            Ok(_stream) => note("hub", State::Good, lang.of("le hub tourne", "the hub runs").to_owned()),
            Err(error) => note("hub", State::Bad, format!("{} : {error}", socket::NAME)),
        },
    }
    found
}

/// The mode of a private file that others may read.
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
