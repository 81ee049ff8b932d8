//! `GET /v1/conflicts` and `POST /v1/conflicts/{id}`: what people contradict each other on, until
//! one of them settles it.

use axum::extract::State;
use axum::{Extension, Json};
use msap_shared::document::DocKind;
use msap_shared::document::register::Conflict;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::asking::{Asking, Sight};
use super::auth::{self, Caller};
use super::describe::{Answer, Operation};
use super::list::{List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Brought, Name};
use super::scope::Role;
use super::sites::seen;
use super::write::{Fields, NO_CONFLICT, answer, author};
use crate::almanac::{Pages, object};
use crate::ask::page::Page;
use crate::ask::parameter::{CURSOR, DEPARTMENT, FORMAT, LIMIT, Parameter, REGION, SITE};
use crate::ask::{self, AskError, Given};
use crate::coordinate;
use crate::lang::Phrase;
use crate::site::Site;
use crate::store::sites;

const PARAMETERS: &[Parameter] = &[SITE, DEPARTMENT, REGION, FORMAT, LIMIT, CURSOR];

/// What people contradict each other on.
pub(super) const CONFLICTS: Operation = Operation {
    role: Some(Role::Coordinator),
    more: "Par pages de lieux, dans l’ordre de leurs identifiants.",
    parameters: PARAMETERS,
    ..Operation::read(
        "Les contradictions à trancher",
        "The contradictions to settle",
        Answer::Table(answers::conflicts),
    )
};

/// One of them is chosen.
pub(super) const SETTLE: Operation = Operation {
    names: &[Parameter::id("275.abcdef", "l’id d’une contradiction", "the id of a contradiction")],
    body: Some(answers::choice),
    ..Operation::write(
        "Tranche une contradiction par une de ses versions",
        "Settles a contradiction by one of its versions",
        Answer::Json(answers::written),
    )
};

const LIST: List = List {
    rows: "conflicts",
    file: "contradictions",
    columns: &["id", "site", "name", "document", "key", "subject", "versions/0/words", "versions/1/words"],
};

/// Lists conflicts, by pages of sites that have some.
pub(super) async fn list<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    if asking.caller().role < Role::Coordinator {
        return Err(Problem::needs_role("coordinator"));
    }
    if asking.caller().scope.within().is_none() {
        return Err(Problem::not_in_scope(&asking.caller().scope, "les contradictions"));
    }
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let page = Page::read(&given, LIST.rows)?;
        let mut found = in_conflict(sight.conn, &*sight.pages()?, &given)?;
        found.retain(|(site, _)| {
            sight.caller.scope.covers_site(site)
                && page.after.as_ref().is_none_or(|after| site.id.as_str() > after.as_str())
        });
        let next = page.cut(&mut found, |(site, _)| site.id.to_string());
        let conflicts: Value = found.into_iter().flat_map(|(_, conflicts)| conflicts).collect();
        sight.page(&LIST, &given, json!({ "conflicts": conflicts }), next)
    };
    asking.read(answer).await
}

/// The sites that have conflicts, with these.
pub fn in_conflict(conn: &Connection, pages: &Pages, given: &Given) -> Result<Vec<(Site, Vec<Value>)>, AskError> {
    let expected = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");
    let wanted = given.list("site", expected, |text| Ok(sites::resolve(conn, text)?))?;
    let (departments, regions) = (ask::departments(given)?, ask::regions(given)?);
    let mut found = Vec::new();
    for (id, book) in pages.books().filter(|(_, book)| book.conflicts().next().is_some()) {
        let Some((site, _)) = sites::find(conn, id)? else { continue };
        let among = |allowed: &[String], value: &String| allowed.is_empty() || allowed.contains(value);
        if (wanted.is_empty() || wanted.contains(id))
            && among(&departments, &site.department)
            && among(&regions, &site.region)
        {
            let named = |(kind, conflict): (DocKind, &Conflict)| {
                let mut object = object::conflict(id.as_str(), kind, conflict);
                object["name"] = json!(site.name);
                object
            };
            let conflicts = book.conflicts().map(named).collect();
            found.push((site, conflicts));
        }
    }
    Ok(found)
}

/// Settles a conflict by one of its versions.
pub(super) async fn settle<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
    Brought(body): Brought,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let mut fields = Fields::one(&body)?;
    let version =
        fields.number("version")?.ok_or_else(|| Problem::field("version", "le numéro d’une version, à partir de 1"))?;
    fields.finish()?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let unknown = || Problem::not_found(NO_CONFLICT);
        let (site, id) = id.split_once('.').ok_or_else(unknown)?;
        let (site, _) = seen(core.connection(), caller, site)?;
        let written = coordinate::settle_conflict(core, &author, &site, id, version.into(), now)?;
        Ok(answer(&site.id, &written))
    });
    done.await.map(Json)
}
