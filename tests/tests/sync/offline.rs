//! Sites without a hub for a while, sites with two desks, sites on other clocks.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use msap_agent::command::{Command, Count, Reply};
use msap_agent::core::{Core, Input, Now, Output};
use msap_shared::code::{Age, Help};
use msap_shared::id::TapId;
use msap_tests::cluster::{run, wait_equal};

use crate::hub_with;

#[test]
fn visits_counted_without_a_hub_are_confirmed_once_it_answers() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        hub.stop()?;
        agent.start()?;
        agent.count("CNAF", 3)?;
        agent.cli(&["count", "MSA", "-n", "4"])?.expect_code(0)?;
        agent.cli(&["count", "DGFIP", "--same-visit"])?.expect_code(0)?;

        let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "1s", "--json"])?.expect_code(7)?;
        let status: serde_json::Value = serde_json::from_str(&waited.out)?;
        assert_eq!((&status["kept"], &status["confirmed"], &status["waiting"]), (&5.into(), &0.into(), &5.into()));
        assert_eq!(status["oldest_waiting_day"], status["today"]);
        assert_eq!(agent.this_month()?, (7, 8));

        hub.start()?;
        let status = agent.wait_confirmed()?;
        assert_eq!((&status["confirmed"], &status["waiting"]), (&5.into(), &0.into()));
        assert_eq!(status["transport"], "quic");
        assert_eq!(hub.total("site=275")?, (7, 8));
        let further = hub.view("/v1/visits?operator=DGFIP")?;
        assert_eq!(further["total"], serde_json::json!({ "visits": null, "requests": 1 }));
        Ok(())
    });
}

#[test]
fn a_first_session_that_brings_everything_goes_on_with_what_is_counted_next() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        hub.stop()?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        hub.start()?;
        agent.wait_confirmed()?;
        agent.count("CNAF", 1)?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}

#[test]
fn an_agent_restarted_without_a_hub_still_has_what_it_counted() {
    run(|cluster| {
        let mut hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        hub.stop()?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        agent.kill()?;
        agent.start()?;
        assert_eq!(agent.this_month()?, (2, 2));
        agent.count("CNAF", 1)?;
        hub.start()?;
        agent.wait_confirmed()?;
        assert_eq!(hub.total("")?, (3, 3));
        Ok(())
    });
}

#[test]
fn two_desks_of_one_site_see_and_correct_each_others_visits() {
    run(|cluster| {
        let hub = hub_with(cluster, &["361"])?;
        let mut desks = [cluster.enrol(&hub, "361", "accueil")?, cluster.enrol(&hub, "361", "bureau 2")?];
        for desk in &mut desks {
            desk.start()?;
        }
        let [front, back] = &desks;
        front.count("CNAF", 3)?;
        back.count("MSA", 2)?;
        for desk in [front, back] {
            wait_equal("each desk counts the other's visits too", (5, 5), || desk.this_month())?;
        }
        // The desk at the back corrects a tap of the front, which it knows by name only.
        let taps = back.json(&["count", "list"])?;
        let taps = taps.as_array().context("a list of taps")?;
        assert_eq!(taps.len(), 5);
        let of_front = taps.iter().find(|tap| tap["operator"] == "CNAF").context("a tap of the front")?;
        assert!(of_front["id"].is_null(), "the other desk's UUID does not travel: {of_front}");
        let name = of_front["name"].as_str().context("a name")?;
        back.cli(&["count", "correct", name, "--operator", "DGFIP"])?.expect_code(0)?;
        wait_equal("the hub follows the correction", 1, || {
            let figures = hub.view("/v1/visits?by=operator")?;
            let rows = figures["rows"].as_array().context("rows")?;
            Ok(rows.iter().filter(|row| row["operator"] == "DGFIP").filter_map(|row| row["requests"].as_i64()).sum())
        })?;
        wait_equal("the front follows the correction", 1, || {
            let taps = front.json(&["count", "list"])?;
            Ok(taps.as_array().context("taps")?.iter().filter(|tap| tap["operator"] == "DGFIP").count())
        })?;
        // And undoes it; the front's next look is at four.
        back.cli(&["count", "undo", "--id", name])?.expect_code(0)?;
        for desk in [front, back] {
            wait_equal("each desk follows the undo", (4, 4), || desk.this_month())?;
        }
        wait_equal("the hub follows the undo", (4, 4), || hub.total(""))?;
        Ok(())
    });
}

#[test]
fn an_antenna_counts_for_its_house_and_on_its_own() {
    run(|cluster| {
        let hub = hub_with(cluster, &["361", "597"])?;
        let mut house = cluster.enrol(&hub, "361", "Perseigne")?;
        let mut antenna = cluster.enrol(&hub, "597", "Courteille")?;
        house.start()?;
        antenna.start()?;
        house.count("CNAF", 2)?;
        antenna.count("CNAF", 3)?;
        house.wait_confirmed()?;
        antenna.wait_confirmed()?;
        assert_eq!(hub.total("site=361")?, (5, 5));
        assert_eq!(hub.total("site=361&antennas=apart")?, (2, 2));
        assert_eq!(hub.total("site=597")?, (3, 3));
        assert_eq!(hub.total("department=61")?, (5, 5));
        // The antenna knows nothing of the house's visits: another site's documents.
        assert_eq!(antenna.this_month()?, (3, 3));
        Ok(())
    });
}

#[test]
fn a_visit_in_la_reunion_belongs_to_its_own_day_on_a_machine_set_to_paris() {
    run(|cluster| {
        let hub = hub_with(cluster, &["561"])?;
        let mut agent = cluster.enrol(&hub, "561", "Les Makes")?;
        agent.set_env("TZ", "Europe/Paris");
        agent.start()?;
        let day_there = || Ok::<_, anyhow::Error>(Timestamp::now().in_tz("Indian/Reunion")?.date().to_string());
        let before = day_there()?;
        let counted = agent.json(&["count", "CNAF"])?;
        let after = day_there()?;
        let day = counted["day"].as_str().context("a day")?;
        assert!([before.as_str(), after.as_str()].contains(&day), "{day} is neither {before} nor {after}");
        assert_eq!(agent.status()?["timezone"], "Indian/Reunion");
        agent.wait_confirmed()?;
        let figures = hub.view(&format!("/v1/visits?by=day&from={day}&to={day}"))?;
        assert_eq!(figures["rows"][0]["day"], day);
        agent.stop()?;

        // 21:30 in Paris is 00:30 on the next day in La Réunion; the clock is ours in the core.
        let counted_at = |at: &str| -> Result<String> {
            let mut core = Core::new(msap_agent::store::open(agent.data())?, Box::new(rand::random::<[u8; 16]>))?;
            let count = Count {
                id: TapId::new(rand::random()),
                operator: "MSA".parse()?,
                help: Help::DEFAULT.code(),
                age: Age::UNKNOWN.code(),
                people: 1,
                day: None,
                same_visit: false,
                reason: None,
            };
            let now = Now { wall: at.parse()?, monotonic_ms: 0 };
            let outputs = core.turn(vec![Input::Command(0, Command::Count(count))], now)?;
            match outputs.into_iter().next() {
                Some(Output::Reply(_, Ok(Reply::Tap(tap)))) => Ok(tap.day.to_string()),
                other => anyhow::bail!("{other:?}"),
            }
        };
        // Forward only: a clock behind what it has shown is not believed.
        assert_eq!(counted_at("2031-11-20T19:59:59Z")?, "2031-11-20");
        assert_eq!(counted_at("2031-11-20T20:30:00Z")?, "2031-11-21");
        Ok(())
    });
}
