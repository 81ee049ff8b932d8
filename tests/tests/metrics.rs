//! What operators see of a real hub: the fleet, the metrics as Prometheus' own tool judges them, and a
//! difference in a view that is found and told everywhere.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use msap_tests::cluster::{Cluster, Hub, request, run};
use rusqlite::Connection;

/// The exit code of a condition that does not hold.
const CONDITION: i32 = 8;

/// A hub with metrics, with one visit of one site and another site that nobody ever heard of.
fn measured(cluster: &Cluster) -> Result<Hub> {
    let mut hub = cluster.hub("hub");
    hub.set_env("MSAP_HUB_METRICS__LISTEN", "127.0.0.1:0");
    hub.set_env("MSAP_HUB_BACKUP__DIR", hub.data().with_extension("backups").to_str().context("a name")?);
    hub.start()?;
    hub.add_sites(&["275", "361"])?;
    let mut agent = cluster.enrol(&hub, "275", "accueil")?;
    agent.start()?;
    agent.count("CNAF", 1)?;
    agent.wait_confirmed()?;
    agent.stop()?;
    Ok(hub)
}

fn metrics(hub: &Hub, target: &str) -> Result<String> {
    let answer = request(hub.metrics()?, "GET", target, &[], "")?;
    ensure!(answer.status == 200, "{target}: {} {}", answer.status, answer.text());
    ensure!(answer.head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    Ok(answer.text())
}

fn value(text: &str, series: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("no {series} in {text}"))?.parse()?)
}

/// Prometheus' own tool; `None` where it is not installed. Where it must be, that is a failure.
fn promtool(args: &[&str], input: &str) -> Result<Option<()>> {
    let started =
        Command::new("promtool").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut tool = match started {
        Ok(tool) => tool,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if std::env::var_os("CI").is_some_and(|value| value == "true") {
                bail!("promtool is missing (Debian package prometheus)");
            }
            eprintln!("skipped: promtool is missing (Debian package prometheus)");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    tool.stdin.take().context("its input")?.write_all(input.as_bytes())?;
    let output = tool.wait_with_output()?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(output.status.success() && !said.contains("use ") && !said.contains("should"), "{args:?}: {said}");
    Ok(Some(()))
}

#[test]
fn metrics_are_as_prometheus_wants_them_and_count_what_happened() {
    run(|cluster| {
        let hub = measured(cluster)?;
        hub.view("/v1/sites/275")?;
        let text = metrics(&hub, "/metrics")?;
        promtool(&["check", "metrics"], &text)?;
        promtool(&["check", "metrics"], &metrics(&hub, "/metrics/sites")?)?;
        for (series, expected) in [
            ("msap_hub_sites{state=\"up_to_date\"}", 1.0),
            ("msap_hub_sites{state=\"never_connected\"}", 1.0),
            ("msap_hub_devices{standing=\"active\"}", 1.0),
            ("msap_hub_pushes_total{result=\"accepted\"}", 1.0),
            ("msap_hub_pushes_total{result=\"refused\"}", 0.0),
            ("msap_hub_http_requests_total{route=\"/v1/sites/{id}\",status=\"2xx\"}", 1.0),
            ("msap_hub_waiting_changes", 0.0),
            ("msap_hub_ready", 1.0),
            ("msap_hub_drift", 0.0),
        ] {
            assert_eq!(value(&text, series)?, expected, "{series}");
        }
        ensure!(value(&text, "msap_hub_commits_total")? >= 3.0, "{text}");
        ensure!(value(&text, "msap_hub_disk_free_bytes")? > 0.0, "{text}");
        ensure!(value(&text, "process_resident_memory_bytes")? > 1e6, "{text}");
        ensure!(!text.contains("\"275\""), "no label is an id: {text}");
        let sites = metrics(&hub, "/metrics/sites")?;
        assert_eq!(value(&sites, "msap_hub_site_state{site=\"275\",state=\"up_to_date\"}")?, 1.0);
        assert_eq!(request(hub.metrics()?, "GET", "/v1/sites", &[], "")?.status, 404, "nothing else is there");
        assert_eq!(hub.get("/metrics", None)?.status, 404, "and the metrics are nowhere else");
        Ok(())
    });
}

#[test]
fn the_example_rules_are_rules_about_metrics_that_exist() {
    run(|cluster| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/alerts.yml");
        promtool(&["check", "rules", path.to_str().context("a name")?], "")?;
        let hub = measured(cluster)?;
        let (text, rules) = (metrics(&hub, "/metrics")?, std::fs::read_to_string(&path)?);
        let expressions = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = expressions.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        let named: std::collections::BTreeSet<&str> = words.filter(|word| word.starts_with("msap_hub_")).collect();
        ensure!(named.len() > 5, "{named:?}");
        for name in named {
            ensure!(text.lines().any(|line| line.starts_with(name)), "{name} is not among the metrics");
        }
        Ok(())
    });
}

