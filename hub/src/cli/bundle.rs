//! `import-bundle` and `export-bundle`: the files, read and written with the rights of whoever
//! runs the command.

use std::path::{Path, PathBuf};

use clap::Args;
use data_encoding::BASE64;
use msap_shared::io::bundle::LEN_MAX;
use msap_shared::io::file::{self, Access};

use crate::admin::{Change, Reply, Request};
use crate::bundle::{AnswerObject, BundleObject};
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::out::{self, Grid};

/// `import-bundle`.
#[derive(Debug, Args)]
pub(crate) struct ImportBundle {
    /// Fichier fait par msap-agent : saisies d’un poste, ou demande de rattachement
    #[arg(value_name = "FICHIER")]
    file: PathBuf,
    /// Écrit aussi la réponse à rapporter au poste, dans ce fichier
    #[arg(long, value_name = "FICHIER")]
    answer: Option<PathBuf>,
}

/// `export-bundle`.
#[derive(Debug, Args)]
pub(crate) struct ExportBundle {
    /// Identifiant ou alias du lieu
    #[arg(value_name = "LIEU")]
    site: String,
    /// Fichier à écrire
    #[arg(value_name = "FICHIER")]
    file: PathBuf,
    /// Poste, quand le lieu en a plusieurs
    #[arg(long, value_name = "POSTE")]
    device: Option<String>,
    /// Seulement à partir de ce mois, comme 2026-11
    #[arg(long, value_name = "MOIS")]
    from: Option<String>,
}

/// The request, and where to write the file that it brings.
pub(crate) fn import(args: ImportBundle, lang: Lang) -> Result<(Request, Option<PathBuf>), Failure> {
    let bytes = read(&args.file, lang)?;
    // Before anything is imported: what cannot be answered is not half done.
    args.answer.as_deref().map_or(Ok(()), |answer| there_is_a_folder(answer, lang))?;
    let change = Change::BundleImport { file: BASE64.encode(&bytes), answer: args.answer.is_some() };
    Ok((Request::Change(change), args.answer))
}

/// The request, and where to write the file that it brings.
pub(crate) fn export(args: ExportBundle) -> (Request, PathBuf) {
    let ExportBundle { site, file, device, from } = args;
    (Request::Change(Change::BundleExport { site, device, from }), file)
}

fn read(path: &Path, lang: Lang) -> Result<Vec<u8>, Failure> {
    let failure = |exit, text: &str| Failure::new(exit, format!("{} : {text}", path.display()));
    match file::read_bounded(path, LEN_MAX) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(failure(
            Exit::Invalid,
            lang.of("plus gros que tout fichier fait par msap-agent", "larger than any file made by msap-agent"),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(failure(Exit::NotFound, lang.of("ce fichier n’existe pas", "there is no such file")))
        }
        Err(error) => Err(failure(Exit::Failure, &error.to_string())),
    }
}

/// Whether a file can be written to its directory as far as that exists.
fn there_is_a_folder(file: &Path, lang: Lang) -> Result<(), Failure> {
    let Some(folder) = file::missing_directory(file) else { return Ok(()) };
    let text = lang.of(
        "ce dossier n’existe pas : créez-le, ou donnez-en un autre",
        "this directory does not exist: make it, or name another",
    );
    Err(Failure::new(Exit::NotFound, format!("{} : {text}", folder.display())))
}

/// Writes the file that a reply brings to its place, and takes it out of what is shown.
///
/// # Errors
/// When it cannot be written; what was imported is, and the same command may be given again.
pub(crate) fn put(reply: &mut Reply, path: &Path, lang: Lang) -> Result<(), Failure> {
    let answer = match reply {
        Reply::Bundle(bundle) => bundle.answer.as_mut(),
        Reply::BundleMade(answer) => Some(answer),
        _ => None,
    };
    let Some(answer) = answer else { return Ok(()) };
    there_is_a_folder(path, lang)?;
    let bytes = BASE64.decode(std::mem::take(&mut answer.file).as_bytes());
    let written = match bytes {
        Ok(bytes) => file::write_atomic(path, &bytes, Access::Directory),
        Err(error) => Err(std::io::Error::other(error)),
    };
    answer.file = path.display().to_string();
    written.map_err(|error| {
        let next = lang.of(
            "la réponse n’est pas écrite : libérez de la place, puis relancez la même commande",
            "the answer is not written: make room, then give the same command again",
        );
        Failure::new(Exit::Failure, format!("{} : {error} ; {next}", path.display()))
    })
}

/// Shows what a file brought.
pub(crate) fn show(bundle: &BundleObject, lang: Lang) -> std::io::Result<()> {
    let BundleObject { kind, site, device, standing, created, changed, .. } = bundle;
    if kind == "join" {
        eprintln!("{} {device} ({site})", lang.of("poste rattaché :", "machine joined:"));
    } else {
        eprintln!("{} {device} ({site}), {created}", lang.of("fichier du poste", "file of machine"));
        if !changed {
            eprintln!("{}", lang.of("déjà importé : rien n’a changé", "imported before: nothing changed"));
        }
        if bundle.export_all {
            let text = lang.of(
                "ce hub a été vidé ou restauré depuis le dernier échange avec ce poste : après l’import de la réponse, \
                 exportez encore une fois, avec --all, pour tout renvoyer",
                "this hub was emptied or restored since it last heard this machine: once the answer is imported there, \
                 export once more, with --all, to send everything again",
            );
            eprintln!("{text}");
        }
        if standing == "pending" {
            let text = lang.of(
                "ce poste attend d’être approuvé, rien n’est encore compté : msap-hub device approve",
                "this machine waits to be approved, nothing counts yet: msap-hub device approve",
            );
            eprintln!("{text} {device}");
        }
        let mut grid = Grid::new(&["document", "taken", "known", "refused", "missing", "forked", "apart"]);
        for row in &bundle.documents {
            let counts = [row.taken, row.known, row.refused, row.missing, row.forked, row.apart];
            grid.push([row.document.clone()].into_iter().chain(counts.map(|count| count.to_string())));
        }
        out::grid(&grid)?;
    }
    bundle.answer.as_ref().map_or(Ok(()), |answer| made(answer, lang))
}

/// Shows what file was made.
pub(crate) fn made(answer: &AnswerObject, lang: Lang) -> std::io::Result<()> {
    let AnswerObject { site, device, changes, whole, answers, file } = answer;
    eprintln!(
        "{} {device} ({site}), {changes} {}",
        lang.of("réponse au poste", "answer to machine"),
        lang.of("changements", "changes")
    );
    if !whole {
        eprintln!("{}", lang.of("le reste partira dans la réponse suivante", "the rest goes into the next answer"));
    }
    if !answers {
        let text = lang.of(
            "ce poste n’a jamais envoyé de fichier : seul un poste qui n’a encore rien reçu du hub prendra celui-ci",
            "this machine never sent a file: only one that has never heard of the hub will take this one",
        );
        eprintln!("{text}");
    }
    out::line(file)
}
