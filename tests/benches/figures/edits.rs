//! How long a coordinator's edit takes from the hub's interface to a live agent's page.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use msap_shared::time::Day;
use msap_tests::cluster::{Agent, Cluster, PATIENCE, Programs, request};
use serde_json::json;

use super::{median, p95, tell};

const EDITS: i32 = 200;

/// Measures on a hub and an agent that run, on loopback: each closure is asked for until the agent
/// has it, so that a request's own time is in it twice.
pub(super) fn measure(programs: Programs) -> Result<()> {
    let cluster = Cluster::new(programs)?;
    let mut hub = cluster.hub("hub");
    hub.start()?;
    hub.add_open_sites(&["275"])?;
    let token = format!("Bearer {}", hub.make_token("national", "coordinator")?);
    let mut agent = cluster.enrol(&hub, "275", "poste")?;
    agent.start()?;
    agent.wait_status("state", "connected")?;
    let first = Day::new(2027, 1, 1).context("a day")?;
    let mut times = Vec::new();
    for n in 0..EDITS {
        let day = first.plus_days(n);
        let closure = json!({ "from": day.to_string(), "to": day.to_string(), "reason": "works" }).to_string();
        let began = Instant::now();
        let headers = [("Authorization", token.as_str())];
        let answer = request(hub.http()?, "PUT", "/v1/sites/275/closures", &headers, &closure)?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        until_closed(&agent, day, began)?;
        times.push(began.elapsed());
    }
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let figure = format!("{} / {} ms", ms(median(times.clone())?), ms(p95(times)?));
    tell("an edit at the hub → at a live agent, median / 95 %", &figure);
    agent.stop()?;
    hub.stop()
}

fn until_closed(agent: &Agent, day: Day, began: Instant) -> Result<()> {
    while began.elapsed() < PATIENCE {
        let schedule = agent.api("GET", &format!("/api/schedule?from={day}&to={day}"), "")?.json()?;
        if schedule["days"][0]["why"][0]["kind"] == "closed" {
            return Ok(());
        }
    }
    bail!("the agent has not heard of the closure of {day}")
}
