//! What a machine notices of its own database, and says.

use anyhow::Context as _;
use msap_tests::cluster::{Agent, run, wait_for};

use crate::hub_with;

fn remove_log(agent: &Agent) {
    for name in ["agent.db-wal", "agent.db-shm"] {
        std::fs::remove_file(agent.data().join(name)).ok();
    }
}

#[test]
fn a_log_that_is_lost_beside_an_open_database_is_named_and_a_power_cut_alone_is_not() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        // Power cuts, stops, and looks in between lose nothing.
        agent.kill()?;
        agent.start()?;
        assert_eq!(agent.status()?["log_lost"], false);
        agent.kill()?;
        assert!(!agent.cli(&["doctor"])?.out.contains("agent.db-wal"));
        agent.start()?;
        assert_eq!(agent.status()?["log_lost"], false);
        agent.stop()?;
        remove_log(&agent);
        agent.start()?;
        assert_eq!(agent.status()?["log_lost"], false);

        agent.kill()?;
        remove_log(&agent);
        for _ in 0..2 {
            let told = agent.cli(&["doctor"])?.expect_code(1)?;
            assert!(told.out.contains("agent.db-wal manquait"), "{}", told.out);
        }
        agent.start()?;
        assert_eq!(agent.status()?["log_lost"], true);
        assert!(agent.cli(&["status"])?.out.contains("agent.db-wal manquait"));
        assert!(agent.cli(&["doctor"])?.expect_code(1)?.out.contains("agent.db-wal manquait"));
        // It counts on, and says so after a restart as well.
        agent.count("CNAF", 1)?;
        agent.stop()?;
        agent.start()?;
        assert_eq!(agent.status()?["log_lost"], true);
        Ok(())
    });
}

#[test]
fn a_month_that_was_damaged_on_disk_is_found_without_being_asked_for() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.wait_confirmed()?;
        let whole = wait_for("everything is read back", || {
            let status = agent.status()?;
            Ok(status["read_back"].is_string().then_some(status))
        })?;
        assert_eq!(whole["damage"], serde_json::json!([]));
        agent.stop()?;
        let database = rusqlite::Connection::open(agent.data().join("agent.db"))?;
        // Pages that read, and a change that is not what it was; the last reading is long ago.
        assert!(database.execute("UPDATE change SET hash = zeroblob(32) WHERE seq = 1", [])? > 0);
        assert_eq!(database.execute("DELETE FROM meta WHERE key = 'upkeep'", [])?, 1);
        database.close().map_err(|(_, error)| error)?;
        agent.start()?;
        // A tap does not wait for it.
        agent.count("MSA", 1)?;
        let damaged = wait_for("the damage is found", || {
            let status = agent.status()?;
            Ok((status["damage"] != serde_json::json!([])).then_some(status))
        })?;
        assert!(damaged["damage"][0].as_str().context("a text")?.contains("site/275/visits"), "{damaged}");
        assert!(agent.cli(&["status"])?.out.contains("doctor --repair"));
        assert!(agent.cli(&["doctor"])?.expect_code(9)?.out.contains("doctor --repair"));
        Ok(())
    });
}
