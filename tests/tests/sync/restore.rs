//! A hub that is put back to a backup, and backups that it makes itself.

use anyhow::{Context as _, Result, ensure};
use msap_tests::cluster::flock::Flock;
use msap_tests::cluster::{Cluster, Hub, copy_directory, run, wait_equal, wait_until};

use crate::hub_with;

const SITES: usize = 10;
const AGENTS: usize = 50;

fn text(path: &std::path::Path) -> Result<&str> {
    path.to_str().context("a directory whose name is text")
}

fn standings(hub: &Hub, wanted: &str) -> Result<usize> {
    Ok(hub.devices()?.iter().filter(|device| device["standing"] == wanted).count())
}

fn actions(hub: &Hub, action: &str) -> Result<usize> {
    let journal = hub.json(&["journal", "list"])?;
    Ok(journal.as_array().context("a journal")?.iter().filter(|line| line["action"] == action).count())
}

/// A hub with fifty agents at ten sites, three visits each, confirmed.
fn flock(cluster: &Cluster) -> Result<(Hub, Flock)> {
    let mut hub = cluster.hub("hub");
    hub.start()?;
    for site in 0..SITES {
        let (id, name) = (format!("s{site}"), format!("name=Maison {site}"));
        hub.cli(&["site", "add", &id, &name, "department=49"])?.expect_code(0)?;
    }
    let mut flock = Flock::new(cluster.path())?;
    for agent in 0..AGENTS {
        flock.enrol(&hub, &format!("s{}", agent % SITES))?;
    }
    flock.count(0, 3)?;
    flock.wait_confirmed()?;
    Ok((hub, flock))
}

#[test]
fn fifty_agents_refill_a_hub_that_was_restored_and_one_that_was_wiped() {
    run(|cluster| {
        let (mut hub, mut flock) = flock(cluster)?;
        let backup = cluster.path().join("hier.db");
        let made = hub.json(&["backup", text(&backup)?])?;
        assert_eq!(
            (&made["changes"], &made["verified"], &made["keys_included"]),
            (&150.into(), &true.into(), &false.into())
        );
        flock.count(0, 2)?;
        for site in ["s0", "s1"] {
            flock.enrol(&hub, site)?;
        }
        flock.count(AGENTS, 4)?;
        flock.wait_confirmed()?;
        let total = (258, 258);
        assert_eq!(hub.total("")?, total);

        hub.cli(&["restore", text(&backup)?])?.expect_code(5)?;
        hub.stop()?;
        let restored = hub.json(&["restore", text(&backup)?])?;
        assert_eq!(restored["changes"], 150);
        hub.start()?;
        wait_equal("a restored hub is refilled", total, || hub.total(""))?;
        flock.wait_confirmed()?;
        wait_equal("the two that were enrolled later come back", (AGENTS, 2), || {
            Ok((standings(&hub, "active")?, standings(&hub, "returned")?))
        })?;
        assert_eq!((actions(&hub, "backup.restore")?, actions(&hub, "epoch.begin")?), (1, 0));
        hub.cli(&["check"])?.expect_code(0)?;

        // The database is lost, and with it every site; the keys are not.
        hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        hub.start()?;
        wait_equal("a wiped hub is refilled", total, || hub.total(""))?;
        wait_equal("all come back", flock.len(), || standings(&hub, "returned"))?;

        // And once more, without the list of revocations: one command.
        hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm", "keys/revocations"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        hub.start()?;
        wait_equal("all wait for approval", flock.len(), || standings(&hub, "pending"))?;
        assert_eq!(hub.total("")?, (0, 0));
        hub.cli(&["device", "approve", "--all-certified"])?.expect_code(0)?;
        wait_equal("one command brings everything back", total, || hub.total(""))?;
        flock.wait_confirmed()?;
        hub.cli(&["check"])?.expect_code(0)?;
        flock.stop()
    });
}

