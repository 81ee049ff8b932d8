//! `GET /v1/label`: what houses' labels ask for, and how far they are there.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::describe::{Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Pairs;
use super::scope;
use super::tagged::{self, Asked};
use crate::query::Antennas;
use crate::store::StoreError;
use crate::{ask, label};

/// What labels ask for.
pub(super) const LABEL: Operation = Operation {
    more: "Aide au référent de la préfecture, jamais une décision automatique. Chaque constat porte ses preuves.",
    parameters: ask::LABEL,
    ..Operation::read(
        "Où en est chaque maison de ce que demande son label",
        "How far each house is with its label",
        Answer::Table(answers::label),
    )
};

/// Answers a question on labels.
pub(super) async fn label<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let (asked, form) = ask::label(&moment, &pairs)?;
            let today = ask::today(now);
            // Houses are judged as they are today, by themselves.
            if !caller.scope.covers(&moment, &asked.filters, Antennas::Apart, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope, scope::asked(&asked.filters)));
            }
            let (question, name) = (format!("label {asked:?}"), format!("label-{today}"));
            let pages = almanac.open(&moment)?;
            let tagged = Asked { question, rules: pages.rules(), form, name, now };
            tagged::answer(&moment, &headers, tagged, || Ok(label::answer(&moment, &pages, asked, now)?))
        };
        Ok(answer())
    });
    Ok(answer.await??.into_response())
}
