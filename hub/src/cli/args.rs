//! The arguments as typed. Help is in French; the names are the contract's.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use msap_shared::io::usage;

pub(crate) use self::catalogue::{Catalogue, Conflict};
pub(crate) use self::figures::{Asked, Completeness, Counts, Label};
pub(crate) use self::filters::{Format, Given, Parts, Shape, Sites};
pub(crate) use self::fleet::Fleet;
pub(crate) use self::settle::{Flagged, Refused};
pub(crate) use self::site::Site;
pub(crate) use self::user::User;
pub(crate) use self::views::{Coverage, Network, Report, ReportFormat};
use super::bundle::{ExportBundle, ImportBundle};
use super::returns::ReturnArgs;
use super::{Backup, Ca, Restore};
use crate::lang::Lang;

mod catalogue;
mod figures;
mod filters;
mod fleet;
mod settle;
mod site;
mod user;
mod views;

/// The whole command, with its help in French.
pub fn command() -> clap::Command {
    usage::in_french(Cli::command())
}

/// Le hub : rassemble tous les lieux du réseau.
#[derive(Debug, Parser)]
#[command(name = "msap-hub", version, about = "Le hub : rassemble les comptages de tous les lieux du réseau.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Dossier des données (par défaut : celui de systemd, sinon celui de XDG)
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "DOSSIER")]
    pub(crate) data: Option<PathBuf>,
    /// Dossier des clés (par défaut : « keys » dans le dossier des données)
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "DOSSIER")]
    pub(crate) keys: Option<PathBuf>,
    /// Fichier de réglages TOML
    #[arg(long, global = true, help_heading = usage::GENERAL, value_name = "FICHIER")]
    pub(crate) config: Option<PathBuf>,
    /// Données en JSON
    #[arg(long, global = true, help_heading = usage::GENERAL)]
    pub(crate) json: bool,
    /// Langue des messages
    #[arg(long, global = true, help_heading = usage::GENERAL, value_enum, default_value_t = Lang::Fr, value_name = "LANGUE")]
    pub(crate) lang: Lang,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fait tourner le hub ; le premier démarrage crée clés et base
    Serve(Serve),
    /// Les lieux : maisons et antennes
    #[command(subcommand)]
    Site(Site),
    /// Les postes installés dans les lieux
    #[command(subcommand)]
    Device(Device),
    /// Les jetons de l’interface HTTP
    #[command(subcommand)]
    Token(Token),
    /// Les personnes qui se connectent
    #[command(subcommand)]
    User(User),
    /// Visites et demandes
    Counts(Box<Counts>),
    /// Les jours reçus parmi ceux qui étaient attendus, et les lieux où il en manque
    Completeness(Box<Completeness>),
    /// L’état du parc : lieux et postes, par département, avec ce qui ne va pas
    Fleet(Fleet),
    /// Ce que demande le label, maison par maison : une aide au référent, jamais une décision
    Label(Box<Label>),
    /// Le relevé mensuel d’un partenaire : ses demandes par lieu, par aide et par âge
    Return(ReturnArgs),
    /// Combien de maisons et d’antennes, selon l’étape de leur vie
    Network(Network),
    /// Où un partenaire est présent, joignable ou absent
    Coverage(Coverage),
    /// Le rapport d’un lieu, pour son comité de pilotage
    Report(Report),
    /// Prend le fichier d’un poste sans réseau, apporté sur une clé USB
    ImportBundle(ImportBundle),
    /// Écrit la réponse à rapporter à un poste sans réseau
    ExportBundle(ExportBundle),
    /// Vérifie la base et le registre ; --rebuild refait les vues à partir des changements
    Check {
        /// Jette les vues et les refait
        #[arg(long)]
        rebuild: bool,
        /// Scelle le registre tel qu’il est, une fois relues les lignes que « check » a nommées
        #[arg(long, conflicts_with = "rebuild")]
        seal: bool,
    },
    /// Sauvegarde la base, que le hub tourne ou non, et la relit en entier
    Backup(Backup),
    /// Remet une sauvegarde à la place de la base
    Restore(Restore),
    /// Les autorités, auxquelles les postes reconnaissent ce hub
    #[command(subcommand)]
    Ca(Ca),
    /// Calendriers, fermetures du réseau et opérateurs
    #[command(subcommand)]
    Catalogue(Catalogue),
    /// Les contradictions à trancher dans les horaires et les partenaires
    #[command(subcommand)]
    Conflict(Conflict),
    /// Les changements refusés
    #[command(subcommand)]
    Refused(Refused),
    /// Les faits comptés à part, en attente d’une décision
    #[command(subcommand)]
    Flagged(Flagged),
    /// Le journal des opérations
    #[command(subcommand)]
    Journal(Journal),
    /// Les documents bruts
    #[command(subcommand)]
    Document(Document),
    /// Examine l’installation
    Doctor,
    /// Les réglages
    #[command(subcommand)]
    Config(Config),
    /// La description de l’API, en OpenAPI 3.1
    Openapi,
    /// Complétion pour un interpréteur de commandes
    Completions {
        /// Interpréteur
        #[arg(value_name = "INTERPRÉTEUR")]
        shell: clap_complete::Shell,
    },
    /// Écrit les pages de manuel
    Man {
        /// Dossier où les écrire
        #[arg(value_name = "DOSSIER")]
        dir: PathBuf,
    },
    /// La version
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Adresse UDP où les postes se connectent (port 0 : au choix du système)
    #[arg(long, value_name = "ADRESSE", value_parser = address)]
    sync: Option<SocketAddr>,
    /// Adresse de l’interface HTTP (port 0 : au choix du système)
    #[arg(long, value_name = "ADRESSE", value_parser = address)]
    http: Option<SocketAddr>,
    /// Adresse des mesures pour Prometheus (port 0 : au choix du système) ; sans elle, aucune
    #[arg(long, value_name = "ADRESSE", value_parser = address)]
    metrics: Option<SocketAddr>,
}

