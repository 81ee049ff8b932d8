//! The return of a partner: the requests that a month brought it, by site, and by help and age per
//! department.
//!
//! Called by the API and by `msap-hub return`. A return is made to be handed over, so it is the
//! same whoever asks for it: ages are those that were released to the partner, with few requests
//! hidden. Invariant: the same data and the same `as_of` give the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::code::{Age, Help, OPERATORS, OperatorCode};
use msap_shared::document::schedule::OperatorToken;
use msap_shared::time::{Day, Month, SiteZone};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use self::apart::{Apart, OfMonth};
use crate::almanac::Pages;
use crate::ask::{self, AskError, Form, Given};
use crate::completeness::{self, Rows, Tally};
use crate::lang::Phrase;
use crate::privacy::table::{self, Figure, PARTNER_AGES};
use crate::privacy::{Period, VISITS};
use crate::query::{Antennas, Filters, Key, Query};
use crate::release::{self, Waiting};
use crate::store::StoreError;
use crate::store::figures::{self, FigureError};
use crate::store::tree::{self, Houses, Named};
use crate::store::{releases, sites};

pub use self::told::file_stem;

mod apart;
mod told;

/// Partners whose requests by site are summed at once: so many are far from the rows that one answer
/// may have.
const OPERATORS_AT_ONCE: usize = 12;

/// What is asked of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The month.
    pub month: Month,
    /// As received by the end of this day of the hub.
    pub as_of: Option<Day>,
    /// Whether the month is not over: its figures are provisional.
    pub provisional: bool,
    /// The form, if one was named.
    pub form: Option<Form>,
}

/// A partner's return.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    operator: OperatorCode,
    question: Question,
    as_of: Day,
    requests: i64,
    departments: BTreeMap<String, DepartmentLines>,
    /// By department and id.
    sites: BTreeMap<(String, String), SiteLine>,
    tally: Tally,
    ages: Result<Ages, Waiting>,
    /// What is in none of its figures.
    apart: Apart,
}

/// What was released of ages, by department and in the order of ages.
#[derive(Clone, Debug, PartialEq)]
struct Ages {
    day: Day,
    /// None could be told without giving a small figure away.
    withheld: bool,
    departments: BTreeMap<String, Vec<(String, Figure)>>,
}

/// What came of one department.
#[derive(Clone, Debug, PartialEq)]
struct DepartmentLines {
    tally: Tally,
    requests: i64,
    helps: Vec<(String, i64)>,
}

/// What came of one site in one department; a house without its antennas. Of a site that was to
/// report, nothing may have come.
#[derive(Clone, Debug, Default, PartialEq)]
struct SiteLine {
    tally: Tally,
    requests: i64,
    named: Named,
    /// The houses that an antenna was attached to in the month, with their names.
    houses: Vec<(String, String)>,
}

/// One file of a return, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnFile {
    /// The operator's code.
    pub operator: String,
    /// The file's name.
    pub name: String,
    /// Its requests.
    pub requests: i64,
    /// Sites that had requests.
    pub sites: usize,
    /// Requests that stand apart.
    pub apart: i64,
    /// What stands in it.
    pub text: String,
}

/// What is asked by these names and values.
///
/// # Errors
/// When a name is unknown, or the month is not over and is not asked for «so far».
pub fn ask(conn: &Connection, given: &[(String, String)], now: Timestamp) -> Result<Question, AskError> {
    let today = ask::today(now);
    let given = Given::check(given, ask::RETURN)?;
    let form = ask::form(&given)?;
    let as_of = ask::as_of(&given, today)?;
    let so_far = given.choice("so_far", &[("true", ())], Phrase::new("true", "true"))?.is_some();
    let text = given.one("month").unwrap_or_default();
    let month: Month = text.parse().map_err(|_| ask::wrong("month", text, MONTH))?;
    let by = as_of.unwrap_or(today);
    if month.first_day() > by {
        return Err(ask::wrong("month", text, BEGUN));
    }
    // A month is over once it is so at every site.
    let over = |zone: &SiteZone| month.last_day() < Day::at(now, zone);
    let is_over = over(&ask::hub_zone()) && sites::zones(conn)?.iter().all(over);
    let provisional = !is_over || month.last_day() > by;
    if provisional && !so_far {
        return Err(ask::wrong("month", text, OVER));
    }
    Ok(Question { month, as_of, provisional, form })
}

