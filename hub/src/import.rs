//! The national list of sites, read into the store.
//!
//! Called by `site import`. Columns are found by their header, in the layout that is published or
//! in the tidy one. One bad row is reported and the others go in; what a person set by hand stays;
//! the same file twice changes nothing; what an older list says yields to a newer one. A plan is
//! made by reading only, so that a rehearsal and an import do exactly the same.

mod codes;
mod date;
mod defect;
pub mod hours;
mod layout;
mod list;
mod parents;
mod places;
mod report;
mod row;
mod schedules;
mod shape;
pub(crate) mod text;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::document::register::Edits;
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::Connection;

use self::date::FROM_LABELS;
use self::layout::Columns;
pub use self::list::ListFile;
use self::parents::Parents;
use self::places::{Merge, Places};
use self::report::Place;
pub use self::report::{FieldChange, HoursKept, ImportReport, MissingColumn, MissingSite, NewAlias, RowProblem};
use self::row::{House, Row};
use self::shape::{Broken, Shape};
use crate::lang::Lang;
use crate::site::{Field, Kind, Life, Site};
use crate::store::history::Since;
use crate::store::sites::{self, SiteFilter};
use crate::store::{StoreError, journal};

/// Most rows of one file: the network has about 2,850 sites.
const ROWS_MAX: u64 = 100_000;

