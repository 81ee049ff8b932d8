//! Firewalls and links as a real kernel has them: hub and site in namespaces of their own.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Agent, Cluster, Hub, run};
use msap_tests::netns::Firewall::{Drop, Pass, Reject};
use msap_tests::netns::{Cable, Firewall};

/// A hub of site 275 in its namespace.
fn hub_at(cluster: &Cluster, cable: &Cable) -> Result<Hub> {
    let mut hub = cluster.hub_within(cable.hub(), "hub");
    hub.start_at(&cable.address().to_string())?;
    hub.add_sites(&["275"])?;
    Ok(hub)
}

/// A machine that joins through the firewall as it stands, and runs.
fn enrol(cluster: &Cluster, cable: &Cable, hub: &Hub, transport: &str) -> Result<Agent> {
    let mut agent = cluster.agent_within(cable.site(), transport);
    agent.join(&hub.invite("275")?, transport)?.expect_code(0)?;
    agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", transport);
    agent.start()?;
    Ok(agent)
}

fn count(agent: &Agent, visits: usize) -> Result<()> {
    (0..visits).try_for_each(|_| agent.cli(&["count", "CNAF"])?.expect_code(0).map(drop))
}

/// Visits that the hub counts, asked where no network is needed.
fn total(hub: &Hub) -> Result<i64> {
    let counts = hub.json(&["counts", "--from", "2000-01-01", "--to", "2099-12-31"])?;
    counts["total"]["visits"].as_i64().with_context(|| counts.to_string())
}

/// Runs a test over a cable, where there can be one.
fn run_over_cable(test: impl FnOnce(&Cluster, &Cable) -> Result<()>) {
    run(|cluster| match Cable::lay()? {
        Some(cable) => test(cluster, &cable),
        None => Ok(()),
    });
}

/// Joins and counts through this firewall; the transport that it was confirmed over.
fn over(cluster: &Cluster, cable: &Cable, udp: Firewall, tcp: Firewall) -> Result<String> {
    let hub = hub_at(cluster, cable)?;
    cable.firewall(udp, tcp)?;
    let agent = enrol(cluster, cable, &hub, "auto")?;
    count(&agent, 3)?;
    let status = agent.wait_confirmed()?;
    assert_eq!(total(&hub)?, 3);
    Ok(status["transport"].as_str().context("a transport")?.to_owned())
}

#[test]
fn udp_that_a_firewall_drops_leads_to_tcp() {
    run_over_cable(|cluster, cable| {
        assert_eq!(over(cluster, cable, Drop, Pass)?, "tcp");
        Ok(())
    });
}

#[test]
fn tcp_that_a_firewall_rejects_leaves_quic_and_a_narrow_link_too() {
    run_over_cable(|cluster, cable| {
        cable.mtu(1_280)?;
        assert_eq!(over(cluster, cable, Pass, Reject)?, "quic");
        Ok(())
    });
}

#[test]
fn a_network_cut_in_mid_session_keeps_everything_until_it_is_back() {
    run_over_cable(|cluster, cable| {
        let hub = hub_at(cluster, cable)?;
        let mut agents = Vec::new();
        // Both at once: what notices the silence is QUIC's keep-alive for one, the system's for the other.
        for transport in ["quic", "tcp"] {
            let agent = enrol(cluster, cable, &hub, transport)?;
            count(&agent, 1)?;
            assert_eq!(agent.wait_confirmed()?["transport"], transport);
            agents.push(agent);
        }
        cable.firewall(Drop, Drop)?;
        for agent in &agents {
            count(agent, 2)?;
        }
        for agent in &agents {
            let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "1s", "--json"])?;
            assert!([Some(7), Some(8)].contains(&waited.code), "{waited:?}");
        }
        for agent in &agents {
            msap_tests::cluster::wait_until("the silence is noticed", || {
                Ok(agent.json(&["status"])?["tried"].as_array().is_some_and(|tried| !tried.is_empty()))
            })?;
            let status = agent.json(&["status"])?;
            assert_eq!((&status["tried"][0]["why"], &status["waiting"]), (&"silent".into(), &2.into()), "{status}");
            let waited = agent.cli(&["status", "--wait", "confirmed", "--timeout", "1s"])?;
            waited.expect_code(7)?;
        }
        assert_eq!(total(&hub)?, 2);
        cable.firewall(Pass, Pass)?;
        for agent in &agents {
            agent.wait_confirmed()?;
        }
        assert_eq!(total(&hub)?, 6);
        Ok(())
    });
}
