//! What every command is given, and how one fails.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hyper::StatusCode;

use super::Cli;
use crate::client::{Client, ClientError};
use crate::config::{self, ConfigError, Loaded};
use crate::exit::Exit;
use crate::out::{Form, Lang};
use crate::store::StoreError;

/// What every command is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The data directory.
    pub data: PathBuf,
    /// The settings file, if there is one.
    pub config: Option<PathBuf>,
    /// How to print data.
    pub form: Form,
    /// The language of our messages.
    pub lang: Lang,
    /// The environment, as far as it is text.
    pub variables: Vec<(String, String)>,
}

/// Why a command ended without doing what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// For the person, with the next step.
    pub text: String,
}

impl Failure {
    /// A failure with its code and its words.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Invalid, error.to_string())
    }
}

impl Context {
    /// Reads the global options and the environment.
    ///
    /// # Errors
    /// When no data directory can be told.
    pub fn new(cli: &Cli) -> Result<Self, Failure> {
        let variable = |name: &str| std::env::var_os(name);
        let lang = match (cli.lang, variable("MSAP_AGENT_LANG")) {
            (Some(lang), _) => lang,
            (None, Some(name)) if name == "en" => Lang::En,
            _ => Lang::Fr,
        };
        let data = config::data_dir(cli.data.clone(), variable)
            .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        Ok(Self {
            config: config::settings_file(cli.config.clone(), variable, &data),
            data,
            form: if cli.json { Form::Json } else { Form::Text },
            lang,
            variables: std::env::vars_os().filter_map(text).collect(),
        })
    }

    /// The settings.
    ///
    /// # Errors
    /// Exit 5, naming the key.
    pub fn settings(&self) -> Result<Loaded, Failure> {
        Ok(config::load(self.config.as_deref(), self.variables.clone())?)
    }

    /// The running agent.
    ///
    /// # Errors
    /// Exit 5 without a site, 3 when it is not running.
    pub fn client(&self) -> Result<Client, Failure> {
        Client::find(&self.data).map_err(|error| self.failed(error))
    }

    /// What the agent answered, in words and as an exit code.
    pub fn failed(&self, error: ClientError) -> Failure {
        match error {
            ClientError::NotJoined { data } => Failure::new(Exit::Invalid, not_joined(&data, self.lang)),
            ClientError::NotRunning { data } => {
                let (what, next) = (
                    self.lang.pick("l’agent n’est pas lancé sur", "the agent is not running on"),
                    self.lang.pick("Lancez-le : msap-agent run", "Start it: msap-agent run"),
                );
                Failure::new(Exit::NotRunning, format!("{what} {}. {next}", data.display()))
            }
            ClientError::Broken(source) => {
                let what = self.lang.pick(
                    "la connexion avec l’agent a été coupée ; la demande a peut-être été faite",
                    "the connection to the agent broke; the request may have been carried out",
                );
                Failure::new(Exit::Failure, format!("{what} ({source})"))
            }
            ClientError::Problem { status, field, detail } => {
                let exit = match status {
                    StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT => Exit::Invalid,
                    StatusCode::NOT_FOUND => Exit::NotFound,
                    StatusCode::FORBIDDEN => Exit::Refused,
                    _ => Exit::Failure,
                };
                let text = field.map_or_else(|| detail.clone(), |field| format!("{field} : {detail}"));
                Failure::new(exit, text)
            }
        }
    }
}

/// Why the storage does not open, as an exit code and in words.
pub(crate) fn storage_failed(error: &StoreError, data: &Path, lang: Lang) -> Failure {
    let next = match error {
        StoreError::Missing { .. } => return Failure::new(Exit::Invalid, not_joined(data, lang)),
        StoreError::NewerSchema { .. } => lang.pick(
            "Installez la dernière version de msap-agent ; ne touchez pas à ce fichier",
            "Install the latest msap-agent; leave this file alone",
        ),
        StoreError::Corrupt { .. } => lang.pick(
            "Copiez le répertoire de données à l’abri sans rien effacer, puis lancez msap-agent doctor",
            "Copy the data directory to a safe place, delete nothing, then run msap-agent doctor",
        ),
        _ => lang.pick(
            "Vérifiez la place et les droits sur le disque, puis relancez",
            "Check the disk’s free space and permissions, then start again",
        ),
    };
    let exit = if error.is_damage() { Exit::Storage } else { Exit::Failure };
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(" ({cause})"));
    let what = lang.pick("la base de données ne s’ouvre pas", "the database does not open");
    Failure::new(exit, format!("{what} ({}) : {error}{cause}. {next}", data.display()))
}

/// What to do on a machine without a site.
pub(crate) fn not_joined(data: &Path, lang: Lang) -> String {
    let (what, next) = (
        lang.pick("ce poste n’est rattaché à aucun site dans", "this machine has not joined a site in"),
        lang.pick(
            "Demandez un code d’invitation, puis : msap-agent join CODE",
            "Ask for an invitation code, then: msap-agent join CODE",
        ),
    );
    format!("{what} {}. {next}", data.display())
}

fn text((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
