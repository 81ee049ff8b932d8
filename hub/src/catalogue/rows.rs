//! The rows of catalogue files: each read by itself, its defects named with the line.
//!
//! Called by the import, and by the calendars built into the program, which are files of the same
//! form. Columns are found by their header; those that are not known are left aside.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use csv::StringRecord;
use msap_shared::document::register::FieldError;
use msap_shared::schedule::NetworkClosure;
use msap_shared::schedule::calendar::SchoolHoliday;
use msap_shared::schedule::edit::field;
use msap_shared::time::Day;

use crate::http::scope::Scope;
use crate::import::text;
use crate::lang::Phrase;

/// Longest name of a holiday, in bytes.
const NAME_LEN_MAX: usize = 120;
/// Between the names of two holidays of one day.
const BOTH: &str = " et ";
/// Most rows of one file.
const ROWS_MAX: usize = 100_000;

/// What a file is about, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Public holidays.
    Public,
    /// School holidays.
    School,
    /// Closures of the network.
    Closures,
    /// Operators.
    Operators,
}

/// A defect of one row: what was found, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) line: u64,
    pub(crate) field: &'static str,
    pub(crate) found: String,
    pub(crate) why: Why,
}

/// What is wrong: words of this program in both languages, or those of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Both languages.
    Said(Phrase),
    /// A field error of the model, which speaks French.
    Field(String),
}

/// The rows that could be read, and what is wrong with the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) problems: Vec<Defect>,
}

/// A public holiday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicRow {
    pub(crate) line: u64,
    pub(crate) zone: String,
    pub(crate) day: Day,
    pub(crate) name: String,
}

/// A stretch of school holidays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchoolRow {
    pub(crate) line: u64,
    pub(crate) zone: String,
    pub(crate) holiday: SchoolHoliday,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperatorRow {
    pub(crate) line: u64,
    pub(crate) code: String,
}

/// What a file's header says that it is about; `None` for another file.
pub(crate) fn subject(text: &str) -> Option<Subject> {
    let header = reader(text).headers().ok()?.clone();
    let has = |names: &[&str]| names.iter().all(|name| place(&header, name).is_some());
    if has(&["holiday_zone", "date", "name"]) {
        Some(Subject::Public)
    } else if has(&["school_zone", "name", "start", "end_exclusive"]) {
        Some(Subject::School)
    } else if has(&["from", "to", "reason", "label", "scope"]) {
        Some(Subject::Closures)
    } else if has(&["code"]) && (has(&["label"]) || has(&["label_2024"])) {
        Some(Subject::Operators)
    } else {
        None
    }
}

/// Public holidays: `holiday_zone,date,name`.
pub(crate) fn public(text: &str) -> Rows<PublicRow> {
    read(text, |row, line| {
        let (zone, name) = (row.some("holiday_zone")?.to_owned(), row.name()?.to_owned());
        Ok(PublicRow { line, zone, day: row.day("date")?, name })
    })
}

/// Public holidays by zone and day.
#[derive(Debug, Default)]
pub(crate) struct ByZone {
    pub(crate) days: BTreeMap<String, BTreeMap<Day, PublicRow>>,
    /// Rows that an earlier one had said already.
    pub(crate) repeated: Vec<PublicRow>,
}

/// Sorts public holidays by zone and day. Two that fall on one day have both names.
pub(crate) fn by_zone(rows: Vec<PublicRow>) -> ByZone {
    let mut sorted = ByZone::default();
    for row in rows {
        match sorted.days.entry(row.zone.clone()).or_default().entry(row.day) {
            Entry::Vacant(free) => drop(free.insert(row)),
            Entry::Occupied(held) if held.get().name.split(BOTH).any(|name| name == row.name) => {
                sorted.repeated.push(row);
            }
            Entry::Occupied(mut held) => {
                let both = format!("{}{BOTH}{}", held.get().name, row.name);
                held.get_mut().name = both;
            }
        }
    }
    sorted
}

/// School holidays: `school_zone,name,start,end_exclusive,population`.
pub(crate) fn school(text: &str) -> Rows<SchoolRow> {
    read(text, |row, line| {
        let (zone, name) = (row.some("school_zone")?.to_owned(), row.name()?.into());
        let (from, until) = (row.day("start")?, row.day("end_exclusive")?);
        if from >= until {
            let why =
                Phrase::new("la reprise ne suit pas le premier jour", "school does not begin after the first day");
            return Err(row.defect("end_exclusive", Why::Said(why)));
        }
        let population = row.text("population").into();
        Ok(SchoolRow { line, zone, holiday: SchoolHoliday { from, until, name, population } })
    })
}

