//! `backup`, `restore`, `doctor --repair`: copies of the database, put away and put back.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::{Context, Failure, not_joined, storage_failed};
use crate::backup::{self, BackupError};
use crate::exit::Exit;
use crate::lock::{self, Held};
use crate::out::{self, Form};
use crate::repair::{self, RepairError};
use crate::store::{self, StoreError};

/// `backup FILE`.
///
/// # Errors
/// When the file is there already, cannot be written, or the database does not verify.
pub fn backup(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let made = backup::make(&context.data, file).map_err(|error| failed(context, &error))?;
    let what = context.lang.pick("sauvegarde relue en entier", "backup read back whole");
    match context.form {
        Form::Json => out::json(&json!({ "file": file.display().to_string(), "changes": made })),
        Form::Text => out::data(&format!("{} : {what}, {made}", file.display())),
    }
    Ok(Exit::Ok)
}

/// `restore FILE`.
///
/// # Errors
/// When the agent runs (5) or the file is damaged (9); nothing is changed then.
pub fn restore(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let _held = stopped(context)?;
    let aside = backup::restore(&context.data, file, Timestamp::now()).map_err(|error| failed(context, &error))?;
    tell(context, &aside, context.lang.pick("sauvegarde remise en place", "backup put back"), json!({}));
    Ok(Exit::Ok)
}

/// `doctor --repair`.
///
/// # Errors
/// When the agent runs (5), or nothing says which site this machine counts for.
pub fn repair(context: &Context) -> Result<Exit, Failure> {
    let lang = context.lang;
    if !context.data.exists() {
        return Err(Failure::new(Exit::Invalid, not_joined(&context.data, lang)));
    }
    let _held = stopped(context)?;
    match store::open(&context.data).and_then(|conn| backup::verified(&conn)) {
        Ok(_) => {
            let sound = lang.pick("la base est saine : rien à réparer", "the database is sound: nothing to repair");
            out::note(sound);
            return Ok(Exit::Ok);
        }
        // Not for this program to judge.
        Err(error @ (StoreError::NewerSchema { .. } | StoreError::OldSqlite(_))) => {
            return Err(storage_failed(&error, &context.data, lang));
        }
        Err(_) => {}
    }
    let done = repair::repair(&context.data, &mut (Box::new(rand::random::<[u8; 16]>) as _), Timestamp::now());
    let done = done.map_err(|error| match error {
        RepairError::Nameless => Failure::new(Exit::Invalid, not_joined(&context.data, lang)),
        RepairError::Store(error) => storage_failed(&error, &context.data, lang),
        RepairError::Io { .. } => Failure::new(Exit::Failure, error.to_string()),
    })?;
    let what = match lang {
        out::Lang::Fr => format!(
            "base refaite : {}, {} ; le reste revient du hub à la prochaine connexion",
            lang.counted(done.changes.cast_signed(), ["changement repris", "changements repris"], ["", ""]),
            lang.counted(done.again.cast_signed(), ["entré de nouveau", "entrés de nouveau"], ["", ""]),
        ),
        out::Lang::En => format!(
            "database made anew: {} changes taken over, {} entered again; the rest comes back from the hub at the \
             next connection",
            done.changes, done.again
        ),
    };
    tell(context, &done.aside, &what, json!({ "changes": done.changes, "again": done.again }));
    Ok(Exit::Ok)
}

fn tell(context: &Context, aside: &Path, what: &str, mut fields: serde_json::Value) {
    let kept = context.lang.pick("l’ancienne base est gardée dans", "the old database is kept in");
    match context.form {
        Form::Json => {
            fields["aside"] = aside.display().to_string().into();
            out::json(&fields);
        }
        Form::Text => out::data(&format!("{what} ; {kept} {}", aside.display())),
    }
}

fn stopped(context: &Context) -> Result<Held, Failure> {
    lock::hold(&context.data).map_err(|error| match error {
        lock::LockError::Taken => {
            let what = context.lang.pick("l’agent est lancé : arrêtez-le d’abord", "the agent runs: stop it first");
            Failure::new(Exit::Invalid, format!("data : {what} ({})", context.data.display()))
        }
        lock::LockError::Io(source) => Failure::new(Exit::Failure, format!("{} : {source}", context.data.display())),
    })
}

fn failed(context: &Context, error: &BackupError) -> Failure {
    let lang = context.lang;
    let shown = |path: &PathBuf| path.display().to_string();
    match error {
        BackupError::Exists { path } => {
            let next = lang.pick("existe déjà : choisissez un autre nom", "exists already: choose another name");
            Failure::new(Exit::Invalid, format!("{} {next}", shown(path)))
        }
        BackupError::OtherSite { path, found } => {
            let what = lang.pick("compte pour un autre site", "counts for another site");
            Failure::new(Exit::Invalid, format!("{} {what} ({found})", shown(path)))
        }
        BackupError::Missing { path } => {
            let what = lang.pick("n’existe pas", "does not exist");
            Failure::new(Exit::NotFound, format!("{} {what}", shown(path)))
        }
        BackupError::Damaged { path, source } => {
            let what = lang.pick(
                "ne se vérifie pas ; rien n’a été changé. Prenez une autre sauvegarde",
                "does not verify; nothing was changed. Take another backup",
            );
            let exit = if source.is_damage() { Exit::Storage } else { Exit::Failure };
            Failure::new(exit, format!("{} {what} ({source})", shown(path)))
        }
        BackupError::Store(error) => storage_failed(error, &context.data, lang),
        BackupError::Io { path, source } => {
            let next = lang.pick("Vérifiez la place et les droits", "Check the free space and the permissions");
            Failure::new(Exit::Failure, format!("{} : {source}. {next}", shown(path)))
        }
    }
}
