//! What has left the hub with small cells hidden, as it was released, and the figures of a month
//! that is about to be.
//!
//! Called by `release` and by `privacy::table`. Nothing here is derived: no rebuild touches it.

use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row, params_from_iter};

use super::StoreError;
use crate::privacy::{Kept, Period, Release, State, Taken};
use crate::query::month_number;

/// With what a period was released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The smallest figure above 0 that is shown.
    pub min_cell: i64,
    /// The version of the list of tables.
    pub layout: u32,
    /// The hub's own day.
    pub day: Day,
    /// JSON: how complete the figures were.
    pub completeness: String,
}

/// What a month has counted so far, by department: what waits for a person's judgement is not in it.
pub fn take(conn: &Connection, month: Day) -> Result<Taken, StoreError> {
    let month = month_number(month);
    let doing = "reading a month that is to be released";
    let visits = "SELECT department, age, sum(people) FROM department_month WHERE month = ?1 AND help > ''
                  GROUP BY 1, 2 HAVING sum(people) > 0";
    let requests = "SELECT department, operator, sum(requests) FROM department_month
                    WHERE month = ?1 AND help = '' AND age = '' GROUP BY 1, 2 HAVING sum(requests) > 0";
    let helps = "SELECT operator, help, sum(requests) FROM department_month WHERE month = ?1 AND help > ''
                 GROUP BY 1, 2 HAVING sum(requests) > 0";
    let ages = "SELECT operator, department, age, sum(requests) FROM department_month
                WHERE month = ?1 AND help > '' GROUP BY 1, 2, 3 HAVING sum(requests) > 0";
    let three =
        |sql: &str| sql::rows(conn, doing, sql, [month], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)));
    Ok(Taken {
        visits: three(visits)?,
        requests: three(requests)?,
        helps: three(helps)?,
        ages: sql::rows(conn, doing, ages, [month], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?,
    })
}

/// Keeps a release, in the caller's transaction. The database refuses a second one of the same
/// kind and period.
pub fn keep(conn: &Connection, release: &Release, note: &Note) -> Result<(), StoreError> {
    let period = release.period.to_string();
    let sql = "INSERT INTO release (kind, period, year, depth, min_cell, layout, day, completeness)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Note { min_cell, layout, day, completeness } = note;
    let year = release.period.year();
    let row = (&release.kind, &period, year, release.depth, min_cell, layout, day.number(), completeness);
    sql::write(conn, "keeping a release", sql, row)?;
    let sql =
        "INSERT INTO release_cell (kind, period, place, one, two, value, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for Kept { place, one, two, value, state } in &release.cells {
        let row = (&release.kind, &period, place, one, two, value, number(*state));
        sql::write(conn, "keeping a cell of a release", sql, row)?;
    }
    Ok(())
}

/// The kinds and periods of a year that were released, with the smallest figure shown in each.
pub fn of_year(conn: &Connection, year: i16) -> Result<Vec<(String, Period, i64)>, StoreError> {
    let sql = "SELECT kind, period, min_cell FROM release WHERE year = ?1";
    let rows = sql::rows(conn, "reading what was released", sql, [year], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
    })?;
    let parsed = rows.into_iter().map(|(kind, period, min_cell)| Ok((kind, read_period(&period)?, min_cell)));
    parsed.collect()
}

/// The periods of a kind that were released, newest year first and each year's in their order, with
/// the day.
pub fn periods(conn: &Connection, kind: &str) -> Result<Vec<(Period, Day)>, StoreError> {
    let sql = "SELECT period, day FROM release WHERE kind = ?1 ORDER BY year DESC, period";
    let rows = sql::rows(conn, "reading what was released", sql, [kind], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?))
    })?;
    rows.into_iter().map(|(period, day)| Ok((read_period(&period)?, read_day(day)?))).collect()
}

