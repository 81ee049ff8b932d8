//! The program: arguments in, one command, an exit code out.
//!
//! Called by `main`, and by programs that start themselves again as a hub. Commands are carried
//! out by a running hub, through its socket, or here, under the lock of the data directory.

mod alone;
mod bind;
mod daemon;
mod engine;
mod opening;
mod upkeep;
mod whose;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::FromArgMatches;
use msap_shared::io::usage::mistake;

use crate::admin::{Asked, Reply, Request};
use crate::cli::{Cli, Command, Config, Format, Global, bundle, command, people, request, returns, show, tools};
use crate::client::{self, Way};
use crate::config::Settings;
use crate::exit::{Exit, Failure, with_causes};
use crate::{doctor, out};

pub use self::daemon::ADDRESSES;

/// Runs the program with these arguments and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let parsed = command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        // Help and version are answers, not errors: clap prints them on standard output.
        Err(error) if !error.use_stderr() => match error.print() {
            Ok(()) => return ExitCode::SUCCESS,
            Err(_) => return Exit::Failure.into(),
        },
        Err(error) => {
            eprint!("{}", mistake(error, &arguments));
            return Exit::Usage.into();
        }
    };
    match carry_out(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("msap-hub : {}", failure.message);
            failure.exit.into()
        }
    }
}

fn carry_out(cli: Cli) -> Result<(), Failure> {
    let lang = cli.global.lang;
    match cli.command {
        Command::Serve(serve) => {
            let settings = settings(&cli.global, &serve.options())?;
            let (data, keys) = directories(&cli.global)?;
            daemon::run(&data, &keys, &settings, lang)
        }
        Command::Config(Config::Show) => {
            written(show::settings(&settings(&cli.global, &[])?.show(), cli.global.json, lang))
        }
        Command::Config(Config::Check) => {
            settings(&cli.global, &[])?;
            if cli.global.json {
                return written(out::json(&serde_json::json!({ "valid": true })));
            }
            eprintln!("{}", lang.of("réglages valides", "the settings are valid"));
            Ok(())
        }
        Command::Doctor => {
            let (data, keys) = directories(&cli.global)?;
            let found = doctor::examine(&data, &keys, settings(&cli.global, &[]), lang);
            written(show::health(&found, cli.global.json, lang))?;
            let exit = match found.iter().map(|item| item.state).max() {
                Some(doctor::State::Damaged) => Exit::Damaged,
                Some(doctor::State::Bad) => Exit::Failure,
                _ => return Ok(()),
            };
            Err(Failure::new(exit, lang.of("des points sont à corriger", "some points need care")))
        }
        Command::Openapi => written(tools::openapi()),
        Command::Completions { shell } => written(tools::completions(shell)),
        Command::Man { dir } => tools::man(&dir).map_err(|error| io_failure(&error)),
        Command::Version => written(tools::version(cli.global.json)),
        Command::Site(site) => managed(&cli.global, request::site(site, lang)?, None),
        Command::Device(device) => managed(&cli.global, request::device(device), None),
        Command::Token(token) => managed(&cli.global, request::token(token), None),
        Command::User(user) => {
            let asked = people::asked(user, lang)?;
            match carried_out(&cli.global, asked.request)? {
                Reply::User(user) => written(people::show(&user, asked.shown_once, cli.global.json, lang)),
                reply => written(show::reply(reply, None, cli.global.json, lang)),
            }
        }
        Command::Counts(counts) => {
            let format = counts.asked.shape.format;
            viewed(&cli.global, request::counts(*counts, cli.global.json), format)
        }
        Command::Completeness(asked) => {
            let format = asked.asked.shape.format;
            viewed(&cli.global, request::completeness(*asked, cli.global.json), format)
        }
        Command::Label(asked) => {
            let format = asked.shape.format;
            viewed(&cli.global, request::label(*asked, cli.global.json), format)
        }
        Command::Fleet(fleet) => {
            let format = fleet.shape.format;
            viewed(&cli.global, request::fleet(fleet), format)
        }
        Command::Network(network) => {
            let format = network.shape.format;
            viewed(&cli.global, request::network(network, cli.global.json), format)
        }
        Command::Coverage(coverage) => {
            let format = coverage.shape.format;
            viewed(&cli.global, request::coverage(coverage, cli.global.json), format)
        }
        Command::Report(report) => {
            let format = report.format.into();
            viewed(&cli.global, request::report(report, cli.global.json), format)
        }
        Command::Return(args) => {
            let (request, target) = returns::request(args, lang)?;
            match carried_out(&cli.global, request)? {
                Reply::Returns(files) => returns::put(&files, &target, cli.global.json, lang),
                other => written(show::reply(other, None, cli.global.json, lang)),
            }
        }
        Command::ImportBundle(args) => {
            let (request, answer) = bundle::import(args, lang)?;
            brought(&cli.global, request, answer.as_deref())
        }
        Command::ExportBundle(args) => {
            let (request, file) = bundle::export(args);
            brought(&cli.global, request, Some(&file))
        }
        Command::Check { rebuild, seal } => managed(&cli.global, request::check(rebuild, seal), None),
        Command::Backup(backup) => {
            let (data, keys) = directories(&cli.global)?;
            upkeep::backup(&cli.global, &data, &keys, &backup)
        }
        Command::Restore(restore) => {
            let (data, keys) = directories(&cli.global)?;
            upkeep::restore(&cli.global, &data, &keys, &restore)
        }
        Command::Ca(ca) => managed(&cli.global, request::ca(&ca), None),
        Command::Catalogue(catalogue) => managed(&cli.global, request::catalogue(catalogue, lang)?, None),
        Command::Conflict(conflict) => managed(&cli.global, request::conflict(conflict), None),
        Command::Refused(refused) => managed(&cli.global, request::refused(refused), None),
        Command::Flagged(flagged) => managed(&cli.global, request::flagged(flagged), None),
        Command::Journal(journal) => managed(&cli.global, request::journal(journal), None),
        Command::Document(document) => managed(&cli.global, request::document(document), None),
    }
}

