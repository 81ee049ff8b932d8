//! `return`: what partners are owed for a month, written as files with the rights of whoever runs
//! the command.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use msap_shared::io::file::{self, Access};

use crate::admin::{Look, Request};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, counted};
use crate::out;
use crate::returns::ReturnFile;
use crate::words::nouns;

/// `return`.
#[derive(Debug, Args)]
pub(crate) struct ReturnArgs {
    /// Code du partenaire, par exemple CNAF
    #[arg(value_name = "OPÉRATEUR", required_unless_present = "all", conflicts_with = "all")]
    operator: Option<String>,
    /// Tous les partenaires qui ont eu des demandes ce mois-là, ou une convention avec un lieu
    #[arg(long, requires = "out")]
    all: bool,
    /// Mois terminé, par exemple 2026-10
    #[arg(long, value_name = "MOIS")]
    month: String,
    /// Tel que reçu à la fin de ce jour du hub
    #[arg(long, value_name = "JOUR")]
    as_of: Option<String>,
    /// Accepte le mois en cours : le relevé est alors marqué provisoire
    #[arg(long)]
    so_far: bool,
    /// Dossier où écrire ; sans lui, sur la sortie standard
    #[arg(long, value_name = "DOSSIER")]
    out: Option<PathBuf>,
    /// Remplace les fichiers qui existent
    #[arg(long, requires = "out")]
    force: bool,
    /// Forme des fichiers
    #[arg(long, value_enum, default_value_t = FileForm::CsvFr, value_name = "FORME")]
    format: FileForm,
}

/// How a return is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FileForm {
    /// CSV pour un tableur français
    CsvFr,
    /// CSV (RFC 4180)
    Csv,
    /// JSON
    Json,
}

/// Where files go.
#[derive(Debug)]
pub(crate) struct Target {
    out: Option<PathBuf>,
    force: bool,
}

/// The request, and where to write what it brings.
pub(crate) fn request(args: ReturnArgs, lang: Lang) -> Result<(Request, Target), Failure> {
    let ReturnArgs { operator, all: _, month, as_of, so_far, out, force, format } = args;
    // Before anything is summed.
    if let Some(out) = out.as_deref().filter(|out| !out.is_dir()) {
        let text = lang.of(
            "ce dossier n’existe pas : créez-le, ou donnez-en un autre",
            "this directory does not exist: make it, or name another",
        );
        return Err(Failure::new(Exit::NotFound, format!("{} : {text}", out.display())));
    }
    let format = match format {
        FileForm::CsvFr => "csv-fr",
        FileForm::Csv => "csv",
        FileForm::Json => "json",
    };
    let given = [("month", Some(month)), ("as_of", as_of), ("so_far", so_far.then(|| "true".to_owned()))];
    let mut question: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    question.push(("format".to_owned(), format.to_owned()));
    Ok((Request::Look(Look::Returns { operator, question }), Target { out, force }))
}

/// Writes the files, each whole or not at all, or the only one to standard output. A file that is
/// there with other bytes is left alone, and then nothing is written.
pub(crate) fn put(files: &[ReturnFile], target: &Target, json: bool, lang: Lang) -> Result<(), Failure> {
    let Some(out) = &target.out else {
        let written = files.iter().try_for_each(|file| out::bytes(file.text.as_bytes()));
        return written.map_err(|error| Failure::new(Exit::Failure, error.to_string()));
    };
    let mut done = Vec::new();
    let mut others = Vec::new();
    for file in files {
        let path = out.join(&file.name);
        let held = held(&path)?;
        let state = match held.as_deref() {
            None => State::New,
            Some(held) if held == file.text.as_bytes() => State::Same,
            Some(_) if target.force => State::Replaced,
            Some(_) => {
                others.push(path.display().to_string());
                State::Same
            }
        };
        done.push((file, path, state));
    }
    if !others.is_empty() {
        let next = lang.of(
            "existe avec un autre contenu ; rien n’est écrit, --force remplace",
            "exists with other content; nothing is written, --force replaces",
        );
        return Err(Failure::new(Exit::Invalid, format!("{} : {next}", others.join(", "))));
    }
    for (file, path, state) in &done {
        if *state != State::Same {
            let wrote = file::write_atomic(path, file.text.as_bytes(), Access::Directory);
            wrote.map_err(|error| Failure::new(Exit::Failure, format!("{} : {error}", path.display())))?;
        }
    }
    told(&done, json, lang).map_err(|error| Failure::new(Exit::Failure, error.to_string()))
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Replaced,
    Same,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "written",
            Self::Replaced => "replaced",
            Self::Same => "unchanged",
        }
    }

    fn say(self, lang: Lang) -> &'static str {
        let french = match self {
            Self::New => "écrit",
            Self::Replaced => "remplacé",
            Self::Same => "inchangé",
        };
        lang.of(french, self.name())
    }
}

