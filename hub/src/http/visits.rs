//! `GET /v1/visits`: figures.
//!
//! An answer carries the tag of the question and of the last commit that touched figures; whoever
//! has it already is told so without any sum being made.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::view::{Answer, accepted, is_known};
use crate::ask::{self, Form, Question};
use crate::counts;
use crate::store::{StoreError, meta};

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
                return Err(Problem::beyond(&caller.scope, beyond));
            }
            let form = form.unwrap_or_else(|| accepted(&headers).unwrap_or(Form::Json));
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
    Ok(answer.respond(&tag, &name))
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
