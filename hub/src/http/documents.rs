//! `GET /v1/documents` and `GET /v1/documents/{id}`: raw documents, for administrators of the
//! whole network only. «MSA, 70+» on a given day in a village is a person.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::sites::{PAGE_MAX, cursor, page};
use crate::ask::Given;
use crate::export;
use crate::store::documents;

/// Lists documents, one page at a time.
pub(super) async fn list<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    caller.administers()?;
    let (after, limit) = page(&Given::check(&pairs, &[("cursor", true), ("limit", true)])?)?;
    let limit = limit.unwrap_or(PAGE_MAX);
    let mut found = views.read(move |conn| documents::list(conn, &after.unwrap_or_default(), limit + 1)).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|row| cursor(&row.name));
    let rows: Vec<_> = found.iter().map(|row| json!({ "id": row.name, "changes": row.changes })).collect();
    Ok(Json(json!({ "documents": rows, "next": next })))
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
