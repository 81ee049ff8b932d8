//! The three ways to run a statement: prepared once, named when it fails.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::StoreError;

/// At most one row.
///
/// # Errors
/// When SQLite fails, named by `doing`.
pub fn row<T>(
    conn: &Connection,
    doing: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(StoreError::sqlite(doing))?;
    statement.query_row(params, read).optional().map_err(StoreError::sqlite(doing))
}

/// All rows.
///
/// # Errors
/// When SQLite fails, named by `doing`.
pub fn rows<T>(
    conn: &Connection,
    doing: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let all = || conn.prepare_cached(sql)?.query_map(params, read)?.collect();
    let all: rusqlite::Result<Vec<T>> = all();
    all.map_err(StoreError::sqlite(doing))
}

/// A statement that writes. Returns the number of rows it changed.
///
/// # Errors
/// When SQLite fails, named by `doing`.
pub fn write(conn: &Connection, doing: &'static str, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(StoreError::sqlite(doing))
}
