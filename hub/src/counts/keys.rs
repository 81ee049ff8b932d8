//! The keys of rows, as every view tells them: fields, columns, cells, and today's names of sites.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::query::{Key, Query};
use crate::sheet::{Cell, Column};
use crate::store::{StoreError, sites};

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
        columns.push(Column::new(key.name(), french(*key)));
        if *key == Key::Site {
            columns.push(Column::new("site_name", "nom du lieu"));
        }
    }
    columns
}

/// The keys of a row as cells.
pub(crate) fn cells(query: &Query, keys: &[String], names: &BTreeMap<String, String>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (key, value) in query.by.iter().zip(keys) {
        cells.push(if key.is_time() { Cell::Time(value.clone()) } else { Cell::Text(value.clone()) });
        if *key == Key::Site {
            cells.push(Cell::Text(names.get(value).cloned().unwrap_or_default()));
        }
    }
    cells
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
        Key::Operator => "opérateur",
        Key::Help => "aide",
        Key::Age => "âge",
    }
}
