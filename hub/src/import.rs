//! The national list of sites, read into the store.
//!
//! Called by `site import`. The tidy layout, one row per site, columns found by their header.
//! Importing the same file twice changes nothing; one bad row is reported and the others go in;
//! what a person set by hand stays. A plan is made by reading only, so that a rehearsal and an
//! import do exactly the same.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::id::SiteId;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::lang::Lang;
use crate::site::{Kind, Life, Site};
use crate::store::{StoreError, journal, sites};

use self::row::{Columns, Row};

/// Most rows of one file: the network has about 2,850 sites.
const ROWS_MAX: u64 = 100_000;

/// Why a whole file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The first line is not the header of a known layout.
    #[error("the header lacks the columns {}", .0.join(", "))]
    Header(Vec<&'static str>),
    /// Not CSV at all.
    #[error("the header cannot be read")]
    Csv(#[from] csv::Error),
    /// More rows than any list of sites.
    #[error("the file has more than {ROWS_MAX} rows")]
    TooLong,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Line of the file, from 1.
    pub line: u64,
    /// The site, as the row names it.
    pub site: String,
    /// The column.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// Whether the row was left out because of it.
    pub rejected: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Sites that are new.
    pub added: u64,
    /// Sites that were known and differ.
    pub changed: u64,
    /// Sites that are as the file says.
    pub unchanged: u64,
    /// Rows left out.
    pub rejected: u64,
    /// Every problem, in the order of the file.
    pub problems: Vec<RowProblem>,
}

/// What an import will write.
#[derive(Debug)]
pub struct Plan {
    sites: Vec<Site>,
    /// What to tell.
    pub report: ImportReport,
}

impl Plan {
    /// Writes the plan, in the caller's transaction.
    pub fn carry_out(&self, conn: &Connection) -> Result<(), StoreError> {
        self.sites.iter().try_for_each(|site| sites::put(conn, site))
    }
}

/// Compares the file with the store. Bytes that were not text stand in `text` as U+FFFD: the rows
/// that hold one are left out.
///
/// # Errors
/// When the file as a whole cannot be understood; never for one bad row.
pub fn plan(conn: &Connection, text: &str, lang: Lang) -> Result<Plan, ImportError> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = Columns::find(reader.headers()?).map_err(ImportError::Header)?;
    let by_hand = journal::set_by_hand(conn)?;
    let mut report = ImportReport::default();
    let mut taken = Vec::new();
    let mut seen = BTreeSet::new();
    for (n, record) in (0..).zip(reader.records()) {
        if n >= ROWS_MAX {
            return Err(ImportError::TooLong);
        }
        match read(conn, &columns, &by_hand, record, &mut seen, lang)? {
            Ok(candidate) => taken.push(candidate),
            Err(problem) => {
                report.rejected += 1;
                report.problems.push(problem);
            }
        }
    }
    // Parents come last: a house may stand after its antenna.
    let kinds: BTreeMap<SiteId, Kind> = taken.iter().map(|row| (row.site.id.clone(), row.site.kind)).collect();
    let mut plan = Plan { sites: Vec::new(), report };
    for mut row in taken {
        if let Err(problem) = settle_parent(conn, &kinds, &mut row, lang)? {
            plan.report.problems.push(row.problem("parent_id", problem, false));
        }
        match &row.before {
            None => plan.report.added += 1,
            Some(before) if *before == row.site => {
                plan.report.unchanged += 1;
                continue;
            }
            Some(_) => plan.report.changed += 1,
        }
        plan.sites.push(row.site);
    }
    plan.report.problems.sort_by_key(|problem| problem.line);
    Ok(plan)
}

/// A row that goes in.
struct Candidate {
    line: u64,
    site: Site,
    before: Option<Site>,
    /// The list's parent; `None` when a person has set another one.
    parent: Option<String>,
}

impl Candidate {
    fn problem(&self, field: &str, problem: String, rejected: bool) -> RowProblem {
        RowProblem { line: self.line, site: self.site.id.to_string(), field: field.to_owned(), problem, rejected }
    }
}

type ByHand = BTreeMap<String, BTreeSet<String>>;

