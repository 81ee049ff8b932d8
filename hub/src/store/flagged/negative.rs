//! Figures below zero: desks that had not heard of each other took the same visits away. Such a
//! figure counts as 0, and is listed with the flagged facts until a desk puts it right.

use msap_shared::document::DocId;
use msap_shared::document::fold::Standing;
use msap_shared::id::TapName;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest as _, Sha256};

use super::{FlaggedFilter, FlaggedRow, StoreError, Within, chains, id};

/// The reason for which they are listed.
pub const NEGATIVE: &str = "negative";

/// The figures below zero that a filter asks for. None is a tap: a name made of the figure stands
/// for one, so that they have places and ids as facts do.
pub(super) fn list(conn: &Connection, filter: &FlaggedFilter) -> Result<Vec<FlaggedRow>, StoreError> {
    if filter.reason.as_deref().is_some_and(|reason| reason != NEGATIVE) {
        return Ok(Vec::new());
    }
    let of_site = filter.site.clone().map(Within::Site);
    let parts = [Some(&filter.within), of_site.as_ref()].into_iter().flatten().filter_map(Within::condition);
    let (conditions, values): (Vec<_>, Vec<_>) = parts.map(|(sql, value)| (sql, Value::Text(value))).unzip();
    let conditions: String = conditions.iter().map(|condition| format!(" AND {condition}")).collect();
    // Only where a row takes away can a sum be below zero: those have an index.
    let sql = format!(
        "SELECT v.site, v.day, v.operator, v.help, v.age, sum(v.people), sum(v.requests)
         FROM (SELECT DISTINCT site, day, operator, help, age FROM visits WHERE people < 0 OR requests < 0) c
         JOIN visits v ON v.site = c.site AND v.day = c.day AND v.operator = c.operator AND v.help = c.help
                      AND v.age = c.age AND v.apart = 0
         JOIN site s ON s.id = v.site
         WHERE TRUE{conditions}
         GROUP BY v.site, v.day, v.operator, v.help, v.age HAVING sum(v.people) < 0 OR sum(v.requests) < 0"
    );
    let cells = sql::rows(conn, "looking for negative figures", &sql, params_from_iter(values), |row| {
        let text = |n| row.get::<_, String>(n);
        let (people, requests) = (row.get::<_, i64>(5)?, row.get::<_, i64>(6)?);
        let cell = format!("{}|{}|{}", text(2)?, text(3)?, text(4)?);
        Ok((text(0)?, row.get::<_, i32>(1)?, cell, people, requests))
    })?;
    let mut found = Vec::new();
    for (site, day, cell, people, requests) in cells {
        let day = Day::from_number(day).ok_or_else(|| StoreError::corrupt("a figure of no day"))?;
        let document: DocId = chains::document_named(&format!("site/{site}/visits/{}", day.month()))?;
        let name = document.to_string();
        let tap = stand_in(&day.to_string(), &cell);
        if filter.after.as_ref().is_some_and(|(after, after_tap)| (&name, &tap) <= (after, after_tap)) {
            continue;
        }
        let value = format!("{people}|{cell}|{requests}");
        let standing = Some(Standing { rev: 0, day: day.day_of_month(), value, contested: false });
        let reasons = vec![NEGATIVE.to_owned()];
        found.push(FlaggedRow { id: id(&name, &tap), document, tap, reasons, standing, verdict: None });
    }
    Ok(found)
}

fn stand_in(day: &str, cell: &str) -> TapName {
    let hash =
        Sha256::new().chain_update("negative|").chain_update(day).chain_update("|").chain_update(cell).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&hash[..8]);
    TapName::new(short)
}
