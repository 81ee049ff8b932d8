//! `GET /v1/visits` and `GET /v1/completeness`: figures, and how complete they are; figures as a file,
//! `GET /v1/exports/visits.csv`.
//!
//! What is public, and a partner's ages, are told from what was released. An answer that may single
//! out a person leaves once the journal says to whom.

use axum::response::Response;
use msap_shared::time::Day;
use rusqlite::Connection;

use super::asking::{Answered, Asking, Made, Sight};
use super::describe::{Answer, CSV, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::scope::Scope;
use super::spans::Spans;
use super::tagged::View;
use super::{Views, public};
use crate::ask::{self, AskError, Question};
use crate::completeness::told;
use crate::counts;
use crate::privacy::table::{self, Table, Told};
use crate::query::Query;
use crate::release::ReleaseRules;

/// Figures.
pub(super) const VISITS: Operation = Operation {
    more: "visits compte des personnes, null dès que la table est par opérateur ou type d’aide ; requests compte des demandes.",
    spans: Spans::Asked,
    parameters: ask::FIGURES,
    // 404: of what was not released.
    problems: &[404, 409],
    ..Operation::read("Les chiffres d’une période", "The figures of a period", Answer::Table(answers::visits))
};

/// How complete they are.
pub(super) const COMPLETENESS: Operation = Operation {
    more: "Les jours de lieux attendus, reçus, en retard, manquants, et les lieux dont il manque des jours.",
    spans: Spans::Asked,
    parameters: ask::COMPLETENESS,
    problems: &[409],
    ..Operation::read("La complétude d’une période", "How complete a period is", Answer::Table(answers::completeness))
};

/// Figures as a file.
pub(super) const EXPORT: Operation = Operation {
    more: "Une ligne par jour, lieu, opérateur, type d’aide et tranche d’âge, chaque antenne pour elle-même. Colonnes : day, \
           site, site_name, operator, help, age, visits (vide : une personne peut faire plusieurs demandes), requests, \
           expected, reported. Au-delà du nombre de lignes permis, 422 : resserrez la période ou le lieu.",
    spans: Spans::All,
    parameters: ask::EXPORT,
    problems: &[409],
    ..Operation::read(
        "Les chiffres d’une période, ligne à ligne, en fichier",
        "The figures of a period, cell by cell, as a file",
        Answer::File(CSV, "day,site,site_name,operator,help,age,visits,requests,expected,reported\r\n"),
    )
};

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let question = ask::figures(sight.conn, sight.pairs, sight.today)?;
        figures(sight, question, "visits", "visites")
    };
    asking.answer(answer).await
}

/// Figures as a file.
pub(super) async fn export<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let question = ask::export(sight.conn, sight.pairs, sight.today)?;
        figures(sight, question, "visits.csv", "visites-detail")
    };
    asking.answer(answer).await
}

/// Figures, under the name that the journal has for the view, and the name of a file.
fn figures(sight: &Sight<'_>, question: Question, name: &str, file: &str) -> Result<Answered, Problem> {
    let Question { query, form, is_public } = question;
    let rules = sight.release_rules();
    let released = if is_public {
        let (table, period) = Table::of(&query).ok_or(AskError::NotPublic)?;
        Some(public::released(sight.conn, table, period, rules, sight.today)?)
    } else {
        owed(sight.conn, &sight.caller.scope, &query, rules, sight.today)?
    };
    if let Some(told) = released {
        return Ok(sight.released(&told, form));
    }
    sight.may_ask(&query)?;
    let view = View::new(format!("{name} {query:?}"), format!("{file}-{}-{}", query.from, query.to), form);
    sight.view(view, |pages| {
        let counts = counts::answer(sight.conn, pages, query, sight.now)?;
        let may_tell = counts.may_tell_a_person(rules.min_cell);
        Ok(Made::noted(counts, may_tell, name))
    })
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
pub(super) async fn completeness<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let Question { query, form, .. } = ask::completeness(sight.conn, sight.pairs, sight.today)?;
        sight.may_ask(&query)?;
        let file = format!("completude-{}-{}", query.from, query.to);
        let view = View::new(format!("completeness {query:?}"), file, form);
        sight.view(view, |pages| Ok(told::answer(sight.conn, pages, query, sight.now)?.into()))
    };
    asking.answer(answer).await
}
