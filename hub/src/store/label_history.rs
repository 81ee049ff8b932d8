//! Since when each check of a house's label stands as it does.
//!
//! Written once a day by the service, for what has changed; only ever added to. Not derived: what
//! schedules and partners said on a past day cannot be worked out any more.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, params_from_iter};

use super::figures::Places;
use super::{StoreError, meta};
use crate::label::Change;

/// How a check was last found to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// From which day of the hub on.
    pub day: Day,
    /// The verdict's code.
    pub verdict: String,
}

/// By site and check, the line that was added last; `only` of these sites. The order is that of
/// the commits: a clock that was ahead for a while has noted days that have not come.
pub fn latest(
    conn: &Connection,
    only: Option<&[SiteId]>,
) -> Result<BTreeMap<String, BTreeMap<String, Noted>>, StoreError> {
    let mut places = Places::default();
    let among = places.sites(only);
    // The other columns are those of the row with the maximum; no day has 16 bits.
    let sql = format!(
        "SELECT site, item, day, verdict, max(accepted * 65536 + day) FROM label_history WHERE {among}
         GROUP BY site, item ORDER BY site, item"
    );
    let rows = sql::rows(conn, "reading how labels stood", &sql, params_from_iter(places.values()), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i32>(2)?, row.get::<_, String>(3)?))
    })?;
    let mut found = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (site, item, day, verdict) in rows {
        let day = Day::from_number(day).ok_or_else(|| StoreError::corrupt("a line of a label's history"))?;
        found.entry(site).or_default().insert(item, Noted { day, verdict });
    }
    Ok(found)
}

/// Adds what has changed, and notes that the day is done.
pub fn add(conn: &Connection, changes: &[Change], day: Day) -> Result<(), StoreError> {
    let accepted = meta::commit_under_way(conn)?;
    for (site, item, verdict) in changes {
        // A day that has its line already comes twice where the clock was put back: the next one tells.
        let sql =
            "INSERT OR IGNORE INTO label_history (site, item, day, verdict, accepted) VALUES (?1, ?2, ?3, ?4, ?5)";
        let line = (site.as_str(), item, day.number(), verdict.as_str(), accepted);
        sql::write(conn, "noting how a label stands", sql, line)?;
    }
    let sql = "INSERT INTO meta (key, value) VALUES ('label_day', ?1)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sql::write(conn, "noting the day of labels", sql, [day.number()])?;
    if changes.is_empty() { Ok(()) } else { meta::touch_figures(conn) }
}

/// The last day that was noted.
pub fn noted_on(conn: &Connection) -> Result<Option<Day>, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'label_day'";
    let number: Option<i32> = sql::row(conn, "reading the day of labels", sql, [], |row| row.get(0))?;
    Ok(number.and_then(Day::from_number))
}
