//! The command line as it is written: names, options and their help texts.
//!
//! Values are read as text here wherever the agent's own door judges them (codes, days, numbers),
//! so that a wrong value ends with exit 5 and the name of the field, and not as a usage error.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use msap_shared::io::usage;

use crate::catalogue;
use crate::out::Lang;

pub mod bundle;
mod context;
mod decide;
pub mod desk;
mod english;
pub mod house;
pub mod machine;
pub mod partners;
pub mod safety;
pub mod schedule;
pub mod standing;

pub use context::{Context, Failure};
pub(crate) use context::{identity_failed, not_joined, repair_advice, storage_failed};

/// Compte les visites d’une maison ou d’une antenne, les garde et les envoie au hub
#[derive(Debug, Parser)]
#[command(name = "msap-agent", version)]
pub struct Cli {
    /// Répertoire de données de l’agent [défaut : celui du service, sinon celui de la session]
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "RÉPERTOIRE")]
    pub data: Option<PathBuf>,
    /// Fichier de réglages [défaut : agent.toml du répertoire de données, sinon /etc/msap/agent.toml]
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "FICHIER")]
    pub config: Option<PathBuf>,
    /// Écrit les données en JSON
    #[arg(long, global = true, help_heading = usage::GENERAL)]
    pub json: bool,
    /// Langue des messages : fr ou en
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "LANGUE", value_parser = language(), hide_possible_values = true)]
    pub lang: Option<Lang>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

fn language() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["fr", "en"]).map(|code| if code == "en" { Lang::En } else { Lang::Fr })
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rattache ce poste à un site par un code d’invitation
    Join(Join),
    /// Lance l’agent : enregistrement, envoi au hub, page du poste
    Run {
        /// Adresse de la page, sur ce poste seulement [défaut : 127.0.0.1:8477]
        #[arg(long, value_name = "ADRESSE")]
        listen: Option<String>,
    },
    /// Ouvre la page du poste dans le navigateur
    Open,
    /// Compte une visite, l’annule, la corrige ou liste celles d’un jour
    Count(Box<CountArgs>),
    /// Donne le total d’un jour ou d’un mois
    Tally(TallyArgs),
    /// Clôt ou rouvre une journée
    #[command(subcommand)]
    Day(DayAction),
    /// Montre ou change les horaires
    Hours(Box<house::Deciding<house::HoursAction>>),
    /// Ferme la maison certains jours, ou liste ce qui change
    Closure(Box<house::Deciding<house::ClosureAction>>),
    /// Ajoute, annule ou liste les permanences des partenaires
    Permanence(Box<house::Deciding<house::PermanenceAction>>),
    /// Dit combien d’agents travaillent, et quand il en manque
    Staff(Box<house::Deciding<house::StaffAction>>),
    /// Dit comment les partenaires sont disponibles
    Partner(Box<house::Deciding<house::PartnerAction>>),
    /// Liste et départage ce sur quoi deux personnes se contredisent
    #[command(subcommand)]
    Conflict(Box<house::ConflictAction>),
    /// Dit où en est l’envoi au hub
    Status(StatusArgs),
    /// Envoie maintenant, ou montre le journal des envois
    #[command(subcommand)]
    Sync(SyncAction),
    /// Échange avec le hub par fichier, sur une clé USB, quand ce poste n’a aucun réseau
    #[command(subcommand)]
    Bundle(bundle::BundleAction),
    /// Vérifie ce poste et dit quoi faire
    Doctor {
        /// Refait une base endommagée à partir de ce qui s’y lit encore ; l’ancienne est gardée à côté
        #[arg(long)]
        repair: bool,
    },
    /// Sauvegarde la base dans un fichier, aussi pendant que l’agent tourne
    Backup {
        /// Le fichier à écrire
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
    },
    /// Remet une sauvegarde en place ; l’agent arrêté, l’ancienne base est gardée à côté
    Restore {
        /// Le fichier à lire
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
    },
    /// Montre ou vérifie les réglages
    #[command(subcommand)]
    Config(ConfigAction),
    /// Écrit les complétions pour un interpréteur de commandes
    Completions {
        /// bash, zsh, fish, elvish ou powershell
        #[arg(value_name = "INTERPRÉTEUR", hide_possible_values = true)]
        shell: Shell,
    },
    /// Écrit les pages de manuel dans un répertoire
    Man {
        /// Où les écrire
        #[arg(value_name = "RÉPERTOIRE")]
        dir: PathBuf,
    },
    /// Donne la version
    Version,
}

