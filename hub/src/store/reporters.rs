//! Who is to report: the sites of a question, with all that decides on which days they are expected.
//!
//! Called by `completeness`. Spans tell what held when; name, zones and first join are today's.

use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, Row};

use super::StoreError;
use crate::almanac::Place;
use crate::query::{Antennas, Filters, Query};
use crate::site::{Fact, Life};

/// One site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// Its id.
    pub site: SiteId,
    /// What people call it.
    pub name: String,
    /// The list's word for how it works.
    pub format: String,
    /// Its legal clock, by name.
    pub timezone: String,
    /// Where it lies.
    pub place: Place,
    /// From when it is to report: as set, or since its first machine joined.
    pub reports_from: Option<Day>,
    /// What held of it when, in order.
    pub stretches: Vec<Stretch>,
}

/// A time within which nothing of this changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// Where it is in its life.
    pub life: Life,
    /// Its house.
    pub parent: Option<String>,
    /// Its department.
    pub department: String,
    /// Its region.
    pub region: String,
    /// Who runs it.
    pub bearer: String,
}

impl Reporter {
    /// What held of it while a question asks for it: in its period, where its filters let it through.
    pub fn among<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Stretch> {
        let Filters { sites, departments, regions, bearers, .. } = &query.filters;
        let is_named = |site: &str| sites.iter().any(|named| named.as_str() == site);
        let allows = |allowed: &[String], value: &String| allowed.is_empty() || allowed.contains(value);
        let itself = sites.is_empty() || is_named(self.site.as_str());
        self.stretches.iter().filter(move |stretch| {
            let of_house = || query.antennas != Antennas::Apart && stretch.parent.as_deref().is_some_and(is_named);
            stretch.from <= query.to
                && stretch.to >= query.from
                && (itself || of_house())
                && allows(departments, &stretch.department)
                && allows(regions, &stretch.region)
                && allows(bearers, &stretch.bearer)
        })
    }
}

/// How often who is to report has changed, as of this moment.
pub fn touched(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT n FROM reporters_touched";
    Ok(sql::row(conn, "reading whether reporters changed", sql, [], |row| row.get(0))?.unwrap_or_default())
}

/// All sites, by id, with all that ever held of them.
pub fn all(conn: &Connection) -> Result<Vec<Reporter>, StoreError> {
    let sql = "SELECT s.site, s.from_day, s.to_day, s.life, s.parent, s.department, s.region, s.bearer,
             i.name, i.format, i.timezone, i.holiday_zone, i.school_zone, i.region, i.department,
             (SELECT value FROM site_fact f WHERE f.site = s.site AND f.field = ?1 ORDER BY from_day DESC LIMIT 1),
             (SELECT min(enrolled_day) FROM device d WHERE d.site = s.site AND d.standing <> 'pending')
         FROM site_span s JOIN site i ON i.id = s.site ORDER BY s.site, s.from_day";
    let doing = "reading who is to report";
    let mut statement = conn.prepare_cached(sql).map_err(StoreError::sqlite(doing))?;
    let mut rows = statement.query([Fact::ReportsFrom.name()]).map_err(StoreError::sqlite(doing))?;
    let mut found = Vec::<Reporter>::new();
    while let Some(row) = rows.next().map_err(StoreError::sqlite(doing))? {
        let stretch = stretch(row).map_err(StoreError::sqlite(doing))?;
        let stretch = stretch.ok_or_else(|| StoreError::corrupt("the span of a site"))?;
        let is_next = |last: &&mut Reporter| row.get_ref(0).is_ok_and(|id| id.as_str() == Ok(last.site.as_str()));
        match found.last_mut().filter(is_next) {
            Some(last) => last.stretches.push(stretch),
            None => {
                let mut reporter = reporter(row).map_err(StoreError::sqlite(doing))??;
                reporter.stretches.push(stretch);
                found.push(reporter);
            }
        }
    }
    Ok(found)
}

fn stretch(row: &Row<'_>) -> rusqlite::Result<Option<Stretch>> {
    let (from, to) = (Day::from_number(row.get(1)?), Day::from_number(row.get(2)?));
    let life = row.get_ref(3)?.as_str()?.parse();
    let (Some(from), Some(to), Ok(life)) = (from, to, life) else { return Ok(None) };
    let (parent, department, region, bearer) = (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(Some(Stretch { from, to, life, parent, department, region, bearer }))
}

fn reporter(row: &Row<'_>) -> rusqlite::Result<Result<Reporter, StoreError>> {
    let id: String = row.get(0)?;
    let Ok(site) = id.parse() else { return Ok(Err(StoreError::corrupt(format!("a span of site {id:?}")))) };
    let place =
        Place { holiday_zone: row.get(11)?, school_zone: row.get(12)?, region: row.get(13)?, department: row.get(14)? };
    let (named, joined): (Option<String>, Option<i32>) = (row.get(15)?, row.get(16)?);
    // What is set is one day, or empty where it was taken back.
    let named = named.and_then(|day| day.parse().ok());
    let reports_from = named.or_else(|| joined.and_then(Day::from_number));
    let (name, format, timezone) = (row.get(8)?, row.get(9)?, row.get(10)?);
    Ok(Ok(Reporter { site, name, format, timezone, place, reports_from, stretches: Vec::new() }))
}
