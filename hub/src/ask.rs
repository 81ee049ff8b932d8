//! From names and values, as typed in an address or on a command line, to a question on figures.
//!
//! Called by the API and by `msap-hub counts`, so that both understand and refuse the same words.
//! A mistyped question must never return a wider or narrower figure than was asked: unknown and
//! repeated names, unknown values and half a period are errors that name the parameter.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::Timestamp;
use msap_shared::code::{Age, Help, OperatorCode, known_operator};
use msap_shared::id::SiteId;
use msap_shared::time::{Day, Month, SiteZone};
use rusqlite::Connection;

use crate::completeness;
use crate::harm;
use crate::label::{Check, LabelQuestion, Verdict};
use crate::lang::{Lang, Phrase};
use crate::query::{Antennas, Compare, Filters, Key, Query};
use crate::sheet::SheetFormat;
use crate::site::{STATES, department_region, known_region};
use crate::store::StoreError;
use crate::store::sites;

pub use self::error::AskError;
use self::page::Page;
use self::parameter::{
    AGE, ANTENNAS, ANTENNAS_OF_REPORT, AS_OF, BEARER, BY, BY_COVER, BY_LIFE, BY_PLACE, CHECK, COMPARE, CURSOR, DAY,
    DEPARTMENT, FORMAT, FROM, FROM_PAST, HELP, LIMIT, MONTH, MONTH_OVER, OPERATOR, PUBLIC, Parameter, REGION,
    REPORT_FORMAT, SITE, SO_FAR, TABLE_FORMAT, TO, TO_PAST, VERDICT,
};
use self::period::bounded;
pub use self::period::{day, period};

mod error;
pub mod page;
pub mod parameter;
mod period;

/// The parameters of figures.
pub const FIGURES: &[Parameter] =
    &[FROM, TO, BY, SITE, DEPARTMENT, REGION, BEARER, OPERATOR, HELP, AGE, ANTENNAS, FORMAT, COMPARE, AS_OF, PUBLIC];

/// The parameters of completeness.
pub const COMPLETENESS: &[Parameter] =
    &[MONTH, FROM, TO, BY_PLACE, SITE, DEPARTMENT, REGION, BEARER, OPERATOR, HELP, AGE, ANTENNAS, FORMAT, AS_OF];

/// The parameters of the figures' file.
pub const EXPORT: &[Parameter] =
    &[FROM, TO, SITE, DEPARTMENT, REGION, BEARER, OPERATOR, HELP, AGE, TABLE_FORMAT, AS_OF];

/// The parameters of the network's size.
pub const NETWORK: &[Parameter] = &[BY_LIFE, DAY, FROM, TO, DEPARTMENT, REGION, BEARER, FORMAT];

/// The parameters of coverage.
pub const COVERAGE: &[Parameter] = &[OPERATOR, BY_COVER, DAY, SITE, DEPARTMENT, REGION, BEARER, FORMAT];

/// The parameters of a site's report.
pub const REPORT: &[Parameter] = &[FROM_PAST, TO_PAST, ANTENNAS_OF_REPORT, REPORT_FORMAT];

/// The parameters of a partner's return.
pub const RETURN: &[Parameter] = &[MONTH_OVER, AS_OF, SO_FAR, FORMAT];

/// The parameters of labels.
pub const LABEL: &[Parameter] = &[SITE, DEPARTMENT, REGION, BEARER, CHECK, VERDICT, FORMAT, LIMIT, CURSOR];

/// Most values in one list.
pub const VALUES_MAX: usize = 200;

/// Values by parameter, each at most once.
#[derive(Debug)]
pub struct Given {
    pairs: Vec<(&'static str, String)>,
}

impl Given {
    /// Sorts out what was given against the parameters that there are.
    pub fn check(given: &[(String, String)], known: &[Parameter]) -> Result<Self, AskError> {
        let mut pairs = Vec::new();
        for (name, value) in given {
            let Some(Parameter { name, .. }) = known.iter().find(|known| known.name == name) else {
                return Err(AskError::unknown(name, known));
            };
            if pairs.iter().any(|(seen, _)| seen == name) {
                return Err(AskError::Repeated(name));
            }
            pairs.push((*name, value.clone()));
        }
        Ok(Self { pairs })
    }

    /// All that was given, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.pairs.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether a page of a list is asked for.
    pub fn names_a_page(&self) -> bool {
        ["limit", "cursor"].iter().any(|name| self.one(name).is_some())
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
    /// A text for people to read.
    Text,
}

/// The question that these names and values ask on `today`.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn figures(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, FIGURES)?;
    let period = period(&given, today.month())?;
    let compare = Compare::ALL.map(|compare| (compare.name(), compare));
    let compare = given.choice("compare", &compare, Phrase::new("previous ou year", "previous or year"))?;
    let by = keys(&given, &Key::ALL)?;
    bounded(period, &by)?;
    let query = Query { by, compare, ..query(conn, &given, period, today)? };
    let is_public = given.choice("public", &[("true", true)], Phrase::new("true", "true"))?.unwrap_or_default();
    Ok(Question { query, form: form(&given)?, is_public })
}

/// The question whose answer is the figures' file: every cell of a period, each antenna for itself,
/// as a table.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn export(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, EXPORT)?;
    let period = period(&given, today.month())?;
    let expected = Phrase::new("parmi csv, csv-fr", "one of csv, csv-fr");
    let tables = [("csv", SheetFormat::Csv), ("csv-fr", SheetFormat::CsvFr)];
    let format = given.choice("format", &tables, expected)?.unwrap_or(SheetFormat::Csv);
    let by = vec![Key::Day, Key::Site, Key::Operator, Key::Help, Key::Age];
    bounded(period, &by)?;
    let query = Query { by, antennas: Antennas::Apart, ..query(conn, &given, period, today)? };
    Ok(Question { query, form: Some(Form::Sheet(format)), is_public: false })
}

