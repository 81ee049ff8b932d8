//! Claims about settings.

use super::*;
use crate::lang::Lang;

fn with(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::load(None, variables, &[])
}

fn with_file(text: &str) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(Some(&path), [], &[])
}

#[test]
fn every_documented_variable_and_key_reaches_its_setting() {
    for (key, value) in [
        ("sync.listen", "0.0.0.0:1"),
        ("sync.advertise", "hub.exemple.fr:4433"),
        ("http.listen", "[::1]:2"),
        ("http.public_url", "https://hub.exemple.fr"),
        ("http.trusted_proxies", "192.0.2.1, 2001:db8::1"),
        ("metrics.listen", "[::1]:9100"),
        ("check.hour", "4"),
        ("log.filter", "debug"),
        ("log.format", "json"),
        ("partners.stale_after", "30d"),
        ("completeness.late_days", "5"),
        ("label.min_weekly_hours", "30"),
        ("label.near_margin", "0.5"),
        ("label.min_agents", "3"),
        ("label.min_partners", "3"),
        ("label.statistics_months", "2"),
        ("label.hours_confirmed_months", "12"),
        ("backup.dir", "/var/backups/msap"),
        ("backup.every", "12h"),
        ("backup.keep", "3"),
        ("partners.stale_after", "10d"),
        ("limits.http_connections", "3"),
        ("limits.http_connections_per_address", "2"),
        ("limits.sync_connections", "4"),
    ] {
        let variable = format!("MSAP_HUB_{}", key.replace('.', "__").to_uppercase());
        let (section, name) = key.split_once('.').unwrap();
        let quoted = if key.starts_with("limits")
            || key.starts_with("label")
            || ["backup.keep", "completeness.late_days"].contains(&key)
        {
            value.to_owned()
        } else {
            format!("{value:?}")
        };
        for settings in
            [with(&[(&variable, value)]).unwrap(), with_file(&format!("[{section}]\n{name} = {quoted}")).unwrap()]
        {
            let shown = settings.show().into_iter().find(|shown| shown.key == key).unwrap();
            assert_eq!(shown.value, value);
            assert!(shown.origin == variable || shown.origin.ends_with("hub.toml"), "{}", shown.origin);
            assert_ne!(settings, with(&[]).unwrap(), "{key} changes something");
        }
    }
    assert_eq!(with(&[]).unwrap().show().len(), KEYS.len());
    assert_eq!(with(&[]).unwrap().log_filter, "info,rusqlite_migration=warn");
    // A machine that an older hub tells nothing goes by the same.
    assert_eq!(with(&[]).unwrap().rules.terms(), msap_shared::reference::Terms::default());
}

#[test]
fn what_is_said_later_wins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, "[http]\nlisten = '127.0.0.1:1'\n[sync]\nlisten = '127.0.0.1:1'").unwrap();
    let variable = ("MSAP_HUB_HTTP__LISTEN".to_owned(), "127.0.0.1:2".to_owned());
    let settings = Settings::load(Some(&path), [variable.clone()], &[]).unwrap();
    assert_eq!((settings.http_listen.port(), settings.sync_listen.port()), (2, 1));
    let option = ("http.listen", "--http", "127.0.0.1:3".to_owned());
    assert_eq!(Settings::load(Some(&path), [variable], &[option]).unwrap().http_listen.port(), 3);
}

#[test]
fn an_unknown_setting_is_named_with_its_place() {
    for name in ["MSAP_HUB_HTTP__LISTENN", "MSAP_HUB_DATA", "MSAP_HUB_HTTP_LISTEN", "MSAP_HUB_"] {
        let error = with(&[(name, "x")]).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    for (text, key) in [
        ("[http]\nlissen = 'x'", "http.lissen"),
        ("data = 'x'", "data"),
        ("[http.listen]\na = 1", "http.listen"),
        ("[limits]\nhttp_connections = [1]", "limits.http_connections"),
    ] {
        let error = with_file(text).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("hub.toml"), "{error}");
    }
    assert!(with(&[("MSAP_AGENT_X", "x"), ("PATH", "x")]).is_ok());
    let error = with(&[("MSAP_HUB_PRIVACY__PUBLISH_AFTER", "15d")]).unwrap_err();
    for said in [error.to_string(), error.say(Lang::Fr)] {
        assert!(said.contains("privacy.release_after") && !said.contains("http.listen"), "{said}");
    }
}

#[test]
fn invalid_values_are_refused() {
    for (key, value) in [
        ("SYNC__LISTEN", "4433"),
        ("HTTP__LISTEN", "localhost:8080"),
        ("HTTP__TRUSTED_PROXIES", "192.0.2.1,"),
        ("HTTP__TRUSTED_PROXIES", "mandataire"),
        ("SYNC__ADVERTISE", "hub.exemple.fr"),
        ("SYNC__ADVERTISE", "hub.exemple.fr:0"),
        ("SYNC__ADVERTISE", "hub exemple:4433"),
        ("SYNC__ADVERTISE", "::1:4433"),
        ("SYNC__ADVERTISE", "256.0.0.1:4433"),
        ("LOG__FORMAT", "xml"),
        ("LOG__FILTER", "msap_hub=loud"),
        ("BACKUP__DIR", "sauvegardes"),
        ("COMPLETENESS__LATE_DAYS", "251"),
        ("LABEL__MIN_WEEKLY_HOURS", "169"),
        ("LABEL__NEAR_MARGIN", "-1"),
        ("LABEL__MIN_AGENTS", "0"),
        ("BACKUP__EVERY", "0h"),
        ("BACKUP__EVERY", "daily"),
        ("BACKUP__KEEP", "0"),
        ("PARTNERS__STALE_AFTER", "0d"),
        ("PARTNERS__STALE_AFTER", "3651d"),
        ("PARTNERS__STALE_AFTER", "10"),
        ("METRICS__LISTEN", "9100"),
        ("CHECK__HOUR", "24"),
        ("CHECK__HOUR", "-1"),
        ("CHECK__HOUR", "03:00"),
        ("LIMITS__HTTP_CONNECTIONS", "0"),
        ("LIMITS__SYNC_CONNECTIONS", "100001"),
    ] {
        let variable = format!("MSAP_HUB_{key}");
        let error = with(&[(&variable, value)]).unwrap_err().to_string();
        assert!(error.contains(&variable) && error.contains(value), "{error}");
    }
    for value in ["hub:4433", "hub.exemple.fr:1", "192.0.2.1:4433", "[2001:db8::1]:4433"] {
        assert_eq!(with(&[("MSAP_HUB_SYNC__ADVERTISE", value)]).unwrap().sync_advertise.as_deref(), Some(value));
    }
    assert!(matches!(with_file("[http"), Err(ConfigError::Toml { .. })));
    assert!(matches!(Settings::load(Some(Path::new("/nonexistent")), [], &[]), Err(ConfigError::Read { .. })));
}
