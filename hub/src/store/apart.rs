//! What a month has that is in none of its sums: flagged facts, refused changes, and changes of
//! machines that wait for an approval.
//!
//! Asked by returns, so that whoever is handed a figure knows what it is without.

use std::collections::BTreeMap;

use msap_shared::document::visits::Visit;
use msap_shared::io::store::sql;
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use super::StoreError;
use crate::ledger::Flag;

/// The ending of the names of a month's documents of visits.
fn of_month(month: Month) -> String {
    format!("%/visits/{month}")
}

/// Why requests of a month stand apart until a person decides: how many requests, by operator and
/// reason. A fact with two reasons stands under both.
///
/// # Errors
/// When the store fails.
pub fn doubts(conn: &Connection, month: Month) -> Result<BTreeMap<(String, Flag), i64>, StoreError> {
    const SQL: &str = "SELECT f.value, group_concat(g.reason) FROM document d \
        JOIN flagged g ON g.document = d.id AND g.verdict = '' \
        JOIN fact f ON f.document = g.document AND f.tap = g.tap \
        WHERE d.name LIKE ?1 GROUP BY g.document, g.tap";
    let rows = sql::rows(conn, "reading why figures stand apart", SQL, [of_month(month)], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut doubts = BTreeMap::new();
    for (value, reasons) in rows {
        let Ok(visit) = Visit::parse(&value) else { continue };
        let reasons = reasons.split(',').filter_map(|code| Flag::ALL.into_iter().find(|flag| flag.as_str() == code));
        for flag in reasons.filter(|flag| flag.counts_apart()) {
            *doubts.entry((visit.operator.to_string(), flag)).or_insert(0) += i64::from(visit.requests);
        }
    }
    Ok(doubts)
}

/// How many changes of a month were refused by the end of a day. They never count: what they say
/// comes again in others.
///
/// # Errors
/// When the store fails.
pub fn refused(conn: &Connection, month: Month, by: Day) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM refusal WHERE document LIKE ?1 AND day <= ?2";
    let found = sql::row(conn, "counting refusals", sql, (of_month(month), by.number()), |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// How many changes of a month wait for their machine to be approved.
///
/// # Errors
/// When the store fails.
pub fn pending(conn: &Connection, month: Month) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM pending_change WHERE document LIKE ?1";
    let found = sql::row(conn, "counting what waits", sql, [of_month(month)], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
