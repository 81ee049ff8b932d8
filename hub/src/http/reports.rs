//! `GET /v1/operators/{code}/return`, `/v1/network`, `/v1/coverage` and `/v1/sites/{id}/report`: what
//! is handed to partners, committees and whoever steers the network.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::{Beyond, Scope};
use super::sites::seen;
use super::view::{Answer, accepted};
use crate::ask::{self, Form};
use crate::lang::Lang;
use crate::query::Antennas;
use crate::report::{self, ReportForm};
use crate::sheet::SheetFormat;
use crate::store::StoreError;
use crate::{coverage, network, returns};

/// What a partner is owed for a month. It sees its own; the national cell sees all.
pub(super) async fn returned<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let today = ask::today(Timestamp::now());
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: three sums that must agree.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let Ok(operator) = returns::operator(&name) else {
                return Err(Problem::not_found("aucun partenaire n’a ce code"));
            };
            let question = returns::ask(&pairs, today)?;
            match &caller.scope {
                Scope::National => {}
                // What two days differ by is what came on one.
                Scope::Operator(mine) if *mine == operator && question.as_of.is_some() => {
                    return Err(Problem::beyond(&caller.scope, Beyond::Detail("as_of")));
                }
                // Nor does it follow a month from day to day.
                Scope::Operator(mine) if *mine == operator && question.provisional => {
                    return Err(Problem::beyond(&caller.scope, Beyond::Detail("so_far")));
                }
                Scope::Operator(mine) if *mine == operator => {}
                scope => return Err(Problem::outside_scope(&scope.to_string())),
            }
            let form = question.form.or_else(|| accepted(&headers)).unwrap_or(Form::Sheet(SheetFormat::CsvFr));
            let name = returns::file_name(&operator, &question, form);
            let made = returns::of(&moment, &[operator], question, today)?;
            let made = made.first().ok_or_else(|| Problem::not_found("aucun partenaire n’a ce code"))?;
            let (answer, tag) = Answer::tagged(&headers, form, || made.object(), || made.sheet());
            Ok((answer, tag, name))
        };
        Ok(answer())
    });
    let (answer, tag, name) = answer.await??;
    Ok(answer.respond(&tag, &name))
}

/// How many houses and antennas there are.
pub(super) async fn network<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let today = ask::today(Timestamp::now());
    let answer = views.read(move |conn| {
        let answer = || {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let question = network::ask(&moment, &pairs, today)?;
            let period = question.days.first().copied().zip(question.days.last().copied()).unwrap_or((today, today));
            if !caller.scope.covers(&moment, &question.filters, Antennas::Apart, period)? {
                return Err(Problem::outside_scope(&caller.scope.to_string()));
            }
            let form = question.form.or_else(|| accepted(&headers)).unwrap_or(Form::Json);
            let name = format!("reseau-{}.csv", period.1);
            let found = network::answer(&moment, question)?;
            let (answer, tag) = Answer::tagged(&headers, form, || found.object(), || found.sheet());
            Ok((answer, tag, name))
        };
        Ok(answer())
    });
    let (answer, tag, name) = answer.await??;
    Ok(answer.respond(&tag, &name))
}

/// Where partners are to be had. A partner sees where itself is, everywhere.
pub(super) async fn coverage<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let today = ask::today(Timestamp::now());
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let question = coverage::ask(&moment, &pairs, today)?;
            let day = question.day;
            if !caller.scope.covers(&moment, &question.filters, Antennas::Within, (day, day))? {
                return Err(Problem::outside_scope(&caller.scope.to_string()));
            }
            let form = question.form.or_else(|| accepted(&headers)).unwrap_or(Form::Json);
            let found = coverage::answer(&moment, &*almanac.open(&moment)?, question)?;
            let (answer, tag) = Answer::tagged(&headers, form, || found.object(), || found.sheet());
            Ok((answer, tag, format!("couverture-{day}.csv")))
        };
        Ok(answer())
    });
    let (answer, tag, name) = answer.await??;
    Ok(answer.respond(&tag, &name))
}

/// The report of a site.
pub(super) async fn report<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let (site, _) = seen(&moment, &caller, &name)?;
            let question = report::ask(&pairs, ask::today(now))?;
            match caller.scope.beyond(&moment, &question.figures(&site.id))? {
                None => {}
                Some(Beyond::Antennas) => return Err(Problem::antennas(&caller.scope, "antennas=none")),
                Some(beyond) => return Err(Problem::beyond(&caller.scope, beyond)),
            }
            let accepted = || match accepted(&headers) {
                Some(Form::Sheet(format)) => ReportForm::Sheet(format),
                Some(Form::Json) | None => ReportForm::Json,
            };
            let name = format!("rapport-{}-{}-{}.csv", site.id, question.period.0, question.period.1);
            let found = report::of(&moment, &*almanac.open(&moment)?, site, question, now)?;
            let form = match question.form.unwrap_or_else(accepted) {
                ReportForm::Json => Form::Json,
                ReportForm::Sheet(format) => Form::Sheet(format),
                ReportForm::Text => {
                    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                    return Ok((kind, found.text(Lang::Fr)).into_response());
                }
            };
            let (answer, tag) = Answer::tagged(&headers, form, || found.object(), || found.sheet());
            Ok(answer.respond(&tag, &name))
        };
        Ok(answer())
    });
    answer.await?
}
