//! The agent's settings: a TOML file, then the environment, each value with where it came from.
//!
//! Read once at the start of every command that needs them. A key nobody knows is an error, in
//! the file and in the environment alike: a setting that is silently ignored is found out too
//! late.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat, Map, Source, Value};
use msap_shared::code::OperatorCode;

use crate::dial::ladder::Preference;

mod place;
mod values;

pub use place::{DataDirError, data_dir, settings_file};
pub use values::{parse_duration, parse_listen};

/// Every setting, valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How to reach the hub.
    pub sync: Sync,
    /// The page of the front desk.
    pub desk: Desk,
    /// What the program writes about itself.
    pub log: Log,
}

/// `[sync]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// `host:port` of the hub, instead of the address that came with the join code.
    pub hub: Option<String>,
    /// Where that was said.
    pub hub_origin: Origin,
    /// How often to look for work when nothing calls for it.
    pub interval: Duration,
    /// Longest wait between two attempts.
    pub max_backoff: Duration,
    /// Which way to the hub.
    pub transport: Preference,
}

/// `[desk]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Where the page listens: 127.0.0.1 or ::1.
    pub listen: SocketAddr,
    /// The operators shown on the page, in order; empty for the catalogue's first.
    pub operators: Vec<OperatorCode>,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Directives such as `info,quinn=warn`.
    pub filter: String,
    /// Form of the lines.
    pub format: LogFormat,
}

/// `[log] format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// This file.
    File(PathBuf),
    /// This variable.
    Environment(String),
}

impl Origin {
    /// The stable code.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File(_) => "file",
            Self::Environment(_) => "environment",
        }
    }

    /// The file or the variable; empty for what is built in.
    pub fn place(&self) -> String {
        match self {
            Self::Default => String::new(),
            Self::File(path) => path.display().to_string(),
            Self::Environment(name) => name.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("valeur par défaut"),
            Self::File(path) => write!(f, "fichier {}", path.display()),
            Self::Environment(name) => write!(f, "variable {name}"),
        }
    }
}

/// One value as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `section.key`.
    pub key: &'static str,
    /// The value as text; empty when unset.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings, and the way each came to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// One entry per key, in the order of the documentation.
    pub entries: Vec<Entry>,
}

/// Why the settings cannot be used; exit 5. The text is for the person who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is not TOML.
    #[error("le fichier de réglages {path} ne se lit pas : {source}")]
    File {
        /// The file.
        path: String,
        /// What the reader said.
        source: config::ConfigError,
    },
    /// The environment cannot be read.
    #[error("les variables MSAP_AGENT_ ne se lisent pas : {0}")]
    Environment(#[source] config::ConfigError),
    /// A key that no version knows.
    #[error("{key} n’est pas un réglage connu ({origin}) ; réglages : {known}")]
    Unknown {
        /// As it was written.
        key: String,
        /// Where.
        origin: Origin,
        /// All keys.
        known: String,
    },
    /// A value that cannot be used.
    #[error("{key} = {value:?} : {why} ({origin})")]
    Invalid {
        /// `section.key`.
        key: &'static str,
        /// The value as it was written.
        value: String,
        /// What it should be.
        why: String,
        /// Where.
        origin: Origin,
    },
}

/// Variables with our prefix that are no settings: they say where the settings are.
const PLACES: [&str; 3] = ["MSAP_AGENT_DATA", "MSAP_AGENT_CONFIG", "MSAP_AGENT_LANG"];
const PREFIX: &str = "MSAP_AGENT";

/// Every key with its built-in value, in the order they are shown.
const KEYS: [(&str, &str); 8] = [
    ("sync.hub", ""),
    ("sync.interval", "60s"),
    ("sync.max_backoff", "15m"),
    ("sync.transport", "auto"),
    ("desk.listen", "127.0.0.1:8477"),
    ("desk.operators", ""),
    ("log.filter", "info,rusqlite_migration=warn"),
    ("log.format", "auto"),
];

/// Reads the file, if there is one, and the variables whose names begin with `MSAP_AGENT_`.
///
/// # Errors
/// The first key that is unknown or has a value that cannot be used.
pub fn load(file: Option<&Path>, variables: Vec<(String, String)>) -> Result<Loaded, ConfigError> {
    let mut written = BTreeMap::new();
    if let Some(path) = file {
        read_file(path, &mut written)?;
    }
    read_environment(variables, &mut written)?;

    let mut entries = Vec::new();
    for (key, default) in KEYS {
        let (value, origin) = match written.remove(key) {
            None => (default.to_owned(), Origin::Default),
            Some((value, origin)) => (values::text(key, value, &origin)?, origin),
        };
        entries.push(Entry { key, value, origin });
    }
    let settings = values::settings(&entries)?;
    Ok(Loaded { settings, entries })
}

type Written = BTreeMap<&'static str, (Value, Origin)>;

fn read_file(path: &Path, written: &mut Written) -> Result<(), ConfigError> {
    let origin = Origin::File(path.to_owned());
    let tree = File::from(path)
        .format(FileFormat::Toml)
        .required(true)
        .collect()
        .map_err(|source| ConfigError::File { path: path.display().to_string(), source })?;
    for (section, value) in sorted(tree) {
        match value.clone().into_table() {
            Ok(table) => {
                for (name, value) in sorted(table) {
                    let key = known(&format!("{section}.{name}"), &origin)?;
                    written.insert(key, (value, origin.clone()));
                }
            }
            Err(_) => return Err(unknown(section, &origin)),
        }
    }
    Ok(())
}

fn read_environment(variables: Vec<(String, String)>, written: &mut Written) -> Result<(), ConfigError> {
    let ours: Map<String, String> =
        variables.into_iter().filter(|(name, _)| !PLACES.contains(&name.to_uppercase().as_str())).collect();
    let found = Environment::with_prefix(PREFIX)
        .prefix_separator("_")
        .separator("__")
        .source(Some(ours))
        .collect()
        .map_err(ConfigError::Environment)?;
    for (key, value) in sorted(found) {
        let name = format!("{PREFIX}_{}", key.replace('.', "__").to_uppercase());
        let origin = Origin::Environment(name.clone());
        let key = known(&key, &origin).map_err(|_| unknown(name, &origin))?;
        written.insert(key, (value, origin));
    }
    Ok(())
}

fn sorted(map: Map<String, Value>) -> BTreeMap<String, Value> {
    map.into_iter().collect()
}

fn known(key: &str, origin: &Origin) -> Result<&'static str, ConfigError> {
    KEYS.iter().map(|(known, _)| *known).find(|known| *known == key).ok_or_else(|| unknown(key.to_owned(), origin))
}

fn unknown(key: String, origin: &Origin) -> ConfigError {
    let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    ConfigError::Unknown { key, origin: origin.clone(), known: known.join(", ") }
}

#[cfg(test)]
mod tests;
