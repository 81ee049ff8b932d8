//! Sums of the figures, kept up with them: by site and day, and by department, operator, month,
//! help and age.
//!
//! Called by `views` for each difference, by `rebuild` and `history` when a site's figures go or
//! count elsewhere. Invariant: a rollup is the sum of its cells, each of which counts as 0 where it
//! is below zero; a day of a site belongs to the department of its span.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::{Day, Month};
use rusqlite::{Connection, Params};

use super::StoreError;
use crate::ledger::{Cell, Sums};
use crate::query::month_number;

/// People and requests of the totals, and those that wait for a person.
type Four = [i64; 4];

/// What one site adds to the rollups, or takes from them, before it is written.
pub(super) struct Shift<'a> {
    site: &'a str,
    spans: Vec<(i32, i32, String)>,
    /// Whether anything stood on a day before this.
    stood: BTreeMap<i32, bool>,
    by_day: BTreeMap<i32, Four>,
    by_matter: BTreeMap<(String, String, String, String, i32), Four>,
}

impl<'a> Shift<'a> {
    /// Nothing yet, of a site in this period.
    pub(super) fn of(conn: &Connection, site: &'a str, (from, to): (Day, Day)) -> Result<Self, StoreError> {
        let sql = "SELECT from_day, to_day, department FROM site_span
                   WHERE site = ?1 AND from_day <= ?3 AND to_day >= ?2 ORDER BY from_day";
        let key = (site, from.number(), to.number());
        let spans = sql::rows(conn, "reading the spans of a site", sql, key, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(Self { site, spans, stood: BTreeMap::new(), by_day: BTreeMap::new(), by_matter: BTreeMap::new() })
    }

    /// Before a cell of `visits` moves by a difference: what that changes in sums that take a cell
    /// below zero as 0. Each cell once.
    pub(super) fn cell(&mut self, conn: &Connection, (cell, apart): (&Cell, bool), by: Sums) -> Result<(), StoreError> {
        let sql = "SELECT coalesce(sum(people), 0), coalesce(sum(requests), 0) FROM visits WHERE site = ?1
                   AND day = ?2 AND operator = ?3 AND help = ?4 AND age = ?5 AND apart = ?6";
        let Cell { day, operator, help, age } = cell;
        let key = (self.site, day.number(), operator, help, age, apart);
        let before = match self.stood(conn, *day)? {
            true => sql::row(conn, "reading a figure", sql, key, |row| Ok([row.get(0)?, row.get(1)?]))?,
            false => None,
        };
        let [people, requests]: [i64; 2] = before.unwrap_or_default();
        let moved = |before: i64, by: i64| (before + by).max(0) - before.max(0);
        self.add(*day, [operator, help, age], apart, [moved(people, by.people), moved(requests, by.requests)]);
        Ok(())
    }

    /// Asked once for each day: what comes is mostly of days of which nothing came before, cell by cell.
    fn stood(&mut self, conn: &Connection, day: Day) -> Result<bool, StoreError> {
        let number = day.number();
        if let Some(stood) = self.stood.get(&number) {
            return Ok(*stood);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM visits WHERE site = ?1 AND day = ?2)";
        let stood = sql::row(conn, "looking for figures of a day", sql, (self.site, number), |row| row.get(0))?;
        Ok(*self.stood.entry(number).or_insert(stood.unwrap_or_default()))
    }

    /// Everything that the site has in a period; `sign` −1 takes it away.
    pub(super) fn all(&mut self, conn: &Connection, (from, to): (Day, Day), sign: i64) -> Result<(), StoreError> {
        let sql = "SELECT day, operator, help, age, apart, max(sum(people), 0), max(sum(requests), 0) FROM visits
                   WHERE site = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY day, operator, help, age, apart";
        let key = (self.site, from.number(), to.number());
        let cells = sql::rows(conn, "reading the figures of a site", sql, key, |row| {
            let text = |n| row.get::<_, String>(n);
            Ok((row.get::<_, i32>(0)?, [text(1)?, text(2)?, text(3)?], row.get(4)?, [row.get(5)?, row.get(6)?]))
        })?;
        for (day, matter, apart, sums) in cells {
            let day = Day::from_number(day).ok_or_else(|| StoreError::corrupt("a figure of no day"))?;
            let sums: [i64; 2] = sums;
            self.add(day, matter.each_ref().map(String::as_str), apart, sums.map(|sum| sign * sum));
        }
        Ok(())
    }

    fn add(&mut self, day: Day, [operator, help, age]: [&str; 3], apart: bool, [people, requests]: [i64; 2]) {
        let by = if apart { [0, 0, people, requests] } else { [people, requests, 0, 0] };
        let number = day.number();
        let within = |(from, to, _): &&(i32, i32, String)| (*from..=*to).contains(&number);
        let department = self.spans.iter().find(within).map(|(_, _, department)| department.clone());
        let matter = |help: &str, age: &str| {
            let department = department.clone().unwrap_or_default();
            (help.to_owned(), age.to_owned(), department, operator.to_owned(), month_number(day))
        };
        let add = |sums: &mut Four| sums.iter_mut().zip(by).for_each(|(sum, by)| *sum += by);
        add(self.by_day.entry(number).or_default());
        add(self.by_matter.entry(matter(help, age)).or_default());
        // Under no help and no age, the sum over all of them.
        add(self.by_matter.entry(matter("", "")).or_default());
    }

    /// Writes it.
    pub(super) fn write(self, conn: &Connection) -> Result<(), StoreError> {
        for (day, by) in self.by_day.into_iter().filter(|(_, by)| *by != [0; 4]) {
            let [people, requests, people_apart, requests_apart] = by;
            let row = (self.site, day, people, requests, people_apart, requests_apart);
            let sql = "INSERT INTO site_day (site, day, people, requests, people_apart, requests_apart)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
                       people = people + excluded.people, requests = requests + excluded.requests,
                       people_apart = people_apart + excluded.people_apart,
                       requests_apart = requests_apart + excluded.requests_apart";
            let emptied = "DELETE FROM site_day WHERE site = ?1 AND day = ?2
                           AND people = 0 AND requests = 0 AND people_apart = 0 AND requests_apart = 0";
            summed(conn, (sql, row), (emptied, (self.site, day)), by)?;
        }
        for ((help, age, department, operator, month), by) in self.by_matter.iter().filter(|(_, by)| **by != [0; 4]) {
            let [people, requests, people_apart, requests_apart] = by;
            let key = (department, operator, month, help, age);
            let row = (department, operator, month, help, age, people, requests, people_apart, requests_apart);
            let sql = "INSERT INTO department_month
                       (department, operator, month, help, age, people, requests, people_apart, requests_apart)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET
                       people = people + excluded.people, requests = requests + excluded.requests,
                       people_apart = people_apart + excluded.people_apart,
                       requests_apart = requests_apart + excluded.requests_apart";
            let emptied = "DELETE FROM department_month WHERE department = ?1 AND operator = ?2 AND month = ?3
                           AND help = ?4 AND age = ?5
                           AND people = 0 AND requests = 0 AND people_apart = 0 AND requests_apart = 0";
            summed(conn, (sql, row), (emptied, key), *by)?;
        }
        Ok(())
    }
}

/// Adds to one sum. An empty row says nothing, and whether it exists would depend on the order of
/// arrival: it goes. Only what takes away can leave one.
fn summed(
    conn: &Connection,
    (sql, row): (&str, impl Params),
    (emptied, key): (&str, impl Params),
    by: Four,
) -> Result<(), StoreError> {
    sql::write(conn, "moving a sum", sql, row)?;
    if by.iter().any(|part| *part < 0) {
        sql::write(conn, "emptying a sum", emptied, key)?;
    }
    Ok(())
}

/// Takes what a site has in a month, which goes, out of the rollups.
pub(super) fn withdraw(conn: &Connection, site: &str, month: Month) -> Result<(), StoreError> {
    let period = (month.first_day(), month.last_day());
    let mut shift = Shift::of(conn, site, period)?;
    shift.all(conn, period, -1)?;
    shift.write(conn)
}

/// Counts all that a site has for the departments of its spans, with sign 1, or takes it away from
/// them, with sign −1.
pub fn count(conn: &Connection, site: &SiteId, sign: i64) -> Result<(), StoreError> {
    let period = (Day::FIRST, Day::LAST);
    let mut shift = Shift::of(conn, site.as_str(), period)?;
    shift.all(conn, period, sign)?;
    shift.write(conn)
}

/// Sums anew what a test has put into `visits` by hand.
#[cfg(test)]
pub(crate) fn sum_anew(conn: &Connection) {
    conn.execute_batch("DELETE FROM site_day; DELETE FROM department_month").unwrap();
    let sites = sql::rows(conn, "", "SELECT id FROM site", [], |row| row.get::<_, String>(0)).unwrap();
    sites.iter().for_each(|site| count(conn, &site.parse().unwrap(), 1).unwrap());
}
