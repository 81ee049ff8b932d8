//! Catalogue files: public and school holidays, closures of the network, operators.
//!
//! Called by `catalogue import`. What a file is about is told by its header. A bad row is named by
//! its line and the others go in; a file that says what holds already changes nothing. A plan is
//! made by reading only, so that a rehearsal and an import do exactly the same.
//!
//! A calendar speaks, for each of its zones and years, of the days from its first to its last: what
//! it does not name between them is no holiday any more, and what lies outside stays.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::code::known_operator;
use msap_shared::schedule::NetworkClosure;
use msap_shared::schedule::calendar::{Calendar, SchoolHoliday};
use msap_shared::time::Day;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use self::rows::{Defect, PublicRow, SchoolRow, Subject, Why};
use crate::calendar::{self, Kind};
use crate::import::text;
use crate::lang::{Lang, Phrase};
use crate::store::{StoreError, calendars, journal};

pub(crate) mod rows;

#[cfg(test)]
mod tests;

/// Every zone has at least the eleven public holidays of the whole country in a year.
const PUBLIC_HOLIDAYS_MIN: usize = 11;

/// A file, as a person hands it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueFile {
    /// Its name, for the journal.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl CatalogueFile {
    /// Reads the bytes of a file.
    pub fn read(bytes: &[u8], name: String) -> Self {
        Self { name, text: text::decode(bytes).0 }
    }
}

/// Why a whole file is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The header is none that is known.
    #[error(
        "neither holidays (holiday_zone, date, name), school holidays (school_zone, name, start, end_exclusive), \
             closures (from, to, reason, label, scope) nor operators (code, label) by its header"
    )]
    Header,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueReport {
    /// `public_holidays`, `school_holidays`, `closures` or `operators`.
    pub subject: String,
    /// Rows that are new.
    pub added: u64,
    /// Rows that say something else than what holds.
    pub changed: u64,
    /// What held and is taken back.
    pub removed: u64,
    /// Rows that hold already.
    pub unchanged: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Every defect, in the order of the file.
    pub problems: Vec<CatalogueProblem>,
}

/// A defect at its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct CatalogueProblem {
    pub line: u64,
    pub field: String,
    pub found: String,
    pub problem: String,
}

/// What an import will write.
#[derive(Debug)]
pub struct Plan {
    name: String,
    years: Vec<(Kind, String, i16, Vec<u8>)>,
    closures: Vec<NetworkClosure>,
    /// What to tell.
    pub report: CatalogueReport,
}

impl CatalogueReport {
    /// Whether anything is otherwise than before.
    pub fn changes_anything(&self) -> bool {
        self.added + self.changed + self.removed > 0
    }
}

impl Plan {
    /// Writes the plan, in the caller's transaction, with its line in the journal.
    pub fn carry_out(&self, conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
        for (kind, zone, year, value) in &self.years {
            calendars::put_year(conn, *kind, zone, *year, value)?;
        }
        for closure in &self.closures {
            calendars::put_closure(conn, closure)?;
        }
        if self.report.changes_anything() {
            let CatalogueReport { subject, added, changed, removed, unchanged, rejected, .. } = &self.report;
            let detail = format!(
                "{subject} added={added} changed={changed} removed={removed} unchanged={unchanged} rejected={rejected}"
            );
            journal::record(conn, now, "catalogue.import", &self.name, &detail)?;
        }
        Ok(())
    }
}

/// Compares the file with what holds.
///
/// # Errors
/// When nothing of the file can be understood; never for one bad row.
pub fn plan(conn: &Connection, file: &CatalogueFile, lang: Lang) -> Result<Plan, CatalogueError> {
    let subject = rows::subject(&file.text).ok_or(CatalogueError::Header)?;
    let name = file.name.clone();
    let mut plan = Plan { name, years: Vec::new(), closures: Vec::new(), report: CatalogueReport::default() };
    let problems = match subject {
        Subject::Public => plan.public(conn, &file.text)?,
        Subject::School => plan.school(conn, &file.text)?,
        Subject::Closures => plan.closures(conn, &file.text)?,
        Subject::Operators => plan.operators(&file.text),
    };
    plan.report.subject = subject.as_str().to_owned();
    plan.report.rejected = problems.len() as u64;
    plan.report.problems = problems.into_iter().map(|defect| told(defect, lang)).collect();
    plan.report.problems.sort_by_key(|problem| problem.line);
    Ok(plan)
}

