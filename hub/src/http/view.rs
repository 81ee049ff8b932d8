//! What every view has in common: its forms, its tag, and how it is sent.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::ask::Form;
use crate::sheet::{Sheet, SheetFormat};

/// What is sent.
pub(super) enum Answer {
    /// Whoever asks has it.
    Known,
    Json(Vec<u8>),
    Sheet(Vec<u8>),
}

impl Answer {
    /// The answer in this form, under the tag of its own bytes: what it follows from is not in one
    /// table, and whoever has it is spared the sending.
    pub(super) fn tagged(
        headers: &HeaderMap,
        form: Form,
        object: impl FnOnce() -> Value,
        sheet: impl FnOnce() -> Sheet,
    ) -> (Self, String) {
        let answer = match form {
            Form::Json => Self::Json(object().to_string().into_bytes()),
            Form::Sheet(format) => Self::Sheet(sheet().write(format)),
        };
        let body: &[u8] = match &answer {
            Self::Json(body) | Self::Sheet(body) => body,
            Self::Known => &[],
        };
        let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&Sha256::digest(body)[..16]));
        match is_known(headers, &tag) {
            true => (Self::Known, tag),
            false => (answer, tag),
        }
    }

    /// Under this tag, and as a file of this name where it is a table.
    pub(super) fn respond(self, tag: &str, name: &str) -> Response {
        let tags = [
            (header::ETAG, header_of(tag)),
            // Kept by whoever may read it, and asked for again each time.
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            (header::VARY, HeaderValue::from_static("authorization, accept")),
        ];
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let sheet = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
            (header::CONTENT_DISPOSITION, header_of(&format!("attachment; filename=\"{name}\""))),
        ];
        match self {
            Self::Known => (StatusCode::NOT_MODIFIED, tags).into_response(),
            Self::Json(body) => (tags, json, body).into_response(),
            Self::Sheet(body) => (tags, sheet, body).into_response(),
        }
    }
}

/// A header of digits, letters and punctuation.
fn header_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The form that the asker can read, where that is said.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Form> {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accept.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or("").trim());
    match kinds.find(|kind| ["text/csv", "application/json", "*/*"].contains(kind)) {
        Some("text/csv") => Some(Form::Sheet(SheetFormat::Csv)),
        Some("application/json") => Some(Form::Json),
        _ => None,
    }
}

/// Whether the asker has the answer of this tag.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
