//! Reading everything back once a week, a document at a time, while nobody waits for it.
//!
//! The store's thread says which document is next and keeps what was found; the reading happens
//! on a connection of its own that cannot write, so that a tap waits for none of it. What was done
//! is kept in the database: a machine that is switched off each night goes on where it was.
//! Status and doctor show what was found.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use msap_shared::document::DocId;
use msap_shared::io::store::verify::verify;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::store::chains::{self, Doc};
use crate::store::{self, StoreError, meta};

/// From the end of one round to the beginning of the next, in seconds.
const WEEK_S: i64 = 7 * 86_400;
/// Between two documents.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two looks whether a round is due.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// Problems kept of one document.
const PROBLEMS_MAX: usize = 5;

/// How far the reading is, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The last document read in this round; none between two rounds.
    after: Option<String>,
    /// When the last whole round ended, in seconds since 1970.
    pub ended: Option<i64>,
    /// What does not hold, by document.
    problems: BTreeMap<String, Vec<String>>,
    /// When the database's log was found to be lost, in seconds since 1970.
    pub log_lost: Option<i64>,
}

impl Round {
    /// What the database tells of it.
    ///
    /// # Errors
    /// When it does not read.
    pub fn load(conn: &Connection) -> Result<Self, StoreError> {
        // Anything else that stands there is read as nothing: then everything is read anew.
        let kept: Value = meta::upkeep(conn)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let problems = kept["problems"].as_object().into_iter().flatten();
        let texts = |found: &Value| {
            let texts = found.as_array().into_iter().flatten();
            texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        Ok(Self {
            after: kept["after"].as_str().map(str::to_owned),
            ended: kept["ended"].as_i64(),
            problems: problems.map(|(document, found)| (document.clone(), texts(found))).collect(),
            log_lost: kept["log_lost"].as_i64(),
        })
    }

    fn keep(&self, conn: &Connection) -> Result<(), StoreError> {
        let Self { after, ended, problems, log_lost } = self;
        let text = json!({ "after": after, "ended": ended, "problems": problems, "log_lost": log_lost });
        meta::set_upkeep(conn, &text.to_string())
    }

    /// Everything that does not hold, each readable alone.
    pub fn problems(&self) -> Vec<String> {
        self.problems.values().flatten().cloned().collect()
    }

    fn is_due(&self, now_s: i64) -> bool {
        // A clock that was put back must not end it for years.
        self.after.is_some() || self.ended.is_none_or(|ended| now_s.abs_diff(ended) >= WEEK_S.unsigned_abs())
    }
}

/// The document to read next, if it is time.
///
/// # Errors
/// When the database does not read.
pub fn due(conn: &Connection, now_s: i64) -> Result<Option<DocId>, StoreError> {
    let round = Round::load(conn)?;
    if !round.is_due(now_s) {
        return Ok(None);
    }
    following(conn, round.after.as_deref())
}

fn following(conn: &Connection, after: Option<&str>) -> Result<Option<DocId>, StoreError> {
    let names = chains::documents(conn)?.into_iter().map(|(name, _)| name);
    Ok(names.filter(|name| after.is_none_or(|after| *name.to_string() > *after)).min_by_key(DocId::to_string))
}

/// Keeps what was found in a document, in the caller's transaction.
///
/// # Errors
/// When the database does not take it.
pub fn note(conn: &Connection, document: &DocId, problems: Vec<String>, now_s: i64) -> Result<(), StoreError> {
    let mut round = Round::load(conn)?;
    let name = document.to_string();
    match problems.is_empty() {
        true => drop(round.problems.remove(&name)),
        false => drop(round.problems.insert(name.clone(), problems)),
    }
    round.after = Some(name.clone());
    if following(conn, Some(&name))?.is_none() {
        (round.after, round.ended) = (None, Some(now_s));
        // Told for a week: by then somebody has seen it, or nobody will.
        round.log_lost = round.log_lost.filter(|lost| now_s.abs_diff(*lost) < WEEK_S.unsigned_abs());
    }
    round.keep(conn)
}

/// Keeps that the database's log was lost.
///
/// # Errors
/// When the database does not take it.
pub fn note_log_lost(conn: &Connection, now_s: i64) -> Result<(), StoreError> {
    Round { log_lost: Some(now_s), ..Round::load(conn)? }.keep(conn)
}

/// Reads one document back, beside whoever writes.
fn read(dir: &Path, document: &DocId) -> Result<Vec<String>, StoreError> {
    let found = || {
        let conn = store::reader(dir)?;
        let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("reading a document back"))?;
        let Some(row) = chains::document_row(&moment, document)? else { return Ok(Vec::new()) };
        Ok(verify(&moment, Doc { row, name: document })?.problems)
    };
    let mut problems = match found() {
        // What cannot be read is what was looked for.
        Err(error @ StoreError::Corrupt { .. }) => vec![format!("{document}: {error}")],
        found => found?,
    };
    problems.truncate(PROBLEMS_MAX);
    Ok(problems)
}

