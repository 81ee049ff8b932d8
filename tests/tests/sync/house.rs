//! Schedules and partners of one house on several machines: who writes apart, what is contradicted,
//! and how that ends.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, run, wait_equal};
use serde_json::{Value, json};

use crate::hub_with;

const CHRISTMAS_EVE: [&str; 4] = ["--from", "2026-12-24", "--to", "2026-12-24"];

fn conflicts(agent: &Agent) -> Result<Value> {
    agent.json(&["conflict", "list"])
}

fn day(agent: &Agent, day: &str) -> Result<Value> {
    let schedule = agent.json(&["hours", "show", "--from", day, "--to", day])?;
    schedule["days"].get(0).cloned().context("one day was asked for")
}

/// The partners that read unknown.
fn unsure(agent: &Agent) -> Result<Vec<String>> {
    let status = agent.status()?;
    let all = status["unknown"].as_array().context("a list")?.iter().filter_map(Value::as_str);
    Ok(all.filter(|name| name.starts_with("partner:")).map(str::to_owned).collect())
}

fn ok(agent: &Agent, args: &[&str]) -> Result<()> {
    agent.cli(args)?.expect_code(0)?;
    Ok(())
}

#[test]
fn two_desks_that_contradict_each_other_offline_both_see_it_until_one_settles_it() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["361"])?;
        let mut first = cluster.enrol(&hub, "361", "accueil")?;
        let mut second = cluster.enrol(&hub, "361", "bureau")?;
        first.start()?;
        second.start()?;
        ok(&first, &["hours", "set", "Mo-Fr 09:00-12:00,14:00-17:00", "--from", "2026-11-01"])?;
        wait_equal(
            "the second desk has the hours",
            json!("open"),
            || Ok(day(&second, "2026-12-24")?["state"].clone()),
        )?;
        ok(&first, &["status", "--wait", "confirmed"])?;

        hub.stop()?;
        ok(&first, &[&["closure", "add"], &CHRISTMAS_EVE[..], &["--reason", "holiday"]].concat())?;
        ok(&second, &[&["closure", "add"], &CHRISTMAS_EVE[..], &["--reason", "works"]].concat())?;
        ok(&first, &["partner", "set", "CNAF", "--mode", "reachable", "--contact", "3230"])?;
        ok(&second, &["partner", "set", "CNAF", "--mode", "absent"])?;
        // The same decision on both machines is no contradiction.
        for agent in [&first, &second] {
            ok(agent, &["closure", "add", "--from", "2026-12-31", "--reason", "holiday"])?;
            ok(agent, &["hours", "extra", "--from", "2026-12-26", "--hours", "9:00-12:00"])?;
            assert_eq!(conflicts(agent)?, json!([]), "nobody knows of the other yet");
        }
        ok(&second, &["hours", "extra", "--from", "2026-12-19", "--hours", "9:00-12:00"])?;
        ok(&first, &["hours", "extra", "--from", "2026-12-19", "--hours", "10:00-12:00"])?;

        hub.start()?;
        for agent in [&first, &second] {
            let keys = || -> Result<Vec<String>> {
                let all = conflicts(agent)?;
                let keys = all.as_array().context("a list")?.iter().filter_map(|one| one["key"].as_str());
                Ok(keys.map(str::to_owned).collect())
            };
            let wanted = ["on|2026-12-19..2026-12-19|-", "on|2026-12-24..2026-12-24|*", "presence|CNAF"];
            wait_equal("all contradictions are seen", wanted.map(str::to_owned).to_vec(), keys)?;
            let status = agent.status()?;
            assert_eq!(status["conflicts"], 3, "{status}");
            assert_eq!(unsure(agent)?, ["partner:CNAF"], "{status}");
            // Shut for either reason: the day itself does not depend on it.
            assert_eq!(day(agent, "2026-12-24")?["state"], "shut");
            assert_eq!(day(agent, "2026-12-31")?["state"], "shut");
            let contradicted = day(agent, "2026-12-19")?;
            let versions = contradicted["versions"].as_array().context("versions")?;
            assert_eq!((&contradicted["state"], versions.len()), (&json!("conflict"), 2), "{contradicted}");
            let shown = agent.cli(&["hours", "show", "--from", "2026-12-19", "--to", "2026-12-19"])?.expect_code(0)?;
            assert!(shown.out.contains("CONFLIT") && shown.out.contains("10 h – 12 h"), "{}", shown.out);
            assert!(shown.err.contains("msap-agent conflict list"), "and what to do: {}", shown.err);
            assert!(agent.cli(&["conflict", "list"])?.out.contains("absent, vérifié le"), "people read both");
            agent
                .cli(&["doctor"])?
                .expect_code(0)?
                .out
                .contains("conflict")
                .then_some(())
                .context("doctor tells of it")?;
        }

        let all = conflicts(&second)?;
        let id = |at: usize| all[at]["id"].as_str().context("an id").map(str::to_owned);
        second.cli(&["conflict", "resolve", &id(0)?, "3"])?.expect_code(5)?;
        second.cli(&["conflict", "resolve", "00000000", "1"])?.expect_code(4)?;
        for at in 0..3 {
            ok(&second, &["conflict", "resolve", &id(at)?, "1"])?;
        }
        for agent in [&first, &second] {
            wait_equal("nothing is contradicted any more", json!([]), || conflicts(agent))?;
            assert_eq!(day(agent, "2026-12-19")?["minutes"], 180);
            let partners = agent.json(&["partner", "list"])?;
            assert_eq!(partners["partners"][0]["availability"], "absent");
        }
        for agent in [&first, &second] {
            assert!(unsure(agent)?.is_empty(), "and no partner reads unknown");
        }
        Ok(())
    });
}

#[test]
fn what_is_settled_differently_on_both_sides_is_one_new_contradiction_and_no_loop() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["361"])?;
        let mut first = cluster.enrol(&hub, "361", "accueil")?;
        let mut second = cluster.enrol(&hub, "361", "bureau")?;
        first.start()?;
        second.start()?;
        hub.stop()?;
        ok(&first, &["partner", "set", "MSA", "--mode", "partial"])?;
        ok(&second, &["partner", "set", "MSA", "--mode", "absent"])?;
        hub.start()?;
        let count = |agent: &Agent| Ok(conflicts(agent)?.as_array().map(Vec::len));
        for agent in [&first, &second] {
            wait_equal("the contradiction is seen", Some(1), || count(agent))?;
        }
        hub.stop()?;
        let id = conflicts(&first)?[0]["id"].as_str().context("an id")?.to_owned();
        ok(&first, &["conflict", "resolve", &id, "1"])?;
        ok(&second, &["conflict", "resolve", &id, "2"])?;
        for agent in [&first, &second] {
            assert_eq!(count(agent)?, Some(0), "settled here");
        }
        hub.start()?;
        for agent in [&first, &second] {
            wait_equal("there is one again", Some(1), || count(agent))?;
        }
        first.wait_confirmed()?;
        second.wait_confirmed()?;
        for agent in [&first, &second] {
            assert_eq!(count(agent)?, Some(1), "and it stays one");
        }
        Ok(())
    });
}
