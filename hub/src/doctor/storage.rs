//! What the doctor says of the database and the keys.

use std::fs::OpenOptions;
use std::path::Path;

use super::{Doctor, State};
use crate::exit::with_causes;
use crate::harm;
use crate::keys::{self, Damage, Keys, KeysError};
use crate::store::check::{self, CheckReport};
use crate::store::devices::{self, Device, Standing};
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
            Ok(ReadBack::Whole { epoch, commit, report, noted, devices }) => {
                self.told(&epoch, commit, report, noted);
                self.devices(&devices);
            }
            Err(error) if error.is_damage() => {
                self.note("database", State::Damaged, harm::what(&error, lang), harm::next(&error, lang));
            }
            Err(error) => self.note("database", State::Bad, harm::what(&error, lang), self.writable()),
        }
    }

    pub(super) fn told(&mut self, epoch: &str, commit: u64, report: CheckReport, noted: Vec<String>) {
        let lang = self.lang;
        let CheckReport { documents, changes, problems, differences, negative } = report;
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
        if !negative.is_empty() {
            let text = lang.of("sommes négatives, comptées pour 0", "figures below zero, counted as 0");
            let next = lang.of(
                "msap-hub flagged list --reason negative ; un poste du lieu corrige ce qui a été retiré deux fois",
                "msap-hub flagged list --reason negative; a desk of the site corrects what was taken away twice",
            );
            self.note("figures", State::Doubtful, format!("{} {text}", negative.len()), next);
        }
    }

    /// Machines that want a person.
    fn devices(&mut self, devices: &[Device]) {
        let lang = self.lang;
        let named = |wanted: &dyn Fn(&Device) -> bool| {
            let found: Vec<_> = devices.iter().filter(|device| wanted(device)).map(|d| d.id.to_string()).collect();
            (!found.is_empty()).then(|| found.join(" "))
        };
        if let Some(forked) = named(&|device| device.forked && device.standing != Standing::Revoked) {
            let text = lang.of("existent en double (copie ou ancienne image)", "exist twice (clone or old image)");
            let next = lang.of(
                "les comptes restent exacts ; invitez à nouveau l’un des deux postes : msap-hub site invite LIEU",
                "figures stay exact; invite one of the two again: msap-hub site invite SITE",
            );
            self.note("devices", State::Doubtful, format!("{forked} : {text}"), next);
        }
        if let Some(pending) = named(&|device| device.standing == Standing::Pending) {
            let text = lang.of("attendent une approbation", "wait for approval");
            let next = lang.of(
                "msap-hub device approve POSTE, ou device revoke POSTE --reason TEXTE",
                "msap-hub device approve DEVICE, or device revoke DEVICE --reason TEXT",
            );
            self.note("devices", State::Doubtful, format!("{pending} : {text}"), next);
        }
    }

    pub(super) fn keys(&mut self, dir: &Path) {
        let lang = self.lang;
        match Keys::examine(dir) {
            Ok(()) => self.good("keys", dir.display().to_string()),
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
        self.revocations(dir);
        for name in ["ca.key", "ca.old.key", "hub.key"] {
            if let Some(mode) = open_to_others(&dir.join(name)) {
                let text = lang.of("lisible par d’autres", "readable by others");
                let path = dir.join(name);
                self.note(
                    "keys",
                    State::Bad,
                    format!("{name} : {text} ({mode:o})"),
                    &format!("chmod 600 {}", path.display()),
                );
            }
        }
    }

    fn revocations(&mut self, dir: &Path) {
        let lang = self.lang;
        let damage = keys::read_list(dir).and_then(|list| Ok(list.damage(keys::read_witness(dir)?)));
        let (detail, next) = match damage {
            Ok(None) => return,
            Ok(Some(Damage::NoWitness)) => (
                lang.of(
                    "witness manque ou est illisible : une base remise à la main ne serait pas reconnue",
                    "witness is missing or not readable: a database put back by hand would not be noticed",
                )
                .to_owned(),
                lang.of(
                    "restaurez-le avec le dossier des clés, ou démarrez le hub",
                    "restore it with the keys, or start the hub",
                ),
            ),
            Ok(Some(damage)) => (
                lang.of(
                    format!(
                        "revocations : {} ; après une perte de la base, tous les postes attendraient une approbation",
                        damage.french()
                    ),
                    format!("revocations: {damage}; after a lost database every device would wait for approval"),
                ),
                harm::list_again(lang),
            ),
            Err(error) => (with_causes(&error), self.writable()),
        };
        self.note("keys", State::Doubtful, detail, next);
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
        devices: Vec<Device>,
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
    // A damaged table of devices is told as damage, not as an error.
    let devices = if report.problems.is_empty() { devices::list(&conn, None)? } else { Vec::new() };
    Ok(ReadBack::Whole { epoch, commit, report, noted, devices })
}

/// The mode of a private file that others may read.
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
