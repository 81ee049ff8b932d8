//! A small network in which everything happens that a figure may depend on.
//!
//! Invariant: the same on every machine and every day: the clock is the test's, visits follow from a seed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use msap_shared::time::Day;
use msap_tests::cluster::{Agent, Cluster, Hub, history, request, wait_until};
use msap_tests::generator::{Model, Period, SiteList};
use serde_json::{Value, json};

use crate::machines::clock::FakeClock;

/// The ends of three days of the hub. At the last one the next day has begun in La Réunion.
const MOMENTS: [&str; 3] = ["2026-10-20T12:00:00Z", "2026-11-05T12:00:00Z", "2026-11-20T21:00:00Z"];
/// Houses with hours and an antenna of two that moves; one lies in La Réunion.
const LISTED: [&str; 9] = ["275", "276", "277", "278", "280", "361", "561", "597", "910"];
/// A house that has said no hours, and a bus that has not either.
const SILENT: [&str; 1] = ["906"];
/// A machine of each, and a second one of a house.
const MACHINES: [&str; 11] = ["275", "276", "277", "278", "361", "361-bis", "561", "597", "906", "910", "bus-49"];
/// Months for which a confirmation of hours holds.
pub(super) const CONFIRMED_MONTHS: u32 = 2;
/// Where an agent looks for a hub that is offline.
const NOWHERE: &str = "127.0.0.1:9";

/// What is left when all has happened.
pub(super) struct Scenario {
    pub(super) hub: Hub,
    pub(super) token: String,
    pub(super) now: String,
    pub(super) folder: PathBuf,
    pub(super) settled: Vec<Value>,
    pub(super) closures: [Value; 1],
}

/// A closure of a department.
fn closure() -> Value {
    json!({
        "id": "formation-61", "from": "2026-11-12", "to": "2026-11-13", "reason": "training", "label": "Formation",
        "scope": "department:61",
    })
}

/// The stage.
struct Stage<'a> {
    clock: &'a FakeClock,
    hub: Hub,
    agents: BTreeMap<&'static str, Agent>,
    model: Model,
    list: SiteList,
    wall: Timestamp,
    folder: PathBuf,
    token: String,
}

impl Scenario {
    /// Everything, from the hub's first start on.
    pub(super) fn play(cluster: &Cluster, clock: &FakeClock) -> Result<Self> {
        let mut stage = Stage::set(cluster, clock)?;
        stage.october()?;
        stage.turn_of_the_month()?;
        let settled = stage.november()?;
        let Stage { hub, token, folder, .. } = stage;
        Ok(Self { hub, token, now: MOMENTS[2].replace('Z', "+00:00"), folder, settled, closures: [closure()] })
    }
}

impl<'a> Stage<'a> {
    fn set(cluster: &Cluster, clock: &'a FakeClock) -> Result<Self> {
        let mut hub = cluster.hub("hub");
        clock.variables()?.iter().for_each(|(name, value)| hub.set_env(name, value));
        // What was confirmed at the first moment is at risk from the day after the last one on.
        hub.set_env("MSAP_HUB_PRIVACY__LISTEN", "0s");
        hub.set_env("MSAP_HUB_LABEL__HOURS_CONFIRMED_MONTHS", &CONFIRMED_MONTHS.to_string());
        clock.set_to(MOMENTS[0])?;
        hub.start()?;
        hub.add_open_sites(&LISTED)?;
        hub.add_sites(&SILENT)?;
        for args in [
            vec!["site", "add", "bus-49", "department=49", "name=Bus de l’Anjou", "format=bus", "life=open"],
            vec!["site", "add", "projet-44", "department=44", "name=Projet de Clisson", "life=project"],
            vec!["site", "set", "275", "bearer=Commune de Chemillé"],
            vec!["site", "set", "275", "reports_from=2026-09-14"],
            vec!["site", "set", "276", "reports_from=2026-10-12"],
            vec!["site", "set", "597", "reports_from=2026-10-01"],
        ] {
            hub.cli(&args)?.expect_code(0)?;
        }
        let token = hub.make_token("national", "admin")?;
        let mut agents = BTreeMap::new();
        for name in MACHINES {
            let site = name.trim_end_matches("-bis");
            let mut agent = cluster.agent(name);
            clock.variables()?.iter().for_each(|(name, value)| agent.set_env(name, value));
            agent.join(&hub.invite(site)?, name)?.expect_code(0)?;
            agents.insert(name, agent);
        }
        // Desks that will change their hours have heard of them.
        for name in ["275", "276", "361", "361-bis", "561"] {
            let agent = agents.get_mut(name).context("an agent")?;
            agent.start()?;
            wait_until("the hours of the list are here", || {
                let shown = agent.json(&["hours", "show", "--from", "2026-10-05", "--to", "2026-10-05"])?;
                Ok(shown["days"][0]["state"] == "open")
            })?;
            agent.stop()?;
        }
        let folder = cluster.path().join("independent");
        let (model, list, wall) = (Model::load()?, SiteList::load()?, MOMENTS[0].parse()?);
        Ok(Self { clock, hub, agents, model, list, wall, folder, token })
    }

