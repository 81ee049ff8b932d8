//! The load generator: every scenario at its smallest, and that it says nothing untrue.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use msap_tests::cluster::{Programs, wait_for, wait_until};
use msap_tests::fleet::{self, Options};
use serde_json::Value;

/// Runs the program, as a person would, and reads what it says.
fn fleet(args: &[&str]) -> Result<Value> {
    let ran = Command::new(env!("CARGO_BIN_EXE_fleet")).args(args).arg("--json").output()?;
    let (said, complained) = (String::from_utf8(ran.stdout)?, String::from_utf8_lossy(&ran.stderr).into_owned());
    anyhow::ensure!(ran.status.success(), "{args:?} ended with {}: {complained}", ran.status);
    serde_json::from_str(&said).with_context(|| format!("{args:?} said {said}"))
}

/// The median of a figure, which must be there and more than nothing.
fn median(report: &Value, name: &str) -> Result<f64> {
    let median = report["summary"][name]["median"].as_f64().with_context(|| format!("{name} in {report}"))?;
    anyhow::ensure!(median > 0.0, "{name} is {median}");
    Ok(median)
}

#[test]
fn a_rush_is_measured_as_often_as_asked() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("fleet.json");
    let out = out.to_str().context("a path that is text")?;
    let report = fleet(&["rush", "--sites", "20", "--visits", "10", "--over", "300ms", "--runs", "2", "--out", out])?;
    assert_eq!(report["asked"]["scenario"], "rush");
    assert_eq!(report["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(median(&report, "visits_measured")?, 200.0);
    for name in ["wall_ms", "hub_cpu_ms_per_site", "up_bytes_per_site", "down_bytes_per_site", "hub_rss_peak_kib"] {
        median(&report, name)?;
    }
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(out)?)?, report);
    Ok(())
}

#[test]
fn every_other_scenario_is_measured() -> Result<()> {
    let report = fleet(&["visit", "--sites", "2", "--visits", "3"])?;
    assert_eq!(median(&report, "visits_measured")?, 6.0);
    for name in ["latency_us_p50", "latency_us_p99", "up_bytes_per_visit", "down_bytes_per_visit"] {
        median(&report, name)?;
    }
    let report = fleet(&["quiet", "--sites", "3", "--months", "2", "--visits", "4"])?;
    assert_eq!((median(&report, "documents")?, median(&report, "visits_before")?), (6.0, 24.0));
    assert_eq!(report["summary"]["visits_measured"]["max"], 0);
    let report = fleet(&["restore", "--sites", "2", "--months", "2", "--visits", "4"])?;
    assert_eq!(median(&report, "visits_measured")?, 16.0);
    let report = fleet(&["live", "--sites", "3", "--months", "1", "--for", "200ms"])?;
    median(&report, "hub_rss_peak_kib")?;
    Ok(())
}

#[test]
fn a_visit_that_no_site_counted_leaves_nothing_to_tell() -> Result<()> {
    let options = Options::try_parse_from(["fleet", "rush", "--sites", "2", "--visits", "2"])?;
    let mut site = String::new();
    let measured = fleet::measure(&Programs::beside_this_test()?, &options, |cluster, hub| {
        // Beside the fleet, another machine of one of its sites counts a visit.
        site = hub.devices()?[0]["site"].as_str().context("a device's site")?.to_owned();
        let mut other = cluster.enrol(hub, &site, "other")?;
        other.start()?;
        other.count("CNAF", 1)?;
        other.wait_confirmed()?;
        other.stop()
    });
    let told = format!("{:#}", measured.err().context("a difference is an error")?);
    assert!(told.contains(&format!("{site}: counted 2/2, hub 3/3")), "{told}");
    Ok(())
}

#[test]
fn a_signal_leaves_nothing_behind() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut fleet = Command::new(env!("CARGO_BIN_EXE_fleet"))
        .args(["live", "--sites", "2", "--for", "10m"])
        .env("TMPDIR", dir.path())
        .stderr(Stdio::null())
        .spawn()?;
    // The hub of the fleet, once the sites have met it: its log tells of their sessions' ends.
    let hub = wait_for("the fleet is set up", || {
        let cluster = std::fs::read_dir(dir.path())?.next().transpose()?.map(|entry| entry.path());
        let Some(cluster) = cluster else { return Ok(None) };
        let met = std::fs::read_to_string(cluster.join("hub.log")).is_ok_and(|log| log.matches("=== ").count() == 2);
        let addresses = std::fs::read(cluster.join("hub/addresses.json")).ok().filter(|_| met);
        let addresses: Option<Value> = addresses.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(addresses.and_then(|addresses| addresses["http"].as_str().map(str::to_owned)))
    })?;
    wait_until("the hub answers", || Ok(TcpStream::connect(&hub).is_ok()))?;
    let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\""]).arg(fleet.id().to_string()).status()?;
    assert!(asked.success());
    let status = wait_for("the fleet ends", || Ok(fleet.try_wait()?))?;
    assert!(!status.success());
    wait_until("the hub ends", || Ok(TcpStream::connect(&hub).is_err()))?;
    assert_eq!(std::fs::read_dir(dir.path())?.count(), 0, "something was left in {}", dir.path().display());
    Ok(())
}

#[test]
fn more_sites_than_the_country_has_are_refused() {
    let ran = Command::new(env!("CARGO_BIN_EXE_fleet")).args(["rush", "--sites", "100000"]).output().unwrap();
    assert_eq!((ran.status.code(), ran.stdout), (Some(1), Vec::new()));
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(told.contains("--sites 100000"), "{told}");
}
