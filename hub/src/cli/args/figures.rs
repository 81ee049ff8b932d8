//! `msap-hub counts`, `completeness` and `label`, as typed: the parameters of figures, named as in the API.

use clap::Args;

use super::{Shape, Sites};

/// What all questions have in common.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Premier jour (avec --to ; par défaut : le mois en cours)
    #[arg(long, value_name = "JOUR")]
    pub(crate) from: Option<String>,
    /// Dernier jour, compris
    #[arg(long, value_name = "JOUR")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) sites: Sites,
    /// « apart » : compte chaque antenne pour elle-même
    #[arg(long, value_name = "MANIÈRE")]
    pub(crate) antennas: Option<String>,
    /// Tel que reçu à la fin de ce jour du hub, avec ce qui a changé depuis
    #[arg(long, value_name = "JOUR")]
    pub(crate) as_of: Option<String>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// Visits and requests.
#[derive(Debug, Args)]
pub(crate) struct Counts {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// day, month, quarter, year, site, department, region, bearer, operator, help, age
    #[arg(long, value_name = "CLÉS")]
    pub(crate) by: Option<String>,
    /// Opérateurs
    #[arg(long, value_name = "CODES")]
    pub(crate) operator: Option<String>,
    /// Sortes d’aide
    #[arg(long = "help-kind", value_name = "CODES")]
    pub(crate) help_kind: Option<String>,
    /// Tranches d’âge
    #[arg(long, value_name = "TRANCHES")]
    pub(crate) age: Option<String>,
    /// « previous » : autant de mois entiers ou de jours juste avant ; « year » : un an avant
    #[arg(long, value_name = "PÉRIODE")]
    pub(crate) compare: Option<String>,
}

/// How complete they are.
#[derive(Debug, Args)]
pub(crate) struct Completeness {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Un mois entier, au lieu de --from et --to
    #[arg(long, value_name = "MOIS", conflicts_with_all = ["from", "to"])]
    pub(crate) month: Option<String>,
    /// day, month, quarter, year, site, department, region, bearer
    #[arg(long, value_name = "CLÉS")]
    pub(crate) by: Option<String>,
}

/// What labels ask for.
#[derive(Debug, Args)]
pub(crate) struct Label {
    #[command(flatten)]
    pub(crate) sites: Sites,
    /// Un seul point : hours, staff, partners, signatories, statistics, published_hours
    #[arg(long, value_name = "POINT")]
    pub(crate) check: Option<String>,
    /// met, at_risk, not_met, unknown : du point demandé, sinon de l’ensemble
    #[arg(long, value_name = "ÉTATS")]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) shape: Shape,
}
