//! The figures, kept up with the changes in the same transaction.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use msap_shared::chain::Facts;
use msap_shared::document::DocId;
use msap_shared::id::TapName;
use msap_shared::io::store::facts::{Folded, fold};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::chains::Doc;
use super::{StoreError, flagged, history};
use crate::ledger::{self, Cell, Deltas, Flag, Place, Sums, Verdict};

/// Folds the facts of changes into a document, and the differences into the figures.
pub fn fold_in<'a>(
    conn: &Connection,
    doc: Doc<'_>,
    changes: impl Iterator<Item = &'a Facts>,
    received: Day,
) -> Result<(), StoreError> {
    let retired = retired(conn, doc.name)?;
    let mut deltas = Deltas::default();
    for (key, value) in changes.flatten() {
        let Folded::Tap { name, before, after } = fold(conn, doc, key, value)? else { continue };
        let mut doubts = Doubts::default();
        if let Some(before) = &before {
            doubts = Doubts::of(conn, doc.row, &name)?;
            deltas.take_away(doc.name, before, doubts.place());
        }
        if let Some(reading) = ledger::read(doc.name, &after, received, &retired) {
            let verdict = flagged::verdict(conn, doc.name, &name, &after, &reading.flags)?;
            deltas.add(&reading, reading.place(verdict));
            let reasons = reading.flags.iter().map(|flag| flag.as_str().to_owned()).collect();
            Doubts { reasons, verdict }.replace(&doubts, conn, doc.row, &name)?;
        }
    }
    write(conn, doc.name, deltas, received)
}

/// When the site of a document had closed for good.
fn retired(conn: &Connection, document: &DocId) -> Result<Vec<RangeInclusive<Day>>, StoreError> {
    let times = history::retired(conn, document.site())?;
    let days = times.into_iter().filter_map(|(from, to)| Day::from_number(from).zip(Day::from_number(to)));
    Ok(days.map(|(from, to)| from..=to).collect())
}

/// Why a tap is put before a person, and what that person has said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Doubts {
    reasons: BTreeSet<String>,
    verdict: Option<Verdict>,
}

impl Doubts {
    fn of(conn: &Connection, document: i64, tap: &TapName) -> Result<Self, StoreError> {
        let sql = "SELECT reason, verdict FROM flagged WHERE document = ?1 AND tap = ?2";
        let rows = sql::rows(conn, "reading flags", sql, (document, tap.as_bytes()), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let verdict = rows.first().and_then(|(_, verdict)| Verdict::parse(verdict));
        Ok(Self { reasons: rows.into_iter().map(|(reason, _)| reason).collect(), verdict })
    }

    fn place(&self) -> Place {
        Place::of(self.reasons.iter().any(|reason| reason != Flag::Contested.as_str()), self.verdict)
    }

    fn replace(&self, before: &Self, conn: &Connection, document: i64, tap: &TapName) -> Result<(), StoreError> {
        if self == before {
            return Ok(());
        }
        let sql = "DELETE FROM flagged WHERE document = ?1 AND tap = ?2";
        sql::write(conn, "taking flags away", sql, (document, tap.as_bytes()))?;
        let verdict = self.verdict.map_or("", Verdict::as_str);
        for reason in &self.reasons {
            let sql = "INSERT INTO flagged (document, tap, reason, verdict) VALUES (?1, ?2, ?3, ?4)";
            sql::write(conn, "flagging", sql, (document, tap.as_bytes(), reason, verdict))?;
        }
        Ok(())
    }
}

fn write(conn: &Connection, document: &DocId, deltas: Deltas, received: Day) -> Result<(), StoreError> {
    for ((cell, apart), sums) in deltas.into_cells() {
        add(conn, document.site().as_str(), (&cell, apart), sums, received)?;
    }
    Ok(())
}

/// Adds to one figure. One statement that did it all would need a journal and a table of its own
/// each time: three times the cost.
fn add(conn: &Connection, site: &str, (cell, apart): (&Cell, bool), by: Sums, received: Day) -> Result<(), StoreError> {
    let Cell { day, operator, help, age } = cell;
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
