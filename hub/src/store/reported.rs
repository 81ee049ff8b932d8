//! What has been reported of each day of each site: a visit, or that the day was closed without one.
//!
//! Kept by `views` in the same transaction as the figures, read by `completeness`. A day is reported
//! while anything counts on it or waits for a person, or while it is closed. It is dated by what was
//! first received of it. Whether that was late, and whether anything was expected, is judged on
//! reading. Invariant: a row of `site_month` says of each day what `visits` and `closed_day` say.

use std::collections::BTreeMap;
use std::sync::Arc;

use msap_shared::io::store::sql;
use msap_shared::time::{Day, Month};
use rusqlite::{Connection, Row, params_from_iter};

use super::StoreError;
use super::figures::{Places, span_condition};
use crate::query::{Query, month_number};

/// Nothing is reported.
const NOTHING: u8 = u8::MAX;
/// The longest lag that is told apart.
const LAG_MAX: i32 = 254;

/// The days of one month of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    visited: u32,
    lag: [u8; 31],
}

impl Default for Reported {
    fn default() -> Self {
        Self { visited: 0, lag: [NOTHING; 31] }
    }
}

impl Reported {
    /// The days on which something counts, or waits for a person; bit 0 is the first.
    pub fn visited(&self) -> u32 {
        self.visited
    }

    /// The days of which anything is reported.
    pub fn days(&self) -> u32 {
        self.mask(|lag| lag != NOTHING)
    }

    /// Those of which the first was received more than so many days after.
    pub fn late(&self, after_days: u8) -> u32 {
        self.mask(|lag| lag != NOTHING && lag > after_days)
    }

    fn mask(&self, holds: impl Fn(u8) -> bool) -> u32 {
        self.lag.iter().enumerate().fold(0, |mask, (bit, lag)| mask | (u32::from(holds(*lag)) << bit))
    }

    fn set(&mut self, day: Day, heard: Heard) {
        let bit = usize::from(day.day_of_month() - 1);
        self.visited = self.visited & !(1 << bit) | (u32::from(heard.visited) << bit);
        let since = heard.first.filter(|_| heard.visited || heard.closed);
        self.lag[bit] = since.map_or(NOTHING, |first| {
            // Where the day is ahead of the hub's, it is received on the same one.
            u8::try_from((first - day.number()).clamp(0, LAG_MAX)).unwrap_or(NOTHING)
        });
    }
}

/// What the base tables say of one day.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    visited: bool,
    closed: bool,
    /// The day on which the first of it was received.
    first: Option<i32>,
}

/// What one turn does to the days of a site's month.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Days, and whether anything was taken away from them.
    days: BTreeMap<Day, bool>,
}

impl Moved {
    /// Something was added to a day, or taken away from it.
    pub(super) fn note(&mut self, day: Day, takes_away: bool) {
        *self.days.entry(day).or_default() |= takes_away;
    }

    /// Brings the month's row to what the tables say now.
    pub(super) fn write(self, conn: &Connection, site: &str, month: Month, received: Day) -> Result<(), StoreError> {
        if self.days.is_empty() {
            return Ok(());
        }
        let number = month_number(month.first_day());
        let sql = "SELECT visited, lag FROM site_month WHERE site = ?1 AND month = ?2";
        let before = sql::row(conn, "reading what is reported", sql, (site, number), |row| read(row, 0))?;
        let before = before.unwrap_or_default();
        let mut after = before;
        for (day, takes_away) in self.days {
            let bit = usize::from(day.day_of_month() - 1);
            let is_known = before.visited & (1 << bit) != 0
                && i32::from(before.lag[bit]) <= (received.number() - day.number()).max(0);
            // More of a day that is known since earlier changes nothing: nearly every visit.
            if takes_away || !is_known {
                after.set(day, heard(conn, site, day)?);
            }
        }
        if after == Reported::default() {
            let sql = "DELETE FROM site_month WHERE site = ?1 AND month = ?2";
            sql::write(conn, "emptying a month", sql, (site, number))?;
        } else if after != before {
            let sql = "INSERT INTO site_month (site, month, visited, lag) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT DO UPDATE SET visited = excluded.visited, lag = excluded.lag";
            sql::write(conn, "noting what is reported", sql, (site, number, after.visited, after.lag))?;
        }
        Ok(())
    }
}

/// Notes that a day was closed (1) or reopened (−1).
pub(crate) fn close(conn: &Connection, site: &str, day: Day, received: Day, by: i64) -> Result<(), StoreError> {
    let key = (site, day.number(), received.number());
    let sql = "INSERT INTO closed_day (site, day, received_day, closed) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET closed = closed + excluded.closed";
    sql::write(conn, "noting a closing", sql, (key.0, key.1, key.2, by))?;
    let sql = "DELETE FROM closed_day WHERE site = ?1 AND day = ?2 AND received_day = ?3 AND closed = 0";
    sql::write(conn, "dropping a closing that was taken back", sql, key)?;
    Ok(())
}