/// Why a whole file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The first line is not the header of a known layout.
    #[error("not a list of sites: the header lacks the columns {}", .0.join(", "))]
    Header(Vec<&'static str>),
    /// Not CSV at all.
    #[error("the header cannot be read")]
    Csv(#[from] csv::Error),
    /// A header and nothing else.
    #[error("not a list of sites: it has a header and no rows")]
    Empty,
    /// A part of a list, or another one.
    #[error(
        "{gone} of the {serving} sites in service are not in this list: --retire-missing would retire more than a \
         quarter. If that is right, add --even-most"
    )]
    Most {
        /// Sites that would be retired.
        gone: usize,
        /// Sites in service.
        serving: usize,
    },
    /// More rows than any list of sites.
    #[error("the file has more than {ROWS_MAX} rows")]
    TooLong,
    /// The date that was typed is none.
    #[error("{0:?} is not a day of the calendar such as 2024-08-01")]
    Date(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import will write.
#[derive(Debug)]
pub struct Plan {
    name: String,
    day: Day,
    today: Day,
    merges: Vec<Merge>,
    sites: Vec<Site>,
    retired: Vec<Site>,
    /// What the list's hours change in the schedules of its sites, to be written once the sites are.
    pub hours: Vec<(SiteId, Edits)>,
    /// What to tell.
    pub report: ImportReport,
}

impl Plan {
    /// Writes the plan, in the caller's transaction, with its line in the journal.
    pub fn carry_out(&self, conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
        for merge in &self.merges {
            merge.carry_out(conn, now)?;
        }
        for site in &self.sites {
            let known = sites::find(conn, &site.id)?.map(|(known, _)| known);
            // Since the label, if that is what is new.
            let labelled = site.label_date.filter(|_| site.life == Life::Labelled);
            if let Some(known) = known.filter(|known| known.life != site.life) {
                let since = Since::named(labelled.filter(|_| known.life != Life::Retired).unwrap_or(self.day));
                sites::set_life(conn, &known, site.life, since, self.today)?;
            }
            sites::put(conn, site, Since::learnt(self.day), self.today)?;
        }
        for site in &self.retired {
            sites::put(conn, &Site { list_day: Some(self.day), ..site.clone() }, Since::learnt(self.day), self.today)?;
            sites::set_life(conn, site, Life::Retired, Since::named(self.day), self.today)?;
            let detail = format!("not in the list of {}", self.day);
            journal::record(conn, now, "site.retire", site.id.as_str(), &detail)?;
        }
        if self.report.changes_anything() {
            let ImportReport { added, changed, unchanged, older, rejected, .. } = &self.report;
            let retired = self.retired.len();
            let detail = format!(
                "date={} added={added} changed={changed} unchanged={unchanged} older={older} rejected={rejected} \
                 retired={retired}",
                self.day
            );
            journal::record(conn, now, "site.import", &self.name, &detail)?;
        }
        Ok(())
    }
}

/// Compares the file with the store. Bytes that were not text stand in it as U+FFFD: the rows
/// that hold one are left out.
///
/// # Errors
/// When the file as a whole cannot be understood; never for one bad row.
pub fn plan(conn: &Connection, list: &ListFile, today: Day, lang: Lang) -> Result<Plan, ImportError> {
    let text = list.text.trim_start_matches('\u{feff}');
    let delimiter = text::delimiter(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let columns = Columns::find(reader.headers()?).map_err(ImportError::Header)?;
    let mut records = Vec::new();
    for (n, record) in (0..).zip(reader.records()) {
        if n >= ROWS_MAX {
            return Err(ImportError::TooLong);
        }
        records.push(record);
    }
    let (day, from) = date::list_day(list, &columns, &records, today)?;
    if records.is_empty() {
        return Err(ImportError::Empty);
    }
    let shape = Shape::of(&records, &columns, delimiter);
    let mut reading = Reading {
        conn,
        text,
        columns: &columns,
        by_hand: sites::set_by_hand(conn)?,
        shape,
        seen: BTreeSet::new(),
        lang,
    };
    let mut report = ImportReport {
        layout: columns.layout.name().to_owned(),
        encoding: list.encoding.clone(),
        list_date: day.to_string(),
        list_date_from: from.to_owned(),
        ignored_columns: columns.ignored(),
        missing_columns: columns.missing(lang),
        ..ImportReport::default()
    };
    let (mut taken, mut left_out) = (Vec::new(), BTreeSet::new());
    for record in records {
        match reading.row(record)? {
            Ok(candidate) => taken.push(candidate),
            Err(problem) => {
                report.rejected += 1;
                // It is in the list all the same.
                left_out.extend(sites::resolve(conn, &problem.site)?);
                report.problems.push(problem);
            }
        }
    }
    let known = sites::list(conn, &SiteFilter::default())?.into_iter().map(|(site, _)| site).collect();
    let merges = Places::of(known).merge(conn, &mut taken, &mut report)?;
    let name = list.name.clone();
    let (sites, retired, hours) = (Vec::new(), Vec::new(), Vec::new());
    let mut plan = Plan { name, day, today, merges, sites, retired, hours, report };
    let named: BTreeSet<SiteId> = taken.iter().map(|row| row.site.id.clone()).chain(left_out).collect();
    let newest = sites::newest_list(conn)?;
    // Parents come last: a house may stand after its antenna.
    let parents = Parents::of(conn, columns.layout, &taken)?;
    for row in taken {
        let (place, column, site) = (row.place.clone(), columns.name("h_mon"), row.site.clone());
        if plan.take(row, &parents, newest)? {
            plan.hours_of(conn, &place, column, &site)?;
        }
    }
    // Which sites the lines name that are left out together is not known.
    let whole = plan.report.problems.iter().all(|problem| problem.code != defect::SWALLOWED.code);
    let serving = plan.missing(conn, &named, &reading.by_hand, list.retire_missing && whole)?;
    let gone = plan.retired.len();
    if gone * 4 > serving && !list.even_most {
        return Err(ImportError::Most { gone, serving });
    }
    plan.report.finish();
    Ok(plan)
}

impl Plan {
    /// Takes one row in, unless a newer list has been there; then `false`.
    fn take(&mut self, mut row: Candidate, parents: &Parents, newest: Option<Day>) -> Result<bool, StoreError> {
        let report = &mut self.report;
        let overtaken = match &row.before {
            Some(before) => before.list_day.is_some_and(|listed| listed > self.day),
            // Labels say when a list is from only roughly: too roughly to leave a new site out.
            None => report.list_date_from != FROM_LABELS && newest.is_some_and(|newest| newest > self.day),
        };
        if overtaken {
            report.older += 1;
            if row.before.is_none() {
                report.problems.push(row.place.problem(row.id_column, &row.place.site, defect::OLDER));
            }
            return Ok(false);
        }
        if let Some(defect) = parents.settle(&mut row) {
            let found = if row.house.id.is_empty() { &row.house.group } else { &row.house.id };
            report.problems.push(row.place.problem(row.house_column.clone(), found, defect));
        }
        report.problems.append(&mut row.problems);
        let listed = row.before.as_ref().and_then(|before| before.list_day);
        row.site.list_day = Some(self.day);
        match &row.before {
            None => report.added += 1,
            Some(before) if *before == (Site { list_day: listed, ..row.site.clone() }) => {
                report.unchanged += 1;
                if listed == row.site.list_day {
                    return Ok(true);
                }
            }
            Some(before) => {
                report.changed += 1;
                report.compare(row.place.line, before, &row.site);
            }
        }
        self.sites.push(row.site);
        Ok(true)
    }

    /// Lists the sites that only older lists name. How many sites are in service.
    fn missing(
        &mut self,
        conn: &Connection,
        named: &BTreeSet<SiteId>,
        by_hand: &ByHand,
        retire: bool,
    ) -> Result<usize, StoreError> {
        let lives = vec![Life::Open, Life::Labelled];
        let gone: BTreeSet<_> = self.merges.iter().map(Merge::gone).collect();
        let serving = sites::list(conn, &SiteFilter { lives, ..SiteFilter::default() })?;
        let count = serving.len();
        for (site, _) in serving {
            let Some(listed) = site.list_day.filter(|listed| *listed < self.day) else { continue };
            if named.contains(&site.id) || gone.contains(&site.id) {
                continue;
            }
            let life_by_hand = by_hand.get(site.id.as_str()).is_some_and(|set| set.contains(Field::Life.name()));
            let retired = retire && !life_by_hand;
            self.report.missing.push(MissingSite {
                site: site.id.to_string(),
                name: site.name.clone(),
                list_date: listed.to_string(),
                retired,
            });
            self.retired.extend(retired.then_some(site));
        }
        Ok(count)
    }
}

/// A row that goes in.
#[derive(Debug)]
struct Candidate {
    place: Place,
    /// What the file calls the columns of the id and of the house.
    id_column: String,
    house_column: String,
    site: Site,
    before: Option<Site>,
    house: House,
    /// Whether a person has said which house it belongs to.
    house_by_hand: bool,
    problems: Vec<RowProblem>,
}

type ByHand = BTreeMap<String, BTreeSet<String>>;

struct Reading<'a> {
    conn: &'a Connection,
    text: &'a str,
    columns: &'a Columns,
    by_hand: ByHand,
    shape: Shape,
    seen: BTreeSet<SiteId>,
    lang: Lang,
}

impl Reading<'_> {
    /// The line on which a record begins: the reader stops before the second half of the line
    /// break, and before empty lines.
    fn line(&self, position: &csv::Position) -> u64 {
        let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let breaks = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        position.line() + breaks.filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>()
    }

    fn row(
        &mut self,
        record: Result<csv::StringRecord, csv::Error>,
    ) -> Result<Result<Candidate, RowProblem>, StoreError> {
        let (conn, columns, lang) = (self.conn, self.columns, self.lang);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, |position| self.line(position));
                let place = Place { line, site: String::new(), lang };
                return Ok(Err(place.rejected(String::new(), "", defect::ROW)));
            }
        };
        let row = Row::new(columns, &record);
        let name = row.text("site_id").to_lowercase();
        let line = record.position().map_or(0, |position| self.line(position));
        let place = Place { line, site: name.chars().take(40).collect(), lang };
        let reject = |defect| Ok(Err(place.rejected(columns.name("site_id"), row.text("site_id"), defect)));
        if let Some((at, value)) =
            record.iter().enumerate().find(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER))
        {
            return Ok(Err(place.rejected(columns.name_at(at), value, defect::TEXT)));
        }
        let broken = self.shape.broken(&record, columns, place.line);
        if let Some(Broken { rejected: true, defect, column, found }) = broken {
            return Ok(Err(place.rejected(column, &found, defect)));
        }
        // The list's own id may have become an alias of a site known by an older one.
        let id = match (sites::resolve(conn, &name)?, name.parse::<SiteId>()) {
            (Some(known), _) => known,
            (None, Ok(new)) => new,
            (None, Err(_)) => return reject(defect::ID),
        };
        if !self.seen.insert(id.clone()) {
            return reject(defect::DUPLICATE);
        }
        let before = sites::find(conn, &id)?.map(|(site, _)| site).filter(|site| !is_placeholder(site));
        let nothing = BTreeSet::new();
        let kept = self.by_hand.get(id.as_str()).unwrap_or(&nothing);
        match row.site(id.clone(), before.as_ref(), kept, &place) {
            Ok((mut site, mut problems)) => {
                problems.extend(broken.map(|broken| place.problem(broken.column, &broken.found, broken.defect)));
                if places::is_provisional(&name) && id.as_str() == name {
                    problems.push(place.problem(columns.name("site_id"), &name, defect::PROVISIONAL));
                    places::mark(&mut site);
                }
                let house_by_hand = kept.contains("parent");
                let column = |name: &str| columns.name(name);
                let house_column = column(if columns.place("parent_id").is_some() { "parent_id" } else { "group" });
                let (id_column, house) = (column("site_id"), row.house());
                Ok(Ok(Candidate { place, id_column, house_column, site, before, house, house_by_hand, problems }))
            }
            Err(problem) => {
                // A later row may still be right about this site.
                self.seen.remove(&id);
                Ok(Err(*problem))
            }
        }
    }
}

/// Whether a site is only known because a device of it came back to an empty database.
fn is_placeholder(site: &Site) -> bool {
    *site == Site::new(site.id.clone(), site.id.to_string(), Kind::House, site.timezone.clone())
}

#[cfg(test)]
mod tests;
