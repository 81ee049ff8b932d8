//! The journal: who changed what in the hub, and when; who signed in, and who could not.
//!
//! Append-only: triggers refuse whatever would change or remove a line. Its numbers follow the
//! commits, so whoever reads on from a number neither misses nor repeats a line. Lines are kept as
//! long as the database. None tells of a visit or of a person who was received; people who work
//! with the hub stand in it by their login, and never with the address from which they come: what
//! can never be removed must not grow with each sign-in, nor tell where somebody is. Addresses are
//! in the log.
//!
//! Invariant: who acts is said once, where a request enters ([`super::Store::act_for`]), and not
//! by whoever writes a line.

use jiff::Timestamp;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::StoreError;
use crate::who::Who;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the journal.
    pub n: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// Who did it; empty for what was written before that was known.
    pub who: String,
    /// What was done, such as `site.set`; its first word is the line's kind.
    pub action: String,
    /// To what.
    pub subject: String,
    /// With which values.
    pub detail: String,
}

/// A field of a site was set.
pub const SITE_SET: &str = "site.set";
/// The figures of a period were released.
pub const FIGURES_RELEASED: &str = "figures.release";
/// Somebody has signed in: a line a day, from wherever, as often as it may be.
pub const SESSION_BEGIN: &str = "session.begin";
/// A session was ended, for this reason: a line a day.
pub const SESSION_END: &str = "session.end";
/// Somebody who may has read figures below the smallest that are published.
pub const READ_SMALL_CELLS: &str = "read.small_cells";

/// The kinds of lines: the first words of actions.
pub const KINDS: [&str; 18] = [
    "backup",
    "bundle",
    "ca",
    "catalogue",
    "check",
    "closure",
    "device",
    "document",
    "epoch",
    "figures",
    "flagged",
    "read",
    "refused",
    "revocations",
    "session",
    "site",
    "token",
    "user",
];

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// From this second on.
    pub from_s: Option<i64>,
    /// Before this second.
    pub before_s: Option<i64>,
    /// By one of these.
    pub who: Vec<Who>,
    /// Of one of these kinds.
    pub kinds: Vec<&'static str>,
}

/// Adds a line, in the caller's transaction.
pub fn record(conn: &Connection, now: Timestamp, action: &str, subject: &str, detail: &str) -> Result<(), StoreError> {
    debug_assert!(KINDS.iter().any(|kind| action.split('.').next() == Some(kind)), "{action:?} is of no known kind");
    const SQL: &str = "INSERT INTO journal (at, who, action, subject, detail)
                       VALUES (?1, (SELECT who FROM acting), ?2, ?3, ?4)";
    conn.execute(SQL, params![now.as_second(), action, subject, detail])
        .map(drop)
        .map_err(StoreError::sqlite("writing the journal"))
}

/// Adds a line unless the same one was written today on behalf of the same, and nobody has changed
/// the user that it is about since. False: it stands there.
pub fn record_daily(
    conn: &Connection,
    (now, today): (Timestamp, Day),
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM journal WHERE at >= ?1 AND action = ?2 AND subject = ?3 AND detail = ?4
                       AND who = (SELECT who FROM acting) AND n > coalesce((SELECT max(n) FROM journal
                       WHERE at >= ?1 AND subject = ?3 AND substr(action, 1, 5) = 'user.'), 0) LIMIT 1";
    let told = (first_second(today), action, subject, detail);
    if sql::row(conn, "looking for a line of the journal", SQL, told, |_| Ok(()))?.is_some() {
        return Ok(false);
    }
    record(conn, now, action, subject, detail)?;
    Ok(true)
}

/// On whose behalf the transaction under way writes.
pub(super) fn act_for(conn: &Connection, who: &Who) -> Result<(), StoreError> {
    sql::write(conn, "noting who acts", "UPDATE acting SET who = ?1", [who.to_string()]).map(drop)
}

/// The first second of one of the hub's days.
pub fn first_second(day: Day) -> i64 {
    let midnight = crate::ask::hub_zone().instant(day.date().at(0, 0, 0, 0));
    midnight.map_or(0, Timestamp::as_second)
}

/// The lines after `after`, oldest first, at most `limit`.
pub fn list(conn: &Connection, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    search(conn, &JournalFilter::default(), after, limit)
}

/// The lines after `after` that pass a filter, oldest first, at most `limit`.
pub fn search(conn: &Connection, filter: &JournalFilter, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    matching(conn, filter, ("n > ?", after), "n", limit)
}

/// The last `limit` lines that pass a filter, oldest first.
pub fn last(conn: &Connection, filter: &JournalFilter, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let mut lines = matching(conn, filter, ("n > ?", 0), "n DESC", limit)?;
    lines.reverse();
    Ok(lines)
}

fn matching(
    conn: &Connection,
    filter: &JournalFilter,
    (place, after): (&'static str, i64),
    order: &'static str,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let JournalFilter { from_s, before_s, who, kinds } = filter;
    let (mut conditions, mut values) = (vec![place.to_owned()], vec![Value::from(after)]);
    let bounds = [("at >= ?", from_s), ("at < ?", before_s)];
    for (condition, bound) in bounds.into_iter().filter_map(|(condition, bound)| Some((condition, (*bound)?))) {
        conditions.push(condition.to_owned());
        values.push(bound.into());
    }
    let one_of = |texts: usize| vec!["?"; texts].join(", ");
    if !who.is_empty() {
        conditions.push(format!("who IN ({})", one_of(who.len())));
        values.extend(who.iter().map(|who| Value::from(who.to_string())));
    }
    if !kinds.is_empty() {
        conditions.push(format!("substr(action, 1, instr(action, '.') - 1) IN ({})", one_of(kinds.len())));
        values.extend(kinds.iter().map(|kind| Value::from((*kind).to_owned())));
    }
    values.push(limit.into());
    let conditions = conditions.join(" AND ");
    let sql =
        format!("SELECT n, at, who, action, subject, detail FROM journal WHERE {conditions} ORDER BY {order} LIMIT ?");
    sql::rows(conn, "reading the journal", &sql, params_from_iter(values), entry)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        n: row.get(0)?,
        at: row.get(1)?,
        who: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        detail: row.get(5)?,
    })
}

#[cfg(test)]
mod tests;
