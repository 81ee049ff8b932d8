//! The desk page, rendered whole on the server.
//!
//! The script fetches the same page again when something changed and takes its live parts over,
//! so that there is one template and one set of words.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use msap_shared::code::{Age, Help};
use msap_shared::time::{Day, SiteZone};

use super::api::mismatch;
use super::{Ask, Problem, Web, json};
use crate::catalogue;
use crate::command::house::{Look, PartnersView, ScheduleView};
use crate::command::{Command, Keeping, Negative, Period, Reply, Status, Tally, TapView};
use crate::out::Lang;
use crate::outlook;
use crate::wording;

mod cards;
mod frame;
pub(super) mod partners;
pub(super) mod schedule;

/// Most taps in the list.
const TAPS_MAX: usize = 10;
/// How far ahead the card of hours looks for the next closure, in days.
const DAYS_AHEAD: i32 = 35;
/// The keys of the first ten buttons.
const KEYS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage {
    site: String,
    site_name: String,
    label: String,
    version: &'static str,
    today: String,
    long_day: String,
    clock: String,
    timezone: String,
    buttons: Vec<Button>,
    helps: Vec<Choice>,
    ages: Vec<Choice>,
    taps: Vec<Row>,
    visits: i64,
    requests: i64,
    totals: Vec<Total>,
    partners: Vec<cards::PartnerLine>,
    hours: cards::HoursCard,
    /// Sums below zero, in words.
    negative: Vec<String>,
    closed: bool,
    kept: u64,
    confirmed: u64,
    waiting: u64,
    refused: u64,
    link: Link,
    /// Why the storage takes nothing, or soon may not.
    storage: Option<&'static str>,
    /// It takes nothing.
    stuck: bool,
    doubt: Option<ClockDoubt>,
    /// A person must say which day it is.
    asked: bool,
}

/// A clock that is not believed, in words.
struct ClockDoubt {
    shown: String,
    /// As data and in words.
    likely: Option<(String, String)>,
}

struct Button {
    code: &'static str,
    label: &'static str,
    key: Option<&'static str>,
    requests: i64,
}

struct Choice {
    code: &'static str,
    label: &'static str,
}

struct Row {
    reference: String,
    time: String,
    operator: String,
    operator_label: String,
    help: String,
    help_label: String,
    age: String,
    age_label: String,
    people: i16,
    undone: bool,
    keeping: &'static str,
}

struct Total {
    label: String,
    visits: i64,
    requests: i64,
}

/// The link with the hub, in words.
struct Link {
    /// Connected, or on the way: no warning.
    well: bool,
    state: String,
    /// How the hub is reached, or in which ways it was not.
    way: Option<String>,
    since: Option<String>,
    error: Option<String>,
    /// Why nothing leaves by itself, and what to do.
    obstacle: Option<String>,
    /// Somebody said no.
    refused: bool,
}

pub(super) async fn desk<A: Ask>(State(web): State<Web<A>>) -> Result<Response, Problem> {
    let status = match web.desk.ask(Command::Status).await? {
        Reply::Status(status) => *status,
        other => return Err(mismatch(&other)),
    };
    let tally = match web.desk.ask(Command::Tally(Period::Today)).await? {
        Reply::Tally(tally) => tally,
        other => return Err(mismatch(&other)),
    };
    let taps = match web.desk.ask(Command::List(None)).await? {
        Reply::Taps(taps) => taps,
        other => return Err(mismatch(&other)),
    };
    let ahead = Look::Schedule { from: Some(status.today), to: Some(status.today.plus_days(DAYS_AHEAD)) };
    let house = (frame::schedule(&web, ahead).await?, frame::partners(&web).await?);
    frame::rendered(&page(&web, status, tally, &taps, &house), StatusCode::OK)
}

pub(super) async fn css() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/desk.css"))
}

pub(super) async fn js() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/desk.js"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text).into_response()
}

