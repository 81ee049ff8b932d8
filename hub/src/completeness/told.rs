//! Completeness as the API, the command line and files tell it.
//!
//! Called by `http::completeness` and by `admin::look`, and by `counts` for what stands beside
//! figures. The columns of the sheet are the keys asked for in their order (`site` followed by
//! `site_name`), `expected`, `reported`, `late`, `missing`, `unexpected`, `rate`, `not_expected`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::time::Day;
use msap_shared::wording::calendar_days;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{Completeness, Named, Rows, Tally, keys};
use crate::almanac::Pages;
use crate::ask;
use crate::counts::keys as told_keys;
use crate::lang::{Lang, counted};
use crate::query::{Antennas, Query};
use crate::sheet::{Cell, Column, Sheet, Table};
use crate::store::figures::{self, FigureError};

/// One answer, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    query: Query,
    today: Day,
    found: Completeness,
    /// Today's names of the sites in the rows.
    names: BTreeMap<String, String>,
}

/// Answers a question whose keys are those of time and place.
///
/// # Errors
/// When it has no answer, or the store fails.
pub fn answer(conn: &Connection, pages: &Pages, query: Query, now: Timestamp) -> Result<Told, FigureError> {
    let today = ask::today(now);
    if let Some(as_of) = query.as_of
        && as_of < today
    {
        figures::remembers(conn, as_of, today)?;
    }
    let query = Query { by: keys(&query.by), ..query };
    let found = super::answer(conn, pages, &query, now, Rows::All)?;
    let names = told_keys::names(conn, &query, found.rows.keys())?;
    Ok(Told { query, today, found, names })
}

impl Table for Told {
    fn object(&self) -> Value {
        let Self { query, today, found, names } = self;
        let row = |(key, tally): (&Vec<String>, &Tally)| {
            let mut object = told_keys::fields(query, key, names);
            object.extend(fields(tally));
            Value::Object(object)
        };
        let [missing, not_expected] = lists(found);
        json!({
            "as_of": query.as_of.unwrap_or(*today).to_string(),
            "from": query.from.to_string(),
            "to": query.to.to_string(),
            "by": query.by.iter().map(|key| key.name()).collect::<Vec<_>>(),
            "total": fields(&found.total),
            "rows": found.rows.iter().map(row).collect::<Value>(),
            "missing_sites": missing,
            "not_expected": not_expected,
        })
    }

    /// The rows, or the total of a question without keys.
    fn sheet(&self) -> Sheet {
        let mut columns = told_keys::columns(&self.query);
        let sums = [
            ("expected", "attendus"),
            ("reported", "reçus"),
            ("late", "en retard"),
            ("missing", "manquants"),
            ("unexpected", "imprévus"),
            ("rate", "taux"),
            ("not_expected", "lieux non attendus"),
        ];
        columns.extend(sums.map(|(name, french)| Column::new(name, french)));
        let whole = BTreeMap::from([(Vec::new(), self.found.total)]);
        let rows = if self.query.by.is_empty() { &whole } else { &self.found.rows };
        let row = |(key, tally): (&Vec<String>, &Tally)| {
            let Tally { expected, reported, late, unexpected, not_expected } = *tally;
            let number = |number: u32| Cell::Number(number.into());
            let mut cells = told_keys::cells(&self.query, key, &self.names);
            cells.extend([expected, reported, late, tally.missing(), unexpected].map(number));
            cells.push(tally.rate().map_or(Cell::None, Cell::Share));
            cells.push(number(not_expected));
            cells
        };
        Sheet { columns, rows: rows.iter().map(row).collect() }
    }

    fn summary(&self, lang: Lang) -> String {
        let Query { from, to, .. } = self.query;
        let (period, said) = (calendar_days((from, to), lang), said(&self.found, lang));
        lang.of(format!("{period} : {said}"), format!("{period}: {said}"))
    }
}

/// Sites that are named beside figures; the others are told by `GET /v1/completeness`.
pub const BESIDE_MAX: usize = 200;
/// Where all of them are named.
const MORE: &str = "/v1/completeness";

