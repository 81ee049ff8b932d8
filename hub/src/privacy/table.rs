//! The fixed list of tables, and a table of a period as it is told.
//!
//! Called by `http::public` and `http::visits`. A table only shows cells that were released: the
//! state of a cell is the same in each.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::code::{OperatorCode, known_operator};
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::cube::State;
use super::period::Period;
use super::year::{AGES, ALL, Kept, NATION, REQUESTS, Release, VISITS, department_name, region_name};
use crate::counts::keys;
use crate::lang::Lang;
use crate::query::{Antennas, Filters, Key, Query};
use crate::sheet::{self, Cell, Column, Sheet};
use crate::store::StoreError;
use crate::store::releases::{self, Note};

/// The version of the list of tables.
pub const LAYOUT: u32 = 1;

/// One table of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its stable name.
    pub name: &'static str,
    /// What it is told by.
    pub by: &'static [Key],
    /// What it tells.
    pub tells: Tells,
}

/// A partner's requests by department and age.
pub const PARTNER_AGES: &Table = &OWED[2];

/// Which figures a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub enum Tells {
    Visits,
    Requests,
    Both,
}

const fn table(name: &'static str, by: &'static [Key], tells: Tells) -> Table {
    Table { name, by, tells }
}

/// All tables that anybody may read.
pub const TABLES: [Table; 11] = [
    table("total", &[], Tells::Both),
    table("regions", &[Key::Region], Tells::Both),
    table("departments", &[Key::Department], Tells::Both),
    table("ages", &[Key::Age], Tells::Visits),
    table("region_ages", &[Key::Region, Key::Age], Tells::Visits),
    table("department_ages", &[Key::Department, Key::Age], Tells::Visits),
    table("operators", &[Key::Operator], Tells::Requests),
    table("region_operators", &[Key::Region, Key::Operator], Tells::Requests),
    table("department_operators", &[Key::Department, Key::Operator], Tells::Requests),
    table("helps", &[Key::Help], Tells::Requests),
    table("operator_helps", &[Key::Operator, Key::Help], Tells::Requests),
];

/// What a partner may ask of the ages of those whose requests it had.
const OWED: [Table; 3] = [
    table("ages", &[Key::Age], Tells::Requests),
    table("region_ages", &[Key::Region, Key::Age], Tells::Requests),
    table("department_ages", &[Key::Department, Key::Age], Tells::Requests),
];

/// A figure as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The figure.
    Known(i64),
    /// Above 0 and below this.
    Below(i64),
    /// Nothing is told.
    Hidden,
}

/// A table of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    table: &'static Table,
    period: Period,
    note: Note,
    operator: Option<OperatorCode>,
    total: [Option<Figure>; 2],
    rows: BTreeMap<Vec<String>, [Option<Figure>; 2]>,
    /// Which measures have no figure at this level.
    withheld: [bool; 2],
}

impl Table {
    /// The public table of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The public table that a question on figures asks for, and of when; `None`: it is not one of
    /// the list.
    pub fn of(query: &Query) -> Option<(&'static Self, Period)> {
        (query.filters == Filters::default()).then(|| among(&TABLES, query))?
    }

    /// The table of its own requests that a partner's question asks for.
    pub fn owed(query: &Query) -> Option<(&'static Self, Period)> {
        let operators = query.filters.operators.clone();
        let alone = query.filters == Filters { operators, ..Filters::default() };
        (alone && query.filters.operators.len() == 1).then(|| among(&OWED, query))?
    }

    fn has(&self, key: Key) -> bool {
        self.by.contains(&key)
    }
}

fn among(tables: &'static [Table], query: &Query) -> Option<(&'static Table, Period)> {
    let keys: BTreeSet<_> = query.by.iter().collect();
    let is_plain = query.compare.is_none() && query.as_of.is_none() && query.antennas == Antennas::Together;
    let table = tables.iter().find(|table| table.by.iter().collect::<BTreeSet<_>>() == keys)?;
    is_plain.then(|| Period::between(query.from, query.to).map(|period| (table, period)))?
}

/// A public table, if its period was released.
pub fn public(conn: &Connection, table: &'static Table, period: Period) -> Result<Option<Told>, StoreError> {
    let visits = releases::find(conn, VISITS, period)?;
    let requests = releases::find(conn, REQUESTS, period)?;
    let Some((visits, requests)) = visits.zip(requests) else { return Ok(None) };
    let visits = matches!(table.tells, Tells::Visits | Tells::Both).then_some(&visits);
    let requests = matches!(table.tells, Tells::Requests | Tells::Both).then_some(&requests);
    Ok(told(table, period, None, [visits, requests]))
}

