//! What a month has that is in none of its sums: flagged facts, refused changes, and changes of
//! machines that wait for an approval.
//!
//! Asked by returns, so that whoever is handed a figure knows what it is without.

use std::collections::BTreeMap;

use msap_shared::document::visits::Visit;
use msap_shared::io::store::sql;
use msap_shared::time::Month;
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

/// How many changes of a month are listed as refused. They never count; what they say comes again in
/// others, unless the machine has set it aside.
///
/// # Errors
/// When the store fails.
pub fn refused(conn: &Connection, month: Month) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM refusal WHERE document LIKE ?1";
    let found = sql::row(conn, "counting refusals", sql, [of_month(month)], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// How many changes of a month wait for their machine to be approved: each once, however many machines
/// have brought it, and none that is held already.
///
/// # Errors
/// When the store fails.
pub fn pending(conn: &Connection, month: Month) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT DISTINCT p.document, p.writer, p.seq, p.hash FROM pending_change p
               JOIN device v ON v.id = p.device AND v.standing = 'pending' WHERE p.document LIKE ?1
               AND NOT EXISTS (SELECT 1 FROM document d JOIN chain c ON c.document = d.id AND c.writer = p.writer
                               JOIN change h ON h.chain = c.id AND h.seq = p.seq AND h.hash = p.hash
                               WHERE d.name = p.document))";
    let found = sql::row(conn, "counting what waits", sql, [of_month(month)], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
