//! What the store amounts to: the tally of a period, and the status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::code::OperatorCode;
use msap_shared::document::DocId;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{cells, house};
use crate::command::{Negative, Period, Status, Tally, TallyRow};
use crate::core::Machine;
use crate::store::{Profile, StoreError, chains, facts, meta, retire};
use crate::upkeep::Round;

/// What a period amounts to. A cell whose sum is negative, after two desks corrected the same
/// visits, counts as 0 and is listed: it would swallow what is counted next.
pub(super) fn tally(conn: &Connection, profile: &Profile, period: Period, today: Day) -> Result<Tally, StoreError> {
    let (from, to) = match period {
        Period::Today => (today, today),
        Period::Day(day) => (day, day),
        Period::Month(month) => (month.first_day(), month.last_day()),
    };
    let document = DocId::visits(profile.site.clone(), from.month());
    let one_day = (from == to).then(|| from.day_of_month());
    let mut rows: BTreeMap<OperatorCode, (i64, i64)> = BTreeMap::new();
    let mut negative = Vec::new();
    for ((day, operator, help, age), (people, requests)) in cells::sums(conn, &document, one_day)? {
        let row = rows.entry(operator.clone()).or_default();
        *row = (row.0 + people.max(0), row.1 + requests.max(0));
        if (people < 0 || requests < 0)
            && let Some(day) = from.month().day(day)
        {
            negative.push(Negative { day, operator, help, age, people, requests });
        }
    }
    let mut rows: Vec<TallyRow> = rows
        .into_iter()
        .filter(|(_, sums)| *sums != (0, 0))
        .map(|(operator, (people, requests))| TallyRow { operator, people, requests })
        .collect();
    rows.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.operator.cmp(&b.operator)));
    let closed = match (one_day, chains::document_row(conn, &document)?) {
        (Some(day), Some(id)) => Some(facts::closing(conn, id, day)?.is_some_and(|closing| closing.closed)),
        (Some(_), None) => Some(false),
        (None, _) => None,
    };
    Ok(Tally {
        from,
        to,
        people: rows.iter().map(|row| row.people).sum(),
        requests: rows.iter().map(|row| row.requests).sum(),
        rows,
        negative,
        closed,
    })
}

/// How the machine stands with the hub.
pub(super) fn status(conn: &Connection, machine: Machine<'_>, now: Timestamp) -> Result<Status, StoreError> {
    let Machine { profile, link, storage, today, hub } = machine;
    let (kept, confirmed) = chains::totals(conn)?;
    let round = Round::load(conn)?;
    let standing = house::standing(conn, &machine)?;
    let (file_exported, file_imported) = meta::file_days(conn)?;
    Ok(Status {
        site: profile.site.to_string(),
        site_name: profile.site_name.clone(),
        device: profile.device.to_string(),
        label: profile.label.clone(),
        today: today.day,
        clock_doubt: today.doubt,
        day_asked: today.is_asked(),
        clock: profile.timezone.clock(now),
        timezone: profile.timezone.name().to_owned(),
        kept,
        confirmed,
        waiting: kept - confirmed,
        refused: retire::aside_count(conn)?,
        oldest_waiting_day: chains::oldest_waiting_day(conn)?,
        last_contact: meta::last_contact(conn)?,
        hub: hub.map_or_else(|| profile.hub.clone(), |(address, _)| address.clone()),
        hub_origin: hub.map(|(_, origin)| origin.clone()),
        transport: link.transport,
        tried: link.tried.iter().copied().collect(),
        clock_offset_ms: meta::clock_offset_ms(conn)?,
        version: env!("CARGO_PKG_VERSION"),
        state: link.state,
        file_exported,
        file_imported,
        storage: storage.as_str(),
        damage: round.problems(),
        log_lost: round.log_lost.is_some(),
        read_back: round.ended,
        last_error: link.last_error.clone(),
        conflicts: standing.conflicts,
        unknown: standing.unknown,
    })
}
