//! Rows and objects as tables in the words of people; as JSON, they are what they are.
//!
//! Called by `show` and its neighbours. Every table passes here, so none shows raw names.

use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::lang::Lang;
use crate::out::{self, Grid};
use crate::words;

/// A grid without rows, under headings for these columns.
pub(super) fn headed(columns: &[&str], lang: Lang) -> Grid {
    Grid { header: columns.iter().map(|column| words::heading(column, lang)).collect(), rows: Vec::new() }
}

/// Rows, of which these columns are shown.
pub(super) fn grid<T: Serialize>(rows: &[T], columns: &[&str], lang: Lang) -> io::Result<Grid> {
    let mut grid = headed(columns, lang);
    for row in rows {
        let row = serde_json::to_value(row).map_err(io::Error::other)?;
        grid.push(columns.iter().map(|column| cell(column, &row[*column], lang)));
    }
    Ok(grid)
}

/// Writes rows.
pub(super) fn list<T: Serialize>(rows: &[T], columns: &[&str], json: bool, lang: Lang) -> io::Result<()> {
    if json { out::json(&rows) } else { out::grid(&grid(rows, columns, lang)?) }
}

/// Writes one object, a line per field.
pub(super) fn object<T: Serialize>(value: &T, json: bool, lang: Lang) -> io::Result<()> {
    if json { out::json(value) } else { out::grid(&fields(value, &[], lang)?) }
}

/// One line per field.
pub(super) fn fields<T: Serialize>(value: &T, more: &[(&str, String)], lang: Lang) -> io::Result<Grid> {
    let mut grid = headed(&["field", "value"], lang);
    if let Value::Object(fields) = serde_json::to_value(value).map_err(io::Error::other)? {
        for (name, value) in &fields {
            grid.push([words::heading(name, lang), cell(name, value, lang)]);
        }
    }
    for (name, value) in more {
        grid.push([words::heading(name, lang), value.clone()]);
    }
    Ok(grid)
}

/// A value in a cell; null is empty.
pub(super) fn cell(column: &str, value: &Value, lang: Lang) -> String {
    words::cell(column, value).shown(lang)
}