fn held(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Exit::Failure, format!("{} : {error}", path.display()))),
    }
}

/// The summary, and the files' names for whatever goes on with them.
fn told(done: &[(&ReturnFile, PathBuf, State)], json: bool, lang: Lang) -> std::io::Result<()> {
    let mut objects = Vec::new();
    for (file, path, state) in done {
        let ReturnFile { operator, requests, sites, apart, .. } = file;
        let mut told = vec![nouns::requests(*requests, lang), nouns::sites(*sites, lang)];
        if *apart != 0 {
            told.push(lang.of(format!("à part {apart}"), format!("{apart} apart")));
        }
        told.push(state.say(lang).to_owned());
        let told = told.join(", ");
        let text = lang.of(format!("{operator} : {told}"), format!("{operator}: {told}"));
        eprintln!("{text}");
        let path = path.display().to_string();
        if !json {
            out::line(&path)?;
        }
        objects.push(serde_json::json!({
            "operator": operator, "requests": requests, "sites": sites, "apart": apart, "file": path, "state": state.name(),
        }));
    }
    let requests: i64 = done.iter().map(|(file, ..)| file.requests).sum();
    let returns = counted(done.len(), lang, ["relevé", "relevés"], ["return", "returns"]);
    eprintln!("{returns}, {}", nouns::requests(requests, lang));
    if json { out::json(&objects) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(operator: &str, text: &str) -> ReturnFile {
        let name = format!("releve-{operator}-2026-10.csv");
        ReturnFile { operator: operator.to_owned(), name, requests: 1, sites: 1, apart: 0, text: text.to_owned() }
    }

    #[test]
    fn a_file_of_other_content_stops_all_and_the_same_content_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let put = |files: &[ReturnFile], force| {
            put(files, &Target { out: Some(dir.path().to_owned()), force }, true, Lang::Fr).map_err(|error| error.exit)
        };
        let read = |operator: &str| std::fs::read_to_string(dir.path().join(file(operator, "").name)).ok();
        assert_eq!(put(&[file("CNAF", "a")], false), Ok(()));
        assert_eq!(put(&[file("CNAF", "a"), file("MSA", "m")], false), Ok(()));
        assert_eq!(put(&[file("CNAV", "v"), file("MSA", "n")], false), Err(Exit::Invalid));
        assert_eq!((read("CNAV"), read("MSA").as_deref()), (None, Some("m")), "nothing of it was written");
        assert_eq!(put(&[file("CNAV", "v"), file("MSA", "n")], true), Ok(()));
        assert_eq!((read("CNAV").as_deref(), read("MSA").as_deref()), (Some("v"), Some("n")));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "no temporary file is left");
    }

    #[test]
    fn all_need_a_directory_that_is_there() {
        let parsed = |words: &[&str]| {
            let words = ["msap-hub", "return"].iter().chain(words);
            crate::cli::command().try_get_matches_from(words).is_ok()
        };
        assert!(parsed(&["CNAF", "--month", "2026-10"]));
        assert!(parsed(&["--all", "--month", "2026-10", "--out", "/tmp"]));
        for words in [
            &["--all", "--month", "2026-10"][..],
            &["--month", "2026-10"],
            &["CNAF"],
            &["CNAF", "--all", "--month", "2026-10", "--out", "/tmp"],
            &["CNAF", "--month", "2026-10", "--force"],
        ] {
            assert!(!parsed(words), "{words:?}");
        }
    }
}
