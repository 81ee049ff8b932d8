//! clap speaks English around our French texts: its headings and its own options are replaced.

use clap::{Arg, ArgAction, Command};

const TEMPLATE: &str = "{about-with-newline}\nUtilisation : {usage}\n\n{all-args}{after-help}";

/// The same command with French headings, everywhere below it.
pub(super) fn translated(command: Command) -> Command {
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Affiche la version");
    below(command.disable_version_flag(true).arg(version))
}

fn below(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Affiche cette aide");
    command
        .help_template(TEMPLATE)
        .subcommand_help_heading("Commandes")
        .subcommand_value_name("COMMANDE")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .arg(help)
        .mut_subcommands(below)
}
