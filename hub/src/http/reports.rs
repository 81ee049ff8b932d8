//! `GET /v1/operators/{code}/return`, `/v1/network`, `/v1/coverage` and `/v1/sites/{id}/report`: what
//! is handed to partners, committees and whoever steers the network.

use axum::response::Response;

use super::Views;
use super::asking::{Asking, Made, Sight};
use super::describe::{Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Name;
use super::scope::{self, Beyond, Scope};
use super::sites::seen;
use super::spans::Spans;
use super::tagged::View;
use crate::ask::parameter::{OPERATOR_NAME, SITE_NAME};
use crate::ask::{self, Form};
use crate::query::Antennas;
use crate::sheet::SheetFormat;
use crate::{coverage, network, report, returns};

/// A partner's return.
pub(super) const RETURN: Operation = Operation {
    more: "csv-fr si rien d’autre n’est demandé : le total, chaque département, chaque lieu, chaque type d’aide par \
           département, et les âges tels que publiés au partenaire.",
    names: &[OPERATOR_NAME],
    spans: Spans::All,
    parameters: ask::RETURN,
    problems: &[409],
    ..Operation::read(
        "Le relevé mensuel d’un partenaire",
        "A partner’s monthly return",
        Answer::Table(answers::returned),
    )
};

/// The network's size.
pub(super) const NETWORK: Operation = Operation {
    more: "Maisons et antennes selon l’étape de leur vie, un jour (day) ou à la fin de mois (by=month, from et to).",
    spans: Spans::Asked,
    parameters: ask::NETWORK,
    ..Operation::read("La taille du réseau", "The network’s size", Answer::Table(answers::network))
};

/// Where partners are to be had.
pub(super) const COVERAGE: Operation = Operation {
    more: "present : vient dans les quatre semaines ; partial : une partie, à distance ; reachable : joignable ; absent ; \
           unknown : non dit, ou plus confirmé.",
    // «Comes within four weeks».
    spans: Spans::Days(28),
    parameters: ask::COVERAGE,
    ..Operation::read(
        "Où les partenaires sont présents",
        "Where partners are to be had",
        Answer::Table(answers::coverage),
    )
};

/// The report of a site.
pub(super) const REPORT: Operation = Operation {
    more: "Ce que lit un comité de pilotage : fréquentation et un an avant, heures, fermetures, permanences, complétude.",
    names: &[SITE_NAME],
    parameters: ask::REPORT,
    problems: &[409],
    ..Operation::read("Le rapport d’un lieu", "The report of a site", Answer::Prose(answers::report))
};

/// What a partner is owed for a month. It sees its own; the national cell sees all.
pub(super) async fn returned<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Response, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let not_found = || Problem::not_found("aucun partenaire n’a ce code");
        let operator = returns::operator(&name).map_err(|_| not_found())?;
        let asked = returns::ask(sight.conn, sight.pairs, sight.now)?;
        let scope = &sight.caller.scope;
        let beyond = match scope {
            Scope::National => None,
            // What two days differ by is what came on one; nor does it follow a month from day to day.
            Scope::Operator(mine) if *mine == operator && asked.as_of.is_some() => Some(Beyond::Detail("as_of")),
            Scope::Operator(mine) if *mine == operator && asked.provisional => Some(Beyond::Detail("so_far")),
            Scope::Operator(mine) if *mine == operator => None,
            _ => Some(Beyond::Scope),
        };
        if let Some(beyond) = beyond {
            return Err(Problem::of_return(scope, beyond, &operator));
        }
        // What two days differ by came on one of them: a matter at one place.
        let is_fine = asked.as_of.is_some() || asked.provisional;
        let (question, file) = (format!("return {operator} {asked:?}"), returns::file_stem(&operator, &asked));
        let view = View { default: Form::Sheet(SheetFormat::CsvFr), ..View::new(question, file, asked.form) };
        sight.view(view, |pages| {
            let name = format!("return:{operator}");
            let mut made = returns::of(sight.conn, pages, &[operator], asked, sight.now)?;
            Ok(Made::noted(made.pop().ok_or_else(not_found)?, is_fine, name))
        })
    };
    asking.answer(answer).await
}

/// How many houses and antennas there are.
pub(super) async fn network<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let asked = network::ask(sight.conn, sight.pairs, sight.today)?;
        let period = asked.period();
        sight.within(&asked.filters, Antennas::Apart, period)?;
        let view = View::new(format!("network {asked:?}"), format!("reseau-{}", period.1), asked.form);
        sight.view(view, |_| Ok(network::answer(sight.conn, asked)?.into()))
    };
    asking.answer(answer).await
}

/// Where partners are to be had. A partner sees where itself is, everywhere.
pub(super) async fn coverage<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let asked = coverage::ask(sight.conn, sight.pairs, sight.today)?;
        let day = asked.day;
        sight.within(&asked.filters, Antennas::Within, (day, day))?;
        let view = View::new(format!("coverage {asked:?}"), format!("couverture-{day}"), asked.form);
        sight.view(view, |pages| Ok(coverage::answer(sight.conn, pages, asked)?.into()))
    };
    asking.answer(answer).await
}

/// The report of a site.
pub(super) async fn report<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Response, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, _) = seen(sight.conn, sight.caller, &name)?;
        let asked = report::ask(sight.pairs, sight.today)?;
        let (figures, scope) = (asked.figures(&site.id), &sight.caller.scope);
        match scope.beyond(sight.conn, &figures, sight.today)? {
            None => {}
            Some(Beyond::Antennas) => {
                let outside = Problem::outside_scope(scope, scope::asked(&figures.filters), sight.takes());
                return Err(outside.antennas(scope, "antennas=none"));
            }
            Some(beyond) => return Err(Problem::beyond(scope, beyond, &figures.filters, sight.takes())),
        }
        let (from, to) = asked.period;
        let file = format!("rapport-{}-{from}-{to}", site.id);
        let view = View::new(format!("report {} {asked:?}", site.id), file, asked.form);
        sight.view(view, |pages| {
            let name = format!("report:{}", site.id);
            let report = report::of(sight.conn, pages, site, asked, sight.now)?;
            let may_tell = report.may_tell_a_person(pages.rules().release.min_cell);
            Ok(Made::noted(report, may_tell, name))
        })
    };
    asking.answer(answer).await
}
