//! Throwing the views away and folding them anew from the changes, and spans from histories: all of them, to see whether
//! they agree, or those of a document of which something is judged otherwise now.

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::chains::{self, Accepted, Doc, Kept};
use super::views::{Arrivals, fold_in, settle_in};
use super::{StoreError, flagged, history, meta, registers, rollups};
use crate::query::month_number;

/// The derived tables with the columns that are compared.
pub(super) const VIEWS: [(&str, &str); 11] = [
    ("fact", "document, tap, rev, day, value, contested"),
    ("closing", "document, day, rev, closed"),
    ("visits", "site, day, operator, help, age, received_day, apart, people, requests"),
    ("flagged", "document, tap, reason, verdict"),
    ("edit", "document, op_start, writer, seq"),
    ("register", "document, key, counter, writer, value"),
    ("site_day", "site, day, people, requests, people_apart, requests_apart"),
    ("department_month", "department, operator, month, help, age, people, requests, people_apart, requests_apart"),
    ("revision", "site, day, operator, help, age, received_day, reason, people, requests"),
    ("closed_day", "site, day, received_day, closed"),
    ("site_month", "site, month, visited, lag"),
];

/// Differences listed per table.
const LISTED_MAX: usize = 20;

/// Rebuilds the views of every document within the caller's transaction, and returns in what
/// they differ from those that stood before. The rebuilt ones stand afterwards.
pub fn rebuild(conn: &Connection) -> Result<Vec<String>, StoreError> {
    // First: what is flagged follows from them.
    let mut differences = spans(conn)?;
    for site in history::misspanned(conn)? {
        history::respan(conn, &site)?;
    }
    for (table, columns) in VIEWS {
        let sql = format!("CREATE TEMP TABLE before_{table} AS SELECT {columns} FROM main.{table}");
        conn.execute(&sql, []).map_err(StoreError::sqlite("setting the views aside"))?;
    }
    fold_all(conn)?;
    for (table, columns) in VIEWS {
        let (old, new) = (format!("temp.before_{table}"), format!("main.{table}"));
        differences.extend(differing(conn, (&old, &new), table, columns)?);
        conn.execute(&format!("DROP TABLE temp.before_{table}"), [])
            .map_err(StoreError::sqlite("dropping the views set aside"))?;
    }
    Ok(differences)
}

/// The sites whose spans do not follow from their history.
pub(super) fn spans(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let found = history::misspanned(conn)?.into_iter().take(LISTED_MAX);
    Ok(found.map(|site| format!("site_span ({site}) does not follow from its history")).collect())
}

/// Folds the views of every document anew, within the caller's transaction.
pub(super) fn fold_all(conn: &Connection) -> Result<(), StoreError> {
    for (table, _) in VIEWS {
        sql::write(conn, "emptying the views", &format!("DELETE FROM main.{table}"), [])?;
    }
    for (row, name) in chains::all(conn)? {
        replay(conn, Doc { row, name: &name })?;
    }
    meta::touch_figures(conn)
}

/// Folds the views of one document anew, within the caller's transaction.
fn refold(conn: &Connection, doc: Doc<'_>) -> Result<(), StoreError> {
    // Nothing that a person settles about figures is in registers.
    let Some(month) = doc.name.month() else { return Ok(()) };
    let doing = "emptying the views of a document";
    for sql in [
        "DELETE FROM fact WHERE document = ?1",
        "DELETE FROM closing WHERE document = ?1",
        "DELETE FROM flagged WHERE document = ?1",
    ] {
        sql::write(conn, doing, sql, [doc.row])?;
    }
    // The month of a site is one document.
    let site = doc.name.site().as_str();
    rollups::withdraw(conn, site, month)?;
    for sql in [
        "DELETE FROM visits WHERE site = ?1 AND day BETWEEN ?2 AND ?3",
        "DELETE FROM revision WHERE site = ?1 AND day BETWEEN ?2 AND ?3",
        "DELETE FROM closed_day WHERE site = ?1 AND day BETWEEN ?2 AND ?3",
    ] {
        sql::write(conn, doing, sql, (site, month.first_day().number(), month.last_day().number()))?;
    }
    let sql = "DELETE FROM site_month WHERE site = ?1 AND month = ?2";
    sql::write(conn, doing, sql, (site, month_number(month.first_day())))?;
    meta::touch_figures(conn)?;
    replay(conn, doc)
}

/// The same for all documents of a site: after the days of its life have changed.
pub(super) fn refold_site(conn: &Connection, site: &SiteId) -> Result<(), StoreError> {
    for (name, _) in chains::of_site(conn, site)? {
        if let Some(row) = chains::document_row(conn, &name)? {
            refold(conn, Doc { row, name: &name })?;
        }
    }
    Ok(())
}

