//! The way to the hub: UDP where it passes, TCP where it does not.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use msap_shared::io::link::Transport;
use msap_tests::cluster::{Agent, Cluster, Hub, run, wait_equal};
use msap_tests::relay::{Gate, Relay, Traffic};
use serde_json::Value;

use crate::hub_with;

/// A hub of site 275, and a way to it.
fn scene(cluster: &Cluster) -> Result<(Hub, Relay)> {
    let hub = hub_with(cluster, &["275"])?;
    let to: SocketAddr = hub.sync()?.parse()?;
    Ok((hub, Relay::start(to)?))
}

/// A machine that joined, and reaches the hub, by this way.
fn enrol(cluster: &Cluster, hub: &Hub, way: &Relay, name: &str) -> Result<Agent> {
    cluster.enrol_over(way.address(), hub, "275", name)
}

fn tried(status: &Value) -> Vec<String> {
    let tried = status["tried"].as_array().cloned().unwrap_or_default();
    tried.iter().map(|tried| format!("{} {}", tried["transport"], tried["why"]).replace('"', "")).collect()
}

#[test]
fn where_udp_is_blocked_a_site_joins_counts_and_is_confirmed_over_tcp() {
    run(|cluster| {
        let (hub, way) = scene(cluster)?;
        way.set(Transport::Quic, Gate::Silent);
        let mut agent = enrol(cluster, &hub, &way, "accueil")?;
        agent.start()?;
        agent.count("CNAF", 2)?;
        let status = agent.wait_confirmed()?;
        assert_eq!(status["transport"], "tcp");
        assert_eq!(hub.total("site=275")?, (2, 2));
        let devices = hub.json(&["device", "list"])?;
        assert_eq!(devices[0]["transport"], "tcp", "{devices}");
        // Joining found out, and that is told, here and at the hub.
        assert_eq!(tried(&status), ["quic silent"]);
        assert_eq!(devices[0]["tried"], "quic silent", "{devices}");

        // A restart begins with what worked.
        agent.stop()?;
        agent.start()?;
        let status = agent.wait_confirmed()?;
        assert_eq!(status["transport"], "tcp");
        assert_eq!(tried(&status)[0], "quic silent");

        // Elsewhere in the network it would be found out anew; the same here when it is forced.
        agent.stop()?;
        agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", "quic");
        way.set(Transport::Quic, Gate::CLEAR);
        agent.start()?;
        assert_eq!(agent.wait_confirmed()?["transport"], "quic");
        Ok(())
    });
}

#[test]
fn udp_that_is_cut_in_mid_session_is_replaced_by_tcp() {
    run(|cluster| {
        let (hub, way) = scene(cluster)?;
        let mut agent = enrol(cluster, &hub, &way, "accueil")?;
        agent.start()?;
        agent.count("CNAF", 1)?;
        assert_eq!(agent.wait_confirmed()?["transport"], "quic");
        way.set(Transport::Quic, Gate::Silent);
        agent.count("CNAF", 1)?;
        let status = agent.wait_confirmed()?;
        assert_eq!(status["transport"], "tcp");
        assert_eq!(tried(&status), ["quic silent", "quic silent"]);
        assert_eq!(hub.total("site=275")?, (2, 2));
        let log = agent.json(&["sync", "log"])?.to_string();
        assert!(log.contains("quic: ") && log.contains("tcp: "), "{log}");
        Ok(())
    });
}

#[test]
fn a_machine_that_is_revoked_loses_its_session_over_tcp() {
    run(|cluster| {
        let (hub, way) = scene(cluster)?;
        let mut agent = enrol(cluster, &hub, &way, "accueil")?;
        agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", "tcp");
        agent.start()?;
        let status = agent.wait_confirmed()?;
        assert_eq!(status["transport"], "tcp");
        let device = status["device"].as_str().context("a device")?;
        hub.json(&["device", "revoke", device, "--reason", "vol"])?;
        let status = agent.wait_status("state", "revoked")?;
        assert_eq!(tried(&status)[0], "tcp revoked");
        Ok(())
    });
}

#[test]
fn a_hub_that_was_killed_is_back_for_a_session_over_each_transport() {
    run(|cluster| {
        let (mut hub, way) = scene(cluster)?;
        let mut agents = Vec::new();
        for transport in ["quic", "tcp"] {
            let mut agent = enrol(cluster, &hub, &way, transport)?;
            agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", transport);
            agent.start()?;
            agent.wait_confirmed()?;
            agents.push((agent, transport));
        }
        hub.kill()?;
        hub.start()?;
        for (agent, transport) in &agents {
            agent.count("CNAF", 1)?;
            let status = agent.wait_confirmed()?;
            assert_eq!(status["transport"], *transport);
            // Told by the hub that is back, not by silence.
            assert_eq!(tried(&status)[0], format!("{transport} lost"));
        }
        wait_equal("both are counted", (2, 2), || hub.total("site=275"))
    });
}

#[test]
fn a_quiet_reconnect_is_cheap() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        let relay = Relay::start(hub.sync()?.parse()?)?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", &relay.address().to_string());
        agent.start()?;
        agent.wait_confirmed()?;
        agent.stop()?;
        let mut reconnects = Vec::new();
        // On a machine that is busy, some datagrams are sent twice.
        for _ in 0..3 {
            let before = relay.traffic();
            agent.start()?;
            agent.wait_confirmed()?;
            agent.stop()?;
            reconnects.push(relay.traffic().since(before));
        }
        let least = |bytes: fn(&Traffic) -> u64| reconnects.iter().map(bytes).min().unwrap_or(u64::MAX);
        assert!(least(|passed| passed.up) <= 3_300 && least(|passed| passed.down) <= 2_000, "{reconnects:?}");
        Ok(())
    });
}
