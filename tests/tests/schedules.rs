//! Schedules and partners on a hub that runs: the whole national list, closures, calendars.

use anyhow::{Context as _, Result};
use msap_shared::time::Day;
use msap_tests::cluster::{Answer, Hub, request, run, wait_equal};
use serde_json::Value;

use crate::hub_with;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sites.csv");
const HOLIDAYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../hub/data/holidays.csv");

fn ask(hub: &Hub, method: &str, target: &str, token: &str, body: &Value) -> Result<Answer> {
    let bearer = format!("Bearer {token}");
    request(hub.http()?, method, target, &[("Authorization", &bearer)], &body.to_string())
}

/// Every site of the network, page by page.
fn sites(hub: &Hub) -> Result<Vec<Value>> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = hub.view(&format!("/v1/sites?limit=1000{next}"))?;
        all.extend(page["sites"].as_array().context("sites")?.iter().cloned());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

#[test]
fn the_national_lists_hours_are_rules_and_read_back_as_the_published_minutes() {
    run(|cluster| {
        let mut hub = cluster.hub("hub");
        hub.start()?;
        let report = hub.json(&["site", "import", LIST])?;
        assert_eq!((&report["added"], &report["hours_changed"]), (&2_845.into(), &2_797.into()));
        let published = report["problems"].as_array().context("problems")?.len();
        let again = hub.json(&["site", "import", LIST])?;
        assert_eq!((&again["unchanged"], &again["hours_changed"]), (&2_845.into(), &0.into()));
        assert_eq!(again["problems"].as_array().context("problems")?.len(), published, "told again");

        let mut expected = std::collections::BTreeMap::new();
        let mut reader = csv::Reader::from_path(LIST)?;
        let header = reader.headers()?.clone();
        let column = |name: &str| header.iter().position(|known| known == name).context("a column");
        let (id, minutes) = (column("site_id")?, column("weekly_minutes")?);
        for row in reader.records() {
            let row = row?;
            expected.insert(row[id].to_owned(), row[minutes].parse::<u64>().ok().filter(|minutes| *minutes > 0));
        }
        for site in sites(&hub)? {
            let id = site["id"].as_str().context("an id")?;
            assert_eq!(site["weekly_minutes"].as_u64().filter(|minutes| *minutes > 0), expected[id], "site {id}");
            assert_eq!(site["open_now"].is_null(), expected[id].is_none(), "site {id}");
        }
        // A Tuesday that is a holiday nowhere: each site at its own clock.
        let open = hub.view("/v1/sites?open_at=2026-12-01T10:00&limit=1")?;
        let count = |name: &str| open["open_at"][name].as_u64().with_context(|| format!("{name} in {open}"));
        assert_eq!((count("open")? + count("shut")?, count("unknown")?), (2_797, 48));
        assert!(count("open")? > 2_000, "{open}");
        let christmas = hub.view("/v1/sites?open_at=2026-12-25T10:00&limit=1")?;
        assert_eq!(christmas["open_at"]["open"], 0);
        Ok(())
    });
}

#[test]
fn the_exported_list_reads_back_and_changes_nothing() {
    run(|cluster| {
        let mut hub = cluster.hub("hub");
        hub.start()?;
        let published = concat!(env!("CARGO_MANIFEST_DIR"), "/data/anct_liste_2024_sample.csv");
        assert_eq!(hub.json(&["site", "import", published, "--date", "2024-08-01"])?["rejected"], 0);
        let token = hub.make_token("national", "reader")?;
        let export = || hub.get("/v1/exports/anct.csv", Some(&token));
        let first = export()?;
        assert!(first.head.contains("filename=\"liste-fs-"), "{}", first.head);
        let file = cluster.path().join("liste.csv");
        std::fs::write(&file, &first.body)?;
        let again = hub.json(&["site", "import", file.to_str().context("a name")?, "--date", "2026-11-01"])?;
        let count = |name: &str| again[name].as_u64().with_context(|| format!("{name} in {again}"));
        assert_eq!((count("added")?, count("changed")?, count("rejected")?, count("hours_changed")?), (0, 0, 0, 0));
        assert_eq!(
            count("unchanged")?,
            csv::Reader::from_reader(first.body.as_slice()).records().count() as u64,
            "{again}"
        );
        assert_eq!(again["missing"], serde_json::json!([]));
        assert_eq!(export()?.body, first.body);
        Ok(())
    });
}

