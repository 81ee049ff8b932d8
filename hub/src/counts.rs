//! Figures as the API, the command line and files tell them: with what they are compared with, and
//! with what has moved them since.
//!
//! Called by `http::visits` and by `admin::look`; a row's keys are told by `completeness` too. The columns of the sheet are the keys asked for in
//! their order (`site` followed by `site_name`), `visits`, `requests`, under `compare` those of the
//! other period, the differences and the percentages, and, unless all keys are of what was asked for,
//! `expected` and `reported` days.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::time::Day;
use msap_shared::wording::{calendar_day, calendar_days};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::almanac::Pages;
use crate::ask;
use crate::completeness::{self, Completeness, Rows, Tally, told};
use crate::lang::Lang;
use crate::query::{Key, Query};
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::store::figures::{self, Cause, Count, FigureError, Figures, Moved, ROWS_MAX};
use crate::words::nouns;

pub(crate) mod keys;

/// One answer, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    query: Query,
    today: Day,
    total: Told,
    rows: Vec<(Vec<String>, Told)>,
    flagged: Count,
    /// The period compared with, if there is one.
    other: Option<(Day, Day)>,
    since: Option<Since>,
    completeness: Completeness,
    /// That of the period compared with.
    completeness_then: Option<Tally>,
    /// Today's names of the sites in the rows.
    names: BTreeMap<String, String>,
}

/// A figure, and the one it is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// What is asked for.
    pub now: Count,
    /// `None` where nothing was received to compare with.
    pub then: Option<Count>,
}

/// Figures beside those of the period that they are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides {
    /// Of all that is asked for.
    pub total: Told,
    /// By the values of the keys, in their order.
    pub rows: Vec<(Vec<String>, Told)>,
    /// What is counted, though somebody should look at it.
    pub flagged: Count,
    /// First and last day of the period compared with.
    pub other: Option<(Day, Day)>,
}

/// What has moved a total since the day it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Since {
    total: Count,
    moved: Vec<Moved>,
    refused: i64,
}

/// Answers a question.
///
/// # Errors
/// When it has no answer, or the store fails.
pub fn answer(conn: &Connection, pages: &Pages, query: Query, now: Timestamp) -> Result<Counts, FigureError> {
    let today = ask::today(now);
    if let Some(as_of) = query.as_of
        && as_of < today
    {
        figures::remembers(conn, as_of, today)?;
    }
    let Sides { total, mut rows, flagged, other } = sides(conn, &query)?;
    let since = match query.as_of {
        None => None,
        Some(as_of) => Some(since(conn, &query, as_of, total.now)?),
    };
    let wanted = rows.iter().map(|(keys, _)| placed(&query, keys)).collect();
    let wanted = if tells_silence(&query) { Rows::Expected(wanted) } else { Rows::Of(wanted) };
    let completeness = completeness::answer(conn, pages, &query, now, wanted)?;
    if tells_silence(&query) {
        rows = with_silent(rows, &completeness, Count::none(&query))?;
    }
    let names = keys::names(conn, &query, rows.iter().map(|(keys, _)| keys))?;
    let of_other = |other: &Query| {
        let whole = Query { by: Vec::new(), ..other.clone() };
        completeness::answer(conn, pages, &whole, now, Rows::Of(BTreeSet::new())).map(|found| found.total)
    };
    let completeness_then = query.compared().as_ref().map(of_other).transpose()?;
    Ok(Counts { query, today, total, rows, flagged, other, since, completeness, completeness_then, names })
}

/// The figures alone.
///
/// # Errors
/// When there are too many rows, or the store fails.
pub fn sides(conn: &Connection, query: &Query) -> Result<Sides, FigureError> {
    let found = figures::answer(conn, query)?;
    let compared = query.compared();
    let other = compared.as_ref().map(|other| (other.from, other.to));
    let then = compared.as_ref().map(|other| figures::answer(conn, other)).transpose()?.filter(|then| then.known);
    let total = Told { now: found.total, then: then.as_ref().map(|then| then.total) };
    let flagged = found.flagged;
    Ok(Sides { total, rows: side_by_side(found, then, Count::none(query))?, flagged, other })
}

