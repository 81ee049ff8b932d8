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
use crate::sheet::{Cell, Column, Sheet, SheetFormat};

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

/// A column of a list: where its value stands in a row, such as `agreement/status`, which also is
/// its name, with `_`, and the name that people read in French.
pub(super) type Shown = (&'static str, &'static str);

/// How a list is called, and shown as a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The field of the rows.
    pub(super) rows: &'static str,
    /// The name of a file, without its ending.
    pub(super) file: &'static str,
    /// Its columns. They are added to and not renamed.
    pub(super) columns: &'static [Shown],
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
        let columns = self.columns.iter().map(|(place, french)| Column::new(place.replace('/', "_"), *french));
        let cells = |row: &Value| {
            self.columns
                .iter()
                .map(|(place, _)| cell(row.pointer(&format!("/{place}")).unwrap_or(&Value::Null)))
                .collect()
        };
        Sheet { columns: columns.collect(), rows: rows.as_array().into_iter().flatten().map(cells).collect() }
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null | Value::Object(_) => Cell::None,
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Cell::Number(number),
            None => number.as_f64().map_or(Cell::None, Cell::Exact),
        },
        Value::String(text) => match text.parse::<msap_shared::time::Day>() {
            Ok(_) => Cell::Time(text.clone()),
            Err(_) => Cell::Text(text.clone()),
        },
        Value::Array(items) => {
            let said: Vec<_> =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
            Cell::Text(said.join(" "))
        }
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
