//! Changes of sites, each in the caller's transaction with its line in the journal.

use jiff::Timestamp;
use msap_shared::id::SiteId;
use msap_shared::time::{Day, SiteZone};
use rusqlite::Connection;

use super::AdminError;
use super::look::site_id;
use crate::ask;
use crate::lang::Phrase;
use crate::site::{Fact, Field, FieldError, Kind, Life, Site};
use crate::store::history::{Dated, Since};
use crate::store::{StoreError, journal, site_facts, sites};

/// The name of the field that holds an antenna's house.
const PARENT: &str = Dated::Parent.name();

/// A site that must exist.
pub(super) fn found(conn: &Connection, name: &str) -> Result<Site, AdminError> {
    let id = site_id(conn, name)?;
    sites::find(conn, &id)?.map(|(site, _)| site).ok_or_else(|| AdminError::UnknownSite(name.to_owned()))
}

/// A day as typed.
pub(super) fn day(text: Option<&str>) -> Result<Option<Day>, AdminError> {
    text.map(|text| text.parse().map_err(|_| AdminError::Day(text.chars().take(60).collect()))).transpose()
}

/// Adds a site that does not exist yet.
pub(super) fn add(
    conn: &Connection,
    now: Timestamp,
    name: &str,
    kind: &str,
    parent: Option<&str>,
    fields: &[(String, String)],
) -> Result<(), AdminError> {
    let id = new_name(conn, name)?;
    let kind = kind.parse::<Kind>().map_err(|_| AdminError::Kind(kind.chars().take(60).collect()))?;
    let value =
        |wanted: Field| fields.iter().find(|(field, _)| field == wanted.name()).map(|(_, value)| value.as_str());
    if value(Field::Name).is_none() {
        return Err(AdminError::Missing("name"));
    }
    let mut site = Site::new(id, String::new(), kind, zone(value(Field::Timezone), value(Field::Department))?);
    set_fields(&mut site, fields)?;
    if let Some(parent) = parent {
        attach(conn, &mut site, parent)?;
    }
    let today = ask::today(now);
    sites::put(conn, &site, Since::learnt(today), today)?;
    let given: Vec<_> = fields.iter().map(|(field, value)| format!("{field}={value}")).collect();
    journal::record(conn, now, "site.add", site.id.as_str(), &format!("kind={kind} {}", given.join(" ")))?;
    // Set by hand like any later change: the next import leaves them alone.
    let parent = site.parent.iter().map(|parent| (PARENT.to_owned(), parent.to_string()));
    note(conn, now, &site.id, fields.iter().cloned().chain(parent), None)?;
    Ok(())
}

/// Notes what a person has set, and from when it holds: for the journal, and for the next import.
fn note(
    conn: &Connection,
    now: Timestamp,
    site: &SiteId,
    fields: impl IntoIterator<Item = (String, String)>,
    from: Option<Day>,
) -> Result<(), StoreError> {
    let from = from.map(|day| format!(" from={day}")).unwrap_or_default();
    for (field, value) in fields {
        sites::note_hand(conn, site, &field)?;
        journal::record(conn, now, journal::SITE_SET, site.as_str(), &format!("{field}={value}{from}"))?;
    }
    Ok(())
}

/// The legal clock of a new site. A wrong one would put visits on the wrong day: it is never
/// guessed, but a department has only one.
fn zone(zone: Option<&str>, department: Option<&str>) -> Result<SiteZone, AdminError> {
    let wrong = |field: Field, value: &str| {
        let expected = Phrase::new("un fuseau ou un département connu", "a known time zone or department");
        FieldError { field: field.name(), value: value.chars().take(60).collect(), expected }
    };
    match (zone, department) {
        (Some(zone), _) => Ok(zone.parse().map_err(|_| wrong(Field::Timezone, zone))?),
        (None, Some(code)) => Ok(crate::site::department(code)
            .and_then(|known| known.zone())
            .ok_or_else(|| wrong(Field::Department, code))?),
        (None, None) => Err(AdminError::Missing("department / timezone")),
    }
}

