//! Machines that were cloned, and databases that were put back.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Hub, copy_directory, run, wait_equal, wait_until};

use crate::hub_with;

#[test]
fn two_running_copies_of_one_machine_count_exactly_and_are_noticed() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut first = cluster.enrol(&hub, "275", "accueil")?;
        first.start()?;
        first.count("CNAF", 3)?;
        first.wait_confirmed()?;
        // One more that the hub has not seen, so that both copies bring it.
        first.stop()?;
        first.set_env("MSAP_AGENT_SYNC__HUB", "127.0.0.1:9");
        first.start()?;
        first.count("MSA", 1)?;
        first.stop()?;
        first.unset_env("MSAP_AGENT_SYNC__HUB");
        let mut second = first.cloned("copie")?;

        first.start()?;
        second.start()?;
        first.count("CNAF", 2)?;
        second.count("DGFIP", 5)?;
        first.wait_confirmed()?;
        second.wait_confirmed()?;
        wait_equal("each visit counts once", (11, 11), || hub.total(""))?;
        for copy in [&first, &second] {
            wait_equal("each copy counts the other's visits too", (11, 11), || copy.this_month())?;
        }
        wait_until("the copy is noticed", || Ok(hub.devices()?.iter().all(|device| device["forked"] == true)))?;
        assert_eq!(hub.devices()?.len(), 1);

        // And both go on.
        first.count("CNAF", 1)?;
        second.count("CNAF", 1)?;
        wait_equal("both copies go on", (13, 13), || hub.total(""))?;

        // A new invitation makes one of them a machine of its own and ends the alarm for it.
        second.stop()?;
        second.join(&hub.invite("275")?, "accueil 2")?.expect_code(0)?;
        second.start()?;
        second.count("CNAF", 1)?;
        second.wait_confirmed()?;
        wait_equal("the machine that joined anew counts", (14, 14), || hub.total(""))?;
        let forked = hub.devices()?.iter().filter(|device| device["forked"] == true).count();
        assert_eq!((hub.devices()?.len(), forked), (2, 1));
        Ok(())
    });
}

#[test]
fn an_agent_put_back_to_an_old_image_counts_on_exactly() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.wait_confirmed()?;
        agent.stop()?;
        let mut image = agent.cloned("image")?;
        agent.start()?;
        agent.count("CNAF", 3)?;
        agent.wait_confirmed()?;
        agent.stop()?;

        image.start()?;
        image.count("CNAF", 4)?;
        image.wait_confirmed()?;
        wait_equal("nothing is lost or doubled", (9, 9), || hub.total(""))?;
        // What the image had forgotten comes back from the hub.
        wait_equal("the image knows what it had forgotten", (9, 9), || image.this_month())?;
        Ok(())
    });
}

/// Takes the hub's database away, and puts another in its place if there is one.
fn replace_database(hub: &Hub, by: Option<&std::path::Path>) -> Result<()> {
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let (there, new) = (hub.data().join(name), by.map(|by| by.join(name)));
        std::fs::remove_file(&there).ok();
        if let Some(new) = new.filter(|new| new.exists()) {
            std::fs::copy(&new, &there).with_context(|| new.display().to_string())?;
        }
    }
    Ok(())
}

#[test]
fn a_hub_put_back_to_an_older_database_is_refilled_without_anybody_at_the_sites() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["361", "275"])?;
        let mut agents = [cluster.enrol(&hub, "361", "Alençon")?, cluster.enrol(&hub, "275", "Chemillé")?];
        for agent in &mut agents {
            agent.start()?;
            agent.count("CNAF", 3)?;
            agent.wait_confirmed()?;
        }
        hub.stop()?;
        let backup = cluster.path().join("sauvegarde");
        copy_directory(hub.data(), &backup)?;
        hub.start()?;
        for agent in &agents {
            agent.count("MSA", 2)?;
            agent.wait_confirmed()?;
        }
        wait_equal("the hub has everything", (10, 10), || hub.total(""))?;
        hub.stop()?;
        replace_database(&hub, Some(&backup))?;
        hub.start()?;
        wait_equal("the hub is refilled", (10, 10), || hub.total(""))?;
        for agent in &agents {
            let status = agent.wait_confirmed()?;
            assert_eq!(status["confirmed"], 5);
        }
        // Also when the witness beside the keys was put back with the database.
        hub.stop()?;
        replace_database(&hub, Some(&backup))?;
        std::fs::copy(backup.join("keys/witness"), hub.data().join("keys/witness"))?;
        hub.start()?;
        wait_equal("the hub is refilled again", (10, 10), || hub.total(""))?;
        // And counting goes on.
        agents[0].count("CNAF", 1)?;
        wait_equal("counting goes on", (11, 11), || hub.total(""))?;
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}
