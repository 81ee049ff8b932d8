//! What several commands ask alike: of which sites, and in which form.
//!
//! Flattened into the arguments of each; the names are the API's, and `pairs` gives them as it takes them.

use clap::{Args, ValueEnum};

/// Names and values of a question, as far as they are given.
pub(crate) type Given<const N: usize> = [(&'static str, Option<String>); N];

/// Sites by where they lie and who bears them.
#[derive(Debug, Args)]
pub(crate) struct Parts {
    /// Départements
    #[arg(long, value_name = "CODES")]
    department: Option<String>,
    /// Régions
    #[arg(long, value_name = "CODES")]
    region: Option<String>,
    /// Porteurs
    #[arg(long, value_name = "NOMS")]
    bearer: Option<String>,
}

/// Sites by their names as well.
#[derive(Debug, Args)]
pub(crate) struct Sites {
    /// Lieux
    #[arg(long, value_name = "LIEUX")]
    site: Option<String>,
    #[command(flatten)]
    parts: Parts,
}

/// In which form.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Shape {
    /// Forme du résultat
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORME")]
    pub(crate) format: Format,
}

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tableau
    Table,
    /// CSV (RFC 4180)
    Csv,
    /// CSV pour un tableur français
    CsvFr,
    /// JSON
    Json,
}

impl Parts {
    /// As the API names them.
    pub(crate) fn pairs(self) -> Given<3> {
        [("department", self.department), ("region", self.region), ("bearer", self.bearer)]
    }
}

impl Sites {
    /// As the API names them.
    pub(crate) fn pairs(self) -> Given<4> {
        let [department, region, bearer] = self.parts.pairs();
        [("site", self.site), department, region, bearer]
    }
}

impl Shape {
    /// The name and value that ask the hub for JSON; the other forms are made of its tables.
    pub(crate) fn pairs(self, json: bool) -> Given<1> {
        [("format", (json || self.format == Format::Json).then(|| "json".to_owned()))]
    }
}