/// `join`.
#[derive(Debug, Args)]
pub struct Join {
    /// Code d’invitation donné par le hub ; « - » le lit sur l’entrée standard
    #[arg(value_name = "CODE", allow_hyphen_values = true)]
    pub code: String,
    /// Nom de ce poste, tel qu’il sera listé [défaut : nom de la machine]
    #[arg(long, value_name = "TEXTE")]
    pub label: Option<String>,
    /// Sans réseau : écrit une demande dans ce fichier, à porter à l’équipe du hub
    #[arg(long, value_name = "FICHIER", conflicts_with = "answer")]
    pub request: Option<PathBuf>,
    /// Sans réseau : lit dans ce fichier la réponse du hub à la demande
    #[arg(long, value_name = "FICHIER", conflicts_with = "label")]
    pub answer: Option<PathBuf>,
}

/// `count`, with or without a further word.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct CountArgs {
    /// Another thing than counting.
    #[command(subcommand)]
    pub action: Option<CountAction>,
    /// The visit to count.
    #[command(flatten)]
    pub visit: Visit,
}

/// The visit to count, as it was written.
#[derive(Debug, Args)]
pub struct Visit {
    /// Code du partenaire, comme CNAF ; la liste est plus bas
    #[arg(value_name = "PARTENAIRE", required = true)]
    pub operator: Option<String>,
    /// Type d’aide : information, online, paperwork, referral [défaut : online]
    #[arg(long, value_name = "TYPE")]
    pub help_kind: Option<String>,
    /// Tranche d’âge : 0-17, 18-24, 25-39, 40-49, 50-59, 60-69, 70+, unknown [défaut : unknown]
    #[arg(long, value_name = "TRANCHE", allow_hyphen_values = true)]
    pub age: Option<String>,
    /// Nombre de personnes, de 1 à 99 ; négatif pour corriger un jour [défaut : 1]
    #[arg(short, value_name = "NOMBRE", allow_hyphen_values = true)]
    pub n: Option<String>,
    /// Jour, comme 2026-11-20 [défaut : aujourd’hui au site]
    #[arg(long, value_name = "JOUR", allow_hyphen_values = true)]
    pub day: Option<String>,
    /// UUID de la visite ; le même compte une seule fois [défaut : tiré au hasard]
    #[arg(long, value_name = "UUID", allow_hyphen_values = true)]
    pub id: Option<String>,
    /// Ajoute une démarche à la dernière visite, sans compter une personne de plus
    #[arg(long)]
    pub same_visit: bool,
    /// Motif d’un nombre négatif
    #[arg(long, value_name = "TEXTE", allow_hyphen_values = true)]
    pub reason: Option<String>,
}

/// `count undo`, `count correct`, `count list`.
#[derive(Debug, Subcommand)]
pub enum CountAction {
    /// Annule la dernière visite, ou celle qui est nommée, avec ses autres démarches
    Undo {
        /// UUID ou nom de la visite
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        id: Option<String>,
    },
    /// Corrige une visite
    Correct {
        /// UUID ou nom de la visite
        #[arg(value_name = "ID", allow_hyphen_values = true)]
        id: String,
        /// Autre partenaire
        #[arg(long, value_name = "PARTENAIRE")]
        operator: Option<String>,
        /// Autre type d’aide
        #[arg(long, value_name = "TYPE")]
        help_kind: Option<String>,
        /// Autre tranche d’âge
        #[arg(long, value_name = "TRANCHE", allow_hyphen_values = true)]
        age: Option<String>,
    },
    /// Liste les visites d’un jour : celles de ce poste, puis des autres, la dernière d’abord
    List {
        /// Jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR", allow_hyphen_values = true)]
        day: Option<String>,
    },
}

