//! What the last checks of the whole database found.
//!
//! Kept by the core after each [`super::check::look`] that a hub made of its own database, at night or
//! when asked. Read by `doctor`, by the fleet and by the metrics.

use jiff::Timestamp;
use msap_shared::io::store::sql;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::check::CheckReport;

/// Runs that are kept.
const KEPT_MAX: u32 = 100;
/// Findings whose words are kept, of each run.
const TOLD_MAX: usize = 50;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// Seconds since 1970 at which it began.
    pub at: i64,
    /// Seconds since 1970 at which it had ended.
    pub ended: i64,
    /// Documents read.
    pub documents: u64,
    /// Changes read.
    pub changes: u64,
    /// Damage to what is kept.
    pub problems: u64,
    /// Rows of the registry that are not what their seals say, unless a person sealed them since.
    pub registry: u64,
    /// Where views and changes differ, unless the views were folded anew since.
    pub differences: u64,
    /// Figures below zero: desks have made them, no disk has.
    pub negative: u64,
    /// The first findings, in words.
    pub told: Vec<String>,
}

impl CheckRun {
    /// What a report amounts to.
    pub fn of(report: &CheckReport, (began, ended): (Timestamp, Timestamp)) -> Self {
        let CheckReport { documents, changes, problems, registry, differences, negative } = report;
        let told = problems.iter().chain(registry).chain(differences).take(TOLD_MAX);
        // A finding is one line.
        let told = told.map(|line| line.replace('\n', " ")).collect();
        let count = |found: &Vec<String>| found.len() as u64;
        Self {
            at: began.as_second(),
            ended: ended.as_second(),
            documents: *documents,
            changes: *changes,
            problems: count(problems),
            registry: count(registry),
            differences: count(differences),
            negative: count(negative),
            told,
        }
    }

    /// How many findings say that the database is not what was written, or does not follow from it.
    pub fn drift(&self) -> u64 {
        self.problems + self.registry + self.differences
    }
}

/// Keeps a run, and the latest ones before it. What a wrong clock dated after it goes, or it would be the last one for ever.
pub fn keep(conn: &Connection, run: &CheckRun) -> Result<(), StoreError> {
    let doing = "keeping what a check found";
    let CheckRun { at, ended, documents, changes, problems, registry, differences, negative, told } = run;
    let sql = "INSERT OR REPLACE INTO check_run
                   (at, ended, documents, changes, problems, registry, differences, negative, told)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let row = (at, ended, documents, changes, problems, registry, differences, negative, told.join("\n"));
    sql::write(conn, doing, sql, row)?;
    sql::write(conn, doing, "DELETE FROM check_run WHERE at > ?1", [at])?;
    let sql = "DELETE FROM check_run WHERE at NOT IN (SELECT at FROM check_run ORDER BY at DESC LIMIT ?1)";
    sql::write(conn, doing, sql, [KEPT_MAX])?;
    Ok(())
}

/// The last run; `None` before the first.
pub fn last(conn: &Connection) -> Result<Option<CheckRun>, StoreError> {
    let sql = "SELECT at, ended, documents, changes, problems, registry, differences, negative, told
               FROM check_run ORDER BY at DESC LIMIT 1";
    sql::row(conn, "reading what the last check found", sql, [], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<CheckRun> {
    Ok(CheckRun {
        at: row.get(0)?,
        ended: row.get(1)?,
        documents: row.get(2)?,
        changes: row.get(3)?,
        problems: row.get(4)?,
        registry: row.get(5)?,
        differences: row.get(6)?,
        negative: row.get(7)?,
        told: row.get::<_, String>(8)?.lines().map(str::to_owned).collect(),
    })
}

/// The views were folded anew: what the last run found to differ does not any more. Earlier runs keep what they found.
pub fn rebuilt(conn: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE check_run SET differences = 0 WHERE at = (SELECT max(at) FROM check_run)";
    sql::write(conn, "noting that views were rebuilt", sql, [])?;
    Ok(())
}

/// A person has sealed the registry as it is, after the last run.
pub fn sealed(conn: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE check_run SET registry = 0 WHERE at = (SELECT max(at) FROM check_run)";
    sql::write(conn, "noting that the registry was sealed", sql, [])?;
    Ok(())
}

/// Notes when a hub first served this database, unless that is known: from then on a check is awaited.
pub fn await_from(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO meta (key, value) VALUES ('served_from', ?1)";
    sql::write(conn, "noting when the hub first served", sql, [now.as_second()])?;
    Ok(())
}

/// Seconds since 1970 from which on a check is awaited; `None` while no hub has served this database.
pub fn awaited_from(conn: &Connection) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'served_from'";
    sql::row(conn, "reading when the hub first served", sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(at: i64) -> CheckRun {
        CheckRun {
            at,
            ended: at + 5,
            documents: 3,
            changes: 20,
            problems: 1,
            registry: 2,
            differences: 4,
            negative: 8,
            told: vec!["fact (é) stood".to_owned(), "site 275".to_owned()],
        }
    }

    #[test]
    fn the_last_run_is_told_until_what_it_found_is_put_right() {
        let conn = crate::store::empty();
        assert_eq!(last(&conn).unwrap(), None);
        for at in 0..i64::from(KEPT_MAX) + 5 {
            keep(&conn, &run(at)).unwrap();
        }
        let found = last(&conn).unwrap().unwrap();
        assert_eq!((found.drift(), &found), (7, &run(i64::from(KEPT_MAX) + 4)));
        // One that a wrong clock dated ahead is not the last once the clock is right.
        let clean = CheckRun { problems: 0, registry: 0, differences: 0, ..run(1_900_000_000) };
        keep(&conn, &clean).unwrap();
        keep(&conn, &run(i64::from(KEPT_MAX) + 4)).unwrap();
        assert_eq!(last(&conn).unwrap().unwrap().drift(), 7);
        (0..i64::from(KEPT_MAX) + 5).for_each(|at| keep(&conn, &run(at)).unwrap());
        let kept: u32 = conn.query_row("SELECT count(*) FROM check_run", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, KEPT_MAX);
        rebuilt(&conn).unwrap();
        sealed(&conn).unwrap();
        assert_eq!(last(&conn).unwrap().unwrap().drift(), 1, "damage to what is kept stays");
        let sql = "SELECT count(*) FROM check_run WHERE differences = 4 AND registry = 2";
        let untouched: u32 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(untouched, KEPT_MAX - 1, "what earlier runs found is what they found");
    }
}
