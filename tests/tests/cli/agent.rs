//! `msap-agent`.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{run, wait_equal};
use serde_json::{Value, json};

use crate::hub_with;

/// What cannot be counted: options of `count`, the same as JSON, and the field at fault.
fn bad_input(tomorrow: &str, yesterday: &str) -> Vec<(Vec<String>, Value, &'static str)> {
    let line = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    vec![
        (line("CAF"), json!({ "operator": "CAF" }), "operator"),
        (line("cnafe"), json!({ "operator": "cnaf" }), "operator"),
        (line("A|B"), json!({ "operator": "A|B" }), "operator"),
        (line("CNAF --help-kind remote"), json!({ "operator": "CNAF", "help": "remote" }), "help"),
        (line("CNAF --help-kind Onlin"), json!({ "operator": "CNAF", "help": "Online" }), "help"),
        (line("CNAF --age 25-49"), json!({ "operator": "CNAF", "age": "25-49" }), "age"),
        (line("CNAF --age +70"), json!({ "operator": "CNAF", "age": "+70" }), "age"),
        (line("CNAF --day 2026-02-29"), json!({ "operator": "CNAF", "day": "2026-02-29" }), "day"),
        (line("CNAF --day 20/11/2026"), json!({ "operator": "CNAF", "day": "20/11/2026" }), "day"),
        (line("CNAF --day 1999-12-31"), json!({ "operator": "CNAF", "day": "1999-12-31" }), "day"),
        (line(&format!("CNAF --day {tomorrow}")), json!({ "operator": "CNAF", "day": tomorrow }), "day"),
        (line("CNAF -n 0"), json!({ "operator": "CNAF", "n": 0 }), "n"),
        (line("CNAF -n 100"), json!({ "operator": "CNAF", "n": 100 }), "n"),
        (line("CNAF -n 1000000"), json!({ "operator": "CNAF", "n": 1_000_000 }), "n"),
        (line("CNAF -n 1.5"), json!({ "operator": "CNAF", "n": 1.5 }), "n"),
        (line("CNAF -n beaucoup"), json!({ "operator": "CNAF", "n": "beaucoup" }), "n"),
        (line("CNAF -n -1"), json!({ "operator": "CNAF", "n": -1 }), "day"),
        (
            line(&format!("CNAF -n -1 --day {yesterday}")),
            json!({ "operator": "CNAF", "n": -1, "day": yesterday }),
            "reason",
        ),
        (
            line(&format!("CNAF -n -1 --day {yesterday} --reason doublon")),
            json!({ "operator": "CNAF", "n": -1, "day": yesterday, "reason": "doublon" }),
            "n",
        ),
        (line("CNAF --same-visit"), json!({ "operator": "CNAF", "same_visit": true }), "same_visit"),
        (line("CNAF --reason doublon"), json!({ "operator": "CNAF", "reason": "doublon" }), "reason"),
        (
            line("CNAF --id 00000000-0000-0000-0000-000000000000"),
            json!({ "operator": "CNAF", "id": "00000000-0000-0000-0000-000000000000" }),
            "id",
        ),
        (line("CNAF --id 42"), json!({ "operator": "CNAF", "id": "42" }), "id"),
    ]
}

#[test]
fn what_cannot_be_counted_is_refused_by_name_and_nothing_is_stored() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let today: msap_shared::time::Day = agent.status()?["today"].as_str().context("today")?.parse()?;
        for (options, mut body, field) in bad_input(&today.plus_days(1).to_string(), &today.plus_days(-1).to_string()) {
            let options: Vec<&str> = std::iter::once("count").chain(options.iter().map(String::as_str)).collect();
            let refused = agent.cli(&options)?;
            assert_eq!(refused.code, Some(5), "{options:?}: {}", refused.err);
            assert!(refused.err.contains(&format!("{field} : ")), "{options:?} names {field}: {}", refused.err);
            assert!(refused.out.is_empty(), "{options:?}: {}", refused.out);

            if body["id"].is_null() {
                body["id"] = json!(uuid::Uuid::new_v4().to_string());
            }
            let answer = agent.api("POST", "/api/visits", &body.to_string())?;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
            assert_eq!(answer.json()?["field"], field, "{body}");
        }
        for malformed in ["", "[]", "{", "{\"operator\": \"CNAF\", \"colour\": \"blue\"}"] {
            let answer = agent.api("POST", "/api/visits", malformed)?;
            assert!(matches!(answer.status, 400 | 422), "{malformed}: {}", answer.status);
        }
        let status = agent.status()?;
        // What is kept besides is the hub's: the hours that the list gave to the house.
        assert_eq!(status["waiting"], 0);
        assert_eq!(agent.this_month()?, (0, 0));
        assert_eq!(hub.total("")?, (0, 0));
        Ok(())
    });
}

