//! `bundle` and `join` by file: what goes over a stick instead of a network.
//!
//! Files are read and written by the command itself, with the rights of whoever runs it; the
//! agent that runs is only given bytes. Without one, the command takes the data directory.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use data_encoding::BASE64;
use hyper::Method;
use jiff::Timestamp;
use msap_shared::io::bundle::LEN_MAX;
use msap_shared::io::file::{self, Access};
use serde_json::{Value, json};

use super::machine::{joined, machine_name};
use super::{Context, Failure, english, storage_failed};
use crate::bundle::{self, FileError};
use crate::client::{Client, ClientError};
use crate::command::{Command, CommandError, Reply};
use crate::core::{Core, Input, Now, Output};
use crate::exit::Exit;
use crate::identity::IdentityFiles;
use crate::out::{self, Form, Lang};
use crate::web::Problem;
use crate::{join, lock, store, web};

/// `bundle export`, `bundle import`.
#[derive(Debug, Subcommand)]
pub enum BundleAction {
    /// Écrit dans un fichier ce que le hub n’a pas encore, à lui porter sur une clé USB
    Export {
        /// Fichier à écrire, par exemple sur la clé USB
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
        /// Tout ce qui est gardé ici, même ce que le hub a déjà
        #[arg(long)]
        all: bool,
    },
    /// Lit la réponse du hub rapportée sur une clé USB
    Import {
        /// Fichier donné par le hub
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
    },
}

/// `bundle`.
///
/// # Errors
/// As the file or the agent says.
pub async fn bundle(context: &Context, action: BundleAction) -> Result<Exit, Failure> {
    match action {
        BundleAction::Export { file, all } => export(context, &file, all).await,
        BundleAction::Import { file } => import(context, &file).await,
    }
}

async fn export(context: &Context, path: &Path, all: bool) -> Result<Exit, Failure> {
    let mut made = match Client::find(&context.data) {
        Ok(client) => client.send(Method::POST, "/api/bundle/export", &json!({ "all": all })).await,
        Err(ClientError::NotRunning { .. }) => {
            let Reply::Draft(draft) = alone(context, Command::Export { all })? else { return Err(mistaken(context)) };
            let sealed = bundle::seal(&context.data, &draft).map_err(|error| failed(path, &error, context.lang))?;
            Ok(web::file_object(&draft, &sealed))
        }
        Err(error) => Err(error),
    }
    .map_err(|error| context.failed(error))?;
    let sealed = made["file"].as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok());
    write(path, &sealed.ok_or_else(|| mistaken(context))?)?;
    made["file"] = path.display().to_string().into();
    let lang = context.lang;
    match context.form {
        Form::Json => out::json(&made),
        Form::Text => {
            let (what, changes) =
                (lang.pick("saisies à porter au hub", "changes to carry to the hub"), &made["changes"]);
            out::data(&format!("{} : {changes} {what}", path.display()));
            out::note(lang.pick(
                "Portez ce fichier à l’équipe du hub, qui vous rendra une réponse ; puis : msap-agent bundle import RÉPONSE",
                "Carry this file to the hub’s team, who give you an answer; then: msap-agent bundle import ANSWER",
            ));
        }
    }
    if made["whole"] == false {
        out::note(lang.pick(
            "Tout n’a pas tenu dans le fichier : le reste partira dans le suivant, après la réponse",
            "Not everything fitted into the file: the rest goes into the next one, after the answer",
        ));
    }
    Ok(Exit::Ok)
}

async fn import(context: &Context, path: &Path) -> Result<Exit, Failure> {
    let bytes = read(context, path)?;
    let imported = match Client::find(&context.data) {
        Ok(client) => {
            let body = json!({ "file": BASE64.encode(&bytes) });
            let sent = client.send(Method::POST, web::guard::IMPORT_PATH, &body).await;
            sent.map_err(|error| of_file(path, context.failed(error)))?
        }
        Err(ClientError::NotRunning { .. }) => {
            let answer = bundle::open(&context.data, &bytes).map_err(|error| failed(path, &error, context.lang))?;
            match alone(context, Command::Import(Box::new(answer))).map_err(|failure| of_file(path, failure))? {
                Reply::Imported(imported) => web::imported_object(&imported),
                _ => return Err(mistaken(context)),
            }
        }
        Err(error) => return Err(context.failed(error)),
    };
    match context.form {
        Form::Json => out::json(&imported),
        Form::Text => tell(context, &imported),
    }
    Ok(Exit::Ok)
}

