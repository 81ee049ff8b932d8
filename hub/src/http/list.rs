//! Lists: a page of rows, as JSON or as a table.
//!
//! Called by the handlers of lists. The table has the rows of the page, in the same order; where the
//! next page begins is told by `next`, and for both forms by a `Link`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use serde_json::Value;

use super::accept;
use super::describe::{CSV, JSON};
use super::problem::Problem;
use super::tagged::file;
use crate::ask::{self, Form, Given};
use crate::lang::Lang;
use crate::sheet::{Column, Sheet, SheetFormat};
use crate::words;

/// The form that whoever asks would like best: JSON, unless a table is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepted(pub(super) Form);

impl Accepted {
    pub(super) fn of(headers: &axum::http::HeaderMap) -> Self {
        match accept::best(headers, &[JSON, CSV]) {
            Some(CSV) => Self(Form::Sheet(SheetFormat::Csv)),
            _ => Self(Form::Json),
        }
    }
}

/// Stands for the form of an address where nothing else is asked for.
const DEFAULT: &str = "application/x-default";

/// The form that whoever asks would like best; this one unless another is named.
pub(super) fn accepted_or(headers: &axum::http::HeaderMap, default: Form) -> Form {
    match accept::best(headers, &[DEFAULT, JSON, CSV]) {
        Some(JSON) => Form::Json,
        Some(CSV) => Form::Sheet(SheetFormat::Csv),
        _ => default,
    }
}

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}

/// How a list is called, and shown as a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The field of the rows.
    pub(super) rows: &'static str,
    /// The name of a file, without its ending.
    pub(super) file: &'static str,
    /// Its columns: where a value stands in a row, such as `agreement/status`, which also is its name,
    /// with `_`. They are added to and not renamed.
    pub(super) columns: &'static [&'static str],
}

/// One page of a list.
pub(super) struct Listed {
    object: Value,
    sheet: Option<(Sheet, SheetFormat)>,
    next: Option<String>,
    file: &'static str,
}

impl List {
    /// A page: an object that has the rows, and the cursor of the next one.
    pub(super) fn page(
        &self,
        given: &Given,
        Accepted(form): Accepted,
        mut object: Value,
        next: Option<String>,
    ) -> Result<Listed, Problem> {
        let form = ask::form(given)?.unwrap_or(form);
        let sheet = match form {
            Form::Json => None,
            Form::Sheet(format) => Some((self.sheet(&object[self.rows]), format)),
        };
        let link = next.as_ref().map(|next| {
            let others = given.pairs().filter(|(name, _)| *name != "cursor");
            let query = Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", next).finish();
            format!("<?{query}>; rel=\"next\"")
        });
        object["next"] = next.into();
        Ok(Listed { object, sheet, next: link, file: self.file })
    }

    /// The rows as a table.
    fn sheet(&self, rows: &Value) -> Sheet {
        let names: Vec<_> = self.columns.iter().map(|place| place.replace('/', "_")).collect();
        let columns = names.iter().map(|name| Column::new(name, words::heading(name, Lang::Fr)));
        let cells = |row: &Value| {
            let value = |place: &str| row.pointer(&format!("/{place}")).unwrap_or(&Value::Null);
            self.columns.iter().zip(&names).map(|(place, name)| words::cell(name, value(place))).collect()
        };
        Sheet { columns: columns.collect(), rows: rows.as_array().into_iter().flatten().map(cells).collect() }
    }
}

impl IntoResponse for Listed {
    fn into_response(self) -> Response {
        let mut response = match &self.sheet {
            None => axum::Json(&self.object).into_response(),
            Some((sheet, format)) => (file(self.file), sheet.write(*format)).into_response(),
        };
        if let Some(next) = self.next.and_then(|next| HeaderValue::from_str(&next).ok()) {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}
