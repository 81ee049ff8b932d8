//! Visits and requests, summed: the one query behind the API and `msap-hub counts`.
//!
//! A cell is a site, day, operator, help and age; it sums what was received on any day, and a
//! cell that is negative (corrections by quantity made twice) counts as 0. A cell counts for the
//! house, department and bearer that its site had on that day. The SQL is put together from closed sets of expressions; everything a caller chose is a bound value.

use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::StoreError;

/// Most rows that one answer may have.
pub const ROWS_MAX: usize = 100_000;

/// The month of a day number, as year × 12 + month − 1. Whole-number arithmetic, because calling
/// a date function for each of millions of rows costs seconds. Days are counted from
/// 1996-03-01, so that the leap day is the last of each cycle of 1,461 days; 153 is the number of
/// days in five months from March on. Right for 2000 to 2099, where every fourth year is a leap year.
const MONTH_SQL: &str = "((1996 + 4 * ((day + 1401) / 1461) \
    + ((day + 1401) % 1461 - (day + 1401) % 1461 / 1460) / 365) * 12 + 2 \
    + (5 * ((day + 1401) % 1461 - 365 * (((day + 1401) % 1461 - (day + 1401) % 1461 / 1460) / 365)) + 2) / 153)";

/// What figures can be keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub enum Key {
    Day,
    Month,
    Quarter,
    Year,
    Site,
    Department,
    Region,
    Bearer,
    Operator,
    Help,
    Age,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Day,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Site,
        Self::Department,
        Self::Region,
        Self::Bearer,
        Self::Operator,
        Self::Help,
        Self::Age,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Site => "site",
            Self::Department => "department",
            Self::Region => "region",
            Self::Bearer => "bearer",
            Self::Operator => "operator",
            Self::Help => "help",
            Self::Age => "age",
        }
    }

    /// The key as people and programs read it, from what SQLite gave.
    fn text(self, value: ValueRef<'_>) -> Option<String> {
        let number = || value.as_i64().ok();
        match self {
            Self::Day => Day::from_number(i32::try_from(number()?).ok()?).map(|day| day.to_string()),
            Self::Month => number().map(|month| format!("{:04}-{:02}", month / 12, month % 12 + 1)),
            Self::Quarter => number().map(|quarter| format!("{:04}-Q{}", quarter / 4, quarter % 4 + 1)),
            Self::Year => number().map(|year| format!("{year:04}")),
            _ => value.as_str().ok().map(str::to_owned),
        }
    }
}

/// Whether a house's row holds its antennas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Antennas {
    /// A house means the house and its antennas.
    #[default]
    Together,
    /// Each antenna is a site of its own.
    Apart,
}

/// Values to keep; an empty list keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub struct Filters {
    pub sites: Vec<SiteId>,
    pub departments: Vec<String>,
    pub regions: Vec<String>,
    pub bearers: Vec<String>,
    pub operators: Vec<OperatorCode>,
    pub helps: Vec<HelpCode>,
    pub ages: Vec<AgeCode>,
}

/// One question. Days are inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// The keys of the rows, in order.
    pub by: Vec<Key>,
    /// What is counted.
    pub filters: Filters,
    /// How antennas are counted.
    pub antennas: Antennas,
}

/// A number of visits and of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// `None` where a visit has no meaning: one visit may make requests to several operators.
    pub visits: Option<i64>,
    /// Requests.
    pub requests: i64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.visits = self.visits.zip(other.visits).map(|(one, two)| one.saturating_add(two));
        self.requests = self.requests.saturating_add(other.requests);
    }
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureRow {
    /// The values of the keys, in the order of the question.
    pub keys: Vec<String>,
    /// The figures.
    pub count: Count,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Everything that the filters let through.
    pub total: Count,
    /// The same by key; empty for a question without keys.
    pub rows: Vec<FigureRow>,
    /// What the filters let through but waits for a person's judgement. Not in `total`.
    pub flagged: Count,
}

/// A question that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// More rows than an answer may have.
    #[error("the answer has more than {ROWS_MAX} rows")]
    TooManyRows,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Query {
    /// Whether visits mean something in the answer.
    pub fn counts_visits(&self) -> bool {
        let by_matter = self.by.iter().any(|key| matches!(key, Key::Operator | Key::Help));
        !by_matter && self.filters.operators.is_empty() && self.filters.helps.is_empty()
    }
}

