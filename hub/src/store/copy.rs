//! Copying a database page by page, while it is written to.
//!
//! Called by `backup`. The copy is of one moment: the reading connection holds a transaction all
//! along, so that SQLite neither begins again with every commit of the writer nor makes it wait.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// Pages copied between two looks at whether to go on.
const PAGES_PER_STEP: i32 = 1_024;

/// Copies the database that `from` reads to the file `to`, which is empty or not there. The copy
/// is one file: it has no log beside it. `on_pages` hears how many pages are done, of how many.
///
/// # Errors
/// When SQLite fails, or `on_pages` says to stop.
pub fn copy<E: From<StoreError>>(
    from: &Connection,
    to: &Path,
    on_pages: &mut dyn FnMut(u64, u64) -> Result<(), E>,
) -> Result<(), E> {
    let doing = "copying the database";
    let failed = StoreError::sqlite(doing);
    let moment = from.unchecked_transaction().map_err(&failed)?;
    // A transaction reads nothing before its first statement, and holds nothing until then.
    moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(&failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(&failed)?;
    {
        let backup = Backup::new(&moment, &mut target).map_err(&failed)?;
        loop {
            let step = step(&backup)?;
            let progress = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or_default();
            on_pages(count(progress.pagecount - progress.remaining), count(progress.pagecount))?;
            if let StepResult::Done = step {
                break;
            }
        }
    }
    let mode = "PRAGMA journal_mode = DELETE";
    target.query_row(mode, [], |_| Ok(())).map_err(&failed)?;
    target.close().map_err(|(_, error)| failed(error))?;
    Ok(())
}

fn step(backup: &Backup<'_, '_>) -> Result<StepResult, StoreError> {
    match backup.step(PAGES_PER_STEP).map_err(StoreError::sqlite("copying pages"))? {
        // Nobody else knows the copy, and the source is read in a transaction that stands.
        StepResult::Busy | StepResult::Locked => Err(StoreError::corrupt("the copy is in use")),
        step => Ok(step),
    }
}
