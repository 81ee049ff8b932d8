//! A hub and the founding sites on loopback, with a history, and one site that goes offline and
//! comes back.
//!
//! Called by the program `demo`, which starts itself again as the hub and as each agent: cargo
//! builds only the program that it is asked for. What it shows is checked: it fails when the hub's
//! figures are not what the desks counted.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::cluster::{Cluster, Programs};
use crate::generator::SiteList;

mod compare;
mod stage;

use stage::Stage;

/// First arguments that make this program a hub or an agent.
const AS_HUB: &str = "__hub";
const AS_AGENT: &str = "__agent";
/// Same demonstration every time.
const SEED: u64 = 2018;
/// Visits counted while the site is cut off.
const OFFLINE_VISITS: usize = 7;

/// Montre un hub et une poignée de sites réels sur cette machine, avec leur historique
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Options {
    /// S’arrête après la comparaison : 0 si tout est égal, 1 sinon
    #[arg(long)]
    once: bool,
    /// Langue : fr ou en
    #[arg(long, value_enum, default_value_t = Lang::Fr, value_name = "LANGUE")]
    lang: Lang,
    /// Garde les données dans ce dossier, qui doit être vide ou absent
    #[arg(long, value_name = "DOSSIER")]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Lang {
    Fr,
    En,
}

impl Lang {
    fn pick<T>(self, fr: T, en: T) -> T {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }
}

/// Runs the program with these arguments, its own name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let renamed = |name: &str, rest: Vec<OsString>| std::iter::once(OsString::from(name)).chain(rest);
    match args.get(1).and_then(|first| first.to_str()) {
        Some(AS_HUB) => return msap_hub::app::main(renamed("msap-hub", args.split_off(2))),
        Some(AS_AGENT) => return msap_agent::app::main(renamed("msap-agent", args.split_off(2))),
        _ => {}
    }
    let options = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(error) => {
            // Help is an answer; clap knows which of the two streams is meant.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match show(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            note(&format!("demo : {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Data: the figures and the addresses.
fn say(line: &str) {
    // Whoever closed the output has seen enough.
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// What goes on meanwhile.
fn note(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

fn show(options: &Options) -> Result<bool> {
    let programs = Programs::of_this_program(AS_HUB, AS_AGENT)?;
    let cluster = match &options.keep {
        None => Cluster::new(programs)?,
        Some(dir) => {
            let empty = std::fs::read_dir(dir).map(|mut entries| entries.next().is_none()).unwrap_or(true);
            anyhow::ensure!(
                empty,
                "{} : {}",
                dir.display(),
                options.lang.pick("le dossier n’est pas vide", "not empty")
            );
            Cluster::in_directory(programs, dir.clone())?
        }
    };
    let shown = played(&cluster, options);
    if shown.is_err() {
        note(&cluster.logs());
    }
    shown
}

fn played(cluster: &Cluster, options: &Options) -> Result<bool> {
    let lang = options.lang;
    let list = SiteList::load()?;
    note(lang.pick("Le hub démarre, les sites sont importés…", "The hub starts, sites are imported…"));
    let mut stage = Stage::set(cluster, &list)?;
    note(lang.pick(
        "Chaque site rejoint le hub par une invitation, et reprend son historique…",
        "Each site joins the hub by an invitation and enters its history…",
    ));
    stage.fill(&list, lang)?;
    note(
        lang.pick("Les agents démarrent et envoient tout au hub…", "The agents start and send everything to the hub…"),
    );
    stage.start()?;
    stage.wait_confirmed()?;
    stage.offline_and_back(lang)?;

    // Before the addresses are shown: whoever reads them may stop the demonstration at once.
    let stop = if options.once { None } else { Some(Stop::listen()?) };
    let equal = compare::show(&stage, lang)?;
    say("");
    say(&format!(
        "{} http://{}/",
        lang.pick("Page du poste d’Alençon-Perseigne :", "Desk page of Alençon-Perseigne:"),
        stage.page("361")?
    ));
    say(&format!("{} http://{}/healthz", lang.pick("Interface du hub :", "The hub's interface:"), stage.hub().http()?));
    say(&format!(
        "{} {}",
        lang.pick("Jeton de lecture :", "Token to read with:"),
        stage.hub().make_token("national", "reader")?
    ));
    if let Some(dir) = &options.keep {
        say(&format!("{} {}", lang.pick("Données :", "Data:"), dir.display()));
    }
    if let Some(stop) = stop {
        note(lang.pick("Ctrl-C arrête tout.", "Ctrl-C stops everything."));
        stop.wait()?;
    }
    stage.stop()?;
    Ok(equal)
}

/// Ctrl-C, or a request to stop, from now on.
struct Stop {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Stop {
    #[cfg(unix)]
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?;
        let signals = {
            let _entered = runtime.enter();
            [signal(SignalKind::interrupt()).context("SIGINT")?, signal(SignalKind::terminate()).context("SIGTERM")?]
        };
        Ok(Self { runtime, signals })
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?;
        Ok(Self { runtime })
    }

    #[cfg(unix)]
    fn wait(mut self) -> Result<()> {
        let [interrupt, terminate] = &mut self.signals;
        self.runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        Ok(())
    }

    #[cfg(not(unix))]
    fn wait(self) -> Result<()> {
        self.runtime.block_on(tokio::signal::ctrl_c()).context("Ctrl-C")
    }
}
