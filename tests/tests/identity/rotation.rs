//! Another authority while a device is away.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, Hub, run, wait_equal, wait_until};
use serde_json::Value;

use crate::hub_with;

fn behind(hub: &Hub) -> Result<Vec<String>> {
    let shown = hub.json(&["ca", "show"])?;
    let behind = shown["behind"].as_array().context("a list")?.iter();
    Ok(behind.map(|device| device["label"].as_str().unwrap_or_default().to_owned()).collect())
}

fn authorities(agent: &Agent) -> Result<usize> {
    let text = std::fs::read_to_string(agent.data().join("ca.pem"))?;
    Ok(text.matches("BEGIN CERTIFICATE").count())
}

fn counts_on(hub: &Hub, agent: &Agent) -> Result<()> {
    let before = hub.total("")?.0;
    agent.count("CNAF", 1)?;
    agent.wait_confirmed()?;
    wait_equal("it counts on", before + 1, || Ok(hub.total("")?.0))
}

#[test]
fn a_device_that_was_away_during_a_rotation_syncs_as_ever() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275", "361"])?;
        let mut here = cluster.enrol(&hub, "275", "présent")?;
        let mut away = cluster.enrol(&hub, "361", "absent")?;
        for agent in [&mut here, &mut away] {
            agent.start()?;
            agent.count("CNAF", 1)?;
            agent.wait_confirmed()?;
        }
        away.stop()?;
        let code = hub.invite("275")?;
        let certificate = std::fs::read(here.data().join("device.pem"))?;

        let rotated = hub.json(&["ca", "rotate"])?;
        assert_eq!((&rotated["rotating"], rotated["authorities"].as_array().map(Vec::len)), (&true.into(), Some(2)));
        hub.cli(&["ca", "rotate"])?.expect_code(5)?;
        wait_equal("whoever is in session takes it up at once", vec!["absent".to_owned()], || behind(&hub))?;
        assert_eq!(authorities(&here)?, 2);
        assert_ne!(std::fs::read(here.data().join("device.pem"))?, certificate);
        counts_on(&hub, &here)?;
        let refused = hub.cli(&["ca", "rotate", "--finish"])?.expect_code(5)?;
        let device: Value =
            hub.devices()?.into_iter().find(|device| device["label"] == "absent").context("a device")?;
        assert!(refused.err.contains(device["id"].as_str().context("an id")?), "{}", refused.err);

        // An invitation that was made before still serves, and one that is made now.
        let mut late = cluster.agent("tard");
        late.join(&code, "tard")?.expect_code(0)?;
        late.start()?;
        counts_on(&hub, &late)?;
        let mut new = cluster.enrol(&hub, "361", "nouveau")?;
        new.start()?;
        counts_on(&hub, &new)?;

        // With the new certificates on both sides, and with the old one.
        hub.kill()?;
        hub.start()?;
        for agent in [&mut here, &mut late, &mut new] {
            // They would notice by themselves, later.
            agent.stop()?;
            agent.start()?;
        }
        counts_on(&hub, &here)?;
        away.start()?;
        counts_on(&hub, &away)?;
        wait_equal("the last one has it", Vec::<String>::new(), || behind(&hub))?;

        let finished = hub.json(&["ca", "rotate", "--finish"])?;
        assert_eq!(finished["rotating"], false);
        for agent in [&here, &away, &late, &new] {
            wait_until("the old authority is forgotten", || Ok(authorities(agent)? == 1))?;
        }
        hub.stop()?;
        hub.start()?;
        for agent in [&mut here, &mut away, &mut late, &mut new] {
            agent.stop()?;
            agent.start()?;
            counts_on(&hub, agent)?;
        }
        assert_eq!(hub.devices()?.len(), 4);
        Ok(())
    });
}

#[test]
fn a_rotation_that_is_finished_by_force_leaves_the_absent_behind_until_they_join_anew() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut away = cluster.enrol(&hub, "275", "absent")?;
        away.start()?;
        away.count("CNAF", 2)?;
        away.wait_confirmed()?;
        away.stop()?;
        hub.stop()?;
        // The same without a running hub.
        hub.cli(&["ca", "rotate"])?.expect_code(0)?;
        hub.cli(&["ca", "rotate", "--finish"])?.expect_code(5)?;
        hub.cli(&["ca", "rotate", "--finish", "--force"])?.expect_code(0)?;
        hub.cli(&["ca", "rotate", "--finish"])?.expect_code(5)?;
        hub.start()?;
        away.start()?;
        away.count("CNAF", 1)?;
        away.wait_status("state", "untrusted")?;
        // What it counted is not lost.
        away.join(&hub.invite("275")?, "revenu")?.expect_code(0)?;
        away.cli(&["sync", "now"])?.expect_code(0)?;
        wait_equal("everything arrives", (3, 3), || hub.total(""))?;
        Ok(())
    });
}

#[test]
fn what_is_set_of_a_site_reaches_its_machines() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        hub.cli(&["site", "set", "275", "name=Maison neuve"])?.expect_code(0)?;
        agent.wait_status("site_name", "Maison neuve")?;
        // Also while the machine was off.
        agent.stop()?;
        hub.cli(&["site", "set", "275", "timezone=Indian/Reunion"])?.expect_code(0)?;
        agent.start()?;
        agent.wait_status("timezone", "Indian/Reunion")?;
        // A database that was lost knows less of the site than its machines.
        hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        hub.start()?;
        agent.count("CNAF", 1)?;
        wait_equal("it comes back", (2, 2), || hub.total(""))?;
        agent.wait_confirmed()?;
        let status = agent.status()?;
        assert_eq!((&status["site_name"], &status["timezone"]), (&"Maison neuve".into(), &"Indian/Reunion".into()));
        Ok(())
    });
}