#[test]
fn a_closure_by_a_coordinator_holds_until_it_is_taken_back() {
    run(|cluster| {
        let hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["275", "361"])?;
        let token = hub.make_token("department:49", "coordinator")?;
        let day = "/v1/sites/275/schedule?from=2026-12-01&to=2026-12-01";
        let state = || Ok::<_, anyhow::Error>(hub.view(day)?["days"][0]["state"].clone());
        assert_eq!(state()?, "open");
        let closure = serde_json::json!({ "from": "2026-12-01", "to": "2026-12-02", "reason": "works" });
        assert_eq!(ask(&hub, "PUT", "/v1/sites/275/closures", &token, &closure)?.status, 200);
        assert_eq!(state()?, "shut");
        let shown = hub.json(&["site", "show", "275"])?;
        assert_eq!(shown["weekly_minutes"], hub.view("/v1/sites/275")?["weekly_minutes"], "{shown}");
        assert!(shown["open_now"].is_boolean() && shown["osm_opening_hours"] != "", "{shown}");
        assert_eq!(ask(&hub, "PUT", "/v1/sites/361/closures", &token, &closure)?.status, 403);
        let target = "/v1/sites/275/closures?from=2026-12-01&to=2026-12-02";
        assert_eq!(ask(&hub, "DELETE", target, &token, &Value::Null)?.status, 200);
        assert_eq!(state()?, "open");
        let network =
            serde_json::json!({ "from": "2026-12-01", "reason": "training", "label": "Journée de formation" });
        assert_eq!(ask(&hub, "PUT", "/v1/closures", &token, &network)?.status, 200);
        assert_eq!(state()?, "shut");
        let journal = hub.json(&["journal", "list"])?;
        let actions: Vec<_> = journal.as_array().context("journal")?.iter().map(|line| &line["action"]).collect();
        assert!(actions.iter().any(|action| *action == "closure.set"), "{journal}");
        assert_eq!(actions.iter().filter(|action| **action == "document.edit").count(), 2, "{journal}");
        assert_eq!(hub.json(&["conflict", "list"])?, serde_json::json!([]));
        hub.cli(&["conflict", "resolve", "275.00000000", "1"])?.expect_code(4)?;
        Ok(())
    });
}

#[test]
fn calendars_are_imported_while_the_hub_runs() {
    run(|cluster| {
        let hub = hub_with(cluster, &[])?;
        hub.add_open_sites(&["275"])?;
        let report = hub.json(&["catalogue", "import", HOLIDAYS])?;
        assert_eq!((&report["added"], &report["removed"], &report["rejected"]), (&0.into(), &0.into(), &0.into()));
        let file = cluster.path().join("fériés.csv");
        std::fs::write(&file, "holiday_zone,date,name\nmetropole,2026-12-01,Fête\nmetropole,2026-02-30,Rien\n")?;
        let path = file.to_str().context("a name")?;
        let rehearsed = hub.json(&["catalogue", "import", path, "--dry-run"])?;
        let state = || {
            let day = hub.view("/v1/sites/275/schedule?from=2026-12-01&to=2026-12-01")?;
            Ok::<_, anyhow::Error>((day["days"][0]["state"].clone(), day["days"][0]["public_holiday"].clone()))
        };
        assert_eq!(state()?, ("open".into(), Value::Null), "a rehearsal changes nothing");
        assert_eq!(hub.json(&["catalogue", "import", path])?, rehearsed);
        assert_eq!((&rehearsed["added"], &rehearsed["problems"][0]["line"]), (&1.into(), &3.into()));
        assert_eq!(state()?, ("shut".into(), "Fête".into()));
        hub.cli(&["catalogue", "import", LIST])?.expect_code(5)?;
        hub.cli(&["catalogue", "import", "/nowhere.csv"])?.expect_code(4)?;
        Ok(())
    });
}

#[test]
fn after_how_many_days_a_partner_reads_unknown_is_the_hubs_setting_on_the_machines_too() {
    run(|cluster| {
        let mut hub = cluster.hub("hub");
        hub.set_env("MSAP_HUB_PARTNERS__STALE_AFTER", "10d");
        hub.start()?;
        hub.add_sites(&["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        let stale_after = || Ok(agent.json(&["partner", "list"])?["stale_after_days"].clone());
        wait_equal("the machine goes by the hub's days", 10.into(), stale_after)?;
        agent.cli(&["partner", "set", "CNAF", "--mode", "reachable", "--contact", "3230"])?.expect_code(0)?;
        let today: Day = agent.json(&["partner", "list"])?["today"].as_str().context("a day")?.parse()?;
        let state = |days: i32| {
            let partners = agent.json(&["partner", "list", "--day", &today.plus_days(days).to_string()])?;
            Ok::<_, anyhow::Error>(partners["partners"][0]["availability"].clone())
        };
        assert_eq!((state(10)?, state(11)?), ("reachable".into(), "unknown".into()));
        hub.stop()?;
        hub.set_env("MSAP_HUB_PARTNERS__STALE_AFTER", "20d");
        hub.start()?;
        agent.cli(&["sync", "now"])?;
        wait_equal("the machine hears of another setting", 20.into(), stale_after)?;
        assert_eq!((state(11)?, state(21)?), ("reachable".into(), "unknown".into()));
        Ok(())
    });
}
