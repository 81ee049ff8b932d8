//! Damaged databases, backups and images: made anew, put back, counted exactly.

use std::path::Path;

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, run, wait_equal};

use crate::hub_with;

const PAGE: usize = 4096;

/// Another agent on a copy, of which this page is overwritten.
fn damaged(agent: &Agent, name: &str, page: usize) -> Result<Agent> {
    let copy = agent.cloned(name)?;
    let path = copy.data().join("agent.db");
    let mut bytes = std::fs::read(&path)?;
    bytes[page * PAGE..][..PAGE].fill(0x5a);
    std::fs::write(&path, bytes)?;
    Ok(copy)
}

/// Carries the log of an agent that does not run over into its database.
fn fold_log(agent: &Agent) -> Result<()> {
    let database = rusqlite::Connection::open(agent.data().join("agent.db"))?;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    database.close().map_err(|(_, error)| error.into())
}

fn pages(agent: &Agent) -> Result<usize> {
    Ok(std::fs::read(agent.data().join("agent.db"))?.len() / PAGE)
}

#[test]
fn a_database_with_a_damaged_page_is_made_anew_and_the_hubs_totals_stay_exact() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 120)?;
        agent.cli(&["count", "undo"])?.expect_code(0)?;
        agent.wait_confirmed()?;
        agent.stop()?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", "127.0.0.1:9");
        agent.start()?;
        // Of these the hub knows nothing yet.
        agent.count("MSA", 40)?;
        agent.stop()?;
        fold_log(&agent)?;
        let pages = pages(&agent)?;
        // Every part of the file, front to back; another offset with every size.
        for n in 0..50 {
            let page = n * pages / 50;
            let mut copy = damaged(&agent, &format!("copie {n}"), page)?;
            copy.unset_env("MSAP_AGENT_SYNC__HUB");
            // Free pages are damaged without harm.
            let found = copy.cli(&["doctor"])?;
            if found.code == Some(9) {
                assert!(found.out.contains("doctor --repair"), "{}", found.out);
            }
            copy.cli(&["doctor", "--repair"])?.expect_code(0)?;
            copy.cli(&["doctor"])?.expect_code(0)?;
            // Starting takes its time: the first, the last and every eighth meet the hub.
            if n % 8 == 0 || n == 49 {
                copy.start()?;
                copy.wait_confirmed()?;
                wait_equal(&format!("page {page} of {pages}: the hub"), (159, 159), || hub.total(""))?;
                wait_equal(&format!("page {page} of {pages}: the desk"), (159, 159), || copy.this_month())?;
                copy.stop()?;
            }
        }
        Ok(())
    });
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

#[test]
fn whatever_is_wrong_with_the_file_ends_with_9_and_what_to_do_and_repair_helps() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 60)?;
        agent.wait_confirmed()?;
        agent.stop()?;
        fold_log(&agent)?;
        let whole = std::fs::read(agent.data().join("agent.db"))?;
        let mut bit = whole.clone();
        // In every copy: some lie where SQLite no longer looks.
        let copies = whole.windows(4).enumerate().filter(|(_, four)| *four == [0x85, 0x6f, 0x4a, 0x83]);
        copies.for_each(|(at, _)| bit[at + 40] ^= 4);
        for (name, bytes) in [
            ("vide", Vec::new()),
            ("tronquée", whole[..whole.len() / 2].to_vec()),
            ("quelconque", b"n'importe quoi".repeat(2_000)),
            ("un bit", bit),
        ] {
            let mut copy = agent.cloned(name)?;
            write(&copy.data().join("agent.db"), bytes)?;
            let found = copy.cli(&["doctor"])?.expect_code(9)?;
            assert!(found.out.contains("msap-agent doctor --repair"), "{name}: {}", found.out);
            copy.cli(&["doctor", "--repair"])?.expect_code(0)?;
            let aside = std::fs::read_dir(copy.data())?.filter_map(Result::ok);
            let names: Vec<String> = aside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            assert!(names.iter().any(|found| found.starts_with("agent.db.damaged-")), "{name}: {names:?}");
            copy.start()?;
            copy.wait_confirmed()?;
            wait_equal(name, (60, 60), || copy.this_month())?;
            assert_eq!(hub.total("")?, (60, 60), "{name}");
            // The same machine went on: nobody is alarmed where its place in line could be read.
            copy.stop()?;
        }
        Ok(())
    });
}

#[test]
fn a_backup_made_while_counting_is_put_back_and_nothing_is_lost_or_doubled() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 5)?;
        let file = cluster.path().join("sauvegarde.db");
        let file = file.to_str().context("a path")?;
        agent.cli(&["backup", file])?.expect_code(0)?;
        agent.cli(&["backup", file])?.expect_code(5)?;
        agent.count("MSA", 3)?;
        agent.wait_confirmed()?;
        agent.cli(&["restore", file])?.expect_code(5)?;
        agent.cli(&["doctor", "--repair"])?.expect_code(5)?;
        agent.stop()?;

        let bad = cluster.path().join("abîmée.db");
        let mut bytes = std::fs::read(file)?;
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0x5a);
        write(&bad, bytes)?;
        let before = std::fs::read(agent.data().join("agent.db"))?;
        agent.cli(&["restore", bad.to_str().context("a path")?])?.expect_code(9)?;
        agent.cli(&["restore", "nulle-part.db"])?.expect_code(4)?;
        assert_eq!(std::fs::read(agent.data().join("agent.db"))?, before);

        agent.cli(&["restore", file])?.expect_code(0)?;
        agent.start()?;
        agent.count("DGFIP", 2)?;
        agent.wait_confirmed()?;
        wait_equal("the hub", (10, 10), || hub.total(""))?;
        wait_equal("the desk", (10, 10), || agent.this_month())?;
        // One machine, which went on where it was.
        assert!(hub.devices()?.iter().all(|device| device["forked"] != true));
        Ok(())
    });
}
