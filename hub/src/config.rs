//! Settings: a TOML file, then `MSAP_HUB_SECTION__KEY` variables, then the command line.
//!
//! A setting that is not known is an error that names it and where it stands: a misspelt setting
//! that is silently ignored loses data one day. Each value remembers where it came from.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use config::{File, FileFormat, Source, Value, ValueKind};
use serde::{Deserialize, Serialize};

use self::value::{addresses, hour, is_host_port, listen, period, public_url, return_over, stale_after};
use crate::almanac::Rules;
use crate::backup::schedule::Schedule;
use crate::drift::Nightly;
use crate::http::PublicUrl;
use crate::label::LabelRules;
use crate::lang::Phrase;
use crate::privacy::MIN_CELL_MIN;
use crate::release::ReleaseRules;

pub use self::error::{ConfigError, Origin};
pub use self::keys::KEYS;

mod error;
mod keys;
mod value;

const PREFIX: &str = "MSAP_HUB_";
/// Beyond, lags are not told apart.
const LATE_DAYS_MAX: u8 = 250;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings of one start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where sites connect.
    pub sync_listen: SocketAddr,
    /// The address that join codes carry, `host:port`.
    pub sync_advertise: Option<String>,
    /// The time over which sites return after a stop.
    pub sync_return_over: Duration,
    /// Where programs connect.
    pub http_listen: SocketAddr,
    /// The address that people open; `None`: whatever they name, without TLS.
    pub http_public_url: Option<PublicUrl>,
    /// Where metrics are to be had; `None` when they are not.
    pub metrics_listen: Option<SocketAddr>,
    /// When the whole database is checked; `None`: only when asked.
    pub check: Option<Nightly>,
    /// Which events are logged.
    pub log_filter: String,
    /// How they are logged; `None`: text on a terminal, JSON otherwise.
    pub log_format: Option<LogFormat>,
    /// Proxies: they speak for many clients.
    pub http_trusted_proxies: Vec<IpAddr>,
    /// HTTP connections at once.
    pub http_connections: usize,
    /// HTTP connections at once of one address.
    pub http_connections_per_address: usize,
    /// Sync connections at once.
    pub sync_connections: usize,
    /// By what to judge what sites say.
    pub rules: Rules,
    /// Scheduled backups; `None` when no directory is set.
    pub backup: Option<Schedule>,
    values: BTreeMap<&'static str, (String, Origin)>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// `section.key`.
    pub key: String,
    /// Its value as text.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

