//! The figures, kept up with the changes in the same transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use msap_shared::chain::Facts;
use msap_shared::document::DocId;
use msap_shared::id::TapName;
use msap_shared::io::store::facts::{self, Folded, fold};
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::chains::{Accepted, Doc};
use super::reported::Moved;
use super::rollups::Shift;
use super::{StoreError, flagged, history, reported};
use crate::ledger::{self, Cell, Deltas, Flag, Place, Sums, Verdict};

/// The taps that were first heard of in one commit. What moves them within it is no correction: a
/// commit takes changes in any order, and what it says about figures must not depend on it.
#[derive(Debug, Default)]
pub struct Arrivals {
    commit: u64,
    taps: BTreeSet<(i64, TapName)>,
}

impl Arrivals {
    /// Whether what moves a tap in this commit is a correction; `stood`: it was known before the
    /// change at hand.
    fn corrects(&mut self, commit: u64, document: i64, tap: &TapName, stood: bool) -> bool {
        if self.commit != commit {
            *self = Self { commit, taps: BTreeSet::new() };
        }
        if !stood {
            self.taps.insert((document, *tap));
        }
        stood && !self.taps.contains(&(document, *tap))
    }
}

/// Folds the facts of changes into a document, and the differences into the figures.
pub fn fold_in<'a>(
    conn: &Connection,
    doc: Doc<'_>,
    changes: impl Iterator<Item = &'a Facts>,
    accepted: Accepted,
    arrivals: &mut Arrivals,
) -> Result<(), StoreError> {
    let retired = retired(conn, doc.name)?;
    let (mut new, mut corrections) = (Deltas::default(), Deltas::default());
    let mut closings = BTreeMap::<u8, i64>::new();
    for (key, value) in changes.flatten() {
        let (name, before, after) = match fold(conn, doc, key, value)? {
            Folded::Tap { name, before, after } => (name, before, after),
            Folded::Closing { day, before, after } => {
                *closings.entry(day).or_default() += i64::from(after) - i64::from(before);
                continue;
            }
            Folded::Nothing => continue,
        };
        let mut doubts = Doubts::default();
        let corrects = arrivals.corrects(accepted.commit, doc.row, &name, before.is_some());
        let deltas = if corrects { &mut corrections } else { &mut new };
        if let Some(before) = &before {
            doubts = Doubts::of(conn, doc.row, &name)?;
            deltas.take_away(doc.name, before, doubts.place());
        }
        if let Some(reading) = ledger::read(doc.name, &after, accepted.day, &retired) {
            let reasons: BTreeSet<_> = reading.flags.iter().map(|flag| flag.as_str().to_owned()).collect();
            let verdict = flagged::verdict(conn, doc.name, &name, &after, &reasons, accepted.commit)?;
            deltas.add(&reading, reading.place(verdict));
            Doubts { reasons, verdict }.replace(&doubts, conn, doc.row, &name)?;
        }
    }
    let mut moved = Moved::default();
    write(conn, doc.name, (new, None), accepted.day, &mut moved)?;
    write(conn, doc.name, (corrections, Some(Revision::Correction)), accepted.day, &mut moved)?;
    close(conn, doc.name, closings, accepted.day, &mut moved)?;
    note(conn, doc.name, moved, accepted.day)
}

/// Closes and reopens days.
fn close(
    conn: &Connection,
    document: &DocId,
    closings: BTreeMap<u8, i64>,
    received: Day,
    moved: &mut Moved,
) -> Result<(), StoreError> {
    for (day, by) in closings.into_iter().filter(|(_, by)| *by != 0) {
        if let Some(day) = document.month().and_then(|month| month.day(day)) {
            reported::close(conn, document.site().as_str(), day, received, by)?;
            moved.note(day, by < 0);
        }
    }
    Ok(())
}

/// Notes which days are reported now, once all figures stand.
fn note(conn: &Connection, document: &DocId, moved: Moved, received: Day) -> Result<(), StoreError> {
    let Some(month) = document.month() else { return Ok(()) };
    moved.write(conn, document.site().as_str(), month, received)
}

/// Counts a tap as a person has decided. Nothing, where the decision speaks of another value than
/// the one that stands, or not of every doubt about it.
pub(super) fn settle_in(conn: &Connection, doc: Doc<'_>, tap: &TapName, accepted: Accepted) -> Result<(), StoreError> {
    let Some(standing) = facts::standing(conn, doc.row, tap)? else { return Ok(()) };
    let before = Doubts::of(conn, doc.row, tap)?;
    let verdict = flagged::verdict(conn, doc.name, tap, &standing, &before.reasons, accepted.commit)?;
    let after = Doubts { reasons: before.reasons.clone(), verdict };
    let mut settled = Deltas::default();
    settled.take_away(doc.name, &standing, before.place());
    settled.put(doc.name, &standing, after.place());
    after.replace(&before, conn, doc.row, tap)?;
    let mut moved = Moved::default();
    write(conn, doc.name, (settled, Some(Revision::Settled)), accepted.day, &mut moved)?;
    note(conn, doc.name, moved, accepted.day)
}

/// Why a figure moves without a new visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revision {
    Correction,
    Settled,
}

impl Revision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Settled => "settled",
        }
    }
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

fn write(
    conn: &Connection,
    document: &DocId,
    (deltas, revision): (Deltas, Option<Revision>),
    received: Day,
    moved: &mut Moved,
) -> Result<(), StoreError> {
    let mut cells = deltas.into_cells().peekable();
    if cells.peek().is_none() {
        return Ok(());
    }
    // Figures are of a month's document only.
    let Some(month) = document.month() else { return Ok(()) };
    let site = document.site().as_str();
    let mut shift = Shift::of(conn, site, (month.first_day(), month.last_day()))?;
    for ((cell, apart), sums) in cells {
        moved.note(cell.day, sums.people < 0 || sums.requests < 0);
        shift.cell(conn, (&cell, apart), sums)?;
        add(conn, site, (&cell, apart), sums, received)?;
        if let Some(revision) = revision.filter(|_| !apart) {
            revise(conn, site, (&cell, revision), sums, received)?;
        }
    }
    shift.write(conn)
}

/// Notes the part of a figure that is no new visit.
fn revise(
    conn: &Connection,
    site: &str,
    (cell, revision): (&Cell, Revision),
    by: Sums,
    received: Day,
) -> Result<(), StoreError> {
    let Cell { day, operator, help, age } = cell;
    let key = (site, day.number(), operator, help, age, received.number(), revision.as_str());
    let (site, day, operator, help, age, received, reason) = key;
    let row = (site, day, operator, help, age, received, reason, by.people, by.requests);
    let sql = "INSERT INTO revision (site, day, operator, help, age, received_day, reason, people, requests)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
               ON CONFLICT DO UPDATE SET people = people + excluded.people, requests = requests + excluded.requests";
    sql::write(conn, "noting a revision", sql, row)?;
    let sql = "DELETE FROM revision WHERE site = ?1 AND day = ?2 AND operator = ?3 AND help = ?4 AND age = ?5
               AND received_day = ?6 AND reason = ?7 AND people = 0 AND requests = 0";
    sql::write(conn, "dropping a revision that was taken back", sql, key)?;
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