/// The keys of a row that tell when and where.
fn placed(query: &Query, keys: &[String]) -> Vec<String> {
    let known = completeness::keys(&query.by);
    let pairs = query.by.iter().zip(keys);
    pairs.filter(|(key, _)| known.contains(key)).map(|(_, value)| value.clone()).collect()
}

/// Whether a row is of a place, at a time or at all: then who was expected and said nothing has one
/// too. A silence has no operator, help or age.
fn tells_silence(query: &Query) -> bool {
    let is_place = |key: &Key| matches!(key, Key::Site | Key::Department | Key::Region | Key::Bearer);
    query.by.iter().any(is_place) && completeness::keys(&query.by).len() == query.by.len()
}

/// The rows with those of which something was expected and nothing came, in the order of their keys.
fn with_silent(
    rows: Vec<(Vec<String>, Told)>,
    found: &Completeness,
    none: Count,
) -> Result<Vec<(Vec<String>, Told)>, FigureError> {
    let mut rows: BTreeMap<_, _> = rows.into_iter().collect();
    for (keys, _) in found.rows.iter().filter(|(_, tally)| tally.expected > 0) {
        rows.entry(keys.clone()).or_insert(Told { now: none, then: None });
    }
    if rows.len() > ROWS_MAX { Err(FigureError::TooManyRows) } else { Ok(rows.into_iter().collect()) }
}

fn since(conn: &Connection, query: &Query, as_of: Day, then: Count) -> Result<Since, FigureError> {
    let now = figures::answer(conn, &Query { by: Vec::new(), as_of: None, compare: None, ..query.clone() })?;
    // What is keyed by operator or help has no visits, whatever the total alone would have.
    let total = Count { visits: then.visits.and(now.total.visits), ..now.total };
    Ok(Since {
        total: total.less(then),
        moved: figures::moved(conn, query, as_of)?,
        refused: figures::refused(conn, query, as_of)?,
    })
}

/// The rows of both periods, in the order of their keys.
fn side_by_side(now: Figures, then: Option<Figures>, none: Count) -> Result<Vec<(Vec<String>, Told)>, FigureError> {
    let Some(then) = then else {
        return Ok(now.rows.into_iter().map(|row| (row.keys, Told { now: row.count, then: None })).collect());
    };
    let told = |row: figures::FigureRow| (row.keys, Told { now: row.count, then: None });
    let mut rows: BTreeMap<_, _> = now.rows.into_iter().map(told).collect();
    for row in then.rows {
        rows.entry(row.keys).or_insert(Told { now: none, then: None }).then = Some(row.count);
    }
    if rows.len() > ROWS_MAX { Err(FigureError::TooManyRows) } else { Ok(rows.into_iter().collect()) }
}

impl Counts {
    /// Whether a figure of the answer is so small, and so finely told, that it may be one person's:
    /// an age with a matter, a place or a day, or a matter at one place on one day.
    pub fn may_tell_a_person(&self, min_cell: i64) -> bool {
        let small = |count: Count| {
            let figures = [Some(count.requests), count.visits];
            figures.into_iter().flatten().any(|figure| (1..min_cell).contains(&figure))
        };
        let shown = |told: &Told| small(told.now) || told.then.is_some_and(small);
        self.query.is_fine() && (shown(&self.total) || self.rows.iter().any(|(_, told)| shown(told)))
    }
}

