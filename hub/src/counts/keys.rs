//! The keys of rows, as every view tells them: fields, columns, cells, and today's names of sites.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::query::{Key, Query};
use crate::sheet::{Cell, Column};
use crate::site::{department, region_name};
use crate::store::{StoreError, sites};
use crate::words::{self, Vocabulary};

/// Today's names of the sites among these keys.
pub(crate) fn names<'a>(
    conn: &Connection,
    query: &Query,
    rows: impl Iterator<Item = &'a Vec<String>>,
) -> Result<BTreeMap<String, String>, StoreError> {
    let Some(place) = query.by.iter().position(|key| *key == Key::Site) else { return Ok(BTreeMap::new()) };
    let ids: BTreeSet<_> = rows.filter_map(|keys| keys.get(place)).collect();
    ids.into_iter().map(|id| Ok((id.clone(), sites::name(conn, id)?.unwrap_or_default()))).collect()
}

/// The keys of a row as fields, a site with its name.
pub(crate) fn fields(query: &Query, keys: &[String], names: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in query.by.iter().zip(keys) {
        object.insert(key.name().to_owned(), json!(value));
        if *key == Key::Site {
            object.insert("site_name".to_owned(), json!(names.get(value)));
        }
    }
    object
}

/// The columns of the keys.
pub(crate) fn columns(query: &Query) -> Vec<Column> {
    let mut columns = Vec::new();
    for key in &query.by {
        columns.extend(headed(*key));
    }
    columns
}

/// The column of a key, and of the name that stands beside its code.
pub(crate) fn headed(key: Key) -> Vec<Column> {
    let own = Column::new(key.name(), french(key));
    let named = match key {
        Key::Site => Some(Column::new("site_name", "nom du lieu")),
        Key::Department => Some(Column::beside("department_name", "nom du département")),
        Key::Region => Some(Column::beside("region_name", "nom de la région")),
        Key::Operator => Some(Column::beside("operator_name", "nom du partenaire")),
        _ => None,
    };
    std::iter::once(own).chain(named).collect()
}

/// The keys of a row as cells.
pub(crate) fn cells(query: &Query, keys: &[String], names: &BTreeMap<String, String>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (key, value) in query.by.iter().zip(keys) {
        cells.extend(told(*key, value, names));
    }
    cells
}

/// A value of a key, and the name that stands beside its code.
pub(crate) fn told(key: Key, value: &str, names: &BTreeMap<String, String>) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let own = match key {
        Key::Help => Vocabulary::Help.cell(value),
        Key::Age => Vocabulary::Age.cell(value),
        key if key.is_time() => Cell::Time(value.to_owned()),
        _ => text(value),
    };
    let named = match key {
        Key::Site => Some(text(names.get(value).map_or("", String::as_str))),
        Key::Department => Some(text(department(value).map_or("", |department| department.name))),
        Key::Region => Some(text(region_name(value).unwrap_or_default())),
        Key::Operator => Some(words::operator(value)),
        _ => None,
    };
    std::iter::once(own).chain(named).collect()
}

pub(crate) fn french(key: Key) -> &'static str {
    match key {
        Key::Day => "jour",
        Key::Month => "mois",
        Key::Quarter => "trimestre",
        Key::Year => "année",
        Key::Site => "lieu",
        Key::Department => "département",
        Key::Region => "région",
        Key::Bearer => "porteur",
        Key::Operator => "partenaire",
        Key::Help => "type d’aide",
        Key::Age => "âge",
    }
}