/// Has a request carried out, by the running hub or here, and shows the reply.
fn managed(global: &Global, request: Request, format: Option<Format>) -> Result<(), Failure> {
    let reply = carried_out(global, request)?;
    let failed = show::failed(&reply, global.lang);
    written(show::reply(reply, format, global.json, global.lang))?;
    failed.map_or(Ok(()), Err)
}

/// Has a view made, in this form unless it is to be JSON.
fn viewed(global: &Global, request: Request, format: Format) -> Result<(), Failure> {
    if global.json && matches!(format, Format::Csv | Format::CsvFr) {
        let text = global.lang.of("--json et un format CSV s’excluent", "--json and a CSV format exclude each other");
        return Err(Failure::new(Exit::Usage, text));
    }
    managed(global, request, Some(format))
}

/// Has a request carried out that may bring a file, to be written to `file`.
fn brought(global: &Global, request: Request, file: Option<&Path>) -> Result<(), Failure> {
    let mut reply = carried_out(global, request)?;
    if let Some(file) = file {
        bundle::put(&mut reply, file, global.lang)?;
    }
    written(show::reply(reply, None, global.json, global.lang))
}

fn carried_out(global: &Global, request: Request) -> Result<Reply, Failure> {
    let (data, keys) = directories(global)?;
    let settings = settings(global, &[])?;
    let asked = Asked { lang: global.lang, request };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| io_failure(&error))?.block_on(async {
        alone::exists(&data, &keys, global.lang)?;
        match client::way(&data, global.lang).await? {
            Way::Running(stream) => client::ask(stream, &asked, &data).await,
            Way::Alone(lock) => alone::carry_out(&lock, &data, &keys, &settings, &asked),
        }
    })
}

fn settings(global: &Global, options: &[(&'static str, &'static str, String)]) -> Result<Settings, Failure> {
    // A variable that is not text cannot be one of ours.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    Settings::load(global.config.as_deref(), variables, options)
        .map_err(|error| Failure::new(Exit::Invalid, error.say(global.lang)))
}

/// The data directory and the keys directory.
fn directories(global: &Global) -> Result<(PathBuf, PathBuf), Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = match &global.data {
        Some(data) => data.clone(),
        None => {
            default_data(variable("STATE_DIRECTORY"), variable("XDG_DATA_HOME"), variable("HOME")).ok_or_else(|| {
                let text =
                    global.lang.of("donnez le dossier des données avec --data", "name the data directory with --data");
                Failure::new(Exit::Usage, text)
            })?
        }
    };
    let keys = global.keys.clone().unwrap_or_else(|| data.join("keys"));
    Ok((data, keys))
}

/// systemd's state directory, else the XDG one. systemd may name several: the first is ours.
fn default_data(state: Option<PathBuf>, xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let first = |list: PathBuf| match list.to_str().and_then(|text| text.split_once(':')) {
        Some((first, _)) => PathBuf::from(first),
        None => list,
    };
    let xdg = xdg.filter(|path| path.is_absolute()).or_else(|| home.map(|home| home.join(".local/share")));
    state.map(first).or_else(|| xdg.map(|xdg| xdg.join("msap-hub")))
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| io_failure(&error))
}

fn io_failure(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failure, with_causes(error))
}
