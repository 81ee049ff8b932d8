//! Backups: made while the hub runs, verified before they are called backups, put back whole.
//!
//! `make` copies and verifies, `shelf` keeps the scheduled ones in a directory, `schedule` makes
//! them again and again, `restore` puts one in the database's place. Called by `app` and
//! `doctor`.
//!
//! Invariants: a file has its name only once all of it was read back and found whole; nothing
//! that stood under a name is lost without having been asked for; the keys are never in it.

use std::io;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure, with_causes};
use crate::lang::Lang;
use crate::store::StoreError;

pub mod glance;
mod make;
pub mod restore;
pub mod schedule;
pub mod shelf;
#[cfg(test)]
mod tests;

pub use self::make::{Contents, Made, Overwrite, make, verify};

/// How far a copy or a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
}

/// The two long parts of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Copying pages.
    Copying,
    /// Reading documents back.
    Verifying,
}

/// Hears of progress, and says whether to go on.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> Result<(), Stopped>;

/// The program stops: what was begun is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped before it was done")]
pub struct Stopped;

/// Why there is no backup, or nothing was put back.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages are the documentation")]
pub enum BackupError {
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    #[error("{} is the hub's own database", .0.display())]
    Live(PathBuf),
    #[error("{} is not the name of a file", .0.display())]
    NoName(PathBuf),
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    #[error("{} is a directory: name the file in it", .0.display())]
    Directory(PathBuf),
    #[error("the directory {} does not exist: make it, or name another", .0.display())]
    NoFolder(PathBuf),
    #[error("{0}; if these keys are lost for good: restore --other-keys, and every machine has to be invited again")]
    OtherNetwork(#[source] crate::keys::KeysError),
    #[error("{} is not a whole database of a hub: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("{} was written by a newer version of this program", .0.display())]
    Newer(PathBuf),
    #[error("a hub serves, or a command works, on {}", .0.display())]
    Serving(PathBuf),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("{} cannot be read or written", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
}

impl BackupError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.into(), source }
    }

    /// What failed of the file at `path`, as a property of that file.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Store(StoreError::NewerSchema { .. }) => Self::Newer(path.into()),
            Self::Store(error) if error.is_damage() => Self::Damaged { path: path.into(), what: with_causes(&error) },
            other => other,
        }
    }

    /// The exit code of a command that ends with this.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Exists(_)
            | Self::Live(_)
            | Self::NoName(_)
            | Self::Directory(_)
            | Self::OtherNetwork(_)
            | Self::Serving(_) => Exit::Invalid,
            Self::Missing(_) | Self::NoFolder(_) => Exit::NotFound,
            Self::Damaged { .. } | Self::Newer(_) => Exit::Damaged,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Exit::NotFound,
            Self::Stopped(_) | Self::Io { .. } => Exit::Failure,
            Self::Store(error) => {
                if error.is_damage() {
                    Exit::Damaged
                } else {
                    Exit::Failure
                }
            }
            Self::Keys(error) => {
                if error.exit_code() == Exit::Damaged as u8 {
                    Exit::Damaged
                } else {
                    Exit::Failure
                }
            }
        }
    }

    /// The error as people read it, with the next step.
    pub fn say(&self, lang: Lang) -> String {
        let french = match self {
            Self::Exists(path) => {
                format!("{} existe déjà : choisissez un autre nom, ou remplacez-le par --force", path.display())
            }
            Self::Live(path) => format!("{} est la base du hub elle-même : donnez un autre fichier", path.display()),
            Self::NoName(path) => format!("{} ne nomme pas un fichier", path.display()),
            Self::Missing(path) => format!("{} n’existe pas", path.display()),
            Self::Directory(path) => format!("{} est un dossier : donnez le fichier qui s’y trouve", path.display()),
            Self::NoFolder(path) => {
                format!("le dossier {} n’existe pas : créez-le, ou donnez-en un autre", path.display())
            }
            Self::OtherNetwork(error) => format!(
                "{error} ; si elles sont perdues pour toujours : msap-hub restore --other-keys FICHIER, et chaque poste \
                 devra être invité à nouveau ; rien n’a été changé"
            ),
            Self::Damaged { path, what } => format!(
                "{} n’est pas une base de hub entière ({what}) : prenez une autre sauvegarde ; rien n’a été changé",
                path.display()
            ),
            Self::Newer(path) => format!(
                "{} vient d’une version plus récente : mettez msap-hub à jour ; rien n’a été changé",
                path.display()
            ),
            Self::Serving(path) => {
                format!("un hub tourne sur {} : arrêtez-le (systemctl stop msap-hub), puis recommencez", path.display())
            }
            Self::Stopped(_) => "interrompu : rien n’a été changé".to_owned(),
            Self::Io { path, source } => format!("{} : {source}", path.display()),
            Self::Store(error) => format!("la base du hub a échoué : {}", with_causes(error)),
            Self::Keys(error) => with_causes(error),
        };
        lang.of(french, with_causes(self))
    }

    /// The failure of a command.
    pub fn failure(&self, lang: Lang) -> Failure {
        Failure::new(self.exit(), self.say(lang))
    }
}
