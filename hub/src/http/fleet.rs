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
use super::{scope, tagged};
use crate::ask::{self, Form};
use crate::fleet::{self, FleetFilter};
use crate::lang::Lang;
use crate::query::Antennas;
use crate::sheet::SheetFormat;

/// Tells of the sites in the token's scope that the filters let through: JSON page by page, tables whole.
pub(super) async fn fleet<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let today = ask::today(now);
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let filter = FleetFilter::of(conn, &pairs)?;
            let (scoped, form) =
                (filter.scoped(), filter.form.or_else(|| tagged::accepted(&headers)).unwrap_or(Form::Json));
            if !caller.scope.covers(conn, &scoped, Antennas::Together, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope, scope::asked(&scoped)));
            }
            let pages = almanac.open(conn)?;
            Ok(match form {
                Form::Json => axum::Json(fleet::answer(conn, &pages, &filter.paged(PAGE), now)?).into_response(),
                Form::Sheet(format) => {
                    let lang = match format {
                        SheetFormat::Csv => Lang::En,
                        SheetFormat::CsvFr => Lang::Fr,
                    };
                    let bytes = fleet::answer(conn, &pages, &filter, now)?.sheet(lang).write(format);
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
