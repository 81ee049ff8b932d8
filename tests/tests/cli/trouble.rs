//! What a person is told at the desk's command line when something is not as it should be.

use anyhow::{Context as _, Result};
use msap_tests::cluster::run;

use crate::hub_with;

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    use std::process::{Command, Stdio};
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let program = msap_tests::cluster::Programs::beside_this_test()?.agent.path;
        for args in [&["tally"][..], &["status"], &["count", "list", "--json"], &["--help"], &["version"]] {
            let mut command = Command::new(&program);
            command.arg("--data").arg(agent.data()).args(args).stdin(Stdio::null());
            let full = std::fs::File::options().write(true).open("/dev/full")?;
            let ended = command.stdout(full).stderr(Stdio::piped()).output()?;
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.contains("n’a pas pu être écrite"), "{args:?}: {said}");

            // Nobody reads: the pipe is closed before the program writes.
            let (reader, writer) = std::io::pipe()?;
            drop(reader);
            let ended = command.stdout(writer).stderr(Stdio::piped()).output()?;
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!((ended.status.code(), said.contains("écrite")), (Some(0), false), "{args:?}: {said}");
        }
        Ok(())
    });
}

#[test]
fn a_damaged_identity_is_found_before_anything_is_said_to_run() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.cli(&["doctor"])?.expect_code(0)?;
        for (name, file, text) in [
            ("clé", "device.key", "n’importe quoi"),
            ("certificat", "device.pem", "n’importe quoi"),
            ("autorités", "ca.pem", "n’importe quoi"),
        ] {
            let damaged = agent.cloned(name)?;
            std::fs::write(damaged.data().join(file), text)?;
            let ended = damaged.cli(&["run", "--listen", "127.0.0.1:0"])?.expect_code(9)?;
            assert!(ended.err.contains(file) && ended.err.contains("msap-agent join CODE"), "{}", ended.err);
            assert!(!ended.err.contains("Page :") && !ended.err.contains("agent runs"), "{}", ended.err);
            let found = damaged.cli(&["doctor"])?.expect_code(9)?;
            assert!(found.out.contains(file) && found.out.contains("msap-agent join CODE"), "{}", found.out);
        }
        Ok(())
    });
}

#[test]
fn a_refused_join_leaves_nothing_behind() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let code = hub.invite("275")?;
        cluster.agent("premier").join(&code, "premier")?.expect_code(0)?;
        let late = cluster.agent("second");
        late.join(&code, "second")?.expect_code(6)?;
        assert!(!late.data().exists());
        std::fs::create_dir(late.data())?;
        std::fs::write(late.data().join("notes"), "d’un autre")?;
        late.join(&code, "second")?.expect_code(6)?;
        let left: Vec<_> = std::fs::read_dir(late.data())?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        assert_eq!(left, ["notes"]);
        Ok(())
    });
}

#[test]
fn the_hub_that_is_dialled_is_named_with_where_it_was_said() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        let address = hub.sync()?.to_owned();
        let shown = |agent: &msap_tests::cluster::Agent| -> Result<String> {
            let shown = agent.cli(&["config", "show"])?.expect_code(0)?.out;
            Ok(shown.lines().find(|line| line.starts_with("sync.hub")).context("sync.hub")?.to_owned())
        };
        assert_eq!(shown(&agent)?, format!("sync.hub\t{address}\tcelle de l’invitation"));
        agent.start()?;
        assert_eq!(shown(&agent)?, format!("sync.hub\t{address}\tcelle de l’invitation"));
        let status = agent.cli(&["status"])?.expect_code(0)?.out;
        assert!(status.contains(&format!("Hub\t{address} (adresse de l’invitation)")), "{status}");
        agent.stop()?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", "127.0.0.1:9");
        agent.start()?;
        let said = "127.0.0.1:9 ([sync] hub, variable MSAP_AGENT_SYNC__HUB)";
        for command in ["status", "doctor"] {
            let out = agent.cli(&[command])?.out;
            assert!(out.contains(said), "{command}: {out}");
        }
        assert!(shown(&agent)?.contains("127.0.0.1:9"));
        Ok(())
    });
}

#[test]
fn people_read_what_was_counted_in_plain_words() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let id = "7f3c1b9e-6a0f-4d57-9b57-2f6f0f6a1c11";
        let said = |args: &[&str]| -> Result<String> {
            let done = agent.cli(args)?.expect_code(0)?;
            Ok(format!("{}{}", done.out, done.err))
        };
        let contains = |text: String, part: &str| assert!(text.contains(part), "{part:?} is not in {text}");
        // Codes in any case; labels with their codes.
        contains(said(&["count", "cnaf", "--help-kind", "ONLINE", "--id", id])?, "CAF (CNAF)");
        contains(said(&["count", "MSA", "--same-visit"])?, "MSA (démarche de plus)");
        contains(said(&["count", "list"])?, "démarche de plus");
        contains(said(&["count", "undo", "--id", id])?, "1 autre démarche de la même visite");
        contains(said(&["count", "cnaf", "--id", id])?, "déjà comptée, puis annulée");
        contains(said(&["count", "undo", "--id", id])?, "déjà annulée");
        said(&["day", "close"])?;
        contains(said(&["count", "CNAF"])?, "était close");
        contains(said(&["status"])?, "Opérations enregistrées ici");
        contains(said(&["count", "--help"])?, "CHEQUE_ENERGIE");
        contains(said(&["--version"])?, env!("CARGO_PKG_VERSION"));

        let refused = agent.cli(&["count", "CAF"])?.expect_code(5)?;
        contains(refused.err, "vouliez-vous dire CAF (CNAF)");
        let long = "x".repeat(20_000);
        for (args, field) in [
            (&["count", "CNAF", "--reason", &long][..], "reason"),
            (&["count", "undo", "--id", &long], "id"),
            (&["tally", "--day", &long], "day"),
            (&["tally", "--day", "2099-01-01"], "day"),
            (&["tally", "--month", "2099-01"], "month"),
        ] {
            let refused = agent.cli(args)?.expect_code(5)?;
            contains(refused.err, &format!("{field} : "));
        }
        Ok(())
    });
}
