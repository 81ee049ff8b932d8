//! `GET /v1/sites/{id}/schedule`, `/schedule.ics` and `/hours.osm`: one site's days.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use msap_shared::document::{DocId, DocKind};
use msap_shared::io::hours::calendar::{self, CalendarSite, Window};
use msap_shared::schedule::plan;
use msap_shared::time::Day;
use serde_json::{Value, json};

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{self, Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Name;
use super::sites::seen;
use crate::almanac::{self, Book, object};
use crate::ask::parameter::{FROM, FROM_ALONE, Parameter, SITE_NAME, TO, TO_ALONE};
use crate::ask::{self, AskError, Given};
use crate::lang::Phrase;

/// Most days of one answer: a year and the month around it.
const DAYS_MAX: i32 = 400;
/// Days shown unless asked otherwise.
const DAYS: i32 = 7;

const PERIOD: &[Parameter] = &[FROM, TO];
const WINDOW: &[Parameter] = &[FROM_ALONE, TO_ALONE];

/// Each day's intervals.
pub(super) const SCHEDULE: Operation = Operation {
    more: "Sept jours à partir d’aujourd’hui si rien n’est dit ; moins de 400.",
    names: &[SITE_NAME],
    parameters: PERIOD,
    ..Operation::read(
        "Les jours d’un lieu, et de quoi ils découlent",
        "The days of a site, and from what they follow",
        Answer::Json(answers::schedule),
    )
};

/// The same as a calendar.
pub(super) const CALENDAR: Operation = Operation {
    names: &[SITE_NAME],
    parameters: WINDOW,
    ..Operation::read(
        "Les ouvertures et permanences d’un lieu, en calendrier",
        "A site’s openings and permanences as a calendar",
        Answer::File(describe::CALENDAR, "BEGIN:VCALENDAR"),
    )
};

/// The hours as one text.
pub(super) const OSM: Operation = Operation {
    names: &[SITE_NAME],
    ..Operation::read(
        "L’année à venir d’un lieu, dans la notation d’OpenStreetMap",
        "A site’s coming year in OpenStreetMap’s notation",
        Answer::File(describe::TEXT, "Mo-Fr 09:00-12:00"),
    )
};

/// The days of a site, with what they follow from.
pub(super) async fn schedule<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Json<Value>, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, _) = seen(sight.conn, sight.caller, &name)?;
        let (from, to) = period(sight.pairs, Day::at(sight.now, &site.timezone))?;
        let pages = sight.pages()?;
        let none = Book::default();
        let book = pages.book(&site.id).map_or(&none, |book| book);
        let around = pages.around(&site);
        let mut days = Vec::new();
        let mut day = from;
        while day <= to {
            days.push(object::day(&plan(&book.schedule, day, &around.surroundings())));
            // The calendar ends in 2099.
            match day.plus_days(1) {
                next if next > day => day = next,
                _ => break,
            }
        }
        let facts = match DocId::registers(site.id.clone(), DocKind::Schedule) {
            Some(document) => almanac::facts(sight.conn, &document)?,
            None => almanac::Facts::new(),
        };
        let schedule = &book.schedule;
        let conflicts =
            schedule.conflicts().iter().map(|conflict| object::conflict(site.id.as_str(), DocKind::Schedule, conflict));
        Ok(json!({
            "site": site.id.as_str(),
            "timezone": site.timezone.name(),
            "holiday_zone": site.holiday_zone,
            "school_zone": site.school_zone,
            "from": from.to_string(),
            "to": to.to_string(),
            "days": days,
            "rules": object::rules(&facts),
            "conflicts": conflicts.collect::<Value>(),
            "unreadable": schedule.unreadable().iter().map(object::unreadable).collect::<Value>(),
            "checked_on": schedule.checked_on().map(|day| day.to_string()),
        }))
    };
    asking.read(answer).await.map(Json)
}

/// The coming year of a site as OpenStreetMap's text.
pub(super) async fn osm<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<impl IntoResponse, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, _) = seen(sight.conn, sight.caller, &name)?;
        let pages = sight.pages()?;
        let today = Day::at(sight.now, &site.timezone);
        Ok(match pages.book(&site.id) {
            Some(book) => book.osm(today, &pages.around(&site)).to_string(),
            None => Book::default().osm(today, &pages.around(&site)).to_string(),
        })
    };
    let text = asking.read(answer).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text + "\n"))
}

/// A site's openings and permanences as a calendar.
pub(super) async fn calendar<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<impl IntoResponse, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, _) = seen(sight.conn, sight.caller, &name)?;
        let given = Given::check(sight.pairs, WINDOW)?;
        let from = given.one("from").map(|text| ask::day("from", text)).transpose()?;
        let to = given.one("to").map(|text| ask::day("to", text)).transpose()?;
        let today = Day::at(sight.now, &site.timezone);
        let window = Window::new(from.unwrap_or(today), to).map_err(|error| Problem::value(error.field, error.why))?;
        let pages = sight.pages()?;
        let none = Book::default();
        let book = pages.book(&site.id).map_or(&none, |book| book);
        let around = pages.around(&site);
        let described = CalendarSite {
            id: &site.id,
            name: &site.name,
            address: &site.address,
            zone: &site.timezone,
            schedule: &book.schedule,
            around: around.surroundings(),
        };
        Ok(calendar::of_site(&described, window, &|operator| book.label(operator)))
    };
    let text = asking.read(answer).await?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text))
}

fn period(pairs: &[(String, String)], today: Day) -> Result<(Day, Day), AskError> {
    let given = Given::check(pairs, PERIOD)?;
    let (from, to) = match (given.one("from"), given.one("to")) {
        (None, None) => (today, today.plus_days(DAYS - 1)),
        (Some(_), None) => return Err(AskError::HalfPeriod("to")),
        (None, Some(_)) => return Err(AskError::HalfPeriod("from")),
        (Some(from), Some(to)) => (ask::day("from", from)?, ask::day("to", to)?),
    };
    let wrong = |expected| Err(ask::wrong("to", &to.to_string(), expected));
    if from > to {
        return wrong(Phrase::new("au plus tôt le jour de from", "on or after the day of from"));
    }
    if to.number() - from.number() >= DAYS_MAX {
        return wrong(Phrase::new("moins de 400 jours après from", "less than 400 days after from"));
    }
    Ok((from, to))
}