#[test]
fn a_database_put_back_by_hand_beside_the_log_of_a_killed_hub_is_refilled() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 3)?;
        agent.wait_confirmed()?;
        hub.stop()?;
        let old = cluster.path().join("copie");
        copy_directory(hub.data(), &old)?;
        // Carried over by a clean stop, and then a log that goes on from there.
        for _ in 0..2 {
            hub.start()?;
            agent.count("MSA", 2)?;
            agent.wait_confirmed()?;
            hub.stop()?;
        }
        hub.start()?;
        agent.count("MSA", 1)?;
        agent.wait_confirmed()?;
        // The witness follows within a second.
        let witness = hub.data().join("keys/witness");
        let seen = std::fs::read(&witness)?;
        wait_until("the witness follows", || Ok(std::fs::read(&witness)? != seen || hub.total("")? == (8, 8)))?;
        hub.kill()?;
        ensure!(hub.data().join("hub.db-wal").metadata()?.len() > 0, "a killed hub leaves its log");
        std::fs::copy(old.join("hub.db"), hub.data().join("hub.db"))?;

        hub.start()?;
        // It would notice by itself, later.
        agent.stop()?;
        agent.start()?;
        wait_equal("the agent brings what is missing", (8, 8), || hub.total(""))?;
        agent.wait_confirmed()?;
        assert_eq!(actions(&hub, "epoch.begin")?, 1);
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn backup_and_restore_say_what_is_wrong_and_change_nothing() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let path = |name: &str| Ok::<_, anyhow::Error>(text(&cluster.path().join(name))?.to_owned());
        let (good, other) = (path("bonne.db")?, path("autre.db")?);
        let made = hub.cli(&["backup", &good])?.expect_code(0)?;
        assert!(made.err.contains("clés") && made.out.contains("commit"), "{} {}", made.out, made.err);
        hub.cli(&["backup", &good])?.expect_code(5)?;
        hub.cli(&["backup", "--force", &good])?.expect_code(0)?;
        hub.cli(&["backup", text(&hub.data().join("hub.db"))?])?.expect_code(5)?;
        hub.cli(&["backup", &path("nulle part/x.db")?])?.expect_code(4)?;
        hub.stop()?;
        // The same without a hub.
        hub.cli(&["backup", &other])?.expect_code(0)?;
        let mut bytes = std::fs::read(&other)?;
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&other, bytes)?;
        let live = std::fs::read(hub.data().join("hub.db"))?;
        let refused = hub.cli(&["restore", &other])?.expect_code(9)?;
        assert!(refused.err.contains("rien n’a été changé"), "{}", refused.err);
        hub.cli(&["restore", &path("nulle part.db")?])?.expect_code(4)?;
        assert_eq!(std::fs::read(hub.data().join("hub.db"))?, live);
        hub.cli(&["restore", &good])?.expect_code(0)?;
        hub.start()?;
        assert_eq!(hub.get("/readyz", None)?.status, 200);
        Ok(())
    });
}

#[test]
fn a_hub_backs_itself_up_and_keeps_the_last_ones() {
    run(|cluster| {
        let mut hub = cluster.hub("hub");
        let shelf = cluster.path().join("sauvegardes");
        hub.set_env("MSAP_HUB_BACKUP__DIR", text(&shelf)?);
        hub.set_env("MSAP_HUB_BACKUP__EVERY", "1s");
        hub.set_env("MSAP_HUB_BACKUP__KEEP", "2");
        let files = || -> Result<Vec<String>> {
            let entries = std::fs::read_dir(&shelf).into_iter().flatten();
            let mut names = entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<Vec<_>>>()?;
            names.retain(|name| name.ends_with(".db"));
            names.sort();
            Ok(names)
        };
        hub.start()?;
        wait_until("a first backup is there at once", || Ok(!files()?.is_empty()))?;
        let first = files()?.remove(0);
        wait_until("the first one is pruned", || Ok(!files()?.contains(&first)))?;
        wait_until("two are kept", || Ok(files()?.len() <= 2))?;
        hub.stop()?;
        // Whoever asks learns the age, whether the hub runs or not.
        hub.set_env("MSAP_HUB_BACKUP__EVERY", "24h");
        let report: serde_json::Value = serde_json::from_str(&hub.cli(&["doctor", "--json"])?.out)?;
        let found = report.as_array().context("findings")?.iter().find(|found| found["check"] == "backup");
        assert_eq!(found.context("the backup")?["state"], "good", "{report}");
        // A restart does not make another one before its time.
        let kept = files()?;
        hub.start()?;
        assert_eq!(hub.get("/readyz", None)?.status, 200);
        hub.stop()?;
        assert_eq!(files()?, kept);
        // And what it made can be put back.
        let last = shelf.join(kept.last().context("a backup")?);
        hub.cli(&["restore", text(&last)?])?.expect_code(0)?;
        hub.start()?;
        Ok(())
    });
}
