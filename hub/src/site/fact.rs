//! What a person sets of a site with `site set` that no document and no list holds.
//!
//! Each is a field with a value that was checked here; kept by `store::site_facts`, dated.

use msap_shared::time::Day;

use super::FieldError;
use crate::lang::Phrase;

/// A field of which only persons know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// From which day on the site is to report; without it, since its first machine joined.
    ReportsFrom,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::ReportsFrom];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReportsFrom => "reports_from",
        }
    }

    /// The fact with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.name() == name)
    }

    /// Whether it holds from a day until another takes its place.
    pub const fn is_dated(self) -> bool {
        match self {
            Self::ReportsFrom => false,
        }
    }

    /// The value as it is kept; an empty one takes the fact back.
    ///
    /// # Errors
    /// When the fact cannot take it.
    pub fn check(self, value: &str) -> Result<String, FieldError> {
        let value = value.trim();
        let wrong = |fr, en| FieldError {
            field: self.name(),
            value: value.chars().take(60).collect(),
            expected: Phrase::new(fr, en),
        };
        match self {
            _ if value.is_empty() => Ok(String::new()),
            Self::ReportsFrom => value
                .parse::<Day>()
                .map(|day| day.to_string())
                .map_err(|_| wrong("un jour, par exemple 2026-01-01", "a day such as 2026-01-01")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_takes_what_it_means_and_nothing_else() {
        for (fact, value, kept) in [
            ("reports_from", " 2026-01-01 ", Some("2026-01-01")),
            ("reports_from", "", Some("")),
            ("reports_from", "2026-02-30", None),
            ("reports_from", "janvier", None),
        ] {
            let found = Fact::named(fact).unwrap().check(value);
            assert_eq!(found.as_deref().ok(), kept, "{fact} {value:?}");
        }
        assert_eq!(Fact::named("name"), None);
    }
}