/// Sets fields of a site. Life, department and bearer hold `from` a day on: today, unless said.
pub(super) fn set(
    conn: &Connection,
    now: Timestamp,
    name: &str,
    fields: &[(String, String)],
    from: Option<Day>,
) -> Result<(), AdminError> {
    let is_dated = |name: &String| {
        Dated::ALL.iter().any(|field| field.name() == name) || Fact::named(name).is_some_and(Fact::is_dated)
    };
    if from.is_some() && !fields.iter().any(|(name, _)| is_dated(name)) {
        return Err(AdminError::NotDated);
    }
    let (facts, fields): (Vec<_>, Vec<_>) = fields.iter().cloned().partition(|(name, _)| Fact::named(name).is_some());
    let mut site = found(conn, name)?;
    set_fields(&mut site, &fields)?;
    if !fields.is_empty() {
        keep(conn, now, &site, &fields, from)?;
    }
    state(conn, now, &site.id, &facts, from)
}

/// Keeps facts of which only persons know.
fn state(
    conn: &Connection,
    now: Timestamp,
    site: &SiteId,
    facts: &[(String, String)],
    from: Option<Day>,
) -> Result<(), AdminError> {
    for (name, value) in facts {
        let Some(fact) = Fact::named(name) else { continue };
        let value = fact.check(value)?;
        let (day, told) = match fact.is_dated() {
            true => {
                let day = from.unwrap_or(ask::today(now));
                (day, format!("{name}={value} from={day}"))
            }
            false => (Day::FIRST, format!("{name}={value}")),
        };
        site_facts::set(conn, site, name, day, &value)?;
        journal::record(conn, now, journal::SITE_SET, site.as_str(), &told)?;
    }
    Ok(())
}

/// Ends a site's life. What its machines still hold is taken; a visit after its last day is put
/// before a person.
pub(super) fn retire(conn: &Connection, now: Timestamp, name: &str, from: Option<Day>) -> Result<(), AdminError> {
    set(conn, now, name, &[(Field::Life.name().to_owned(), Life::Retired.to_string())], from)
}

fn keep(
    conn: &Connection,
    now: Timestamp,
    site: &Site,
    fields: &[(String, String)],
    from: Option<Day>,
) -> Result<(), AdminError> {
    let today = ask::today(now);
    let is_said = |field: &Dated| fields.iter().any(|(name, _)| name == field.name());
    let said: Vec<_> = Dated::ALL.into_iter().filter(is_said).collect();
    sites::put_said(conn, site, (from.map_or(Since::learnt(today), Since::named), &said), today)?;
    Ok(note(conn, now, &site.id, fields.iter().cloned(), from)?)
}

/// Gives a site one more name.
pub(super) fn alias(conn: &Connection, now: Timestamp, name: &str, alias: &str) -> Result<(), AdminError> {
    let site = site_id(conn, name)?;
    let alias = new_name(conn, alias)?;
    sites::add_alias(conn, alias.as_str(), &site)?;
    Ok(journal::record(conn, now, "site.alias", site.as_str(), alias.as_str())?)
}

/// Attaches an antenna to a house, from a day on: today, unless said.
pub(super) fn set_parent(
    conn: &Connection,
    now: Timestamp,
    name: &str,
    parent: &str,
    from: Option<Day>,
) -> Result<(), AdminError> {
    let mut site = found(conn, name)?;
    attach(conn, &mut site, parent)?;
    let parent = site.parent.as_ref().map_or("", SiteId::as_str).to_owned();
    keep(conn, now, &site, &[(PARENT.to_owned(), parent)], from)
}

fn attach(conn: &Connection, site: &mut Site, parent: &str) -> Result<(), AdminError> {
    if site.kind != Kind::Antenna {
        return Err(AdminError::NotAntenna(site.id.to_string()));
    }
    let house = found(conn, parent)?;
    if house.kind != Kind::House {
        return Err(AdminError::NotHouse(house.id.to_string()));
    }
    site.parent = Some(house.id);
    Ok(())
}

fn set_fields(site: &mut Site, fields: &[(String, String)]) -> Result<(), AdminError> {
    for (name, value) in fields {
        let field = Field::named(name).ok_or_else(|| AdminError::UnknownField(name.chars().take(60).collect()))?;
        field.set(site, value)?;
    }
    Ok(())
}

/// A well-formed id that names no site yet.
fn new_name(conn: &Connection, text: &str) -> Result<SiteId, AdminError> {
    let id: SiteId = text.parse().map_err(|_| AdminError::SiteId(text.chars().take(60).collect()))?;
    match sites::resolve(conn, text)? {
        None => Ok(id),
        Some(_) => Err(AdminError::Taken(text.to_owned())),
    }
}