fn told(defect: Defect, lang: Lang) -> CatalogueProblem {
    let Defect { line, field, found, why } = defect;
    let problem = match why {
        Why::Said(phrase) => phrase.say(lang).to_owned(),
        Why::Field(why) => why,
    };
    CatalogueProblem { line, field: field.to_owned(), found, problem }
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public_holidays",
            Self::School => "school_holidays",
            Self::Closures => "closures",
            Self::Operators => "operators",
        }
    }
}

const UNKNOWN_ZONE: Phrase = Phrase::new("zone inconnue", "unknown zone");
const TWICE: Phrase = Phrase::new("une ligne précédente dit déjà ce jour", "an earlier row says this day already");
const INCOMPLETE: Phrase = Phrase::new(
    "l’année aurait moins de 11 jours fériés : donnez-la entière",
    "the year would have fewer than 11 public holidays: give all of it",
);
const NOT_IN_PROGRAM: Phrase = Phrase::new(
    "ce code n’est pas au catalogue de cette version du programme : mettez le programme à jour",
    "this code is not in the catalogue of this version of the program: update the program",
);
const CLOSURE_TWICE: Phrase = Phrase::new("une ligne précédente porte cet identifiant", "an earlier row has this id");

impl Plan {
    fn public(&mut self, conn: &Connection, text: &str) -> Result<Vec<Defect>, StoreError> {
        let before = calendar::in_force(conn)?;
        let rows::Rows { rows, mut problems } = rows::public(text);
        let rows::ByZone { days: zones, repeated } = rows::by_zone(rows);
        problems.extend(repeated.iter().map(|row| defect(row.line, "date", &row.day.to_string(), TWICE)));
        for (zone, days) in zones {
            if !before.public_years().any(|(known, _)| known == zone) {
                problems.extend(days.values().map(|row| defect(row.line, "holiday_zone", &zone, UNKNOWN_ZONE)));
                continue;
            }
            let mut years: BTreeMap<i16, BTreeMap<Day, PublicRow>> = BTreeMap::new();
            for (day, row) in days {
                years.entry(day.date().year()).or_default().insert(day, row);
            }
            for (year, given) in years {
                problems.extend(self.public_year(&before, &zone, year, &given));
            }
        }
        Ok(problems)
    }

    /// One year of one zone; what is wrong with it, if it cannot be taken.
    fn public_year(
        &mut self,
        before: &Calendar,
        zone: &str,
        year: i16,
        given: &BTreeMap<Day, PublicRow>,
    ) -> Vec<Defect> {
        let held = before.public_year(zone, year).map(|year| year.days).unwrap_or_default();
        let held: BTreeMap<Day, String> =
            held.into_iter().filter_map(|(number, name)| Some((Day::from_number(number)?, name))).collect();
        let (first, last) = (given.keys().next().copied(), given.keys().next_back().copied());
        let outside = held.iter().filter(|(day, _)| Some(**day) < first || last < Some(**day));
        let mut days: BTreeMap<Day, &str> = outside.map(|(day, name)| (*day, name.as_str())).collect();
        days.extend(given.iter().map(|(day, row)| (*day, row.name.as_str())));
        if days.len() < PUBLIC_HOLIDAYS_MIN {
            return given.values().map(|row| defect(row.line, "date", &row.day.to_string(), INCOMPLETE)).collect();
        }
        for (day, row) in given {
            match held.get(day) {
                None => self.report.added += 1,
                Some(name) if *name == row.name => self.report.unchanged += 1,
                Some(_) => self.report.changed += 1,
            }
        }
        self.report.removed += held.keys().filter(|day| !days.contains_key(day)).count() as u64;
        let mut after = Calendar::default();
        days.iter().for_each(|(day, name)| after.add_public(zone, *day, name));
        self.replace(Kind::Public, zone, year, before, &after);
        Vec::new()
    }

