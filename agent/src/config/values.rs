//! From the texts of the settings to values that can be used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use config::Value;
use jiff::SignedDuration;
use msap_shared::code::{OperatorCode, known_operator};
use msap_shared::io::link::Transport;
use tracing_subscriber::EnvFilter;

use super::{ConfigError, Desk, Entry, Log, LogFormat, Origin, Settings, Sync};
use crate::catalogue::unknown_operator;
use crate::dial::ladder::Preference;

/// Shortest interval and backoff: below, an agent would only wear out its hub.
const DURATION_MIN: Duration = Duration::from_millis(100);
/// Longest interval and backoff.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);
/// Most operators on the page.
const OPERATORS_MAX: usize = 40;

/// A written value as text; lists are joined with commas, as the environment writes them.
pub(super) fn text(key: &'static str, value: Value, origin: &Origin) -> Result<String, ConfigError> {
    let written = value.to_string();
    let wrong = |why: &str| ConfigError::Invalid { key, value: written, why: why.to_owned(), origin: origin.clone() };
    if key == "desk.operators" && !matches!(origin, Origin::Environment(_)) {
        let list = value.into_array().map_err(|_| wrong("une liste de codes est attendue, comme [\"CNAF\"]"))?;
        let codes: Vec<String> = list.into_iter().map(|code| code.to_string()).collect();
        return Ok(codes.join(","));
    }
    value.into_string().map_err(|_| wrong("un texte est attendu"))
}

/// The settings that the entries amount to.
pub(super) fn settings(entries: &[Entry]) -> Result<Settings, ConfigError> {
    let field = |key: &'static str| Field { entry: entries.iter().find(|entry| entry.key == key) };
    Ok(Settings {
        sync: Sync {
            hub: field("sync.hub").read(hub)?,
            hub_origin: field("sync.hub").origin(),
            interval: field("sync.interval").read(bounded)?,
            max_backoff: field("sync.max_backoff").read(bounded)?,
            transport: field("sync.transport").read(|text| match text {
                "auto" => Ok(Preference::Auto),
                "quic" => Ok(Preference::Only(Transport::Quic)),
                "tcp" => Ok(Preference::Only(Transport::Tcp)),
                _ => Err("auto, quic ou tcp est attendu".to_owned()),
            })?,
        },
        desk: Desk {
            listen: field("desk.listen").read(parse_listen)?,
            operators: field("desk.operators").read(operators)?,
        },
        log: Log {
            filter: field("log.filter").read(|text| match EnvFilter::try_new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(format!("un filtre comme info ou info,quinn=warn est attendu ({error})")),
            })?,
            format: field("log.format").read(|text| match text {
                "auto" => Ok(LogFormat::Auto),
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("auto, text ou json est attendu".to_owned()),
            })?,
        },
    })
}

struct Field<'a> {
    entry: Option<&'a Entry>,
}

impl<'a> Field<'a> {
    fn entry(&self) -> &'a Entry {
        self.entry.expect("every key that is read is listed in KEYS, and each of these has an entry")
    }

    fn origin(&self) -> Origin {
        self.entry().origin.clone()
    }

    fn read<T>(self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        let entry = self.entry();
        parse(entry.value.trim()).map_err(|why| ConfigError::Invalid {
            key: entry.key,
            value: entry.value.clone(),
            why,
            origin: entry.origin.clone(),
        })
    }
}

fn hub(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let shaped = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(|c: char| c.is_whitespace() || c == '/')
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if shaped { Ok(Some(text.to_owned())) } else { Err("hôte:port est attendu, comme hub.exemple.fr:4433".to_owned()) }
}

fn bounded(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|duration| (DURATION_MIN..=DURATION_MAX).contains(duration))
        .ok_or_else(|| "une durée entre 100ms et 24h est attendue, comme 60s ou 15m".to_owned())
}

/// Reads a duration with its unit, such as `30s`, `500ms` or `1h 30m`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let signed: SignedDuration = text.parse().ok()?;
    Duration::try_from(signed).ok()
}

/// Reads where the page listens: 127.0.0.1 or ::1 with its port. Other loopback addresses are no
/// names that the page answers to.
///
/// # Errors
/// What is expected instead, for the person who wrote it.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "adresse:port est attendu, comme 127.0.0.1:8477".to_owned())?;
    if [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address.ip()) {
        Ok(address)
    } else {
        Err("la page n’est servie qu’à ce poste : 127.0.0.1 ou [::1] est attendu, comme 127.0.0.1:8477".to_owned())
    }
}

fn operators(text: &str) -> Result<Vec<OperatorCode>, String> {
    let mut codes: Vec<OperatorCode> = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let code: Option<OperatorCode> = word.parse().ok();
        let Some(code) = code.filter(|code| known_operator(code.as_str()).is_some()) else {
            return Err(unknown_operator(word));
        };
        if codes.contains(&code) {
            return Err(format!("« {word} » est donné deux fois"));
        }
        codes.push(code);
    }
    if codes.len() > OPERATORS_MAX {
        return Err(format!("{} partenaires pour {OPERATORS_MAX} boutons au plus", codes.len()));
    }
    Ok(codes)
}
