//! Sites and their aliases in the store.

use msap_shared::id::SiteId;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::StoreError;
use crate::site::{Contact, Kind, Life, Site};

const COLUMNS: &str = "s.id, s.name, s.kind, s.life, s.parent, s.format, s.address, s.commune, s.insee, \
    s.postal_code, s.department, s.region, s.bearer, s.lat, s.lon, s.timezone, s.holiday_zone, s.school_zone, \
    s.osm_opening_hours, s.weekly_minutes, s.label_date, s.comment, s.hours_verbatim, s.quality";

/// Which sites to list; an empty list of values lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteFilter {
    /// Department codes.
    pub departments: Vec<String>,
    /// Region codes.
    pub regions: Vec<String>,
    /// Houses, antennas or both.
    pub kinds: Vec<Kind>,
    /// Steps of life.
    pub lives: Vec<Life>,
    /// Only ids that sort after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// The site with this id or alias.
pub fn resolve(conn: &Connection, name: &str) -> Result<Option<SiteId>, StoreError> {
    const SQL: &str = "SELECT id FROM site WHERE id = ?1 UNION SELECT site FROM site_alias WHERE alias = ?1 LIMIT 1";
    let doing = "resolving a site";
    let id: Option<String> = conn
        .prepare_cached(SQL)
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(StoreError::sqlite(doing))?;
    id.map(|id| site_id(&id)).transpose()
}

/// The site with this id.
pub fn find(conn: &Connection, id: &SiteId) -> Result<Option<(Site, Contact)>, StoreError> {
    let sql = format!("{} WHERE s.id = ?1", select());
    let mut found = rows(conn, &sql, vec![Value::Text(id.to_string())])?;
    Ok(found.pop())
}

/// The antennas of a house.
pub fn antennas(conn: &Connection, house: &SiteId) -> Result<Vec<Site>, StoreError> {
    let sql = format!("{} WHERE s.parent = ?1 ORDER BY s.id", select());
    let found = rows(conn, &sql, vec![Value::Text(house.to_string())])?;
    Ok(found.into_iter().map(|(site, _)| site).collect())
}

/// The sites that pass the filter, in the order of their ids.
pub fn list(conn: &Connection, filter: &SiteFilter) -> Result<Vec<(Site, Contact)>, StoreError> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    let mut among = |column: &str, allowed: Vec<String>| {
        if !allowed.is_empty() {
            conditions.push(format!("{column} IN ({})", marks(allowed.len())));
            values.extend(allowed.into_iter().map(Value::Text));
        }
    };
    among("s.department", filter.departments.clone());
    among("s.region", filter.regions.clone());
    among("s.kind", filter.kinds.iter().map(ToString::to_string).collect());
    among("s.life", filter.lives.iter().map(ToString::to_string).collect());
    if let Some(after) = &filter.after {
        conditions.push("s.id > ?".to_owned());
        values.push(Value::Text(after.clone()));
    }
    let mut sql = select();
    if !conditions.is_empty() {
        sql = format!("{sql} WHERE {}", conditions.join(" AND "));
    }
    sql.push_str(" ORDER BY s.id");
    if let Some(limit) = filter.limit {
        sql.push_str(" LIMIT ?");
        values.push(Value::Integer(i64::from(limit)));
    }
    rows(conn, &sql, values)
}

/// `?, ?, ?`: so many places for bound values.
fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn select() -> String {
    format!(
        "SELECT {COLUMNS}, \
         (SELECT count(*) FROM device d WHERE d.site = s.id AND d.standing IN ('active', 'returned')), \
         (SELECT count(*) FROM device d WHERE d.site = s.id AND d.standing = 'pending'), \
         (SELECT max(last_contact) FROM device d WHERE d.site = s.id), \
         (SELECT app_version FROM device d WHERE d.site = s.id AND last_contact IS NOT NULL \
          ORDER BY last_contact DESC LIMIT 1) \
         FROM site s"
    )
}