    fn school(&mut self, conn: &Connection, text: &str) -> Result<Vec<Defect>, StoreError> {
        let before = calendar::in_force(conn)?;
        let rows::Rows { rows, mut problems } = rows::school(text);
        let mut zones: BTreeMap<String, BTreeSet<SchoolHoliday>> = BTreeMap::new();
        for SchoolRow { line, zone, holiday } in rows {
            if !before.school_years().any(|(known, _)| known == zone) {
                problems.push(defect(line, "school_zone", &zone, UNKNOWN_ZONE));
            } else if !zones.entry(zone).or_default().insert(holiday.clone()) {
                problems.push(defect(line, "start", &holiday.from.to_string(), TWICE));
            }
        }
        for (zone, given) in zones {
            let held = stretches(&before, &zone);
            // Of each school year that the file names, from its first day to its last.
            let mut windows: BTreeMap<i16, (Day, Day)> = BTreeMap::new();
            for holiday in &given {
                let window = windows.entry(school_year(holiday.from)).or_insert((holiday.from, holiday.until));
                *window = (window.0.min(holiday.from), window.1.max(holiday.until));
            }
            let spoken_of = |day: Day| windows.values().any(|(first, last)| *first <= day && day < *last);
            let outside = held.iter().filter(|holiday| !spoken_of(holiday.from));
            let all: BTreeSet<&SchoolHoliday> = outside.chain(&given).collect();
            self.report.unchanged += given.iter().filter(|holiday| held.contains(*holiday)).count() as u64;
            self.report.added += given.iter().filter(|holiday| !held.contains(*holiday)).count() as u64;
            self.report.removed += held.iter().filter(|holiday| !all.contains(holiday)).count() as u64;
            let mut after = Calendar::default();
            all.iter().for_each(|holiday| after.add_school(&zone, holiday));
            let years: BTreeSet<i16> = before
                .school_years()
                .chain(after.school_years())
                .filter(|(known, _)| *known == zone)
                .map(|(_, year)| year)
                .collect();
            years.into_iter().for_each(|year| self.replace(Kind::School, &zone, year, &before, &after));
        }
        Ok(problems)
    }

    /// A year that differs is written.
    fn replace(&mut self, kind: Kind, zone: &str, year: i16, before: &Calendar, after: &Calendar) {
        let value = kind.value(after, zone, year);
        if let Some(value) = value.filter(|value| kind.value(before, zone, year).as_ref() != Some(value)) {
            self.years.push((kind, zone.to_owned(), year, value));
        }
    }

    fn closures(&mut self, conn: &Connection, text: &str) -> Result<Vec<Defect>, StoreError> {
        let held = calendars::closures(conn)?;
        let rows::Rows { rows, mut problems } = rows::closures(text);
        let mut seen = BTreeSet::new();
        for (line, closure) in rows {
            if !seen.insert(closure.id.clone()) {
                problems.push(defect(line, "id", &closure.id, CLOSURE_TWICE));
                continue;
            }
            match held.iter().find(|held| held.id == closure.id) {
                Some(held) if *held == closure => {
                    self.report.unchanged += 1;
                    continue;
                }
                Some(_) => self.report.changed += 1,
                None => self.report.added += 1,
            }
            self.closures.push(closure);
        }
        Ok(problems)
    }

    /// Operators are compiled in: counting depends on them. A file is compared, so that a person
    /// learns what this version lacks.
    fn operators(&mut self, text: &str) -> Vec<Defect> {
        let rows::Rows { rows, mut problems } = rows::operators(text);
        for row in rows {
            if known_operator(&row.code).is_some() {
                self.report.unchanged += 1;
            } else {
                problems.push(defect(row.line, "code", &row.code, NOT_IN_PROGRAM));
            }
        }
        problems
    }
}

/// School years begin in August, by the year of which they are named here.
fn school_year(day: Day) -> i16 {
    let date = day.date();
    if date.month() >= 8 { date.year() } else { date.year() - 1 }
}

/// All stretches of a zone, each once: a year's list has those that reach into it.
fn stretches(calendar: &Calendar, zone: &str) -> BTreeSet<SchoolHoliday> {
    let years = calendar.school_years().filter(|(known, _)| *known == zone).map(|(_, year)| year);
    let lists = years.filter_map(|year| calendar.school_year(zone, year));
    let all = lists.flat_map(|list| list.stretches);
    all.filter_map(|stretch| {
        let (from, until) = (Day::from_number(stretch.from)?, Day::from_number(stretch.until)?);
        Some(SchoolHoliday { from, until, name: stretch.name.into(), population: stretch.population.into() })
    })
    .collect()
}

fn defect(line: u64, field: &'static str, found: &str, why: Phrase) -> Defect {
    Defect { line, field, found: found.chars().take(60).collect(), why: Why::Said(why) }
}
