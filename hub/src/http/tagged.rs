//! Answers that whoever has them need not be sent again, as JSON or as a table.
//!
//! An answer carries the tag of the question, of the days at the sites, and of the last commit that
//! touched figures or what they are told with; whoever has it already is told so without any sum
//! being made.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use crate::ask::Form;
use crate::lang::Lang;
use crate::privacy::table::Told;
use crate::sheet::Table;
use crate::store::{StoreError, meta, sites};

/// Bytes of a hash that make a tag.
pub(super) const TAG_LEN: usize = 16;

/// What is asked, as far as an answer's form and name depend on it.
pub(super) struct View {
    /// The question, whole, in any words.
    pub(super) question: String,
    /// The name of a file, without its ending.
    pub(super) file: String,
    /// The form named.
    pub(super) form: Option<Form>,
    /// The form where none is asked for.
    pub(super) default: Form,
}

impl View {
    /// One that is JSON unless another form is asked for.
    pub(super) fn new(question: String, file: String, form: Option<Form>) -> Self {
        Self { question, file, form, default: Form::Json }
    }
}

/// An answer with its tag.
pub(super) struct Tagged {
    body: Body,
    tag: String,
    name: String,
    kept: &'static str,
    /// Where the next page is.
    link: Option<HeaderValue>,
}

/// Kept by whoever may read it, and asked for again each time.
pub(super) const PRIVATE: &str = "private, no-cache";

/// What is sent.
pub(super) enum Body {
    /// Whoever asks has it.
    Known,
    Json(Vec<u8>),
    Sheet(Vec<u8>),
    Text(String),
}

impl Tagged {
    /// An answer under its tag, made unless whoever asks has it; with it, where the next page is.
    pub(super) fn unless_known(
        headers: &HeaderMap,
        tag: String,
        name: String,
        kept: &'static str,
        make: impl FnOnce() -> Result<(Body, Option<HeaderValue>), Problem>,
    ) -> Result<Self, Problem> {
        let (body, link) = if is_known(headers, &tag) { (Body::Known, None) } else { make()? };
        Ok(Self { body, tag, name, kept, link })
    }
}

/// What was released, which never changes; `kept`: how long, and by whom.
pub(super) fn released(told: &Told, form: Form, headers: &HeaderMap, kept: &'static str) -> Tagged {
    let tag = named(&format!("{} {form:?}", told.tag()));
    let body = if is_known(headers, &tag) { Body::Known } else { body(told, form) };
    Tagged { body, tag, name: told.file_stem(), kept, link: None }
}

/// A view in this form.
pub(super) fn body(table: &impl Table, form: Form) -> Body {
    match form {
        Form::Json => Body::Json(table.json()),
        Form::Sheet(format) => Body::Sheet(table.sheet().write(format)),
        Form::Text => Body::Text(table.text(Lang::Fr)),
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let tags = kept(&self.tag, self.kept);
        let kind = |kind| [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
        let mut response = match self.body {
            Body::Known => (StatusCode::NOT_MODIFIED, tags).into_response(),
            Body::Json(body) => (tags, kind("application/json"), body).into_response(),
            Body::Sheet(body) => (tags, file(&self.name), body).into_response(),
            Body::Text(body) => (tags, kind("text/plain; charset=utf-8"), body).into_response(),
        };
        if let Some(link) = self.link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// The headers of an answer under a tag, sent again with 304.
pub(super) fn tags(tag: &str) -> [(HeaderName, HeaderValue); 3] {
    kept(tag, PRIVATE)
}

fn kept(tag: &str, kept: &'static str) -> [(HeaderName, HeaderValue); 3] {
    [
        (header::ETAG, header_of(tag)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::VARY, HeaderValue::from_static("authorization, cookie, accept, accept-encoding")),
    ]
}

/// The headers of a table, under this name without its ending.
pub(super) fn file(name: &str) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, header_of(&format!("attachment; filename=\"{name}.csv\""))),
    ]
}

/// A header of digits, letters and punctuation.
fn header_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The name of an answer: it changes with the question, the days, this program, the database, and
/// the last commit that touched figures.
pub(super) fn tag(conn: &Connection, question: &str, now: Timestamp) -> Result<String, StoreError> {
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
    // Weak: the same answer is sent compressed or not.
    format!("W/\"{}\"", BASE64URL_NOPAD.encode(&hash[..TAG_LEN]))
}

/// Whether whoever asks has what this tag stands for.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || plain(known) == plain(tag))
}
