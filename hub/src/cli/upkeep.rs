//! The arguments of commands that keep a hub whole.

use std::path::PathBuf;

use clap::Args;

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
}
