//! `GET /v1/flagged` and `GET /v1/refused`: what wants a person. A list holds what lies in the
//! token's scope; unlike a figure, it loses no meaning by that.

use axum::extract::State;
use axum::{Extension, Json};
use data_encoding::BASE64URL_NOPAD;
use msap_shared::id::{SiteId, TapName};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::scope::Role;
use super::sites::{PAGE, cursor, page};
use crate::admin::{FlaggedObject, RefusedObject};
use crate::ask::{self, AskError, Given};
use crate::lang::Phrase;
use crate::ledger::Flag;
use crate::store::flagged::{self, FlaggedFilter, FlaggedRow, Within};
use crate::store::refusals::{self, RefusedFilter};
use crate::store::sites;

/// The part of the network of which a caller may see single facts.
fn allowed(caller: &Caller) -> Result<Within, Problem> {
    if caller.role < Role::Coordinator {
        return Err(Problem::needs_role("coordinator"));
    }
    caller.scope.within().ok_or_else(|| Problem::not_in_scope(&caller.scope, "des faits un par un"))
}

/// Lists flagged facts that nobody has settled, one page at a time.
pub(super) async fn flagged<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let within = allowed(&caller)?;
    let answer = views.read(move |conn| {
        let answer = || {
            let filter = flagged_filter(conn, &pairs)?;
            let limit = filter.limit;
            // One more than shown tells whether there is a next page.
            let filter = FlaggedFilter { within, limit: limit + 1, ..filter };
            let mut found = flagged::list(conn, &filter)?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let next = found.last().filter(|_| more).map(|row| cursor(&place(row)));
            let rows: Vec<FlaggedObject> = found.into_iter().map(Into::into).collect();
            Ok(json!({ "flagged": rows, "next": next }))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
}

/// Lists refused changes that nobody has settled, one page at a time.
pub(super) async fn refused<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let within = allowed(&caller)?;
    let answer = views.read(move |conn| {
        let answer = || {
            let given = Given::check(&pairs, &[("site", true), ("limit", true), ("cursor", true)])?;
            let (after, limit) = page(&given)?;
            let limit = limit.unwrap_or(PAGE);
            let after = after.map(|text| text.parse::<i64>().map_err(|_| ask::not_a_cursor(&text))).transpose()?;
            let filter = RefusedFilter { within, site: site(conn, &given)?, after, limit: limit + 1 };
            let mut found = refusals::list(conn, &filter)?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let next = found.last().filter(|_| more).map(|row| cursor(&row.n.to_string()));
            let rows: Vec<RefusedObject> = found.into_iter().map(Into::into).collect();
            Ok(json!({ "refused": rows, "next": next }))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
}

/// Where a flagged fact stands in the list.
fn place(row: &FlaggedRow) -> String {
    format!("{}|{}", row.document, row.tap_text())
}

fn site(conn: &Connection, given: &Given) -> Result<Option<SiteId>, AskError> {
    let Some(text) = given.one("site") else { return Ok(None) };
    let expected = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");
    Ok(Some(sites::resolve(conn, text)?.ok_or_else(|| ask::wrong("site", text, expected))?))
}

/// The filter on flagged facts that these names and values ask for.
pub fn flagged_filter(conn: &Connection, pairs: &[(String, String)]) -> Result<FlaggedFilter, AskError> {
    let given = Given::check(pairs, &[("site", true), ("reason", true), ("limit", true), ("cursor", true)])?;
    let (after, limit) = page(&given)?;
    let after = after.map(|text| {
        let found = text.split_once('|').and_then(|(document, tap)| {
            let tap = BASE64URL_NOPAD.decode(tap.as_bytes()).ok()?;
            Some((document.to_owned(), TapName::new(tap.try_into().ok()?)))
        });
        found.ok_or_else(|| ask::not_a_cursor(&text))
    });
    let reason = given.one("reason").map(|text| {
        let mut known = Flag::ALL.into_iter().map(Flag::as_str).chain([flagged::NEGATIVE]);
        known.find(|known| *known == text).map(str::to_owned).ok_or_else(|| {
            ask::wrong(
                "reason",
                text,
                Phrase::new(
                    "parmi operator, help, age, count, day, contested, retired, negative",
                    "one of operator, help, age, count, day, contested, retired, negative",
                ),
            )
        })
    });
    Ok(FlaggedFilter {
        within: Within::Network,
        site: site(conn, &given)?,
        reason: reason.transpose()?,
        after: after.transpose()?,
        limit: limit.unwrap_or(PAGE),
    })
}
