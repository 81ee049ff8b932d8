//! The network's size: how many houses and antennas there are at each step of their life, on a day
//! or at the ends of months.
//!
//! Called by the API and by `msap-hub network`. What a site was on a day is told by its spans. A
//! month that is not over is told as of today. What somebody would like to open, or has decided to,
//! stands apart from what is in service.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::time::{Day, Month};
use msap_shared::wording::calendar_day;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::ask::{self, AskError, Form, Given};
use crate::counts::keys;
use crate::lang::{Lang, Phrase, counted};
use crate::query::{Filters, Key};
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::site::{Kind, Life};
use crate::store::figures::{FigureError, ROWS_MAX};
use crate::store::tree::{self, Node};

/// Most months of one answer: ten years.
const MONTHS_MAX: usize = 120;
/// Months told unless asked otherwise.
const MONTHS: i32 = 12;

const LIVES: [(Life, &str); 5] = [
    (Life::Candidate, "candidates"),
    (Life::Project, "en projet"),
    (Life::Open, "ouvertes"),
    (Life::Labelled, "labellisées"),
    (Life::Retired, "fermées"),
];

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The keys of the rows, of department, region, month and bearer.
    pub by: Vec<Key>,
    /// Departments, regions and bearers.
    pub filters: Filters,
    /// The days to tell of, in order; at least one.
    pub days: Vec<Day>,
    /// The form, if one was named.
    pub form: Option<Form>,
}

impl Question {
    /// The first and the last day told of.
    pub fn period(&self) -> (Day, Day) {
        let [first, .., last] = *self.days else { return (self.days[0], self.days[0]) };
        (first, last)
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    question: Question,
    /// On the last day.
    total: Size,
    rows: Vec<(Vec<String>, Day, Size)>,
}

/// So many sites at each step of their life, in the order of [`LIVES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Size {
    houses: [u32; 5],
    antennas: [u32; 5],
    /// Departments in which a house is in service.
    departments: BTreeSet<String>,
}

/// What is asked by these names and values on `today`.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn ask(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, ask::NETWORK)?;
    let keys = [Key::Department, Key::Region, Key::Month, Key::Bearer];
    let expected = Phrase::new("parmi department, region, month, bearer", "one of department, region, month, bearer");
    let by = given.list("by", expected, |name| Ok(keys.into_iter().find(|key| key.name() == name)))?;
    if by.iter().map(|key| key.name()).collect::<BTreeSet<_>>().len() < by.len() {
        let expected = Phrase::new("une liste sans répétition", "a list without repeats");
        return Err(ask::wrong("by", given.one("by").unwrap_or_default(), expected));
    }
    let days = match by.contains(&Key::Month) {
        true => month_ends(&given, today)?,
        false => vec![one_day(&given, today)?],
    };
    let filters = Filters {
        departments: ask::departments(&given)?,
        regions: ask::regions(&given)?,
        bearers: ask::bearers(conn, &given)?,
        ..Filters::default()
    };
    Ok(Question { by, filters, days, form: ask::form(&given)? })
}

fn one_day(given: &Given, today: Day) -> Result<Day, AskError> {
    for name in ["from", "to"] {
        if let Some(text) = given.one(name) {
            let expected = Phrase::new("rien sans by=month : donnez day", "nothing without by=month: give day");
            return Err(ask::wrong(name, text, expected));
        }
    }
    match given.one("day").map(|text| ask::day("day", text)).transpose()? {
        Some(day) if day > today => {
            let expected = Phrase::new("un jour passé, ou aujourd’hui", "a day of the past, or today");
            Err(ask::wrong("day", &day.to_string(), expected))
        }
        day => Ok(day.unwrap_or(today)),
    }
}

fn month_ends(given: &Given, today: Day) -> Result<Vec<Day>, AskError> {
    if let Some(text) = given.one("day") {
        let expected = Phrase::new("rien avec by=month : donnez from et to", "nothing with by=month: give from and to");
        return Err(ask::wrong("day", text, expected));
    }
    let (from, to) = match (given.one("from"), given.one("to")) {
        (None, None) => (months_before(today.month(), MONTHS - 1), today),
        _ => ask::period(given, today.month())?,
    };
    if to.month().first_day() > today {
        let expected = Phrase::new("au plus tard le mois en cours", "the current month or an earlier one");
        return Err(ask::wrong("to", &to.to_string(), expected));
    }
    let mut days = Vec::new();
    let mut month = from.month();
    while month.first_day() <= to {
        if days.len() == MONTHS_MAX {
            let expected = Phrase::new("au plus 120 mois après from", "at most 120 months after from");
            return Err(ask::wrong("to", &to.to_string(), expected));
        }
        days.push(month.last_day().min(today));
        month = month.next();
    }
    Ok(days)
}

/// The first day of the month so many months before.
pub fn months_before(month: Month, months: i32) -> Day {
    let mut first = month.first_day();
    for _ in 0..months {
        first = first.plus_days(-1).month().first_day();
    }
    first
}