const MONTH: Phrase = Phrase::new("un mois terminé, par exemple 2026-10", "a month that is over such as 2026-10");
const BEGUN: Phrase = Phrase::new("un mois commencé à la date de as_of", "a month that had begun on the day of as_of");
const OVER: Phrase = Phrase::new(
    "un mois terminé, et entier à la date de as_of ; so_far=true donne un relevé provisoire",
    "a month that is over, and was by the day of as_of; so_far=true gives a provisional return",
);

/// What is the same in all returns of a month.
struct Common {
    question: Question,
    today: Day,
    /// Which days were to be reported, of all sites and of each by department and id.
    whole: Tally,
    due: BTreeMap<(String, String), Tally>,
    names: BTreeMap<String, Named>,
    houses: Houses,
    apart: OfMonth,
}

/// The returns of these partners, in their order.
///
/// # Errors
/// When what had been received by then is not known any more, or the store fails.
pub fn of(
    conn: &Connection,
    pages: &Pages,
    operators: &[OperatorCode],
    question: Question,
    now: Timestamp,
) -> Result<Vec<Return>, FigureError> {
    let today = ask::today(now);
    let asked = query(conn, question, today)?;
    let by_site = Query { by: vec![Key::Department, Key::Site], ..asked.clone() };
    let found = completeness::answer(conn, pages, &by_site, now, Rows::All)?;
    let due = found.rows.into_iter().filter(|(_, tally)| tally.expected > 0).map(|(keys, tally)| (two(keys), tally));
    let (names, houses) = (tree::names(conn)?, tree::houses(conn, (asked.from, asked.to))?);
    let common = Common {
        question,
        today,
        whole: found.total,
        due: due.collect(),
        names,
        houses,
        apart: OfMonth::read(conn, question, today)?,
    };
    let mut returns = Vec::new();
    for some in operators.chunks(OPERATORS_AT_ONCE) {
        let asked = Query { filters: Filters { operators: some.to_vec(), ..Filters::default() }, ..asked.clone() };
        let mut begun: BTreeMap<_, _> =
            some.iter().map(|operator| (operator.to_string(), Return::begun(operator, &common))).collect();
        let by = |key| figures::answer(conn, &Query { by: vec![Key::Operator, Key::Department, key], ..asked.clone() });
        for row in by(Key::Site)?.rows {
            let [operator, department, site] = three(row.keys);
            if let Some(of) = begun.get_mut(&operator) {
                of.add(department, site, row.count.requests, &common);
            }
        }
        for row in by(Key::Help)?.rows {
            let [operator, department, help] = three(row.keys);
            let lines = begun.get_mut(&operator).and_then(|of| of.departments.get_mut(&department));
            lines.into_iter().for_each(|lines| put(&mut lines.helps, &help, row.count.requests));
        }
        for of in begun.values_mut() {
            of.ages = ages(conn, pages, &of.operator, question, today)?;
            let mine = Filters { operators: vec![of.operator.clone()], ..Filters::default() };
            let flagged = figures::answer(conn, &Query { filters: mine, ..asked.clone() })?.flagged.requests;
            of.apart = common.apart.of(&of.operator, flagged);
        }
        returns.extend(some.iter().filter_map(|operator| begun.remove(operator.as_str())));
    }
    Ok(returns)
}

/// The ages that were released to a partner, or why none were.
fn ages(
    conn: &Connection,
    pages: &Pages,
    operator: &OperatorCode,
    Question { month, as_of, .. }: Question,
    today: Day,
) -> Result<Result<Ages, Waiting>, StoreError> {
    let Some(period) = Period::between(month.first_day(), month.last_day()) else { return Ok(Err(Waiting::Lost)) };
    let (rules, by) = (pages.rules().release, as_of.unwrap_or(today));
    // By that day nothing of it was released, whatever has been since.
    if let Some(due) = rules.due(period).filter(|due| by < *due) {
        return Ok(Err(Waiting::Until(due)));
    }
    let Some(told) = table::owed(conn, operator, PARTNER_AGES, period)? else {
        // Of a period that was released, there is no table of whoever had no request.
        return match releases::find(conn, VISITS, period)? {
            Some((_, note)) => Ok(Ok(Ages { day: note.day, withheld: false, departments: BTreeMap::new() })),
            None => Ok(Err(release::waiting(conn, period, rules, today)?)),
        };
    };
    let mut departments = BTreeMap::<String, Vec<_>>::new();
    for (keys, figure) in told.requests() {
        let [department, age] = keys else { continue };
        let none = || Age::CODES.map(|age| (age.to_owned(), Figure::Known(0))).to_vec();
        put(departments.entry(department.clone()).or_insert_with(none), age, figure);
    }
    Ok(Ok(Ages { day: told.day(), withheld: told.withholds_requests(), departments }))
}

