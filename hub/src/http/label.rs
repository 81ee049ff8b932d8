//! `GET /v1/label`: what houses' labels ask for, and how far they are there.

use axum::response::Response;

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::spans::Spans;
use super::tagged::View;
use crate::ask::{self, Form};
use crate::label;
use crate::query::Antennas;

/// Days' worth of work that judging a house takes: its week, its partners, and its last months.
const DAYS: u64 = 366;

/// What labels ask for.
pub(super) const LABEL: Operation = Operation {
    more: "Aide au référent de la préfecture, jamais une décision automatique. Chaque constat porte ses preuves. En JSON \
           par pages, dans l’ordre des identifiants, avec à chacune les nombres de toutes les maisons demandées ; en \
           tableau d’un coup.",
    spans: Spans::Days(DAYS),
    parameters: ask::LABEL,
    ..Operation::read(
        "Où en est chaque maison de ce que demande son label",
        "How far each house is with its label",
        Answer::Table(answers::label),
    )
};

/// Answers a question on labels: JSON page by page, tables whole.
pub(super) async fn label<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let (mut asked, form) = ask::label(sight.conn, sight.pairs)?;
        let today = sight.today;
        // Houses are judged as they are today, by themselves.
        sight.within(&asked.filters, Antennas::Apart, (today, today))?;
        if sight.form(form, Form::Json) == Form::Json {
            asked = asked.paged();
        }
        let view = View::new(format!("label {asked:?}"), format!("label-{today}"), form);
        sight.view(view, |pages| Ok(label::answer(sight.conn, pages, asked, sight.now)?.into()))
    };
    asking.answer(answer).await
}