#[test]
fn a_difference_in_a_view_is_told_everywhere_until_the_views_are_rebuilt() {
    run(|cluster| {
        let mut hub = measured(cluster)?;
        hub.cli(&["check"])?.expect_code(0)?;
        hub.stop()?;
        Connection::open(hub.data().join("hub.db"))?.execute("UPDATE visits SET people = people + 1", [])?;
        hub.start()?;
        assert_eq!(value(&metrics(&hub, "/metrics")?, "msap_hub_drift")?, 0.0, "nobody has looked yet");

        hub.cli(&["check"])?.expect_code(CONDITION)?;
        let text = metrics(&hub, "/metrics")?;
        assert_eq!(value(&text, "msap_hub_drift")?, 2.0, "the figure that stood, and the one that follows");
        ensure!(value(&text, "msap_hub_check_last_timestamp_seconds")? > 1.7e9, "{text}");
        let fleet = hub.view("/v1/fleet")?;
        assert_eq!((&fleet["check"]["drift"], &fleet["check"]["differences"]), (&2.into(), &2.into()));
        assert_eq!(hub.get("/readyz", None)?.status, 200, "figures are still read and visits still taken in");
        ensure!(hub.log()?.contains("the database is not what was written"), "{}", hub.log()?);
        let told = hub.cli(&["doctor", "--json"])?.expect_code(1)?.out;
        ensure!(told.contains("\"check\":\"check\"") && told.contains("visits (275"), "{told}");
        let shown = hub.cli(&["fleet"])?.expect_code(0)?;
        ensure!(shown.err.contains("n’est pas telle qu’elle a été écrite"), "{}", shown.err);

        hub.cli(&["check", "--rebuild"])?.expect_code(0)?;
        assert_eq!(value(&metrics(&hub, "/metrics")?, "msap_hub_drift")?, 0.0);
        assert_eq!(hub.view("/v1/fleet")?["check"]["drift"], 0);
        Ok(())
    });
}

#[test]
fn the_fleet_tells_who_is_awaited_and_what_waits_there() {
    run(|cluster| {
        let mut hub = measured(cluster)?;
        let fleet = hub.view("/v1/fleet")?;
        let states: Vec<_> = fleet["sites"].as_array().context("sites")?.iter().map(|site| &site["state"]).collect();
        assert_eq!(states, ["up_to_date", "never_connected"]);
        assert_eq!(fleet["departments"][0]["department"], "49");
        let machine = &fleet["sites"][0]["devices"][0];
        assert_eq!(
            (&machine["label"], &machine["waiting"], &machine["transport"]),
            (&"accueil".into(), &0.into(), &"quic".into())
        );

        let _never_started = cluster.enrol(&hub, "361", "guichet")?;
        let fleet = hub.view("/v1/fleet?state=never_connected")?;
        let site = &fleet["sites"][0];
        assert_eq!((&site["id"], site["devices"].as_array().map(Vec::len)), (&"361".into(), Some(1)));
        ensure!(site["cause"]["fr"].as_str().is_some_and(|cause| cause.contains("n’est jamais venu")), "{site}");

        // The same by the command, running or not, in three forms.
        let rows =
            |hub: &Hub, form: &str| Ok::<_, anyhow::Error>(hub.cli(&["fleet", "--format", form])?.expect_code(0)?.out);
        let csv = rows(&hub, "csv")?;
        assert_eq!(csv.lines().count(), 3, "{csv}");
        ensure!(rows(&hub, "csv-fr")?.starts_with("\u{feff}département;"), "csv-fr");
        hub.stop()?;
        assert_eq!(rows(&hub, "csv")?, csv);
        hub.cli(&["fleet", "--state", "tardif"])?.expect_code(5)?;
        Ok(())
    });
}

#[test]
fn a_token_sees_the_fleet_of_its_scope() {
    run(|cluster| {
        let hub = measured(cluster)?;
        let token = hub.make_token("department:49", "reader")?;
        for (query, status) in
            [("", 403), ("?department=61", 403), ("?department=49", 200), ("?site=275", 200), ("?departement=49", 400)]
        {
            assert_eq!(hub.get(&format!("/v1/fleet{query}"), Some(&token))?.status, status, "{query}");
        }
        let partner = hub.make_token("operator:CNAF", "reader")?;
        assert_eq!(hub.get("/v1/fleet", Some(&partner))?.status, 403);
        let table = hub.get("/v1/fleet?department=49&format=csv-fr", Some(&token))?;
        ensure!(table.head.contains("text/csv") && table.text().contains("275;"), "{}", table.text());
        Ok(())
    });
}
