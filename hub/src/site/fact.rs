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
    /// The day on which the house signed the charter.
    Charter,
    /// How many of its agents are trained.
    TrainedAgents,
    /// When the last of them was.
    TrainedOn,
    /// When its steering committee last met.
    Committee,
    /// How far its label has come.
    LabelState,
}

/// The steps of a label.
pub(crate) const LABEL_STATES: [&str; 5] = ["requested", "granted", "watched", "suspended", "withdrawn"];
/// Most agents of one house.
const AGENTS_MAX: u16 = 999;

impl Fact {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::ReportsFrom, Self::Charter, Self::TrainedAgents, Self::TrainedOn, Self::Committee, Self::LabelState];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReportsFrom => "reports_from",
            Self::Charter => "charter",
            Self::TrainedAgents => "trained_agents",
            Self::TrainedOn => "trained_on",
            Self::Committee => "committee",
            Self::LabelState => "label_state",
        }
    }

    /// What people read.
    pub const fn french(self) -> &'static str {
        match self {
            Self::ReportsFrom => "remonte depuis",
            Self::Charter => "charte signée le",
            Self::TrainedAgents => "agents formés",
            Self::TrainedOn => "formés le",
            Self::Committee => "dernier comité de pilotage",
            Self::LabelState => "label",
        }
    }

    /// The fact with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.name() == name)
    }

    /// Whether it holds from a day until another takes its place.
    pub const fn is_dated(self) -> bool {
        !matches!(self, Self::ReportsFrom)
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
            Self::ReportsFrom | Self::Charter | Self::TrainedOn | Self::Committee => value
                .parse::<Day>()
                .map(|day| day.to_string())
                .map_err(|_| wrong("un jour, par exemple 2026-01-01", "a day such as 2026-01-01")),
            Self::TrainedAgents => match value.parse::<u16>() {
                Ok(agents) if agents <= AGENTS_MAX => Ok(agents.to_string()),
                _ => Err(wrong("un nombre d’agents, de 0 à 999", "a number of agents, from 0 to 999")),
            },
            Self::LabelState => match LABEL_STATES.contains(&value) {
                true => Ok(value.to_owned()),
                false => Err(wrong(
                    "requested, granted, watched, suspended ou withdrawn",
                    "requested, granted, watched, suspended or withdrawn",
                )),
            },
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
            ("charter", "2020-01-01", Some("2020-01-01")),
            ("charter", "oui", None),
            ("trained_agents", "02", Some("2")),
            ("trained_agents", "1000", None),
            ("trained_agents", "-1", None),
            ("label_state", "granted", Some("granted")),
            ("label_state", "Granted", None),
        ] {
            let found = Fact::named(fact).unwrap().check(value);
            assert_eq!(found.as_deref().ok(), kept, "{fact} {value:?}");
        }
        assert_eq!(Fact::named("name"), None);
    }
}
