//! What of a site holds from a day on: its life, house, department and bearer.
//!
//! Called by [`super::sites`], which writes sites. The row of a site tells what holds today; the
//! history what held before and will later, for the fields that have ever changed. Each visit
//! counts for the house, department and bearer of its own day: the spans, derived from both, say
//! which. Invariants: each day of each site lies in exactly one span; the region is the
//! department's.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{StoreError, rebuild, rollups};
use crate::site::department_region;

/// The first and the last day of the calendar, as numbers.
const CALENDAR: (i32, i32) = (0, 36_524);

/// A field whose changes are dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the field of that name")]
pub enum Dated {
    Life,
    Parent,
    Department,
    Bearer,
}

impl Dated {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Life, Self::Parent, Self::Department, Self::Bearer];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Life => "life",
            Self::Parent => "parent",
            Self::Department => "department",
            Self::Bearer => "bearer",
        }
    }
}

/// From when a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    day: Day,
    named: bool,
}

impl Since {
    /// From this day on, as somebody said.
    pub const fn named(day: Day) -> Self {
        Self { day, named: true }
    }

    /// From this day on. Where nothing was known before, ever since: what becomes known of a site
    /// has not changed.
    pub const fn learnt(day: Day) -> Self {
        Self { day, named: false }
    }

    /// The same day, whatever was known before.
    pub(super) const fn certain(self) -> Self {
        Self { named: true, ..self }
    }
}

/// One line of a site's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which field.
    pub field: String,
    /// From when; `None` for what held before anything is known to have changed.
    pub from: Option<Day>,
    /// The value; empty for none.
    pub value: String,
}

/// A time within which nothing of this changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The house that the site was attached to.
    pub parent: Option<SiteId>,
    /// Its department.
    pub department: String,
    /// Its region.
    pub region: String,
}

/// The history of a site, field by field.
pub fn of_site(conn: &Connection, site: &SiteId) -> Result<Vec<Held>, StoreError> {
    let sql = "SELECT field, from_day, value FROM site_history WHERE site = ?1 ORDER BY field, from_day";
    sql::rows(conn, "reading a site's history", sql, [site.as_str()], |row| {
        let from: i32 = row.get(1)?;
        let from = Day::from_number(from).filter(|day| day.number() > CALENDAR.0);
        Ok(Held { field: row.get(0)?, from, value: row.get(2)? })
    })
}

/// Gives a field a value from a day on, brings the site's row to what holds `today`, and renews
/// what follows from it. `now` is the value that the row has.
pub(super) fn set(
    conn: &Connection,
    site: &SiteId,
    (field, now): (Dated, &str),
    (value, since): (&str, Since),
    today: Day,
) -> Result<(), StoreError> {
    let mut rows = values(conn, site, field)?;
    if value == now && (rows.is_empty() || !since.named) {
        return Ok(());
    }
    let closed = retired(conn, site)?;
    if rows.is_empty() {
        rows.insert(CALENDAR.0, now.to_owned());
        if !since.named && now.is_empty() {
            rows.insert(CALENDAR.0, value.to_owned());
        } else {
            rows.insert(since.day.number(), value.to_owned());
        }
    } else {
        rows.insert(since.day.number(), value.to_owned());
    }
    keep(conn, site, field, &rows)?;
    if let Some(value) = valid_on(&rows, today) {
        set_row(conn, site, field, value)?;
    }
    respan(conn, site)?;
    // A visit after the last day is put before a person: what is received already is judged anew.
    if field == Dated::Life && retired(conn, site)? != closed {
        rebuild::refold_site(conn, site)?;
    }
    Ok(())
}

