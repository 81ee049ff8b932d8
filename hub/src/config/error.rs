//! Where settings come from, and why they cannot be used.

use std::path::PathBuf;

use super::keys::KEYS;
use crate::lang::{Lang, Phrase};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// An option of the command.
    Option(&'static str),
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings file {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the settings file {} is not valid TOML", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<config::ConfigError>,
    },
    /// A setting that does not exist.
    #[error("{key:?} in {origin} is not a setting{}", among(.key, Lang::En))]
    Unknown {
        /// Its name.
        key: String,
        /// Where it stands.
        origin: Origin,
    },
    /// A value that the setting cannot take.
    #[error("{key} = {value:?} in {origin}: expected {expected}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// What would have been right.
        expected: Phrase,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Option(name) => f.write_str(name),
        }
    }
}

impl ConfigError {
    /// The error as people read it.
    pub fn say(&self, lang: Lang) -> String {
        let french = match self {
            Self::Read { path, source } => {
                format!("le fichier de réglages {} est illisible : {source}", path.display())
            }
            Self::Toml { path, source } => {
                format!("le fichier de réglages {} n’est pas du TOML : {source}", path.display())
            }
            Self::Unknown { key, origin } => {
                format!("{key:?} ({origin}) n’est pas un réglage{}", among(key, Lang::Fr))
            }
            Self::Invalid { key, value, origin, expected } => {
                format!("{key} = {value:?} ({origin}) ; attendu : {}", expected.fr)
            }
        };
        lang.of(french, crate::exit::with_causes(self))
    }
}

/// The settings that stand beside one that does not exist.
fn among(key: &str, lang: Lang) -> String {
    let section = key.split('.').next().unwrap_or_default();
    let beside = KEYS.iter().map(|(known, ..)| *known).filter(|known| known.split('.').next() == Some(section));
    let beside: Vec<_> = beside.collect();
    match beside.is_empty() {
        true => lang.of(" : msap-hub config show les donne", ": msap-hub config show has them").to_owned(),
        false => format!("{}{}", lang.of(" ; il y a ", "; there are "), beside.join(", ")),
    }
}
