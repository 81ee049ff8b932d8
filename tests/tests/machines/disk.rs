//! Disks that are full, cannot be written to, or fail.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use msap_tests::cluster::{Agent, Programs, request, run, wait_equal, wait_for, wait_until};
use serde_json::json;

use crate::hub_with;

/// The most taps until a disk is full.
const TAPS_MAX: usize = 5_000;

/// A small disk, mounted for one test.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount; a failure under `CI`, so that nobody believes that
    /// it was tested.
    fn mount(at: &Path) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let mut command = Command::new("mount");
        let made = command.args(["-t", "tmpfs", "-o", "size=128m,mode=700", "tmpfs"]).arg(at).stderr(Stdio::piped());
        match made.output() {
            Ok(done) if done.status.success() => Ok(Some(Self(at.to_owned()))),
            _ if std::env::var_os("CI").is_some_and(|ci| ci == "true") => bail!("a small disk cannot be mounted here"),
            _ => {
                eprintln!("not tested: a small disk cannot be mounted by this user");
                Ok(None)
            }
        }
    }

    fn writable(&self, writable: bool) -> Result<()> {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        let done = Command::new("mount").args(["-o", options]).arg(&self.0).status()?;
        if done.success() { Ok(()) } else { bail!("{options} {}", self.0.display()) }
    }

    /// Fills it until so many bytes are free.
    fn fill(&self, free: u64) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        let left = || fs4::available_space(&self.0);
        let chunk = [0x5a; 4096];
        while left()? > free {
            match file.write_all(&chunk) {
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                written => written?,
            }
        }
        Ok(())
    }

    fn filler(&self) -> PathBuf {
        self.0.join("remplissage")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a program that the failing test leaves behind may still be at it.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

fn body(id: &str) -> String {
    json!({ "id": id, "operator": "CNAF" }).to_string()
}

/// Taps until one is refused; counts those that were taken. Returns the refused one's id.
fn tap_until_refused(agent: &Agent, taken: &mut i64) -> Result<String> {
    for _ in 0..TAPS_MAX {
        let id = uuid::Uuid::new_v4().to_string();
        let answer = agent.api("POST", "/api/visits", &body(&id))?;
        match answer.status {
            201 => *taken += 1,
            503 if answer.text().contains("disque de ce poste est plein") => return Ok(id),
            status => bail!("a tap was answered by {status} {}", answer.text()),
        }
    }
    bail!("the disk never filled")
}

#[test]
fn a_full_disk_is_foretold_read_on_and_left_behind_without_a_restart() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let Some(disk) = Disk::mount(&cluster.path().join("accueil"))? else { return Ok(()) };
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let mut taken = 0;
        agent.count("CNAF", 1)?;
        taken += 1;
        agent.wait_confirmed()?;
        agent.wait_status("storage", "ok")?;
        let ballast = agent.data().join("ballast");
        assert!(ballast.exists(), "nothing is set aside");

        // Told before it matters.
        disk.fill(40 * 1024 * 1024)?;
        agent.wait_status("storage", "low")?;
        let page = agent.api("GET", "/", "")?.text();
        assert!(page.contains("presque plein"), "{page}");
        assert!(agent.cli(&["doctor"])?.expect_code(1)?.out.contains("libérez de la place"));
        agent.count("CNAF", 1)?;
        taken += 1;

        // Full: the room that was set aside takes further taps, and the hub's acknowledgements.
        disk.fill(0)?;
        let first = tap_until_refused(&agent, &mut taken)?;
        wait_until("the room set aside is given up", || Ok(!ballast.exists()))?;
        let again = agent.api("POST", "/api/visits", &body(&first))?;
        assert_eq!(again.status, 201, "{}", again.text());
        taken += 1;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (taken, taken));

        // Then it is full for good. Whoever reads is answered.
        disk.fill(0)?;
        let refused = tap_until_refused(&agent, &mut taken)?;
        assert_eq!(agent.status()?["storage"], "full");
        assert_eq!(agent.this_month()?, (taken, taken));
        assert!(!agent.json(&["count", "list"])?.as_array().context("a list")?.is_empty());
        let page = agent.api("GET", "/", "")?;
        assert!(page.status == 200 && page.text().contains("est plein"), "{}", page.text());
        let cli = agent.cli(&["count", "CNAF"])?.expect_code(1)?;
        assert!(cli.err.contains("pas enregistré") && cli.err.contains("Libérez de la place"), "{}", cli.err);

        // Room again, and no restart.
        std::fs::remove_file(disk.filler())?;
        assert_eq!(agent.api("POST", "/api/visits", &body(&refused))?.status, 201);
        taken += 1;
        agent.wait_status("storage", "ok")?;
        wait_until("room is set aside again", || Ok(ballast.exists()))?;
        agent.wait_confirmed()?;
        wait_equal("the totals are exact", (taken, taken), || hub.total(""))?;
        assert_eq!(agent.this_month()?, (taken, taken));

        // A machine that is quite full still starts, and one that cannot write says so.
        disk.fill(0)?;
        agent.kill()?;
        agent.start()?;
        assert_eq!(agent.this_month()?, (taken, taken));
        agent.stop()?;
        disk.writable(false)?;
        let ended = agent.cli(&["run", "--listen", "127.0.0.1:0"])?.expect_code(1)?;
        assert!(ended.err.contains("ne s’écrit pas") && ended.err.contains("Vérifiez"), "{}", ended.err);
        disk.writable(true)?;
        Ok(())
    });
}

/// A process that is killed when dropped.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_fails_at_the_commit_stops_the_agent_and_nothing_told_is_lost() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        let program = Programs::beside_this_test()?.agent.path;
        // The system lets no file grow beyond this: a write fails as on a broken disk.
        let limited = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
        let log = cluster.path().join("limité.log");
        let mut command = Command::new("sh");
        command.args(["-c", limited]).arg(program).arg("--data").arg(agent.data());
        command.args(["run", "--listen", "127.0.0.1:0"]).env("MSAP_AGENT_SYNC__HUB", "127.0.0.1:9");
        command.stdin(Stdio::null()).stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let mut started = Started(command.spawn()?);
        let endpoint = agent.data().join("endpoint");
        let page = wait_for("the page stands", || Ok(std::fs::read_to_string(&endpoint).ok()))?;

        let (mut told, mut untold) = (0, None);
        for _ in 0..TAPS_MAX {
            let id = uuid::Uuid::new_v4().to_string();
            let json = [("Content-Type", "application/json")];
            match request(page.trim(), "POST", "/api/visits", &json, &body(&id)) {
                Ok(answer) if answer.status == 201 => told += 1,
                _ => {
                    untold = Some(id);
                    break;
                }
            }
        }
        let untold = untold.context("the disk never failed")?;
        let code = wait_for("the agent stops by itself", || Ok(started.0.try_wait()?))?.code();
        let said = std::fs::read_to_string(&log)?;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("ne s’écrit pas") && said.contains("Vérifiez la place et les droits"), "{said}");
        assert!(told > 0, "{said}");

        agent.start()?;
        assert_eq!(agent.this_month()?, (told, told));
        assert_eq!(agent.api("POST", "/api/visits", &body(&untold))?.status, 201);
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (told + 1, told + 1));
        agent.cli(&["doctor"])?.expect_code(0)?;
        Ok(())
    });
}
