//! Claims about the metrics, over stores in memory. `promtool` judges the real ones in the tests across
//! programs.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::network::{Network, Sites};
use super::serve::{Machine, exposition, of_sites};
use super::*;
use crate::almanac::Almanac;

/// A network of so many sites, each with a machine, a refusal and a flagged fact.
fn network(sites: usize) -> Connection {
    let conn = crate::store::empty();
    for n in 0..sites {
        let standing = ["active", "returned", "pending", "revoked"][n % 4];
        let sql = format!(
            "INSERT INTO site (id, name, kind, department, region, timezone)
                 VALUES ('{n}', 'Maison {n}', 'house', '{:02}', '52', 'Europe/Paris');
             INSERT INTO device (id, fingerprint, site, standing, enrolled_day, last_contact, last_in_sync, app_version,
                                 waiting)
                 VALUES (x'{n:016x}', x'{n:064x}', '{n}', '{standing}', 9700, {n}, {n}, '0.{n}', 2);
             INSERT INTO document (id, name, site) VALUES ({n} + 1, 'site/{n}/visits/2026-11', '{n}');
             INSERT INTO flagged (document, tap, reason, verdict) VALUES ({n} + 1, zeroblob(8), 'age', '');
             INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
                 VALUES ('site/{n}/visits/2026-11', '{n}', x'{n:016x}', zeroblob(16), 1, zeroblob(32), 2, 9820);",
            n % 90 + 1,
        );
        conn.execute_batch(&sql).unwrap();
    }
    conn
}

fn told(conn: &Connection) -> String {
    let metrics = Metrics::default();
    metrics.requested("/v1/visits", 200);
    metrics.committed(1, Instant::now());
    let network = Network::read(conn, &Almanac::default(), "2026-11-20T12:00:00Z".parse().unwrap()).unwrap();
    exposition(&metrics, &network, &Machine::with_backups())
}

/// Every series, without its value.
fn series(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

#[test]
fn the_whole_network_has_as_many_series_as_ten_sites() {
    let (few, all) = (told(&network(10)), told(&network(2_845)));
    assert_eq!(series(&few), series(&all));
    assert_eq!(few.lines().count(), all.lines().count());
    let states: f64 =
        crate::site::STATES.iter().map(|state| value(&all, &format!("msap_hub_sites{{state=\"{state}\"}}"))).sum();
    assert_eq!(states, 2_845.0);
    assert_eq!(value(&all, "msap_hub_flagged_facts"), 2_845.0);
    assert_eq!(value(&all, "msap_hub_refused_changes"), 2_845.0);
    // One in four is turned away, and is not awaited.
    assert_eq!(value(&few, "msap_hub_waiting_changes"), 16.0);
    assert_eq!(value(&few, "msap_hub_devices{standing=\"revoked\"}"), 2.0);
}

#[test]
fn sites_have_series_of_their_own_only_for_whoever_asks_for_them() {
    let conn = network(3);
    assert!(!told(&conn).contains("site=\""));
    let text = of_sites(&Sites::read(&conn, &Almanac::default(), "2026-11-20T12:00:00Z".parse().unwrap()).unwrap());
    assert_eq!(value(&text, "msap_hub_site_last_contact_timestamp_seconds{site=\"2\"}"), 2.0);
    assert_eq!(value(&text, "msap_hub_site_waiting_changes{site=\"1\"}"), 2.0);
    assert_eq!(value(&text, "msap_hub_site_state{site=\"2\",state=\"pending\"}"), 1.0);
    names_follow_the_rules(&text);
}

/// What `promtool check metrics` looks for, and some of our own: it may not be installed.
fn names_follow_the_rules(text: &str) {
    let described: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let helped: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' ')).collect();
    let named: Vec<&str> = described.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, helped.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(named.len(), named.iter().collect::<BTreeSet<_>>().len(), "each is described once: {text}");
    assert!(helped.iter().all(|(_, help)| help.len() > 5 && help.ends_with('.')), "{text}");
    for (name, kind) in &described {
        assert!(matches!(*kind, "counter" | "gauge" | "histogram"), "{name} is a {kind}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        assert!(name.starts_with("msap_hub_") || name.starts_with("process_"), "{name}");
        for wrong in ["_ms", "_milliseconds", "_kib", "_age", "_days", "_minutes", "_gauge", "_counter"] {
            assert!(!name.ends_with(wrong) && !name.contains(&format!("{wrong}_")), "{name}");
        }
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let of = described.iter().any(|(known, kind)| {
            name == *known
                || (*kind == "histogram"
                    && ["_sum", "_count", "_bucket"].iter().any(|end| name.strip_suffix(end) == Some(*known)))
        });
        assert!(of, "{line} is not described");
    }
}

#[test]
fn names_and_descriptions_follow_the_rules() {
    let text = told(&network(1));
    names_follow_the_rules(&text);
    for series in [
        "msap_hub_sessions{transport=\"quic\"}",
        "msap_hub_sessions{transport=\"tcp\"}",
        "msap_hub_pushes_total{result=\"accepted\"}",
        "msap_hub_pushes_total{result=\"refused\"}",
        "msap_hub_commits_total",
        "msap_hub_commit_duration_seconds_count",
        "msap_hub_http_requests_total{route=\"/v1/visits\",status=\"2xx\"}",
        "msap_hub_disk_free_bytes",
        "msap_hub_wal_size_bytes",
        "msap_hub_backup_last_success_timestamp_seconds",
        "msap_hub_drift",
        "msap_hub_check_last_timestamp_seconds",
        "msap_hub_check_awaited_timestamp_seconds",
        "msap_hub_conflicts",
        "msap_hub_ready",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(value(&text, series) >= 0.0);
    }
}

#[test]
fn what_happens_is_counted() {
    let metrics = Metrics::default();
    metrics.session_began("quic");
    metrics.session_began("tcp");
    metrics.session_ended("tcp");
    metrics.pushed(Pushes { accepted: 3, refused: 1 });
    metrics.committed(2, Instant::now());
    metrics.committed(0, Instant::now());
    let network = Network::read(&network(0), &Almanac::default(), Timestamp::UNIX_EPOCH).unwrap();
    let text = exposition(&metrics, &network, &Machine::default());
    for (series, expected) in [
        ("msap_hub_sessions{transport=\"quic\"}", 1.0),
        ("msap_hub_sessions{transport=\"tcp\"}", 0.0),
        ("msap_hub_pushes_total{result=\"accepted\"}", 3.0),
        ("msap_hub_pushes_total{result=\"refused\"}", 1.0),
        ("msap_hub_commits_total", 2.0),
        ("msap_hub_commit_duration_seconds_count", 1.0),
    ] {
        assert_eq!(value(&text, series), expected, "{series}");
    }
    assert!(!text.contains("backup"), "nothing is told of backups where none are scheduled");
}
