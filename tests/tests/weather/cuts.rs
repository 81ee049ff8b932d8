//! Cuts in mid-session, and routers that forget.

use anyhow::Result;
use msap_shared::io::link::Transport;
use msap_tests::cluster::{Agent, Cluster, Hub, run, wait_until};
use msap_tests::relay::{Gate, Relay};

use crate::hub_with;

/// A machine of site 275 in a session, its first visit confirmed.
fn scene(cluster: &Cluster, transport: &str) -> Result<(Hub, Relay, Agent)> {
    let hub = hub_with(cluster, &["275"])?;
    let relay = Relay::start(hub.sync()?.parse()?)?;
    let mut agent = cluster.enrol_over(relay.address(), &hub, "275", "accueil")?;
    agent.set_env("MSAP_AGENT_SYNC__TRANSPORT", transport);
    agent.start()?;
    agent.count("CNAF", 1)?;
    assert_eq!(agent.wait_confirmed()?["transport"], transport);
    Ok((hub, relay, agent))
}

/// How many lines of the sync log say this.
fn logged(agent: &Agent, event: &str) -> Result<usize> {
    let log = agent.json(&["sync", "log"])?;
    Ok(log.as_array().into_iter().flatten().filter(|line| line["event"] == event).count())
}

#[test]
fn a_router_that_forgets_does_not_end_the_session() {
    run(|cluster| {
        let (hub, relay, agent) = scene(cluster, "quic")?;
        for _ in 0..3 {
            relay.rebind();
            agent.count("CNAF", 1)?;
            agent.wait_confirmed()?;
        }
        assert_eq!(agent.status()?["tried"].as_array().map(Vec::len), Some(0));
        assert_eq!(logged(&agent, "offline")?, 0);
        assert_eq!(logged(&agent, "connected")?, 1);
        assert_eq!(hub.total("site=275")?, (4, 4));
        Ok(())
    });
}

#[test]
fn a_connection_that_is_reset_is_replaced() {
    run(|cluster| {
        let (hub, relay, agent) = scene(cluster, "tcp")?;
        relay.set(Transport::Tcp, Gate::Reset);
        agent.wait_status("state", "offline")?;
        agent.count("CNAF", 2)?;
        assert_eq!(agent.status()?["waiting"], 2);
        relay.set(Transport::Tcp, Gate::CLEAR);
        assert_eq!(agent.wait_confirmed()?["transport"], "tcp");
        assert_eq!(logged(&agent, "connected")?, 2);
        assert_eq!(hub.total("site=275")?, (3, 3));
        Ok(())
    });
}

#[test]
fn a_connection_that_stalls_goes_on_in_the_same_session() {
    run(|cluster| {
        let (hub, relay, agent) = scene(cluster, "tcp")?;
        relay.set(Transport::Tcp, Gate::Silent);
        agent.count("CNAF", 2)?;
        assert_eq!(agent.status()?["waiting"], 2);
        relay.set(Transport::Tcp, Gate::CLEAR);
        agent.wait_confirmed()?;
        assert_eq!(logged(&agent, "connected")?, 1);
        assert_eq!(hub.total("site=275")?, (3, 3));
        Ok(())
    });
}

#[test]
fn a_connection_that_only_the_hub_knows_to_be_gone_loses_nothing() {
    run(|cluster| {
        let (hub, relay, agent) = scene(cluster, "tcp")?;
        relay.set(Transport::Tcp, Gate::HalfOpen);
        wait_until("the hub has lost the connection", || Ok(relay.cuts() == 1))?;
        agent.count("CNAF", 2)?;
        let status = agent.status()?;
        assert_eq!((&status["state"], &status["waiting"]), (&"connected".into(), &2.into()), "{status}");
        relay.set(Transport::Tcp, Gate::CLEAR);
        agent.wait_confirmed()?;
        assert_eq!(logged(&agent, "connected")?, 2);
        assert_eq!(hub.total("site=275")?, (3, 3));
        Ok(())
    });
}
