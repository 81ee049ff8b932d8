//! What a token or a person may see, and what it may do.
//!
//! A question without a filter asks for the whole network. It is refused to a narrower token, not
//! narrowed in silence: the asker would take a department's figure for the national one.

use std::fmt;
use std::str::FromStr;

use msap_shared::code::{OperatorCode, known_operator};
use msap_shared::document::register::Author;
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::query::{Antennas, Filters, Key, Query};
use crate::site::{Site, department_region, known_region};
use crate::store::StoreError;
use crate::store::flagged::Within;
use crate::store::history::{self, Span};

/// Names that are told of what was asked for.
const ASKED_MAX: usize = 10;

/// The part of the network that a token or a person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    National,
    /// One region.
    Region(String),
    /// One department.
    Department(String),
    /// One site; a house covers its antennas.
    Site(SiteId),
    /// One operator, everywhere.
    Operator(OperatorCode),
}

/// What a token or a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads figures.
    Reader,
    /// Also edits schedules and partners.
    Coordinator,
    /// Also reads raw documents and the journal, if of the whole network.
    Admin,
}

/// A text that is no scope or role.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScopeError {
    /// No scope.
    #[error("{0:?} is not a scope such as national, region:52, department:49, site:275 or operator:CNAF")]
    Scope(String),
    /// No role.
    #[error("{0:?} is not one of reader, coordinator, admin")]
    Role(String),
    /// A partner that would write.
    #[error("a partner's token only reads: give {0} the role reader")]
    PartnerReads(String),
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let parsed = match text.split_once(':') {
            None => (text == "national").then_some(Self::National),
            Some(("region", code)) => known_region(code).then(|| Self::Region(code.to_owned())),
            Some(("department", code)) => department_region(code).map(|_| Self::Department(code.to_owned())),
            Some(("site", id)) => id.parse().ok().map(Self::Site),
            Some(("operator", code)) => {
                known_operator(code).and_then(|known| known.code.parse().ok()).map(Self::Operator)
            }
            Some(_) => None,
        };
        parsed.ok_or_else(|| ScopeError::Scope(text.chars().take(60).collect()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::National => f.write_str("national"),
            Self::Region(code) => write!(f, "region:{code}"),
            Self::Department(code) => write!(f, "department:{code}"),
            Self::Site(id) => write!(f, "site:{id}"),
            Self::Operator(code) => write!(f, "operator:{code}"),
        }
    }
}

impl FromStr for Role {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        match text {
            "reader" => Ok(Self::Reader),
            "coordinator" => Ok(Self::Coordinator),
            "admin" => Ok(Self::Admin),
            _ => Err(ScopeError::Role(text.chars().take(60).collect())),
        }
    }
}

impl Role {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Coordinator => "coordinator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a question on figures is not for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It asks for more than the scope.
    Scope,
    /// The antennas of a house that it names lie partly outside the scope.
    Antennas,
    /// A parameter asks for a detail that the scope does not see.
    Detail(&'static str),
}

/// What these filters let through, in the words of scopes; bounded, because it is told.
pub fn asked(filters: &Filters) -> String {
    let Filters { sites, departments, regions, bearers, operators, .. } = filters;
    let of = |kind: &str, values: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        values.map(|value| format!("{kind}:{value}")).collect()
    };
    let named = [
        of("site", &mut sites.iter().map(SiteId::as_str)),
        of("department", &mut departments.iter().map(String::as_str)),
        of("region", &mut regions.iter().map(String::as_str)),
        of("bearer", &mut bearers.iter().map(String::as_str)),
        of("operator", &mut operators.iter().map(OperatorCode::as_str)),
    ]
    .concat();
    match (named.len(), named.iter().take(ASKED_MAX).cloned().collect::<Vec<_>>().join(", ")) {
        (0, _) => "national".to_owned(),
        (all, told) if all > ASKED_MAX => format!("{told}, +{}", all - ASKED_MAX),
        (_, told) => told,
    }
}

impl Scope {
    /// Why this question is not for this scope, if it is not.
    pub fn beyond(&self, conn: &Connection, query: &Query, today: Day) -> Result<Option<Beyond>, StoreError> {
        // What is compared with must lie in the scope too: sites move.
        if let Some(other) = query.compared()
            && let Some(beyond) = self.beyond(conn, &other, today)?
        {
            return Ok(Some(beyond));
        }
        let period = (query.from, query.to);
        if !self.covers(conn, &query.filters, query.antennas, period)? {
            let apart = self.covers(conn, &query.filters, Antennas::Apart, period)?;
            return Ok(Some(if apart { Beyond::Antennas } else { Beyond::Scope }));
        }
        Ok(match self {
            Self::Operator(_) => partner_detail(query, today).map(Beyond::Detail),
            _ => None,
        })
    }

