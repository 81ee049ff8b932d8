//! What the doctor says of the database and the keys.

use crate::lang::counted;
use std::fs::OpenOptions;
use std::path::Path;

use jiff::Timestamp;
use msap_shared::id::Fingerprint;

use super::{Doctor, State};
use crate::exit::with_causes;
use crate::harm;
use crate::keys::{self, Damage, Keys, KeysError};
use crate::store::check::{self, CheckReport};
use crate::store::check_runs::{self, CheckRun};
use crate::store::devices::{self, Device, Standing};
use crate::store::wal::{self, Log};
use crate::store::{self, MIGRATIONS, StoreError, findings, meta, network, seal};

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
            Ok(ReadBack::Whole { epoch, commit, report, noted, last, awaited, devices }) => {
                self.told(&epoch, commit, report, noted);
                self.checked(last, awaited, Timestamp::now());
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
        let CheckReport { documents, changes, problems, registry, differences, negative } = report;
        if !problems.is_empty() {
            let told: Vec<_> = problems.iter().take(TOLD_MAX).map(String::as_str).collect();
            return self.note("database", State::Damaged, told.join(" ; "), harm::restore(lang));
        }
        let documents = counted(documents, lang, ["document", "documents"], ["document", "documents"]);
        let read =
            counted(changes, lang, ["changement relu", "changements relus"], ["change read back", "changes read back"]);
        let sqlite = rusqlite::version();
        self.good("database", format!("epoch {epoch}, commit {commit}, {documents}, {read}, sqlite {sqlite}"));
        if !registry.is_empty() {
            self.note("registry", State::Damaged, seal::abridged(&registry), harm::registry(lang));
        }
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

    pub(super) fn keys(&mut self, dir: &Path, database: &Path) {
        let lang = self.lang;
        match Keys::examine(dir).and_then(|present| of_one_network(dir, &present, database)) {
            Ok(()) => self.good("keys", dir.display().to_string()),
            Err(error) => {
                let damaged = error.exit_code() == 9;
                let state = if damaged { State::Damaged } else { State::Bad };
                let next = match error {
                    KeysError::Io { .. } => self.writable(),
                    KeysError::Mixed { .. } | KeysError::OtherNetwork { .. } => lang.of(
                        "remettez les fichiers de ce hub depuis la sauvegarde du dossier des clés, ou donnez le bon \
                         dossier par --keys",
                        "put this hub's files back from the backup of the keys directory, or name the right one with \
                         --keys",
                    ),
                    _ => lang.of(
                        "restaurez le dossier des clés depuis sa sauvegarde",
                        "restore the keys directory from its backup",
                    ),
                };
                self.note("keys", state, with_causes(&error), next);
            }
        }
        self.witness(dir);
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

    /// The file that tells a database that went back in time.
    fn witness(&mut self, dir: &Path) {
        let lang = self.lang;
        // A file that cannot be read at all is told with the list of revocations.
        if !matches!(keys::read_witness(dir), Ok(None)) {
            return;
        }
        let detail = match keys::has_witness(dir) {
            true => lang.of(
                "witness est illisible : une base remise à la main ne serait pas reconnue, ni une liste de \
                 révocations écourtée",
                "witness is not readable: neither a database put back by hand would be noticed, nor a list of \
                 revocations cut short",
            ),
            false => lang.of(
                "witness manque : une base remise à la main ne serait pas reconnue, ni une liste de révocations \
                 écourtée",
                "witness is missing: neither a database put back by hand would be noticed, nor a list of revocations \
                 cut short",
            ),
        };
        let next = lang.of(
            "redémarrez le hub : il l’écrit à nouveau, d’après la base et la liste telles qu’elles sont",
            "start the hub again: it writes it anew, from the database and the list as they are",
        );
        self.note("keys", State::Doubtful, detail, next);
    }

    fn revocations(&mut self, dir: &Path) {
        let lang = self.lang;
        let damage = keys::read_list(dir).and_then(|list| Ok(list.damage(keys::read_witness(dir)?)));
        let (detail, next) = match damage {
            // Told of the witness.
            Ok(None | Some(Damage::NoWitness)) => return,
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

#[expect(clippy::large_enum_variant, reason = "one is made, and taken apart at once")]
enum ReadBack {
    /// A layout that the next start brings up to date.
    Older(u32),
    Whole {
        epoch: String,
        commit: u64,
        report: CheckReport,
        noted: Vec<String>,
        last: Option<CheckRun>,
        awaited: Option<i64>,
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
    let last = if report.problems.is_empty() { check_runs::last(&conn)? } else { None };
    let awaited = if report.problems.is_empty() { check_runs::awaited_from(&conn)? } else { None };
    Ok(ReadBack::Whole { epoch, commit, report, noted, last, awaited, devices })
}

/// Whether the keys are those that the database was last opened with. One that cannot be read says
/// nothing here: it is told of by itself.
fn of_one_network(dir: &Path, present: &[Fingerprint], database: &Path) -> Result<(), KeysError> {
    let noted = store::reader(database).and_then(|conn| network::keys(&conn)).unwrap_or_default();
    keys::of_one_network((database, &noted), (dir, present))
}

/// The mode of a private file that others may read.
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
