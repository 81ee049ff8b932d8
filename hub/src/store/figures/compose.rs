//! The SQL of one question.
//!
//! It is put together from closed sets of expressions; everything a caller chose is a bound value.

use std::sync::LazyLock;

use msap_shared::time::Day;
use rusqlite::types::Value;

use super::Places;
use crate::query::{Antennas, Filters, Key, Query, Shift, month_number};
use crate::site::department_regions;

/// The month of a day number, as year × 12 + month − 1. Whole-number arithmetic, because calling
/// a date function for each of millions of rows costs seconds. Days are counted from
/// 1996-03-01, so that the leap day is the last of each cycle of 1,461 days; 153 is the number of
/// days in five months from March on. Right for 2000 to 2099, where every fourth year is a leap year.
pub(super) const MONTH_SQL: &str = "((1996 + 4 * ((day + 1401) / 1461) \
    + ((day + 1401) % 1461 - (day + 1401) % 1461 / 1460) / 365) * 12 + 2 \
    + (5 * ((day + 1401) % 1461 - 365 * (((day + 1401) % 1461 - (day + 1401) % 1461 / 1460) / 365)) + 2) / 153)";

/// The columns of a cell.
const CELL: &str = "v.site, v.day, v.operator, v.help, v.age";

/// The four sums of every answer.
const SUMS: [&str; 4] = ["people", "requests", "people_apart", "requests_apart"];

/// Which table answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Every cell, with the day on which each part of it was received.
    Cells,
    /// Sums by site and day.
    SiteDays,
    /// Sums by department, operator, month, help and age.
    DepartmentMonths,
}

impl Source {
    /// The smallest one that can answer.
    pub(super) fn of(query: &Query) -> Self {
        let Filters { sites, bearers, operators, helps, ages, .. } = &query.filters;
        let keyed = |keys: &[Key]| query.by.iter().any(|key| keys.contains(key));
        let place = keyed(&[Key::Site, Key::Bearer]) || !sites.is_empty() || !bearers.is_empty();
        let matter = keyed(&[Key::Operator, Key::Help, Key::Age])
            || !(operators.is_empty() && helps.is_empty() && ages.is_empty());
        // Days that are told under others may fall into another month.
        let days =
            keyed(&[Key::Day]) || (matches!(query.shift, Shift::Days(_)) && query.by.iter().any(|k| k.is_time()));
        match () {
            () if query.as_of.is_some() => Self::Cells,
            () if query.is_whole_months() && !place && !days => Self::DepartmentMonths,
            () if !matter => Self::SiteDays,
            () => Self::Cells,
        }
    }
}

/// The SQL of one answer and the values of its numbered places: the keys, then the four sums.
pub(super) fn compose(query: &Query) -> (String, Vec<Value>) {
    let mut places = Places(Vec::new());
    let source = Source::of(query);
    let inner = match source {
        Source::Cells => cells(query, &mut places),
        Source::SiteDays => {
            let (join, condition) = spans_with("site_day", query, &mut places);
            summed(&columns_of(query), SUMS.map(|sum| format!("sum({sum})")), &join, &condition)
        }
        Source::DepartmentMonths => department_months(query, &mut places),
    };
    let keys: Vec<_> = query.by.iter().map(|key| key_sql(*key, source, query, &mut places)).collect();
    let sums = SUMS.map(|name| format!("coalesce(sum({name}), 0)"));
    let outer = keys.iter().cloned().chain(sums).collect::<Vec<_>>().join(", ");
    let order = match (1..=keys.len()).map(|place| place.to_string()).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        places => format!("GROUP BY {places} ORDER BY {places}"),
    };
    (format!("SELECT {outer} FROM ({inner}) {order}"), places.0)
}

type Columns = Vec<(String, &'static str)>;

fn selected(columns: &Columns, sums: [String; 4]) -> String {
    let sums = sums.into_iter().zip(SUMS).map(|(sum, name)| format!("{sum} AS {name}"));
    columns.iter().map(|(column, _)| column.clone()).chain(sums).collect::<Vec<_>>().join(", ")
}

fn summed(columns: &Columns, sums: [String; 4], join: &str, condition: &str) -> String {
    let group = match columns.iter().map(|(_, group)| *group).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        group => format!("GROUP BY {group}"),
    };
    format!("SELECT {} FROM {join} WHERE {condition} {group}", selected(columns, sums))
}

