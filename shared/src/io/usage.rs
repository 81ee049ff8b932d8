//! What clap says around our texts, in French: headings, its own options, defaults, mistakes.
//!
//! Called by the command lines of both programs. clap cannot be translated, but all of this can be
//! replaced. Names of options and of values stay as they are: they are what has to be typed.

use std::error::Error as _;
use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorFormatter, ErrorKind};
use clap::{Arg, ArgAction, Command};

/// Above the options that every command has.
pub const GENERAL: &str = "Options générales";

const TEMPLATE: &str = "{about-with-newline}\nUtilisation : {usage}\n\n{all-args}{after-help}";

/// The same command with French headings, everywhere below it.
pub fn in_french(command: Command) -> Command {
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    below(command.disable_version_flag(true).arg(version.help("Affiche la version").help_heading(GENERAL)))
}

fn below(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help);
    command
        .help_template(TEMPLATE)
        .subcommand_help_heading("Commandes")
        .subcommand_value_name("COMMANDE")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .arg(help.help("Affiche cette aide").help_heading(GENERAL))
        .mut_args(described)
        .mut_subcommands(below)
}

/// clap appends `[default: …]` and `[possible values: …]`: they become part of the text.
fn described(arg: Arg) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let defaults = listed(arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()));
    let values = arg.get_possible_values();
    let values = listed(values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()));
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if !arg.is_hide_possible_values_set() && !values.is_empty() {
        text = format!("{text} [valeurs : {values}]");
    }
    if !arg.is_hide_default_value_set() && !defaults.is_empty() {
        text = format!("{text} [défaut : {defaults}]");
    }
    // A text that clap folds by itself must not be given anew.
    let arg = if arg.get_help().is_some() { arg.help(text) } else { arg };
    arg.hide_default_value(true).hide_possible_values(true)
}

fn listed(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(", ")
}

/// What to print for a mistake in a command line, these arguments: in French, unless they ask for
/// English. They may be what could not be parsed, so they are looked at as they are.
pub fn mistake(error: Error, args: &[OsString]) -> String {
    let names = args.windows(2).any(|pair| pair[0] == "--lang" && pair[1] == "en");
    match names || args.iter().any(|arg| arg == "--lang=en") {
        true => error.to_string(),
        false => error.apply::<French>().to_string(),
    }
}

/// clap's mistakes in French.
struct French;

impl ErrorFormatter for French {
    fn format_error(error: &Error<Self>) -> StyledStr {
        let mut text = format!("erreur : {}", what(error));
        for (kind, name) in [
            (ContextKind::SuggestedSubcommand, "commandes"),
            (ContextKind::SuggestedArg, "options"),
            (ContextKind::SuggestedValue, "valeurs"),
        ] {
            let proposed = strings(error, kind);
            if !proposed.is_empty() {
                text.push_str(&format!("\n\n  {name} qui y ressemblent : {}", proposed.join(", ")));
            }
        }
        if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
            let usage = usage.to_string();
            let usage = usage.strip_prefix("Usage:").unwrap_or(&usage);
            text.push_str(&format!("\n\nUtilisation :{usage}"));
        }
        text.push_str("\n\nPour en savoir plus : --help\n");
        text.into()
    }
}