/// What is said of one day, of all that was received.
fn heard(conn: &Connection, site: &str, day: Day) -> Result<Heard, StoreError> {
    // A row of `site_day` has a sum above zero.
    let sql = "SELECT EXISTS (SELECT 1 FROM site_day WHERE site = ?1 AND day = ?2),
               coalesce((SELECT sum(closed) FROM closed_day WHERE site = ?1 AND day = ?2), 0) > 0,
               (SELECT min(received_day) FROM (
                   SELECT received_day FROM visits WHERE site = ?1 AND day = ?2 AND (people > 0 OR requests > 0)
                   UNION ALL SELECT received_day FROM closed_day WHERE site = ?1 AND day = ?2 AND closed > 0))";
    let read = |row: &Row<'_>| Ok(Heard { visited: row.get(0)?, closed: row.get(1)?, first: row.get(2)? });
    Ok(sql::row(conn, "looking what is reported of a day", sql, (site, day.number()), read)?.unwrap_or_default())
}

fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Reported> {
    Ok(Reported { visited: row.get(at)?, lag: row.get(at + 1)? })
}

/// The months of a site, in order.
pub type Months = Vec<(i32, Reported)>;

/// By site.
pub type BySite = BTreeMap<String, Arc<Months>>;

/// What is reported of all months.
pub fn all(conn: &Connection) -> Result<BySite, StoreError> {
    let sql = "SELECT site, month, visited, lag FROM site_month ORDER BY site, month";
    let rows = sql::rows(conn, "reading what is reported", sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?, read(row, 2)?))
    })?;
    let mut found = BTreeMap::<String, Months>::new();
    for (site, month, reported) in rows {
        match found.last_entry() {
            Some(mut last) if *last.key() == site => last.get_mut().push((month, reported)),
            _ => drop(found.insert(site, vec![(month, reported)])),
        }
    }
    Ok(found.into_iter().map(|(site, months)| (site, Arc::new(months))).collect())
}

/// Up to which change of any month the tables are read at this moment.
pub fn touched(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(n), 0) FROM month_touched";
    Ok(sql::row(conn, "reading which months changed", sql, [], |row| row.get(0))?.unwrap_or_default())
}

/// What has changed since.
pub fn bring_up(conn: &Connection, known: &mut BySite, since: i64) -> Result<(), StoreError> {
    let sql = "SELECT t.site, t.month, m.visited, m.lag FROM month_touched t
               LEFT JOIN site_month m ON m.site = t.site AND m.month = t.month WHERE t.n > ?1";
    let rows = sql::rows(conn, "reading what is reported since", sql, [since], |row| {
        let reported = row.get::<_, Option<u32>>(2)?.map(|_| read(row, 2)).transpose()?;
        Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?, reported))
    })?;
    for (site, month, reported) in rows {
        let months = Arc::make_mut(known.entry(site).or_default());
        match (months.binary_search_by_key(&month, |(month, _)| *month), reported) {
            (Ok(at), Some(reported)) => months[at].1 = reported,
            (Ok(at), None) => drop(months.remove(at)),
            (Err(at), Some(reported)) => months.insert(at, (month, reported)),
            (Err(_), None) => {}
        }
    }
    Ok(())
}

/// What had been reported of the days of a question by the end of a day, from the base tables. The
/// filters by matter have no say: a day is reported whole.
pub fn by_then(conn: &Connection, query: &Query, as_of: Day) -> Result<BySite, StoreError> {
    let mut places = Places::default();
    let condition = span_condition(query, &mut places);
    let [from, to, then] = [query.from, query.to, as_of].map(|day| places.day(day));
    let within = format!(
        "site IN (SELECT s.site FROM site_span s WHERE {condition}) AND day BETWEEN {from} AND {to}
         AND received_day <= {then}"
    );
    let sql = format!(
        "SELECT site, day, max(visited), max(closed), min(first) FROM (
             SELECT site, day, max(sum(people), sum(requests)) > 0 AS visited, 0 AS closed,
                 min(CASE WHEN people > 0 OR requests > 0 THEN received_day END) AS first
             FROM visits WHERE {within} GROUP BY site, day, operator, help, age, apart
             UNION ALL
             SELECT site, day, 0, sum(closed) > 0, min(CASE WHEN closed > 0 THEN received_day END)
             FROM closed_day WHERE {within} GROUP BY site, day
         ) GROUP BY site, day ORDER BY site, day"
    );
    let rows = sql::rows(conn, "reading what was reported by then", &sql, params_from_iter(places.values()), |row| {
        let heard = Heard { visited: row.get(2)?, closed: row.get(3)?, first: row.get(4)? };
        Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?, heard))
    })?;
    let mut found = BTreeMap::<String, Months>::new();
    for (site, day, heard) in rows {
        let day = Day::from_number(day).ok_or_else(|| StoreError::corrupt("a figure of no day"))?;
        let months = found.entry(site).or_default();
        let month = month_number(day);
        if months.last().is_none_or(|(last, _)| *last != month) {
            months.push((month, Reported::default()));
        }
        if let Some((_, reported)) = months.last_mut() {
            reported.set(day, heard);
        }
    }
    Ok(found.into_iter().map(|(site, months)| (site, Arc::new(months))).collect())
}

/// The days that a test has put into `visits` by hand, noted anew.
#[cfg(test)]
pub(crate) fn note_anew(conn: &Connection) {
    conn.execute_batch("DELETE FROM site_month").unwrap();
    let sql = "SELECT site, day FROM visits UNION SELECT site, day FROM closed_day";
    let days = sql::rows(conn, "", sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?))).unwrap();
    for (site, day) in days {
        let day = Day::from_number(day).unwrap();
        let mut moved = Moved::default();
        moved.note(day, true);
        moved.write(conn, &site, day.month(), day).unwrap();
    }
}
