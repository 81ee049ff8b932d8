//! Answers that whoever has them need not be sent again, as JSON or as a table.
//!
//! An answer carries the tag of the question, of the days at the sites, and of the last commit that
//! touched figures or what they are told with; whoever has it already is told so without any sum
//! being made.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use crate::almanac::Rules;
use crate::ask::Form;
use crate::privacy::table::Told;
use crate::sheet::{SheetFormat, Table};
use crate::store::{StoreError, meta, sites};

/// What is asked, as far as an answer's form and name depend on it.
pub(super) struct Asked<'a> {
    /// The question, whole, in any words.
    pub(super) question: String,
    /// By what it is judged.
    pub(super) rules: &'a Rules,
    /// The form named.
    pub(super) form: Option<Form>,
    /// The name of a file, without its ending.
    pub(super) name: String,
    /// When.
    pub(super) now: Timestamp,
}

/// An answer with its tag.
pub(super) struct Tagged {
    body: Body,
    tag: String,
    name: String,
    kept: &'static str,
}

/// Kept by whoever may read it, and asked for again each time.
pub(super) const PRIVATE: &str = "private, no-cache";

enum Body {
    /// Whoever asks has it.
    Known,
    Json(Vec<u8>),
    Sheet(Vec<u8>),
}

/// Makes an answer, of the moment of this connection, unless whoever asks has it.
pub(super) fn answer<T: Table>(
    conn: &Connection,
    headers: &HeaderMap,
    asked: Asked<'_>,
    make: impl FnOnce() -> Result<T, Problem>,
) -> Result<Tagged, Problem> {
    let form = asked.form.or_else(|| accepted(headers)).unwrap_or(Form::Json);
    let tag = tag(conn, &format!("{} {:?} {form:?}", asked.question, asked.rules), asked.now)?;
    let body = if is_known(headers, &tag) { Body::Known } else { body(&make()?, form) };
    Ok(Tagged { body, tag, name: asked.name, kept: PRIVATE })
}

/// What was released, which never changes; `kept`: how long, and by whom.
pub(super) fn released(told: &Told, form: Form, headers: &HeaderMap, kept: &'static str) -> Tagged {
    let tag = named(&format!("{} {form:?}", told.tag()));
    let body = if is_known(headers, &tag) { Body::Known } else { body(told, form) };
    Tagged { body, tag, name: told.file_stem(), kept }
}

fn body(table: &impl Table, form: Form) -> Body {
    match form {
        Form::Json => Body::Json(table.json()),
        Form::Sheet(format) => Body::Sheet(table.sheet().write(format)),
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let tags = [
            (header::ETAG, header_of(&self.tag)),
            (header::CACHE_CONTROL, HeaderValue::from_static(self.kept)),
            (header::VARY, HeaderValue::from_static("authorization, accept")),
        ];
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let sheet = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
            (header::CONTENT_DISPOSITION, header_of(&format!("attachment; filename=\"{}.csv\"", self.name))),
        ];
        match self.body {
            Body::Known => (StatusCode::NOT_MODIFIED, tags).into_response(),
            Body::Json(body) => (tags, json, body).into_response(),
            Body::Sheet(body) => (tags, sheet, body).into_response(),
        }
    }
}

/// A header of digits, letters and punctuation.
fn header_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The form that whoever asks can read, where that is said.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Form> {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accept.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or("").trim());
    match kinds.find(|kind| ["text/csv", "application/json", "*/*"].contains(kind)) {
        Some("text/csv") => Some(Form::Sheet(SheetFormat::Csv)),
        Some("application/json") => Some(Form::Json),
        _ => None,
    }
}

/// The name of an answer: it changes with the question, the days, this program, the database, and
/// the last commit that touched figures.
fn tag(conn: &Connection, question: &str, now: Timestamp) -> Result<String, StoreError> {
    let epoch = meta::epoch(conn)?.map(|epoch| epoch.to_string()).unwrap_or_default();
    let touched = meta::figures_touched(conn)?;
    // A day ends at each site by its own clock.
    let zones = sites::zones(conn)?;
    let days: Vec<_> = zones.iter().map(|zone| Day::at(now, zone).to_string()).collect();
    let today = crate::ask::today(now);
    let text = format!("{epoch} {touched} {today} {} {} {question}", days.join(" "), env!("CARGO_PKG_VERSION"));
    Ok(named(&text))
}

/// A tag for whatever this text tells apart.
fn named(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    format!("\"{}\"", BASE64URL_NOPAD.encode(&hash[..16]))
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
