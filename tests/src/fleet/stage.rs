//! What every scenario begins with: a hub, and sites that have joined it and been in touch.
//!
//! A site joins by a real invitation and has one session before anything is measured, as every
//! site in the field has had. The hub starts anew after that, so that its memory is that of what
//! is measured.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use msap_hub::admin::{Asked, Change, Reply, Request};
use msap_hub::client::{self, Way};
use msap_hub::lang::Lang;
use msap_shared::id::TapId;
use msap_shared::time::{Day, Month};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Options;
use super::meter::Usage;
use super::site::Site;
use super::totals::{self, Totals};
use crate::cluster::{Cluster, Hub, PATIENCE};
use crate::generator::{Chance, Model, SiteList};
use crate::relay::Traffic;

/// Same visits every time.
const SEED: u64 = 2020;
/// Sites that join at once: below what the hub takes.
pub(super) const JOINING_MAX: usize = 32;
/// Days of a month on which offline visits and histories lie: any month has them.
const DAYS: u32 = 20;
/// Days over which the visits of one absence lie.
const ABSENCE_DAYS: u32 = 5;
/// A line is quiet when nothing has passed for so long: late acknowledgements come within 25 ms.
const QUIET: Duration = Duration::from_millis(150);
const INVITATION_VALID_S: i64 = 86_400;
/// Memory as a file system, where Linux has it.
const MEMORY: &str = "/dev/shm";

/// Everything that runs.
pub(super) struct Stage<'a> {
    options: &'a Options,
    runtime: &'a Runtime,
    model: Model,
    hub: Hub,
    sites: Vec<Site>,
    chance: Chance,
    /// Where the sites' machines are.
    machines: &'a Path,
}

/// A moment, and what the hub had used by then.
pub(super) struct Begun {
    pub(super) at: Instant,
    pub(super) hub: Usage,
}

impl<'a> Stage<'a> {
    /// Starts the hub; every site joins, counts its history, has its first session, and leaves.
    pub(super) fn set(
        cluster: &Cluster,
        machines: &'a Path,
        runtime: &'a Runtime,
        options: &'a Options,
    ) -> Result<Self> {
        let list = SiteList::load()?;
        let ids: Vec<String> = list.ids().take(options.sites()).map(str::to_owned).collect();
        if ids.len() < options.sites() {
            bail!("--sites {}: the national list has {} sites", options.sites(), ids.len());
        }
        let mut hub = cluster.hub("hub");
        hub.start()?;
        let mut stage = Self {
            options,
            runtime,
            model: Model::load()?,
            hub,
            sites: Vec::new(),
            chance: Chance::new(SEED, "fleet"),
            machines,
        };
        stage.import(&ids)?;
        stage.join(ids)?;
        let months = stage.options.months();
        for month in past(months)? {
            stage.count_offline(month, stage.options.visits_of_history(), DAYS)?;
        }
        stage.connect(Duration::ZERO)?;
        stage.wait_confirmed()?;
        stage.disconnect()?;
        stage.restart_hub()?;
        Ok(stage)
    }

