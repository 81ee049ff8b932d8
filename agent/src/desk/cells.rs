//! A day's sums, one per operator, kind of help and age, and the rule that none goes below zero.
//!
//! A negative count takes from what other desks counted. Were a sum allowed to go below zero, it
//! would silently swallow the visits that are counted after it. So whatever takes away, be it a
//! negative count, an undo or a correction, is held against what is there.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::document::DocId;
use msap_shared::document::visits::Visit;
use msap_shared::id::TapName;
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::catalogue::matter;
use crate::store::{StoreError, facts, taps};

/// Day of the month, operator, help, age.
pub(super) type Cell = (u8, OperatorCode, HelpCode, AgeCode);
/// People and requests.
pub(super) type Sums = (i64, i64);

/// The sums of a document, or of one day of it, cell by cell.
pub(super) fn sums(conn: &Connection, document: &DocId, day: Option<u8>) -> Result<BTreeMap<Cell, Sums>, StoreError> {
    let mut cells = BTreeMap::new();
    for known in facts::taps(conn, document, day)? {
        if let Ok(visit) = Visit::parse(&known.standing.value) {
            add(&mut cells, known.standing.day, &visit, 1);
        }
    }
    Ok(cells)
}

fn add(cells: &mut BTreeMap<Cell, Sums>, day: u8, visit: &Visit, times: i64) {
    let Visit { people, operator, help, age, requests } = visit;
    let sums = cells.entry((day, operator.clone(), help.clone(), age.clone())).or_default();
    *sums = (sums.0 + times * i64::from(*people), sums.1 + times * i64::from(*requests));
}

/// What a command is about to say of a tap.
pub(super) struct Revised<'a> {
    /// Which tap.
    pub(super) name: TapName,
    /// What counted for it; `None` for a new one.
    pub(super) before: Option<&'a Visit>,
    /// What is to count.
    pub(super) after: &'a Visit,
}

/// A sum that a command would take below zero.
pub(super) struct Shortfall {
    /// What it is the sum of, in words.
    pub(super) matter: String,
    /// What is there now.
    pub(super) left: Sums,
    /// The negative counts that take from it, by id and number of people, latest last; without
    /// the taps that the command itself is about.
    pub(super) corrections: Vec<(String, i16)>,
}

/// Whether these revisions of one day would take more than is there.
pub(super) fn shortfall(
    conn: &Connection,
    document: &DocId,
    day: Day,
    revised: &[Revised<'_>],
) -> Result<Option<Shortfall>, StoreError> {
    let number = day.day_of_month();
    let mut changes = BTreeMap::new();
    for Revised { before, after, .. } in revised {
        if let Some(before) = before {
            add(&mut changes, number, before, -1);
        }
        add(&mut changes, number, after, 1);
    }
    if changes.values().all(|(people, requests)| *people >= 0 && *requests >= 0) {
        return Ok(None);
    }
    let sums = sums(conn, document, Some(number))?;
    for (cell, (people, requests)) in changes {
        let left = sums.get(&cell).copied().unwrap_or_default();
        let takes_too_much = |change: i64, left: i64| change < 0 && left + change < 0;
        if takes_too_much(people, left.0) || takes_too_much(requests, left.1) {
            let (_, operator, help, age) = cell;
            let visit = Visit { people: 0, operator, help, age, requests: 0 };
            let corrections = corrections(conn, document, day, &visit, revised)?;
            return Ok(Some(Shortfall { matter: matter(&visit), left, corrections }));
        }
    }
    Ok(None)
}

fn corrections(
    conn: &Connection,
    document: &DocId,
    day: Day,
    cell: &Visit,
    revised: &[Revised<'_>],
) -> Result<Vec<(String, i16)>, StoreError> {
    let ours: BTreeSet<TapName> = revised.iter().map(|revised| revised.name).collect();
    let mut found = Vec::new();
    for known in facts::taps(conn, document, Some(day.day_of_month()))? {
        let Ok(visit) = Visit::parse(&known.standing.value) else { continue };
        let same = (&visit.operator, &visit.help, &visit.age) == (&cell.operator, &cell.help, &cell.age);
        if same && visit.requests < 0 && !ours.contains(&known.name) {
            let tap = taps::by_name(conn, &known.name)?;
            found.push((tap.map_or_else(|| known.name.to_string(), |tap| tap.id.to_uuid()), visit.people));
        }
    }
    Ok(found)
}