/// From the cells.
///
/// Each day of a site lies in one span, within which its house, department and bearer do not
/// change. Going from span to span, millions of rows are summed once, in the order of the table's
/// key, without a lookup for each. Cells below zero are rare: they are looked for apart, by the
/// rows below zero that they must have, and what they lack to zero is added.
fn cells(query: &Query, places: &mut Places) -> String {
    let (join, mut condition) = spans_with("visits", query, places);
    let by_then = match query.as_of {
        None => String::new(),
        Some(day) => format!(" AND v.received_day <= {}", places.day(day)),
    };
    condition.push_str(&by_then);
    let columns = columns_of(query);
    let plain = ["people * (apart = 0)", "requests * (apart = 0)", "people * apart", "requests * apart"];
    let sums = summed(&columns, plain.map(|part| format!("sum({part})")), &join, &condition);
    let lacks = selected(&columns, plain.map(|part| format!("max(-sum({part}), 0)")));
    format!(
        "{sums} UNION ALL SELECT {lacks} FROM visits v \
         JOIN site_span s ON s.site = v.site AND v.day BETWEEN s.from_day AND s.to_day WHERE ({CELL}) IN \
         (SELECT {CELL} FROM {join} WHERE {condition} AND (people < 0 OR requests < 0)){by_then} GROUP BY {CELL}"
    )
}

/// From the sums by department and month.
fn department_months(query: &Query, places: &mut Places) -> String {
    let month = |day: Day| Value::Integer(month_number(day).into());
    let [from, to] = [month(query.from), month(query.to)].map(|month| places.bind(month));
    let mut conditions = vec![format!("v.month BETWEEN {from} AND {to}")];
    conditions.extend(located(query, ["v.department", "r.region", "''"], places));
    conditions.extend(matters(query, places));
    let told_apart = query.by.iter().any(|key| matches!(key, Key::Help | Key::Age))
        || !(query.filters.helps.is_empty() && query.filters.ages.is_empty());
    conditions.push(if told_apart { "v.help > ''" } else { "v.help = '' AND v.age = ''" }.to_owned());
    let any = |keys: &[Key]| query.by.iter().any(|key| keys.contains(key));
    let regions = any(&[Key::Region]) || !query.filters.regions.is_empty();
    let join = match regions {
        true => format!("department_month v LEFT JOIN ({}) r ON r.code = v.department", *REGIONS),
        false => "department_month v".to_owned(),
    };
    let columns = [
        ("v.department AS department", "v.department", any(&[Key::Department])),
        ("coalesce(r.region, '') AS region", "r.region", any(&[Key::Region])),
        ("v.operator AS operator", "v.operator", any(&[Key::Operator])),
        ("v.month AS month", "v.month", query.by.iter().any(|key| key.is_time())),
        ("v.help AS help", "v.help", any(&[Key::Help])),
        ("v.age AS age", "v.age", any(&[Key::Age])),
    ];
    let needed = columns.into_iter().filter(|(_, _, needed)| *needed);
    let needed = needed.map(|(column, group, _)| (column.to_owned(), group)).collect();
    summed(&needed, SUMS.map(|sum| format!("sum(v.{sum})")), &join, &conditions.join(" AND "))
}

/// Departments and their regions, of this program's own table of codes.
static REGIONS: LazyLock<String> = LazyLock::new(|| {
    let pairs: Vec<_> = department_regions().map(|(code, region)| format!("('{code}', '{region}')")).collect();
    format!("SELECT column1 AS code, column2 AS region FROM (VALUES {})", pairs.join(", "))
});

/// The spans with what a table by site and day has of them, and the condition on what counts.
pub(super) fn spans_with(table: &str, query: &Query, places: &mut Places) -> (String, String) {
    let [from, to] = [query.from, query.to].map(|day| places.day(day));
    // CROSS: from each span to its visits, never the other way.
    let join = format!(
        "site_span s CROSS JOIN {table} v ON v.site = s.site \
         AND v.day BETWEEN max(s.from_day, {from}) AND min(s.to_day, {to})"
    );
    let spans = span_condition(query, places);
    let matters = matters(query, places);
    (join, std::iter::once(spans).chain(matters).collect::<Vec<_>>().join(" AND "))
}