fn page<A>(
    web: &Web<A>,
    status: Status,
    tally: Tally,
    taps: &[TapView],
    (schedule, partners): &(ScheduleView, PartnersView),
) -> DeskPage {
    let zone: Option<SiteZone> = status.timezone.parse().ok();
    let requests =
        |code: &str| tally.rows.iter().find(|row| row.operator.as_str() == code).map_or(0, |row| row.requests);
    let buttons = web.operators.iter().enumerate().map(|(at, operator)| Button {
        code: operator.code,
        label: operator.label_fr,
        key: KEYS.get(at).copied(),
        requests: requests(operator.code),
    });
    let totals = tally.rows.iter().map(|row| Total {
        label: catalogue::operator_label(row.operator.as_str()).to_owned(),
        visits: row.people,
        requests: row.requests,
    });
    DeskPage {
        today: status.today.to_string(),
        long_day: wording::day(status.today, Lang::Fr),
        clock: json::clock(status.clock),
        buttons: buttons.collect(),
        helps: Help::ALL.map(|help| Choice { code: help.as_str(), label: help.label_fr() }).into(),
        ages: Age::ALL.map(|age| Choice { code: age.as_str(), label: age.label_fr() }).into(),
        taps: taps.iter().take(TAPS_MAX).map(row).collect(),
        visits: tally.people,
        requests: tally.requests,
        totals: totals.collect(),
        partners: cards::partners(partners),
        hours: cards::hours(schedule),
        negative: tally.negative.iter().map(negative).collect(),
        closed: tally.closed == Some(true),
        kept: status.kept,
        confirmed: status.confirmed,
        waiting: status.waiting,
        refused: status.refused,
        link: link(&status, zone.as_ref()),
        storage: outlook::storage(status.storage, Lang::Fr),
        stuck: outlook::is_stuck(status.storage),
        doubt: status.clock_doubt.map(|doubt| ClockDoubt {
            shown: wording::day(doubt.shown, Lang::Fr),
            likely: doubt.likely.map(|day| (day.to_string(), wording::day(day, Lang::Fr))),
        }),
        asked: status.day_asked,
        site: status.site,
        site_name: status.site_name,
        label: status.label,
        version: status.version,
        timezone: status.timezone,
    }
}

fn negative(sum: &Negative) -> String {
    let (operator, help, age) = (sum.operator.as_str(), sum.help.as_str(), sum.age.as_str());
    let under = [catalogue::operator_label(operator), catalogue::help_label(help), catalogue::age_label(age)];
    let people = cards::FR.counted(sum.people, ["visite", "visites"], ["", ""]);
    let requests = cards::FR.counted(sum.requests, ["démarche", "démarches"], ["", ""]);
    format!("{} : {people}, {requests}", under.join(", "))
}

fn row(tap: &TapView) -> Row {
    let (help, age) = (tap.help.as_str(), tap.age.as_str());
    Row {
        reference: tap.id.map_or_else(|| tap.name.to_string(), |id| id.to_uuid()),
        time: tap.clock.map_or_else(|| "autre poste".to_owned(), json::clock),
        operator: tap.operator.to_string(),
        operator_label: catalogue::operator_label(tap.operator.as_str()).to_owned(),
        help: help.to_owned(),
        help_label: catalogue::help_label(help).to_owned(),
        age: age.to_owned(),
        age_label: catalogue::age_label(age).to_owned(),
        people: tap.people,
        undone: tap.undone,
        keeping: match tap.keeping {
            Keeping::Kept => "kept",
            Keeping::Confirmed => "confirmed",
            Keeping::SetAside => "set_aside",
        },
    }
}

fn link(status: &Status, zone: Option<&SiteZone>) -> Link {
    let state = match status.state {
        "connected" => "Relié au hub",
        "connecting" => "Connexion au hub…",
        "offline" => "Hors ligne",
        "pending" => "En attente d’approbation par le hub",
        "revoked" => "Ce poste n’est plus autorisé par le hub",
        "refused" => "Le hub refuse ce poste",
        "untrusted" => "Ce n’est pas le hub de ce réseau qui répond",
        other => other,
    };
    let since = status.last_contact.zip(zone).and_then(|(at, zone)| {
        let at = Timestamp::from_second(at).ok()?;
        let (day, clock) = (Day::at(at, zone), json::clock(zone.clock(at)));
        Some(if day == status.today { clock } else { format!("{} à {clock}", wording::day(day, Lang::Fr)) })
    });
    Link {
        well: matches!(status.state, "connected" | "connecting"),
        state: state.to_owned(),
        way: way(status),
        since,
        error: status.last_error.clone().filter(|error| !error.is_empty()),
        obstacle: outlook::obstacle(status.state, &status.hub, Lang::Fr),
        refused: outlook::is_verdict(status.state),
    }
}

fn way(status: &Status) -> Option<String> {
    if let Some(transport) = status.transport {
        return Some(transport.to_uppercase());
    }
    let mut tried: Vec<String> = status.tried.iter().map(|tried| tried.transport.to_uppercase()).collect();
    tried.sort_unstable();
    tried.dedup();
    (!tried.is_empty()).then(|| format!("essayé : {}", tried.join(", ")))
}
