//! `GET /v1/documents` and `GET /v1/documents/{id}`: raw documents, for administrators of the
//! whole network only. «MSA, 70+» on a given day in a village is a person.

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Views;
use super::auth::Caller;
use super::describe::{Answer, BYTES, Operation};
use super::list::{Accepted, List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::Role;
use crate::ask::Given;
use crate::ask::page::Page;
use crate::ask::parameter::{CURSOR, FORMAT, LIMIT, Parameter};
use crate::export;
use crate::store::documents;

const PARAMETERS: &[Parameter] = &[FORMAT, LIMIT, CURSOR];

/// The raw documents.
pub(super) const DOCUMENTS: Operation = Operation {
    role: Some(Role::Admin),
    parameters: PARAMETERS,
    ..Operation::read(
        "Les documents, dans l’ordre de leurs noms",
        "The documents, by name",
        Answer::Table(answers::documents),
    )
};

/// One of them.
pub(super) const DOCUMENT: Operation = Operation {
    role: Some(Role::Admin),
    names: &[Parameter::id(
        "site/275/visits/2026-11",
        "le nom d’un document, avec ses barres obliques",
        "the name of a document, with its slashes",
    )],
    ..Operation::read(
        "Un document brut, pour tout Automerge",
        "A raw document, for any Automerge",
        Answer::File(BYTES, ""),
    )
};

const LIST: List = List { rows: "documents", file: "documents", columns: &["id", "changes"] };

/// Lists documents, one page at a time.
pub(super) async fn list<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    accepted: Accepted,
    Pairs(pairs): Pairs,
) -> Result<Listed, Problem> {
    caller.administers()?;
    let given = Given::check(&pairs, PARAMETERS)?;
    let page = Page::read(&given, LIST.rows)?;
    let (after, wanted) = (page.after.clone().unwrap_or_default(), page.wanted());
    let mut found = views.read(move |conn| documents::list(conn, &after, wanted)).await?;
    let next = page.cut(&mut found, |row| row.name.clone());
    let rows: Vec<_> = found.iter().map(|row| json!({ "id": row.name, "changes": row.changes })).collect();
    LIST.page(&given, accepted, json!({ "documents": rows }), next)
}

/// One document, as an Automerge file.
pub(super) async fn document<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    caller.administers()?;
    Given::check(&pairs, &[])?;
    let saved = views.read(move |conn| {
        let chunks = documents::chunks(conn, &name)?;
        // Made here, on the reader's thread: loading a large document takes milliseconds.
        Ok((!chunks.is_empty()).then(|| export::saved(&chunks)))
    });
    match saved.await? {
        None => Err(Problem::not_found("aucun document n’a ce nom")),
        Some(Err(error)) => Err(Problem::internal(&error)),
        Some(Ok(bytes)) => Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()),
    }
}
