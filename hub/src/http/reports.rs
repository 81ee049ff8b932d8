//! `GET /v1/operators/{code}/return`, `/v1/network`, `/v1/coverage` and `/v1/sites/{id}/report`: what
//! is handed to partners, committees and whoever steers the network.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::auth::Caller;
use super::describe::{Answer, CSV, JSON, Operation, TEXT};
use super::list::accepted_or;
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::{self, Beyond, Scope};
use super::sites::seen;
use super::tagged::{self, Asked};
use super::{Views, accept, small};
use crate::ask::parameter::{OPERATOR_NAME, SITE_NAME};
use crate::ask::{self, Form};
use crate::lang::Lang;
use crate::query::Antennas;
use crate::report::{self, ReportForm};
use crate::sheet::SheetFormat;
use crate::store::StoreError;
use crate::{coverage, network, returns};

/// A partner's return.
pub(super) const RETURN: Operation = Operation {
    more: "csv-fr si rien d’autre n’est demandé : le total, chaque département, chaque lieu, chaque type d’aide par \
           département, et les âges tels que publiés au partenaire.",
    names: &[OPERATOR_NAME],
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
    parameters: ask::NETWORK,
    ..Operation::read("La taille du réseau", "The network’s size", Answer::Table(answers::network))
};

/// Where partners are to be had.
pub(super) const COVERAGE: Operation = Operation {
    more: "present : vient dans les quatre semaines ; partial : une partie, à distance ; reachable : joignable ; absent ; \
           unknown : non dit, ou plus confirmé.",
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
pub(super) async fn returned<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let (now, who) = (Timestamp::now(), caller.who.clone());
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: sums that must agree.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let not_found = || Problem::not_found("aucun partenaire n’a ce code");
            let operator = returns::operator(&name).map_err(|_| not_found())?;
            let asked = returns::ask(&moment, &pairs, now)?;
            let beyond = match &caller.scope {
                Scope::National => None,
                // What two days differ by is what came on one; nor does it follow a month from day to day.
                Scope::Operator(mine) if *mine == operator && asked.as_of.is_some() => Some(Beyond::Detail("as_of")),
                Scope::Operator(mine) if *mine == operator && asked.provisional => Some(Beyond::Detail("so_far")),
                Scope::Operator(mine) if *mine == operator => None,
                _ => Some(Beyond::Scope),
            };
            if let Some(beyond) = beyond {
                return Err(Problem::of_return(&caller.scope, beyond, &operator));
            }
            let default = Form::Sheet(SheetFormat::CsvFr);
            let form = asked.form.unwrap_or_else(|| accepted_or(&headers, default));
            let (question, name) = (format!("return {operator} {asked:?}"), returns::file_stem(&operator, &asked));
            let pages = almanac.open(&moment)?;
            let tagged = Asked { question, rules: pages.rules(), form: Some(form), name, now };
            // What two days differ by came on one of them: a matter at one place.
            let is_fine = asked.as_of.is_some() || asked.provisional;
            let small = is_fine.then(|| small::read(&format!("return:{operator}"), &caller, &pairs));
            let answer = tagged::answer(&moment, &headers, tagged, || {
                let mut made = returns::of(&moment, &pages, &[operator], asked, now)?;
                made.pop().ok_or_else(not_found)
            })?;
            Ok((answer, small))
        };
        Ok(answer())
    });
    let (answer, small) = answer.await??;
    small::noted(&views, who, small, ask::today(now)).await?;
    Ok(answer.into_response())
}

/// How many houses and antennas there are.
pub(super) async fn network<V: Views>(
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
            let asked = network::ask(&moment, &pairs, ask::today(now))?;
            let period = asked.period();
            if !caller.scope.covers(&moment, &asked.filters, Antennas::Apart, period)? {
                return Err(Problem::outside_scope(&caller.scope, scope::asked(&asked.filters)));
            }
            let (question, form) = (format!("network {asked:?}"), asked.form);
            let name = format!("reseau-{}", period.1);
            let pages = almanac.open(&moment)?;
            let tagged = Asked { question, rules: pages.rules(), form, name, now };
            tagged::answer(&moment, &headers, tagged, || Ok(network::answer(&moment, asked)?))
        };
        Ok(answer())
    });
    Ok(answer.await??.into_response())
}

/// Where partners are to be had. A partner sees where itself is, everywhere.
pub(super) async fn coverage<V: Views>(
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
            let asked = coverage::ask(&moment, &pairs, ask::today(now))?;
            let day = asked.day;
            if !caller.scope.covers(&moment, &asked.filters, Antennas::Within, (day, day))? {
                return Err(Problem::outside_scope(&caller.scope, scope::asked(&asked.filters)));
            }
            let (question, form, name) = (format!("coverage {asked:?}"), asked.form, format!("couverture-{day}"));
            let pages = almanac.open(&moment)?;
            let tagged = Asked { question, rules: pages.rules(), form, name, now };
            tagged::answer(&moment, &headers, tagged, || Ok(coverage::answer(&moment, &pages, asked)?))
        };
        Ok(answer())
    });
    Ok(answer.await??.into_response())
}

/// The report of a site.
pub(super) async fn report<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let (now, who) = (Timestamp::now(), caller.who.clone());
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let (site, _) = seen(&moment, &caller, &name)?;
            let asked = report::ask(&pairs, ask::today(now))?;
            let figures = asked.figures(&site.id);
            match caller.scope.beyond(&moment, &figures, ask::today(now))? {
                None => {}
                Some(Beyond::Antennas) => {
                    let outside = Problem::outside_scope(&caller.scope, scope::asked(&figures.filters));
                    return Err(outside.antennas(&caller.scope, "antennas=none"));
                }
                Some(beyond) => return Err(Problem::beyond(&caller.scope, beyond, &figures.filters)),
            }
            let pages = almanac.open(&moment)?;
            let (id, name) = (site.id.clone(), format!("rapport-{}-{}-{}", site.id, asked.period.0, asked.period.1));
            let mut small = None;
            let make = || {
                let report = report::of(&moment, &pages, site, asked, now)?;
                let may = report.may_tell_a_person(pages.rules().release.min_cell);
                small = may.then(|| small::read(&format!("report:{id}"), &caller, &pairs));
                Ok(report)
            };
            let form = asked.form.unwrap_or_else(|| match accept::best(&headers, &[JSON, CSV, TEXT]) {
                Some(CSV) => ReportForm::Sheet(SheetFormat::Csv),
                Some(TEXT) => ReportForm::Text,
                _ => ReportForm::Json,
            });
            let form = match form {
                ReportForm::Json => Form::Json,
                ReportForm::Sheet(format) => Form::Sheet(format),
                ReportForm::Text => {
                    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                    let text = make()?.text(Lang::Fr);
                    return Ok(((kind, text).into_response(), small));
                }
            };
            let tagged =
                Asked { question: format!("report {id} {asked:?}"), rules: pages.rules(), form: Some(form), name, now };
            let answer = tagged::answer(&moment, &headers, tagged, make)?.into_response();
            Ok((answer, small))
        };
        Ok(answer())
    });
    let (answer, small) = answer.await??;
    small::noted(&views, who, small, ask::today(now)).await?;
    Ok(answer)
}