fn read(
    conn: &Connection,
    columns: &Columns,
    by_hand: &ByHand,
    record: Result<csv::StringRecord, csv::Error>,
    seen: &mut BTreeSet<SiteId>,
    lang: Lang,
) -> Result<Result<Candidate, RowProblem>, StoreError> {
    let record = match record {
        Ok(record) => record,
        Err(error) => {
            let line = error.position().map_or(0, csv::Position::line);
            let problem = lang.of("ligne CSV illisible", "the row is not readable as CSV").to_owned();
            return Ok(Err(RowProblem { line, site: String::new(), field: String::new(), problem, rejected: true }));
        }
    };
    let line = record.position().map_or(0, csv::Position::line);
    let row = Row::new(columns, &record);
    let name: String = row.text("site_id").chars().take(40).collect();
    let reject = |field: &str, problem: String| RowProblem {
        line,
        site: name.clone(),
        field: field.to_owned(),
        problem,
        rejected: true,
    };
    if let Some(place) = record.iter().position(|value| value.contains(char::REPLACEMENT_CHARACTER)) {
        let expected = lang.of("texte illisible ; attendu : de l’UTF-8", "not readable: expected UTF-8");
        return Ok(Err(reject(columns.name(place), expected.to_owned())));
    }
    // The list's own id may have become an alias of a site known by an older one.
    let id = match (sites::resolve(conn, row.text("site_id"))?, row.text("site_id").parse::<SiteId>()) {
        (Some(known), _) => known,
        (None, Ok(new)) => new,
        (None, Err(error)) => {
            let french = format!("{name:?} ; attendu : 1 à 32 caractères parmi a-z, 0-9, _ et -");
            return Ok(Err(reject("site_id", lang.of(french, error.to_string()))));
        }
    };
    if !seen.insert(id.clone()) {
        return Ok(Err(reject(
            "site_id",
            lang.of("une ligne précédente porte ce site", "an earlier row has this site").to_owned(),
        )));
    }
    let before = sites::find(conn, &id)?.map(|(site, _)| site).filter(|site| !is_placeholder(site));
    let nothing = BTreeSet::new();
    let kept = by_hand.get(id.as_str()).unwrap_or(&nothing);
    match row.site(id.clone(), before.as_ref(), kept, lang) {
        Ok(site) => {
            let parent = (!kept.contains("parent")).then(|| row.text("parent_id").to_owned());
            Ok(Ok(Candidate { line, site, before, parent }))
        }
        Err((field, problem)) => {
            // A later row may still be right about this site.
            seen.remove(&id);
            Ok(Err(reject(field, problem)))
        }
    }
}

/// Whether a site is only known because a device of it came back to an empty database.
fn is_placeholder(site: &Site) -> bool {
    *site == Site::new(site.id.clone(), site.id.to_string(), Kind::House, site.timezone.clone())
}

/// Gives an antenna the house that the list names, if there is such a house.
fn settle_parent(
    conn: &Connection,
    kinds: &BTreeMap<SiteId, Kind>,
    row: &mut Candidate,
    lang: Lang,
) -> Result<Result<(), String>, StoreError> {
    let house = row.site.kind == Kind::House;
    if house {
        // It may have been an antenna before.
        row.site.parent = None;
    }
    let named = match row.parent.as_deref() {
        None | Some("") => return Ok(Ok(())),
        Some(_) if house => {
            let problem = lang.of("seule une antenne a une maison de rattachement", "only an antenna has a parent");
            return Ok(Err(problem.to_owned()));
        }
        Some(named) => named,
    };
    let quoted: String = named.chars().take(40).collect();
    let in_file =
        named.parse::<SiteId>().ok().and_then(|id| kinds.get_key_value(&id)).map(|(id, kind)| (id.clone(), *kind));
    let found = match in_file {
        Some(found) => Some(found),
        None => match sites::resolve(conn, named)? {
            None => None,
            Some(id) => match kinds.get(&id) {
                Some(kind) => Some((id, *kind)),
                None => sites::find(conn, &id)?.map(|(site, _)| (site.id, site.kind)),
            },
        },
    };
    Ok(match found {
        None => Err(lang.of(
            format!("site {quoted:?} inconnu : l’antenne garde la maison qu’elle avait, s’il y en a une"),
            format!("no site {quoted:?}: the antenna keeps the house that it had, if any"),
        )),
        Some((_, Kind::Antenna)) => {
            Err(lang.of(format!("{quoted:?} est elle-même une antenne"), format!("{quoted:?} is an antenna itself")))
        }
        Some((id, Kind::House)) => {
            row.site.parent = Some(id);
            Ok(())
        }
    })
}

/// The step of life of a site that the list names for the first time.
fn first_life(site: &Site) -> Life {
    match site.label_date {
        Some(_) => Life::Labelled,
        None => Life::Open,
    }
}

#[cfg(test)]
mod tests;