    fn agent(&mut self, name: &str) -> Result<&mut Agent> {
        self.agents.get_mut(name).with_context(|| format!("an agent {name}"))
    }

    /// The clock of all, and a hub that goes by it.
    fn move_to(&mut self, moment: &str) -> Result<()> {
        self.hub.stop()?;
        self.clock.set_to(moment)?;
        self.wall = moment.parse()?;
        self.hub.start()
    }

    /// Visits of a site, but for some days. They wait on the machine.
    fn visits(&self, name: &str, (from, to): (&str, &str), people: u32, left_out: &[&str]) -> Result<()> {
        let listed = self.list.site(name.split('-').next().filter(|id| *id != "bus").unwrap_or("275"))?;
        let period = Period { from: from.parse()?, to: to.parse()?, people };
        let days = self.model.visits(&listed, period, u64::from(people));
        let left_out: Vec<Day> = left_out.iter().map(|day| day.parse()).collect::<Result<_, _>>()?;
        let days = days.filter(|(day, _)| !left_out.contains(day));
        history::enter_at(self.agents[name].data(), days, u64::from(people), self.wall)?;
        Ok(())
    }

    /// What the desk of a machine says, which is then confirmed.
    fn desk(&mut self, name: &str, commands: &[&[&str]]) -> Result<()> {
        let agent = self.agent(name)?;
        agent.start()?;
        for command in commands {
            agent.cli(command)?.expect_code(0)?;
        }
        agent.wait_confirmed()?;
        agent.stop()
    }

    /// What a machine that is offline says.
    fn alone(&mut self, name: &str, commands: &[&[&str]]) -> Result<()> {
        let agent = self.agent(name)?;
        agent.set_env("MSAP_AGENT_SYNC__HUB", NOWHERE);
        agent.start()?;
        for command in commands {
            agent.cli(command)?.expect_code(0)?;
        }
        agent.stop()?;
        agent.unset_env("MSAP_AGENT_SYNC__HUB");
        Ok(())
    }

    /// The names of the visits of a day, as the desk lists them.
    fn listed(&mut self, name: &str, day: &str) -> Result<Vec<String>> {
        let listed = self.agent(name)?.json(&["count", "list", "--day", day])?;
        let rows = listed["visits"].as_array().or(listed.as_array()).with_context(|| format!("visits in {listed}"))?;
        let mut names: Vec<_> = rows.iter().filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect();
        names.sort();
        ensure!(names.len() > 3, "{name} has visits on {day}: {listed}");
        Ok(names)
    }