/// What the reading needs of the store's thread.
pub trait Keeper {
    /// The document that is due.
    fn due(&self) -> impl Future<Output = Option<DocId>> + Send;
    /// Keeps what was found in it.
    fn found(&self, document: DocId, problems: Vec<String>) -> impl Future<Output = ()> + Send;
}

/// Reads back whatever is due, until `stop`.
pub async fn run(keeper: impl Keeper, dir: PathBuf, stop: CancellationToken) {
    let mut pause = PAUSE;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        let Some(document) = keeper.due().await else {
            pause = LOOK_EVERY;
            continue;
        };
        pause = PAUSE;
        let (dir, read_back) = (dir.clone(), document.clone());
        match tokio::task::spawn_blocking(move || read(&dir, &read_back)).await {
            Ok(Ok(problems)) => {
                for problem in &problems {
                    tracing::error!(problem, "the database is damaged: run msap-agent doctor");
                }
                keeper.found(document, problems).await;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a month could not be read back: it is tried again later");
                pause = LOOK_EVERY;
            }
            Err(error) => {
                tracing::error!(%error, "reading a month back panicked");
                pause = LOOK_EVERY;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MIGRATIONS;
    use msap_shared::io::store::prepare;

    fn database(months: &[&str]) -> Connection {
        let conn = prepare(Connection::open_in_memory().unwrap(), Path::new(":memory:"), &MIGRATIONS).unwrap();
        for month in months {
            let document: DocId = format!("site/275/visits/{month}").parse().unwrap();
            chains::document_row_or_new(&conn, &document).unwrap();
        }
        conn
    }

    fn next(conn: &Connection, now_s: i64) -> Option<String> {
        due(conn, now_s).unwrap().and_then(|document| document.month()).map(|month| month.to_string())
    }

    #[test]
    fn every_month_is_read_once_a_week_in_turn_and_what_is_found_stays_until_it_is_gone() {
        let months = ["2026-09", "2026-10", "2026-11"];
        let conn = database(&months);
        for month in months {
            assert_eq!(next(&conn, 1_000).as_deref(), Some(month));
            let found = if month == "2026-10" { vec!["a hash".to_owned()] } else { Vec::new() };
            note(&conn, &due(&conn, 1_000).unwrap().unwrap(), found, 1_000).unwrap();
        }
        assert_eq!(Round::load(&conn).unwrap().problems(), ["a hash"]);
        assert_eq!(Round::load(&conn).unwrap().ended, Some(1_000));
        assert_eq!(next(&conn, 1_000 + WEEK_S - 1), None);
        assert_eq!(next(&conn, 1_000 + WEEK_S).as_deref(), Some("2026-09"));
        assert_eq!(next(&conn, 1_000 - WEEK_S).as_deref(), Some("2026-09"), "the clock was years ahead");
        for _ in months {
            note(&conn, &due(&conn, WEEK_S * 2).unwrap().unwrap(), Vec::new(), WEEK_S * 2).unwrap();
        }
        assert_eq!(Round::load(&conn).unwrap().problems(), Vec::<String>::new());
    }

    #[test]
    fn a_lost_log_is_told_for_a_week_and_odd_notes_are_no_obstacle() {
        let conn = database(&["2026-11"]);
        let document = due(&conn, 0).unwrap().unwrap();
        note_log_lost(&conn, 10).unwrap();
        note(&conn, &document, Vec::new(), 20).unwrap();
        assert_eq!(Round::load(&conn).unwrap().log_lost, Some(10));
        note(&conn, &document, Vec::new(), 20 + WEEK_S).unwrap();
        assert_eq!(Round::load(&conn).unwrap().log_lost, None);
        for odd in ["", "{", "[]", "{\"after\":3,\"problems\":[1],\"ended\":\"x\"}"] {
            meta::set_upkeep(&conn, odd).unwrap();
            assert_eq!(Round::load(&conn).unwrap(), Round::default(), "{odd:?}");
        }
    }
}
