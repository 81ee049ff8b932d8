//! `GET /v1/documents` and `GET /v1/documents/{id}`: raw documents, for administrators of the
//! whole network only. «MSA, 70+» on a given day in a village is a person.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{Answer, BYTES, Operation};
use super::list::{List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Name;
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
pub(super) async fn list<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    asking.caller().administers()?;
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let page = Page::read(&given, LIST.rows)?;
        let mut found = documents::list(sight.conn, page.after.as_deref().unwrap_or_default(), page.wanted())?;
        let next = page.cut(&mut found, |row| row.name.clone());
        let rows: Vec<_> = found.iter().map(|row| json!({ "id": row.name, "changes": row.changes })).collect();
        sight.page(&LIST, &given, json!({ "documents": rows }), next)
    };
    asking.read(answer).await
}

/// One document, as an Automerge file.
pub(super) async fn document<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Response, Problem> {
    asking.caller().administers()?;
    let answer = move |sight: &Sight<'_>| {
        let chunks = documents::chunks(sight.conn, &name)?;
        if chunks.is_empty() {
            return Err(Problem::not_found("aucun document n’a ce nom"));
        }
        // Made here, on the reader's thread: loading a large document takes milliseconds.
        export::saved(&chunks).map_err(|error| Problem::internal(&error))
    };
    let bytes = asking.read(answer).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