/// Answers the question.
///
/// # Errors
/// When it has too many rows, or the store fails.
pub fn answer(conn: &Connection, question: Question) -> Result<Network, FigureError> {
    let Question { by, filters, days, .. } = &question;
    let mut rows = Vec::new();
    let mut total = Size::default();
    for day in days {
        let mut sums = BTreeMap::<Vec<String>, Size>::new();
        total = Size::default();
        for node in tree::on(conn, *day)?.into_iter().filter(|node| passes(filters, node)) {
            let key = |key: &Key| match key {
                Key::Department => node.department.clone(),
                Key::Region => node.region.clone(),
                Key::Bearer => node.bearer.clone(),
                _ => day.month().to_string(),
            };
            sums.entry(by.iter().map(key).collect()).or_default().add(&node);
            total.add(&node);
        }
        // A month in which there is nothing is told too.
        if sums.is_empty() && by.iter().all(|key| *key == Key::Month) && !by.is_empty() {
            sums.insert(vec![day.month().to_string()], Size::default());
        }
        if rows.len() + sums.len() > ROWS_MAX {
            return Err(FigureError::TooManyRows);
        }
        if !by.is_empty() {
            rows.extend(sums.into_iter().map(|(keys, size)| (keys, *day, size)));
        }
    }
    rows.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    Ok(Network { total, rows, question })
}

/// Whether a site is among those that these departments, regions and bearers let through.
pub fn passes(filters: &Filters, node: &Node) -> bool {
    let among = |allowed: &[String], value: &String| allowed.is_empty() || allowed.contains(value);
    among(&filters.departments, &node.department)
        && among(&filters.regions, &node.region)
        && among(&filters.bearers, &node.bearer)
}

impl Size {
    fn add(&mut self, node: &Node) {
        let sums = match node.kind {
            Kind::House => &mut self.houses,
            Kind::Antenna => &mut self.antennas,
        };
        for ((life, _), sum) in LIVES.iter().zip(sums) {
            *sum += u32::from(*life == node.life);
        }
        if node.kind == Kind::House && node.life.is_serving() && !node.department.is_empty() {
            self.departments.insert(node.department.clone());
        }
    }

    /// Those that receive people, with the label or without.
    fn serving(sums: &[u32; 5]) -> u32 {
        LIVES.iter().zip(sums).filter(|((life, _), _)| life.is_serving()).map(|(_, sum)| sum).sum()
    }

    fn object(&self) -> Map<String, Value> {
        let kind = |sums: &[u32; 5]| {
            let mut object: Map<_, _> =
                LIVES.iter().zip(sums).map(|((life, _), sum)| (life.as_str().to_owned(), json!(sum))).collect();
            object.insert("serving".to_owned(), json!(Self::serving(sums)));
            object
        };
        let fields = [
            ("houses", json!(kind(&self.houses))),
            ("antennas", json!(kind(&self.antennas))),
            ("departments", json!(self.departments.len())),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Table for Network {
    fn object(&self) -> Value {
        let Question { by, days, .. } = &self.question;
        let row = |(keys, day, size): &(Vec<String>, Day, Size)| {
            let mut object = size.object();
            object.insert("day".to_owned(), json!(day.to_string()));
            object.extend(by.iter().zip(keys).map(|(key, value)| (key.name().to_owned(), json!(value))));
            Value::Object(object)
        };
        json!({
            "from": days.first().map(Day::to_string),
            "to": days.last().map(Day::to_string),
            "by": by.iter().map(|key| key.name()).collect::<Vec<_>>(),
            "total": self.total.object(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    /// The rows, or the total of a question without keys.
    fn sheet(&self) -> Sheet {
        let Question { by, days, .. } = &self.question;
        let mut columns: Vec<_> = by.iter().flat_map(|key| keys::headed(*key)).collect();
        columns.push(Column::new("day", "jour"));
        for (kind, kind_fr) in [("houses", "maisons"), ("antennas", "antennes")] {
            let lives = LIVES.map(|(life, french)| (life.as_str(), french));
            columns.extend(
                lives
                    .into_iter()
                    .chain([("serving", "en service")])
                    .map(|(life, life_fr)| Column::new(format!("{kind}_{life}"), format!("{kind_fr} {life_fr}"))),
            );
        }
        columns.push(Column::new("departments", "départements avec une maison"));
        let whole: Vec<_> = days.last().map(|day| (Vec::new(), *day, self.total.clone())).into_iter().collect();
        let rows = if by.is_empty() { &whole } else { &self.rows };
        let row = |(values, day, size): &(Vec<String>, Day, Size)| {
            let named = BTreeMap::new();
            let key = |(key, value): (&Key, &String)| keys::told(*key, value, &named);
            let mut cells: Vec<_> = by.iter().zip(values).flat_map(key).collect();
            cells.push(Cell::Time(day.to_string()));
            for sums in [&size.houses, &size.antennas] {
                let sums = sums.iter().copied().chain([Size::serving(sums)]);
                cells.extend(sums.map(|sum| Cell::Number(sum.into())));
            }
            cells.push(Cell::Number(i64::try_from(size.departments.len()).unwrap_or(i64::MAX)));
            cells
        };
        Sheet { columns, rows: rows.iter().map(row).collect() }
    }

    fn summary(&self, lang: Lang) -> String {
        let Size { houses, antennas, departments } = &self.total;
        let day = calendar_day(self.question.period().1, lang);
        let (houses, antennas, departments) = (Size::serving(houses), Size::serving(antennas), departments.len());
        let houses = counted(houses, lang, ["maison", "maisons"], ["house", "houses"]);
        let antennas = counted(antennas, lang, ["antenne", "antennes"], ["antenna", "antennas"]);
        let departments = counted(departments, lang, ["département", "départements"], ["department", "departments"]);
        lang.of(
            format!("au {day} : {houses} et {antennas} en service, dans {departments}"),
            format!("on {day}: {houses} and {antennas} in service, in {departments}"),
        )
    }
}

#[cfg(test)]
mod tests;