/// Which spans a question meets: of its period, and let through by its filters of places.
pub(in crate::store) fn span_condition(query: &Query, places: &mut Places) -> String {
    let Filters { sites, .. } = &query.filters;
    let [from, to] = [query.from, query.to].map(|day| places.day(day));
    let mut conditions = vec![format!("s.from_day <= {to} AND s.to_day >= {from}")];
    conditions.extend(located(query, ["s.department", "s.region", "s.bearer"], places));
    if !sites.is_empty() {
        let named = places.list(sites.iter().map(ToString::to_string));
        conditions.push(match query.antennas {
            Antennas::Together | Antennas::Within => format!("(s.site IN ({named}) OR s.parent IN ({named}))"),
            Antennas::Apart => format!("s.site IN ({named})"),
        });
    }
    conditions.join(" AND ")
}

/// What the filters of matter let through.
fn matters(query: &Query, places: &mut Places) -> Vec<String> {
    let Filters { operators, helps, ages, .. } = &query.filters;
    let texts = |codes: &mut dyn Iterator<Item = String>| codes.collect::<Vec<_>>();
    let lists = [
        ("v.operator", texts(&mut operators.iter().map(ToString::to_string))),
        ("v.help", texts(&mut helps.iter().map(ToString::to_string))),
        ("v.age", texts(&mut ages.iter().map(ToString::to_string))),
    ];
    among(lists, places)
}

/// What the filters of places, but for that of sites, let through.
fn located(query: &Query, [department, region, bearer]: [&str; 3], places: &mut Places) -> Vec<String> {
    let Filters { departments, regions, bearers, .. } = &query.filters;
    among([(department, departments.clone()), (region, regions.clone()), (bearer, bearers.clone())], places)
}

fn among(lists: [(&str, Vec<String>); 3], places: &mut Places) -> Vec<String> {
    let given = lists.into_iter().filter(|(_, allowed)| !allowed.is_empty());
    given.map(|(column, allowed)| format!("{column} IN ({})", places.list(allowed))).collect()
}

/// The columns that the keys need, and what to group by for each, in the order of the tables'
/// keys. A span has one house, department, region and bearer.
fn columns_of(query: &Query) -> Columns {
    let any = |keys: &[Key]| query.by.iter().any(|key| keys.contains(key));
    let day = query.by.iter().any(|key| key.is_time());
    let matter = any(&[Key::Operator, Key::Help, Key::Age]);
    // Grouping by site as well costs nothing before the day: the table is in that order.
    let site = any(&[Key::Site, Key::Department, Key::Region, Key::Bearer]) || (day && !matter);
    let told = match query.shift {
        Shift::Days(days) => format!("v.day + {days} AS day"),
        Shift::None | Shift::Months(_) => "v.day AS day".to_owned(),
    };
    let span = "s.site AS site, s.parent AS parent, s.department AS department, s.region AS region, s.bearer AS bearer";
    [
        (span.to_owned(), "s.site, s.from_day", site),
        (told, "v.day", day),
        ("v.operator AS operator".to_owned(), "v.operator", any(&[Key::Operator])),
        ("v.help AS help".to_owned(), "v.help", any(&[Key::Help])),
        ("v.age AS age".to_owned(), "v.age", any(&[Key::Age])),
    ]
    .into_iter()
    .filter_map(|(column, group, needed)| needed.then_some((column, group)))
    .collect()
}

fn key_sql(key: Key, source: Source, query: &Query, places: &mut Places) -> String {
    let month = match source {
        Source::DepartmentMonths => "month",
        Source::Cells | Source::SiteDays => MONTH_SQL,
    };
    let month = match query.shift {
        Shift::Months(months) => format!("({month} + {months})"),
        Shift::None | Shift::Days(_) => month.to_owned(),
    };
    match key {
        Key::Day => "day".to_owned(),
        Key::Month => month,
        Key::Quarter => format!("{month} / 3"),
        Key::Year => format!("{month} / 12"),
        Key::Site if query.antennas != Antennas::Together => "site".to_owned(),
        Key::Site if query.filters.sites.is_empty() => "coalesce(parent, site)".to_owned(),
        // An antenna named without its house is asked for itself.
        Key::Site => {
            let named = places.list(query.filters.sites.iter().map(ToString::to_string));
            format!("CASE WHEN parent IN ({named}) THEN parent ELSE site END")
        }
        Key::Department | Key::Region | Key::Bearer | Key::Operator | Key::Help | Key::Age => key.name().to_owned(),
    }
}
