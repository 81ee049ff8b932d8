//! Sites and their aliases in the store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::id::SiteId;
use msap_shared::io::store::sql;
use msap_shared::time::{Day, SiteZone};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::StoreError;
use super::history::{self, Dated, Since};
use crate::site::{Contact, Kind, Life, Site};

const COLUMNS: &str = "s.id, s.name, s.kind, s.life, s.parent, s.format, s.address, s.commune, s.insee, \
    s.postal_code, s.department, s.region, s.bearer, s.lat, s.lon, s.timezone, s.holiday_zone, s.school_zone, \
    s.osm_opening_hours, s.weekly_minutes, s.label_date, s.comment, s.hours_verbatim, s.quality, \
    s.list_day";

/// Which sites to list; an empty list of values lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteFilter {
    /// Only these.
    pub ids: Vec<SiteId>,
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
    const SQL: &str = "SELECT coalesce((SELECT id FROM site WHERE id = ?1), \
        (SELECT site FROM site_alias WHERE alias = ?1))";
    let doing = "resolving a site";
    let id: Option<String> = conn
        .prepare_cached(SQL)
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)))
        .map_err(StoreError::sqlite(doing))?;
    id.map(|id| site_id(&id)).transpose()
}

/// The site with this id.
pub fn find(conn: &Connection, id: &SiteId) -> Result<Option<(Site, Contact)>, StoreError> {
    let sql = format!("{} WHERE s.id = ?1", select());
    let mut found = rows(conn, &sql, vec![Value::Text(id.to_string())])?;
    Ok(found.pop())
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
    among("s.id", filter.ids.iter().map(ToString::to_string).collect());
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

/// What a site is called today.
pub fn name(conn: &Connection, site: &str) -> Result<Option<String>, StoreError> {
    sql::row(conn, "reading a site's name", "SELECT name FROM site WHERE id = ?1", [site], |row| row.get(0))
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
          ORDER BY last_contact DESC LIMIT 1), \
         (SELECT max(last_in_sync) FROM device d WHERE d.site = s.id AND d.standing IN ('active', 'returned')), \
         (SELECT min(enrolled_day) FROM device d WHERE d.site = s.id AND d.standing IN ('active', 'returned')), \
         (SELECT sum(waiting) FROM device d WHERE d.site = s.id AND d.standing <> 'revoked' AND d.replaced_by IS NULL), \
         (SELECT count(*) > 0 AND count(turned_away) = count(*) FROM device d \
          WHERE d.site = s.id AND d.replaced_by IS NULL) \
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
    let version: Option<String> = row.get(28)?;
    Ok(Contact {
        active: row.get(25)?,
        pending: row.get(26)?,
        last_contact: row.get(27)?,
        last_in_sync: row.get(29)?,
        enrolled: row.get::<_, Option<i32>>(30)?.and_then(Day::from_number),
        version: version.filter(|version| !version.is_empty()),
        waiting: row.get(31)?,
        refused: row.get(32)?,
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
    let listed: Option<i32> = row.get(24).map_err(StoreError::sqlite("reading a site"))?;
    site.list_day = listed.and_then(Day::from_number);
    Ok(site)
}

fn site_id(text: &str) -> Result<SiteId, StoreError> {
    text.parse().map_err(|error| damaged(&text, &error))
}

fn damaged(site: &impl std::fmt::Debug, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { what: format!("the record of site {site:?}: {why}") }
}

/// Writes a new site, or everything about a known one; aliases stay. What differs in its life,
/// house, department and bearer holds `since`; `today` is what the row shows.
pub fn put(conn: &Connection, site: &Site, since: Since, today: Day) -> Result<(), StoreError> {
    put_said(conn, site, (since, &Dated::ALL), today)
}

/// The same where only these dated fields were said to hold `since`: of the others nothing changes,
/// also where they are to on a later day.
pub fn put_said(
    conn: &Connection,
    site: &Site,
    (since, said): (Since, &[Dated]),
    today: Day,
) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE site SET name = ?2, kind = ?3, format = ?4, address = ?5, commune = ?6, insee = ?7, \
        postal_code = ?8, lat = ?9, lon = ?10, timezone = ?11, holiday_zone = ?12, school_zone = ?13, \
        osm_opening_hours = ?14, weekly_minutes = ?15, label_date = ?16, comment = ?17, hours_verbatim = ?18, \
        quality = ?19, list_day = ?20 WHERE id = ?1";
    let before = find(conn, &site.id)?.map(|(before, _)| before);
    if before.is_none() {
        insert(conn, site)?;
    }
    let values = params![
        site.id.as_str(),
        site.name,
        site.kind.as_str(),
        site.format,
        site.address,
        site.commune,
        site.insee,
        site.postal_code,
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
        site.list_day.map(Day::number),
    ];
    sql::write(conn, "writing a site", UPDATE, values)?;
    let Some(before) = before else { return Ok(()) };
    for field in Dated::ALL {
        // What has been a house till now was not an antenna of a house that nobody knew.
        let turned = field == Dated::Parent && before.kind != site.kind;
        let since = if said.contains(&field) { since } else { Since::learnt(today) };
        let since = if turned { since.certain() } else { since };
        history::set(conn, &site.id, (field, dated(&before, field)), (dated(site, field), since), today)?;
    }
    Ok(())
}

/// Gives a known site another life from a day on.
pub fn set_life(conn: &Connection, site: &Site, life: Life, since: Since, today: Day) -> Result<(), StoreError> {
    history::set(conn, &site.id, (Dated::Life, site.life.as_str()), (life.as_str(), since), today)
}

/// A dated field as the history has it.
fn dated(site: &Site, field: Dated) -> &str {
    match field {
        Dated::Life => site.life.as_str(),
        Dated::Parent => site.parent.as_ref().map_or("", SiteId::as_str),
        Dated::Department => &site.department,
        Dated::Bearer => &site.bearer,
    }
}

fn insert(conn: &Connection, site: &Site) -> Result<(), StoreError> {
    let sql = "INSERT INTO site (id, name, kind, timezone, life, parent, department, region, bearer)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (kind, life, parent) = (site.kind.as_str(), site.life.as_str(), site.parent.as_ref().map(SiteId::as_str));
    let place = (&site.department, &site.region, &site.bearer);
    let (department, region, bearer) = place;
    let row = (site.id.as_str(), &site.name, kind, site.timezone.name(), life, parent, department, region, bearer);
    sql::write(conn, "beginning a site", sql, row)?;
    Ok(())
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

/// The date of the newest list that has named any site.
pub fn newest_list(conn: &Connection) -> Result<Option<Day>, StoreError> {
    let day: Option<i32> =
        sql::row(conn, "looking for the newest list", "SELECT max(list_day) FROM site", [], |row| row.get(0))?
            .flatten();
    Ok(day.and_then(Day::from_number))
}

/// Whether any site is, was or will be run by this bearer.
pub fn known_bearer(conn: &Connection, bearer: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM site_span WHERE bearer = ?1)";
    conn.query_row(SQL, [bearer], |row| row.get(0)).map_err(StoreError::sqlite("looking for a bearer"))
}

/// Begins the row of a site that only a device's certificate names: after a lost database, until
/// the list is imported again. Nothing happens when the site is known.
pub fn insert_unknown(conn: &Connection, site: &SiteId) -> Result<(), StoreError> {
    const SQL: &str = "INSERT OR IGNORE INTO site (id, name, kind, timezone) VALUES (?1, ?1, 'house', 'Europe/Paris')";
    conn.execute(SQL, [site.as_str()]).map(drop).map_err(StoreError::sqlite("beginning a site"))
}

/// Every legal clock that a site keeps.
pub fn zones(conn: &Connection) -> Result<Vec<SiteZone>, StoreError> {
    let names = "SELECT DISTINCT timezone FROM site ORDER BY timezone";
    let names = sql::rows(conn, "reading the clocks of sites", names, [], |row| row.get::<_, String>(0))?;
    names.iter().map(|name| name.parse().map_err(|error| damaged(name, &error))).collect()
}

/// The day at a site by its own clock.
///
/// # Errors
/// When the store fails, or has no such site.
pub fn day_at(conn: &Connection, site: &SiteId, now: Timestamp) -> Result<Day, StoreError> {
    let sql = "SELECT timezone FROM site WHERE id = ?1";
    let zone: Option<String> = sql::row(conn, "reading a site's clock", sql, [site.as_str()], |row| row.get(0))?;
    let zone: SiteZone = zone.unwrap_or_default().parse().map_err(|error| damaged(site, &error))?;
    Ok(Day::at(now, &zone))
}

/// The fields of each site that a person has set: a list leaves them alone.
pub fn set_by_hand(conn: &Connection) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    let rows = sql::rows(conn, "reading what was set by hand", "SELECT site, field FROM site_hand", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut fields = BTreeMap::<_, BTreeSet<_>>::new();
    for (site, field) in rows {
        fields.entry(site).or_default().insert(field);
    }
    Ok(fields)
}

/// A person has set this field of a site.
pub fn note_hand(conn: &Connection, site: &SiteId, field: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO site_hand (site, field) VALUES (?1, ?2)";
    sql::write(conn, "noting what was set by hand", sql, (site.as_str(), field))?;
    Ok(())
}

/// Whether nothing hangs on a site's id: no machine, no visit, no invitation.
pub fn is_bare(conn: &Connection, site: &SiteId) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM device WHERE site = ?1)
               AND NOT EXISTS (SELECT 1 FROM document WHERE site = ?1)
               AND NOT EXISTS (SELECT 1 FROM invitation WHERE site = ?1)";
    Ok(sql::row(conn, "looking what a site has", sql, [site.as_str()], |row| row.get(0))?.unwrap_or(false))
}

