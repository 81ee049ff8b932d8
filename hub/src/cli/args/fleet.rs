//! `msap-hub fleet`, as typed.

use clap::Args;

use super::{Shape, Sites};

/// The filters, named as in the API.
#[derive(Debug, Args)]
pub(crate) struct Fleet {
    #[command(flatten)]
    pub(crate) sites: Sites,
    /// house, antenna
    #[arg(long, value_name = "SORTES")]
    pub(crate) kind: Option<String>,
    /// never_connected, pending, up_to_date, behind, silent, refused, retired
    #[arg(long, value_name = "ÉTATS")]
    pub(crate) state: Option<String>,
    /// Versions de l’agent
    #[arg(long, value_name = "VERSIONS")]
    pub(crate) version: Option<String>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}