/// The mistake itself. What clap did not tell is left out, never guessed.
fn what(error: &Error<French>) -> String {
    let arg = strings(error, ContextKind::InvalidArg).join(", ");
    let value = strings(error, ContextKind::InvalidValue).join(", ");
    let command = strings(error, ContextKind::InvalidSubcommand).join(", ");
    match error.kind() {
        ErrorKind::ArgumentConflict => {
            let others = strings(error, ContextKind::PriorArg);
            match others.as_slice() {
                [other] if *other == arg => format!("« {arg} » ne peut être donné qu’une fois"),
                _ if arg.is_empty() => format!("« {command} » ne va pas avec {}", quoted(&others)),
                [] => format!("« {arg} » ne va pas avec les autres options données"),
                others => format!("« {arg} » ne va pas avec {}", quoted(others)),
            }
        }
        ErrorKind::NoEquals => format!("« {arg} » veut un signe égal avant sa valeur"),
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("« {arg} » veut une valeur{}", one_of(error, ContextKind::ValidValue))
        }
        ErrorKind::InvalidValue => {
            let known = one_of(error, ContextKind::ValidValue);
            format!("« {value} » n’est pas une valeur pour « {arg} »{known}")
        }
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!(" : {why}")).unwrap_or_default();
            format!("« {value} » n’est pas une valeur pour « {arg} »{why}")
        }
        ErrorKind::InvalidSubcommand => format!("« {command} » n’est pas une commande"),
        ErrorKind::MissingSubcommand => {
            format!("« {command} » veut une commande de plus{}", one_of(error, ContextKind::ValidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error, ContextKind::InvalidArg);
            missing.iter().fold("il manque :".to_owned(), |text, arg| format!("{text}\n  {arg}"))
        }
        ErrorKind::UnknownArgument => format!("« {arg} » n’a pas sa place ici"),
        ErrorKind::TooManyValues => format!("« {value} » est de trop pour « {arg} »"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            let wanted = [ContextKind::MinValues, ContextKind::ExpectedNumValues].map(|kind| strings(error, kind));
            format!("« {arg} » veut {} valeurs", wanted.concat().join(", "))
        }
        ErrorKind::InvalidUtf8 => "un des mots donnés n’est pas de l’UTF-8".to_owned(),
        kind => kind.as_str().unwrap_or("la ligne de commande n’a pas pu être lue").to_owned(),
    }
}

fn one_of(error: &Error<French>, kind: ContextKind) -> String {
    match strings(error, kind).as_slice() {
        [] => String::new(),
        known => format!(" ; possibles : {}", known.join(", ")),
    }
}

fn quoted(names: &[String]) -> String {
    listed(names.iter().map(|name| format!("« {name} »")))
}

fn strings(error: &Error<French>, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::Number(number)) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let colour = Arg::new("colour").long("colour").value_parser(["bleu", "vert"]).default_value("bleu");
        let number = Arg::new("n").short('n').value_parser(clap::value_parser!(u8).range(1..5));
        let paint = Command::new("peindre").arg(colour.help("Couleur")).arg(Arg::new("mur").required(true)).arg(number);
        let white = Arg::new("blanc").long("blanc").action(ArgAction::SetTrue).conflicts_with("colour");
        in_french(Command::new("essai").version("1").subcommand_required(true).subcommand(paint.arg(white)))
    }

    fn told(line: &str) -> String {
        let args: Vec<_> = line.split(' ').map(OsString::from).collect();
        mistake(command().try_get_matches_from(&args).unwrap_err(), &args)
    }

    #[test]
    fn mistakes_are_told_in_french_and_name_what_was_typed() {
        for (line, words) in [
            ("essai peindr", &["« peindr » n’est pas une commande", "peindre"][..]),
            ("essai peindre", &["il manque :", "<mur>", "Utilisation : essai peindre"]),
            ("essai peindre a --colour rouge", &["« rouge » n’est pas une valeur", "bleu, vert"]),
            ("essai peindre a --color vert", &["« --color » n’a pas sa place ici", "--colour"]),
            ("essai peindre a b", &["« b » n’a pas sa place ici"]),
            ("essai peindre a --colour", &["veut une valeur", "bleu, vert"]),
            ("essai peindre a --blanc --colour vert", &["ne va pas avec"]),
            ("essai peindre a --blanc --blanc", &["« --blanc » ne peut être donné qu’une fois"]),
            ("essai peindre a -n 7", &["« 7 » n’est pas une valeur"]),
        ] {
            let text = told(line);
            for word in words {
                assert!(text.contains(word), "{line}: {text}");
            }
            for english in ["error:", "Usage", "required", "unexpected", "For more", "tip:", "possible values"] {
                assert!(!text.contains(english), "{line}: {text}");
            }
        }
        for line in ["essai --lang en", "essai peindre --lang=en"] {
            assert!(told(line).contains("error:"), "{line}");
        }
    }

    #[test]
    fn defaults_and_values_are_told_in_french() {
        let help = command().find_subcommand_mut("peindre").map(|peindre| peindre.render_long_help().to_string());
        let help = help.unwrap_or_default();
        assert!(help.contains("Couleur [valeurs : bleu, vert] [défaut : bleu]"), "{help}");
        assert!(!help.contains("default") && !help.contains("possible values"), "{help}");
    }
}