impl Table for Counts {
    fn object(&self) -> Value {
        let Self { query, total, rows, flagged, .. } = self;
        let row = |(values, told): &(Vec<String>, Told)| {
            let mut object = keys::fields(query, values, &self.names);
            object.extend(self.told(told));
            if let Some(tally) = self.tally(values) {
                object.insert("expected".to_owned(), json!(tally.expected));
                object.insert("reported".to_owned(), json!(tally.reported));
            }
            Value::Object(object)
        };
        let mut object = json!({
            "as_of": query.as_of.unwrap_or(self.today).to_string(),
            "from": query.from.to_string(),
            "to": query.to.to_string(),
            "by": query.by.iter().map(|key| key.name()).collect::<Vec<_>>(),
            "total": self.told(total),
            "rows": rows.iter().map(row).collect::<Vec<_>>(),
            "flagged": count(*flagged),
            "completeness": told::beside(&self.completeness, query),
        });
        if let Some(compare) = query.compare {
            object["compare"] = json!({
                "with": compare.name(),
                "from": self.other.map(|(from, _)| from.to_string()),
                "to": self.other.map(|(_, to)| to.to_string()),
                "completeness": self.completeness_then.as_ref().map(told::fields),
            });
        }
        if let Some(since) = &self.since {
            object["since"] = since.object();
        }
        object
    }

    /// The rows, or the total of a question without keys.
    fn sheet(&self) -> Sheet {
        let mut columns = keys::columns(&self.query);
        let sums = [("visits", "visites"), ("requests", "demandes")];
        columns.extend(sums.map(|(name, french)| Column::new(name, french)));
        if self.query.compare.is_some() {
            let parts = [("compared", "comparées"), ("difference", "écart"), ("percent", "écart en %")];
            let pairs = parts.into_iter().flat_map(|part| sums.map(|sum| (sum, part)));
            columns.extend(pairs.map(|((sum, sum_fr), (part, part_fr))| {
                Column::new(format!("{sum}_{part}"), format!("{sum_fr} : {part_fr}"))
            }));
        }
        if self.query.by.is_empty() || !completeness::keys(&self.query.by).is_empty() {
            columns.push(Column::new("expected", "jours attendus"));
            columns.push(Column::new("reported", "jours reçus"));
        }
        let whole = [(Vec::new(), self.total)];
        let rows = if self.query.by.is_empty() { &whole[..] } else { &self.rows };
        Sheet { columns, rows: rows.iter().map(|(keys, told)| self.cells(keys, told)).collect() }
    }

    fn summary(&self, lang: Lang) -> String {
        let period = |from: Day, to: Day| calendar_days((from, to), lang);
        let told = |count: Count| nouns::figures(count.visits, count.requests, lang);
        let (total, flagged) = (told(self.total.now), nouns::requests(self.flagged.requests, lang));
        let asked = period(self.query.from, self.query.to);
        let mut text =
            lang.of(format!("{asked} : {total} (à part : {flagged})"), format!("{asked}: {total} (apart: {flagged})"));
        text.push_str(&format!("\n{}", told::said(&self.completeness, lang)));
        if self.query.compare.is_some() {
            let other = self.other.map(|(from, to)| period(from, to));
            let other = other.unwrap_or_else(|| lang.of("avant le calendrier", "before the calendar").to_owned());
            text.push_str(&match self.total.then {
                Some(then) => lang.of(format!("\n{other} : {}", told(then)), format!("\n{other}: {}", told(then))),
                None => lang.of(
                    format!("\n{other} : rien de reçu, rien à comparer"),
                    format!("\n{other}: nothing received, nothing to compare with"),
                ),
            });
        }
        if let (Some(as_of), Some(since)) = (self.query.as_of, &self.since) {
            let (as_of, moved) = (calendar_day(as_of, lang), change(since.total, lang));
            text.push_str(&lang.of(
                format!("\nreçu à la fin du {as_of} ; depuis : {moved}"),
                format!("\nas received by the end of {as_of}; since: {moved}"),
            ));
            for cause in Cause::ALL {
                let sum = since.of(cause);
                if let Some(sum) = sum {
                    let (cause, moved) = (lang.of(french_cause(cause), cause.name()), change(sum, lang));
                    text.push_str(&lang.of(format!("\n  {cause} : {moved}"), format!("\n  {cause}: {moved}")));
                }
            }
        }
        text
    }
}

impl Counts {
    /// The days of a row; `None` where its keys are neither times nor places.
    fn tally(&self, keys: &[String]) -> Option<Tally> {
        let keys = placed(&self.query, keys);
        let is_told = self.query.by.is_empty() || !keys.is_empty();
        let rows = &self.completeness.rows;
        let found =
            if keys.is_empty() { self.completeness.total } else { rows.get(&keys).copied().unwrap_or_default() };
        is_told.then_some(found)
    }