/// What was released of a kind for a period, with its note; `None`: nothing yet.
pub fn find(conn: &Connection, kind: &str, period: Period) -> Result<Option<(Release, Note)>, StoreError> {
    let name = period.to_string();
    let sql = "SELECT depth, min_cell, layout, day, completeness FROM release WHERE kind = ?1 AND period = ?2";
    let found = sql::row(conn, "reading a release", sql, (kind, &name), |row| {
        let note = (row.get(1)?, row.get(2)?, row.get::<_, i32>(3)?, row.get(4)?);
        Ok((row.get::<_, Option<u8>>(0)?, note))
    })?;
    let Some((depth, (min_cell, layout, day, completeness))) = found else { return Ok(None) };
    let sql = "SELECT place, one, two, value, state FROM release_cell WHERE kind = ?1 AND period = ?2";
    let rows = sql::rows(conn, "reading the cells of a release", sql, (kind, &name), |row| {
        let names = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((names, row.get(3)?, row.get::<_, i64>(4)?))
    })?;
    let cell = |((place, one, two), value, number): ((String, String, String), i64, i64)| {
        let state = state(number).ok_or_else(|| StoreError::corrupt(format!("the cells released for {name}")))?;
        Ok(Kept { place, one, two, value, state })
    };
    let cells = rows.into_iter().map(cell).collect::<Result<_, StoreError>>()?;
    let note = Note { min_cell, layout, day: read_day(day)?, completeness };
    Ok(Some((Release { kind: kind.to_owned(), period, depth, cells }, note)))
}

/// The releases whose figures are not the sums of their parts: their keys, and what does not hold, in words.
///
/// A place's figure is that of its parts, one of all ages or operators that of each, a quarter's that of its months. Which
/// places and codes the program knows has no say: only what was kept is added up.
pub fn unsound(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let doing = "adding up what was released";
    let sql = "SELECT kind, period FROM release ORDER BY year, kind, period";
    let read = |row: &Row<'_>| Ok((text(row, 0)?, text(row, 1)?));
    let mut found = Vec::new();
    for (kind, name) in sql::rows(conn, doing, sql, [], read)? {
        let mut wrong = Vec::new();
        for sql in [
            "SELECT 'nation' AS place, one, two FROM release_cell WHERE kind = ?1 AND period = ?2 AND two = ''
             GROUP BY one HAVING total(CASE place WHEN 'nation' THEN value END)
                 <> total(CASE WHEN place GLOB 'region:*' THEN value END)
             OR total(CASE WHEN place GLOB 'region:*' THEN value END)
                 <> total(CASE WHEN place GLOB 'department:*' THEN value END)",
            "SELECT place, '', two FROM release_cell WHERE kind = ?1 AND period = ?2
             GROUP BY place, two HAVING total(iif(one = '', value, -value)) <> 0",
        ] {
            wrong.extend(sql::rows(conn, doing, sql, (&kind, &name), cell_name)?);
        }
        let parts = name.parse::<Period>().ok().map(|period| period.parts().map(|part| part.to_string()).collect());
        let parts: Vec<_> = parts.unwrap_or_default();
        if !parts.is_empty() {
            let listed = vec!["?"; parts.len()].join(", ");
            let sql = format!(
                "SELECT place, one, two FROM release_cell WHERE kind = ? AND period IN (?, {listed})
                 GROUP BY place, one, two HAVING total(iif(period = ?, value, -value)) <> 0"
            );
            let named = [&kind, &name].into_iter().chain(&parts).chain([&name]);
            wrong.extend(sql::rows(conn, doing, &sql, params_from_iter(named), cell_name)?);
        }
        if let Some(cell) = wrong.first() {
            let key = format!("{kind} {name}");
            let what = format!("release {key}: {} sums do not hold, of {cell} first", wrong.len());
            found.push((key, what));
        }
    }
    Ok(found)
}

fn cell_name(row: &Row<'_>) -> rusqlite::Result<String> {
    let names = [text(row, 0)?, text(row, 1)?, text(row, 2)?];
    Ok(names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" "))
}

/// A text that a flipped bit may have spoilt.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
}

fn read_period(text: &str) -> Result<Period, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt("a period that was released"))
}

fn read_day(number: i32) -> Result<Day, StoreError> {
    Day::from_number(number).ok_or_else(|| StoreError::corrupt("the day of a release"))
}

/// As numbers, in a layout that never changes. A cell that is not there is not kept.
const STATES: [State; 5] = [State::Withheld, State::Given, State::Shown, State::Low, State::Complement];

fn number(state: State) -> Option<usize> {
    STATES.iter().position(|known| *known == state)
}

fn state(number: i64) -> Option<State> {
    STATES.get(usize::try_from(number).ok()?).copied()
}