/// Answers the question from the views, in one pass.
pub fn answer(conn: &Connection, query: &Query) -> Result<Figures, FigureError> {
    let (sql, values) = compose(query);
    let doing = "summing visits";
    let mut statement = conn.prepare(&sql).map_err(StoreError::sqlite(doing))?;
    let mut found = statement.query(params_from_iter(values)).map_err(StoreError::sqlite(doing))?;
    let count = |row: &Row<'_>, place: usize| -> rusqlite::Result<Count> {
        let visits: i64 = row.get(place)?;
        Ok(Count { visits: query.counts_visits().then_some(visits), requests: row.get(place + 1)? })
    };
    let none = Count { visits: query.counts_visits().then_some(0), requests: 0 };
    let mut figures = Figures { total: none, rows: Vec::new(), flagged: none };
    let keys = query.by.len();
    while let Some(row) = found.next().map_err(StoreError::sqlite(doing))? {
        let counted = count(row, keys).map_err(StoreError::sqlite(doing))?;
        figures.total.add(counted);
        figures.flagged.add(count(row, keys + 2).map_err(StoreError::sqlite(doing))?);
        // A row of nothing but undone or flagged facts is none.
        let nothing = row.get(keys).is_ok_and(|visits: i64| visits == 0) && counted.requests == 0;
        if keys == 0 || nothing {
            continue;
        }
        if figures.rows.len() == ROWS_MAX {
            return Err(FigureError::TooManyRows);
        }
        figures.rows.push(FigureRow { keys: keys_of(row, &query.by)?, count: counted });
    }
    Ok(figures)
}

fn keys_of(row: &Row<'_>, by: &[Key]) -> Result<Vec<String>, StoreError> {
    let text = |(place, key): (usize, &Key)| {
        let value = row.get_ref(place).map_err(StoreError::sqlite("summing visits"))?;
        let what = || StoreError::Corrupt { what: format!("a {} in the view of visits", key.name()) };
        key.text(value).ok_or_else(what)
    };
    by.iter().enumerate().map(text).collect()
}

/// The columns of a cell.
const CELL: &str = "v.site, v.day, v.operator, v.help, v.age";

/// The SQL of one answer and the values of its numbered places.
///
/// Each day of a site lies in one span, within which its house, department and bearer do not
/// change. Going from span to span, millions of rows are summed once, in the order of the table's
/// key, without a lookup for each. Cells below zero are rare: they are looked for apart, by the
/// rows below zero that they must have, and what they lack to zero is added.
fn compose(query: &Query) -> (String, Vec<Value>) {
    let mut places = Places(Vec::new());
    let (join, cells) = cells_of(query, &mut places);
    let keys: Vec<_> = query.by.iter().map(|key| key_sql(*key, query, &mut places)).collect();
    let columns = columns_of(&query.by);
    let named = |sums: [String; 4]| {
        let names = ["people", "requests", "people_apart", "requests_apart"];
        let sums = sums.into_iter().zip(names).map(|(sum, name)| format!("{sum} AS {name}"));
        columns.iter().map(|(column, _)| (*column).to_owned()).chain(sums).collect::<Vec<_>>().join(", ")
    };
    let plain = ["people * (apart = 0)", "requests * (apart = 0)", "people * apart", "requests * apart"];
    let sums = named(plain.map(|part| format!("sum({part})")));
    let lacks = named(plain.map(|part| format!("max(-sum({part}), 0)")));
    let group = match columns.iter().map(|(_, group)| *group).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        group => format!("GROUP BY {group}"),
    };
    let inner = format!(
        "SELECT {sums} FROM {join} WHERE {cells} {group} UNION ALL SELECT {lacks} FROM visits v \
         JOIN site_span s ON s.site = v.site AND v.day BETWEEN s.from_day AND s.to_day WHERE ({CELL}) IN \
         (SELECT {CELL} FROM {join} WHERE {cells} AND (people < 0 OR requests < 0)) GROUP BY {CELL}"
    );
    let outer =
        ["people", "requests", "people_apart", "requests_apart"].map(|name| format!("coalesce(sum({name}), 0)"));
    let outer = keys.iter().cloned().chain(outer).collect::<Vec<_>>().join(", ");
    let order = match (1..=keys.len()).map(|place| place.to_string()).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        places => format!("GROUP BY {places} ORDER BY {places}"),
    };
    (format!("SELECT {outer} FROM ({inner}) {order}"), places.0)
}

