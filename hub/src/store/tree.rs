//! The network's tree: what each site was on a day, what was attached to what, and what it is called.
//!
//! Asked by returns, reports and the views of the network. What is dated comes from the spans,
//! names and kinds are today's.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::StoreError;
use crate::site::{Kind, Life};

/// What people call a site, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// House or antenna.
    pub kind: Kind,
}

impl Default for Named {
    fn default() -> Self {
        Self { name: String::new(), kind: Kind::House }
    }
}

/// A site as it was on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub site: SiteId,
    /// House or antenna.
    pub kind: Kind,
    /// Where it was in its life.
    pub life: Life,
    /// The house that it was attached to.
    pub parent: Option<SiteId>,
    /// Its department.
    pub department: String,
    /// Its region.
    pub region: String,
    /// Who ran it.
    pub bearer: String,
}

/// Every site as it was on a day, in the order of their ids. A label that nothing dates but the list has
/// the list's date: before it the site was open without one.
///
/// # Errors
/// When the store fails.
pub fn on(conn: &Connection, day: Day) -> Result<Vec<Node>, StoreError> {
    const SQL: &str = "SELECT s.site, t.kind, \
        iif(s.life = 'labelled' AND t.label_date > ?2 AND NOT EXISTS ( \
            SELECT 1 FROM site_span e WHERE e.site = s.site AND e.to_day < s.from_day AND e.life <> 'labelled'), \
        'open', s.life), s.parent, s.department, s.region, s.bearer \
        FROM site_span s JOIN site t ON t.id = s.site \
        WHERE s.from_day <= ?1 AND s.to_day >= ?1 ORDER BY s.site";
    let rows = sql::rows(conn, "reading the network of a day", SQL, (day.number(), day.to_string()), |row| {
        let texts = [row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(4)?, row.get(5)?, row.get(6)?];
        Ok((texts, row.get::<_, Option<String>>(3)?))
    })?;
    let node = |([site, kind, life, department, region, bearer], parent): ([String; 6], Option<String>)| {
        let corrupt = || StoreError::corrupt(format!("the span of site {site:?}"));
        Ok(Node {
            site: site.parse().map_err(|_| corrupt())?,
            kind: kind.parse().map_err(|_| corrupt())?,
            life: life.parse().map_err(|_| corrupt())?,
            parent: parent.and_then(|id| id.parse().ok()),
            department,
            region,
            bearer,
        })
    };
    rows.into_iter().map(node).collect()
}

/// What every site is called today.
///
/// # Errors
/// When the store fails.
pub fn names(conn: &Connection) -> Result<BTreeMap<String, Named>, StoreError> {
    let rows = sql::rows(conn, "reading names", "SELECT id, name, kind FROM site", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let named = |(id, name, kind): (String, String, String)| {
        let kind = kind.parse().map_err(|_| StoreError::corrupt(format!("the kind of site {id:?}")))?;
        Ok((id, Named { name, kind }))
    };
    rows.into_iter().map(named).collect()
}

/// The houses of antennas, in the order of their days, by antenna and by the department that it lay
/// in meanwhile.
pub type Houses = BTreeMap<(String, String), Vec<String>>;

/// The houses that antennas were attached to in a period.
///
/// # Errors
/// When the store fails.
pub fn houses(conn: &Connection, (from, to): (Day, Day)) -> Result<Houses, StoreError> {
    const SQL: &str = "SELECT site, department, parent FROM site_span WHERE parent IS NOT NULL \
        AND from_day <= ?2 AND to_day >= ?1 ORDER BY site, from_day";
    let rows = sql::rows(conn, "reading the houses of antennas", SQL, (from.number(), to.number()), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut houses = Houses::new();
    for (site, department, house) in rows {
        let of = houses.entry((site, department)).or_default();
        if !of.contains(&house) {
            of.push(house);
        }
    }
    Ok(houses)
}

/// The times of a period within which a house received people, and, where asked for, those within
/// which what was attached to it did.
///
/// # Errors
/// When the store fails.
pub fn served(
    conn: &Connection,
    house: &SiteId,
    (from, to): (Day, Day),
    with_antennas: bool,
) -> Result<Vec<(SiteId, Day, Day)>, StoreError> {
    const SQL: &str = "SELECT site, max(from_day, ?2), min(to_day, ?3) FROM site_span \
        WHERE (site = ?1 OR (?4 AND parent = ?1)) AND life IN ('open', 'labelled') \
        AND from_day <= ?3 AND to_day >= ?2 ORDER BY site <> ?1, site, from_day";
    let key = (house.as_str(), from.number(), to.number(), with_antennas);
    let rows = sql::rows(conn, "reading when a house was in service", SQL, key, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?, row.get::<_, i32>(2)?))
    })?;
    let times = |(site, from, to): (String, i32, i32)| {
        let days = Day::from_number(from).zip(Day::from_number(to));
        let site = site.parse::<SiteId>().ok().zip(days);
        site.map(|(site, (from, to))| (site, from, to)).ok_or_else(|| StoreError::corrupt("the span of a site"))
    };
    rows.into_iter().map(times).collect()
}
