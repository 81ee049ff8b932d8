//! A test per documented variable, and one per way to get a setting wrong.

use msap_shared::io::link::Transport;

use super::*;

fn loaded(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("Réglages du poste.toml");
    std::fs::write(&path, file).unwrap();
    load(Some(&path), variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
}

fn from_variable(name: &str, value: &str) -> Settings {
    let loaded = loaded("", &[(name, value)]).unwrap();
    let here = Origin::Environment(name.to_owned());
    assert_eq!(loaded.entries.iter().filter(|entry| entry.origin == here).count(), 1, "{name}");
    loaded.settings
}

#[test]
fn without_file_or_variables_the_defaults_stand() {
    let settings = load(None, vec![("PATH".into(), "/bin".into())]).unwrap().settings;
    assert_eq!(settings.sync.hub, None);
    assert_eq!(settings.sync.interval, Duration::from_secs(60));
    assert_eq!(settings.sync.max_backoff, Duration::from_secs(900));
    assert_eq!(settings.sync.transport, Preference::Auto);
    assert_eq!(settings.desk.listen, "127.0.0.1:8477".parse().unwrap());
    assert!(settings.desk.operators.is_empty());
    assert_eq!(settings.log, Log { filter: "info,rusqlite_migration=warn".into(), format: LogFormat::Auto });
}

#[test]
fn variable_sync_hub_is_read() {
    assert_eq!(from_variable("MSAP_AGENT_SYNC__HUB", "[::1]:4433").sync.hub.as_deref(), Some("[::1]:4433"));
}

#[test]
fn variable_sync_interval_is_read() {
    assert_eq!(from_variable("MSAP_AGENT_SYNC__INTERVAL", "90s").sync.interval, Duration::from_secs(90));
}

#[test]
fn variable_sync_max_backoff_is_read() {
    assert_eq!(from_variable("MSAP_AGENT_SYNC__MAX_BACKOFF", "1h").sync.max_backoff, Duration::from_secs(3600));
}

#[test]
fn variable_sync_transport_is_read() {
    for (text, transport) in [("quic", Transport::Quic), ("tcp", Transport::Tcp)] {
        assert_eq!(from_variable("MSAP_AGENT_SYNC__TRANSPORT", text).sync.transport, Preference::Only(transport));
    }
}

#[test]
fn variable_desk_listen_is_read() {
    let settings = from_variable("MSAP_AGENT_DESK__LISTEN", "[::1]:9000");
    assert_eq!(settings.desk.listen, "[::1]:9000".parse().unwrap());
}

#[test]
fn variable_desk_operators_is_read() {
    let operators = from_variable("MSAP_AGENT_DESK__OPERATORS", "CNAF, MSA").desk.operators;
    assert_eq!(operators.iter().map(OperatorCode::as_str).collect::<Vec<_>>(), ["CNAF", "MSA"]);
}

#[test]
fn variable_log_filter_is_read() {
    assert_eq!(from_variable("MSAP_AGENT_LOG__FILTER", "debug,quinn=warn").log.filter, "debug,quinn=warn");
}

#[test]
fn variable_log_format_is_read() {
    assert_eq!(from_variable("MSAP_AGENT_LOG__FORMAT", "json").log.format, LogFormat::Json);
}

#[test]
fn variables_that_say_where_things_are_are_no_settings() {
    let places = [("MSAP_AGENT_DATA", "/d"), ("MSAP_AGENT_CONFIG", "/c"), ("MSAP_AGENT_LANG", "en")];
    assert!(loaded("", &places).unwrap().entries.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn the_environment_overrides_the_file_which_overrides_the_default() {
    let file = "[sync]\nhub = \"hub.exemple.fr:4433\"\ninterval = \"30s\"\n[desk]\noperators = [\"MSA\", \"CNAF\"]\n";
    let loaded = loaded(file, &[("MSAP_AGENT_SYNC__INTERVAL", "10s")]).unwrap();
    assert_eq!(loaded.settings.sync.interval, Duration::from_secs(10));
    let origin = |key: &str| loaded.entries.iter().find(|entry| entry.key == key).unwrap().origin.as_str();
    assert_eq!(origin("sync.hub"), "file");
    assert_eq!(origin("sync.interval"), "environment");
    assert_eq!(origin("sync.max_backoff"), "default");
    assert_eq!(loaded.entries[5].value, "MSA,CNAF");
}

#[test]
fn wrong_settings_are_refused_naming_the_key_and_the_place() {
    for (file, key) in [
        ("[sync]\nhubb = \"x\"", "sync.hubb"),
        ("hub = \"x\"", "hub"),
        ("[sink]\nhub = \"x\"", "sink.hub"),
        ("[sync]\nhub = \"nowhere\"", "sync.hub"),
        ("[sync]\ninterval = 60", "sync.interval"),
        ("[sync]\ninterval = \"0s\"", "sync.interval"),
        ("[sync]\nmax_backoff = \"25h\"", "sync.max_backoff"),
        ("[sync]\ntransport = \"pigeon\"", "sync.transport"),
        ("[sync]\ntransport = [\"quic\"]", "sync.transport"),
        ("[desk]\nlisten = \"0.0.0.0:8477\"", "desk.listen"),
        ("[desk]\nlisten = \"127.0.0.2:8477\"", "desk.listen"),
        ("[desk]\nlisten = \"[::ffff:127.0.0.1]:8477\"", "desk.listen"),
        ("[desk]\nlisten = \"8477\"", "desk.listen"),
        ("[desk]\noperators = [\"cnaf\"]", "desk.operators"),
        ("[desk]\noperators = [\"CNAF\", \"CNAF\"]", "desk.operators"),
        ("[desk]\noperators = \"CNAF\"", "desk.operators"),
        ("[log]\nfilter = \"=[[[\"", "log.filter"),
        ("[log]\nformat = \"xml\"", "log.format"),
        ("[log", "Réglages du poste.toml"),
    ] {
        let error = loaded(file, &[]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("Réglages du poste.toml"), "{file:?} gave {error}");
    }
}

#[test]
fn wrong_variables_are_refused_by_name() {
    for (name, value) in [
        ("MSAP_AGENT_SYNC_HUB", "h:1"),
        ("MSAP_AGENT_SYNC__HUBB", "h:1"),
        ("MSAP_AGENT_HUB", "h:1"),
        ("MSAP_AGENT_SYNC__INTERVAL", "soon"),
        ("MSAP_AGENT_DESK__LISTEN", "192.168.1.4:80"),
    ] {
        let error = loaded("", &[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(name), "{name} gave {error}");
    }
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let error = load(Some(Path::new("/nowhere/agent.toml")), Vec::new()).unwrap_err().to_string();
    assert!(error.contains("/nowhere/agent.toml"), "{error}");
}

#[test]
fn durations_have_units() {
    assert_eq!(parse_duration("1h 30m"), Some(Duration::from_secs(5400)));
    assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
    for text in ["", "30", "-3s", "s"] {
        assert_eq!(parse_duration(text), None, "{text:?}");
    }
}
