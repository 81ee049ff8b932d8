//! Visits and requests, summed: the one query behind the API and `msap-hub counts`.
//!
//! A cell is a site, day, operator, help and age; it sums what was received on any day, and a
//! cell that is negative (corrections by quantity made twice) counts as 0. The SQL is put
//! together from closed sets of expressions; everything a caller chose is a bound value.

use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::StoreError;
use super::sites::marks;

/// Most rows that one answer may have.
pub const ROWS_MAX: usize = 100_000;

/// Above so many days the table is read in the order of its key instead of through the index by
/// day: a lookup for each row would cost more than reading everything once.
const SCAN_ABOVE_DAYS: i32 = 45;

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

/// Answers the question from the views.
pub fn answer(conn: &Connection, query: &Query) -> Result<Figures, FigureError> {
    let mut rows = sums(conn, query, &query.by, Part::Counted)?;
    let total = Count {
        visits: query.counts_visits().then(|| rows.iter().filter_map(|row| row.count.visits).sum()),
        requests: rows.iter().map(|row| row.count.requests).sum(),
    };
    if query.by.is_empty() {
        rows.clear();
    }
    let flagged = sums(conn, query, &[], Part::Apart)?;
    let none = Count { visits: query.counts_visits().then_some(0), requests: 0 };
    Ok(Figures { total, rows, flagged: flagged.first().map_or(none, |row| row.count) })
}

#[derive(Clone, Copy)]
enum Part {
    Counted,
    Apart,
}

fn sums(conn: &Connection, query: &Query, by: &[Key], part: Part) -> Result<Vec<FigureRow>, FigureError> {
    let mut values = Vec::new();
    let sql = compose(query, by, part, &mut values);
    let doing = "summing visits";
    let mut statement = conn.prepare(&sql).map_err(StoreError::sqlite(doing))?;
    let mut found = statement.query(params_from_iter(values)).map_err(StoreError::sqlite(doing))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(StoreError::sqlite(doing))? {
        if rows.len() == ROWS_MAX {
            return Err(FigureError::TooManyRows);
        }
        let mut keys = Vec::with_capacity(by.len());
        for (place, key) in by.iter().enumerate() {
            let value = row.get_ref(place).map_err(StoreError::sqlite(doing))?;
            let what = || StoreError::Corrupt { what: format!("a {} in the view of visits", key.name()) };
            keys.push(key.text(value).ok_or_else(what)?);
        }
        let visits: i64 = row.get(by.len()).map_err(StoreError::sqlite(doing))?;
        let requests = row.get(by.len() + 1).map_err(StoreError::sqlite(doing))?;
        rows.push(FigureRow { keys, count: Count { visits: query.counts_visits().then_some(visits), requests } });
    }
    Ok(rows)
}

/// The SQL of one answer. Places for values are unnamed and bound in the order of `values`.
fn compose(query: &Query, by: &[Key], part: Part, values: &mut Vec<Value>) -> String {
    let named: Vec<Value> = query.filters.sites.iter().map(|site| Value::Text(site.to_string())).collect();
    let together = query.antennas == Antennas::Together;

    // The keys come first in the text, so their values come first too.
    let mut keys = Vec::new();
    for key in by {
        keys.push(match key {
            Key::Day => "day".to_owned(),
            Key::Month => MONTH_SQL.to_owned(),
            Key::Quarter => format!("{MONTH_SQL} / 3"),
            Key::Year => format!("{MONTH_SQL} / 12"),
            Key::Site if together && named.is_empty() => "COALESCE(s.parent, s.id)".to_owned(),
            // An antenna named without its house is asked for itself.
            Key::Site if together => {
                values.extend(named.iter().cloned());
                format!("CASE WHEN s.parent IN ({}) THEN s.parent ELSE s.id END", marks(named.len()))
            }
            Key::Site => "s.id".to_owned(),
            Key::Department => "s.department".to_owned(),
            Key::Region => "s.region".to_owned(),
            Key::Bearer => "s.bearer".to_owned(),
            Key::Operator => "operator".to_owned(),
            Key::Help => "help".to_owned(),
            Key::Age => "age".to_owned(),
        });
    }

    let mut cells = vec![match part {
        Part::Counted => "apart = 0".to_owned(),
        Part::Apart => "apart = 1".to_owned(),
    }];
    let long = query.to.number() - query.from.number() > SCAN_ABOVE_DAYS;
    // A leading + keeps SQLite from using the index by day.
    cells.push(format!("{}day BETWEEN ? AND ?", if long { "+" } else { "" }));
    values.extend([query.from, query.to].map(|day| Value::Integer(i64::from(day.number()))));
    let mut among = |column: &str, allowed: Vec<Value>| {
        if !allowed.is_empty() {
            cells.push(format!("{column} IN ({})", marks(allowed.len())));
            values.extend(allowed);
        }
    };
    let text = |items: &[String]| items.iter().cloned().map(Value::Text).collect::<Vec<_>>();
    among("operator", query.filters.operators.iter().map(|code| Value::Text(code.to_string())).collect());
    among("help", query.filters.helps.iter().map(|code| Value::Text(code.to_string())).collect());
    among("age", query.filters.ages.iter().map(|code| Value::Text(code.to_string())).collect());

    let mut sites = Vec::new();
    let mut of_site = |column: &str, allowed: Vec<Value>| {
        if !allowed.is_empty() {
            sites.push(format!("{column} IN ({})", marks(allowed.len())));
            values.extend(allowed);
        }
    };
    of_site("department", text(&query.filters.departments));
    of_site("region", text(&query.filters.regions));
    of_site("bearer", text(&query.filters.bearers));
    if !named.is_empty() {
        let places = marks(named.len());
        values.extend(named.iter().cloned());
        if together {
            values.extend(named);
            sites.push(format!("(id IN ({places}) OR parent IN ({places}))"));
        } else {
            sites.push(format!("id IN ({places})"));
        }
    }
    if !sites.is_empty() {
        cells.push(format!("site IN (SELECT id FROM site WHERE {})", sites.join(" AND ")));
    }

    let cell = format!(
        "SELECT site, day, operator, help, age, max(sum(people), 0) AS people, max(sum(requests), 0) AS requests \
         FROM visits WHERE {} GROUP BY site, day, operator, help, age",
        cells.join(" AND ")
    );
    let sums = "coalesce(sum(people), 0) AS visits, coalesce(sum(requests), 0) AS asked";
    if keys.is_empty() {
        return format!("SELECT {sums} FROM ({cell}) c JOIN site s ON s.id = c.site");
    }
    let places = (1..=keys.len()).map(|place| place.to_string()).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT {}, {sums} FROM ({cell}) c JOIN site s ON s.id = c.site GROUP BY {places} \
         HAVING visits > 0 OR asked > 0 ORDER BY {places} LIMIT {}",
        keys.join(", "),
        ROWS_MAX + 1
    )
}

#[cfg(test)]
#[path = "figures/tests.rs"]
mod tests;