fn tell(context: &Context, imported: &Value) {
    let lang = context.lang;
    if imported["again"] == true {
        out::note(
            lang.pick("Ce fichier a déjà été importé : rien n’a changé", "This file was imported before: no change"),
        );
    }
    if imported["pending"] == true {
        out::note(lang.pick(
            "Le hub attend qu’on approuve ce poste : il ne confirme rien d’ici là. Prévenez l’équipe du hub",
            "The hub waits for somebody to approve this machine and confirms nothing until then. Tell the hub’s team",
        ));
    }
    let rows = [
        ("Reçues par le hub", "Confirmed by the hub", "confirmed"),
        ("dont nouvelles", "of these, new", "newly_confirmed"),
        ("En attente", "Waiting", "waiting"),
        ("Mises de côté", "Set aside", "refused"),
    ];
    let rows = rows.map(|(fr, en, name)| vec![lang.pick(fr, en).to_owned(), imported[name].to_string()]);
    out::table(&[], rows.into());
}

/// `join CODE --request FILE`: asks by file.
///
/// # Errors
/// When the code or the file cannot be used.
pub fn join_request(context: &Context, code: &str, label: Option<String>, path: &Path) -> Result<Exit, Failure> {
    let label = label.unwrap_or_else(machine_name);
    let request = join::file::request(&context.data, code, &label)
        .map_err(|error| super::machine::not_joined(&error, context.lang))?;
    write(path, &request)?;
    match context.form {
        Form::Json => out::json(&json!({ "file": path.display().to_string(), "label": label })),
        Form::Text => {
            out::data(&path.display().to_string());
            out::note(context.lang.pick(
                "Portez ce fichier à l’équipe du hub ; puis, avec sa réponse : msap-agent join CODE --answer RÉPONSE",
                "Carry this file to the hub’s team; then, with their answer: msap-agent join CODE --answer ANSWER",
            ));
        }
    }
    Ok(Exit::Ok)
}

/// `join CODE --answer FILE`: takes the hub's answer.
///
/// # Errors
/// When the answer is not the one to this machine's request.
pub async fn join_answer(context: &Context, code: &str, path: &Path) -> Result<Exit, Failure> {
    let bytes = read(context, path)?;
    let (done, label) = join::file::answer(&context.data, code, &bytes)
        .map_err(|error| of_file(path, super::machine::not_joined(&error, context.lang)))?;
    let exit = joined(context, &done, &label).await?;
    if context.form == Form::Text {
        out::note(context.lang.pick(
            "Horaires, partenaires et calendriers viennent avec le premier échange : msap-agent bundle export FICHIER, \
             puis msap-agent bundle import RÉPONSE",
            "Hours, partners and calendars come with the first exchange: msap-agent bundle export FILE, then \
             msap-agent bundle import ANSWER",
        ));
    }
    Ok(exit)
}

/// Carries out one command while no agent runs.
fn alone(context: &Context, command: Command) -> Result<Reply, Failure> {
    let data = &context.data;
    let storage = |error: &store::StoreError| storage_failed(error, data, context.lang);
    let held =
        lock::hold(data).map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", data.display())))?;
    let mut core = store::open(data)
        .and_then(|conn| Core::new(conn, Box::new(rand::random::<[u8; 16]>)))
        .map_err(|error| storage(&error))?;
    core = core.with(Box::new(IdentityFiles::new(data)));
    let now = Now { wall: Timestamp::now(), monotonic_ms: 0 };
    let outputs = core.turn(vec![Input::Command(0, command)], now).map_err(|error| storage(&error))?;
    drop(held);
    let reply = outputs.into_iter().find_map(|output| match output {
        Output::Reply(_, reply) => Some(reply),
        _ => None,
    });
    reply.ok_or_else(|| mistaken(context))?.map_err(|error: CommandError| {
        let exit = match &error {
            CommandError::NotKept => Exit::Failure,
            _ => Exit::Invalid,
        };
        Failure::new(exit, Problem::from(error).in_words())
    })
}

/// A reply of the wrong kind is a mistake of this program.
fn mistaken(context: &Context) -> Failure {
    Failure::new(Exit::Failure, context.lang.pick("l’agent s’est trompé de réponse", "the agent gave a wrong answer"))
}

/// A failure that is about a file: its path stands for the field's name.
fn of_file(path: &Path, failure: Failure) -> Failure {
    let why = failure.text.strip_prefix("file : ").unwrap_or(&failure.text);
    Failure { text: format!("{} : {why}", path.display()), ..failure }
}

fn failed(path: &Path, error: &FileError, lang: Lang) -> Failure {
    Failure::new(error.exit(), format!("{} : {}", path.display(), english::file(error, lang)))
}

fn read(context: &Context, path: &Path) -> Result<Vec<u8>, Failure> {
    let lang = context.lang;
    match file::read_bounded(path, LEN_MAX) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let text =
                lang.pick("ce fichier est trop gros pour venir du hub", "this file is too large to be the hub’s");
            Err(Failure::new(Exit::Invalid, format!("{} : {text}", path.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = lang.pick("ce fichier n’existe pas : vérifiez son nom et la clé USB", "there is no such file");
            Err(Failure::new(Exit::NotFound, format!("{} : {text}", path.display())))
        }
        Err(error) => Err(Failure::new(Exit::Failure, format!("{} : {error}", path.display()))),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    file::write_atomic(path, bytes, Access::Directory)
        .map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", path.display())))
}