    /// Whether everything that these filters let through in a period lies in this scope. Filters
    /// are joined by «and», so one that lies inside is enough.
    pub fn covers(
        &self,
        conn: &Connection,
        filters: &Filters,
        antennas: Antennas,
        period: (Day, Day),
    ) -> Result<bool, StoreError> {
        let sites_inside = |filters: &Filters| {
            for id in &filters.sites {
                let spans = history::spans(conn, id, period)?;
                if spans.is_empty() || !spans.iter().all(|span| self.covers_span(id, span)) {
                    return Ok(false);
                }
                // A house's antenna may stand in the next department.
                if antennas != Antennas::Apart
                    && !history::attached(conn, id, period)?.iter().all(|span| self.covers_span(id, span))
                {
                    return Ok(false);
                }
            }
            Ok::<bool, StoreError>(!filters.sites.is_empty())
        };
        let all = |values: &[String], inside: &dyn Fn(&str) -> bool| {
            !values.is_empty() && values.iter().all(|value| inside(value))
        };
        Ok(match self {
            Self::National => true,
            Self::Region(mine) => {
                all(&filters.regions, &|region| region == mine)
                    || all(&filters.departments, &|department| department_region(department) == Some(mine))
                    || sites_inside(filters)?
            }
            Self::Department(mine) => {
                all(&filters.departments, &|department| department == mine) || sites_inside(filters)?
            }
            Self::Site(_) => sites_inside(filters)?,
            Self::Operator(mine) => !filters.operators.is_empty() && filters.operators.iter().all(|code| code == mine),
        })
    }

    /// What added to a question keeps it within this scope; nothing is beyond the national one.
    pub fn filter(&self) -> Option<String> {
        match self {
            Self::National => None,
            Self::Region(code) => Some(format!("region={code}")),
            Self::Department(code) => Some(format!("department={code}")),
            Self::Site(id) => Some(format!("site={id}")),
            Self::Operator(code) => Some(format!("operator={code}")),
        }
    }

    /// Whoever writes for this scope, as a role; `None` for a partner, who writes nothing.
    pub fn author(&self) -> Option<Author> {
        match self {
            Self::National => Some(Author::National),
            Self::Region(code) => Some(Author::Region(code.as_str().into())),
            Self::Department(code) => Some(Author::Department(code.as_str().into())),
            Self::Site(id) => Some(Author::Site(id.clone())),
            Self::Operator(_) => None,
        }
    }

    /// The sites of which it sees single facts; `None` for a partner, who sees none.
    pub fn within(&self) -> Option<Within> {
        match self {
            Self::National => Some(Within::Network),
            Self::Region(code) => Some(Within::Region(code.clone())),
            Self::Department(code) => Some(Within::Department(code.clone())),
            Self::Site(id) => Some(Within::Site(id.clone())),
            Self::Operator(_) => None,
        }
    }

    fn covers_span(&self, site: &SiteId, span: &Span) -> bool {
        match self {
            Self::National => true,
            Self::Region(mine) => span.region == *mine,
            Self::Department(mine) => span.department == *mine,
            Self::Site(mine) => site == mine || span.parent.as_ref() == Some(mine),
            Self::Operator(_) => false,
        }
    }

    /// Whether this site's own record lies in this scope. A partner reads its requests, not sites.
    pub fn covers_site(&self, site: &Site) -> bool {
        match self {
            Self::National => true,
            Self::Region(mine) => site.region == *mine,
            Self::Department(mine) => site.department == *mine,
            Self::Site(mine) => site.id == *mine || site.parent.as_ref() == Some(mine),
            Self::Operator(_) => false,
        }
    }
}

/// The parameter by which a partner's question goes beyond its requests by closed month: a day, an age,
/// or the kind of help at one place, where few requests tell who came.
fn partner_detail(query: &Query, today: Day) -> Option<&'static str> {
    let Filters { sites, bearers, helps, ages, .. } = &query.filters;
    let keyed = |keys: &[Key]| query.by.iter().any(|key| keys.contains(key));
    // A bearer may run a single site.
    let one_place = keyed(&[Key::Site, Key::Bearer]) || !sites.is_empty() || !bearers.is_empty();
    [
        ("by", keyed(&[Key::Day, Key::Age])),
        ("age", !ages.is_empty()),
        ("from", query.from != query.from.month().first_day()),
        ("to", query.to != query.to.month().last_day()),
        // Who asks again and again while a month goes on sees each visit come.
        ("to", query.to >= today),
        // What two days differ by is what came on one.
        ("as_of", query.as_of.is_some()),
        ("by", one_place && keyed(&[Key::Help])),
        ("help", one_place && !helps.is_empty()),
    ]
    .into_iter()
    .find_map(|(parameter, beyond)| beyond.then_some(parameter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_roles_print_as_they_parse() {
        for text in ["national", "region:52", "department:49", "department:2A", "site:275", "operator:CNAF"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "National", "region:53x", "department:00", "site:A", "operator:caf", "operator:X", "bearer:x"]
        {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        for text in ["reader", "coordinator", "admin"] {
            assert_eq!(text.parse::<Role>().unwrap().to_string(), text);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