/// Closures of the network: `id,from,to,reason,label,scope`; without an id, one is made of scope
/// and days.
pub(crate) fn closures(text: &str) -> Rows<(u64, NetworkClosure)> {
    read(text, |row, line| {
        let (from, to) = (row.day("from")?, row.day("to")?);
        let reason = field::reason("reason", row.text("reason")).map_err(|error| row.field(error))?;
        let unknown = || row.defect("scope", Why::Said(UNKNOWN_SCOPE));
        let scope = row.text("scope").parse::<Scope>().ok().and_then(|scope| scope.author()).ok_or_else(unknown)?;
        let id = match row.text("id") {
            "" => closure_id(&scope.to_string(), from, to),
            id => id.to_owned(),
        };
        let closure = NetworkClosure { id, from, to, reason, label: row.text("label").to_owned(), scope };
        closure.check().map_err(|error| row.field(error))?;
        Ok((line, closure))
    })
}

/// The id of a closure that nobody named: of its scope and days, so that one of other days is
/// another one and takes no other's place.
pub(crate) fn closure_id(scope: &str, from: Day, to: Day) -> String {
    let scope = id_of_scope(scope);
    let compact = |day: Day| day.date().strftime("%Y%m%d").to_string();
    if from == to { format!("{scope}-{from}") } else { format!("{scope}-{}-{}", compact(from), compact(to)) }
}

/// Whether an id is one that nobody names and another scope may get: whoever had it would keep that
/// scope from closing.
pub(crate) fn is_id_of_another(id: &str, scope: &str) -> bool {
    let kinds = ["national-", "region-", "department-"];
    kinds.iter().any(|kind| id.starts_with(kind)) && !id.starts_with(&format!("{}-", id_of_scope(scope)))
}

fn id_of_scope(scope: &str) -> String {
    scope.to_lowercase().replace(':', "-")
}

/// Operators: `code` and a label.
pub(crate) fn operators(text: &str) -> Rows<OperatorRow> {
    read(text, |row, line| Ok(OperatorRow { line, code: row.some("code")?.to_owned() }))
}

const UNKNOWN_SCOPE: Phrase =
    Phrase::new("attendu : national, region:52 ou department:49", "expected national, region:52 or department:49");

fn reader(text: &str) -> csv::Reader<&[u8]> {
    let text = text.trim_start_matches('\u{feff}');
    csv::ReaderBuilder::new().flexible(true).delimiter(text::delimiter(text)).from_reader(text.as_bytes())
}

fn place(header: &StringRecord, name: &str) -> Option<usize> {
    header.iter().position(|known| known.trim().eq_ignore_ascii_case(name))
}

fn read<T>(text: &str, parse: impl Fn(&Row<'_>, u64) -> Result<T, Defect>) -> Rows<T> {
    let mut reader = reader(text);
    let mut read = Rows { rows: Vec::new(), problems: Vec::new() };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(_) => return read,
    };
    for record in reader.records().take(ROWS_MAX) {
        let parsed = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let row = Row { header: &header, record: &record, line };
                parse(&row, line)
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let why = Why::Said(Phrase::new("ligne CSV illisible", "the row is not readable as CSV"));
                Err(Defect { line, field: "", found: String::new(), why })
            }
        };
        match parsed {
            Ok(row) => read.rows.push(row),
            Err(defect) => read.problems.push(defect),
        }
    }
    read
}

struct Row<'a> {
    header: &'a StringRecord,
    record: &'a StringRecord,
    line: u64,
}

impl Row<'_> {
    fn text(&self, name: &str) -> &str {
        place(self.header, name).and_then(|at| self.record.get(at)).map(str::trim).unwrap_or_default()
    }

    fn some(&self, name: &'static str) -> Result<&str, Defect> {
        match self.text(name) {
            "" => Err(self.defect(name, Why::Said(Phrase::new("vide", "empty")))),
            text => Ok(text),
        }
    }

    fn name(&self) -> Result<&str, Defect> {
        let name = self.some("name")?;
        if name.len() > NAME_LEN_MAX || name.contains(char::is_control) || name.contains(char::REPLACEMENT_CHARACTER) {
            let why = Phrase::new(
                "attendu : un nom d’au plus 120 octets, sur une ligne",
                "expected a name of at most 120 bytes on one line",
            );
            return Err(self.defect("name", Why::Said(why)));
        }
        Ok(name)
    }

    fn day(&self, name: &'static str) -> Result<Day, Defect> {
        field::day(name, self.text(name)).map_err(|error| self.field(error))
    }

    fn field(&self, error: FieldError) -> Defect {
        self.defect(error.field, Why::Field(error.why))
    }

    fn defect(&self, field: &'static str, why: Why) -> Defect {
        Defect { line: self.line, field, found: self.text(field).chars().take(60).collect(), why }
    }
}
