//! `msap-hub catalogue …` and `msap-hub conflict …`, as typed.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Catalogue {
    /// Importe un fichier CSV : jours fériés, vacances scolaires, fermetures du réseau ou opérateurs, reconnu à son en-tête
    Import {
        /// Fichier
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
        /// Dit ce qui changerait, sans rien écrire
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Conflict {
    /// Liste ce sur quoi les horaires et les partenaires se contredisent, avec chaque version
    List {
        /// Lieux
        #[arg(long, value_name = "LIEUX")]
        site: Option<String>,
        /// Départements
        #[arg(long, value_name = "CODES")]
        department: Option<String>,
    },
    /// Tranche : la version choisie reste seule, partout
    Resolve {
        /// Identifiant, donné par « conflict list »
        #[arg(value_name = "CONFLIT")]
        id: String,
        /// Numéro de la version à garder
        #[arg(value_name = "VERSION")]
        version: usize,
    },
}
