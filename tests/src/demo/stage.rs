//! The sites of the demonstration: who they are, what they counted, the programs that run.

use std::time::Instant;

use anyhow::{Context as _, Result};
use msap_shared::time::{Day, Month};

use super::{Lang, OFFLINE_VISITS, SEED, note};
use crate::cluster::history::{self, Entered};
use crate::cluster::{Agent, Cluster, Hub};
use crate::generator::{Model, Period, SiteList};

/// Houses that are decided and do not receive anybody yet.
pub(super) const PROJECTS: [&str; 2] = ["2067", "280"];
/// Houses and antennas that count, each with the days of which a history is told. Alençon-Perseigne,
/// its antenna and Chemillé are as published; the others are drawn.
const COUNTING: [(&str, Option<(&str, &str)>); 16] = [
    ("361", None),
    ("597", Some(("2019-01-01", "2019-06-30"))),
    ("275", None),
    ("908", YEAR),
    ("1382", YEAR),
    ("279", YEAR),
    ("1383", YEAR),
    ("1381", YEAR),
    ("277", YEAR),
    ("911", YEAR),
    ("906", YEAR),
    ("910", YEAR),
    ("278", YEAR),
    ("281", YEAR),
    ("907", YEAR),
    ("2470", Some(("2022-01-01", "2022-06-30"))),
];
const YEAR: Option<(&str, &str)> = Some(("2023-07-01", "2023-12-31"));
/// The house that goes offline.
const OFFLINE: &str = "275";
/// Nobody listens there: the discard port.
const NOWHERE: &str = "127.0.0.1:9";

/// One site that counts.
pub(super) struct Player {
    pub(super) site: String,
    pub(super) name: String,
    pub(super) agent: Agent,
    /// Months in which it has counted something.
    pub(super) months: Vec<Month>,
}

/// Everything that runs.
pub(super) struct Stage<'a> {
    cluster: &'a Cluster,
    hub: Hub,
    players: Vec<Player>,
}

impl<'a> Stage<'a> {
    /// Starts the hub and tells it of the sites.
    pub(super) fn set(cluster: &'a Cluster, list: &SiteList) -> Result<Self> {
        let mut hub = cluster.hub("hub");
        hub.start()?;
        let counting = COUNTING.iter().map(|(site, _)| *site);
        hub.add_open_sites(&counting.chain(PROJECTS).collect::<Vec<_>>())?;
        for site in PROJECTS {
            hub.cli(&["site", "set", site, "life=project"])?.expect_code(0)?;
        }
        // Thiers was a project until its label.
        let thiers = list.site("2470")?;
        let labelled = thiers.label_date.context("Thiers has a label")?;
        hub.cli(&["site", "set", "2470", "life=project"])?.expect_code(0)?;
        let date = format!("label_date={labelled}");
        hub.cli(&["site", "set", "2470", "life=labelled", &date])?.expect_code(0)?;
        Ok(Self { cluster, hub, players: Vec::new() })
    }

    /// Joins each site, and enters its history.
    pub(super) fn fill(&mut self, list: &SiteList, lang: Lang) -> Result<()> {
        let model = Model::load()?;
        let began = Instant::now();
        let mut all = Entered::default();
        for (id, days) in COUNTING {
            let site = list.site(id)?;
            let agent = self.cluster.enrol(&self.hub, id, &format!("site-{id}"))?;
            let mut periods = model.pinned(&site.id);
            if let Some((from, to)) = days {
                periods.push(model.typical(&site, from.parse()?, to.parse()?, SEED));
            }
            let visits = periods.iter().flat_map(|period| model.visits(&site, *period, SEED));
            let entered = history::enter(agent.data(), visits, SEED).with_context(|| format!("site {id}"))?;
            all.visits += entered.visits;
            all.requests += entered.requests;
            let (name, months) = (short(&site.name), months(&periods));
            self.players.push(Player { site: id.to_owned(), name, agent, months });
        }
        let took = began.elapsed().as_secs_f64();
        note(&match lang {
            Lang::Fr => format!("  {} visites, {} demandes, en {took:.1} s", all.visits, all.requests),
            Lang::En => format!("  {} visits, {} requests, in {took:.1} s", all.visits, all.requests),
        });
        Ok(())
    }

    /// Starts every agent.
    pub(super) fn start(&mut self) -> Result<()> {
        self.players.iter_mut().try_for_each(|player| player.agent.start())
    }

    /// Waits until the hub has confirmed everything.
    pub(super) fn wait_confirmed(&self) -> Result<()> {
        for player in &self.players {
            player.agent.wait_confirmed().with_context(|| format!("site {}", player.site))?;
        }
        Ok(())
    }

    /// One site loses its network, counts on, and comes back.
    pub(super) fn offline_and_back(&mut self, lang: Lang) -> Result<()> {
        let player = self.players.iter_mut().find(|player| player.site == OFFLINE).context("the offline site")?;
        let agent = &mut player.agent;
        agent.stop()?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", NOWHERE);
        agent.start()?;
        let before = self.hub.total(&format!("site={OFFLINE}"))?.0;
        agent.count("CNAF", OFFLINE_VISITS)?;
        let today: Day = agent.status()?["today"].as_str().context("today")?.parse()?;
        player.months.push(today.month());
        let waiting = agent.status()?["waiting"].clone();
        let meanwhile = self.hub.total(&format!("site={OFFLINE}"))?.0;
        note(&match lang {
            Lang::Fr => format!(
                "{} est coupé du réseau et compte {OFFLINE_VISITS} visites : {waiting} gardées sur le poste, le hub en est \
                 toujours à {meanwhile}",
                player.name
            ),
            Lang::En => format!(
                "{} is cut off and counts {OFFLINE_VISITS} visits: {waiting} kept on its machine, the hub still has {meanwhile}",
                player.name
            ),
        });
        agent.stop()?;
        agent.unset_env("MSAP_AGENT_SYNC__HUB");
        agent.start()?;
        agent.wait_confirmed()?;
        let after = self.hub.total(&format!("site={OFFLINE}"))?.0;
        note(&match lang {
            Lang::Fr => format!("Le réseau revient : {before} → {after}, tout est reçu par le hub"),
            Lang::En => format!("The network is back: {before} → {after}, everything is with the hub"),
        });
        Ok(())
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn players(&self) -> &[Player] {
        &self.players
    }

    /// The address of a site's desk page.
    pub(super) fn page(&self, site: &str) -> Result<&str> {
        let player = self.players.iter().find(|player| player.site == site);
        player.with_context(|| format!("site {site}"))?.agent.page()
    }

    /// Stops everything.
    pub(super) fn stop(mut self) -> Result<()> {
        self.players.iter_mut().try_for_each(|player| player.agent.stop())?;
        self.hub.stop()
    }
}

/// A house's name without what all of them begin with.
pub(super) fn short(name: &str) -> String {
    let town = name.trim_start_matches("France services ");
    let bare = ["d'", "d’", "de "].iter().find_map(|article| town.strip_prefix(article));
    bare.unwrap_or(town).to_owned()
}

fn months(periods: &[Period]) -> Vec<Month> {
    let mut months = Vec::new();
    for period in periods {
        let mut month = period.from.month();
        while month.first_day() <= period.to {
            months.push(month);
            month = month.next();
        }
    }
    months
}
