//! A hub whose database is lost while its keys are not.

use std::path::Path;

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, Cluster, Hub, run, wait_equal, wait_until};

use crate::hub_with;

/// Two sites with three and five visits, all confirmed; the hub does not run any more.
fn filled(cluster: &Cluster) -> Result<(Hub, [Agent; 2])> {
    let mut hub = hub_with(cluster, &["361", "275"])?;
    let mut agents = [cluster.enrol(&hub, "361", "Alençon")?, cluster.enrol(&hub, "275", "Chemillé")?];
    for (agent, visits) in agents.iter_mut().zip([3, 5]) {
        agent.start()?;
        agent.count("CNAF", visits)?;
        agent.wait_confirmed()?;
    }
    assert_eq!(hub.total("")?, (8, 8));
    hub.stop()?;
    Ok((hub, agents))
}

fn wipe(data: &Path) {
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        std::fs::remove_file(data.join(name)).ok();
    }
}

fn standings(hub: &Hub) -> Result<Vec<String>> {
    let devices = hub.devices()?;
    devices.iter().map(|device| Ok(device["standing"].as_str().context("a standing")?.to_owned())).collect()
}

#[test]
fn a_wiped_hub_is_refilled_by_the_devices_it_had_certified() {
    run(|cluster| {
        let (mut hub, agents) = filled(cluster)?;
        // One of them counts on meanwhile.
        agents[0].count("MSA", 1)?;
        wipe(hub.data());
        hub.start()?;
        wait_equal("the hub is refilled", (9, 9), || hub.total(""))?;
        assert_eq!(standings(&hub)?, ["returned", "returned"]);
        for agent in &agents {
            agent.wait_confirmed()?;
        }
        // The sites themselves come back by their list; nothing counted is lost by it.
        hub.add_sites(&["361", "275"])?;
        assert_eq!(hub.total("site=361")?, (4, 4));
        assert_eq!(hub.total("department=49")?, (5, 5));
        agents[1].count("CNAF", 1)?;
        wait_equal("counting goes on", (10, 10), || hub.total(""))?;
        Ok(())
    });
}

#[test]
fn a_device_that_was_revoked_before_the_wipe_does_not_come_back() {
    run(|cluster| {
        let (mut hub, agents) = filled(cluster)?;
        let revoked = agents[0].status()?["device"].as_str().context("a device")?.to_owned();
        hub.cli(&["device", "revoke", &revoked, "--reason", "volé"])?.expect_code(0)?;
        wipe(hub.data());
        hub.start()?;
        wait_equal("the other one refills the hub", (5, 5), || hub.total(""))?;
        agents[0].wait_status("state", "revoked")?;
        // The list beside the keys still tells of it.
        assert_eq!(standings(&hub)?, ["returned", "revoked"]);
        Ok(())
    });
}

/// What happened to the list of revocations.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Damaged,
    Removed,
}

/// Whether the operator approves while the hub runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Approval {
    Running,
    Stopped,
}

fn pending_until_approved(loss: Loss, approval: Approval) {
    run(|cluster| {
        let (mut hub, agents) = filled(cluster)?;
        wipe(hub.data());
        let list = hub.data().join("keys/revocations");
        match loss {
            Loss::Damaged => std::fs::write(&list, "msap-revocations 1\nunreadable\n")?,
            Loss::Removed => std::fs::remove_file(&list)?,
        }
        hub.start()?;
        for (agent, visits) in agents.iter().zip([3, 5]) {
            let status = agent.wait_status("state", "pending")?;
            assert_eq!((&status["confirmed"], &status["waiting"]), (&0.into(), &visits.into()), "{loss:?}");
        }
        assert_eq!(standings(&hub)?, ["pending", "pending"]);
        assert_eq!(hub.total("")?, (0, 0));
        // A desk counts on; that waits too.
        agents[0].count("MSA", 1)?;
        let waited = agents[0].cli(&["status", "--wait", "confirmed", "--timeout", "1s"])?;
        assert_eq!(waited.code, Some(8), "the hub answers, and confirms nothing");

        if approval == Approval::Stopped {
            hub.stop()?;
        }
        hub.cli(&["device", "approve", "--all-certified"])?.expect_code(0)?;
        if approval == Approval::Stopped {
            hub.start()?;
        }
        for agent in &agents {
            agent.wait_confirmed()?;
        }
        wait_equal("one command brings everything back", (9, 9), || hub.total(""))?;
        wait_until("nobody waits any more", || Ok(standings(&hub)?.iter().all(|standing| standing == "active")))?;
        let journal = hub.json(&["journal", "list"])?;
        let approved = journal.as_array().context("a journal")?.iter();
        assert_eq!(approved.filter(|line| line["action"] == "device.approve").count(), 2);
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn with_a_damaged_list_of_revocations_devices_wait_for_one_approval() {
    pending_until_approved(Loss::Damaged, Approval::Running);
}

#[test]
fn with_a_removed_list_of_revocations_devices_wait_for_one_approval() {
    pending_until_approved(Loss::Removed, Approval::Stopped);
}
