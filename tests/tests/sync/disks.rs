//! Disks of the hub that fail, fill up, or cannot be written.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use msap_tests::cluster::{run, wait_equal, wait_until};

/// Long enough for a hub to begin, and not for its log of some dozens of commits.
const FAILS_AT: u64 = 512 * 1_024;

#[test]
fn a_hub_whose_disk_fails_stops_without_acknowledging_and_is_read_back_at_the_next_start() {
    run(|cluster| {
        let mut failing = cluster.hub_on_failing_disk("hub", FAILS_AT)?;
        failing.start()?;
        failing.cli(&["site", "add", "275", "name=Chemillé", "department=49"])?.expect_code(0)?;
        let mut agent = cluster.enrol(&failing, "275", "accueil")?;
        agent.start()?;
        let mut counted = 0;
        wait_until("the disk fails", || {
            agent.count("CNAF", 1)?;
            counted += 1;
            Ok(failing.ended()?.is_some())
        })?;
        assert_eq!(failing.ended()?, Some(1));
        ensure!(failing.data().join("suspect").exists(), "the next start knows");
        let status = agent.status()?;
        let confirmed = status["confirmed"].as_i64().context("a number")?;
        ensure!(confirmed < counted, "{confirmed} of {counted} confirmed");

        let mut mended = cluster.hub("hub");
        mended.start_at(failing.sync()?)?;
        ensure!(mended.log()?.contains("reading the whole database back"), "it is read back");
        ensure!(!mended.data().join("suspect").exists(), "and found whole");
        ensure!(mended.total("")?.0 >= confirmed, "what was acknowledged is there");
        agent.cli(&["sync", "now"])?;
        wait_equal("nothing is lost", (counted, counted), || mended.total(""))?;
        agent.wait_confirmed()?;
        mended.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}

/// A file system of its own; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount(path: &Path, options: &str) -> Result<Option<Self>> {
        std::fs::create_dir_all(path)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).output();
        Ok(mounted.is_ok_and(|done| done.status.success()).then(|| Self(path.into())))
    }

    fn remount(&self, options: &str) -> Result<()> {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status()?;
        ensure!(done.success(), "remount,{options}");
        Ok(())
    }

    /// Takes all the room that there is.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path)?;
        for len in [1 << 20, 4_096, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; len]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a program that is being ended may still hold it.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_disk_confirms_nothing_reads_on_and_recovers_without_a_restart() {
    run(|cluster| {
        let data = cluster.path().join("hub");
        let Some(disk) = Disk::mount(&data, "size=64m")? else {
            eprintln!("no file system can be mounted here: not tried");
            return Ok(());
        };
        let mut hub = cluster.hub("hub");
        hub.start()?;
        hub.add_sites(&["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (2, 2));

        let filler = disk.fill()?;
        let mut counted = 2;
        wait_until("the hub says that its disk is full", || {
            agent.count("CNAF", 1)?;
            counted += 1;
            let ready = hub.get("/readyz", None)?;
            Ok(ready.status == 503 && ready.text().contains("plein"))
        })?;
        ensure!(!data.join("ballast").exists(), "the ballast is given up");
        let confirmed = agent.status()?["confirmed"].as_i64().context("a number")?;
        ensure!(confirmed < counted, "{confirmed} of {counted} confirmed");
        // Reading goes on, and so do operators.
        ensure!(hub.total("")?.0 <= counted, "figures are read");
        hub.cli(&["token", "create", "--label", "plein", "--scope", "national", "--role", "reader"])?.expect_code(0)?;
        let report: serde_json::Value = serde_json::from_str(&hub.cli(&["doctor", "--json"])?.out)?;
        let found = report.as_array().context("findings")?.iter().find(|found| found["check"] == "disk");
        assert_eq!(found.context("the disk")?["state"], "bad", "{report}");

        std::fs::remove_file(filler)?;
        wait_until("the hub recovers", || Ok(hub.get("/readyz", None)?.status == 200))?;
        ensure!(data.join("ballast").exists(), "the ballast is back");
        wait_equal("everything arrives", (counted, counted), || hub.total(""))?;
        agent.wait_confirmed()?;
        hub.cli(&["check"])?.expect_code(0)?;

        // A disk that turned read-only.
        hub.stop()?;
        disk.remount("ro")?;
        let ended = hub.cli(&["serve", "--sync", "127.0.0.1:0", "--http", "127.0.0.1:0"])?.expect_code(1)?;
        ensure!(ended.err.contains("lecture seule"), "{}", ended.err);
        let told = hub.cli(&["doctor"])?.expect_code(1)?;
        ensure!(told.out.contains("lecture seule"), "{}", told.out);
        disk.remount("rw")?;
        hub.start()?;
        assert_eq!(hub.total("")?, (counted, counted));
        hub.stop()
    });
}