/// Gives a bare site another id, and leads whatever names it there.
pub fn rename(conn: &Connection, from: &SiteId, to: &SiteId) -> Result<(), StoreError> {
    let doing = "renaming a site";
    let names = (from.as_str(), to.as_str());
    for sql in [
        "INSERT INTO site (id, name, kind, life, parent, format, address, commune, insee, postal_code, department,
             region, bearer, lat, lon, timezone, holiday_zone, school_zone, osm_opening_hours, weekly_minutes,
             label_date, comment, hours_verbatim, quality, list_day)
         SELECT ?2, name, kind, life, parent, format, address, commune, insee, postal_code, department,
             region, bearer, lat, lon, timezone, holiday_zone, school_zone, osm_opening_hours, weekly_minutes,
             label_date, comment, hours_verbatim, quality, list_day FROM site WHERE id = ?1",
        "UPDATE site_history SET site = ?2 WHERE site = ?1",
        "UPDATE site_hand SET site = ?2 WHERE site = ?1",
        "UPDATE site_fact SET site = ?2 WHERE site = ?1",
        "INSERT INTO label_history (site, item, day, verdict, accepted)
         SELECT ?2, item, day, verdict, accepted FROM label_history WHERE site = ?1",
    ] {
        sql::write(conn, doing, sql, names)?;
    }
    lead(conn, from, to)?;
    history::respan(conn, to)?;
    remove(conn, from)
}

