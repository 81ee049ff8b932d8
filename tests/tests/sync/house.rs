//! Schedules and partners of one house on several machines: who writes apart, what is contradicted,
//! and how that ends.

use anyhow::{Context as _, Result};
use msap_shared::io::link::Transport;
use msap_tests::cluster::{Agent, Answer, Hub, request, run, wait_equal};
use msap_tests::relay::{Gate, Relay};
use serde_json::{Value, json};

use crate::hub_with;

const CHRISTMAS_EVE: [&str; 4] = ["--from", "2026-12-24", "--to", "2026-12-24"];

fn conflicts(agent: &Agent) -> Result<Value> {
    agent.json(&["conflict", "list"])
}

fn day(agent: &Agent, day: &str) -> Result<Value> {
    let schedule = agent.json(&["hours", "show", "--from", day, "--to", day])?;
    schedule["days"].get(0).cloned().context("one day was asked for")
}

/// The partners that read unknown.
fn unsure(agent: &Agent) -> Result<Vec<String>> {
    let status = agent.status()?;
    let all = status["unknown"].as_array().context("a list")?.iter().filter_map(Value::as_str);
    Ok(all.filter(|name| name.starts_with("partner:")).map(str::to_owned).collect())
}

fn ok(agent: &Agent, args: &[&str]) -> Result<()> {
    agent.cli(args)?.expect_code(0)?;
    Ok(())
}