/// The partners that a month brought requests, and those that any site has an agreement with.
///
/// # Errors
/// As [`of`].
pub fn partners(
    conn: &Connection,
    pages: &Pages,
    question: Question,
    today: Day,
) -> Result<Vec<OperatorCode>, FigureError> {
    let found = figures::answer(conn, &Query { by: vec![Key::Operator], ..query(conn, question, today)? })?;
    let mut codes: BTreeSet<OperatorCode> = BTreeSet::new();
    codes.extend(found.rows.into_iter().flat_map(|row| row.keys).filter_map(|code| code.parse().ok()));
    for (_, book) in pages.books() {
        codes.extend(book.partners.operators().filter_map(|(token, partner)| match token {
            OperatorToken::Known(code) => {
                let agreed = partner.agreement.as_ref()?.all().any(|said| said.body.is_some());
                agreed.then(|| code.clone())
            }
            OperatorToken::Local(_) => None,
        }));
    }
    Ok(codes.into_iter().collect())
}

/// The month, each antenna for itself.
fn query(conn: &Connection, question: Question, today: Day) -> Result<Query, FigureError> {
    if let Some(as_of) = question.as_of.filter(|as_of| *as_of < today) {
        figures::remembers(conn, as_of, today)?;
    }
    let Question { month, as_of, .. } = question;
    Ok(Query { antennas: Antennas::Apart, as_of, ..Query::of(month.first_day(), month.last_day()) })
}

impl Return {
    /// One into which no request has been put.
    fn begun(operator: &OperatorCode, common: &Common) -> Self {
        let mut begun = Self {
            operator: operator.clone(),
            question: common.question,
            as_of: common.question.as_of.unwrap_or(common.today),
            requests: 0,
            departments: BTreeMap::new(),
            sites: BTreeMap::new(),
            tally: common.whole,
            ages: Err(Waiting::Soon),
            apart: Apart::default(),
        };
        for ((department, site), tally) in &common.due {
            begun.departments.entry(department.clone()).or_default().tally.add(tally);
            begun.add(department.clone(), site.clone(), 0, common);
        }
        begun
    }

    fn add(&mut self, department: String, site: String, requests: i64, common: &Common) {
        self.requests += requests;
        self.departments.entry(department.clone()).or_default().requests += requests;
        let key = (department, site);
        let line = self.sites.entry(key).or_insert_with_key(|key| common.line(key));
        line.requests += requests;
    }
}

impl Common {
    /// A site of which nothing has come yet.
    fn line(&self, (department, site): &(String, String)) -> SiteLine {
        let of_antenna = self.houses.get(&(site.clone(), department.clone())).into_iter().flatten();
        let name = |house: &String| self.names.get(house).map(|named| named.name.clone()).unwrap_or_default();
        SiteLine {
            tally: self.due.get(&(department.clone(), site.clone())).copied().unwrap_or_default(),
            requests: 0,
            named: self.names.get(site).cloned().unwrap_or_default(),
            houses: of_antenna.map(|house| (house.clone(), name(house))).collect(),
        }
    }
}

impl Default for DepartmentLines {
    fn default() -> Self {
        let helps = Help::ALL.map(|help| (help.as_str().to_owned(), 0)).to_vec();
        Self { tally: Tally::default(), requests: 0, helps }
    }
}

/// Puts a figure in the place of its code; a code that this version does not offer comes last.
fn put<T>(figures: &mut Vec<(String, T)>, code: &str, figure: T) {
    match figures.iter_mut().find(|(known, _)| known == code) {
        Some((_, known)) => *known = figure,
        None => figures.push((code.to_owned(), figure)),
    }
}

/// The keys of a row of a question with two.
fn two(keys: Vec<String>) -> (String, String) {
    let mut keys = keys.into_iter();
    (keys.next().unwrap_or_default(), keys.next().unwrap_or_default())
}

/// The keys of a row of a question with three.
fn three(keys: Vec<String>) -> [String; 3] {
    let mut keys = keys.into_iter();
    std::array::from_fn(|_| keys.next().unwrap_or_default())
}

/// The operator that a person names, whatever the case.
pub fn operator(text: &str) -> Result<OperatorCode, AskError> {
    let expected = Phrase::new("le code d’un opérateur, par exemple CNAF", "an operator's code such as CNAF");
    let found = OPERATORS.iter().find(|known| known.code.eq_ignore_ascii_case(text));
    found.and_then(|known| known.code.parse().ok()).ok_or_else(|| ask::wrong("operator", text, expected))
}

#[cfg(test)]
mod tests;
