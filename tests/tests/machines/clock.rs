//! Machines whose clock is wrong, jumps, or stands at the edge of a day.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use msap_tests::cluster::{Agent, run, wait_equal, wait_for};
use serde_json::json;

use crate::hub_with;

/// A clock that this test sets, for programs started under it.
pub(crate) struct FakeClock {
    file: PathBuf,
    library: PathBuf,
}

impl FakeClock {
    /// For this agent from its next start on. `None` where the library is missing; a failure
    /// under `CI`, so that nobody believes that it was tested.
    fn of(agent: &mut Agent, at: &str) -> Result<Option<Self>> {
        let Some(clock) = Self::at(agent.data().with_extension("clock"), at)? else { return Ok(None) };
        clock.variables()?.into_iter().for_each(|(name, value)| agent.set_env(name, &value));
        Ok(Some(clock))
    }

    /// For nobody yet.
    pub(crate) fn at(file: PathBuf, at: &str) -> Result<Option<Self>> {
        let places = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
        let library = places.map(|place| Path::new(place).join("libfaketimeMT.so.1"));
        let Some(library) = library.into_iter().find(|path| path.exists()) else {
            if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
                bail!("libfaketime is missing: install the package faketime");
            }
            eprintln!("not tested: libfaketime is missing (package faketime)");
            return Ok(None);
        };
        let clock = Self { file, library };
        clock.set(at)?;
        Ok(Some(clock))
    }

    /// What puts a program under it.
    pub(crate) fn variables(&self) -> Result<[(&'static str, String); 5]> {
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path");
        Ok([
            ("LD_PRELOAD", text(&self.library)?),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)?),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("TZ", "UTC".to_owned()),
        ])
    }

    /// An offset, `+3d`, or a moment at the program's start, `@2026-12-31 22:59:57`.
    fn set(&self, at: &str) -> Result<()> {
        // Renamed into place: half an offset is another clock.
        let part = self.file.with_extension("part");
        std::fs::write(&part, format!("{at}\n"))?;
        Ok(std::fs::rename(part, &self.file)?)
    }

    /// From now on it is this moment, for every program alike.
    pub(crate) fn set_to(&self, moment: &str) -> Result<()> {
        let moment: Timestamp = moment.parse()?;
        self.set(&format!("{:+}", moment.as_second() - Timestamp::now().as_second()))
    }
}

pub(super) fn tap(agent: &Agent) -> Result<(u16, serde_json::Value)> {
    let body = json!({ "id": uuid::Uuid::new_v4().to_string(), "operator": "CNAF" });
    let answer = agent.api("POST", "/api/visits", &body.to_string())?;
    Ok((answer.status, answer.json()?))
}

/// Waits until a person is asked for the day, or no more.
fn wait_asked(agent: &Agent, asked: bool) -> Result<serde_json::Value> {
    wait_for(&format!("the day is asked for: {asked}"), || {
        let status = agent.status()?;
        Ok((status["day_asked"] == asked).then_some(status))
    })
}

#[test]
fn a_machine_that_wakes_in_another_decade_syncs_asks_for_the_day_and_is_flagged() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        let today = agent.wait_confirmed()?["today"].as_str().context("a day")?.to_owned();
        agent.stop()?;
        let Some(clock) = FakeClock::of(&mut agent, "-20000d")? else { return Ok(()) };
        let mut flagged = 0;
        for offset in ["-20000d", "+1700d"] {
            clock.set(offset)?;
            agent.start()?;
            // Syncing goes on, certificates and all.
            agent.wait_confirmed()?;
            let status = wait_asked(&agent, true)?;
            assert_eq!(status["likely_day"], today, "{offset}: {status}");
            assert!(agent.api("GET", "/", "")?.text().contains("Quel jour sommes-nous"), "{offset}");
            let refused = agent.cli(&["count", "CNAF"])?.expect_code(5)?;
            assert!(refused.err.contains("day : ") && refused.err.contains("--day"), "{}", refused.err);
            assert!(agent.cli(&["doctor"])?.expect_code(1)?.out.contains("horloge de ce poste"), "{offset}");
            agent.cli(&["count", "CNAF", "--day", &today])?.expect_code(0)?;
            // For this run.
            let (code, view) = tap(&agent)?;
            assert_eq!((code, &view["day"]), (201, &json!(today)), "{offset}: {view}");
            flagged += 2;
            agent.wait_confirmed()?;
            agent.stop()?;
        }
        // Counted apart until somebody looks.
        assert_eq!(hub.total("")?, (2, 2));
        let listed = hub.json(&["flagged", "list"])?;
        assert_eq!(listed.to_string().matches("\"clock\"").count(), flagged, "{listed}");

        // Set right, nobody is asked.
        clock.set("+0")?;
        agent.start()?;
        assert_eq!(tap(&agent)?.0, 201);
        agent.wait_confirmed()?;
        wait_equal("a clock that is right is believed", (3, 3), || hub.total(""))?;
        Ok(())
    });
}

#[test]
fn a_clock_that_jumps_while_the_agent_runs_is_noticed_and_believed_again() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        let Some(clock) = FakeClock::of(&mut agent, "+0")? else { return Ok(()) };
        agent.start()?;
        assert_eq!(tap(&agent)?.0, 201);
        let today = agent.wait_confirmed()?["today"].as_str().context("a day")?.to_owned();
        for jump in ["+3d", "-3d"] {
            clock.set(jump)?;
            let status = wait_asked(&agent, true)?;
            assert_eq!(status["likely_day"], today, "{jump}: {status}");
            assert_eq!(tap(&agent)?.0, 422, "{jump}");
            clock.set("+0")?;
            wait_asked(&agent, false)?;
            assert_eq!(tap(&agent)?.0, 201, "{jump}");
            agent.wait_confirmed()?;
        }
        wait_equal("each visit counts once", (3, 3), || hub.total(""))?;
        assert_eq!(agent.this_month()?, (3, 3));
        Ok(())
    });
}

#[test]
fn a_tap_at_the_edge_of_the_year_falls_on_the_sites_own_day() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        // No hub: it would say that this clock is ahead.
        agent.set_env("MSAP_AGENT_SYNC__HUB", "127.0.0.1:9");
        // 23:59:55 in Paris, and an hour less in Greenwich, where the machine thinks it is.
        let Some(_clock) = FakeClock::of(&mut agent, "@2031-12-31 22:59:55")? else { return Ok(()) };
        agent.start()?;
        let before = tap(&agent)?.1;
        if before["day"] != "2031-12-31" {
            // A machine too busy to start within five seconds.
            assert_eq!(before["day"], "2032-01-01", "{before}");
        }
        wait_for("the new year", || Ok((agent.status()?["today"] == "2032-01-01").then_some(())))?;
        assert_eq!(tap(&agent)?.1["day"], "2032-01-01");
        Ok(())
    });
}