#[test]
fn two_desks_that_contradict_each_other_offline_both_see_it_until_one_settles_it() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["361"])?;
        let mut first = cluster.enrol(&hub, "361", "accueil")?;
        let mut second = cluster.enrol(&hub, "361", "bureau")?;
        first.start()?;
        second.start()?;
        ok(&first, &["hours", "set", "Mo-Fr 09:00-12:00,14:00-17:00", "--from", "2026-11-01"])?;
        wait_equal(
            "the second desk has the hours",
            json!("open"),
            || Ok(day(&second, "2026-12-24")?["state"].clone()),
        )?;
        ok(&first, &["status", "--wait", "confirmed"])?;

        hub.stop()?;
        ok(&first, &[&["closure", "add"], &CHRISTMAS_EVE[..], &["--reason", "holiday"]].concat())?;
        ok(&second, &[&["closure", "add"], &CHRISTMAS_EVE[..], &["--reason", "works"]].concat())?;
        ok(&first, &["partner", "set", "CNAF", "--mode", "reachable", "--contact", "3230"])?;
        ok(&second, &["partner", "set", "CNAF", "--mode", "absent"])?;
        // The same decision on both machines is no contradiction.
        for agent in [&first, &second] {
            ok(agent, &["closure", "add", "--from", "2026-12-31", "--reason", "holiday"])?;
            ok(agent, &["hours", "extra", "--from", "2026-12-26", "--hours", "9:00-12:00"])?;
            assert_eq!(conflicts(agent)?, json!([]), "nobody knows of the other yet");
        }
        ok(&second, &["hours", "extra", "--from", "2026-12-19", "--hours", "9:00-12:00"])?;
        ok(&first, &["hours", "extra", "--from", "2026-12-19", "--hours", "10:00-12:00"])?;

        hub.start()?;
        for agent in [&first, &second] {
            let keys = || -> Result<Vec<String>> {
                let all = conflicts(agent)?;
                let keys = all.as_array().context("a list")?.iter().filter_map(|one| one["key"].as_str());
                Ok(keys.map(str::to_owned).collect())
            };
            let wanted = ["on|2026-12-19..2026-12-19|-", "on|2026-12-24..2026-12-24|*", "presence|CNAF"];
            wait_equal("all contradictions are seen", wanted.map(str::to_owned).to_vec(), keys)?;
            let status = agent.status()?;
            assert_eq!(status["conflicts"], 3, "{status}");
            assert_eq!(unsure(agent)?, ["partner:CNAF"], "{status}");
            // Shut for either reason: the day itself does not depend on it.
            assert_eq!(day(agent, "2026-12-24")?["state"], "shut");
            assert_eq!(day(agent, "2026-12-31")?["state"], "shut");
            let contradicted = day(agent, "2026-12-19")?;
            let versions = contradicted["versions"].as_array().context("versions")?;
            assert_eq!((&contradicted["state"], versions.len()), (&json!("conflict"), 2), "{contradicted}");
            let shown = agent.cli(&["hours", "show", "--from", "2026-12-19", "--to", "2026-12-19"])?.expect_code(0)?;
            assert!(shown.out.contains("CONFLIT") && shown.out.contains("10 h – 12 h"), "{}", shown.out);
            assert!(shown.err.contains("msap-agent conflict list"), "and what to do: {}", shown.err);
            let listed = agent.cli(&["conflict", "list"])?.out;
            assert!(listed.contains("absent, vérifié le"), "people read both: {listed}");
            assert!(listed.contains("ce poste") && listed.contains("un autre poste"), "and who said which: {listed}");
            agent
                .cli(&["doctor"])?
                .expect_code(0)?
                .out
                .contains("conflict")
                .then_some(())
                .context("doctor tells of it")?;
        }

        let all = conflicts(&second)?;
        let id = |at: usize| all[at]["id"].as_str().context("an id").map(str::to_owned);
        second.cli(&["conflict", "resolve", &id(0)?, "3"])?.expect_code(5)?;
        second.cli(&["conflict", "resolve", "00000000", "1"])?.expect_code(4)?;
        ok(&second, &["conflict", "resolve", &id(0)?, "1"])?;
        // Whoever changes what is contradicted chooses first, or says that both are put aside.
        let anew = [&["closure", "add"], &CHRISTMAS_EVE[..], &["--reason", "meeting"]].concat();
        let refused = second.cli(&anew)?.expect_code(5)?.err;
        assert!(refused.contains(&id(1)?) && refused.contains("--settle"), "{refused}");
        let settled = second.json(&[&anew[..], &["--settle"]].concat())?;
        let aside = settled["put_aside"][0]["versions"].as_array().context("what is put aside")?;
        assert_eq!(aside.len(), 2, "{settled}");
        // The coordinators read the same words, and settle the last one.
        let listed = hub.cli(&["conflict", "list", "--site", "361"])?.expect_code(0)?.out;
        assert!(listed.contains("disponibilité CAF") && listed.contains("joignable, 3230, vérifié le"), "{listed}");
        assert!(listed.contains("poste ") && !listed.contains("presence|"), "{listed}");
        let settled = hub.cli(&["conflict", "resolve", &format!("361.{}", id(2)?), "1"])?.expect_code(0)?.out;
        assert!(
            settled.starts_with("tranché, ") && settled.contains("(361) : disponibilité CAF : absent"),
            "{settled}"
        );
        for agent in [&first, &second] {
            wait_equal("nothing is contradicted any more", json!([]), || conflicts(agent))?;
            assert_eq!(day(agent, "2026-12-19")?["minutes"], 180);
            let partners = agent.json(&["partner", "list"])?;
            assert_eq!(partners["partners"][0]["availability"], "absent");
        }
        for agent in [&first, &second] {
            assert!(unsure(agent)?.is_empty(), "and no partner reads unknown");
        }
        Ok(())
    });
}

#[test]
fn what_is_settled_differently_on_both_sides_is_one_new_contradiction_and_no_loop() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["361"])?;
        let mut first = cluster.enrol(&hub, "361", "accueil")?;
        let mut second = cluster.enrol(&hub, "361", "bureau")?;
        first.start()?;
        second.start()?;
        hub.stop()?;
        ok(&first, &["partner", "set", "MSA", "--mode", "partial"])?;
        ok(&second, &["partner", "set", "MSA", "--mode", "absent"])?;
        hub.start()?;
        let count = |agent: &Agent| Ok(conflicts(agent)?.as_array().map(Vec::len));
        for agent in [&first, &second] {
            wait_equal("the contradiction is seen", Some(1), || count(agent))?;
        }
        hub.stop()?;
        let id = conflicts(&first)?[0]["id"].as_str().context("an id")?.to_owned();
        ok(&first, &["conflict", "resolve", &id, "1"])?;
        ok(&second, &["conflict", "resolve", &id, "2"])?;
        for agent in [&first, &second] {
            assert_eq!(count(agent)?, Some(0), "settled here");
        }
        hub.start()?;
        for agent in [&first, &second] {
            wait_equal("there is one again", Some(1), || count(agent))?;
        }
        first.wait_confirmed()?;
        second.wait_confirmed()?;
        for agent in [&first, &second] {
            assert_eq!(count(agent)?, Some(1), "and it stays one");
        }
        Ok(())
    });
}