/// Removes a bare site, and what was noted of it. What named it must lead elsewhere already.
pub fn remove(conn: &Connection, site: &SiteId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM site_history WHERE site = ?1",
        "DELETE FROM site_hand WHERE site = ?1",
        "DELETE FROM site_fact WHERE site = ?1",
        "DELETE FROM label_history WHERE site = ?1",
        "DELETE FROM site_span WHERE site = ?1",
        "DELETE FROM site_alias WHERE site = ?1",
        "DELETE FROM site WHERE id = ?1",
    ] {
        sql::write(conn, "removing a site", sql, [site.as_str()])?;
    }
    Ok(())
}

/// Leads antennas, other names, tokens and users of one site to another.
pub fn lead(conn: &Connection, from: &SiteId, to: &SiteId) -> Result<(), StoreError> {
    for sql in [
        "UPDATE site_alias SET site = ?2 WHERE site = ?1",
        "UPDATE site SET parent = ?2 WHERE parent = ?1",
        "UPDATE site_history SET value = ?2 WHERE field = 'parent' AND value = ?1",
        "UPDATE site_span SET parent = ?2 WHERE parent = ?1",
        "UPDATE token SET scope = 'site:' || ?2 WHERE scope = 'site:' || ?1",
        "UPDATE user SET scope = 'site:' || ?2 WHERE scope = 'site:' || ?1",
    ] {
        sql::write(conn, "leading the names of a site elsewhere", sql, (from.as_str(), to.as_str()))?;
    }
    Ok(())
}
