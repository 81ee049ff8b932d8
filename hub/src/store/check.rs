//! Reading a whole database back: its pages, every change's hash, every chain, the seals of the registry and of all that
//! was released, settled, journalled and closed, and the views against a fold anew. Writes nothing, so that a running hub goes on beside it.
//!
//! Called by the core's `check`, by `doctor`, and on every backup before it is called one.

use msap_shared::io::store::{sql, verify};
use rusqlite::Connection;

use super::StoreError;
use super::chains::{self, Doc};
use super::rebuild::{self, VIEWS};
use super::seal;

/// Broken pages that are listed.
const PAGES_LISTED_MAX: u32 = 20;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Documents read.
    pub documents: u64,
    /// Changes read.
    pub changes: u64,
    /// Damage to what is kept: the truth itself is in question.
    pub problems: Vec<String>,
    /// Rows of the registry, and of what was released, settled, journalled or closed, that are not what was last written
    /// there, and releases whose sums do not hold: nothing says which is right.
    pub registry: Vec<String>,
    /// Where the views are not what the changes amount to.
    pub differences: Vec<String>,
    /// Figures below zero, which count as 0.
    pub negative: Vec<String>,
}

impl CheckReport {
    /// Whether views can be folded anew: what they follow from is whole.
    pub fn is_mendable(&self) -> bool {
        self.problems.is_empty() && self.registry.is_empty()
    }
}

/// Reads everything, of one moment. `on_document` hears how many documents are done, of how many,
/// and can end the check early.
///
/// # Errors
/// When the database cannot be read at all, or `on_document` says to stop. What is damaged is a
/// problem of the report, not an error, wherever reading can go on.
pub fn look<E: From<StoreError>>(
    conn: &Connection,
    on_document: &mut dyn FnMut(u64, u64) -> Result<(), E>,
) -> Result<CheckReport, E> {
    let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a check"))?;
    let mut report = CheckReport { problems: broken_pages(&moment)?, ..CheckReport::default() };
    // What cannot be read back cannot be compared either.
    if report.problems.is_empty() {
        report.registry = seal::broken(&moment)?;
    }
    let documents = chains::all(&moment)?;
    let count = documents.len() as u64;
    for (row, name) in documents {
        let findings = verify::verify(&moment, Doc { row, name: &name })?;
        report.documents += 1;
        report.changes += findings.changes;
        report.problems.extend(findings.problems);
        on_document(report.documents, count)?;
    }
    // Views cannot be folded from changes that do not read back.
    if report.problems.is_empty() {
        report.differences = differences(&moment)?;
    }
    report.negative = rebuild::negative_cells(&moment)?;
    Ok(report)
}

/// SQLite's own examination: the pages' structure, indexes, references between tables.
fn broken_pages(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let pages = format!("PRAGMA main.integrity_check({PAGES_LISTED_MAX})");
    let mut problems = sql::rows(conn, "examining the pages", &pages, [], |row| row.get::<_, String>(0))?;
    problems.retain(|problem| problem != "ok");
    let orphans = sql::rows(conn, "examining references", "PRAGMA main.foreign_key_check", [], |row| {
        Ok(format!(
            "a row of {} refers to one of {} that is not there",
            row.get::<_, String>(0)?,
            row.get::<_, String>(2)?
        ))
    })?;
    problems.extend(orphans.into_iter().take(PAGES_LISTED_MAX as usize));
    Ok(problems)
}

/// Folds every document anew into temporary tables, which stand before those of the same name
/// until the transaction ends, and compares.
fn differences(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let doing = "folding the views anew";
    for (table, _) in VIEWS {
        let layout = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1";
        let layout: Option<String> = sql::row(conn, doing, layout, [table], |row| row.get(0))?;
        let columns = layout.as_deref().and_then(|layout| layout.split_once('('));
        let (_, columns) = columns.ok_or_else(|| StoreError::corrupt(format!("there is no table {table}")))?;
        conn.execute_batch(&format!("CREATE TABLE temp.{table} ({columns}")).map_err(StoreError::sqlite(doing))?;
    }
    for (row, name) in chains::all(conn)? {
        rebuild::replay(conn, Doc { row, name: &name })?;
    }
    let mut found = rebuild::spans(conn)?;
    for (table, columns) in VIEWS {
        found.extend(rebuild::differing(conn, (&format!("main.{table}"), &format!("temp.{table}")), table, columns)?);
    }
    Ok(found)
}