/// A partner's table, if its period was released.
pub fn owed(
    conn: &Connection,
    operator: &OperatorCode,
    table: &'static Table,
    period: Period,
) -> Result<Option<Told>, StoreError> {
    let found = releases::find(conn, &format!("{AGES}{operator}"), period)?;
    Ok(found.and_then(|found| told(table, period, Some(operator.clone()), [None, Some(&found)])))
}

fn told(
    table: &'static Table,
    period: Period,
    operator: Option<OperatorCode>,
    measures: [Option<&(Release, Note)>; 2],
) -> Option<Told> {
    let note = measures.iter().flatten().map(|(_, note)| note.clone()).next()?;
    let mut rows = BTreeMap::new();
    let (mut total, mut withheld) = ([None; 2], [false; 2]);
    for (place, measure) in measures.into_iter().enumerate() {
        let Some((release, note)) = measure else { continue };
        let cells: BTreeMap<_, _> =
            release.cells.iter().map(|cell| ((&*cell.place, &*cell.one, &*cell.two), cell)).collect();
        let figure = |place: &str, one: &str, two: &str| match cells.get(&(place, one, two)) {
            Some(cell) => figure(cell, note.min_cell),
            None if release.depth.is_some_and(|depth| depth >= depth_of(place)) => Figure::Known(0),
            None => Figure::Hidden,
        };
        total[place] = Some(figure(NATION, ALL, ALL));
        withheld[place] = release.depth.is_none_or(|depth| depth < level(table));
        for keys in rows_of(table, release) {
            let [place_name, one, two] = names(table, &keys);
            let row = rows.entry(keys).or_insert([None; 2]);
            row[place] = Some(figure(&place_name, &one, &two));
        }
    }
    // Of a row that only one measure has, the other is 0, or not told.
    for (keys, row) in &mut rows {
        for (place, measure) in measures.iter().enumerate() {
            if let (None, Some((release, _))) = (row[place], measure) {
                let [name, ..] = names(table, keys);
                let is_told = release.depth.is_some_and(|depth| depth >= depth_of(&name));
                row[place] = Some(if is_told { Figure::Known(0) } else { Figure::Hidden });
            }
        }
    }
    rows.retain(|_, row| row.iter().flatten().any(|figure| *figure != Figure::Known(0)));
    Some(Told { table, period, note, operator, total, rows, withheld })
}

fn figure(cell: &Kept, min_cell: i64) -> Figure {
    match cell.state {
        State::Given | State::Shown => Figure::Known(cell.value),
        State::Low => Figure::Below(min_cell),
        State::Complement | State::Withheld | State::Absent => Figure::Hidden,
    }
}

fn depth_of(place: &str) -> u8 {
    match place.split_once(':') {
        None => 0,
        Some(("region", _)) => 1,
        Some(_) => 2,
    }
}

/// How far down the places of a table's rows are.
fn level(table: &Table) -> u8 {
    if table.has(Key::Department) { 2 } else { u8::from(table.has(Key::Region)) }
}

/// The keys of the rows that a release has of a table. Where a level is withheld it has none: which
/// cells are not 0 would be told.
fn rows_of<'a>(table: &'a Table, release: &'a Release) -> impl Iterator<Item = Vec<String>> + 'a {
    let level = level(table);
    let is_told = release.depth.is_some_and(|depth| depth >= level);
    let matter = table.has(Key::Age) || table.has(Key::Operator);
    let fits = move |cell: &&Kept| {
        is_told
            && depth_of(&cell.place) == level
            && (cell.one != ALL) == matter
            && (cell.two != ALL) == table.has(Key::Help)
    };
    let key = |cell: &Kept, key: &Key| match key {
        Key::Age | Key::Operator => cell.one.clone(),
        Key::Help => cell.two.clone(),
        _ => cell.place.split_once(':').map(|(_, code)| code.to_owned()).unwrap_or_default(),
    };
    let keys = move |cell: &Kept| table.by.iter().map(|by| key(cell, by)).collect();
    let none_by: bool = table.by.is_empty();
    release.cells.iter().filter(move |_| !none_by).filter(fits).map(keys)
}

/// The place, and what was counted, of a row.
fn names(table: &Table, keys: &[String]) -> [String; 3] {
    let mut names = [NATION.to_owned(), ALL.to_owned(), ALL.to_owned()];
    for (key, value) in table.by.iter().zip(keys) {
        match key {
            Key::Department => names[0] = department_name(value),
            Key::Region => names[0] = region_name(value),
            Key::Help => names[2].clone_from(value),
            _ => names[1].clone_from(value),
        }
    }
    names
}

