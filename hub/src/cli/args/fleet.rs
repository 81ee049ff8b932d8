//! `msap-hub fleet`, as typed.

use clap::Args;

use super::Format;

/// The filters, named as in the API.
#[derive(Debug, Args)]
pub(crate) struct Fleet {
    /// Lieux, avec leurs antennes
    #[arg(long, value_name = "LIEUX")]
    pub(crate) site: Option<String>,
    /// Départements
    #[arg(long, value_name = "CODES")]
    pub(crate) department: Option<String>,
    /// Régions
    #[arg(long, value_name = "CODES")]
    pub(crate) region: Option<String>,
    /// Porteurs
    #[arg(long, value_name = "NOMS")]
    pub(crate) bearer: Option<String>,
    /// house, antenna
    #[arg(long, value_name = "SORTES")]
    pub(crate) kind: Option<String>,
    /// never_connected, pending, up_to_date, behind, silent, refused, retired
    #[arg(long, value_name = "ÉTATS")]
    pub(crate) state: Option<String>,
    /// Versions de l’agent
    #[arg(long, value_name = "VERSIONS")]
    pub(crate) version: Option<String>,
    /// Forme du résultat
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORME")]
    pub(crate) format: Format,
}
