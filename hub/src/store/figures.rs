//! Visits and requests, summed: what one question amounts to.
//!
//! Called by `counts`. A cell is a site, day, operator, help and age; it sums what was received on
//! any day, and a cell that is negative (corrections by quantity made twice) counts as 0. A cell
//! counts for the house, department and bearer that its site had on that day. Each question reads
//! the smallest of three tables that can answer it: the proptest compares all of them with a
//! reckoning from the facts.

use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::{StoreError, documents, meta};
use crate::lang::Phrase;
use crate::query::{Key, Query, Shift, day_in};

pub(super) use self::compose::span_condition;
pub use self::since::{Cause, Moved, moved, refused};

mod compose;
mod since;

/// Most rows that one answer may have.
pub const ROWS_MAX: usize = 100_000;

/// What to do about an answer with more rows.
pub const NARROW: Phrase = Phrase::new(
    "rapprochez to de from, donnez department, region ou site, ou demandez par mois plutôt que par jour",
    "bring to nearer to from, name department, region or site, or ask by month instead of by day",
);

/// A number of visits and of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// `None` where a visit has no meaning: one visit may make requests to several operators.
    pub visits: Option<i64>,
    /// Requests.
    pub requests: i64,
}

impl Count {
    /// None at all.
    pub fn none(query: &Query) -> Self {
        Self { visits: query.counts_visits().then_some(0), requests: 0 }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.visits = self.visits.zip(other.visits).map(|(one, two)| one.saturating_add(two));
        self.requests = self.requests.saturating_add(other.requests);
    }

    /// What this has beyond another.
    pub fn less(self, other: Self) -> Self {
        let visits = self.visits.zip(other.visits).map(|(one, two)| one.saturating_sub(two));
        Self { visits, requests: self.requests.saturating_sub(other.requests) }
    }
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureRow {
    /// The values of the keys, in the order of the question.
    pub keys: Vec<String>,
    /// The figures.
    pub count: Count,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Everything that the filters let through.
    pub total: Count,
    /// The same by key; empty for a question without keys.
    pub rows: Vec<FigureRow>,
    /// What the filters let through but waits for a person's judgement. Not in `total`.
    pub flagged: Count,
    /// Whether anything was received at all of what the filters let through.
    pub known: bool,
}

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// More rows than an answer may have.
    #[error("the answer has more than {ROWS_MAX} rows: {NARROW}")]
    TooManyRows,
    /// What had been received by then is not known.
    #[error("what was received when is known from {0} on: before, the hub had another database")]
    HistoryLost(Day),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers the question from the views, in one pass.
pub fn answer(conn: &Connection, query: &Query) -> Result<Figures, FigureError> {
    let (sql, values) = compose::compose(query);
    let doing = "summing visits";
    let mut statement = conn.prepare(&sql).map_err(StoreError::sqlite(doing))?;
    let mut found = statement.query(params_from_iter(values)).map_err(StoreError::sqlite(doing))?;
    let count = |row: &Row<'_>, place: usize| -> rusqlite::Result<Count> {
        let visits: i64 = row.get(place)?;
        Ok(Count { visits: query.counts_visits().then_some(visits), requests: row.get(place + 1)? })
    };
    let none = Count::none(query);
    let mut figures = Figures { total: none, rows: Vec::new(), flagged: none, known: false };
    let keys = query.by.len();
    while let Some(row) = found.next().map_err(StoreError::sqlite(doing))? {
        let counted = count(row, keys).map_err(StoreError::sqlite(doing))?;
        figures.total.add(counted);
        figures.flagged.add(count(row, keys + 2).map_err(StoreError::sqlite(doing))?);
        // A row of nothing but undone or flagged facts is none.
        let nothing = row.get(keys).is_ok_and(|visits: i64| visits == 0) && counted.requests == 0;
        figures.known |= !nothing;
        if keys == 0 || nothing {
            continue;
        }
        if figures.rows.len() == ROWS_MAX {
            return Err(FigureError::TooManyRows);
        }
        if let Some(keys) = keys_of(row, query)? {
            figures.rows.push(FigureRow { keys, count: counted });
        }
    }
    Ok(figures)
}

/// Whether it is known what had been received by the end of a day that is over.
///
/// # Errors
/// [`FigureError::HistoryLost`] when it is not.
pub fn remembers(conn: &Connection, as_of: Day, today: Day) -> Result<(), FigureError> {
    match meta::epoch_day(conn)? {
        Some(first) if as_of < first => Err(FigureError::HistoryLost(first)),
        Some(_) => Ok(()),
        // Of this epoch nothing is there yet; what is there comes from another one.
        None if documents::any(conn)? => Err(FigureError::HistoryLost(today)),
        None => Ok(()),
    }
}

/// The values of a row's keys; `None` for a day that none of the period asked for stands beside.
fn keys_of(row: &Row<'_>, query: &Query) -> Result<Option<Vec<String>>, StoreError> {
    let mut keys = Vec::with_capacity(query.by.len());
    for (place, key) in query.by.iter().enumerate() {
        let value = row.get_ref(place).map_err(StoreError::sqlite("summing visits"))?;
        let corrupt = || StoreError::corrupt(format!("a {} in the view of visits", key.name()));
        match (key, query.shift) {
            (Key::Day, Shift::Months(months)) => match day_in_row(value).ok_or_else(corrupt)? {
                day if day_in(day, months, day.day_of_month()).is_none() => return Ok(None),
                day => keys.extend(day_in(day, months, day.day_of_month()).map(|day| day.to_string())),
            },
            _ => keys.push(text(*key, value).ok_or_else(corrupt)?),
        }
    }
    Ok(Some(keys))
}

fn day_in_row(value: ValueRef<'_>) -> Option<Day> {
    Day::from_number(i32::try_from(value.as_i64().ok()?).ok()?)
}

/// A key as people and programs read it, from what SQLite gave.
fn text(key: Key, value: ValueRef<'_>) -> Option<String> {
    let number = || value.as_i64().ok();
    match key {
        Key::Day => day_in_row(value).map(|day| day.to_string()),
        Key::Month => number().map(|month| format!("{:04}-{:02}", month / 12, month % 12 + 1)),
        Key::Quarter => number().map(|quarter| format!("{:04}-Q{}", quarter / 4, quarter % 4 + 1)),
        Key::Year => number().map(|year| format!("{year:04}")),
        _ => value.as_str().ok().map(str::to_owned),
    }
}

/// Bound values under numbered places, so that a condition may stand in the SQL twice.
#[derive(Default)]
pub(super) struct Places(Vec<Value>);

impl Places {
    /// The values, in the order of their places.
    pub(super) fn values(self) -> Vec<Value> {
        self.0
    }

    pub(super) fn bind(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("?{}", self.0.len())
    }

    pub(super) fn number(&mut self, number: i32) -> String {
        self.bind(Value::Integer(i64::from(number)))
    }

    pub(super) fn day(&mut self, day: Day) -> String {
        self.number(day.number())
    }

    /// The condition on a column `site` that lets only these through; all of them when none is named.
    pub(super) fn sites(&mut self, only: Option<&[SiteId]>) -> String {
        match only {
            None => "true".to_owned(),
            Some(sites) => format!("site IN ({})", self.list(sites.iter().map(ToString::to_string))),
        }
    }

    pub(super) fn list(&mut self, values: impl IntoIterator<Item = String>) -> String {
        values.into_iter().map(|value| self.bind(Value::Text(value))).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
pub(crate) mod reckoning;
#[cfg(test)]
mod tests;
