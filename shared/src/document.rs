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

/// A document by its name: `site/<id>/visits/<yyyy-mm>`, `site/<id>/schedule` or
/// `site/<id>/partners`.
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
    /// When the site is open, who works there, what is closed: see [`crate::register`].
    Schedule,
    /// Which partners are there, and how: see [`crate::register`].
    Partners,
}

impl DocKind {
    /// Whether the document is a union of chains of facts.
    pub fn is_visits(self) -> bool {
        matches!(self, Self::Visits(_))
    }

    /// Whether the document is made of registers, whose values replace each other.
    pub fn is_registers(self) -> bool {
        matches!(self, Self::Schedule | Self::Partners)
    }
}

/// Whether a document of registers of this kind may hold `value` under `key`: both within
/// [the one bound](register::check_bounds) and of the grammar, or about something that this version
/// does not know.
pub fn admits(kind: DocKind, key: &str, value: &str) -> bool {
    match kind {
        DocKind::Visits(_) => false,
        DocKind::Schedule => schedule::admits(key, value).is_ok(),
        DocKind::Partners => partners::admits(key, value).is_ok(),
    }
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

    /// The document of registers of this kind at one site; `None` for a kind that is not of registers.
    pub fn registers(site: SiteId, kind: DocKind) -> Option<Self> {
        kind.is_registers().then_some(Self { site, kind })
    }

    /// The site that owns the document.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// The document's kind.
    pub fn kind(&self) -> DocKind {
        self.kind
    }

    /// The month of a visits document; `None` for one of registers.
    pub fn month(&self) -> Option<Month> {
        match self.kind {
            DocKind::Visits(month) => Some(month),
            DocKind::Schedule | DocKind::Partners => None,
        }
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DocKind::Visits(month) => write!(f, "site/{}/visits/{month}", self.site),
            DocKind::Schedule => write!(f, "site/{}/schedule", self.site),
            DocKind::Partners => write!(f, "site/{}/partners", self.site),
        }
    }
}

impl FromStr for DocId {
    type Err = DocIdError;

    fn from_str(text: &str) -> Result<Self, DocIdError> {
        let parsed = || {
            let (site, kind) = text.strip_prefix("site/")?.split_once('/')?;
            let kind = match kind {
                "schedule" => DocKind::Schedule,
                "partners" => DocKind::Partners,
                visits => DocKind::Visits(visits.strip_prefix("visits/")?.parse().ok()?),
            };
            Some(Self { site: site.parse().ok()?, kind })
        };
        parsed().ok_or_else(|| DocIdError(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::register::{Edits, Stamp};
    use super::*;
    use crate::schedule::edit::{self, field};

    #[test]
    fn what_a_command_may_write_a_document_takes() {
        let stamp = Stamp { author: "national".parse().unwrap(), day: "2026-11-22".parse().unwrap() };
        let text = field::text("comment", "Ligne 1\r\nLigne 2\t\u{7f}fin").unwrap();
        let written = [edit::set_comment(&stamp, Some(&text)), edit::set_text(&stamp, Some(&text))];
        for (key, value) in written.into_iter().flat_map(Result::<Edits, _>::unwrap) {
            assert!(value.contains("Ligne 1\nLigne 2"), "{value:?}");
            assert!(admits(DocKind::Schedule, &key, &value), "{key} = {value:?}");
        }
        // One that is not text to read, in no document.
        for value in ["national|2026-11-22|a\u{0}", "national|2026-11-22|a\tb", "national|2026-11-22|a\rb"] {
            assert!(!admits(DocKind::Schedule, "comment", value) && !admits(DocKind::Partners, "later", value));
        }
        assert!(!admits(DocKind::Schedule, "com\nment", "later") && !admits(DocKind::Partners, "", "later"));
    }

    #[test]
    fn document_names_round_trip_and_strangers_are_refused() {
        for text in ["site/temp_12/visits/2026-11", "site/275/schedule", "site/275/partners"] {
            assert_eq!(text.parse::<DocId>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "site/275",
            "site/275/visits/2026-13",
            "site/2 75/visits/2026-11",
            "site/275/schedule/x",
            "site/275/hours",
            "site//visits/2026-11",
            "site/275/visits/2026-11/x",
        ] {
            assert!(text.parse::<DocId>().is_err(), "{text:?}");
        }
    }
}
