//! `msap-hub network`, `coverage` and `report`, as typed. The parameters are named as in the API.

use clap::{Args, ValueEnum};

use super::{Format, Parts, Shape, Sites};

/// `network`.
#[derive(Debug, Args)]
pub(crate) struct Network {
    /// department, region, month, bearer
    #[arg(long, value_name = "CLÉS")]
    pub(crate) by: Option<String>,
    /// Ce jour-là (par défaut : aujourd’hui)
    #[arg(long, value_name = "JOUR", conflicts_with_all = ["from", "to"])]
    pub(crate) day: Option<String>,
    /// Avec --by month : du mois de ce jour (par défaut : douze mois)
    #[arg(long, value_name = "JOUR")]
    pub(crate) from: Option<String>,
    /// Avec --by month : au mois de ce jour
    #[arg(long, value_name = "JOUR")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) parts: Parts,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// `coverage`.
#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// Partenaires (par défaut : tous ceux dont un lieu parle)
    #[arg(long, value_name = "CODES")]
    pub(crate) operator: Option<String>,
    /// site, department ou operator
    #[arg(long, value_name = "CLÉ")]
    pub(crate) by: Option<String>,
    /// Ce jour-là (par défaut : aujourd’hui)
    #[arg(long, value_name = "JOUR")]
    pub(crate) day: Option<String>,
    #[command(flatten)]
    pub(crate) sites: Sites,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// `report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Identifiant ou alias du lieu
    #[arg(value_name = "LIEU")]
    pub(crate) site: String,
    /// Premier jour (avec --to ; par défaut : les douze derniers mois entiers)
    #[arg(long, value_name = "JOUR")]
    pub(crate) from: Option<String>,
    /// Dernier jour, compris
    #[arg(long, value_name = "JOUR")]
    pub(crate) to: Option<String>,
    /// « apart » : dit aussi chaque antenne pour elle-même ; « none » : les laisse de côté
    #[arg(long, value_name = "MANIÈRE")]
    pub(crate) antennas: Option<String>,
    /// Forme du rapport
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORME")]
    pub(crate) format: ReportFormat,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Texte
    Text,
    /// CSV (RFC 4180)
    Csv,
    /// CSV pour un tableur français
    CsvFr,
    /// JSON
    Json,
}

impl From<ReportFormat> for Format {
    /// How what is not a text is shown.
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Table,
            ReportFormat::Csv => Self::Csv,
            ReportFormat::CsvFr => Self::CsvFr,
            ReportFormat::Json => Self::Json,
        }
    }
}
