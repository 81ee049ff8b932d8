//! The arguments of commands that keep a hub whole: backups and authorities.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Les clés n’y sont pas : sauvegardez à part le dossier donné par --keys.")]
pub(crate) struct Backup {
    /// Fichier à écrire
    #[arg(value_name = "FICHIER")]
    pub(crate) file: PathBuf,
    /// Remplace le fichier s’il existe
    #[arg(long)]
    pub(crate) force: bool,
}

/// `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Le hub doit être arrêté. La base en place est gardée à côté, sous le nom hub.db.before-…")]
pub(crate) struct Restore {
    /// Sauvegarde à remettre en place
    #[arg(value_name = "FICHIER")]
    pub(crate) file: PathBuf,
    /// Accepte d’autres clés que celles de cette sauvegarde : elles sont perdues pour toujours
    #[arg(long)]
    pub(crate) other_keys: bool,
}

/// `ca`.
#[derive(Debug, Subcommand)]
pub(crate) enum Ca {
    /// Montre les autorités, et les postes qui n’ont pas encore reçu la nouvelle
    Show,
    /// Change la clé de l’autorité ; l’ancienne vaut encore jusqu’à --finish
    Rotate {
        /// Retire l’ancienne autorité
        #[arg(long)]
        finish: bool,
        /// Avec --finish : laisse derrière les postes qui n’ont pas reçu la nouvelle
        #[arg(long, requires = "finish")]
        force: bool,
    },
}
