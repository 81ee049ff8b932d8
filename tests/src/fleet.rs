//! The load generator: many simulated sites in one process, a real hub in another.
//!
//! Called by the program `fleet`, which starts itself again as the hub. The sites are the agent's
//! own code down to the socket. Invariants: figures are told only of a run after which the hub's
//! totals, site by site, are what the desks counted, before and after the hub is killed; nothing
//! outlives the program.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use msap_agent::config::parse_duration;
use msap_hub::lang::Lang;
use serde_json::json;

use crate::cluster::{Cluster, Hub, Programs};

pub mod figures;
mod interruption;
pub mod load;
pub mod meter;
mod scenario;
pub mod seed;
mod site;
mod stage;
pub mod totals;
pub mod wire;

use figures::Report;
use stage::Stage;

/// First argument that makes this program a hub.
const AS_HUB: &str = "__hub";

/// A time as settings spell it.
fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "500ms, 30s, 2m…".to_owned())
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Des postes connectés comptent une visite à la fois
    Visit,
    /// Chaque site a compté hors ligne, puis tous se connectent
    Rush,
    /// Tous se reconnectent sans rien de nouveau
    Quiet,
    /// Le hub a perdu sa base, les sites la remplissent
    Restore,
    /// Tous sont connectés et se taisent
    Live,
}

/// What carries the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Ce qui passe
    Auto,
    /// QUIC
    Quic,
    /// TLS sur TCP
    Tcp,
}

impl Transport {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

/// Fait travailler un vrai hub avec beaucoup de sites simulés, compare ses totaux, puis donne les mesures
#[derive(Clone, Debug, Parser)]
#[command(
    name = "fleet",
    after_help = "fleet seed-views RÉPERTOIRE : un hub rempli du réseau entier, voir fleet seed-views --help"
)]
pub struct Options {
    /// Ce qui se passe
    #[arg(value_enum, value_name = "SCÉNARIO")]
    pub scenario: Scenario,
    /// Nombre de sites [défaut : 100 ; visit 20, restore 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub sites: Option<u32>,
    /// Visites de chaque site, ou de chacun de ses mois pour quiet et restore [défaut : 50 ; quiet 20, restore 1000]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub visits: Option<u32>,
    /// Mois déjà comptés et confirmés [défaut : 0 ; quiet et restore 24]
    #[arg(long, value_name = "M")]
    pub months: Option<u32>,
    /// Les sites se connectent chacun à un moment de cette durée, au lieu de tous à la fois
    #[arg(long, value_name = "DURÉE", default_value = "0s", value_parser = duration)]
    pub over: Duration,
    /// Durée de live
    #[arg(long = "for", value_name = "DURÉE", default_value = "60s", value_parser = duration)]
    pub time: Duration,
    /// Transport des sessions
    #[arg(long, value_enum, default_value_t = Transport::Quic)]
    pub transport: Transport,
    /// Nombre de fois ; avec minimum, médiane et maximum
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Tue le hub après chaque mesure, le relance et compare encore
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub verify_restart: bool,
    /// Écrit aussi les mesures brutes, en JSON, dans ce fichier
    #[arg(long, value_name = "FICHIER")]
    pub out: Option<PathBuf>,
    /// Donne les mesures en JSON
    #[arg(long)]
    pub json: bool,
    /// Langue : fr ou en
    #[arg(long, value_enum, default_value_t = Lang::Fr, value_name = "LANGUE")]
    pub lang: Lang,
}

impl Options {
    fn sites(&self) -> usize {
        let default = match self.scenario {
            Scenario::Visit => 20,
            Scenario::Restore => 1,
            Scenario::Rush | Scenario::Quiet | Scenario::Live => 100,
        };
        self.sites.unwrap_or(default) as usize
    }

    fn months(&self) -> u32 {
        let default = match self.scenario {
            Scenario::Quiet | Scenario::Restore => 24,
            Scenario::Visit | Scenario::Rush | Scenario::Live => 0,
        };
        self.months.unwrap_or(default)
    }

