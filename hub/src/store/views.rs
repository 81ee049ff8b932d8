//! The figures, kept up with the changes in the same transaction.

use std::collections::BTreeSet;

use msap_shared::chain::Facts;
use msap_shared::document::DocId;
use msap_shared::id::TapName;
use msap_shared::io::store::facts::{Folded, fold};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::chains::Doc;
use crate::ledger::{self, Cell, Deltas, Flag, Reading, Sums};

/// Folds the facts of changes into a document, and the differences into the figures.
pub fn fold_in<'a>(
    conn: &Connection,
    doc: Doc<'_>,
    changes: impl Iterator<Item = &'a Facts>,
    received: Day,
) -> Result<(), StoreError> {
    let mut deltas = Deltas::default();
    for (key, value) in changes.flatten() {
        let Folded::Tap { name, before, after } = fold(conn, doc, key, value)? else { continue };
        let flagged = match &before {
            Some(before) => {
                let flags = flags_of(conn, doc.row, &name)?;
                let apart = flags.iter().any(|flag| flag != Flag::Contested.as_str());
                deltas.take_away(doc.name, before, apart);
                flags
            }
            None => BTreeSet::new(),
        };
        if let Some(reading) = ledger::read(doc.name, &after, received) {
            let Reading { cell, sums, flags } = reading;
            deltas.add(cell, sums);
            let flags = flags.iter().map(|flag| flag.as_str().to_owned()).collect();
            set_flags(conn, doc.row, &name, &flagged, &flags)?;
        }
    }
    write(conn, doc.name, deltas, received)
}

fn flags_of(conn: &Connection, document: i64, tap: &TapName) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT reason FROM flagged WHERE document = ?1 AND tap = ?2";
    let flags = sql::rows(conn, "reading flags", sql, (document, tap.as_bytes()), |row| row.get(0))?;
    Ok(flags.into_iter().collect())
}

fn set_flags(
    conn: &Connection,
    document: i64,
    tap: &TapName,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Result<(), StoreError> {
    for gone in before.difference(after) {
        let sql = "DELETE FROM flagged WHERE document = ?1 AND tap = ?2 AND reason = ?3";
        sql::write(conn, "taking a flag away", sql, (document, tap.as_bytes(), gone))?;
    }
    for new in after.difference(before) {
        let sql = "INSERT INTO flagged (document, tap, reason) VALUES (?1, ?2, ?3)";
        sql::write(conn, "flagging", sql, (document, tap.as_bytes(), new))?;
    }
    Ok(())
}

fn write(conn: &Connection, document: &DocId, deltas: Deltas, received: Day) -> Result<(), StoreError> {
    for (cell, sums) in deltas.into_cells() {
        add(conn, document.site().as_str(), &cell, sums, received)?;
    }
    Ok(())
}

/// Adds to one figure. One statement that did it all would need a journal and a table of its own
/// each time: three times the cost.
fn add(conn: &Connection, site: &str, cell: &Cell, by: Sums, received: Day) -> Result<(), StoreError> {
    let Cell { day, operator, help, age, apart } = cell;
    let key = (site, day.number(), operator, help, age, received.number(), apart);
    let (site, day, operator, help, age, received, apart) = key;
    let row = |sums: Sums| (site, day, operator, help, age, received, apart, sums.people, sums.requests);
    let sql = "INSERT OR IGNORE INTO visits (site, day, operator, help, age, received_day, apart, people, requests)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    if sql::write(conn, "beginning a figure", sql, row(by))? == 1 {
        return Ok(());
    }
    let sql = "SELECT people, requests FROM visits WHERE site = ?1 AND day = ?2 AND operator = ?3 AND help = ?4
               AND age = ?5 AND received_day = ?6 AND apart = ?7";
    let read = |row: &Row<'_>| Ok(Sums { people: row.get(0)?, requests: row.get(1)? });
    let before = sql::row(conn, "reading a figure", sql, key, read)?.unwrap_or_default();
    let after = Sums { people: before.people + by.people, requests: before.requests + by.requests };
    if after == Sums::default() {
        // An empty row says nothing, and whether it exists would depend on the order of arrival.
        let sql = "DELETE FROM visits WHERE site = ?1 AND day = ?2 AND operator = ?3 AND help = ?4 AND age = ?5
                   AND received_day = ?6 AND apart = ?7";
        sql::write(conn, "emptying a figure", sql, key)?;
    } else {
        let sql = "UPDATE visits SET people = ?8, requests = ?9 WHERE site = ?1 AND day = ?2 AND operator = ?3
                   AND help = ?4 AND age = ?5 AND received_day = ?6 AND apart = ?7";
        sql::write(conn, "moving a figure", sql, row(after))?;
    }
    Ok(())
}