impl Figure {
    /// As the API gives it.
    pub fn object(self) -> Value {
        match self {
            Self::Known(value) => json!(value),
            Self::Below(lt) => json!({ "suppressed": true, "lt": lt }),
            Self::Hidden => json!({ "suppressed": true }),
        }
    }

    /// As a table gives it.
    pub fn cell(self) -> Cell {
        match self {
            Self::Known(value) => Cell::Number(value),
            Self::Below(lt) => Cell::Below(lt),
            Self::Hidden => Cell::Hidden,
        }
    }
}

impl sheet::Table for Told {
    /// The form of every answer on figures, with what is told of the release.
    fn object(&self) -> Value {
        let figures = |row: &[Option<Figure>; 2]| {
            let [visits, requests] = row.map(|figure| figure.map_or(Value::Null, Figure::object));
            Map::from_iter([("visits".to_owned(), visits), ("requests".to_owned(), requests)])
        };
        let row = |(keys, row): (&Vec<String>, &[Option<Figure>; 2])| {
            let mut object = figures(row);
            object.extend(self.table.by.iter().zip(keys).map(|(key, value)| (key.name().to_owned(), json!(value))));
            Value::Object(object)
        };
        let mut object = json!({
            "table": self.table.name,
            "period": self.period.to_string(),
            "as_of": self.note.day.to_string(),
            "from": self.period.from().map(|day| day.to_string()),
            "to": self.period.to().map(|day| day.to_string()),
            "by": self.table.by.iter().map(|key| key.name()).collect::<Vec<_>>(),
            "layout": self.note.layout,
            "min_cell": self.note.min_cell,
            "total": figures(&self.total),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "completeness": serde_json::from_str(&self.note.completeness).unwrap_or(Value::Null),
        });
        let withheld = ["visits", "requests"].into_iter().zip(self.withheld).filter(|(_, withheld)| *withheld);
        object["withheld"] = withheld.map(|(name, _)| json!(name)).collect();
        if let Some(operator) = &self.operator {
            object["operator"] = json!(operator.as_str());
        }
        object
    }

    /// The keys, then `visits` and `requests` as far as it has them.
    fn sheet(&self) -> Sheet {
        let mut columns: Vec<_> = self.table.by.iter().flat_map(|key| keys::headed(*key)).collect();
        let shown = [("visits", "visites"), ("requests", "demandes")];
        let has = self.total.map(|figure| figure.is_some());
        columns.extend(shown.iter().zip(has).filter(|(_, has)| *has).map(|((name, fr), _)| Column::new(*name, *fr)));
        let figures = |row: &[Option<Figure>; 2]| row.iter().flatten().map(|figure| figure.cell()).collect::<Vec<_>>();
        let rows = match self.table.by {
            [] => vec![figures(&self.total)],
            _ => self
                .rows
                .iter()
                .map(|(values, row)| {
                    let named = BTreeMap::new();
                    let cells =
                        self.table.by.iter().zip(values).flat_map(|(key, value)| keys::told(*key, value, &named));
                    cells.chain(figures(row)).collect()
                })
                .collect(),
        };
        Sheet { columns, rows }
    }

    fn summary(&self, lang: Lang) -> String {
        let Self { table, period, note, .. } = self;
        lang.of(
            format!("{}, {period}, publié le {}", table.name, note.day),
            format!("{}, {period}, released on {}", table.name, note.day),
        )
    }
}

impl Told {
    /// The day on which it was released.
    pub fn day(&self) -> Day {
        self.note.day
    }

    /// Whether no figure of requests can be told at this level.
    pub fn withholds_requests(&self) -> bool {
        self.withheld[1]
    }

    /// What it tells of requests, by the values of its keys.
    pub fn requests(&self) -> impl Iterator<Item = (&[String], Figure)> {
        self.rows.iter().filter_map(|(keys, [_, requests])| Some((&**keys, (*requests)?)))
    }

    /// A name for a file, without its ending.
    pub fn file_stem(&self) -> String {
        let operator = self.operator.as_ref().and_then(|code| known_operator(code.as_str()));
        let whose = operator.map_or(String::new(), |operator| format!("-{}", operator.code.to_lowercase()));
        format!("{}{whose}-{}", self.table.name, self.period)
    }

    /// What distinguishes it from every other answer: it never changes.
    pub fn tag(&self) -> String {
        let program = env!("CARGO_PKG_VERSION");
        format!("{program} {LAYOUT} {} {} {:?} {}", self.table.name, self.period, self.operator, self.note.day)
    }
}
