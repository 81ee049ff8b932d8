//! What every command is given, and how one fails.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hyper::StatusCode;

use super::{Cli, english};
use crate::client::{BrokenError, Client, ClientError};
use crate::config::{self, Loaded};
use crate::exit::Exit;
use crate::identity::IdentityError;
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
    /// Whether what people contradict each other on is changed all the same.
    pub settle: bool,
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
            .map_err(|error| Failure::new(Exit::Invalid, english::data_dir(&error, lang)))?;
        Ok(Self {
            config: config::settings_file(cli.config.clone(), variable, &data),
            data,
            form: if cli.json { Form::Json } else { Form::Text },
            lang,
            settle: false,
            variables: std::env::vars_os().filter_map(text).collect(),
        })
    }

    /// The same for a decision that may put aside what people contradict each other on.
    #[must_use]
    pub fn settling(&self, settle: bool) -> Self {
        Self { settle, ..self.clone() }
    }

    /// The settings.
    ///
    /// # Errors
    /// Exit 5, naming the key.
    pub fn settings(&self) -> Result<Loaded, Failure> {
        config::load(self.config.as_deref(), self.variables.clone())
            .map_err(|error| Failure::new(Exit::Invalid, english::config(&error, self.lang)))
    }

    /// The running agent.
    ///
    /// # Errors
    /// Exit 5 without a site, 3 when it is not running.
    pub fn client(&self) -> Result<Client, Failure> {
        let slow = self.lang.pick("l’agent tarde à répondre ; attente", "the agent is slow to answer; waiting");
        Ok(Client::find(&self.data).map_err(|error| self.failed(error))?.telling_when_slow(slow))
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
            ClientError::Broken(BrokenError::Late(wait)) => Failure::new(
                Exit::Failure,
                match self.lang {
                    Lang::Fr => format!(
                        "l’agent ne répond pas en {} s ; la demande sera peut-être faite. Voyez : msap-agent doctor",
                        wait.as_secs()
                    ),
                    Lang::En => format!(
                        "no answer from the agent within {} s; the request may still be carried out. See: \
                         msap-agent doctor",
                        wait.as_secs()
                    ),
                },
            ),
            ClientError::Broken(source) => {
                let what = self.lang.pick(
                    "la connexion avec l’agent a été coupée ; la demande a peut-être été faite",
                    "the connection to the agent broke; the request may have been carried out",
                );
                Failure::new(Exit::Failure, format!("{what} ({source})"))
            }
            ClientError::Problem { status, field, detail } => {
                let exit = match status {
                    StatusCode::BAD_REQUEST
                    | StatusCode::UNPROCESSABLE_ENTITY
                    | StatusCode::CONFLICT
                    | StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::URI_TOO_LONG => Exit::Invalid,
                    StatusCode::NOT_FOUND => Exit::NotFound,
                    StatusCode::FORBIDDEN => Exit::Refused,
                    _ => Exit::Failure,
                };
                let text = match field.as_deref().map(|field| (field, argument(field))) {
                    None => detail,
                    Some(("settle", _)) => {
                        let next = self.lang.pick(
                            "msap-agent conflict list les montre ; --settle les écarte",
                            "msap-agent conflict list shows them; --settle puts them aside",
                        );
                        format!("{detail}. {next}")
                    }
                    Some((_, argument)) => format!("{argument} : {detail}"),
                };
                Failure::new(exit, text)
            }
        }
    }
}

/// What the command line calls a field of the API: as the help writes it.
fn argument(field: &str) -> &str {
    match field {
        "mo" | "tu" | "we" | "th" | "fr" | "sa" | "su" | "holiday" | "hours" => "HORAIRES",
        "weekday" => "JOUR",
        "osm" => "OSM",
        other => other,
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
        StoreError::Corrupt { .. } => repair_advice(lang),
        _ => lang.pick(
            "Vérifiez la place et les droits sur le disque, puis relancez",
            "Check the disk’s free space and permissions, then start again",
        ),
    };
    let exit = if error.is_damage() { Exit::Storage } else { Exit::Failure };
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(" ({cause})"));
    let what = lang.pick("la base de données ne se lit ou ne s’écrit pas", "the database cannot be read or written");
    Failure::new(exit, format!("{what} ({}) : {error}{cause}. {next}", data.display()))
}

/// What to do about a damaged database.
pub(crate) fn repair_advice(lang: Lang) -> &'static str {
    lang.pick(
        "Arrêtez l’agent, puis msap-agent doctor --repair : l’ancienne base est gardée à côté, les mois reviennent \
         du hub",
        "Stop the agent, then msap-agent doctor --repair: the old database is kept aside, the months come back from \
         the hub",
    )
}

/// Why the machine's identity cannot be used, as an exit code and in words.
pub(crate) fn identity_failed(error: &IdentityError, lang: Lang) -> Failure {
    let join = lang.pick(
        "Demandez un code d’invitation à l’équipe du hub, puis msap-agent join CODE ; les visites restent gardées          sur ce poste",
        "Ask the hub’s operators for an invitation code, then msap-agent join CODE; visits stay kept on this machine",
    );
    let (exit, what, next) = match error {
        IdentityError::NotJoined { path } => {
            let what = lang.pick("ce fichier manque", "this file is missing");
            (Exit::Storage, format!("{} : {what}", path.display()), join)
        }
        IdentityError::Damaged { path, source } => {
            let what = match source {
                Some(_) => lang.pick("ce fichier est endommagé", "this file is damaged"),
                None => lang.pick("cette clé n’est pas celle du certificat", "this key is not the certificate’s"),
            };
            (Exit::Storage, format!("{} : {what}", path.display()), join)
        }
        IdentityError::Stranger { path } => {
            let what = lang.pick(
                "aucune autorité de ca.pem n’a signé ce certificat",
                "no authority of ca.pem signed this certificate",
            );
            (Exit::Storage, format!("{} : {what}", path.display()), join)
        }
        IdentityError::Io { path, source } => {
            let what = lang.pick("ne se lit pas", "cannot be read");
            let next = lang.pick("Vérifiez les droits et le disque", "Check the permissions and the disk");
            (Exit::Failure, format!("{} {what} ({source})", path.display()), next)
        }
        IdentityError::Make(_) | IdentityError::Tls(_) | IdentityError::Quic(_) => {
            let what = lang.pick("la clé ou le certificat de ce poste ne sert pas", "key or certificate do not serve");
            (Exit::Storage, format!("{what} ({error})"), join)
        }
    };
    Failure::new(exit, format!("{what}. {next}"))
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
