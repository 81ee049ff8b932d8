//! What the doctor says of the database and the keys.

use std::fs::OpenOptions;
use std::path::Path;

use super::{Doctor, State};
use crate::exit::with_causes;
use crate::harm;
use crate::keys::{Keys, KeysError};
use crate::store::check::{self, CheckReport};
use crate::store::wal::{self, Log};
use crate::store::{self, MIGRATIONS, StoreError, findings, meta};

/// Problems of one kind that are told.
const TOLD_MAX: usize = 5;

impl Doctor {
    pub(super) fn database(&mut self, database: &Path, runs: bool) {
        let lang = self.lang;
        if let Err(error) = OpenOptions::new().write(true).open(database) {
            self.note("data", State::Bad, format!("{} : {error}", database.display()), self.writable());
        }
        if std::fs::metadata(database).is_ok_and(|file| file.len() == 0) {
            let text = lang.of("est vide", "is empty");
            return self.note(
                "database",
                State::Damaged,
                format!("{} {text}", database.display()),
                harm::restore(lang),
            );
        }
        if !runs && matches!(wal::compare(database), Ok(Log::Foreign)) {
            let text = lang.of(
                "la base a été remise à côté du journal (-wal) d’une autre",
                "the database was put back beside the log (-wal) of another one",
            );
            let next = lang.of(
                "démarrez le hub : il met ce journal de côté, et les postes renvoient ce qui manque",
                "start the hub: it sets the log aside, and the sites send what is missing",
            );
            return self.note("database", State::Doubtful, text, next);
        }
        match read_back(database) {
            Ok(ReadBack::Older(layout)) => {
                let next = lang.of("démarrez le hub : il la met à jour", "start the hub: it brings it up to date");
                let text = lang.of("format d’une version plus ancienne", "layout of an older version");
                self.note("database", State::Doubtful, format!("{text} ({layout})"), next);
            }
            Ok(ReadBack::Whole { epoch, commit, report, noted }) => self.told(&epoch, commit, report, noted),
            Err(error) if error.is_damage() => {
                self.note("database", State::Damaged, harm::what(&error, lang), harm::next(&error, lang));
            }
            Err(error) => self.note("database", State::Bad, harm::what(&error, lang), self.writable()),
        }
    }

    fn told(&mut self, epoch: &str, commit: u64, report: CheckReport, noted: Vec<String>) {
        let lang = self.lang;
        let CheckReport { documents, changes, problems, differences, .. } = report;
        if !problems.is_empty() {
            let told: Vec<_> = problems.iter().take(TOLD_MAX).map(String::as_str).collect();
            return self.note("database", State::Damaged, told.join(" ; "), harm::restore(lang));
        }
        let read = lang.of("changements relus", "changes read back");
        let sqlite = rusqlite::version();
        self.good(
            "database",
            format!("epoch {epoch}, commit {commit}, {documents} documents, {changes} {read}, sqlite {sqlite}"),
        );
        // What the running hub noted when it opened documents that had changed.
        let told: Vec<_> = differences.iter().chain(&noted).take(TOLD_MAX).map(String::as_str).collect();
        if !told.is_empty() {
            self.note("documents", State::Bad, told.join(" ; "), "msap-hub check --rebuild");
        }
    }

    pub(super) fn keys(&mut self, keys: &Path) {
        let lang = self.lang;
        match Keys::examine(keys) {
            Ok(()) => self.good("keys", keys.display().to_string()),
            Err(error) => {
                let damaged = error.exit_code() == 9;
                let state = if damaged { State::Damaged } else { State::Bad };
                let next = match error {
                    KeysError::Io { .. } => self.writable(),
                    _ => lang.of(
                        "restaurez le dossier des clés depuis sa sauvegarde",
                        "restore the keys directory from its backup",
                    ),
                };
                self.note("keys", state, with_causes(&error), next);
            }
        }
        for (name, text) in [
            (
                "revocations",
                lang.of(
                    "les postes qui reviennent attendront une approbation",
                    "devices that come back will wait for approval",
                ),
            ),
            (
                "witness",
                lang.of(
                    "une base remise à la main ne serait pas reconnue",
                    "a database put back by hand would not be noticed",
                ),
            ),
        ] {
            if !keys.join(name).exists() {
                let next = lang.of(
                    "restaurez-le avec le dossier des clés, ou démarrez le hub",
                    "restore it with the keys, or start the hub",
                );
                self.note("keys", State::Doubtful, format!("{name} : {text}"), next);
            }
        }
        for name in ["ca.key", "ca.old.key", "hub.key"] {
            if let Some(mode) = open_to_others(&keys.join(name)) {
                let text = lang.of("lisible par d’autres", "readable by others");
                let path = keys.join(name);
                self.note(
                    "keys",
                    State::Bad,
                    format!("{name} : {text} ({mode:o})"),
                    &format!("chmod 600 {}", path.display()),
                );
            }
        }
    }
}

enum ReadBack {
    /// A layout that the next start brings up to date.
    Older(u32),
    Whole {
        epoch: String,
        commit: u64,
        report: CheckReport,
        noted: Vec<String>,
    },
}

fn read_back(database: &Path) -> Result<ReadBack, StoreError> {
    let conn = store::reader(database)?;
    let layout = meta::layout(&conn)?;
    match usize::try_from(layout).unwrap_or(usize::MAX) {
        0 => return Err(StoreError::corrupt("it is not the database of a hub")),
        older if older < MIGRATIONS.len() => return Ok(ReadBack::Older(layout)),
        newer if newer > MIGRATIONS.len() => return Err(StoreError::NewerSchema { path: database.into() }),
        _ => {}
    }
    let epoch = meta::epoch(&conn)?.map(|epoch| epoch.to_string()).unwrap_or_default();
    let commit = meta::last_mark(&conn)?.map_or(0, |mark| mark.commit);
    let noted = findings::findings(&conn)?;
    let report = check::look::<StoreError>(&conn, &mut |_, _| Ok(()))?;
    Ok(ReadBack::Whole { epoch, commit, report, noted })
}

/// The mode of a private file that others may read.
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
