//! Tests across programs: real hubs and agents, each test in a directory of its own.
//!
//! One binary, so that it is linked once. The programs must have been built beside it.

use anyhow::Result;
use msap_tests::cluster::{Cluster, Hub};

mod access;
mod cli;
mod demo;
mod deploy;
mod fleet;
mod http;
mod identity;
mod independent;
mod machines;
mod metrics;
mod privacy;
mod replay;
mod schedules;
mod simulation;
mod sync;
mod tidy;
mod weather;

/// A running hub that knows these sites of the national list.
fn hub_with(cluster: &Cluster, sites: &[&str]) -> Result<Hub> {
    let mut hub = cluster.hub("hub");
    hub.start()?;
    hub.add_sites(sites)?;
    Ok(hub)
}
