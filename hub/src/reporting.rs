//! How complete it is what returns and reports say.
//!
//! The one place where they ask: until the hub can tell which days should have been reported, the
//! answer is that it is not known, and they say so instead of a figure.

use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::query::Filters;
use crate::store::StoreError;

/// Days of sites that should have been reported, and those of them that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporting {
    /// Days of sites on which something was to be reported.
    pub expected: u32,
    /// Those of them that were.
    pub reported: u32,
}

/// What was to be reported of these sites in a period, as received by the end of `as_of`; `None`
/// when it is not known.
///
/// # Errors
/// When the store fails.
pub fn of(
    _conn: &Connection,
    _filters: &Filters,
    _period: (Day, Day),
    _as_of: Option<Day>,
) -> Result<Option<Reporting>, StoreError> {
    Ok(None)
}

/// As JSON.
pub fn object(reporting: Option<Reporting>) -> Value {
    match reporting {
        Some(Reporting { expected, reported }) => json!({ "expected": expected, "reported": reported }),
        None => Value::Null,
    }
}