    /// Every document as the hub exports it at the end of this day.
    fn export(&self) -> Result<()> {
        let day = self.wall.strftime("%Y-%m-%d").to_string();
        let folder = self.folder.join("exports").join(day);
        std::fs::create_dir_all(&folder)?;
        let listed = self.hub.view("/v1/documents")?;
        for document in listed["documents"].as_array().context("documents")? {
            let id = document["id"].as_str().context("an id")?;
            let answer = self.hub.get(&format!("/v1/documents/{id}"), Some(&self.token))?;
            ensure!(answer.status == 200, "{id}: {}", answer.text());
            std::fs::write(Path::new(&folder).join(id.replace('/', "%2F")), &answer.body)?;
        }
        Ok(())
    }

    fn put(&self, target: &str, body: &Value) -> Result<()> {
        let bearer = format!("Bearer {}", self.token);
        let answer = request(self.hub.http()?, "PUT", target, &[("Authorization", &bearer)], &body.to_string())?;
        ensure!(answer.status == 200, "{target}: {}", answer.text());
        Ok(())
    }

    /// The weeks before the first export: the network as it is, with days that lack, hours, partners.
    fn october(&mut self) -> Result<()> {
        // The year before, to be compared with.
        self.visits("275", ("2025-10-01", "2025-11-30"), 150, &[])?;
        self.visits("597", ("2025-11-01", "2025-11-30"), 41, &[])?;
        self.visits("275", ("2026-09-14", "2026-10-19"), 131, &["2026-10-07", "2026-10-08", "2026-10-14"])?;
        self.visits("276", ("2026-10-01", "2026-10-19"), 60, &["2026-10-13"])?;
        self.visits("277", ("2026-10-05", "2026-10-16"), 52, &[])?;
        self.visits("361", ("2026-10-01", "2026-10-17"), 88, &[])?;
        self.visits("597", ("2026-10-01", "2026-10-19"), 70, &["2026-10-09"])?;
        self.visits("561", ("2026-10-01", "2026-10-20"), 55, &[])?;
        self.visits("910", ("2026-10-01", "2026-10-19"), 40, &[])?;
        self.visits("906", ("2026-10-01", "2026-10-19"), 22, &[])?;
        self.visits("bus-49", ("2026-10-01", "2026-10-19"), 13, &[])?;
        self.desk(
            "275",
            &[
                &["day", "close", "--day", "2026-10-14"],
                &["staff", "set", "2", "--from", "2026-10-01"],
                &["closure", "add", "--from", "2026-10-26", "--to", "2026-10-28", "--reason", "works"],
                &["permanence", "add", "CNAF", "--day", "vendredi", "--slots", "09:00-12:00", "--from", "2026-10-01"],
                &["permanence", "cancel", "CNAF", "--day", "2026-11-13", "--reason", "strike"],
                &["partner", "set", "CNAF", "--mode", "permanence", "--contact", "3230"],
                &["partner", "set", "DGFIP", "--mode", "reachable", "--contact", "3939"],
                &["partner", "agreement", "DGFIP", "signed", "--day", "2026-01-15"],
                &["hours", "confirm"],
            ],
        )?;
        self.desk(
            "276",
            &[
                &[
                    "hours",
                    "day",
                    "mardi",
                    "09:00-12:00/free/2,14:00-17:00/free/1",
                    "--variant",
                    "odd",
                    "--from",
                    "2026-10-01",
                ],
                &["hours", "day", "samedi", "10:00-12:00", "--variant", "1st", "--from", "2026-10-01"],
                &[
                    "permanence",
                    "add",
                    "MSA",
                    "--day",
                    "mardi",
                    "--slots",
                    "14:00-16:00",
                    "--variant",
                    "even",
                    "--from",
                    "2026-10-01",
                ],
                &["partner", "set", "MSA", "--mode", "partial"],
                &["partner", "set", "CNAM", "--mode", "absent"],
                &["partner", "agreement", "CNAM", "signed", "--day", "2025-06-01"],
                &["partner", "agreement", "MSA", "in_progress"],
            ],
        )?;
        self.desk(
            "561",
            &[
                &["hours", "extra", "--from", "2026-10-17", "--hours", "09:00-11:00", "--reason", "event"],
                &["partner", "set", "LOCAL:ecrivain", "--mode", "reachable", "--contact", "3010"],
                &["partner", "label", "LOCAL:ecrivain", "Écrivain public"],
                &["partner", "set", "FRANCE_TRAVAIL", "--mode", "partial"],
                &["partner", "agreement", "FRANCE_TRAVAIL", "signed", "--day", "2025-06-01"],
                &[
                    "permanence",
                    "add",
                    "LOCAL:ecrivain",
                    "--day",
                    "mercredi",
                    "--slots",
                    "10:00-12:00",
                    "--from",
                    "2026-10-01",
                ],
            ],
        )?;
        // Two partners, neither of which is social or of employment.
        let mdph: &[&str] = &["partner", "set", "MDPH", "--mode", "reachable", "--contact", "3010"];
        self.desk("910", &[mdph, &["partner", "set", "DGFIP", "--mode", "reachable", "--contact", "3939"]])?;
        for name in ["277", "361", "597", "906", "bus-49"] {
            self.desk(name, &[])?;
        }
        self.export()
    }

