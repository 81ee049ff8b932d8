//! Who was shown figures so small that they may be one person's: one line of the journal for each
//! caller, day and shape of question.
//!
//! Called by the HTTP interface before such an answer leaves. Invariant: the journal grows by at
//! most [`SHAPES_MAX`] such lines a day for one caller, whatever is asked.

use jiff::Timestamp;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::{StoreError, journal};

/// Most lines for one caller on one day; the last one says that there is more.
pub const SHAPES_MAX: i64 = 64;

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallRead {
    /// Of which view: `visits`, or a report with its site.
    pub view: String,
    /// Who reads, as the journal names it.
    pub caller: String,
    /// What it sees.
    pub scope: String,
    /// The names in the question, without their values.
    pub shape: String,
    /// The question, as it was asked first.
    pub question: String,
}

/// Whether nothing would be added for this reading today.
pub fn is_noted(conn: &Connection, read: &SmallRead, today: Day) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM small_read WHERE day = ?1 AND caller = ?2 AND shape = ?3)
               OR (SELECT count(*) FROM small_read WHERE day = ?1 AND caller = ?2) >= ?4";
    let key = (today.number(), &read.caller, &read.shape, SHAPES_MAX);
    Ok(sql::row(conn, "looking for a reading of small figures", sql, key, |row| row.get(0))?.unwrap_or_default())
}

/// Notes a reading in the journal, in the caller's transaction, unless today has it.
pub fn note(conn: &Connection, read: &SmallRead, today: Day, now: Timestamp) -> Result<(), StoreError> {
    if is_noted(conn, read, today)? {
        return Ok(());
    }
    let sql = "DELETE FROM small_read WHERE day < ?1";
    sql::write(conn, "forgetting readings of days that are over", sql, [today.number()])?;
    let sql = "INSERT INTO small_read (day, caller, shape) VALUES (?1, ?2, ?3)";
    sql::write(conn, "noting a reading of small figures", sql, (today.number(), &read.caller, &read.shape))?;
    let SmallRead { view, caller, scope, question, .. } = read;
    let sql = "SELECT count(*) FROM small_read WHERE day = ?1 AND caller = ?2";
    let so_far: i64 =
        sql::row(conn, "counting readings", sql, (today.number(), caller), |row| row.get(0))?.unwrap_or(0);
    let more = if so_far == SHAPES_MAX { " (and more today)" } else { "" };
    journal::record(conn, now, journal::READ_SMALL_CELLS, view, &format!("scope={scope} {question}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(conn: &Connection) -> Vec<journal::Entry> {
        journal::list(conn, 0, 1_000).unwrap()
    }

    fn read(shape: &str) -> SmallRead {
        let [view, caller, scope, question] = ["visits", "ab12", "department:49", "by=day&age=70+"].map(str::to_owned);
        SmallRead { view, caller, scope, shape: shape.to_owned(), question }
    }

    #[test]
    fn the_journal_has_one_line_for_each_caller_day_and_shape_and_cannot_be_flooded() {
        let conn = crate::store::empty();
        let (now, today): (Timestamp, Day) = ("2026-11-20T12:00:00Z".parse().unwrap(), "2026-11-20".parse().unwrap());
        for _ in 0..3 {
            note(&conn, &read("by=day,age"), today, now).unwrap();
        }
        let [line] = &lines(&conn)[..] else { panic!("{:?}", lines(&conn)) };
        assert_eq!((&*line.action, &*line.subject), ("read.small_cells", "visits"));
        assert_eq!(line.detail, "scope=department:49 by=day&age=70+");
        note(&conn, &SmallRead { caller: "cd34".to_owned(), ..read("by=day,age") }, today, now).unwrap();
        note(&conn, &read("by=day,age"), today.plus_days(1), now).unwrap();
        assert_eq!(lines(&conn).len(), 3);
        for n in 0..200 {
            note(&conn, &read(&format!("{n}")), today.plus_days(2), now).unwrap();
        }
        let lines = lines(&conn);
        assert_eq!(lines.len() as i64, 3 + SHAPES_MAX);
        assert!(lines.last().unwrap().detail.ends_with("(and more today)"));
    }
}
