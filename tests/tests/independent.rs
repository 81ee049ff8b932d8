//! Each figure of the API, worked out again by `tests/independent` in Python from the documents that
//! the hub exports, without the product's code.
//!
//! The network of [`scenario`] lives through five weeks by a clock that the test sets, and exports its
//! documents at the end of three days of the hub: what was received when is known to nobody else.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use msap_tests::cluster::{Hub, run};
use serde_json::{Value, json};

use self::scenario::{CONFIRMED_MONTHS, Scenario};
use crate::machines::clock::FakeClock;

mod scenario;

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/independent/check.py");

/// Whether there is a Python; where there must be one, that is a failure.
fn has_python() -> Result<bool> {
    match Command::new("python3").arg("--version").output() {
        Ok(output) => Ok(output.status.success()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if std::env::var_os("CI").is_some_and(|value| value == "true") {
                bail!("python3 is missing (Debian package python3)");
            }
            eprintln!("skipped: python3 is missing (Debian package python3)");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Every site with its history and machines, as `site show` tells it.
fn shown(hub: &Hub) -> Result<Vec<Value>> {
    let listed = hub.json(&["site", "list"])?;
    let ids = listed.as_array().context("a list of sites")?.iter().map(|site| site["id"].as_str().context("an id"));
    ids.map(|id| hub.json(&["site", "show", id?])).collect()
}

#[test]
fn every_figure_is_what_python_works_out_from_the_exported_documents() {
    run(|cluster| {
        if !has_python()? {
            return Ok(());
        }
        let Some(clock) = FakeClock::at(cluster.path().join("clock"), "+0")? else { return Ok(()) };
        let scenario = Scenario::play(cluster, &clock)?;
        let world = json!({
            "url": format!("http://{}", scenario.hub.http()?),
            "token": scenario.token,
            "now": scenario.now,
            "late_days": 3,
            "confirmed_months": CONFIRMED_MONTHS,
            "sites": shown(&scenario.hub)?,
            "settled": scenario.settled,
            "closures": scenario.closures,
        });
        std::fs::write(scenario.folder.join("world.json"), world.to_string())?;
        let mut check = Command::new("python3");
        let output = check.env("PYTHONDONTWRITEBYTECODE", "1").arg(CHECK).arg(&scenario.folder).output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        println!("{told}");
        Ok(())
    });
}