impl Settings {
    /// Reads the settings from `file`, if any, these variables, and these options
    /// (`(setting, option's name, value)`).
    ///
    /// # Errors
    /// When anything in them is unknown or invalid.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        options: &[(&'static str, &'static str, String)],
    ) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<_, _> =
            KEYS.iter().map(|(key, default, _)| (*key, ((*default).to_owned(), Origin::Default))).collect();
        let mut put = |key: &str, value: String, origin: Origin| match KEYS.iter().find(|(known, ..)| *known == key) {
            Some((known, ..)) => {
                values.insert(known, (value, origin));
                Ok(())
            }
            None => Err(ConfigError::Unknown { key: key.to_owned(), origin }),
        };
        if let Some(path) = file {
            for (key, value) in from_file(path)? {
                put(&key, value, Origin::File(path.to_owned()))?;
            }
        }
        for (name, value) in variables {
            if let Some(rest) = name.strip_prefix(PREFIX) {
                put(&rest.to_lowercase().replacen("__", ".", 1), value, Origin::Variable(name))?;
            }
        }
        for (key, option, value) in options {
            put(key, value.clone(), Origin::Option(option))?;
        }
        Self::parse(values)
    }

    fn parse(values: BTreeMap<&'static str, (String, Origin)>) -> Result<Self, ConfigError> {
        let text = |key: &'static str| values.get(key).map(|(value, _)| value.as_str()).unwrap_or_default();
        let wrong = |key: &'static str, fr, en| {
            let (value, origin) = values.get(key).cloned().unwrap_or((String::new(), Origin::Default));
            ConfigError::Invalid { key, value, origin, expected: Phrase::new(fr, en) }
        };
        let socket = |key| {
            let parsed = text(key).parse::<SocketAddr>();
            parsed.map_err(|_| wrong(key, "une adresse telle que 127.0.0.1:8080", "an address such as 127.0.0.1:8080"))
        };
        let bound = |key| {
            let parsed = text(key).parse::<usize>().ok().filter(|n| (1..=100_000).contains(n));
            parsed.ok_or_else(|| wrong(key, "un nombre de 1 à 100000", "a number from 1 to 100000"))
        };
        // Hours with a decimal, in minutes.
        let hours = |key| {
            let parsed = text(key).parse::<f64>().ok().filter(|hours| (0.0..=168.0).contains(hours));
            let minutes = parsed.map(|hours| (hours * 60.0).round() as u32);
            minutes.ok_or_else(|| {
                wrong(key, "des heures de 0 à 168, telles que 24 ou 0.5", "hours from 0 to 168 such as 24 or 0.5")
            })
        };
        let small = |key, most: u8| {
            let parsed = text(key).parse::<u8>().ok().filter(|n| (1..=most).contains(n));
            parsed.ok_or_else(|| {
                wrong(key, "un nombre d’au moins 1, pas trop grand", "a number of at least 1, not too large")
            })
        };
        let advertise = match text("sync.advertise") {
            "" => None,
            address if is_host_port(address) => Some(address.to_owned()),
            _ => {
                return Err(wrong(
                    "sync.advertise",
                    "hôte:port, par exemple hub.exemple.fr:4433",
                    "host:port such as hub.example.org:4433",
                ));
            }
        };
        let log_format = match text("log.format") {
            "auto" => None,
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => return Err(wrong("log.format", "text, json ou auto", "text, json or auto")),
        };
        if text("log.filter").parse::<tracing_subscriber::filter::EnvFilter>().is_err() {
            return Err(wrong(
                "log.filter",
                "un filtre tel que info,msap_hub=debug",
                "a filter such as info,msap_hub=debug",
            ));
        }
        let every = period(text("backup.every")).ok_or_else(|| {
            wrong("backup.every", "une durée telle que 24h, 30m ou 7d", "a time such as 24h, 30m or 7d")
        })?;
        let keep = bound("backup.keep")?;
        let backup = match Path::new(text("backup.dir")) {
            none if none.as_os_str().is_empty() => None,
            dir if dir.is_absolute() => Some(Schedule { dir: dir.into(), every, keep }),
            _ => return Err(wrong("backup.dir", "un chemin qui commence par /", "a path that begins with /")),
        };
        let min_cell = text("privacy.min_cell").parse().ok().filter(|n| (MIN_CELL_MIN..=1_000).contains(n));
        let after_days = text("privacy.release_after").strip_suffix('d').and_then(|days| days.parse().ok());
        let release = ReleaseRules {
            min_cell: min_cell
                .ok_or_else(|| wrong("privacy.min_cell", "un nombre de 4 à 1000", "a number from 4 to 1000"))?,
            after_days: after_days.filter(|days| (2..=365).contains(days)).ok_or_else(|| {
                wrong(
                    "privacy.release_after",
                    "un nombre de jours de 2d à 365d, tel que 15d",
                    "a number of days from 2d to 365d such as 15d",
                )
            })?,
            listen: listen(text("privacy.listen")).ok_or_else(|| {
                wrong("privacy.listen", "une durée de 0s à 24h, par exemple 1h", "a duration from 0s to 24h such as 1h")
            })?,
        };
        Ok(Self {
            backup,
            sync_listen: socket("sync.listen")?,
            sync_advertise: advertise,
            sync_return_over: return_over(text("sync.return_over")).ok_or_else(|| {
                wrong(
                    "sync.return_over",
                    "une durée de 0s à 15m, par exemple 20s",
                    "a duration from 0s to 15m such as 20s",
                )
            })?,
            http_listen: socket("http.listen")?,
            http_public_url: public_url(text("http.public_url")).map_err(|_| {
                wrong(
                    "http.public_url",
                    "une adresse sans chemin telle que https://hub.exemple.fr",
                    "an address without a path such as https://hub.example.org",
                )
            })?,
            metrics_listen: match text("metrics.listen") {
                "" => None,
                _ => Some(socket("metrics.listen")?),
            },
            check: hour(text("check.hour")).ok_or_else(|| {
                wrong("check.hour", "une heure de 0 à 23, ou rien", "an hour from 0 to 23, or nothing")
            })?,
            rules: Rules {
                stale_after_days: stale_after(text("partners.stale_after")).ok_or_else(|| {
                    wrong("partners.stale_after", "un nombre de jours tel que 45d", "a number of days such as 45d")
                })?,
                late_days: (text("completeness.late_days").parse().ok())
                    .filter(|days| *days <= LATE_DAYS_MAX)
                    .ok_or_else(|| {
                        wrong(
                            "completeness.late_days",
                            "un nombre de jours de 0 à 250",
                            "a number of days from 0 to 250",
                        )
                    })?,
                label: LabelRules {
                    minutes: hours("label.min_weekly_hours")?,
                    near_minutes: hours("label.near_margin")?,
                    agents: small("label.min_agents", 99)?,
                    partners: small("label.min_partners", 99)?.into(),
                    months: small("label.statistics_months", 12)?,
                    confirmed_months: small("label.hours_confirmed_months", 60)?,
                },
                release,
            },
            log_filter: text("log.filter").to_owned(),
            log_format,
            http_trusted_proxies: addresses(text("http.trusted_proxies")).ok_or_else(|| {
                wrong(
                    "http.trusted_proxies",
                    "des adresses IP séparées par des virgules",
                    "IP addresses separated by commas",
                )
            })?,
            http_connections: bound("limits.http_connections")?,
            http_connections_per_address: bound("limits.http_connections_per_address")?,
            sync_connections: bound("limits.sync_connections")?,
            values,
        })
    }

    /// Every setting with its value and origin.
    pub fn show(&self) -> Vec<Shown> {
        let shown = |(key, (value, origin)): (&&str, &(String, Origin))| Shown {
            key: (*key).to_owned(),
            value: value.clone(),
            origin: origin.to_string(),
        };
        self.values.iter().map(shown).collect()
    }
}

fn from_file(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let toml = |source| ConfigError::Toml { path: path.to_owned(), source: Box::new(source) };
    let mut found = Vec::new();
    let sections: BTreeMap<_, _> =
        File::from_str(&text, FileFormat::Toml).collect().map_err(toml)?.into_iter().collect();
    for (section, value) in sections {
        match value.kind {
            ValueKind::Table(keys) => {
                found.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)))
            }
            _ => found.push((section, value)),
        }
    }
    // The map's order is chance: the first error told must not be.
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let text = |(key, value): (String, Value)| match value.kind {
        ValueKind::Table(_) | ValueKind::Array(_) => {
            Err(ConfigError::Unknown { key, origin: Origin::File(path.to_owned()) })
        }
        _ => Ok((key, value.into_string().map_err(toml)?)),
    };
    found.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests;