/// Brings the rows of all sites to what holds today: some changes were dated ahead.
pub fn bring_forward(conn: &Connection, today: Day) -> Result<(), StoreError> {
    let sql = "SELECT h.site, h.field, h.value FROM site_history h WHERE h.from_day = (SELECT max(x.from_day)
               FROM site_history x WHERE x.site = h.site AND x.field = h.field AND x.from_day <= ?1)";
    let due = sql::rows(conn, "reading what is due", sql, [today.number()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    for (site, field, value) in due {
        let site = site.parse().map_err(|_| StoreError::corrupt(format!("a history of site {site:?}")))?;
        if let Some(field) = Dated::ALL.into_iter().find(|known| known.name() == field) {
            set_row(conn, &site, field, &value)?;
        }
    }
    Ok(())
}

/// The spans of a site that a period meets.
pub fn spans(conn: &Connection, site: &SiteId, (from, to): (Day, Day)) -> Result<Vec<Span>, StoreError> {
    let sql = "SELECT parent, department, region FROM site_span
               WHERE site = ?1 AND from_day <= ?3 AND to_day >= ?2 ORDER BY from_day";
    read(conn, sql, (site.as_str(), from.number(), to.number()))
}

/// The spans of whatever was attached to a house at a time that a period meets.
pub fn attached(conn: &Connection, house: &SiteId, (from, to): (Day, Day)) -> Result<Vec<Span>, StoreError> {
    let sql = "SELECT parent, department, region FROM site_span
               WHERE parent = ?1 AND from_day <= ?3 AND to_day >= ?2 ORDER BY site, from_day";
    read(conn, sql, (house.as_str(), from.number(), to.number()))
}

fn read(conn: &Connection, sql: &str, key: (&str, i32, i32)) -> Result<Vec<Span>, StoreError> {
    sql::rows(conn, "reading the spans of a site", sql, key, |row| {
        let parent: Option<String> = row.get(0)?;
        Ok(Span { parent: parent.and_then(|id| id.parse().ok()), department: row.get(1)?, region: row.get(2)? })
    })
}

/// The first and the last day of a time at which a site had closed for good, where there is one.
pub type Closed = (Option<Day>, Option<Day>);

/// The times at which a site had closed for good that a period meets.
///
/// # Errors
/// When the store fails.
pub fn closed(conn: &Connection, site: &SiteId, (from, to): (Day, Day)) -> Result<Vec<Closed>, StoreError> {
    let met = |(first, last): &(i32, i32)| *first <= to.number() && *last >= from.number();
    let ends = |(first, last): (i32, i32)| {
        let first = Some(first).filter(|first| *first > Day::FIRST.number()).and_then(Day::from_number);
        (first, Some(last).filter(|last| *last < Day::LAST.number()).and_then(Day::from_number))
    };
    Ok(retired(conn, site)?.into_iter().filter(met).map(ends).collect())
}

/// The times at which a site had closed for good, first and last day.
pub(super) fn retired(conn: &Connection, site: &SiteId) -> Result<Vec<(i32, i32)>, StoreError> {
    let sql = "SELECT from_day, to_day FROM site_span WHERE site = ?1 AND life = 'retired' ORDER BY from_day";
    let spans = sql::rows(conn, "reading when a site was closed", sql, [site.as_str()], |row| {
        Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?))
    })?;
    let mut times = Vec::<(i32, i32)>::new();
    for (from, to) in spans {
        match times.last_mut() {
            // Another field changed meanwhile.
            Some(last) if last.1 + 1 == from => last.1 = to,
            _ => times.push((from, to)),
        }
    }
    Ok(times)
}

fn values(conn: &Connection, site: &SiteId, field: Dated) -> Result<BTreeMap<i32, String>, StoreError> {
    let sql = "SELECT from_day, value FROM site_history WHERE site = ?1 AND field = ?2";
    let rows = sql::rows(conn, "reading a site's history", sql, (site.as_str(), field.name()), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.into_iter().collect())
}

fn valid_on(rows: &BTreeMap<i32, String>, day: Day) -> Option<&str> {
    rows.range(..=day.number()).next_back().map(|(_, value)| value.as_str())
}

/// Replaces the history of one field. A line that says what the one before it says is none, and a
/// history of one line is none.
fn keep(conn: &Connection, site: &SiteId, field: Dated, rows: &BTreeMap<i32, String>) -> Result<(), StoreError> {
    let mut lines: Vec<_> = rows.iter().collect();
    lines.dedup_by(|later, earlier| later.1 == earlier.1);
    let clear = "DELETE FROM site_history WHERE site = ?1 AND field = ?2";
    sql::write(conn, "renewing a site's history", clear, (site.as_str(), field.name()))?;
    if lines.len() < 2 {
        return Ok(());
    }
    for (from, value) in lines {
        let sql = "INSERT INTO site_history (site, field, from_day, value) VALUES (?1, ?2, ?3, ?4)";
        sql::write(conn, "keeping a site's history", sql, (site.as_str(), field.name(), from, value))?;
    }
    Ok(())
}