    fn visits(&self) -> u32 {
        let default = match self.scenario {
            Scenario::Quiet => 20,
            Scenario::Restore => 1_000,
            Scenario::Visit | Scenario::Rush | Scenario::Live => 50,
        };
        self.visits.unwrap_or(default)
    }

    /// Visits of each month before.
    fn visits_of_history(&self) -> u32 {
        match self.scenario {
            Scenario::Quiet | Scenario::Restore => self.visits(),
            Scenario::Visit | Scenario::Rush | Scenario::Live => 20,
        }
    }

    fn asked(&self) -> serde_json::Value {
        let scenario = self.scenario.to_possible_value();
        json!({
            "scenario": scenario.as_ref().map(|value| value.get_name()),
            "sites": self.sites(),
            "visits": self.visits(),
            "months": self.months(),
            "over_ms": u64::try_from(self.over.as_millis()).ok(),
            "transport": self.transport.as_str(),
            "cpus": std::thread::available_parallelism().map_or(0, usize::from),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Runs the program with these arguments, its own name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| first == AS_HUB) {
        interruption::end_with_the_parent();
        let rest = args.split_off(2);
        return msap_hub::app::main(std::iter::once(OsString::from("msap-hub")).chain(rest));
    }
    if args.get(1).is_some_and(|first| first == seed::NAME) {
        return seed::main(args.split_off(1));
    }
    let options = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(error) => return not_understood(&error),
    };
    // The sites live in this process: nothing but the hub is another program.
    let measured = Programs::of_this_program(AS_HUB, AS_HUB)
        .and_then(|programs| measure(&programs, &options, |_, _| Ok(())))
        .and_then(|report| written(&report, &options));
    told(measured)
}

/// Prints what clap says of the arguments.
fn not_understood(error: &clap::Error) -> ExitCode {
    // Help is an answer; clap knows which of the two streams is meant.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Prints what was done, or why it was not.
fn told(done: Result<String>) -> ExitCode {
    match done.and_then(|text| Ok(writeln!(std::io::stdout(), "{text}")?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("fleet : {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What goes on meanwhile.
fn note(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// The report as it was asked for, and in the file that was asked for.
fn written(report: &Report, options: &Options) -> Result<String> {
    let json = serde_json::to_string_pretty(&report.to_json())?;
    if let Some(path) = &options.out {
        std::fs::write(path, &json).with_context(|| path.display().to_string())?;
    }
    Ok(if options.json { json } else { report.to_text(options.lang) })
}

/// Plays the scenario as often as asked, each time with a hub and sites of its own.
/// `before_comparing` is called when everything is confirmed: a test may meddle there.
///
/// # Errors
/// When anything fails, and when the hub's totals are not what was counted.
pub fn measure(
    programs: &Programs,
    options: &Options,
    mut before_comparing: impl FnMut(&Cluster, &Hub) -> Result<()>,
) -> Result<Report> {
    let mut runs = Vec::new();
    for n in 1..=options.runs {
        if options.runs > 1 {
            note(&format!("{} {n}/{}", options.lang.of("mesure", "run"), options.runs));
        }
        let cluster = Cluster::new(programs.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("runtime")?;
        let machines = stage::machines(&cluster)?;
        runtime.spawn(interruption::clean_up([cluster.path().to_owned(), machines.path().to_owned()]));
        let played = Stage::set(&cluster, machines.path(), &runtime, options).and_then(|mut stage| {
            let figures = scenario::play(&mut stage, options)?;
            before_comparing(&cluster, stage.hub())?;
            stage.compare()?;
            if options.verify_restart {
                stage.compare_after_a_kill()?;
            }
            Ok(figures)
        });
        // Sites that were cut off are still saying so to nobody.
        runtime.shutdown_background();
        interruption::remove(machines.path()).context("removing the sites' directory")?;
        runs.push(played.inspect_err(|_| note(&cluster.logs()))?);
    }
    Ok(Report { asked: options.asked(), runs })
}