    fn import(&self, ids: &[String]) -> Result<()> {
        self.hub.add_sites(&ids.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn join(&mut self, ids: Vec<String>) -> Result<()> {
        let places = Arc::new(Semaphore::new(JOINING_MAX));
        let joining: Vec<_> = ids
            .into_iter()
            .enumerate()
            .map(|(n, id)| {
                let (places, hub, machine) =
                    (places.clone(), self.hub.data().to_owned(), self.machines.join(n.to_string()));
                async move {
                    let _place = places.acquire_owned().await?;
                    let code = invite(&hub, &id).await?;
                    Ok((n, Site::join(id, machine, code).await?))
                }
            })
            .collect();
        let mut joined = self.together(joining)?;
        joined.sort_by_key(|(n, _)| *n);
        self.sites = joined.into_iter().map(|(_, site)| site).collect();
        Ok(())
    }

    /// Every site counts `visits` on the first `days` days of `month`, while nothing runs.
    fn count_offline(&mut self, month: Month, visits: u32, days: u32) -> Result<()> {
        for site in &mut self.sites {
            let mut taps = Vec::new();
            for n in 0..days {
                // As even as whole numbers are.
                let number = visits * (n + 1) / days - visits * n / days;
                let day: Option<Day> = month.day(u8::try_from(n + 1)?);
                let day = day.context("every month has so many days")?;
                taps.push((day, self.model.plain_visits(day, number, &mut self.chance)));
            }
            site.count_offline(taps, self.chance.draw())?;
        }
        Ok(())
    }

    /// Every site is cut off for some days of last month and counts its visits.
    pub(super) fn be_absent(&mut self) -> Result<()> {
        let month = *past(1)?.first().context("last month")?;
        self.count_offline(month, self.options.visits(), ABSENCE_DAYS)
    }

    /// The hub.
    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How many sites there are.
    pub(super) fn sites(&self) -> usize {
        self.sites.len()
    }

    /// When each site's first packet passed.
    pub(super) fn arrivals(&self) -> Result<Vec<Instant>> {
        let arrived = |site: &Site| site.wire()?.arrived().with_context(|| format!("site {} never came", site.id));
        self.sites.iter().map(arrived).collect()
    }

    fn address(&self) -> Result<SocketAddr> {
        Ok(self.hub.sync()?.parse()?)
    }

    /// Opens every site's store, then connects all: at once, or each at its own moment within
    /// `over`. Answers when they were let go.
    pub(super) fn connect(&mut self, over: Duration) -> Result<Begun> {
        let (hub, transport) = (self.address()?, self.options.transport);
        self.runtime.block_on(async {
            let mut prepared = Vec::new();
            for site in &mut self.sites {
                prepared.push(site.prepare(hub, transport).await?);
            }
            let begun = Begun { at: Instant::now(), hub: Usage::of(self.hub.pid()?)? };
            for site in prepared {
                site.go(over.mul_f64(self.chance.unit()));
            }
            Ok(begun)
        })
    }

    /// Waits until every site is confirmed, and says when each was, earliest first.
    pub(super) fn wait_confirmed(&self) -> Result<Vec<Instant>> {
        let waiting = self.sites.iter().map(Site::confirmed).collect::<Result<Vec<_>>>()?;
        let mut moments = self.together(waiting)?;
        moments.sort_unstable();
        Ok(moments)
    }

    /// Runs one thing for every site, all at once.
    fn together<T: Send + 'static>(
        &self,
        each: impl IntoIterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
    ) -> Result<Vec<T>> {
        self.runtime.block_on(async {
            let all: JoinSet<Result<T>> = each.into_iter().collect();
            all.join_all().await.into_iter().collect()
        })
    }

    /// Waits until nothing passes on any line, late acknowledgements of packets included.
    pub(super) fn wait_quiet(&self) -> Result<()> {
        self.runtime.block_on(async {
            let until = Instant::now() + PATIENCE;
            for site in &self.sites {
                let wire = site.wire()?;
                while wire.last().elapsed() < QUIET && Instant::now() < until {
                    tokio::time::sleep_until((wire.last() + QUIET).into()).await;
                }
            }
            Ok(())
        })
    }

    /// One visit at one site; answers how long it took until it was confirmed.
    pub(super) fn tap(&mut self, site: usize) -> Result<Duration> {
        let visits = self.model.plain_visits(today()?, 1, &mut self.chance);
        let tap = visits.into_iter().next().context("one visit was asked for")?;
        let id = TapId::new(self.chance.bytes());
        let site = self.sites.get_mut(site).context("a site")?;
        self.runtime.block_on(async {
            // Long after the visit before it, as at a real desk.
            tokio::time::sleep_until((site.wire()?.last() + QUIET).into()).await;
            site.tap(tap, id).await
        })
    }

    /// Lets time pass.
    pub(super) fn stay(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// What has passed on all lines.
    pub(super) fn traffic(&self) -> Result<Traffic> {
        let mut all = Traffic::default();
        for site in &self.sites {
            let Traffic { up, down } = site.wire()?.traffic();
            all = Traffic { up: all.up + up, down: all.down + down };
        }
        Ok(all)
    }

    /// What the hub's process has used.
    pub(super) fn usage(&self) -> Result<Usage> {
        Usage::of(self.hub.pid()?)
    }

    /// Every machine stops in good order.
    pub(super) fn disconnect(&mut self) -> Result<()> {
        let ending: Vec<_> = self.sites.iter_mut().map(Site::disconnect).collect();
        self.together(ending).map(drop)
    }

    fn restart_hub(&mut self) -> Result<()> {
        self.hub.stop()?;
        self.hub.start()
    }

    /// The hub loses its database, not its keys; an operator imports the sites again.
    pub(super) fn empty_hub(&mut self) -> Result<()> {
        self.hub.stop()?;
        for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
            let path = self.hub.data().join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context(path.display().to_string());
                }
                _ => {}
            }
        }
        self.hub.start()?;
        let ids: Vec<String> = self.sites.iter().map(|site| site.id.clone()).collect();
        self.import(&ids)
    }

    /// What the desks have counted.
    pub(super) fn counted(&self) -> Totals {
        self.sites.iter().map(|site| (site.id.clone(), site.counted)).collect()
    }

    /// Compares what was counted with what the hub says.
    pub(super) fn compare(&self) -> Result<()> {
        Ok(totals::compare(&self.counted(), &totals::of_hub(&self.hub)?)?)
    }

    /// Kills the hub in the middle of its sessions and compares again. The lines are cut before:
    /// no site can bring anew what the hub had lost.
    pub(super) fn compare_after_a_kill(&mut self) -> Result<()> {
        self.sites.iter_mut().for_each(Site::cut);
        self.hub.kill()?;
        self.hub.start()?;
        self.compare().context("after kill -9 and a new start")
    }
}

/// A directory for the sites' machines: in memory where that is to be had.
pub(super) fn machines(cluster: &Cluster) -> Result<TempDir> {
    let made = match Path::new(MEMORY).is_dir() {
        true => TempDir::with_prefix_in("msap-fleet-", MEMORY),
        false => TempDir::with_prefix_in("sites-", cluster.path()),
    };
    made.context("a directory for the sites")
}

/// A join code, asked of the running hub as its own command asks.
pub(super) async fn invite(hub: &Path, site: &str) -> Result<String> {
    let lang = Lang::En;
    let change = Change::SiteInvite { site: site.to_owned(), valid_s: INVITATION_VALID_S, replaces: None };
    let failed = |failure: msap_hub::exit::Failure| anyhow::anyhow!("site invite {site}: {}", failure.message);
    let stream = match client::way(hub, lang).await.map_err(failed)? {
        Way::Running(stream) => stream,
        Way::Alone(_) => bail!("the hub does not run"),
    };
    let asked = Asked { lang, request: Request::Change(change) };
    match client::ask(stream, &asked, hub).await.map_err(failed)? {
        Reply::Invitation(invitation) => Ok(invitation.code),
        other => bail!("site invite {site}: {other:?}"),
    }
}

pub(super) fn today() -> Result<Day> {
    Ok(Day::at(Timestamp::now(), &"Europe/Paris".parse()?))
}

/// The last full months, the latest first.
fn past(months: u32) -> Result<Vec<Month>> {
    let before = |month: &Month| Some(month.first_day().plus_days(-1).month());
    let this = today()?.month();
    Ok(std::iter::successors(before(&this), before).take(months as usize).collect())
}
