//! What is released, and when: periods that ended some days ago, each once.
//!
//! Called by the service, which asks again and again for the next period that is due, reckons it
//! beside the writer and has it kept by the writer. Reading a table releases nothing.
//!
//! A database that went back in time, or was lost, may have released a period that it does not know
//! of, and a second version would tell what differs. So a period is released only if the present
//! epoch began before the period ended: what might have been released before never is again, and
//! what a new database has not been told yet is not released as if nobody had come.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::Value;

use crate::almanac::Pages;
use crate::ask;
use crate::completeness::{self, Rows, told};
use crate::privacy::{MIN_CELL_MIN, Period, Release, Rule, Stopped, Stops, Taken, VISITS, Year, table};
use crate::query::Query;
use crate::store::figures::FigureError;
use crate::store::releases::{self, Note};
use crate::store::{StoreError, journal, meta};

/// How figures are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseRules {
    /// The smallest figure above 0 that is shown.
    pub min_cell: i64,
    /// Days from the end of a period until it is released.
    pub after_days: u16,
    /// How long machines are listened to before anything is released; none: not at all. What is
    /// released stays: a clock that is wrong, or a database that was put back without anybody saying
    /// so, would release what it must not, and machines are who tells.
    pub listen: Duration,
}

impl Default for ReleaseRules {
    fn default() -> Self {
        Self { min_cell: 11, after_days: 15, listen: Duration::from_secs(3_600) }
    }
}

/// A period that is due.
#[derive(Debug)]
pub struct Due {
    period: Period,
    year: Year,
    /// What the period counted, if it is a month.
    taken: Option<Taken>,
    note: Note,
}

/// Why a period is not released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It will be from this day on.
    Until(Day),
    /// An earlier database may have released it.
    Lost,
    /// It should be within the hour.
    Soon,
}

impl ReleaseRules {
    /// The day from which a period is released.
    pub fn due(self, period: Period) -> Option<Day> {
        period.to().map(|last| last.plus_days(self.after_days.into()))
    }
}

/// Why a period that is not released is not.
pub fn waiting(conn: &Connection, period: Period, rules: ReleaseRules, today: Day) -> Result<Waiting, StoreError> {
    let due = rules.due(period).unwrap_or(Day::LAST);
    if due > today {
        return Ok(Waiting::Until(due));
    }
    match meta::epoch_day(conn)?.zip(period.to()) {
        Some((first, last)) if first <= last => {}
        _ => return Ok(Waiting::Lost),
    }
    for part in period.parts() {
        if releases::find(conn, VISITS, part)?.is_none() && waiting(conn, part, rules, today)? == Waiting::Lost {
            return Ok(Waiting::Lost);
        }
    }
    Ok(Waiting::Soon)
}

/// The next period that is due, with all that is needed to release it.
pub fn next(conn: &Connection, pages: &Pages, now: Timestamp) -> Result<Option<Due>, FigureError> {
    let (rules, today) = (pages.rules().release, ask::today(now));
    let Some(first) = meta::epoch_day(conn)? else { return Ok(None) };
    let oldest = first.date().year();
    for number in oldest..=today.date().year() {
        let released = releases::of_year(conn, number)?;
        let is_released = |period: Period| released.iter().any(|(_, other, _)| *other == period);
        let is_due = |period: Period| {
            let whole = period.to().is_some_and(|last| first <= last);
            whole && rules.due(period).is_some_and(|due| due <= today)
        };
        let mut periods = Period::of_year(number).filter(|period| !is_released(*period) && is_due(*period));
        let Some(period) = periods.find(|period| period.parts().all(is_released)) else { continue };
        // One bound for a year: its tables are one system.
        let min_cell = released.first().map_or(rules.min_cell, |(_, _, min_cell)| *min_cell).max(MIN_CELL_MIN);
        let mut year = Year::new(number, Rule { min_cell });
        for period in Period::of_year(number).filter(|period| is_released(*period)) {
            for kind in released.iter().filter(|(_, other, _)| *other == period).map(|(kind, ..)| kind) {
                if let Some((release, _)) = releases::find(conn, kind, period)? {
                    year.restore(&release);
                }
            }
        }
        let month = period.month().map(msap_shared::time::Month::first_day);
        let taken = month.map(|month| releases::take(conn, month)).transpose()?;
        let note =
            Note { min_cell, layout: table::LAYOUT, day: today, completeness: completeness(conn, pages, period, now)? };
        return Ok(Some(Due { period, year, taken, note }));
    }
    Ok(None)
}

/// How complete the figures of a period are, as JSON: numbers of days, and of sites of which none was
/// expected.
fn completeness(conn: &Connection, pages: &Pages, period: Period, now: Timestamp) -> Result<String, FigureError> {
    let (Some(from), Some(to)) = (period.from(), period.to()) else { return Ok("null".to_owned()) };
    let whole = completeness::answer(conn, pages, &Query::of(from, to), now, Rows::Of(BTreeSet::new()))?.total;
    let mut object = told::fields(&whole);
    object.insert("not_expected".to_owned(), whole.not_expected.into());
    Ok(Value::Object(object).to_string())
}

/// Everything that is released of a due period: what takes long, and no database.
///
/// # Errors
/// When it is stopped midway.
pub fn reckon(due: Due, stops: Stops<'_>) -> Result<(Vec<Release>, Note), Stopped> {
    let Due { period, mut year, taken, note } = due;
    if let Some(taken) = taken {
        year.take(period, &taken);
    }
    Ok((year.release(period, stops)?, note))
}

/// Keeps a period's releases, in the caller's transaction.
pub fn keep(conn: &Connection, releases: &[Release], note: &Note, now: Timestamp) -> Result<(), StoreError> {
    for release in releases {
        releases::keep(conn, release, note)?;
    }
    let Some(first) = releases.first() else { return Ok(()) };
    let (period, kinds) = (first.period.to_string(), releases.len());
    let withheld = releases.iter().filter(|release| release.depth.is_none()).count();
    let detail = format!("kinds={kinds} withheld={withheld} min_cell={}", note.min_cell);
    // Returns tell what was released.
    meta::touch_figures(conn)?;
    journal::record(conn, now, journal::FIGURES_RELEASED, &period, &detail)
}