    fn told(&self, Told { now, then }: &Told) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("visits".to_owned(), json!(now.visits));
        object.insert("requests".to_owned(), json!(now.requests));
        if self.query.compare.is_some() {
            let difference = then.map(|then| now.less(then));
            let percent = then.map(|then| {
                let (visits, requests) = percents(*now, then);
                json!({ "visits": visits, "requests": requests })
            });
            object.insert("compared".to_owned(), json!(then.map(count)));
            object.insert("difference".to_owned(), json!(difference.map(count)));
            object.insert("percent".to_owned(), json!(percent));
        }
        object
    }

    fn cells(&self, values: &[String], Told { now, then }: &Told) -> Vec<Cell> {
        let mut cells = keys::cells(&self.query, values, &self.names);
        let number = |number: Option<i64>| number.map_or(Cell::None, Cell::Number);
        let both = |count: Option<Count>| {
            [number(count.and_then(|count| count.visits)), number(count.map(|count| count.requests))]
        };
        cells.extend(both(Some(*now)));
        if self.query.compare.is_some() {
            cells.extend(both(*then));
            cells.extend(both(then.map(|then| now.less(then))));
            let (visits, requests) = then.map_or((None, None), |then| percents(*now, then));
            cells.extend([visits, requests].map(|percent| percent.map_or(Cell::None, Cell::Decimal)));
        }
        if let Some(Tally { expected, reported, .. }) = self.tally(values) {
            cells.extend([expected, reported].map(|days| Cell::Number(days.into())));
        }
        cells
    }
}

impl Since {
    /// The sum for one cause, if anything moved for it.
    fn of(&self, cause: Cause) -> Option<Count> {
        let parts = self.moved.iter().filter(|moved| moved.cause == cause).map(|moved| moved.by);
        parts.reduce(|mut sum, part| {
            sum.add(part);
            sum
        })
    }

    fn object(&self) -> Value {
        let none = Count { visits: self.total.visits.map(|_| 0), requests: 0 };
        let [late, corrections, settled] = Cause::ALL.map(|cause| self.of(cause).unwrap_or(none));
        // A figure below zero counts as 0: what moved it moves the total by less.
        let rest = [late, corrections, settled].into_iter().fold(self.total, Count::less);
        let moved = |Moved { received, cause, by }: &Moved| {
            json!({
                "received_day": received.to_string(), "cause": cause.name(),
                "visits": by.visits, "requests": by.requests,
            })
        };
        json!({
            "visits": self.total.visits,
            "requests": self.total.requests,
            "late": count(late),
            "correction": count(corrections),
            "settled": count(settled),
            "negative": count(rest),
            "refused": { "changes": self.refused },
            "by_received_day": self.moved.iter().map(moved).collect::<Vec<_>>(),
        })
    }
}

fn count(count: Count) -> Value {
    json!({ "visits": count.visits, "requests": count.requests })
}

/// By how many percent a figure is higher; none of nothing.
fn percents(now: Count, then: Count) -> (Option<f64>, Option<f64>) {
    let percent = |now: i64, then: i64| {
        let tenths = |now: i64| (now - then) as f64 * 1_000.0 / then as f64;
        (then != 0).then(|| tenths(now).round() / 10.0)
    };
    let visits = now.visits.zip(then.visits).and_then(|(now, then)| percent(now, then));
    (visits, percent(now.requests, then.requests))
}

/// By how much figures moved, with their sign.
fn change(Count { visits, requests }: Count, lang: Lang) -> String {
    let signed = |n: i64, text: String| if n > 0 { format!("+{text}") } else { text };
    let visits = visits.map(|n| signed(n, nouns::visits(n, lang)));
    let requests = signed(requests, nouns::requests(requests, lang));
    visits.into_iter().chain([requests]).collect::<Vec<_>>().join(", ")
}

fn french_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Late => "reçu en retard",
        Cause::Correction => "corrections",
        Cause::Settled => "décisions",
    }
}

#[cfg(test)]
mod tests;
