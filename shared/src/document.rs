//! Names of documents and their layouts.
//!
//! Every document belongs to one site. The site's devices write it; the hub merges it.

use std::fmt;
use std::str::FromStr;

use crate::id::SiteId;
use crate::time::Month;

pub mod fold;
pub mod partners;
pub mod register;
pub mod schedule;
pub mod visits;

/// A document by its name, `site/<id>/visits/<yyyy-mm>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId {
    site: SiteId,
    kind: DocKind,
}

/// What a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocKind {
    /// One month of visits: see [`visits`].
    Visits(Month),
}

/// A text that names no document of this version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a document such as site/275/visits/2026-11")]
pub struct DocIdError(String);

impl DocId {
    /// The visits of one month at one site.
    pub fn visits(site: SiteId, month: Month) -> Self {
        Self { site, kind: DocKind::Visits(month) }
    }

    /// The site that owns the document.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// The document's kind.
    pub fn kind(&self) -> DocKind {
        self.kind
    }

    /// The month of a visits document.
    pub fn month(&self) -> Month {
        let DocKind::Visits(month) = self.kind;
        month
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DocKind::Visits(month) => write!(f, "site/{}/visits/{month}", self.site),
        }
    }
}

impl FromStr for DocId {
    type Err = DocIdError;

    fn from_str(text: &str) -> Result<Self, DocIdError> {
        let parsed = || {
            let (site, kind) = text.strip_prefix("site/")?.split_once('/')?;
            let month = kind.strip_prefix("visits/")?;
            Some(Self::visits(site.parse().ok()?, month.parse().ok()?))
        };
        parsed().ok_or_else(|| DocIdError(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_names_round_trip_and_strangers_are_refused() {
        let text = "site/temp_12/visits/2026-11";
        assert_eq!(text.parse::<DocId>().unwrap().to_string(), text);
        for text in [
            "",
            "site/275",
            "site/275/visits/2026-13",
            "site/2 75/visits/2026-11",
            "site/275/schedule/x",
            "site//visits/2026-11",
            "site/275/visits/2026-11/x",
        ] {
            assert!(text.parse::<DocId>().is_err(), "{text:?}");
        }
    }
}