impl Serve {
    /// The settings that these options override.
    pub(crate) fn options(&self) -> Vec<(&'static str, &'static str, String)> {
        let sync = self.sync.map(|address| ("sync.listen", "--sync", address.to_string()));
        let http = self.http.map(|address| ("http.listen", "--http", address.to_string()));
        let metrics = self.metrics.map(|address| ("metrics.listen", "--metrics", address.to_string()));
        sync.into_iter().chain(http).chain(metrics).collect()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Liste les postes
    List {
        /// D’un seul lieu
        #[arg(long, value_name = "LIEU")]
        site: Option<String>,
    },
    /// Montre un poste
    Show {
        /// Identifiant
        #[arg(value_name = "POSTE")]
        device: String,
    },
    /// Rétablit après la perte de la base les postes que ce hub avait certifiés
    Approve {
        /// Identifiant
        #[arg(value_name = "POSTE", required_unless_present = "all_certified", conflicts_with = "all_certified")]
        device: Option<String>,
        /// Tous les postes certifiés
        #[arg(long)]
        all_certified: bool,
    },
    /// Montre la liste des révocations, gardée avec les clés
    Revocations {
        /// Déclare entière la liste abîmée, telle qu’elle se lit, après l’avoir comparée avec vos postes
        #[arg(long, requires = "reason")]
        confirm: bool,
        /// Ce qui a été comparé, gardé au journal
        #[arg(long, value_name = "TEXTE", requires = "confirm")]
        reason: Option<String>,
    },
    /// Exclut un poste
    Revoke {
        /// Identifiant
        #[arg(value_name = "POSTE")]
        device: String,
        /// Motif, gardé au journal
        #[arg(long, value_name = "TEXTE")]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Crée un jeton et affiche son secret, une seule fois
    Create {
        /// À quoi il sert
        #[arg(long, value_name = "TEXTE")]
        label: String,
        /// national, region:52, department:49, site:275 ou operator:CNAF
        #[arg(long, value_name = "PÉRIMÈTRE")]
        scope: String,
        /// reader, coordinator ou admin
        #[arg(long, value_name = "RÔLE")]
        role: String,
        /// Durée de validité, par exemple 365d
        #[arg(long, default_value = "365d", value_parser = seconds, value_name = "DURÉE")]
        expires: i64,
    },
    /// Liste les jetons
    List,
    /// Met fin à un jeton
    Revoke {
        /// Identifiant
        #[arg(value_name = "JETON")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Liste, de la plus ancienne ligne à la plus récente
    List {
        /// Premier jour (avec --to)
        #[arg(long, value_name = "JOUR")]
        from: Option<String>,
        /// Dernier jour, compris
        #[arg(long, value_name = "JOUR")]
        to: Option<String>,
        /// hub, operator, user:NOM, token:JETON
        #[arg(long, value_name = "QUI")]
        who: Option<String>,
        /// Premier mot d’une action : site, device, token, user, session…
        #[arg(long, value_name = "SORTE")]
        kind: Option<String>,
        /// À partir de la ligne qui suit celle-ci
        #[arg(long, value_name = "LIGNE", value_parser = number::<i64>)]
        after: Option<i64>,
        /// Au plus tant de lignes : les dernières, ou sous --after les premières
        #[arg(long, default_value_t = 1_000, value_name = "NOMBRE", value_parser = number::<u32>)]
        limit: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Document {
    /// Liste les documents
    List,
    /// Écrit un document, lisible par tout Automerge, sur la sortie standard
    Export {
        /// Nom, par exemple site/275/visits/2026-11
        #[arg(value_name = "DOCUMENT")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Montre chaque réglage et d’où il vient
    Show,
    /// Vérifie les réglages
    Check,
}

/// `127.0.0.1:4433`.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "attendu : une adresse et un port, tels que 0.0.0.0:4433 ou [::]:4433".to_owned())
}

/// Digits. The standard library tells of mistakes in English only.
fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "attendu : un nombre entier".to_owned())
}

/// `field=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or_else(|| "attendu : champ=valeur".to_owned())?;
    Ok((field.to_owned(), value.to_owned()))
}

/// `12h` or `7d`, up to ten years, in seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || "attendu : une durée telle que 12h ou 7d, de 1h à 3650d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit: i64 = match unit {
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|seconds| (1..=3_650 * 86_400).contains(seconds)).ok_or_else(wrong)
}
