//! `msap-hub user …`, as typed.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Ajoute un utilisateur ; le mot de passe est demandé, ou lu sur l’entrée standard
    Add {
        /// Nom : une fonction plutôt qu’une personne, par exemple prefecture-49
        #[arg(value_name = "NOM")]
        login: String,
        /// national, region:52, department:49, site:275 ou operator:CNAF
        #[arg(long, value_name = "PÉRIMÈTRE")]
        scope: String,
        /// reader, coordinator ou admin
        #[arg(long, value_name = "RÔLE")]
        role: String,
        /// Tire un mot de passe au sort et l’affiche, une seule fois
        #[arg(long)]
        generate: bool,
    },
    /// Change le mot de passe, et ferme les sessions
    Passwd {
        /// Nom
        #[arg(value_name = "NOM")]
        login: String,
        /// Tire un mot de passe au sort et l’affiche, une seule fois
        #[arg(long)]
        generate: bool,
    },
    /// Change le périmètre ou le rôle, et ferme les sessions
    Set {
        /// Nom
        #[arg(value_name = "NOM")]
        login: String,
        /// national, region:52, department:49, site:275 ou operator:CNAF
        #[arg(long, value_name = "PÉRIMÈTRE", required_unless_present = "role")]
        scope: Option<String>,
        /// reader, coordinator ou admin
        #[arg(long, value_name = "RÔLE")]
        role: Option<String>,
    },
    /// Liste les utilisateurs
    List,
    /// Interdit la connexion sous ce nom, et ferme les sessions
    Disable {
        /// Nom
        #[arg(value_name = "NOM")]
        login: String,
    },
    /// Permet à nouveau la connexion sous ce nom
    Enable {
        /// Nom
        #[arg(value_name = "NOM")]
        login: String,
    },
}