/// What a coordinator asks of the hub.
fn coordinate(hub: &Hub, method: &str, target: &str, token: &str, body: &Value) -> Result<Answer> {
    let bearer = format!("Bearer {token}");
    request(hub.http()?, method, target, &[("Authorization", &bearer)], &body.to_string())
}

#[test]
fn what_a_house_and_a_coordinator_settle_differently_is_one_new_contradiction_and_no_loop() {
    run(|cluster| {
        let hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["361"])?;
        let relay = Relay::start(hub.sync()?.parse()?)?;
        let mut agent = cluster.enrol_over(relay.address(), &hub, "361", "accueil")?;
        agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", "tcp");
        agent.start()?;
        // It learns the hours in its first session, and is known to owe nothing all the same.
        let unsure = || Ok(hub.devices()?.iter().any(|device| device["last_in_sync"].is_null()));
        wait_equal("the first session is whole", false, unsure)?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        let token = hub.make_token("department:61", "coordinator")?;
        let apart = || {
            relay.set(Transport::Tcp, Gate::Reset);
            agent.wait_status("state", "offline").map(drop)
        };
        let together = || relay.set(Transport::Tcp, Gate::CLEAR);
        // What each side lists: ids without the site's, and in which document.
        let at_house = || -> Result<Vec<(String, String)>> {
            let all = conflicts(&agent)?;
            let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
            Ok(all.as_array().context("a list")?.iter().map(|one| (text(one, "id"), text(one, "document"))).collect())
        };
        let at_hub = || -> Result<Vec<(String, String)>> {
            let answer = coordinate(&hub, "GET", "/v1/conflicts?department=61", &token, &Value::Null)?.json()?;
            let listed = hub.json(&["conflict", "list", "--department", "61"])?;
            assert_eq!(listed, answer["conflicts"], "the command lists what the address does");
            let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let short = |one: &Value| (text(one, "id").trim_start_matches("361.").to_owned(), text(one, "document"));
            Ok(answer["conflicts"].as_array().context("a list")?.iter().map(short).collect())
        };

        apart()?;
        ok(&agent, &["partner", "set", "MSA", "--mode", "partial"])?;
        let absent = json!({ "mode": "absent" });
        assert_eq!(coordinate(&hub, "PATCH", "/v1/sites/361/partners/MSA", &token, &absent)?.status, 200);
        together();
        wait_equal("the house sees the contradiction", 1, || Ok(at_house()?.len()))?;
        wait_equal("the hub lists the same", at_house()?, at_hub)?;
        let (id, document) = at_house()?.pop().context("one contradiction")?;
        assert_eq!(document, "partners");

        agent.wait_confirmed()?;
        apart()?;
        ok(&agent, &["conflict", "resolve", &id, "1"])?;
        let address = format!("/v1/conflicts/361.{id}");
        assert_eq!(coordinate(&hub, "POST", &address, &token, &json!({ "version": 2 }))?.status, 200);
        assert_eq!((at_house()?, at_hub()?), (Vec::new(), Vec::new()), "settled, each on its side");
        together();
        wait_equal("the house sees one again", 1, || Ok(at_house()?.len()))?;
        wait_equal("and so does the hub", at_house()?, at_hub)?;
        agent.wait_confirmed()?;
        // Nobody has answered anybody: two said, two settled, and that is all there is.
        let document = |hub: &Hub| -> Result<Value> {
            let all = hub.json(&["document", "list"])?;
            let all = all.as_array().context("documents")?;
            let one = all.iter().find(|one| one["id"] == "site/361/partners");
            Ok(one.context("the document of partners")?["changes"].clone())
        };
        assert_eq!(document(&hub)?, 4);
        assert_eq!(at_house()?.len(), 1, "and it stays one");

        let (id, _) = at_house()?.pop().context("one contradiction")?;
        let address = format!("/v1/conflicts/361.{id}");
        assert_eq!(coordinate(&hub, "POST", &address, &token, &json!({ "version": 1 }))?.status, 200);
        wait_equal("settled by one, it is settled for both", Vec::new(), at_house)?;
        assert_eq!((at_hub()?, document(&hub)?), (Vec::new(), 5.into()));
        Ok(())
    });
}
