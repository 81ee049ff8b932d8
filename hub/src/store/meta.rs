//! The epoch, and the marks of all commits.

use msap_shared::frame::Mark;
use msap_shared::id::Epoch;
use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::StoreError;

/// The database's epoch; `None` for one that just began.
pub fn epoch(conn: &Connection) -> Result<Option<Epoch>, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'epoch'";
    sql::row(conn, "reading the epoch", sql, [], |row| row.get(0).map(Epoch::new))
}

/// Enters an epoch. Its first day is that of the next [`date_epoch`].
pub fn set_epoch(conn: &Connection, epoch: Epoch) -> Result<(), StoreError> {
    sql::write(conn, "forgetting the epoch's first day", "DELETE FROM meta WHERE key = 'epoch_day'", [])?;
    let sql = "INSERT INTO meta (key, value) VALUES ('epoch', ?1)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sql::write(conn, "keeping the epoch", sql, [epoch.as_bytes()])?;
    Ok(())
}

/// Notes the epoch's first day, unless it is known.
pub fn date_epoch(conn: &Connection, today: Day) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO meta (key, value) VALUES ('epoch_day', ?1)";
    sql::write(conn, "keeping the epoch's first day", sql, [today.number()])?;
    Ok(())
}

/// The first day of the epoch: what was received when is known from then on. `None` when nothing
/// was received in it yet.
pub fn epoch_day(conn: &Connection) -> Result<Option<Day>, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'epoch_day'";
    let number: Option<i32> = sql::row(conn, "reading the epoch's first day", sql, [], |row| row.get(0))?;
    Ok(number.and_then(Day::from_number))
}

/// Notes that the commit under way touches figures.
pub fn touch_figures(conn: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE meta SET value = (SELECT coalesce(max(n), 0) + 1 FROM mark) WHERE key = 'figures'";
    sql::write(conn, "noting that figures change", sql, [])?;
    Ok(())
}

/// The last commit that touched figures: they are the same until there is another.
pub fn figures_touched(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'figures'";
    Ok(sql::row(conn, "reading when figures changed", sql, [], |row| row.get(0))?.unwrap_or_default())
}

/// Whether an earlier version's views wait to be folded anew.
pub fn views_due(conn: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM meta WHERE key = 'views_due'";
    Ok(sql::row(conn, "reading whether views are due", sql, [], |_| Ok(()))?.is_some())
}

/// They were.
pub fn views_done(conn: &Connection) -> Result<(), StoreError> {
    sql::write(conn, "noting that the views are folded", "DELETE FROM meta WHERE key = 'views_due'", [])?;
    Ok(())
}

/// The version of the layout; 0 for a file that no hub has written.
pub fn layout(conn: &Connection) -> Result<u32, StoreError> {
    let known =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'mark', 'site', 'device')";
    let ours = sql::row(conn, "reading the layout", known, [], |row| row.get::<_, u32>(0))? == Some(4);
    let version = sql::row(conn, "reading the layout", "PRAGMA user_version", [], |row| row.get(0))?;
    Ok(if ours { version.unwrap_or_default() } else { 0 })
}

/// How many sites and devices there are.
pub fn sizes(conn: &Connection) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT (SELECT count(*) FROM site), (SELECT count(*) FROM device)";
    let sizes = sql::row(conn, "counting sites and devices", sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sizes.unwrap_or_default())
}

/// Tags are random over all 64 bits; SQLite's integers are signed.
fn stored(tag: u64) -> i64 {
    i64::from_be_bytes(tag.to_be_bytes())
}

/// The last commit's mark.
pub fn last_mark(conn: &Connection) -> Result<Option<Mark>, StoreError> {
    let sql = "SELECT n, tag FROM mark ORDER BY n DESC LIMIT 1";
    sql::row(conn, "reading the last mark", sql, [], |row| {
        let tag: i64 = row.get(1)?;
        Ok(Mark { commit: row.get(0)?, tag: u64::from_be_bytes(tag.to_be_bytes()) })
    })
}

/// The number of the commit under way, within a transaction that writes.
pub fn commit_under_way(conn: &Connection) -> Result<u64, StoreError> {
    Ok(last_mark(conn)?.map_or(0, |mark| mark.commit) + 1)
}

/// Adds the mark of the commit under way.
pub fn add_mark(conn: &Connection, mark: Mark) -> Result<(), StoreError> {
    let sql = "INSERT INTO mark (n, tag) VALUES (?1, ?2)";
    sql::write(conn, "adding a mark", sql, (mark.commit, stored(mark.tag)))?;
    Ok(())
}

/// Whether this database made that commit. Commit 0 is the empty beginning of any database.
pub fn knows(conn: &Connection, mark: Mark) -> Result<bool, StoreError> {
    // A number that SQLite cannot hold was never drawn here.
    let Ok(commit) = i64::try_from(mark.commit) else { return Ok(false) };
    let sql = "SELECT tag = ?2 FROM mark WHERE n = ?1";
    let same = sql::row(conn, "looking up a mark", sql, (commit, stored(mark.tag)), |row| row.get(0))?;
    Ok(same.unwrap_or(false))
}