/// `tally`.
#[derive(Debug, Args)]
pub struct TallyArgs {
    /// Jour [défaut : aujourd’hui au site]
    #[arg(long, value_name = "JOUR", allow_hyphen_values = true)]
    pub day: Option<String>,
    /// Mois, comme 2026-11
    #[arg(long, value_name = "MOIS", conflicts_with = "day", allow_hyphen_values = true)]
    pub month: Option<String>,
}

/// `day close`, `day reopen`.
#[derive(Debug, Subcommand)]
pub enum DayAction {
    /// Dit que le compte du jour est complet, même à zéro
    Close {
        /// Jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR", allow_hyphen_values = true)]
        day: Option<String>,
    },
    /// Dit que le compte du jour n’est plus complet
    Reopen {
        /// Jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR", allow_hyphen_values = true)]
        day: Option<String>,
    },
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Attend que tout soit reçu par le hub : confirmed
    #[arg(long, value_name = "ÉTAT", value_parser = ["confirmed"], hide_possible_values = true)]
    pub wait: Option<String>,
    /// Attente la plus longue
    #[arg(long, value_name = "DURÉE", default_value = "30s", hide_default_value = true, requires = "wait")]
    pub timeout: String,
}

/// `sync now`, `sync log`.
#[derive(Debug, Subcommand)]
pub enum SyncAction {
    /// Demande un envoi tout de suite
    Now,
    /// Montre le journal des envois, le dernier d’abord
    Log,
}

/// `config show`, `config check`.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Montre chaque réglage et d’où il vient
    Show,
    /// Vérifie les réglages
    Check,
}

/// The command line's definition, for parsing, completions and manual pages.
pub fn definition() -> clap::Command {
    let operators = format!("Partenaires :\n{}", catalogue::operators_listed());
    usage::in_french(Cli::command().bin_name("msap-agent")).mut_subcommand("count", |count| count.after_help(operators))
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// What to print, and whether it was help that was asked for.
pub fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = definition().try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn a_count_takes_an_operator_or_a_further_word() {
        let Command::Count(count) = parsed("msap-agent --json count CNAF -n -1 --day 2026-11-20").unwrap().command
        else {
            panic!("not a count")
        };
        assert!(count.action.is_none());
        assert_eq!(count.visit.operator.as_deref(), Some("CNAF"));
        assert_eq!(count.visit.n.as_deref(), Some("-1"));
        let Command::Count(count) = parsed("msap-agent --data /d count undo --id x --json").unwrap().command else {
            panic!("not a count")
        };
        assert!(matches!(count.action, Some(CountAction::Undo { id: Some(id) }) if id == "x"));
        assert!(parsed("msap-agent count").is_err());
        assert!(parsed("msap-agent count CNAF undo").is_err());
    }

    #[test]
    fn usage_is_told_apart_from_values() {
        assert!(parsed("msap-agent count CNAF -n million --age old --day someday").is_ok());
        assert!(parsed("msap-agent count CNAF --hepl-kind online").is_err());
        assert!(parsed("msap-agent status --timeout 3s").is_err());
        assert!(parsed("msap-agent tally --day 2026-11-20 --month 2026-11").is_err());
    }

    #[test]
    fn the_version_is_an_option_too() {
        for line in ["msap-agent --version", "msap-agent -V"] {
            let shown = parsed(line).unwrap_err();
            assert!(!shown.use_stderr() && shown.to_string().contains(env!("CARGO_PKG_VERSION")), "{shown}");
        }
    }

    #[test]
    fn help_speaks_french() {
        let help = parsed("msap-agent count --help").unwrap_err().to_string();
        assert!(help.contains("Utilisation :") && help.contains("Code du partenaire"), "{help}");
        assert!(help.contains("CNAF") && help.contains("Chèque énergie"), "every code is listed: {help}");
        assert!(!help.contains("Usage:") && !help.contains("Print help") && !help.contains("Commands:"), "{help}");
    }
}
