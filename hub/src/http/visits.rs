//! `GET /v1/visits` and `GET /v1/completeness`: figures, and how complete they are; figures as a file,
//! `GET /v1/exports/visits.csv`.
//!
//! What is public, and a partner's ages, are told from what was released. An answer that may single
//! out a person leaves once the journal says to whom.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::auth::Caller;
use super::describe::{Answer, CSV, Operation};
use super::list::Accepted;
use super::openapi::answers;
use super::problem::Problem;
use super::query::Pairs;
use super::scope::Scope;
use super::tagged::{self, Asked, PRIVATE};
use super::{Views, public, small};
use crate::ask::{self, AskError, Question};
use crate::completeness::told;
use crate::counts;
use crate::privacy::table::{self, Table, Told};
use crate::query::Query;
use crate::release::ReleaseRules;
use crate::store::StoreError;

/// Figures.
pub(super) const VISITS: Operation = Operation {
    more: "visits compte des personnes, null dès que la table est par opérateur ou type d’aide ; requests compte des demandes.",
    parameters: ask::FIGURES,
    // 404: of what was not released.
    problems: &[404, 409],
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

/// Which of the two is asked.
#[derive(Clone, Copy)]
enum View {
    Visits,
    Export,
}

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    figures(View::Visits, state, caller, headers, pairs).await
}

/// Figures as a file.
pub(super) async fn export<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    figures(View::Export, state, caller, headers, pairs).await
}

async fn figures<V: Views>(
    view: View,
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let (today, almanac, who) = (ask::today(now), views.almanac().clone(), caller.who.clone());
    let rules = almanac.rules().release;
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: the tag must be that of what is summed.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let (Question { query, form, is_public }, name, file) = match view {
                View::Visits => (ask::figures(&moment, &pairs, today)?, "visits", "visites"),
                View::Export => (ask::export(&moment, &pairs, today)?, "visits.csv", "visites-detail"),
            };
            let released = if is_public {
                let (table, period) = Table::of(&query).ok_or(AskError::NotPublic)?;
                Some(public::released(&moment, table, period, rules, today)?)
            } else {
                owed(&moment, &caller.scope, &query, rules, today)?
            };
            if let Some(told) = released {
                let form = form.unwrap_or_else(|| Accepted::of(&headers).0);
                return Ok((tagged::released(&told, form, &headers, PRIVATE), None));
            }
            if let Some(beyond) = caller.scope.beyond(&moment, &query, today)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let (question, file) = (format!("{name} {query:?}"), format!("{file}-{}-{}", query.from, query.to));
            let pages = almanac.open(&moment)?;
            let asked = Asked { question, rules: pages.rules(), form, name: file, now };
            let mut small = None;
            let answer = tagged::answer(&moment, &headers, asked, || {
                let counts = counts::answer(&moment, &pages, query, now)?;
                small = counts.may_tell_a_person(rules.min_cell).then(|| small::read(name, &caller, &pairs));
                Ok(counts)
            })?;
            Ok((answer, small))
        };
        Ok(answer())
    });
    let (answer, small) = answer.await??;
    small::noted(&views, who, small, today).await?;
    Ok(answer.into_response())
}

/// A partner's ages, if that is what it asks for.
fn owed(
    conn: &Connection,
    scope: &Scope,
    query: &Query,
    rules: ReleaseRules,
    today: Day,
) -> Result<Option<Told>, Problem> {
    let Scope::Operator(mine) = scope else { return Ok(None) };
    if query.filters.operators.as_slice() != std::slice::from_ref(mine) {
        return Ok(None);
    }
    let Some((table, period)) = Table::owed(query) else { return Ok(None) };
    let found = table::owed(conn, mine, table, period)?;
    public::or_waiting(found, conn, period, rules, today).map(Some)
}

/// Answers a question on completeness.
pub(super) async fn completeness<V: Views>(
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
            let Question { query, form, .. } = ask::completeness(&moment, &pairs, ask::today(now))?;
            if let Some(beyond) = caller.scope.beyond(&moment, &query, ask::today(now))? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let question = format!("completeness {query:?}");
            let name = format!("completude-{}-{}", query.from, query.to);
            let pages = almanac.open(&moment)?;
            let asked = Asked { question, rules: pages.rules(), form, name, now };
            tagged::answer(&moment, &headers, asked, || Ok(told::answer(&moment, &pages, query, now)?))
        };
        Ok(answer())
    });
    Ok(answer.await??.into_response())
}
