//! `msap-hub site …`, as typed.

use std::path::PathBuf;

use clap::Subcommand;
use msap_shared::time::Day;

use super::{pair, seconds};

#[derive(Debug, Subcommand)]
pub(crate) enum Site {
    /// Importe une liste de lieux (CSV) ; un compte rendu par ligne fautive
    Import {
        /// Fichier CSV
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
        /// Dit ce qui serait fait, sans le faire
        #[arg(long)]
        dry_run: bool,
        /// Date de la liste (par défaut : celle du nom du fichier, sinon la labellisation la plus récente)
        #[arg(long, value_name = "JOUR", value_parser = day)]
        date: Option<String>,
        /// Ferme, à la date de la liste, les lieux qu’elle ne nomme plus
        #[arg(long)]
        retire_missing: bool,
        /// Avec --retire-missing : même s’ils sont plus d’un quart des lieux en service
        #[arg(long, requires = "retire_missing")]
        even_most: bool,
    },
    /// Liste les lieux
    List {
        /// Départements, séparés par des virgules
        #[arg(long, value_name = "CODES")]
        department: Option<String>,
        /// Régions, séparées par des virgules
        #[arg(long, value_name = "CODES")]
        region: Option<String>,
        /// house, antenna
        #[arg(long, value_name = "SORTES")]
        kind: Option<String>,
        /// candidate, project, open, labelled, retired
        #[arg(long, value_name = "ÉTAPES")]
        life: Option<String>,
    },
    /// Montre un lieu, ses alias, son histoire et ses postes
    Show {
        /// Identifiant ou alias
        #[arg(value_name = "LIEU")]
        site: String,
    },
    /// Ajoute un lieu
    Add {
        /// Identifiant : 1 à 32 caractères parmi a-z, 0-9, _ et -
        #[arg(value_name = "LIEU")]
        site: String,
        /// house ou antenna
        #[arg(long, default_value = "house", value_name = "SORTE")]
        kind: String,
        /// Maison de rattachement d’une antenne
        #[arg(long, value_name = "LIEU")]
        parent: Option<String>,
        /// Champs, dont name, et department ou timezone
        #[arg(value_name = "CHAMP=VALEUR", value_parser = pair, required = true)]
        fields: Vec<(String, String)>,
    },
    /// Ferme un lieu définitivement
    Retire {
        /// Identifiant ou alias
        #[arg(value_name = "LIEU")]
        site: String,
        /// Depuis ce jour (par défaut : aujourd’hui)
        #[arg(long, value_name = "JOUR", value_parser = day)]
        from: Option<String>,
    },
    /// Donne un autre nom à un lieu
    Alias {
        /// Identifiant ou alias
        #[arg(value_name = "LIEU")]
        site: String,
        /// Nouveau nom
        #[arg(value_name = "ALIAS")]
        alias: String,
    },
    /// Rattache une antenne à une maison
    SetParent {
        /// Identifiant ou alias de l’antenne
        #[arg(value_name = "LIEU")]
        site: String,
        /// Identifiant ou alias de la maison
        #[arg(long, value_name = "LIEU")]
        parent: String,
        /// Depuis ce jour (par défaut : aujourd’hui)
        #[arg(long, value_name = "JOUR", value_parser = day)]
        from: Option<String>,
    },
    /// Change des champs d’un lieu : life, bearer, label_date, name…
    Set {
        /// Identifiant ou alias
        #[arg(value_name = "LIEU")]
        site: String,
        /// Champs
        #[arg(value_name = "CHAMP=VALEUR", value_parser = pair, required = true)]
        fields: Vec<(String, String)>,
        /// Depuis quand valent life, department et bearer (par défaut : aujourd’hui)
        #[arg(long, value_name = "JOUR", value_parser = day)]
        from: Option<String>,
    },
    /// Crée un code d’invitation à usage unique pour un poste du lieu
    Invite {
        /// Identifiant ou alias
        #[arg(value_name = "LIEU")]
        site: String,
        /// Durée de validité, par exemple 7d ou 12h
        #[arg(long, default_value = "7d", value_parser = seconds, value_name = "DURÉE")]
        expires: i64,
        /// Poste dont le nouveau prend la place : il est exclu dès que le nouveau a rejoint
        #[arg(long, value_name = "POSTE")]
        replaces: Option<String>,
    },
}

/// A day of the calendar, kept as typed.
fn day(text: &str) -> Result<String, String> {
    match text.parse::<Day>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("attendu : un jour tel que 2026-11-20".to_owned()),
    }
}