/// Folds a document's changes, and what persons have decided, in the order of the commits that
/// took them in; within a commit the order does not matter.
pub(super) fn replay(conn: &Connection, doc: Doc<'_>) -> Result<(), StoreError> {
    if doc.name.kind().is_registers() {
        return registers::refold(conn, doc);
    }
    let sql = "SELECT c.received_day, c.seq, c.hash, c.bytes, c.accepted FROM change c JOIN chain ON chain.id = c.chain
               WHERE chain.document = ?1 ORDER BY c.accepted, chain.id, c.seq";
    let changes = sql::rows(conn, "reading changes", sql, [doc.row], |row| {
        let hash = msap_shared::id::ChangeHash::new(row.get(2)?);
        let kept = Kept { seq: row.get(1)?, hash, bytes: row.get(3)? };
        Ok((row.get::<_, i32>(0)?, row.get::<_, u64>(4)?, kept))
    })?;
    let mut arrivals = Arrivals::default();
    let mut decided = flagged::decided(conn, doc.name)?.into_iter().peekable();
    for (received, commit, kept) in changes {
        while let Some((tap, accepted)) = decided.next_if(|(_, accepted)| accepted.commit < commit) {
            settle_in(conn, doc, &tap, accepted)?;
        }
        let day = Day::from_number(received).ok_or_else(|| StoreError::corrupt("a change received on no day"))?;
        fold_in(conn, doc, std::iter::once(&kept.facts()?), Accepted { day, commit }, &mut arrivals)?;
    }
    decided.try_for_each(|(tap, accepted)| settle_in(conn, doc, &tap, accepted))
}

/// Rows that stand on one side only: the first of them, and how many there are besides.
pub(super) fn differing(
    conn: &Connection,
    (old, new): (&str, &str),
    table: &str,
    columns: &str,
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for (here, there, which) in [(old, new, "stood but does not follow"), (new, old, "follows but did not stand")] {
        let sql = format!("SELECT {columns} FROM {here} EXCEPT SELECT {columns} FROM {there} LIMIT {LISTED_MAX}");
        // A document's number says nothing to anybody.
        let told = columns.replace("document", "(SELECT name FROM main.document WHERE id = found.document)");
        let sql = format!("SELECT {told} FROM ({sql}) AS found");
        let listed = sql::rows(conn, "comparing the views", &sql, [], |row| {
            let values: Result<Vec<_>, _> = columns
                .split(", ")
                .enumerate()
                .map(|(n, column)| {
                    // In the other tables a day is one of the document's month.
                    let by_date = matches!(table, "visits" | "site_day" | "revision" | "closed_day");
                    let is_date = by_date && matches!(column, "day" | "received_day");
                    row.get_ref(n).map(|value| if is_date { date(value) } else { shown(value) })
                })
                .collect();
            Ok(format!("{table} ({}) {which}", values?.join(", ")))
        })?;
        if listed.len() == LISTED_MAX {
            let sql =
                format!("SELECT count(*) FROM (SELECT {columns} FROM {here} EXCEPT SELECT {columns} FROM {there})");
            let all: Option<usize> = sql::row(conn, "counting what differs", &sql, [], |row| row.get(0))?;
            let more = all.unwrap_or_default().saturating_sub(LISTED_MAX);
            found.extend((more > 0).then(|| format!("{table}: {more} more {which}")));
        }
        found.extend(listed);
    }
    Ok(found)
}

fn date(value: rusqlite::types::ValueRef<'_>) -> String {
    let number = value.as_i64().ok().and_then(|number| i32::try_from(number).ok());
    number.and_then(Day::from_number).map_or_else(|| shown(value), |day| day.to_string())
}

fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(n) => n.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Cells whose sum is negative: two desks took the same visits away. They count as 0.
pub fn negative_cells(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT site, day, operator, help, age, sum(people), sum(requests) FROM visits WHERE apart = 0
               GROUP BY site, day, operator, help, age HAVING sum(people) < 0 OR sum(requests) < 0";
    sql::rows(conn, "looking for negative figures", sql, [], |row| {
        let day = Day::from_number(row.get(1)?).map(|day| day.to_string()).unwrap_or_default();
        let text = |n| row.get::<_, String>(n);
        Ok(format!(
            "site {} {day} {} {} {}: {} / {}",
            text(0)?,
            text(2)?,
            text(3)?,
            text(4)?,
            row.get::<_, i64>(5)?,
            row.get::<_, i64>(6)?
        ))
    })
}
