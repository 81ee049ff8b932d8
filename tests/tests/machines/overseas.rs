//! Sites whose day begins and ends at other moments than the hub's.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, Hub, run, wait_for};

use super::clock::{FakeClock, tap};

/// In La Réunion and in Guadeloupe.
const SITES: [&str; 2] = ["561", "798"];

/// Counts one visit: the day on which it did.
fn counted(agent: &Agent) -> Result<String> {
    let (code, view) = tap(agent)?;
    assert_eq!(code, 201, "{view}");
    Ok(view["day"].as_str().context("a day")?.to_owned())
}

/// The hub's visits by day, of one site.
fn by_day(hub: &Hub, site: &str) -> Result<BTreeMap<String, i64>> {
    let view = hub.view(&format!("/v1/visits?from=2031-12-01&to=2032-01-31&by=day&site={site}"))?;
    let rows = view["rows"].as_array().context("rows")?.iter();
    rows.map(|row| Ok((row["day"].as_str().context("a day")?.to_owned(), row["visits"].as_i64().context("a number")?)))
        .collect()
}

#[test]
fn visits_of_la_reunion_and_guadeloupe_fall_on_their_own_days_across_the_year() {
    run(|cluster| {
        let Some(clock) = FakeClock::at(cluster.path().join("clock"), "+0")? else { return Ok(()) };
        let mut hub = cluster.hub("hub");
        clock.variables()?.iter().for_each(|(name, value)| hub.set_env(name, value));
        // 22:00 in La Réunion, 19:00 in Paris, 14:00 in Guadeloupe.
        clock.set_to("2031-12-31T18:00:00Z")?;
        hub.start()?;
        hub.add_sites(&SITES)?;
        let mut agents = Vec::new();
        for site in SITES {
            let mut agent = cluster.agent(site);
            clock.variables()?.iter().for_each(|(name, value)| agent.set_env(name, value));
            agent.join(&hub.invite(site)?, "accueil")?.expect_code(0)?;
            agents.push(agent);
        }
        hub.stop()?;
        let mut days = [BTreeMap::new(), BTreeMap::new()];
        // Midnight in La Réunion, then in Guadeloupe; Paris in between.
        for (moment, reunion, guadeloupe) in [
            ("2031-12-31T18:00:00Z", "2031-12-31", "2031-12-31"),
            ("2031-12-31T19:59:50Z", "2032-01-01", "2031-12-31"),
            ("2032-01-01T03:59:50Z", "2032-01-01", "2032-01-01"),
        ] {
            clock.set_to(moment)?;
            hub.start()?;
            for ((agent, days), last) in agents.iter_mut().zip(&mut days).zip([reunion, guadeloupe]) {
                agent.start()?;
                // Before midnight or after it, as quick as this machine is; then after it.
                *days.entry(counted(agent)?).or_default() += 1;
                wait_for("the day", || Ok((agent.status()?["today"] == last).then_some(())))?;
                let day = counted(agent)?;
                assert_eq!(day, last, "{moment}");
                *days.entry(day).or_default() += 1;
                agent.wait_confirmed()?;
            }
            for (site, days) in SITES.iter().zip(&days) {
                assert_eq!(by_day(&hub, site)?, *days, "{site} at {moment}");
            }
            // The hub, whose own day is another, finds nothing odd.
            assert_eq!(hub.json(&["flagged", "list"])?, serde_json::json!([]));
            agents.iter_mut().try_for_each(Agent::stop)?;
            hub.stop()?;
        }
        assert!(days.iter().all(|days| days.len() == 2), "{days:?}");
        Ok(())
    });
}