/// The question on completeness that these names and values ask on `today`. What people ask for
/// has no say in it, but a partner's scope asks for it.
///
/// # Errors
/// When anything in it is unknown, repeated or contradictory.
pub fn completeness(conn: &Connection, given: &[(String, String)], today: Day) -> Result<Question, AskError> {
    let given = Given::check(given, COMPLETENESS)?;
    let period = match given.one("month") {
        None => period(&given, today.month())?,
        Some(text) => {
            let expected = Phrase::new("un mois, sans from ni to : 2026-11", "a month without from and to: 2026-11");
            let alone = given.one("from").or(given.one("to")).is_none();
            let month = text.parse::<Month>().ok().filter(|_| alone).ok_or_else(|| wrong("month", text, expected))?;
            (month.first_day(), month.last_day())
        }
    };
    let by = keys(&given, &completeness::keys(&Key::ALL))?;
    bounded(period, &by)?;
    let query = Query { by, ..query(conn, &given, period, today)? };
    Ok(Question { query, form: form(&given)?, is_public: false })
}

/// The question on labels that these names and values ask, and the form of its answer if one is named.
///
/// # Errors
/// When anything in it is unknown or repeated.
pub fn label(conn: &Connection, given: &[(String, String)]) -> Result<(LabelQuestion, Option<Form>), AskError> {
    let given = Given::check(given, LABEL)?;
    let check = Phrase::new(
        "parmi hours, staff, partners, signatories, statistics, published_hours",
        "one of hours, staff, partners, signatories, statistics, published_hours",
    );
    let verdict = Phrase::new("parmi met, at_risk, not_met, unknown", "one of met, at_risk, not_met, unknown");
    let question = LabelQuestion {
        filters: filters(conn, &given)?,
        check: given.choice("check", &Check::ALL.map(|check| (check.as_str(), check)), check)?,
        verdicts: given.list("state", verdict, |text| Ok(Verdict::parse(text)))?,
        page: Some(Page::read(&given, "label")?),
        paged: given.names_a_page(),
    };
    Ok((question, form(&given)?))
}

/// What all questions have in common.
fn query(conn: &Connection, given: &Given, (from, to): (Day, Day), today: Day) -> Result<Query, AskError> {
    let antennas = given.choice("antennas", &[("apart", Antennas::Apart)], Phrase::new("apart", "apart"))?;
    Ok(Query {
        filters: filters(conn, given)?,
        antennas: antennas.unwrap_or_default(),
        as_of: as_of(given, today)?,
        ..Query::of(from, to)
    })
}

/// The words for the forms of an answer.
pub const FORMS: [(&str, Form); 3] =
    [("json", Form::Json), ("csv", Form::Sheet(SheetFormat::Csv)), ("csv-fr", Form::Sheet(SheetFormat::CsvFr))];

/// The form asked for.
pub fn form(given: &Given) -> Result<Option<Form>, AskError> {
    given.choice("format", &FORMS, Phrase::new("parmi json, csv, csv-fr", "one of json, csv, csv-fr"))
}

/// The day of the hub by whose end figures are asked to have been received.
pub fn as_of(given: &Given, today: Day) -> Result<Option<Day>, AskError> {
    let Some(text) = given.one("as_of") else { return Ok(None) };
    let past = Phrase::new("un jour passé, ou aujourd’hui", "a day of the past, or today");
    match day("as_of", text)? {
        future if future > today => Err(wrong("as_of", text, past)),
        day => Ok(Some(day)),
    }
}

fn keys(given: &Given, allowed: &[Key]) -> Result<Vec<Key>, AskError> {
    let known = match allowed.contains(&Key::Operator) {
        true => Phrase::new(
            "parmi day, month, quarter, year, site, department, region, bearer, operator, help, age",
            "one of day, month, quarter, year, site, department, region, bearer, operator, help, age",
        ),
        false => Phrase::new(
            "parmi day, month, quarter, year, site, department, region, bearer",
            "one of day, month, quarter, year, site, department, region, bearer",
        ),
    };
    let keys = given.list("by", known, |name| Ok(allowed.iter().copied().find(|key| key.name() == name)))?;
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
    Ok(Filters {
        sites: named_sites(conn, given)?,
        departments: departments(given)?,
        regions: regions(given)?,
        bearers: bearers(conn, given)?,
        operators: operators(given)?,
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

/// The sites asked for.
pub fn named_sites(conn: &Connection, given: &Given) -> Result<Vec<SiteId>, AskError> {
    let expected = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");
    given.list("site", expected, |text| Ok(sites::resolve(conn, text)?))
}

/// The bearers asked for.
pub fn bearers(conn: &Connection, given: &Given) -> Result<Vec<String>, AskError> {
    let expected = Phrase::new("le porteur d’un site", "the bearer of a site");
    given.list("bearer", expected, |text| Ok(sites::known_bearer(conn, text)?.then(|| text.to_owned())))
}

/// The operators asked for.
pub fn operators(given: &Given) -> Result<Vec<OperatorCode>, AskError> {
    let expected = Phrase::new("le code d’un opérateur, par exemple CNAF", "an operator's code such as CNAF");
    given.list("operator", expected, |text| Ok(parsed(known_operator(text).is_some(), text)))
}

/// The states of sites asked for.
pub fn states(given: &Given) -> Result<Vec<String>, AskError> {
    given.list(
        "state",
        Phrase::new(
            "parmi never_connected, pending, up_to_date, behind, silent, refused, retired",
            "one of never_connected, pending, up_to_date, behind, silent, refused, retired",
        ),
        |text| Ok(STATES.contains(&text).then(|| text.to_owned())),
    )
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
