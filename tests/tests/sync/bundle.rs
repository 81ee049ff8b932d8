//! Machines without any network, which exchange files with the hub.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use msap_agent::replica::{Fresh, NoCredentials, Replica};
use msap_agent::store;
use msap_shared::document::DocId;
use msap_shared::document::visits::Key;
use msap_shared::id::{TapId, WriterId};
use msap_shared::time::Day;
use msap_tests::cluster::{Agent, Cluster, Hub, run, wait_equal};
use serde_json::Value;

use crate::hub_with;

/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:9";

/// Files on a stick, by their names.
struct Stick(PathBuf);

impl Stick {
    fn new(cluster: &Cluster) -> Result<Self> {
        let dir = cluster.path().join("clé USB");
        std::fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

/// An agent that joined by file and has no network.
fn joined_by_file(cluster: &Cluster, hub: &Hub, stick: &Stick, site: &str, name: &str) -> Result<Agent> {
    let mut agent = cluster.agent(name);
    agent.set_env("MSAP_AGENT_SYNC__HUB", NOWHERE);
    let (request, answer) = (stick.file(&format!("{name}.demande")), stick.file(&format!("{name}.réponse")));
    let code = hub.invite(site)?;
    agent.cli(&["join", &code, "--label", name, "--request", &request])?.expect_code(0)?;
    hub.cli(&["import-bundle", &request, "--answer", &answer])?.expect_code(0)?;
    let joined = agent.cli(&["join", &code, "--answer", &answer])?.expect_code(0)?;
    ensure!(joined.err.contains("bundle export"), "what brings the schedule is told: {}", joined.err);
    Ok(agent)
}

/// Carries a file to the hub, and leaves the answer on the stick: what the hub said of it.
fn carry(hub: &Hub, agent: &Agent, stick: &Stick, name: &str) -> Result<Value> {
    let (up, down) = (stick.file(&format!("{name}.saisies")), stick.file(&format!("{name}.réponse")));
    agent.json(&["bundle", "export", &up])?;
    hub.json(&["import-bundle", &up, "--answer", &down])
}

/// Carries a file to the hub and the answer back: what the agent said of it.
fn exchange(hub: &Hub, agent: &Agent, stick: &Stick, name: &str) -> Result<Value> {
    carry(hub, agent, stick, name)?;
    agent.json(&["bundle", "import", &stick.file(&format!("{name}.réponse"))])
}

/// The sum of one column of a hub's report.
fn sum(report: &Value, column: &str) -> u64 {
    report["documents"].as_array().into_iter().flatten().filter_map(|row| row[column].as_u64()).sum()
}

fn standing(of: &Value) -> (Value, Value) {
    (of["confirmed"].clone(), of["waiting"].clone())
}

#[test]
fn a_machine_without_a_network_joins_counts_and_is_confirmed_by_file() {
    run(|cluster| {
        let (mut hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut agent = joined_by_file(cluster, &hub, &stick, "275", "isolé")?;
        agent.start()?;
        agent.count("CNAF", 3)?;
        let report = carry(&hub, &agent, &stick, "un")?;
        assert_eq!((sum(&report, "taken"), sum(&report, "known"), &report["changed"]), (3, 0, &true.into()));
        assert_eq!(report["export_all"], false);
        assert_eq!(hub.total("site=275")?, (3, 3));
        let (up, answer) = (stick.file("un.saisies"), stick.file("un.réponse"));
        // Twice either way changes nothing, and says so.
        let again = hub.json(&["import-bundle", &up])?;
        assert_eq!((sum(&again, "taken"), sum(&again, "known"), &again["changed"]), (0, 3, &false.into()));
        let imported = agent.json(&["bundle", "import", &answer])?;
        assert_eq!((standing(&imported), &imported["again"]), ((3.into(), 0.into()), &false.into()));
        let again = agent.json(&["bundle", "import", &answer])?;
        assert_eq!((standing(&again), &again["again"]), ((3.into(), 0.into()), &true.into()));
        let status = agent.status()?;
        assert_eq!((&status["file_exported"], &status["file_imported"]), (&status["today"], &status["today"]));

        // While neither runs.
        agent.count("MSA", 2)?;
        agent.stop()?;
        hub.stop()?;
        assert_eq!(standing(&exchange(&hub, &agent, &stick, "deux")?), (5.into(), 0.into()));
        hub.start()?;
        agent.start()?;
        assert_eq!(hub.total("")?, (5, 5));
        // By separate commands, with nothing new.
        let up = stick.file("trois.saisies");
        let made = agent.json(&["bundle", "export", &up, "--all"])?;
        assert_eq!(made["changes"], 5);
        hub.cli(&["import-bundle", &up])?.expect_code(0)?;
        hub.cli(&["export-bundle", "275", &answer])?.expect_code(0)?;
        assert_eq!(standing(&agent.json(&["bundle", "import", &answer])?), (5.into(), 0.into()));

        // Later there is a network: the session goes on from there, and raises no alarm.
        agent.stop()?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", hub.sync()?);
        agent.start()?;
        agent.count("CNAF", 1)?;
        assert_eq!(agent.wait_confirmed()?["confirmed"], 6);
        // What is on the stick from before does no harm.
        hub.json(&["import-bundle", &up])?;
        agent.stop()?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        wait_equal("each visit counts once", (7, 7), || hub.total(""))?;
        assert_eq!(hub.devices()?[0]["forked"], false);
        hub.cli(&["check"])?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn two_machines_of_a_site_learn_of_each_other_by_file() {
    run(|cluster| {
        let (hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut agents =
            [joined_by_file(cluster, &hub, &stick, "275", "a")?, joined_by_file(cluster, &hub, &stick, "275", "b")?];
        for (agent, visits) in agents.iter_mut().zip([2, 3]) {
            agent.start()?;
            agent.count("CNAF", visits)?;
        }
        let [a, b] = &agents;
        exchange(&hub, a, &stick, "a1")?;
        exchange(&hub, b, &stick, "b1")?;
        wait_equal("b knows of a", (5, 5), || b.this_month())?;
        exchange(&hub, a, &stick, "a2")?;
        wait_equal("a knows of b", (5, 5), || a.this_month())?;
        assert_eq!(hub.total("")?, (5, 5));
        // A file for one of them is not for the other.
        let refused = b.cli(&["bundle", "import", &stick.file("a2.réponse")])?.expect_code(6)?;
        assert!(refused.err.contains("pas pour celui-ci"), "{}", refused.err);
        let several = hub.cli(&["export-bundle", "275", &stick.file("x")])?.expect_code(5)?;
        assert!(several.err.contains("--device"), "{}", several.err);
        Ok(())
    });
}

#[test]
fn an_emptied_hub_is_refilled_by_file_and_old_answers_confirm_nothing() {
    run(|cluster| {
        let (mut hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut agent = joined_by_file(cluster, &hub, &stick, "275", "isolé")?;
        agent.start()?;
        agent.count("CNAF", 4)?;
        assert_eq!(standing(&exchange(&hub, &agent, &stick, "avant")?), (4.into(), 0.into()));
        agent.count("CNAF", 1)?;
        carry(&hub, &agent, &stick, "dépassé")?;
        hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            std::fs::remove_file(hub.data().join(name)).ok();
        }
        hub.start()?;
        // The file brings one change of five: four are missing before it. Its answer says so.
        let report = carry(&hub, &agent, &stick, "après")?;
        assert_eq!((sum(&report, "missing"), &report["export_all"]), (1, &true.into()), "{report}");
        let imported = agent.json(&["bundle", "import", &stick.file("après.réponse")])?;
        assert_eq!(standing(&imported), (0.into(), 5.into()));
        let refused = agent.cli(&["bundle", "import", &stick.file("dépassé.réponse")])?.expect_code(5)?;
        assert!(refused.err.contains("dépassée"), "{}", refused.err);
        let status = agent.status()?;
        assert_eq!(standing(&status), (0.into(), 5.into()));
        assert_eq!(standing(&exchange(&hub, &agent, &stick, "encore")?), (5.into(), 0.into()));
        assert_eq!(hub.total("")?, (5, 5));
        assert_eq!(hub.devices()?[0]["standing"], "returned");
        Ok(())
    });
}

/// A defect writes a change that no hub can take, and a good one after it.
fn write_refusable(data: &Path) -> Result<()> {
    let conn = store::open(data)?;
    let mut writer = WriterId::new(rand::random());
    let mut fresh: Fresh = Box::new(rand::random::<[u8; 16]>);
    let mut replica = Replica { conn: &conn, writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
    let day: Day = "2026-11-17".parse()?;
    let document = DocId::visits("275".parse()?, day.month());
    replica.enter(&document, "01|nothing that parses|0", "1|CNAF|online|25-39|1")?;
    let good = Key::tap(day, TapId::new(rand::random()).name(), 0);
    replica.enter(&document, &good.to_string(), "1|CNAF|online|25-39|1")?;
    Ok(())
}

#[test]
fn what_the_hub_refuses_by_file_is_entered_again_and_the_rest_goes_on() {
    run(|cluster| {
        let (hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut agent = joined_by_file(cluster, &hub, &stick, "275", "isolé")?;
        write_refusable(agent.data())?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        let report = carry(&hub, &agent, &stick, "1")?;
        assert_eq!((sum(&report, "taken"), sum(&report, "refused")), (2, 2));
        agent.cli(&["bundle", "import", &stick.file("1.réponse")])?.expect_code(0)?;
        // Refused three times by itself, what cannot be taken is set aside; the good one counts.
        for round in ["2", "3", "4"] {
            exchange(&hub, &agent, &stick, round)?;
        }
        let status = agent.status()?;
        assert_eq!((standing(&status), &status["refused"]), ((3.into(), 0.into()), &1.into()));
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}

#[test]
fn a_machine_without_a_network_outlives_the_authority_that_it_joined_under() {
    run(|cluster| {
        let (hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut agent = joined_by_file(cluster, &hub, &stick, "275", "isolé")?;
        agent.start()?;
        let behind =
            |hub: &Hub| -> Result<Option<usize>> { Ok(hub.json(&["ca", "show"])?["behind"].as_array().map(Vec::len)) };
        hub.cli(&["ca", "rotate"])?.expect_code(0)?;
        assert_eq!(behind(&hub)?, Some(1));
        agent.count("CNAF", 2)?;
        // One answer brings the new authority and a certificate by it, the next file says so.
        exchange(&hub, &agent, &stick, "un")?;
        assert_eq!(behind(&hub)?, Some(1));
        agent.stop()?;
        exchange(&hub, &agent, &stick, "deux")?;
        assert_eq!(behind(&hub)?, Some(0));
        hub.cli(&["ca", "rotate", "--finish"])?.expect_code(0)?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        assert_eq!(standing(&exchange(&hub, &agent, &stick, "trois")?), (3.into(), 0.into()));
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}

#[test]
fn files_that_are_damaged_foreign_or_turned_the_wrong_way_are_refused_and_change_nothing() {
    run(|cluster| {
        let (hub, stick) = (hub_with(cluster, &["275"])?, Stick::new(cluster)?);
        let mut other_hub = cluster.hub("autre");
        other_hub.start()?;
        other_hub.add_sites(&["275"])?;
        let mut agent = joined_by_file(cluster, &hub, &stick, "275", "isolé")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        carry(&hub, &agent, &stick, "un")?;
        let (up, down) = (stick.file("un.saisies"), stick.file("un.réponse"));
        let refused = |hub: &Hub, file: &str, code: i32, why: &str| -> Result<()> {
            let said = hub.cli(&["import-bundle", file])?.expect_code(code)?;
            anyhow::ensure!(said.err.contains(why), "{}", said.err);
            Ok(())
        };
        refused(&hub, &down, 6, "va du hub vers un poste")?;
        refused(&other_hub, &up, 6, "ne vient pas de ce réseau")?;
        refused(&hub, &stick.file("isolé.demande"), 2, "--answer")?;
        refused(&hub, &stick.file("absent"), 4, "n’existe pas")?;
        let said = agent.cli(&["bundle", "import", &up])?.expect_code(6)?;
        assert!(said.err.contains("vers le hub"), "{}", said.err);

        let (whole, cut) = (std::fs::read(&down)?, stick.file("coupé"));
        std::fs::write(&cut, &whole[..whole.len() - 9])?;
        let said = agent.cli(&["bundle", "import", &cut])?.expect_code(5)?;
        assert!(said.err.contains("coupé") && said.err.contains("recopiez-le"), "{}", said.err);
        std::fs::write(&cut, "une lettre")?;
        agent.cli(&["bundle", "import", &cut])?.expect_code(5)?;
        assert_eq!(standing(&agent.status()?), (0.into(), 2.into()));

        // A request is good for its own code alone, an answer for its own machine.
        let code = hub.invite("275")?;
        let thief = cluster.agent("voleur");
        let said = thief.cli(&["join", &code, "--answer", &stick.file("isolé.réponse")])?.expect_code(6)?;
        assert!(said.err.contains("--request"), "{}", said.err);
        let foreign = stick.file("étranger.demande");
        thief.cli(&["join", &other_hub.invite("275")?, "--request", &foreign])?.expect_code(0)?;
        let said = hub.cli(&["import-bundle", &foreign, "--answer", &stick.file("x")])?.expect_code(6)?;
        assert!(said.err.contains("nouveau code"), "{}", said.err);
        assert!(!std::fs::read(&foreign)?.windows(8).any(|bytes| code.as_bytes().starts_with(bytes)));

        let device = agent.status()?["device"].as_str().context("a device")?.to_owned();
        hub.cli(&["device", "revoke", &device, "--reason", "volé"])?.expect_code(0)?;
        refused(&hub, &up, 6, "exclu")?;
        hub.cli(&["export-bundle", "275", &stick.file("x"), "--device", &device])?.expect_code(6)?;
        assert_eq!(hub.total("")?, (2, 2));
        Ok(())
    });
}
