//! `GET /v1/visits` and `GET /v1/completeness`: figures, and how complete they are; figures as a file,
//! `GET /v1/exports/visits.csv`.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::describe::{Answer, CSV, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Pairs;
use super::tagged::{self, Asked};
use crate::ask::{self, Question};
use crate::completeness::told;
use crate::counts;
use crate::store::StoreError;

/// Figures.
pub(super) const VISITS: Operation = Operation {
    more: "visits compte des personnes, null dès que la table est par opérateur ou type d’aide ; requests compte des demandes.",
    parameters: ask::FIGURES,
    problems: &[409],
    ..Operation::read("Les chiffres d’une période", "The figures of a period", Answer::Table(answers::visits))
};

/// How complete they are.
pub(super) const COMPLETENESS: Operation = Operation {
    more: "Les jours de lieux attendus, reçus, en retard, manquants, et les lieux dont il manque des jours.",
    parameters: ask::COMPLETENESS,
    problems: &[409],
    ..Operation::read("La complétude d’une période", "How complete a period is", Answer::Table(answers::completeness))
};

/// Figures as a file.
pub(super) const EXPORT: Operation = Operation {
    more: "Une ligne par jour, lieu, opérateur, type d’aide et tranche d’âge, chaque antenne pour elle-même. Colonnes : day, \
           site, site_name, operator, help, age, visits (vide : une personne peut faire plusieurs demandes), requests, \
           expected, reported. Au-delà du nombre de lignes permis, 422 : resserrez la période ou le lieu.",
    parameters: ask::EXPORT,
    problems: &[409],
    ..Operation::read(
        "Les chiffres d’une période, ligne à ligne, en fichier",
        "The figures of a period, cell by cell, as a file",
        Answer::File(CSV, "day,site,site_name,operator,help,age,visits,requests,expected,reported\r\n"),
    )
};

/// Which of them is asked.
#[derive(Clone, Copy)]
enum View {
    Visits,
    Completeness,
    Export,
}

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    answer(View::Visits, state, caller, headers, pairs).await
}

/// Answers with a file of figures.
pub(super) async fn export<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    answer(View::Export, state, caller, headers, pairs).await
}

/// Answers a question on completeness.
pub(super) async fn completeness<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    answer(View::Completeness, state, caller, headers, pairs).await
}

async fn answer<V: Views>(
    view: View,
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let almanac = views.almanac().clone();
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: the tag must be that of what is summed.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let today = ask::today(now);
            let (Question { query, form }, name) = match view {
                View::Visits => (ask::figures(&moment, &pairs, today)?, "visites"),
                View::Completeness => (ask::completeness(&moment, &pairs, today)?, "completude"),
                View::Export => (ask::export(&moment, &pairs, today)?, "visites-detail"),
            };
            if let Some(beyond) = caller.scope.beyond(&moment, &query)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let (question, name) = (format!("{name} {query:?}"), format!("{name}-{}-{}", query.from, query.to));
            let pages = almanac.open(&moment)?;
            let asked = Asked { question, rules: pages.rules(), form, name, now };
            match view {
                View::Visits | View::Export => {
                    tagged::answer(&moment, &headers, asked, || Ok(counts::answer(&moment, &pages, query, now)?))
                }
                View::Completeness => {
                    tagged::answer(&moment, &headers, asked, || Ok(told::answer(&moment, &pages, query, now)?))
                }
            }
        };
        Ok(answer())
    });
    Ok(axum::response::IntoResponse::into_response(answer.await??))
}
