//! `GET /v1/fleet`: how sites and machines stand.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::sites::PAGE;
use crate::ask::{self, AskError};
use crate::fleet::{self, FleetFilter};
use crate::lang::{Lang, Phrase};
use crate::sheet::SheetFormat;
use crate::store::figures::Antennas;

/// How the answer is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Sheet(SheetFormat),
}

/// Tells of the sites in the token's scope that the filters let through: JSON page by page, tables whole.
pub(super) async fn fleet<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let today = ask::today(now);
    let answer = views.read(move |conn| {
        let answer = || {
            let filter = FleetFilter::of(conn, &pairs)?;
            let form = form(&pairs, &headers)?;
            if !caller.scope.covers(conn, &filter.scoped(), Antennas::Together, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope.to_string()));
            }
            Ok(match form {
                Form::Json => axum::Json(fleet::answer(conn, &filter.paged(PAGE), now)?).into_response(),
                Form::Sheet(format) => {
                    let lang = match format {
                        SheetFormat::Csv => Lang::En,
                        SheetFormat::CsvFr => Lang::Fr,
                    };
                    let bytes = fleet::answer(conn, &filter, now)?.sheet(lang).write(format);
                    let headers = [
                        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
                        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"parc-{today}.csv\"")),
                    ];
                    (headers, bytes).into_response()
                }
            })
        };
        Ok(answer())
    });
    answer.await?
}

fn form(pairs: &[(String, String)], headers: &HeaderMap) -> Result<Form, AskError> {
    match pairs.iter().find(|(name, _)| name == "format").map(|(_, value)| value.as_str()) {
        Some("json") => Ok(Form::Json),
        Some("csv") => Ok(Form::Sheet(SheetFormat::Csv)),
        Some("csv-fr") => Ok(Form::Sheet(SheetFormat::CsvFr)),
        Some(other) => {
            Err(ask::wrong("format", other, Phrase::new("parmi json, csv, csv-fr", "one of json, csv, csv-fr")))
        }
        None => {
            let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            let table = accepted.split(',').any(|kind| kind.split(';').next().unwrap_or(kind).trim() == "text/csv");
            Ok(if table { Form::Sheet(SheetFormat::Csv) } else { Form::Json })
        }
    }
}
