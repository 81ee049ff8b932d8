//! `GET /v1/visits`: figures.
//!
//! An answer carries the tag of the question and of the last commit that touched figures; whoever
//! has it already is told so without any sum being made. What is public, and a partner's ages, are
//! told from what was released. An answer that may single out a person leaves once the journal says
//! to whom.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::scope::Scope;
use super::{Views, public};
use crate::ask::{self, AskError, Form, Question};
use crate::counts;
use crate::privacy::table::{self, Table, Told};
use crate::publish::Terms;
use crate::query::Query;
use crate::sheet::SheetFormat;
use crate::store::small_reads::{self, SmallRead};
use crate::store::{StoreError, meta};
use crate::who::Who;

/// Kept by whoever may read it, and asked for again each time.
const PRIVATE: &str = "private, no-cache";
/// Longest piece of a question in the journal.
const QUESTION_LEN_MAX: usize = 300;

/// What is sent.
enum Answer {
    /// Whoever asks has it.
    Known,
    Json(Vec<u8>),
    Sheet(Vec<u8>),
}

/// An answer, or what it takes to send one.
enum Answered {
    /// What was released before.
    Released(Response),
    /// With its tag and the name of its file; and with what the journal must say before it leaves.
    Summed(Answer, String, String, Option<SmallRead>),
}

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let (today, terms, who) = (ask::today(Timestamp::now()), views.terms(), caller.who.clone());
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: the tag must be that of what is summed.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let Question { query, form, is_public } = ask::figures(&moment, &pairs, today)?;
            let released = if is_public {
                let (table, period) = Table::of(&query).ok_or(AskError::NotPublic)?;
                Some(public::released(&moment, table, period, terms, today)?)
            } else {
                owed(&moment, &caller.scope, &query, terms, today)?
            };
            if let Some(told) = released {
                let form = form.unwrap_or_else(|| accepted(&headers));
                return Ok(Answered::Released(public::answer(&told, form, &headers, PRIVATE)));
            }
            if let Some(beyond) = caller.scope.beyond(&moment, &query)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let form = form.unwrap_or_else(|| accepted(&headers));
            let name = format!("visites-{}-{}.csv", query.from, query.to);
            let tag = tag(&moment, &format!("{query:?} {form:?}"), today)?;
            if is_known(&headers, &tag) {
                return Ok(Answered::Summed(Answer::Known, tag, name, None));
            }
            let counts = counts::answer(&moment, query, today)?;
            let small = counts.may_tell_a_person(terms.min_cell).then(|| small_read(&caller, &pairs));
            let answer = match form {
                Form::Json => Answer::Json(counts.object().to_string().into_bytes()),
                Form::Sheet(format) => Answer::Sheet(counts.sheet().write(format)),
            };
            Ok(Answered::Summed(answer, tag, name, small))
        };
        Ok(answer())
    });
    let (answer, tag, name) = match answer.await?? {
        Answered::Released(response) => return Ok(response),
        Answered::Summed(answer, tag, name, small) => {
            if let Some(read) = small {
                noted(&views, who, read, today).await?;
            }
            (answer, tag, name)
        }
    };
    let tags = [
        (header::ETAG, header_of(&tag)),
        (header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE)),
        (header::VARY, HeaderValue::from_static("authorization, accept")),
    ];
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok(match answer {
        Answer::Known => (StatusCode::NOT_MODIFIED, tags).into_response(),
        Answer::Json(body) => (tags, json, body).into_response(),
        Answer::Sheet(body) => (tags, sheet_headers(&name), body).into_response(),
    })
}

/// A partner's ages, if that is what it asks for.
fn owed(conn: &Connection, scope: &Scope, query: &Query, terms: Terms, today: Day) -> Result<Option<Told>, Problem> {
    let Scope::Operator(mine) = scope else { return Ok(None) };
    if query.filters.operators.as_slice() != std::slice::from_ref(mine) {
        return Ok(None);
    }
    let Some((table, period)) = Table::owed(query) else { return Ok(None) };
    let found = table::owed(conn, mine, table, period)?;
    public::or_waiting(found, conn, period, terms, today).map(Some)
}

/// The line of the journal for an answer: the names in the question are its shape, whatever their
/// values.
fn small_read(caller: &Caller, pairs: &[(String, String)]) -> SmallRead {
    let asked = || pairs.iter().filter(|(name, _)| name != "format");
    let mut names: Vec<_> = asked().map(|(name, _)| name.clone()).collect();
    let by = asked().find(|(name, _)| name == "by").map(|(_, keys)| keys.split(',').collect::<Vec<_>>());
    let mut by = by.unwrap_or_default();
    names.sort_unstable();
    by.sort_unstable();
    let question = asked().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    SmallRead {
        caller: caller.who.to_string(),
        scope: caller.scope.to_string(),
        shape: format!("{} by {}", names.join(","), by.join(",")),
        question: question.chars().take(QUESTION_LEN_MAX).collect(),
    }
}

/// Returns once the journal has the line. Most readings find it there and do not wait for the
/// writer.
async fn noted<V: Views>(views: &V, who: Who, read: SmallRead, today: Day) -> Result<(), Problem> {
    let sought = read.clone();
    if views.look_up(move |conn| small_reads::is_noted(conn, &sought, today)).await? {
        return Ok(());
    }
    let kept = views.change(who, move |core, now| core.note_small_read(&read, now)).await;
    Ok(kept.ok_or_else(Problem::stopping)??)
}

/// A table as a file of this name.
pub(super) fn sheet_headers(name: &str) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, header_of(&format!("attachment; filename=\"{name}\""))),
    ]
}

/// A header of digits, letters and punctuation.
pub(super) fn header_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// JSON, unless a table is asked for.
pub(super) fn accepted(headers: &HeaderMap) -> Form {
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
    Ok(named(&text))
}

/// A name for whatever this text tells apart.
pub(super) fn named(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    format!("\"{}\"", BASE64URL_NOPAD.encode(&hash[..16]))
}

pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
