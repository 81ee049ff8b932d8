//! What the store amounts to: the tally of a period, and the status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Visit};
use msap_shared::time::Day;
use rusqlite::Connection;

use crate::command::{Period, Status, Tally, TallyRow};
use crate::core::LinkState;
use crate::store::{Profile, StoreError, chains, facts, meta, retire};

/// What a period amounts to. A cell whose sum is negative, after two desks corrected the same
/// visits, counts as 0.
pub(super) fn tally(conn: &Connection, profile: &Profile, period: Period, today: Day) -> Result<Tally, StoreError> {
    let (from, to) = match period {
        Period::Today => (today, today),
        Period::Day(day) => (day, day),
        Period::Month(month) => (month.first_day(), month.last_day()),
    };
    let document = DocId::visits(profile.site.clone(), from.month());
    let one_day = (from == to).then(|| from.day_of_month());
    let mut cells: BTreeMap<(u8, OperatorCode, HelpCode, AgeCode), (i64, i64)> = BTreeMap::new();
    for known in facts::taps(conn, &document, one_day)? {
        if let Ok(Visit { people, operator, help, age, requests }) = Visit::parse(&known.standing.value) {
            let cell = cells.entry((known.standing.day, operator, help, age)).or_default();
            *cell = (cell.0 + i64::from(people), cell.1 + i64::from(requests));
        }
    }
    let mut rows: BTreeMap<OperatorCode, (i64, i64)> = BTreeMap::new();
    for ((_, operator, ..), (people, requests)) in cells {
        let row = rows.entry(operator).or_default();
        *row = (row.0 + people.max(0), row.1 + requests.max(0));
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
        closed,
    })
}

/// How the machine stands with the hub.
pub(super) fn status(
    conn: &Connection,
    profile: &Profile,
    link: &LinkState,
    now: Timestamp,
) -> Result<Status, StoreError> {
    let (kept, confirmed) = chains::totals(conn)?;
    Ok(Status {
        site: profile.site.to_string(),
        site_name: profile.site_name.clone(),
        device: profile.device.to_string(),
        label: profile.label.clone(),
        today: Day::at(now, &profile.timezone),
        clock: profile.timezone.clock(now),
        timezone: profile.timezone.name().to_owned(),
        kept,
        confirmed,
        waiting: kept - confirmed,
        refused: retire::aside_count(conn)?,
        oldest_waiting_day: oldest_waiting_day(conn)?,
        last_contact: meta::last_contact(conn)?,
        hub: profile.hub.clone(),
        transport: link.transport,
        tried: link.tried.iter().copied().collect(),
        clock_offset_ms: meta::clock_offset_ms(conn)?,
        version: env!("CARGO_PKG_VERSION"),
        state: link.state,
        last_error: link.last_error.clone(),
    })
}

/// The earliest day that something waiting is about. Reads one run of each waiting chain, which
/// is where its earliest days are.
fn oldest_waiting_day(conn: &Connection) -> Result<Option<Day>, StoreError> {
    let mut oldest = None;
    for waiting in chains::waiting(conn)? {
        let month = waiting.document.month();
        if oldest.is_some_and(|day: Day| day < month.first_day()) {
            continue;
        }
        let run = chains::run(conn, &waiting.document, &waiting.writer, waiting.acked + 1)?;
        let days = run.iter().flat_map(|run| run.changes.iter().flatten());
        let days = days.filter_map(|(key, _)| month.day(Key::parse(key).ok()?.day));
        oldest = days.chain(oldest).min();
    }
    Ok(oldest)
}