    /// What comes late, is corrected, undone, moved and shut.
    fn turn_of_the_month(&mut self) -> Result<()> {
        self.move_to(MOMENTS[1])?;
        self.put("/v1/closures", &closure())?;
        self.put("/v1/sites/910/closures", &json!({ "from": "2026-11-09", "to": "2026-11-20", "reason": "move" }))?;
        for args in [
            vec!["site", "set-parent", "597", "--parent", "910", "--from", "2026-11-03"],
            vec!["site", "retire", "277", "--from", "2026-11-01"],
            vec!["site", "set", "276", "life=labelled", "--from", "2026-11-01"],
            vec!["site", "set", "275", "bearer=Mauges Communauté", "--from", "2026-11-02"],
        ] {
            self.hub.cli(&args)?.expect_code(0)?;
        }
        self.visits("275", ("2026-10-07", "2026-11-04"), 90, &["2026-10-08", "2026-10-30"])?;
        self.visits("276", ("2026-10-20", "2026-11-04"), 45, &["2026-10-27"])?;
        self.visits("277", ("2026-10-26", "2026-11-04"), 33, &[])?;
        self.visits("597", ("2026-10-20", "2026-11-04"), 62, &[])?;
        self.visits("561", ("2026-10-21", "2026-11-05"), 48, &["2026-11-03"])?;
        self.visits("361-bis", ("2026-10-12", "2026-11-04"), 77, &["2026-11-02"])?;
        self.clock_that_is_wrong()?;
        self.agent("275")?.start()?;
        let (first, second) = (self.listed("275", "2026-10-16")?, self.listed("275", "2026-11-04")?);
        self.agent("275")?.stop()?;
        self.desk(
            "275",
            &[
                &["count", "undo", "--id", &first[0]],
                &["count", "correct", &first[1], "--help-kind", "referral", "--age", "70+"],
                &["count", "correct", &second[0], "--operator", "JUSTICE"],
                &["count", "undo", "--id", &second[1]],
                &["count", "CNAF", "-n", "2", "--day", "2026-10-08", "--age", "18-24"],
                &["count", "MSA", "-n", "3", "--day", "2026-10-27"],
                &["closure", "add", "--from", "2026-11-10", "--reason", "staff_absence"],
            ],
        )?;
        self.desk("276", &[&["day", "close", "--day", "2026-10-27"], &["day", "close", "--day", "2026-10-13"]])?;
        self.desk("276", &[&["day", "reopen", "--day", "2026-10-13"]])?;
        for name in ["277", "597", "561", "361-bis", "278"] {
            self.desk(name, &[])?;
        }
        self.export()
    }

