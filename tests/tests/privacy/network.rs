//! A year of a network, released month by month as a hub does it, well or badly.

use std::collections::BTreeMap;
use std::time::Duration;

use msap_hub::almanac::Pages;
use msap_hub::privacy::{Period, Release, State, Year};
use msap_hub::release::{self, ReleaseRules};
use msap_hub::store::figures::FigureError;
use msap_hub::store::releases::Note;
use msap_hub::store::{MIGRATIONS, StoreError, releases};
use msap_shared::time::Day;
use msap_tests::generator::Chance;
use rusqlite::Connection;

/// What a hub could get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Only small cells are hidden.
    Alone,
    /// What protects a cell is hidden in its own table, but not in the sums above it.
    NoTree,
    /// 11 is taken for a round 10.
    RoundBound,
    /// Quarters are summed anew, with what came late.
    Unfrozen,
}

/// One month's cell: department, operator, help, age, people, requests.
pub(super) type Counted = (String, String, String, String, i64, i64);

pub(super) fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

/// An empty hub that began before the year.
pub(super) fn hub() -> Connection {
    let conn = Connection::open_in_memory().expect("memory is there");
    MIGRATIONS.iter().for_each(|sql| conn.execute_batch(sql).expect("a migration runs"));
    msap_hub::store::meta::date_epoch(&conn, day("2025-01-20")).expect("an epoch");
    conn
}

/// Puts a month's figures where the ledger would.
pub(super) fn count(conn: &Connection, month: u8, counted: &[Counted]) -> rusqlite::Result<()> {
    let number = 2025 * 12 + i32::from(month) - 1;
    let sql = "INSERT INTO department_month (department, operator, month, help, age, people, requests, people_apart,
               requests_apart) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0) ON CONFLICT DO UPDATE SET
               people = people + excluded.people, requests = requests + excluded.requests";
    let mut insert = conn.prepare_cached(sql)?;
    for (department, operator, help, age, people, requests) in counted {
        insert.execute((department, operator, number, help, age, people, requests))?;
        insert.execute((department, operator, number, "", "", people, requests))?;
    }
    Ok(())
}

pub(super) const RULES: ReleaseRules =
    ReleaseRules { min_cell: 11, after_days: 15, listen: Duration::from_secs(3_600) };

/// Releases everything that is due on a day.
pub(super) fn release(conn: &Connection, today: Day, fault: Fault) -> Result<Vec<Period>, FigureError> {
    let noon = format!("{today}T12:00:00Z").parse().expect("a time");
    let mut released = Vec::new();
    while let Some(due) = release::next(conn, &Pages::default(), noon)? {
        let (mut found, note) = release::reckon(due, &|| false).expect("nobody stops it");
        let Some(period) = found.first().map(|release| release.period) else { break };
        if fault == Fault::Unfrozen && period.month().is_none() {
            found = summed_anew(conn, period)?;
        }
        found.iter_mut().for_each(|release| spoil(release, fault));
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        release::keep(conn, &found, &note, now)?;
        released.push(period);
    }
    Ok(released)
}

/// What a hub would release that sums what it holds today.
fn summed_anew(conn: &Connection, period: Period) -> Result<Vec<Release>, StoreError> {
    let rule = msap_hub::privacy::Rule { min_cell: RULES.min_cell };
    let mut year = Year::new(2025, rule);
    let mut last = Vec::new();
    for part in Period::of_year(2025) {
        if let Some(month) = part.month() {
            year.take(part, &releases::take(conn, month.first_day())?);
        }
        last = year.release(part, &|| false).expect("nobody stops it");
        if part == period {
            break;
        }
    }
    Ok(last)
}

fn spoil(release: &mut Release, fault: Fault) {
    let is_month = release.period.month().is_some();
    for cell in &mut release.cells {
        let is_above = !is_month || !cell.place.starts_with("department") || cell.one.is_empty();
        cell.state = match (fault, cell.state) {
            (Fault::Alone, State::Complement) => State::Shown,
            (Fault::NoTree, State::Complement) if is_above => State::Shown,
            (Fault::RoundBound, State::Low) if cell.value >= 10 => State::Shown,
            (_, state) => state,
        };
    }
}

/// A cell of a release: period, place, both names and the figure.
pub(super) type Released = (Period, String, String, String, i64);

/// The cells of a kind that nobody may work out, and the least that their figures must be apart.
pub(super) fn hidden(conn: &Connection, kind: &str) -> Result<Vec<Released>, StoreError> {
    let mut hidden = Vec::new();
    for (period, _) in releases::periods(conn, kind)? {
        let Some((release, Note { min_cell, .. })) = releases::find(conn, kind, period)? else { continue };
        let given: BTreeMap<_, _> =
            release.cells.iter().filter(|cell| cell.one.is_empty()).map(|cell| (cell.place.clone(), cell)).collect();
        for cell in &release.cells {
            let is_few =
                given.get(&cell.place).is_some_and(|total| total.state == State::Given && total.value < min_cell);
            let is_small = (1..min_cell).contains(&cell.value);
            let is_hidden = match cell.state {
                State::Low | State::Complement => true,
                State::Withheld => is_small,
                State::Absent | State::Given | State::Shown => false,
            };
            if is_hidden {
                let span = if is_few { 1 } else { min_cell / 2 };
                hidden.push((period, cell.place.clone(), cell.one.clone(), cell.two.clone(), span));
            }
        }
    }
    Ok(hidden)
}

/// A month of a small network with many departments of few visits.
pub(super) fn month(departments: &[&str], chance: &mut Chance) -> Vec<Counted> {
    const OPERATORS: [(&str, f64); 4] = [("CNAF", 0.55), ("DGFIP", 0.3), ("MSA", 0.1), ("JUSTICE", 0.05)];
    const HELPS: [(&str, f64); 3] = [("online", 0.7), ("information", 0.25), ("referral", 0.05)];
    const AGES: [(&str, f64); 5] = [("18-24", 0.1), ("25-39", 0.4), ("50-59", 0.3), ("70+", 0.15), ("unknown", 0.05)];
    let mut counted = Vec::new();
    for (place, department) in departments.iter().enumerate() {
        // From a few to some hundred.
        let visits = [3, 12, 40, 90, 200, 400][(place + chance.below(2)) % 6] + chance.below(20);
        for _ in 0..visits {
            let [operator, help, age] =
                [chance.pick(&OPERATORS), chance.pick(&HELPS), chance.pick(&AGES)].map(|code| (*code).to_owned());
            let requests = 1 + i64::from(chance.below(2) == 0);
            counted.push(((*department).to_owned(), operator, help, age, 1, requests));
        }
    }
    counted
}
