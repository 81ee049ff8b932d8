//! `GET /v1/visits`: figures.
//!
//! An answer carries the tag of the question and of the last commit that touched figures; whoever
//! has it already is told so without any sum being made.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use crate::ask::{self, Form, Question};
use crate::counts;
use crate::sheet::SheetFormat;
use crate::store::{StoreError, meta};

/// What is sent.
enum Answer {
    /// Whoever asks has it.
    Known,
    Json(Vec<u8>),
    Sheet(Vec<u8>),
}

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let today = ask::today(Timestamp::now());
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: the tag must be that of what is summed.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let Question { query, form } = ask::figures(&moment, &pairs, today)?;
            if let Some(beyond) = caller.scope.beyond(&moment, &query)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let form = form.unwrap_or_else(|| accepted(&headers));
            let name = format!("visites-{}-{}.csv", query.from, query.to);
            let tag = tag(&moment, &format!("{query:?} {form:?}"), today)?;
            if is_known(&headers, &tag) {
                return Ok((Answer::Known, tag, name));
            }
            let counts = counts::answer(&moment, query, today)?;
            let answer = match form {
                Form::Json => Answer::Json(counts.object().to_string().into_bytes()),
                Form::Sheet(format) => Answer::Sheet(counts.sheet().write(format)),
            };
            Ok((answer, tag, name))
        };
        Ok(answer())
    });
    let (answer, tag, name) = answer.await??;
    let tags = [
        (header::ETAG, header_of(&tag)),
        // Kept by whoever may read it, and asked for again each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("authorization, accept")),
    ];
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let sheet = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, header_of(&format!("attachment; filename=\"{name}\""))),
    ];
    Ok(match answer {
        Answer::Known => (StatusCode::NOT_MODIFIED, tags).into_response(),
        Answer::Json(body) => (tags, json, body).into_response(),
        Answer::Sheet(body) => (tags, sheet, body).into_response(),
    })
}

/// A header of digits, letters and punctuation.
fn header_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// JSON, unless a table is asked for.
fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accept.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or("").trim());
    match kinds.find(|kind| ["text/csv", "application/json", "*/*"].contains(kind)) {
        Some("text/csv") => Form::Sheet(SheetFormat::Csv),
        _ => Form::Json,
    }
}

/// The name of an answer: it changes with the question, the day, this program, the database, and
/// the last commit that touched figures.
fn tag(conn: &Connection, question: &str, today: Day) -> Result<String, StoreError> {
    let epoch = meta::epoch(conn)?.map(|epoch| epoch.to_string()).unwrap_or_default();
    let touched = meta::figures_touched(conn)?;
    let text = format!("{epoch} {touched} {today} {} {question}", env!("CARGO_PKG_VERSION"));
    let hash = Sha256::digest(text.as_bytes());
    Ok(format!("\"{}\"", BASE64URL_NOPAD.encode(&hash[..16])))
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
