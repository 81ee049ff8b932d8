//! Lists: a page of rows, as JSON or as a table.
//!
//! Called by the handlers of lists. The table has the rows of the page, in the same order; where the
//! next page begins is told by `next`, and for both forms by a `Link`.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use serde_json::Value;

use super::accept;
use super::describe::{CSV, JSON, TEXT};
use super::tagged::file;
use crate::ask::Form;
use crate::lang::Lang;
use crate::sheet::{Column, Sheet, SheetFormat};
use crate::words;

/// Stands for the form of an address where nothing else is asked for.
const DEFAULT: &str = "application/x-default";

/// The form that whoever asks would like best of the types of an address; this one unless another is
/// named.
pub(super) fn accepted(headers: &HeaderMap, types: &[&'static str], default: Form) -> Form {
    match accept::best(headers, &[&[DEFAULT], types].concat()) {
        Some(JSON) => Form::Json,
        Some(CSV) => Form::Sheet(SheetFormat::Csv),
        Some(TEXT) => Form::Text,
        _ => default,
    }
}

/// The header that leads to the next page of what these names and values ask for.
pub(super) fn link(pairs: &[(String, String)], next: &str) -> HeaderValue {
    let others = pairs.iter().filter(|(name, _)| name != "cursor");
    let query = Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", next).finish();
    // What is serialised is letters, digits and `%`.
    HeaderValue::from_str(&format!("<?{query}>; rel=\"next\"")).unwrap_or(HeaderValue::from_static(""))
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
    link: Option<HeaderValue>,
    file: &'static str,
}

impl List {
    /// A page in this form: an object that has the rows, and the cursor of the next one.
    pub(super) fn page(
        &self,
        form: Form,
        pairs: &[(String, String)],
        mut object: Value,
        next: Option<String>,
    ) -> Listed {
        let sheet = match form {
            Form::Sheet(format) => Some((self.sheet(&object[self.rows]), format)),
            Form::Json | Form::Text => None,
        };
        let link = next.as_deref().map(|next| link(pairs, next));
        object["next"] = next.into();
        Listed { object, sheet, link, file: self.file }
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
        if let Some(link) = self.link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}
