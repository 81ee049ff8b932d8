//! `msap-hub flagged …` and `msap-hub refused …`, as typed.

use clap::{ArgGroup, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Flagged {
    /// Liste ce qui est compté à part, en attente d’une décision
    List {
        /// D’un lieu et de ses antennes
        #[arg(long, value_name = "LIEU")]
        site: Option<String>,
        /// operator, help, age, count, day, contested, retired
        #[arg(long, value_name = "MOTIF")]
        reason: Option<String>,
    },
    /// Montre un fait, et ce qui en a été décidé
    Show {
        /// Identifiant, donné par « flagged list »
        #[arg(value_name = "FAIT")]
        id: String,
    },
    /// Décide : compter, ou laisser de côté pour de bon
    #[command(group = ArgGroup::new("verdict").required(true))]
    Settle {
        /// Identifiant, donné par « flagged list »
        #[arg(value_name = "FAIT")]
        id: String,
        /// Le compter
        #[arg(long, group = "verdict")]
        count: bool,
        /// Ne jamais le compter
        #[arg(long, group = "verdict")]
        leave_out: bool,
        /// Pourquoi, gardé au journal
        #[arg(long, value_name = "TEXTE")]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Refused {
    /// Liste les changements refusés que personne n’a examinés
    List,
    /// Montre un changement refusé
    Show {
        /// Numéro, donné par « refused list »
        #[arg(value_name = "NUMÉRO")]
        id: String,
    },
    /// Retire de la liste un changement examiné
    Settle {
        /// Numéro, donné par « refused list »
        #[arg(value_name = "NUMÉRO")]
        id: String,
        /// Ce qui a été constaté, gardé au journal
        #[arg(long, value_name = "TEXTE")]
        reason: String,
    },
}
