//! The program: arguments in, one command, an exit code out.
//!
//! Called by `main`, and by programs that start themselves again as an agent.

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use msap_shared::io::usage::mistake;

use crate::cli::{self, Cli, Command, Context, Failure};
use crate::exit::Exit;
use crate::out::Lang;
use crate::{doctor, out};

mod daemon;

/// Runs one command line, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let (exit, lang) = match cli::parse(&args) {
        Ok(parsed) => run(parsed),
        Err(error) => (usage(error, &args), Lang::default()),
    };
    match out::finish() {
        Ok(()) => exit.into(),
        Err(error) => {
            let what = lang.pick("la réponse n’a pas pu être écrite", "the answer could not be written");
            out::note(&format!("msap-agent : {what} ({error})"));
            if exit == Exit::Ok { Exit::Failure.into() } else { exit.into() }
        }
    }
}

fn run(parsed: Cli) -> (Exit, Lang) {
    let lang = parsed.lang.unwrap_or_default();
    let done = Context::new(&parsed).and_then(|context| carry_out(&context, parsed.command));
    let exit = done.unwrap_or_else(|failure| {
        out::note(&format!("msap-agent : {}", failure.text));
        failure.exit
    });
    (exit, lang)
}

/// Help that was asked for is data; everything else is a mistake in the command line.
fn usage(error: clap::Error, args: &[OsString]) -> Exit {
    if error.use_stderr() {
        out::note(mistake(error, args).trim_end());
        Exit::Usage
    } else {
        out::data(error.to_string().trim_end());
        Exit::Ok
    }
}

fn carry_out(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Join(join) => wait_for(cli::machine::join(context, join)),
        Command::Run { listen } => daemon::run(context, listen),
        Command::Open => cli::machine::open(context),
        Command::Count(count) => wait_for(cli::desk::count(context, *count)),
        Command::Tally(tally) => wait_for(cli::desk::tally(context, tally)),
        Command::Day(day) => wait_for(cli::desk::day(context, day)),
        Command::Hours(of) => wait_for(cli::schedule::hours(&context.settling(of.settle), of.action)),
        Command::Closure(of) => wait_for(cli::schedule::closure(&context.settling(of.settle), of.action)),
        Command::Permanence(of) => wait_for(cli::schedule::permanence(&context.settling(of.settle), of.action)),
        Command::Staff(of) => wait_for(cli::schedule::staff(&context.settling(of.settle), of.action)),
        Command::Partner(of) => wait_for(cli::partners::partner(&context.settling(of.settle), of.action)),
        Command::Conflict(action) => wait_for(cli::partners::conflict(context, *action)),
        Command::Status(status) => wait_for(cli::standing::status(context, status)),
        Command::Sync(sync) => wait_for(cli::standing::sync(context, sync)),
        Command::Bundle(action) => wait_for(cli::bundle::bundle(context, action)),
        Command::Doctor { repair: false } => wait_for(doctor::doctor(context)),
        Command::Doctor { repair: true } => cli::safety::repair(context),
        Command::Backup { file } => cli::safety::backup(context, &file),
        Command::Restore { file } => cli::safety::restore(context, &file),
        Command::Config(action) => cli::machine::config(context, &action),
        Command::Completions { shell } => Ok(cli::machine::completions(shell)),
        Command::Man { dir } => cli::machine::man(context, &dir),
        Command::Version => Ok(cli::machine::version(context.form)),
    }
}

/// Waits for a command that speaks to the agent or to the hub.
fn wait_for(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::Failure, format!("runtime : {error}")))?.block_on(command)
}