/// Writes into the site's row what holds today.
fn set_row(conn: &Connection, site: &SiteId, field: Dated, value: &str) -> Result<(), StoreError> {
    let doing = "bringing a site up to date";
    match field {
        Dated::Life => {
            sql::write(conn, doing, "UPDATE site SET life = ?2 WHERE id = ?1", (site.as_str(), value))?;
        }
        Dated::Parent => {
            let parent = Some(value).filter(|id| !id.is_empty());
            sql::write(conn, doing, "UPDATE site SET parent = ?2 WHERE id = ?1", (site.as_str(), parent))?;
        }
        Dated::Department => {
            let sql = "UPDATE site SET department = ?2, region = ?3 WHERE id = ?1";
            let region = department_region(value).unwrap_or_default();
            sql::write(conn, doing, sql, (site.as_str(), value, region))?;
        }
        Dated::Bearer => {
            sql::write(conn, doing, "UPDATE site SET bearer = ?2 WHERE id = ?1", (site.as_str(), value))?;
        }
    }
    Ok(())
}

/// A row of the spans: first and last day, life, house, department, region, bearer.
type SpanRow = (i32, i32, String, Option<String>, String, String, String);

/// Folds the spans of a site anew from its row and its history. Where days go to another department,
/// what was counted on them goes along.
pub(super) fn respan(conn: &Connection, site: &SiteId) -> Result<(), StoreError> {
    let spans = folded(conn, site)?;
    let mut lies: Vec<_> = spans.iter().map(|span| (span.0, span.4.clone())).collect();
    lies.dedup_by(|later, earlier| later.1 == earlier.1);
    let moves = departments(conn, site)? != lies;
    if moves {
        rollups::count(conn, site, -1)?;
    }
    sql::write(conn, "renewing a site's spans", "DELETE FROM site_span WHERE site = ?1", [site.as_str()])?;
    for (from, to, life, parent, department, region, bearer) in spans {
        let sql = "INSERT INTO site_span (site, from_day, to_day, life, parent, department, region, bearer)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let span = (site.as_str(), from, to, life, parent, department, region, bearer);
        sql::write(conn, "keeping a site's spans", sql, span)?;
    }
    if moves { rollups::count(conn, site, 1) } else { Ok(()) }
}

/// The departments of a site, each with the day from which it lies there.
fn departments(conn: &Connection, site: &SiteId) -> Result<Vec<(i32, String)>, StoreError> {
    let sql = "SELECT from_day, department FROM site_span WHERE site = ?1 ORDER BY from_day";
    let mut spans = sql::rows(conn, "reading the spans of a site", sql, [site.as_str()], |row| {
        Ok((row.get::<_, i32>(0)?, row.get::<_, String>(1)?))
    })?;
    spans.dedup_by(|later, earlier| later.1 == earlier.1);
    Ok(spans)
}

/// The spans that follow from a site's row and its history.
fn folded(conn: &Connection, site: &SiteId) -> Result<Vec<SpanRow>, StoreError> {
    let sql = "SELECT life, coalesce(parent, ''), department, bearer FROM site WHERE id = ?1";
    let row = sql::row(conn, "reading a site", sql, [site.as_str()], |row| {
        Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    })?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let mut histories = Vec::new();
    for (field, now) in Dated::ALL.into_iter().zip(row) {
        let mut rows = values(conn, site, field)?;
        rows.entry(CALENDAR.0).or_insert(now);
        histories.push(rows);
    }
    let begins: BTreeSet<i32> = histories.iter().flat_map(|rows| rows.keys().copied()).collect();
    let ends = begins.iter().skip(1).map(|begin| begin - 1).chain([CALENDAR.1]);
    let span = |(from, to): (&i32, i32)| {
        let [life, parent, department, bearer] = [0, 1, 2, 3].map(|field| {
            let rows: Option<&BTreeMap<i32, String>> = histories.get(field);
            rows.and_then(|rows| rows.range(..=from).next_back()).map_or("", |(_, value)| value.as_str()).to_owned()
        });
        let parent = Some(parent).filter(|id| !id.is_empty());
        let region = department_region(&department).unwrap_or_default().to_owned();
        (*from, to, life, parent, department, region, bearer)
    };
    Ok(begins.iter().zip(ends).map(span).collect())
}

/// The sites whose spans are not what follows from their rows and their history.
pub(super) fn misspanned(conn: &Connection) -> Result<Vec<SiteId>, StoreError> {
    let doing = "comparing spans";
    let named = "SELECT id FROM site UNION SELECT site FROM site_span";
    let named = sql::rows(conn, doing, named, [], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for site in named {
        // A name that is none any more is told by its seal.
        let Ok(site) = site.parse::<SiteId>() else { continue };
        let sql = "SELECT from_day, to_day, life, parent, department, region, bearer FROM site_span
                   WHERE site = ?1 ORDER BY from_day";
        let kept: Vec<SpanRow> = sql::rows(conn, doing, sql, [site.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })?;
        found.extend((kept != folded(conn, &site)?).then_some(site));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
