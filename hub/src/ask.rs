//! From names and values, as typed in an address or on a command line, to a question on figures.
//!
//! Called by the API and by `msap-hub counts`, so that both understand and refuse the same words.
//! A mistyped question must never return a wider or narrower figure than was asked: unknown and
//! repeated names, unknown values and half a period are errors that name the parameter.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::Timestamp;
use msap_shared::code::{Age, Help, known_operator};
use msap_shared::time::{Day, Month, SiteZone};
use rusqlite::Connection;

use crate::harm;
use crate::lang::{Lang, Phrase};
use crate::privacy::table::{TABLES, Table};
use crate::query::{Antennas, Compare, Filters, Key, Query};
use crate::sheet::SheetFormat;
use crate::site::{department_region, known_region};
use crate::store::StoreError;
use crate::store::sites;

/// Most values in one list.
pub const VALUES_MAX: usize = 200;

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Not a parameter.
    #[error("{0:?} is not a parameter of this address; the nearest one is {1}")]
    UnknownParameter(String, &'static str),
    /// The same parameter twice.
    #[error("{0} is given more than once")]
    Repeated(&'static str),
    /// A parameter of a later version.
    #[error("{0} arrives with the views")]
    Later(&'static str),
    /// A period with one end.
    #[error("from and to go together: {0} is missing")]
    HalfPeriod(&'static str),
    /// A value that the parameter cannot take.
    #[error("{parameter}: {value:?} is not {expected}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// A bounded piece of the value.
        value: String,
        /// What would have been right.
        expected: Phrase,
    },
    /// A question that is public is one of a list.
    #[error("{}", not_public(Lang::En))]
    NotPublic,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AskError {
    /// The mistake, as people read it.
    pub fn say(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::En, _) => self.to_string(),
            (Lang::Fr, Self::UnknownParameter(name, nearest)) => {
                format!("{name:?} n’est pas un paramètre d’ici ; le plus proche : {nearest}")
            }
            (Lang::Fr, Self::Repeated(name)) => format!("{name} est donné plus d’une fois"),
            (Lang::Fr, Self::Later(name)) => format!("{name} arrivera avec les vues"),
            (Lang::Fr, Self::HalfPeriod(name)) => format!("from et to vont ensemble : {name} manque"),
            (Lang::Fr, Self::Value { parameter, value, expected }) => {
                format!("{parameter} : {value:?} ; attendu : {}", expected.fr)
            }
            (Lang::Fr, Self::NotPublic) => not_public(lang),
            (Lang::Fr, Self::Store(error)) => harm::said(error, lang),
        }
    }
}

/// What can be asked as public.
fn not_public(lang: Lang) -> String {
    let by = |table: &Table| match table.by {
        [] => lang.of("sans by", "no by").to_owned(),
        keys => format!("by={}", keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(",")),
    };
    let list = TABLES.iter().map(by).collect::<Vec<_>>().join(" · ");
    lang.of(
        format!("public=true ne répond que pour un mois, trimestre ou année entiers, sans filtre, à : {list}"),
        format!("public=true only answers for a whole month, quarter or year, without filters, to: {list}"),
    )
}

/// The parameters of figures, and whether they can be answered yet.
const PARAMETERS: [(&str, bool); 15] = [
    ("from", true),
    ("to", true),
    ("by", true),
    ("site", true),
    ("department", true),
    ("region", true),
    ("bearer", true),
    ("operator", true),
    ("help", true),
    ("age", true),
    ("antennas", true),
    ("format", true),
    ("compare", true),
    ("as_of", true),
    ("public", true),
];

/// Values by parameter, each at most once.
#[derive(Debug)]
pub struct Given {
    pairs: Vec<(&'static str, String)>,
}

impl Given {
    /// Sorts out what was given against the names that may be; `false` marks those that cannot
    /// be answered yet.
    pub fn check(given: &[(String, String)], known: &[(&'static str, bool)]) -> Result<Self, AskError> {
        let mut pairs = Vec::new();
        for (name, value) in given {
            let Some((name, ready)) = known.iter().find(|(known, _)| known == name) else {
                let name: String = name.chars().take(40).collect();
                let far = |known: &str| strsim::damerau_levenshtein(known, &name);
                let nearest = known.iter().map(|(known, _)| *known).min_by_key(|known| far(known));
                return Err(AskError::UnknownParameter(name, nearest.unwrap_or("none")));
            };
            if pairs.iter().any(|(seen, _)| seen == name) {
                return Err(AskError::Repeated(name));
            }
            if !ready {
                return Err(AskError::Later(name));
            }
            pairs.push((*name, value.clone()));
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter.
    pub fn one(&self, parameter: &'static str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| *name == parameter).map(|(_, value)| value.as_str())
    }

    /// What a parameter that is one of a few words stands for.
    pub fn choice<T: Copy>(
        &self,
        parameter: &'static str,
        words: &[(&str, T)],
        expected: Phrase,
    ) -> Result<Option<T>, AskError> {
        let Some(text) = self.one(parameter) else { return Ok(None) };
        let meant = words.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
        meant.map(Some).ok_or_else(|| wrong(parameter, text, expected))
    }

    /// The values of a list parameter, each parsed by `parse`; an empty list or item is an error,
    /// because «no value» must not come to mean «all».
    pub fn list<T>(
        &self,
        parameter: &'static str,
        expected: Phrase,
        mut parse: impl FnMut(&str) -> Result<Option<T>, AskError>,
    ) -> Result<Vec<T>, AskError> {
        let Some(text) = self.one(parameter) else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for item in text.split(',') {
            if values.len() == VALUES_MAX {
                return Err(wrong(
                    parameter,
                    text,
                    Phrase::new("une liste d’au plus 200 valeurs", "a list of at most 200 values"),
                ));
            }
            values.push(parse(item)?.ok_or_else(|| wrong(parameter, item, expected))?);
        }
        Ok(values)
    }
}

/// The error that names a parameter and the value that it cannot take.
pub fn wrong(parameter: &'static str, value: &str, expected: Phrase) -> AskError {
    AskError::Value { parameter, value: value.chars().take(60).collect(), expected }
}

/// The error of a cursor that is not one of this list's.
pub fn not_a_cursor(text: &str) -> AskError {
    wrong("cursor", text, Phrase::new("le « next » d’une page précédente", "the «next» of a page before"))
}

/// A question on figures, and the form of its answer if one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub query: Query,
    /// `None`: whatever the asker can read.
    pub form: Option<Form>,
    /// Whether only what anybody may read is asked for.
    pub is_public: bool,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// A table.
    Sheet(SheetFormat),
}

/// The question that these names and values ask on `today`.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn figures(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, &PARAMETERS)?;
    let form = given.choice("format", &FORMS, Phrase::new("parmi json, csv, csv-fr", "one of json, csv, csv-fr"))?;
    let (from, to) = period(&given, today.month())?;
    let compare = Compare::ALL.map(|compare| (compare.name(), compare));
    let query = Query {
        by: keys(&given)?,
        filters: filters(conn, &given)?,
        antennas: given
            .choice("antennas", &[("apart", Antennas::Apart)], Phrase::new("apart", "apart"))?
            .unwrap_or_default(),
        compare: given.choice("compare", &compare, Phrase::new("previous ou year", "previous or year"))?,
        as_of: as_of(&given, today)?,
        ..Query::of(from, to)
    };
    let yes = Phrase::new("true", "true");
    let is_public = given.choice("public", &[("true", true)], yes)?.unwrap_or_default();
    Ok(Question { query, form, is_public })
}

/// The words for the forms of an answer.
pub const FORMS: [(&str, Form); 3] =
    [("json", Form::Json), ("csv", Form::Sheet(SheetFormat::Csv)), ("csv-fr", Form::Sheet(SheetFormat::CsvFr))];

fn as_of(given: &Given, today: Day) -> Result<Option<Day>, AskError> {
    let Some(text) = given.one("as_of") else { return Ok(None) };
    let past = Phrase::new("un jour passé, ou aujourd’hui", "a day of the past, or today");
    match day("as_of", text)? {
        future if future > today => Err(wrong("as_of", text, past)),
        day => Ok(Some(day)),
    }
}

/// A day that a parameter names.
pub fn day(parameter: &'static str, text: &str) -> Result<Day, AskError> {
    let expected =
        Phrase::new("un jour du calendrier, par exemple 2026-11-20", "a day of the calendar such as 2026-11-20");
    text.parse().map_err(|_| wrong(parameter, text, expected))
}

fn period(given: &Given, current: Month) -> Result<(Day, Day), AskError> {
    match (given.one("from"), given.one("to")) {
        (None, None) => Ok((current.first_day(), current.last_day())),
        (Some(_), None) => Err(AskError::HalfPeriod("to")),
        (None, Some(_)) => Err(AskError::HalfPeriod("from")),
        (Some(from), Some(to)) => match (day("from", from)?, day("to", to)?) {
            (first, last) if first > last => {
                Err(wrong("from", from, Phrase::new("au plus tard le jour de to", "on or before the day of to")))
            }
            period => Ok(period),
        },
    }
}

fn keys(given: &Given) -> Result<Vec<Key>, AskError> {
    let known = Phrase::new(
        "parmi day, month, quarter, year, site, department, region, bearer, operator, help, age",
        "one of day, month, quarter, year, site, department, region, bearer, operator, help, age",
    );
    let keys = given.list("by", known, |name| Ok(Key::ALL.into_iter().find(|key| key.name() == name)))?;
    let distinct: BTreeSet<_> = keys.iter().map(|key| key.name()).collect();
    if distinct.len() < keys.len() {
        return Err(wrong(
            "by",
            given.one("by").unwrap_or_default(),
            Phrase::new("une liste sans répétition", "a list without repeats"),
        ));
    }
    Ok(keys)
}

fn filters(conn: &Connection, given: &Given) -> Result<Filters, AskError> {
    let coded = |known: bool, text: &str| known.then(|| text.to_owned());
    Ok(Filters {
        sites: given.list(
            "site",
            Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site"),
            |text| Ok(sites::resolve(conn, text)?),
        )?,
        departments: departments(given)?,
        regions: regions(given)?,
        bearers: given.list("bearer", Phrase::new("le porteur d’un site", "the bearer of a site"), |text| {
            Ok(coded(sites::known_bearer(conn, text)?, text))
        })?,
        operators: given.list(
            "operator",
            Phrase::new("le code d’un opérateur, par exemple CNAF", "an operator's code such as CNAF"),
            |text| Ok(parsed(known_operator(text).is_some(), text)),
        )?,
        helps: given.list(
            "help",
            Phrase::new(
                "parmi information, online, paperwork, referral",
                "one of information, online, paperwork, referral",
            ),
            |text| Ok(parsed(Help::known(text).is_some(), text)),
        )?,
        ages: given.list(
            "age",
            Phrase::new("une tranche d’âge, par exemple 25-39", "an age bracket such as 25-39"),
            |text| {
                // In an address, «+» stands for a space.
                let text = if text == "70 " { "70+" } else { text };
                Ok(parsed(Age::known(text).is_some(), text))
            },
        )?,
    })
}

/// The departments asked for.
pub fn departments(given: &Given) -> Result<Vec<String>, AskError> {
    let known = |text: &str| Ok(department_region(text).map(|_| text.to_owned()));
    given.list(
        "department",
        Phrase::new("le code d’un département, par exemple 49", "a department's code such as 49"),
        known,
    )
}

/// The regions asked for.
pub fn regions(given: &Given) -> Result<Vec<String>, AskError> {
    given.list("region", Phrase::new("le code d’une région, par exemple 52", "a region's code such as 52"), |text| {
        Ok(known_region(text).then(|| text.to_owned()))
    })
}

fn parsed<T: FromStr>(known: bool, text: &str) -> Option<T> {
    if known { text.parse().ok() } else { None }
}

/// The hub's own clock: the network is run from metropolitan France.
///
/// # Panics
/// Never: the zone is compiled into the program.
pub fn hub_zone() -> SiteZone {
    "Europe/Paris".parse().expect("the zone is in the time zone database that is compiled in")
}

/// The hub's own day.
pub fn today(now: Timestamp) -> Day {
    Day::at(now, &hub_zone())
}
