//! What a person has set of a site and no document holds: from when it is to report, and what its
//! label asks for.
//!
//! Written by `admin`, for `site set`; read by completeness, the label and `site show`. Each fact
//! holds from a day until another one of its field takes its place; what held before stays. Sealed
//! as the rest of the registry is.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, params_from_iter};

use super::figures::Places;
use super::history::Held;
use super::{StoreError, meta};

/// Sets a fact from a day on, in place of the one of that very day. An empty value takes it back.
pub fn set(conn: &Connection, site: &SiteId, field: &str, from: Day, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO site_fact (site, field, from_day, value) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET value = excluded.value";
    sql::write(conn, "keeping a fact of a site", sql, (site.as_str(), field, from.number(), value))?;
    meta::touch_figures(conn)
}

/// The facts of a site, field by field.
pub fn of_site(conn: &Connection, site: &SiteId) -> Result<Vec<Held>, StoreError> {
    let sql = "SELECT field, from_day, value FROM site_fact WHERE site = ?1 ORDER BY field, from_day";
    sql::rows(conn, "reading the facts of a site", sql, [site.as_str()], |row| {
        let from = Day::from_number(row.get(1)?).filter(|day| *day > Day::FIRST);
        Ok(Held { field: row.get(0)?, from, value: row.get(2)? })
    })
}

/// By field, the value and since when it holds.
pub type Holding = BTreeMap<String, (Day, String)>;

/// What holds of each site on a day, by site; `only` of these.
pub fn holding(conn: &Connection, day: Day, only: Option<&[SiteId]>) -> Result<BTreeMap<String, Holding>, StoreError> {
    let mut places = Places::default();
    let (today, among) = (places.day(day), places.sites(only));
    let sql = format!(
        "SELECT site, field, from_day, value FROM site_fact WHERE from_day <= {today} AND {among}
         ORDER BY site, field, from_day"
    );
    let rows = sql::rows(conn, "reading facts of sites", &sql, params_from_iter(places.values()), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i32>(2)?, row.get::<_, String>(3)?))
    })?;
    let mut found = BTreeMap::<_, Holding>::new();
    for (site, field, from, value) in rows {
        let from = Day::from_number(from).ok_or_else(|| StoreError::corrupt(format!("a fact of site {site}")))?;
        found.entry(site).or_default().insert(field, (from, value));
    }
    Ok(found)
}