/// What stands beside figures: the numbers, and which sites they are about.
pub fn beside(found: &Completeness, query: &Query) -> Value {
    let mut object = fields(&found.total);
    let [missing, not_expected] = lists(found);
    let named = |list: Value| match list {
        Value::Array(sites) => Value::Array(sites.into_iter().take(BESIDE_MAX).collect()),
        other => other,
    };
    object.insert("missing_sites".to_owned(), named(missing));
    object.insert("missing_sites_count".to_owned(), json!(found.missing.len()));
    // The number has its own name here: a site may stand in the list once for each reason.
    object.insert("not_expected".to_owned(), named(not_expected));
    object.insert("not_expected_count".to_owned(), json!(found.total.not_expected));
    let more = found.missing.len().max(found.not_expected.len()) > BESIDE_MAX;
    object.insert("more".to_owned(), json!(more.then(|| everywhere(query))));
    Value::Object(object)
}

/// The address at which all sites of a question are named.
fn everywhere(query: &Query) -> String {
    let Query { from, to, as_of, antennas, filters, .. } = query;
    let sites: Vec<_> = filters.sites.iter().map(ToString::to_string).collect();
    let lists = [
        ("site", &sites),
        ("department", &filters.departments),
        ("region", &filters.regions),
        ("bearer", &filters.bearers),
    ];
    let mut asked = form_urlencoded::Serializer::new(String::new());
    asked.append_pair("by", "site").append_pair("from", &from.to_string()).append_pair("to", &to.to_string());
    if let Some(as_of) = as_of {
        asked.append_pair("as_of", &as_of.to_string());
    }
    if *antennas == Antennas::Apart {
        asked.append_pair("antennas", "apart");
    }
    for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        asked.append_pair(name, &values.join(","));
    }
    format!("{MORE}?{}", asked.finish())
}

/// The numbers alone. A rate says nothing of sites of which nothing could be expected: how many
/// they are always stands beside it.
pub fn fields(tally: &Tally) -> Map<String, Value> {
    let Tally { expected, reported, late, unexpected, not_expected } = tally;
    let numbers = [
        ("expected", *expected),
        ("reported", *reported),
        ("late", *late),
        ("missing", tally.missing()),
        ("unexpected", *unexpected),
        ("not_expected", *not_expected),
    ];
    let mut object: Map<_, _> = numbers.into_iter().map(|(name, number)| (name.to_owned(), json!(number))).collect();
    // Four decimals tell one day of 10,000 apart; all days are never claimed where one is missing.
    let rate = tally.rate().map(|rate| (rate * 10_000.0).floor() / 10_000.0);
    object.insert("rate".to_owned(), json!(rate));
    object
}

/// Completeness in a line, for people.
pub fn said(found: &Completeness, lang: Lang) -> String {
    let Tally { expected, reported, late, unexpected, not_expected } = found.total;
    let rate = found.total.rate().map(|rate| (rate * 1_000.0).floor() / 10.0);
    let rate = rate.map(|rate| lang.of(format!(" ({rate:.1} %)").replace('.', ","), format!(" ({rate:.1}%)")));
    let rate = rate.unwrap_or_default();
    let missing = u32::try_from(found.missing.len()).unwrap_or(u32::MAX);
    let reported = counted(reported, lang, ["jour reçu", "jours reçus"], ["day reported", "days reported"]);
    let missing = counted(
        missing,
        lang,
        ["lieu a des jours manquants", "lieux ont des jours manquants"],
        ["site with missing days", "sites with missing days"],
    );
    let unexpected =
        counted(unexpected, lang, ["jour imprévu", "jours imprévus"], ["unexpected day", "unexpected days"]);
    let not_expected = counted(
        not_expected,
        lang,
        ["lieu non attendu", "lieux non attendus"],
        ["site not expected to report", "sites not expected to report"],
    );
    lang.of(
        format!(
            "{reported} sur {}{rate}, dont {late} en retard ; {missing} ; {unexpected} ; {not_expected}",
            counted(expected, lang, ["attendu", "attendus"], ["", ""]),
        ),
        format!(
            "{reported} of {expected} expected{rate}, {late} of them late; {missing}; {unexpected}; {not_expected}"
        ),
    )
}

fn lists(found: &Completeness) -> [Value; 2] {
    let named = |Named { site, name, count, days }: &Named| {
        let days: Vec<_> = days.iter().map(|(from, to)| range(*from, *to)).collect();
        json!({ "site": site, "name": name, "count": count, "days": days })
    };
    let not_expected = found.not_expected.iter().map(|(reason, site)| {
        let mut object = named(site);
        object["reason"] = json!(reason.as_str());
        object
    });
    [found.missing.iter().map(named).collect(), not_expected.collect()]
}

/// A day, or an interval as ISO 8601 writes it, both ends included.
pub fn range(from: Day, to: Day) -> String {
    if from == to { from.to_string() } else { format!("{from}/{to}") }
}
