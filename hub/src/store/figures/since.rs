//! What has moved a figure since a day, and why.

use std::collections::BTreeMap;

use msap_shared::io::store::sql;
use msap_shared::time::Day;
use rusqlite::{Connection, params_from_iter};

use super::compose::spans_with;
use super::{Count, Places, StoreError};
use crate::query::{Filters, Query};

/// Why a figure moved after it could have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Visits that were received later.
    Late,
    /// What desks corrected or undid.
    Correction,
    /// What persons decided on flagged facts.
    Settled,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Late, Self::Correction, Self::Settled];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Correction => "correction",
            Self::Settled => "settled",
        }
    }
}

/// By how much a figure moved on one day of the hub, for one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The day of the hub.
    pub received: Day,
    /// Why.
    pub cause: Cause,
    /// By how much.
    pub by: Count,
}

/// What moved the figures that the question asks for after the end of a day, as received: cells
/// below zero are not taken as 0 here.
pub fn moved(conn: &Connection, query: &Query, after: Day) -> Result<Vec<Moved>, StoreError> {
    let all = sums(conn, query, after, ("visits", "'late'", " AND apart = 0"))?;
    let revised = sums(conn, query, after, ("revision", "reason", ""))?;
    let mut late: BTreeMap<Day, Count> = all.into_iter().map(|moved| (moved.received, moved.by)).collect();
    for Moved { received, by, .. } in &revised {
        let left = late.entry(*received).or_insert(Count::none(query));
        *left = left.less(*by);
    }
    let mut found: Vec<_> = late.into_iter().map(|(received, by)| Moved { received, cause: Cause::Late, by }).collect();
    found.extend(revised);
    found.retain(|moved| moved.by.requests != 0 || moved.by.visits.is_some_and(|visits| visits != 0));
    found.sort_by_key(|moved| (moved.received, moved.cause));
    Ok(found)
}

fn sums(
    conn: &Connection,
    query: &Query,
    after: Day,
    (table, reason, condition): (&str, &str, &str),
) -> Result<Vec<Moved>, StoreError> {
    let mut places = Places(Vec::new());
    let (join, cells) = spans_with(table, query, &mut places);
    let after = places.day(after);
    let sql = format!(
        "SELECT v.received_day, {reason}, sum(v.people), sum(v.requests) FROM {join} \
         WHERE {cells} AND v.received_day > {after}{condition} GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let rows = sql::rows(conn, "summing what came later", &sql, params_from_iter(places.0), |row| {
        Ok((row.get::<_, i32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
    })?;
    let moved = |(received, reason, people, requests): (i32, String, i64, i64)| {
        let cause = Cause::ALL.into_iter().find(|cause| cause.name() == reason);
        let (received, cause) = Day::from_number(received)
            .zip(cause)
            .ok_or_else(|| StoreError::corrupt(format!("a figure of {received} moved by {reason:?}")))?;
        Ok(Moved { received, cause, by: Count { visits: query.counts_visits().then_some(people), requests } })
    };
    rows.into_iter().map(moved).collect()
}

/// How many changes of the months and sites of the question were refused after a day. They never
/// counted: what they say comes again in others.
pub fn refused(conn: &Connection, query: &Query, after: Day) -> Result<i64, StoreError> {
    let mut places = Places(Vec::new());
    // Of what a refused change says nothing is kept: only where and when.
    let whole = Query {
        from: query.from.month().first_day(),
        to: query.to.month().last_day(),
        filters: Filters { operators: Vec::new(), helps: Vec::new(), ages: Vec::new(), ..query.filters.clone() },
        ..query.clone()
    };
    let table = "(SELECT n, site, day AS received_day, \
         (julianday(substr(document, -7) || '-01') - julianday('2000-01-01')) AS day FROM refusal)";
    let (join, cells) = spans_with(table, &whole, &mut places);
    let after = places.day(after);
    let sql = format!("SELECT count(DISTINCT v.n) FROM {join} WHERE {cells} AND v.received_day > {after}");
    let found = sql::row(conn, "counting refusals", &sql, params_from_iter(places.0), |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
