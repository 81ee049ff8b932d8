//! Invitations, revocations, and hubs that are not the right one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Hub, run, wait_equal, wait_until};

use crate::hub_with;

#[test]
fn one_invitation_makes_one_machine_however_often_it_tries() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275", "361"])?;
        let code = hub.invite("275")?;
        let (mut first, other) = (cluster.agent("premier"), cluster.agent("autre"));
        first.join(&code, "accueil")?.expect_code(0)?;
        // The answer may have been lost: the same machine may ask again.
        first.join(&code, "accueil")?.expect_code(0)?;
        assert_eq!(hub.devices()?.len(), 1);

        let refused = other.join(&code, "accueil")?.expect_code(6)?;
        assert!(refused.err.contains("déjà servi"), "{}", refused.err);
        assert_eq!(other.cli(&["status"])?.code, Some(5), "a machine that was refused has not joined");
        assert_eq!(hub.devices()?.len(), 1);

        // A machine that counts for one site does not change to another.
        first.join(&hub.invite("361")?, "accueil")?.expect_code(5)?;
        first.start()?;
        first.count("CNAF", 1)?;
        first.wait_confirmed()?;
        assert_eq!(hub.total("site=275")?, (1, 1));
        Ok(())
    });
}

#[test]
fn codes_that_are_cut_mistyped_or_expired_make_no_machine() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let agent = cluster.agent("poste");
        let code = hub.invite("275")?;
        let cut: String = code.chars().take(code.chars().count() - 8).collect();
        let mistyped = format!("{}{}", &code[..code.len() - 1], if code.ends_with('a') { 'b' } else { 'a' });
        for (text, what) in
            [("", "empty"), ("bonjour", "a word"), (cut.as_str(), "cut"), (mistyped.as_str(), "mistyped")]
        {
            let refused = agent.join(text, "accueil")?;
            assert_eq!(refused.code, Some(5), "{what}: {}", refused.err);
        }
        // A week later: the invitation's end is in the hub's database.
        hub.stop()?;
        let database = rusqlite::Connection::open(hub.data().join("hub.db"))?;
        assert_eq!(database.execute("UPDATE invitation SET expires = 1000000000", [])?, 1);
        database.close().map_err(|(_, error)| error)?;
        hub.start()?;
        let refused = agent.join(&code, "accueil")?.expect_code(6)?;
        assert!(refused.err.contains("plus valable"), "{}", refused.err);
        assert!(hub.devices()?.is_empty());
        // The next one works, however it is typed.
        let spaced = hub.invite("275")?.to_uppercase().replace('-', " ");
        agent.join(&spaced, "accueil")?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn an_unreachable_hub_leaves_the_code_valid() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let (agent, code) = (cluster.agent("poste"), hub.invite("275")?);
        hub.stop()?;
        agent.join(&code, "accueil")?.expect_code(7)?;
        hub.start()?;
        agent.join(&code, "accueil")?.expect_code(0)?;
        Ok(())
    });
}

#[test]
fn an_agent_pointed_at_another_hub_tells_it_nothing_and_loses_nothing() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut other = cluster.hub("autre hub");
        other.start()?;
        other.add_sites(&["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", other.sync()?);
        agent.start()?;
        agent.count("CNAF", 2)?;
        let status = agent.wait_status("state", "untrusted")?;
        assert_eq!((&status["waiting"], &status["confirmed"]), (&2.into(), &0.into()));
        assert!(status["last_error"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
        let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "1s"])?;
        assert_eq!(waited.code, Some(6), "somebody else answers");
        assert!(waited.err.contains(other.sync()?), "the address that was dialled: {}", waited.err);
        assert_eq!((&status["hub"], &status["hub_origin"]), (&other.sync()?.into(), &"environment".into()));
        assert!(other.devices()?.is_empty());
        assert_eq!(other.total("")?, (0, 0));

        agent.stop()?;
        agent.unset_env("MSAP_AGENT_SYNC__HUB");
        agent.start()?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (2, 2));

        // A code of one hub shown to another that answers at its address.
        let code = hub.invite("275")?;
        let (ours, theirs) = (hub.sync()?.to_owned(), other.sync()?.to_owned());
        drop((hub, other));
        let mut impostor = cluster.hub("imposteur");
        impostor.start_at(&ours)?;
        let refused = cluster.agent("poste").join(&code, "accueil")?.expect_code(6)?;
        assert!(refused.err.contains("rien ne lui a été montré"), "{}", refused.err);
        assert_ne!(ours, theirs);
        Ok(())
    });
}

fn device_of(hub: &Hub) -> Result<String> {
    let devices = hub.devices()?;
    Ok(devices.first().and_then(|device| device["id"].as_str()).context("a device")?.to_owned())
}

#[test]
fn a_revoked_machine_is_cut_off_within_five_seconds_and_keeps_its_visits() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        let device = device_of(&hub)?;
        let began = Instant::now();
        hub.cli(&["device", "revoke", &device, "--reason", "poste volé"])?.expect_code(0)?;
        wait_until("the connection is closed", || Ok(agent.status()?["state"] != "connected"))?;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        agent.wait_status("state", "revoked")?;

        agent.count("MSA", 2)?;
        assert_eq!(agent.this_month()?, (3, 3));
        // Told at once: nothing that this machine does by itself changes it.
        let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "1h"])?.expect_code(6)?;
        assert!(waited.err.contains("msap-agent join CODE"), "{}", waited.err);
        assert_eq!(hub.total("")?, (1, 1));
        assert_eq!(hub.device(&device)?["standing"], "revoked");
        assert_eq!(hub.device(&device)?["reason"], "poste volé");

        // Given back: a new invitation, and what was kept arrives, without another start.
        let joined = agent.join(&hub.invite("275")?, "accueil")?.expect_code(0)?;
        assert!(!joined.err.contains("msap-agent run"), "it runs already: {}", joined.err);
        agent.wait_confirmed()?;
        wait_equal("what was kept arrives", (3, 3), || hub.total(""))?;
        assert_eq!(hub.device(&device)?["standing"], "revoked", "the old key stays revoked");
        Ok(())
    });
}

#[test]
fn what_names_no_device_or_has_no_reason_is_not_revoked() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        cluster.enrol(&hub, "275", "accueil")?;
        let device = device_of(&hub)?;
        hub.cli(&["device", "revoke", "accueil", "--reason", "x"])?.expect_code(4)?;
        hub.cli(&["device", "revoke", &device])?.expect_code(2)?;
        hub.cli(&["device", "revoke", &device, "--reason", ""])?.expect_code(5)?;
        assert_eq!(hub.device(&device)?["standing"], "active");
        Ok(())
    });
}
