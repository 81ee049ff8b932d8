//! Sites that keep syncing with a hub while something else is measured of it.
//!
//! Called by the figures of the views. Each site joins by a real invitation, is connected all the
//! time and counts a visit at even intervals; whatever else the hub answers meanwhile, every visit
//! must be confirmed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use msap_shared::id::TapId;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Transport;
use super::site::{Line, Site};
use super::stage::{JOINING_MAX, invite, today};
use crate::cluster::Hub;
use crate::generator::{Chance, Model};

/// A waiting site looks this often whether it is confirmed: what a time is measured to.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// The longest wait for one visit to be confirmed.
const CONFIRMED_MAX: Duration = Duration::from_secs(60);

/// Sites at work.
pub struct Load {
    runtime: Runtime,
    stop: CancellationToken,
    working: JoinSet<Result<Vec<Duration>>>,
    sites: Vec<Site>,
    _machines: TempDir,
}

impl Load {
    /// Has these sites join a hub that runs, and work until [`Load::end`]. `machines`: where they may
    /// have their directories, in memory if possible.
    ///
    /// # Errors
    /// When one cannot join or connect.
    pub fn begin(hub: &Hub, ids: &[String], every: Duration, machines: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let machines = TempDir::with_prefix_in("msap-load-", machines).context("a directory for the sites")?;
        let model = Arc::new(Model::load()?);
        let (address, stop) = (hub.sync()?.parse::<SocketAddr>()?, CancellationToken::new());
        let (mut sites, mut working) = (Vec::new(), JoinSet::new());
        runtime.block_on(async {
            let room = Arc::new(Semaphore::new(JOINING_MAX));
            let mut joining = JoinSet::new();
            for (n, id) in ids.iter().cloned().enumerate() {
                let (room, hub, machine) = (room.clone(), hub.data().to_owned(), machines.path().join(n.to_string()));
                joining.spawn(async move {
                    let _place = room.acquire_owned().await?;
                    let code = invite(&hub, &id).await?;
                    Site::join(id, machine, code).await
                });
            }
            while let Some(joined) = joining.join_next().await {
                sites.push(joined.context("a join panicked")??);
            }
            for site in &mut sites {
                site.prepare(address, Transport::Quic).await?.go(Duration::ZERO);
            }
            for (n, site) in (0..).zip(&sites) {
                site.confirmed()?.await?;
                // Each at its own moment of the interval.
                let wait = every.mul_f64(f64::from(n) / ids.len() as f64);
                working.spawn(work(site.line()?.clone(), model.clone(), (wait, every), stop.clone()));
            }
            Ok::<_, anyhow::Error>(())
        })?;
        Ok(Self { runtime, stop, working, sites, _machines: machines })
    }

    /// Ends the work: how long each visit took from the tap to its confirmation.
    ///
    /// # Errors
    /// When a site failed meanwhile, or a visit was not confirmed.
    pub fn end(self) -> Result<Vec<Duration>> {
        let Self { runtime, stop, mut working, mut sites, _machines } = self;
        stop.cancel();
        runtime.block_on(async {
            let mut took = Vec::new();
            while let Some(done) = working.join_next().await {
                took.extend(done.context("a site panicked")??);
            }
            for site in &mut sites {
                site.disconnect().await?;
            }
            Ok(took)
        })
    }
}

/// One site counts, again and again.
async fn work(
    line: Line,
    model: Arc<Model>,
    (wait, every): (Duration, Duration),
    stop: CancellationToken,
) -> Result<Vec<Duration>> {
    // Others each time: a visit that the hub has had before would be confirmed by its first look.
    let mut chance = Chance::new(rand::random(), line.id());
    let mut took = Vec::new();
    let mut next = tokio::time::Instant::now() + wait;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(took),
            () = tokio::time::sleep_until(next) => {}
        }
        next += every;
        let tap = model.plain_visits(today()?, 1, &mut chance).pop().context("one visit was asked for")?;
        let begun = Instant::now();
        line.count(tap, TapId::new(chance.bytes())).await?;
        while !line.is_confirmed().await? {
            anyhow::ensure!(begun.elapsed() < CONFIRMED_MAX, "site {}: a visit was not confirmed", line.id());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        took.push(begun.elapsed());
    }
}
