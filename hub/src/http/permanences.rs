//! `GET /v1/partners.ics`: when a partner comes where, over many sites, as a calendar.

use axum::http::header;
use axum::response::IntoResponse;
use msap_shared::io::hours::calendar::{self, CalendarSite, Window};

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{self, Answer, Operation};
use super::partners::{OPERATOR, Which};
use super::problem::Problem;
use super::spans::Spans;
use crate::almanac::Book;
use crate::ask::parameter::{DEPARTMENT, FROM_ALONE, PARTNER, Parameter, REGION, SITE, TO_ALONE};
use crate::ask::{self, Given};

/// Most days of all sites together that one calendar plans: the network's for a month, or a
/// department's for thirteen.
const SITE_DAYS_MAX: usize = 100_000;

const PARAMETERS: &[Parameter] = &[PARTNER.needed(), DEPARTMENT, REGION, SITE, FROM_ALONE, TO_ALONE];

/// One partner's permanences.
pub(super) const CALENDAR: Operation = Operation {
    spans: Spans::Asked,
    parameters: PARAMETERS,
    ..Operation::read(
        "Les permanences d’un partenaire, en calendrier",
        "One partner’s permanences as a calendar",
        Answer::File(describe::CALENDAR, "BEGIN:VCALENDAR"),
    )
};

/// The permanences of one partner at the sites that are asked for.
pub(super) async fn calendar<V: Views>(asking: Asking<V>) -> Result<impl IntoResponse, Problem> {
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let which = Which::read(sight.conn, &given)?;
        let [operator] = which.operators.as_slice() else {
            return Err(ask::wrong("operator", given.one("operator").unwrap_or_default(), OPERATOR).into());
        };
        let day = |name: &'static str| given.one(name).map(|text| ask::day(name, text)).transpose();
        let window = Window::new(day("from")?.unwrap_or(sight.today), day("to")?)
            .map_err(|error| Problem::value(error.field, error.why))?;
        which.check_scope(sight.conn, &sight.caller.scope, (window.from(), window.to()))?;
        let pages = sight.pages()?;
        let sites = which.sites(sight.conn, &pages, None)?;
        fits(sites.len(), window)?;
        let arounds: Vec<_> = sites.iter().map(|site| pages.around(site)).collect();
        let described = sites.iter().zip(&arounds).filter_map(|(site, around)| {
            let book = pages.book(&site.id)?;
            Some(CalendarSite {
                id: &site.id,
                name: &site.name,
                address: &site.address,
                zone: &site.timezone,
                schedule: &book.schedule,
                around: around.surroundings(),
            })
        });
        // A local service is called otherwise at each house: here, by its name.
        let label = |operator: &_| Book::default().label(operator);
        Ok(calendar::of_operator(operator, described, window, &label))
    };
    let text = asking.read(answer).await?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text))
}

/// Whether so many sites fit into one calendar.
fn fits(sites: usize, window: Window) -> Result<(), Problem> {
    let days = window.to().number().abs_diff(window.from().number()) as usize + 1;
    if sites.saturating_mul(days) <= SITE_DAYS_MAX {
        return Ok(());
    }
    let why = format!("{days} jours pour {sites} sites, c’est trop : rapprochez to de from, ou donnez department");
    Err(Problem::value("to", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_has_a_bound_on_sites_and_days() {
        let from: msap_shared::time::Day = "2026-12-01".parse().unwrap();
        let window = Window::new(from, Some(from.plus_days(119))).unwrap();
        assert!(fits(SITE_DAYS_MAX / 120, window).is_ok());
        assert!(fits(SITE_DAYS_MAX / 120 + 1, window).is_err());
    }
}