/// Bound values under numbered places, so that a condition may stand in the SQL twice.
struct Places(Vec<Value>);

impl Places {
    fn bind(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("?{}", self.0.len())
    }

    fn list(&mut self, values: impl IntoIterator<Item = String>) -> String {
        values.into_iter().map(|value| self.bind(Value::Text(value))).collect::<Vec<_>>().join(", ")
    }
}

/// The spans with their cells, and the condition on those that count.
fn cells_of(query: &Query, places: &mut Places) -> (String, String) {
    let Filters { sites, departments, regions, bearers, operators, helps, ages } = &query.filters;
    let [from, to] = [query.from, query.to].map(|day| places.bind(Value::Integer(i64::from(day.number()))));
    // CROSS: from each span to its visits, never the other way.
    let join = format!(
        "site_span s CROSS JOIN visits v ON v.site = s.site \
         AND v.day BETWEEN max(s.from_day, {from}) AND min(s.to_day, {to})"
    );
    let mut cells = vec![format!("s.from_day <= {to} AND s.to_day >= {from}")];
    let texts = |codes: &mut dyn Iterator<Item = String>| codes.collect::<Vec<_>>();
    for (column, allowed) in [
        ("v.operator", texts(&mut operators.iter().map(ToString::to_string))),
        ("v.help", texts(&mut helps.iter().map(ToString::to_string))),
        ("v.age", texts(&mut ages.iter().map(ToString::to_string))),
        ("s.department", departments.clone()),
        ("s.region", regions.clone()),
        ("s.bearer", bearers.clone()),
    ] {
        if !allowed.is_empty() {
            cells.push(format!("{column} IN ({})", places.list(allowed)));
        }
    }
    if !sites.is_empty() {
        let named = places.list(sites.iter().map(ToString::to_string));
        cells.push(match query.antennas {
            Antennas::Together => format!("(s.site IN ({named}) OR s.parent IN ({named}))"),
            Antennas::Apart => format!("s.site IN ({named})"),
        });
    }
    (join, cells.join(" AND "))
}

/// The columns that these keys need, and what to group by for each, in the order of the table's
/// key. A span has one house, department, region and bearer.
fn columns_of(by: &[Key]) -> Vec<(&'static str, &'static str)> {
    let any = |keys: &[Key]| by.iter().any(|key| keys.contains(key));
    let day = any(&[Key::Day, Key::Month, Key::Quarter, Key::Year]);
    let matter = any(&[Key::Operator, Key::Help, Key::Age]);
    // Grouping by site as well costs nothing before the day: the table is in that order.
    let site = any(&[Key::Site, Key::Department, Key::Region, Key::Bearer]) || (day && !matter);
    [
        (
            "s.site AS site, s.parent AS parent, s.department AS department, s.region AS region, s.bearer AS bearer",
            "s.site, s.from_day",
            site,
        ),
        ("v.day AS day", "v.day", day),
        ("v.operator AS operator", "v.operator", any(&[Key::Operator])),
        ("v.help AS help", "v.help", any(&[Key::Help])),
        ("v.age AS age", "v.age", any(&[Key::Age])),
    ]
    .into_iter()
    .filter_map(|(column, group, needed)| needed.then_some((column, group)))
    .collect()
}

fn key_sql(key: Key, query: &Query, places: &mut Places) -> String {
    match key {
        Key::Day => "day".to_owned(),
        Key::Month => MONTH_SQL.to_owned(),
        Key::Quarter => format!("{MONTH_SQL} / 3"),
        Key::Year => format!("{MONTH_SQL} / 12"),
        Key::Site if query.antennas == Antennas::Apart => "site".to_owned(),
        Key::Site if query.filters.sites.is_empty() => "coalesce(parent, site)".to_owned(),
        // An antenna named without its house is asked for itself.
        Key::Site => {
            let named = places.list(query.filters.sites.iter().map(ToString::to_string));
            format!("CASE WHEN parent IN ({named}) THEN parent ELSE site END")
        }
        Key::Department => "department".to_owned(),
        Key::Region => "region".to_owned(),
        Key::Bearer => "bearer".to_owned(),
        Key::Operator => "operator".to_owned(),
        Key::Help => "help".to_owned(),
        Key::Age => "age".to_owned(),
    }
}

#[cfg(test)]
#[path = "figures/tests.rs"]
mod tests;
