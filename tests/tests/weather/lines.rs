//! Lines that lose, delay, double, reorder and are slow: whatever was counted arrives, once.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use msap_shared::io::link::Transport;
use msap_tests::cluster::{Agent, Cluster, Hub, invitation_over, run};
use msap_tests::relay::weather::Weather;
use msap_tests::relay::{Gate, Relay};
use serde_json::Value;

use crate::hub_with;

/// Minutes that the worst line is given: a packet of the handshake alone takes a third of a second,
/// and one in three comes through and is answered.
const MINUTES_MAX: usize = 5;
/// Times that a person would enter the same code.
const JOIN_ATTEMPTS_MAX: usize = 12;

/// The lines' chance: one that is always the same, or `WEATHER_SEED`.
fn seed() -> u64 {
    std::env::var("WEATHER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3)
}

/// A site at the end of a bad line.
struct Remote {
    site: &'static str,
    weather: Weather,
    /// What its machine is set to use.
    transport: &'static str,
    relay: Relay,
    agent: Agent,
}

impl Remote {
    fn new(
        cluster: &Cluster,
        hub: &Hub,
        (site, transport, weather): (&'static str, &'static str, Weather),
    ) -> Result<Self> {
        let to: SocketAddr = hub.sync()?.parse()?;
        let relay = Relay::seeded(to, seed())?;
        let mut agent = cluster.enrol_over(relay.address(), hub, site, site)?;
        agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", transport);
        Ok(Self { site, weather, transport, relay, agent })
    }
}

/// How a machine stands once everything is confirmed.
fn confirmed(agent: &Agent) -> Result<Value> {
    for _ in 1..MINUTES_MAX {
        let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "60s", "--json"])?;
        if waited.code == Some(0) {
            return waited.json();
        }
    }
    agent.wait_confirmed()
}

/// One impairment each, and all of them.
fn impairments() -> [(&'static str, &'static str, Weather); 8] {
    let clear = Weather::CLEAR;
    let far = Weather { delay: Duration::from_millis(300), ..clear };
    [
        ("1", "quic", Weather { loss_percent: 20, ..clear }),
        ("4", "quic", Weather { duplicate_percent: 50, ..clear }),
        ("5", "quic", Weather { reorder_percent: 50, ..clear }),
        ("6", "quic", Weather { mtu: 1_280, ..clear }),
        ("9", "quic", Weather { rate: 32_000, ..far }),
        ("10", "tcp", Weather { loss_percent: 20, ..far }),
        ("11", "tcp", Weather { rate: 32_000, ..far }),
        ("12", "auto", Weather::WORST),
    ]
}

#[test]
fn whatever_the_line_visits_counted_offline_are_confirmed_once() {
    run(|cluster| {
        let cases = impairments();
        let hub = hub_with(cluster, &cases.map(|(site, ..)| site))?;
        let mut remotes = Vec::new();
        for case in cases {
            remotes.push(Remote::new(cluster, &hub, case)?);
        }
        for remote in &mut remotes {
            remote.relay.set(Transport::Quic, Gate::Silent);
            remote.relay.set(Transport::Tcp, Gate::Silent);
            remote.agent.start()?;
            remote.agent.count("CNAF", 5)?;
            assert_eq!(remote.agent.status()?["waiting"], 5);
        }
        for remote in &remotes {
            remote.relay.weather(remote.weather);
        }
        for Remote { site, weather, transport, agent, .. } in &remotes {
            let status = confirmed(agent)?;
            assert_eq!(status["confirmed"], 5, "{weather:?}: {status}");
            if *transport != "auto" {
                assert_eq!(status["transport"], *transport, "{weather:?}");
            }
            assert_eq!(hub.total(&format!("site={site}"))?, (5, 5), "{weather:?}");
        }
        assert_eq!(hub.total("")?, (40, 40));
        Ok(())
    });
}

#[test]
fn a_line_that_changes_all_the_time_confirms_each_visit_once() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut remote = Remote::new(cluster, &hub, ("275", "auto", Weather::CLEAR))?;
        remote.agent.start()?;
        for n in 0..12 {
            remote.relay.weather(Weather::drawn(seed(), n));
            remote.agent.count("CNAF", 1)?;
            // From where a machine speaks changes as well.
            remote.relay.rebind();
            if n % 3 == 2 {
                confirmed(&remote.agent)?;
            }
        }
        assert_eq!(hub.total("site=275")?, (12, 12));
        Ok(())
    });
}

#[test]
fn a_machine_joins_over_a_bad_line_and_its_code_stays_valid_until_it_has() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let relay = Relay::seeded(hub.sync()?.parse()?, seed())?;
        let weather = Weather { loss_percent: 20, delay: Duration::from_millis(300), rate: 64_000, ..Weather::CLEAR };
        relay.weather(weather);
        let code = invitation_over(relay.address(), &hub, "275")?;
        let mut agent = cluster.agent("accueil");
        for attempt in 1.. {
            let joined = agent.join(&code, "accueil")?;
            if joined.code == Some(0) {
                break;
            }
            if attempt == JOIN_ATTEMPTS_MAX {
                bail!("{attempt} attempts in vain: {}", joined.err);
            }
            // Nobody was reached, or the answer got lost: the same command again.
            joined.expect_code(7)?;
        }
        agent.set_env("MSAP_AGENT_SYNC__HUB", &relay.address().to_string());
        agent.start()?;
        agent.count("CNAF", 1)?;
        confirmed(&agent)?;
        assert_eq!(hub.total("site=275")?, (1, 1));
        assert_eq!(hub.devices()?.len(), 1);
        Ok(())
    });
}