fn rows(conn: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<(Site, Contact)>, StoreError> {
    let doing = "reading sites";
    let mut statement = conn.prepare_cached(sql).map_err(StoreError::sqlite(doing))?;
    let mut found = statement.query(params_from_iter(values)).map_err(StoreError::sqlite(doing))?;
    let mut sites = Vec::new();
    while let Some(row) = found.next().map_err(StoreError::sqlite(doing))? {
        sites.push((read(row)?, contact(row).map_err(StoreError::sqlite(doing))?));
    }
    Ok(sites)
}

fn contact(row: &Row<'_>) -> rusqlite::Result<Contact> {
    let version: Option<String> = row.get(27)?;
    Ok(Contact {
        active: row.get(24)?,
        pending: row.get(25)?,
        last_contact: row.get(26)?,
        version: version.filter(|version| !version.is_empty()),
    })
}

fn read(row: &Row<'_>) -> Result<Site, StoreError> {
    let text = |n: usize| row.get::<_, String>(n).map_err(StoreError::sqlite("reading a site"));
    let optional = |n: usize| row.get::<_, Option<String>>(n).map_err(StoreError::sqlite("reading a site"));
    let angle = |n: usize| row.get::<_, Option<f64>>(n).map_err(StoreError::sqlite("reading a site"));
    let id = site_id(&text(0)?)?;
    let zone = text(15)?.parse().map_err(|error| damaged(&id, &error))?;
    let mut site = Site::new(id, text(1)?, text(2)?.parse().map_err(|error| damaged(&text(0), &error))?, zone);
    site.life = text(3)?.parse().map_err(|error| damaged(&site.id, &error))?;
    site.parent = optional(4)?.map(|parent| site_id(&parent)).transpose()?;
    site.format = text(5)?;
    site.address = text(6)?;
    site.commune = text(7)?;
    site.insee = text(8)?;
    site.postal_code = text(9)?;
    site.department = text(10)?;
    site.region = text(11)?;
    site.bearer = text(12)?;
    site.lat = angle(13)?;
    site.lon = angle(14)?;
    site.holiday_zone = text(16)?;
    site.school_zone = text(17)?;
    site.osm_opening_hours = text(18)?;
    site.weekly_minutes = row.get(19).map_err(StoreError::sqlite("reading a site"))?;
    site.label_date = optional(20)?.map(|day| day.parse()).transpose().map_err(|error| damaged(&site.id, &error))?;
    site.comment = text(21)?;
    site.hours_verbatim = text(22)?;
    site.quality = text(23)?;
    Ok(site)
}

fn site_id(text: &str) -> Result<SiteId, StoreError> {
    text.parse().map_err(|error| damaged(&text, &error))
}

fn damaged(site: &impl std::fmt::Debug, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { what: format!("the record of site {site:?}: {why}") }
}

/// Writes a new site, or everything about a known one; digest and aliases stay.
pub fn put(conn: &Connection, site: &Site) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO site (id, name, kind, life, parent, format, address, commune, insee, postal_code, \
        department, region, bearer, lat, lon, timezone, holiday_zone, school_zone, osm_opening_hours, \
        weekly_minutes, label_date, comment, hours_verbatim, quality) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
        ?22, ?23, ?24) \
        ON CONFLICT (id) DO UPDATE SET name = ?2, kind = ?3, life = ?4, parent = ?5, format = ?6, address = ?7, \
        commune = ?8, insee = ?9, postal_code = ?10, department = ?11, region = ?12, bearer = ?13, lat = ?14, \
        lon = ?15, timezone = ?16, holiday_zone = ?17, school_zone = ?18, osm_opening_hours = ?19, \
        weekly_minutes = ?20, label_date = ?21, comment = ?22, hours_verbatim = ?23, quality = ?24";
    let values = params![
        site.id.as_str(),
        site.name,
        site.kind.as_str(),
        site.life.as_str(),
        site.parent.as_ref().map(SiteId::as_str),
        site.format,
        site.address,
        site.commune,
        site.insee,
        site.postal_code,
        site.department,
        site.region,
        site.bearer,
        site.lat,
        site.lon,
        site.timezone.name(),
        site.holiday_zone,
        site.school_zone,
        site.osm_opening_hours,
        site.weekly_minutes,
        site.label_date.map(|day| day.to_string()),
        site.comment,
        site.hours_verbatim,
        site.quality,
    ];
    conn.prepare_cached(SQL)
        .and_then(|mut statement| statement.execute(values))
        .map(drop)
        .map_err(StoreError::sqlite("writing a site"))
}

/// Gives a site one more name.
pub fn add_alias(conn: &Connection, alias: &str, site: &SiteId) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO site_alias (alias, site) VALUES (?1, ?2)";
    conn.execute(SQL, params![alias, site.as_str()]).map(drop).map_err(StoreError::sqlite("writing an alias"))
}

/// A site's other names.
pub fn aliases(conn: &Connection, site: &SiteId) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT alias FROM site_alias WHERE site = ?1 ORDER BY alias";
    conn.prepare(SQL)
        .and_then(|mut statement| statement.query_map([site.as_str()], |row| row.get(0))?.collect())
        .map_err(StoreError::sqlite("reading aliases"))
}

/// Whether any site is run by this bearer.
pub fn known_bearer(conn: &Connection, bearer: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM site WHERE bearer = ?1)";
    conn.query_row(SQL, [bearer], |row| row.get(0)).map_err(StoreError::sqlite("looking for a bearer"))
}

/// Begins the row of a site that only a device's certificate names: after a lost database, until
/// the list is imported again. Nothing happens when the site is known.
pub fn insert_unknown(conn: &Connection, site: &SiteId) -> Result<(), StoreError> {
    const SQL: &str = "INSERT OR IGNORE INTO site (id, name, kind, timezone) VALUES (?1, ?1, 'house', 'Europe/Paris')";
    conn.execute(SQL, [site.as_str()]).map(drop).map_err(StoreError::sqlite("beginning a site"))
}