    /// A machine whose clock is weeks ahead counts on days that nobody has seen yet.
    fn clock_that_is_wrong(&mut self) -> Result<()> {
        let right = self.wall;
        self.wall = "2026-11-18T12:00:00Z".parse()?;
        self.visits("278", ("2026-11-16", "2026-11-18"), 6, &[])?;
        self.wall = right;
        Ok(())
    }

    /// Contradictions, copies, and what persons decide.
    fn november(&mut self) -> Result<Vec<Value>> {
        // On a day on which nothing else comes, the hub releases the month before.
        self.move_to("2026-11-16T12:00:00Z")?;
        wait_until("October is released", || {
            let told = self.hub.view("/v1/operators/CNAF/return?month=2026-10&format=json")?;
            Ok(told["ages_released"].is_string())
        })?;
        self.move_to(MOMENTS[2])?;
        self.visits("275", ("2026-11-05", "2026-11-20"), 66, &["2026-11-17"])?;
        self.visits("276", ("2026-11-05", "2026-11-19"), 50, &["2026-11-16"])?;
        self.visits("361", ("2026-10-19", "2026-11-19"), 99, &["2026-11-06"])?;
        self.visits("597", ("2026-11-05", "2026-11-19"), 58, &["2026-11-18"])?;
        self.visits("561", ("2026-11-05", "2026-11-20"), 44, &[])?;
        self.visits("910", ("2026-10-20", "2026-11-07"), 31, &["2026-11-04"])?;
        // Two desks of one house that do not hear of each other.
        let day = "2026-11-16";
        let shut: &[&str] = &["closure", "add", "--from", day, "--reason", "meeting", "--place", "-"];
        let short: &[&str] = &["hours", "replace", "--from", day, "--hours", "10:00-11:00"];
        let later: &[&str] = &["hours", "replace", "--from", "2026-11-18", "--hours", "14:00-15:00"];
        let sooner: &[&str] = &["hours", "replace", "--from", "2026-11-18", "--hours", "09:00-10:00"];
        self.alone("361", &[shut, later, &["partner", "set", "CNAV", "--mode", "absent"]])?;
        self.alone(
            "361-bis",
            &[short, sooner, &["partner", "set", "CNAV", "--mode", "reachable", "--contact", "3960"]],
        )?;
        // A copy of a machine that corrects the same visit otherwise.
        let clone = self.agents["276"].cloned("276-copie")?;
        self.agents.insert("276-copie", clone);
        self.agent("276")?.start()?;
        let name = self.listed("276", "2026-11-12")?.swap_remove(0);
        self.agent("276")?.stop()?;
        self.alone("276-copie", &[&["count", "correct", &name, "--age", "0-17"]])?;
        self.alone("276", &[&["count", "correct", &name, "--age", "60-69"]])?;
        for name in ["276", "276-copie", "361", "361-bis", "275", "597", "561", "910"] {
            self.desk(name, &[])?;
        }
        self.desk("276", &[&["partner", "confirm", "MSA"]])?;
        let settled = self.settle()?;
        self.export()?;
        Ok(settled)
    }

    /// Some of what is flagged counts, some never does, the rest waits.
    fn settle(&self) -> Result<Vec<Value>> {
        let flagged = self.hub.view("/v1/flagged?limit=1000")?;
        let rows = flagged["flagged"].as_array().context("what is flagged")?;
        let mut settled = Vec::new();
        for (n, row) in rows.iter().enumerate().filter(|(n, _)| n % 3 < 2) {
            let verdict = if n % 3 == 0 { "count" } else { "leave_out" };
            let option = if n % 3 == 0 { "--count" } else { "--leave-out" };
            let id = row["id"].as_str().context("an id")?;
            self.hub.cli(&["flagged", "settle", id, option, "--reason", "vu avec l’accueil"])?.expect_code(0)?;
            let day = self.wall.strftime("%Y-%m-%d").to_string();
            settled.push(json!({ "site": row["site"], "tap": row["tap"], "verdict": verdict, "day": day }));
        }
        ensure!(settled.len() > 5, "some of it is settled: {flagged}");
        Ok(settled)
    }
}
