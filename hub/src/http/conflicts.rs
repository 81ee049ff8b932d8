//! `GET /v1/conflicts` and `POST /v1/conflicts/{id}`: what people contradict each other on, until
//! one of them settles it.

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use msap_shared::document::DocKind;
use msap_shared::document::register::Conflict;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::auth::{self, Caller};
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::Role;
use super::sites::{PAGE, cursor, page, seen};
use super::write::{Fields, NO_CONFLICT, answer, author};
use crate::almanac::{Pages, object};
use crate::ask::{self, AskError, Given};
use crate::coordinate;
use crate::lang::Phrase;
use crate::site::Site;
use crate::store::sites;

/// Lists conflicts, by pages of sites that have some.
pub(super) async fn list<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    if caller.role < Role::Coordinator {
        return Err(Problem::needs_role("coordinator"));
    }
    if caller.scope.within().is_none() {
        return Err(Problem::not_in_scope(&caller.scope, "les contradictions"));
    }
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let known = [("site", true), ("department", true), ("region", true), ("limit", true), ("cursor", true)];
            let given = Given::check(&pairs, &known)?;
            let (after, limit) = page(&given)?;
            let limit = limit.unwrap_or(PAGE) as usize;
            let mut found = in_conflict(conn, &*almanac.open(conn)?, &given)?;
            found.retain(|(site, _)| {
                caller.scope.covers_site(site) && after.as_ref().is_none_or(|after| site.id.as_str() > after.as_str())
            });
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|(site, _)| cursor(site.id.as_str()));
            let conflicts: Value = found.into_iter().flat_map(|(_, conflicts)| conflicts).collect();
            Ok(json!({ "conflicts": conflicts, "next": next }))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
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
    body: Bytes,
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
        Ok::<_, Problem>(answer(&written))
    });
    done.await.map(Json)
}
