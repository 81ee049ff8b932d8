//! `GET /v1/flagged` and `GET /v1/refused`: what wants a person. A list holds what lies in the
//! token's scope; unlike a figure, it loses no meaning by that.

use data_encoding::BASE64URL_NOPAD;
use msap_shared::id::{SiteId, TapName};
use rusqlite::Connection;
use serde_json::json;

use super::Views;
use super::asking::{Asking, Sight};
use super::auth::Caller;
use super::describe::{Answer, Operation};
use super::list::{List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::scope::Role;
use crate::admin::{FlaggedObject, RefusedObject};
use crate::ask::page::Page;
use crate::ask::parameter::{CURSOR, FORMAT, LIMIT, Parameter, REASON, SITE};
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

const FLAGGED_PARAMETERS: &[Parameter] = &[SITE, REASON, FORMAT, LIMIT, CURSOR];
const REFUSED_PARAMETERS: &[Parameter] = &[SITE, FORMAT, LIMIT, CURSOR];

/// What looks wrong.
pub(super) const FLAGGED: Operation = Operation {
    role: Some(Role::Coordinator),
    parameters: FLAGGED_PARAMETERS,
    ..Operation::read(
        "Ce qui est à part, tant que personne n’a tranché",
        "What stands apart until a person settles it",
        Answer::Table(answers::flagged),
    )
};

/// What was turned away.
pub(super) const REFUSED: Operation = Operation {
    role: Some(Role::Coordinator),
    parameters: REFUSED_PARAMETERS,
    ..Operation::read(
        "Les changements refusés, les derniers d’abord",
        "Refused changes, the latest first",
        Answer::Table(answers::refused),
    )
};

const OF_FLAGGED: List =
    List { rows: "flagged", file: "a-part", columns: &["id", "site", "document", "tap", "reason", "date", "value"] };

const OF_REFUSED: List = List {
    rows: "refused",
    file: "refuses",
    columns: &["id", "site", "document", "device", "writer", "seq", "reason", "day"],
};

/// Lists flagged facts that nobody has settled, one page at a time.
pub(super) async fn flagged<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    let within = allowed(asking.caller())?;
    let answer = move |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, FLAGGED_PARAMETERS)?;
        let page = Page::read(&given, OF_FLAGGED.rows)?;
        let after = page.after.as_deref().map(|text| read_place(text).ok_or(AskError::Cursor)).transpose()?;
        let filter = FlaggedFilter { within, after, limit: page.wanted(), ..filter(sight.conn, &given)? };
        let mut found = flagged::list(sight.conn, &filter)?;
        let next = page.cut(&mut found, place);
        let rows: Vec<FlaggedObject> = found.into_iter().map(Into::into).collect();
        sight.page(&OF_FLAGGED, &given, json!({ "flagged": rows }), next)
    };
    asking.read(answer).await
}

/// Lists refused changes that nobody has settled, one page at a time.
pub(super) async fn refused<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    let within = allowed(asking.caller())?;
    let answer = move |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, REFUSED_PARAMETERS)?;
        let page = Page::read(&given, OF_REFUSED.rows)?;
        let after = page.after.as_deref().map(|text| text.parse().map_err(|_| AskError::Cursor)).transpose()?;
        let filter = RefusedFilter { within, site: site(sight.conn, &given)?, after, limit: page.wanted() };
        let mut found = refusals::list(sight.conn, &filter)?;
        let next = page.cut(&mut found, |row| row.n.to_string());
        let rows: Vec<RefusedObject> = found.into_iter().map(Into::into).collect();
        sight.page(&OF_REFUSED, &given, json!({ "refused": rows }), next)
    };
    asking.read(answer).await
}

/// Where a flagged fact stands in the list.
fn place(row: &FlaggedRow) -> String {
    format!("{}|{}", row.document, row.tap_text())
}

fn read_place(text: &str) -> Option<(String, TapName)> {
    let (document, tap) = text.split_once('|')?;
    let tap = BASE64URL_NOPAD.decode(tap.as_bytes()).ok()?;
    Some((document.to_owned(), TapName::new(tap.try_into().ok()?)))
}

fn site(conn: &Connection, given: &Given) -> Result<Option<SiteId>, AskError> {
    let Some(text) = given.one("site") else { return Ok(None) };
    let expected = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");
    Ok(Some(sites::resolve(conn, text)?.ok_or_else(|| ask::wrong("site", text, expected))?))
}

/// The filter on flagged facts that these names and values ask for.
pub fn flagged_filter(conn: &Connection, pairs: &[(String, String)]) -> Result<FlaggedFilter, AskError> {
    filter(conn, &Given::check(pairs, FLAGGED_PARAMETERS)?)
}

fn filter(conn: &Connection, given: &Given) -> Result<FlaggedFilter, AskError> {
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
    Ok(FlaggedFilter { site: site(conn, given)?, reason: reason.transpose()?, ..FlaggedFilter::default() })
}