#[test]
fn a_tap_asked_again_counts_once_and_another_under_its_id_is_refused() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let id = "7f3c1b9e-6a0f-4d57-9b57-2f6f0f6a1c11";
        let first = agent.json(&["count", "CNAF", "--id", id])?;
        assert_eq!(first["new"], true);
        agent.kill()?;
        agent.start()?;
        let again = agent.json(&["count", "CNAF", "--id", id])?;
        assert_eq!((&again["new"], &again["name"]), (&json!(false), &first["name"]));
        agent.cli(&["count", "MSA", "--id", id])?.expect_code(5)?;
        agent.cli(&["count", "undo", "--id", id])?.expect_code(0)?;
        let undone = agent.json(&["count", "CNAF", "--id", id])?;
        assert_eq!(undone["undone"], true, "what was undone stays undone");
        assert_eq!(agent.this_month()?, (0, 0));
        agent.wait_confirmed()?;
        wait_equal("an undone visit counts nowhere", (0, 0), || hub.total(""))?;
        agent.cli(&["count", "undo", "--id", "00000000-0000-4000-8000-000000000000"])?.expect_code(4)?;
        agent.cli(&["count", "correct", "AAAAAAAAAAA", "--operator", "MSA"])?.expect_code(4)?;
        Ok(())
    });
}

#[test]
fn a_negative_count_takes_back_what_another_desk_counted() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        agent.cli(&["count", "CNAF", "-n", "3"])?.expect_code(0)?;
        let day = agent.status()?["today"].as_str().context("today")?.to_owned();
        let less = ["count", "CNAF", "-n", "-2", "--day", &day, "--reason", "compté deux fois"];
        agent.cli(&less)?.expect_code(0)?;
        agent.cli(&less)?.expect_code(5)?;
        assert_eq!(agent.this_month()?, (1, 1));
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (1, 1));
        Ok(())
    });
}

#[test]
fn every_state_of_the_machine_has_its_exit_code() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let unjoined = cluster.agent("neuf");
        unjoined.cli(&["count", "CNAF"])?.expect_code(5)?;
        unjoined.cli(&["status"])?.expect_code(5)?;
        unjoined.cli(&["run"])?.expect_code(5)?;
        unjoined.cli(&["count"])?.expect_code(2)?;
        unjoined.cli(&["conut", "CNAF"])?.expect_code(2)?;
        unjoined.cli(&["version"])?.expect_code(0)?;

        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        for command in [&["count", "CNAF"][..], &["tally"], &["status"], &["sync", "now"], &["day", "close"]] {
            let refused = agent.cli(command)?.expect_code(3)?;
            assert!(refused.err.contains("msap-agent run"), "the next step: {}", refused.err);
        }
        agent.start()?;
        // A second agent on one directory.
        let second = agent.cli(&["run", "--listen", "127.0.0.1:0"])?.expect_code(5)?;
        assert!(second.err.contains("déjà lancé"), "{}", second.err);
        // A page for the whole network.
        agent.stop()?;
        agent.cli(&["run", "--listen", "0.0.0.0:0"])?.expect_code(5)?;
        agent.start()?;
        agent.wait_confirmed()?;

        hub.stop()?;
        agent.count("CNAF", 1)?;
        agent.cli(&["status", "--wait", "confirmed", "--timeout", "1s"])?.expect_code(7)?;
        agent.cli(&["status", "--wait", "confirmed", "--timeout", "soon"])?.expect_code(5)?;
        assert_eq!(agent.this_month()?, (1, 1), "work is kept");
        agent.cli(&["doctor"])?;
        agent.stop()?;
        agent.cli(&["status"])?.expect_code(3)?;
        Ok(())
    });
}

#[test]
fn a_day_is_closed_and_reopened_by_whoever_counts() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let closed = |agent: &msap_tests::cluster::Agent| -> Result<bool> {
            agent.json(&["tally"])?["closed"].as_bool().context("closed")
        };
        assert!(!closed(&agent)?);
        agent.cli(&["day", "close"])?.expect_code(0)?;
        assert!(closed(&agent)?);
        agent.cli(&["day", "close"])?.expect_code(0)?;
        agent.cli(&["day", "reopen"])?.expect_code(0)?;
        assert!(!closed(&agent)?);
        agent.cli(&["day", "close", "--day", "2099-01-01"])?.expect_code(5)?;
        agent.wait_confirmed()?;
        Ok(())
    });
}

#[test]
fn the_page_answers_to_its_own_name_only() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let page = agent.api("GET", "/", "")?;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Chemillé") && page.head.to_lowercase().contains("content-security-policy"));
        let visit = json!({ "id": uuid::Uuid::new_v4().to_string(), "operator": "CNAF" }).to_string();
        let elsewhere = [("Content-Type", "application/json"), ("Origin", "http://example.org")];
        let address = agent.page()?;
        let refused = msap_tests::cluster::request(address, "POST", "/api/visits", &elsewhere, &visit)?;
        assert_eq!(refused.status, 403);
        let plain = [("Content-Type", "text/plain")];
        let refused = msap_tests::cluster::request(address, "POST", "/api/visits", &plain, &visit)?;
        assert!(matches!(refused.status, 403 | 415), "{}", refused.status);
        assert_eq!(agent.this_month()?, (0, 0));
        Ok(())
    });
}
