//! The page «Horaires»: the week, what differs, and forms that work without a script.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use msap_shared::document::register::Register;
use msap_shared::document::schedule::{Absence, AbsenceKind, Access, DayHours, Place, Reason, Slot, Variant, Weekday};
use msap_shared::schedule::{DayPlan, DayState, Schedule, WhyKind};
use msap_shared::time::Day;

use super::cards::{self, HoursCard, State as Tag};
use super::frame::{self, Choice, Dispute, Entered, Frame};
use crate::command::house::{Decision, Look, ScheduleView};
use crate::out::Lang;
use crate::web::api::{Parameters, parameters};
use crate::web::fields::{self, Fields};
use crate::web::{Ask, Problem, Web};
use crate::wording;

const FR: Lang = Lang::Fr;
/// How far ahead exceptions are listed, in days.
const AHEAD: i32 = 390;
/// How far ahead the card looks for the next closure, in days.
const CARD_AHEAD: i32 = 35;

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage {
    frame: Frame,
    conflicts: Vec<Dispute>,
    hours: HoursCard,
    texts: Vec<String>,
    comment: Option<String>,
    checked_on: Option<String>,
    span: String,
    before: String,
    after: String,
    days: Vec<DayRow>,
    exceptions: Vec<ExceptionRow>,
    absences: Vec<AbsenceRow>,
    closures: Vec<ClosureRow>,
    reasons: Vec<Choice>,
    kinds: Vec<Choice>,
    weekdays: Vec<Choice>,
    absence_id: String,
    week: Vec<WeekdayField>,
    /// Rules that are not of every week, in words.
    others: Vec<String>,
}

struct DayRow {
    name: String,
    today: bool,
    state: Tag,
    hours: Vec<String>,
    why: Vec<String>,
    permanences: Vec<String>,
}

struct ExceptionRow {
    words: String,
    by: String,
    from: String,
    to: String,
    place: String,
}

struct AbsenceRow {
    id: String,
    words: String,
    by: String,
}

struct ClosureRow {
    words: String,
    by: String,
}

struct WeekdayField {
    code: &'static str,
    label: &'static str,
    hours: String,
}

pub(in crate::web) async fn show<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Result<Response, Problem> {
    let (from, done) = fields::schedule::page(parameters(query)?)?;
    page(&web, from, done.as_deref(), Entered::default(), StatusCode::OK).await
}

pub(in crate::web) async fn submit<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Result<Response, Problem> {
    match frame::submitted(&web, "/schedule", &body, decision).await {
        Ok(done) => Ok(done),
        Err((problem, entered)) => page(&web, None, None, entered, problem.status()).await,
    }
}

/// What a form asks for.
fn decision(action: &str, fields: Fields) -> Result<Decision, Problem> {
    match action {
        "close" | "extra" | "move" => fields::schedule::exception(fields),
        "remove" => fields::schedule::remove_exception(fields),
        "hours" => fields::schedule::hours(fields),
        "staff" => fields::schedule::staff(fields),
        "absence" => fields::schedule::absence(fields),
        "present" => fields::schedule::present(fields),
        "note" => fields::schedule::note(fields),
        "settle" => fields::partners::settle_form(fields),
        _ => Err(Problem::malformed(Some("action"), "cette page ne sait pas faire cela")),
    }
}

async fn page<A: Ask>(
    web: &Web<A>,
    from: Option<Day>,
    done: Option<&str>,
    entered: Entered,
    code: StatusCode,
) -> Result<Response, Problem> {
    let (frame, status) = Frame::of(web, ("schedule", "/schedule"), done, entered).await?;
    let monday = |day: Day| day.plus_days(-i32::try_from(Weekday::of(day).index()).unwrap_or_default());
    let first = monday(from.unwrap_or(status.today));
    let shown = frame::schedule(web, Look::Schedule { from: Some(first), to: Some(first.plus_days(6)) }).await?;
    let to = Some(status.today.plus_days(CARD_AHEAD));
    let ahead = frame::schedule(web, Look::Schedule { from: Some(status.today), to }).await?;
    let here = status.device.as_str();
    let ScheduleView { schedule, closures, today, .. } = &shown;
    let live = |said: &Register<msap_shared::document::schedule::Text>| -> Vec<String> {
        said.all().filter_map(|said| Some(said.body.as_ref()?.as_str().to_owned())).collect()
    };
    let exceptions = schedule.exceptions_between(*today, today.plus_days(AHEAD)).flat_map(|(from, to, place, said)| {
        let row = move |said: &msap_shared::document::register::Said<_>| {
            let what = wording::exception(said.body.as_ref()?, FR);
            Some(ExceptionRow {
                words: format!("{} : {what}", wording::days((from, to), FR)),
                by: signed(&said.stamp, here),
                from: from.to_string(),
                to: to.to_string(),
                place: place.to_string(),
            })
        };
        said.all().filter_map(row)
    });
    let page = SchedulePage {
        conflicts: frame::disputes(&shown.conflicts, here),
        hours: cards::hours(&ahead),
        texts: schedule.text().map(live).unwrap_or_default(),
        comment: schedule.comment().map(live).filter(|all| !all.is_empty()).map(|all| all.join("\n")),
        checked_on: schedule.checked_on().map(|day| wording::day(day, FR)),
        span: format!("Semaine du {}", wording::day(first, FR)),
        before: first.plus_days(-7).to_string(),
        after: first.plus_days(7).to_string(),
        days: shown.plans.iter().flat_map(|plan| rows(plan, schedule, *today, here)).collect(),
        exceptions: exceptions.collect(),
        absences: schedule.absences().flat_map(|said| absences(said, *today, here)).collect(),
        closures: closures.iter().map(closure).collect(),
        reasons: reasons(),
        kinds: AbsenceKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label_fr())).collect(),
        weekdays: weekdays(),
        absence_id: fields::schedule::drawn()?.to_string(),
        week: week(&shown),
        others: others(&shown),
        frame,
    };
    frame::rendered(&page, code)
}

/// The reasons, as choices.
pub(super) fn reasons() -> Vec<Choice> {
    Reason::ALL.iter().map(|reason| Choice::new(reason.as_str(), reason.label_fr())).collect()
}

/// The weekdays, as choices.
pub(super) fn weekdays() -> Vec<Choice> {
    Weekday::ALL.iter().map(|weekday| Choice::new(weekday.as_str(), weekday.label_fr())).collect()
}

fn signed(stamp: &msap_shared::document::register::Stamp, here: &str) -> String {
    format!("{}, le {}", wording::author(&stamp.author, here, FR), wording::day(stamp.day, FR))
}

/// A row for a day, or one for each version of it.
fn rows(plan: &DayPlan, schedule: &Schedule, today: Day, here: &str) -> Vec<DayRow> {
    let row = |of: &DayPlan, more: Vec<String>| {
        let mut why: Vec<String> = of
            .why
            .iter()
            .filter(|why| why.kind != WhyKind::Rule(Variant::Every))
            .map(|why| wording::why(why, FR))
            .collect();
        why.extend(of.prevailing.iter().map(|over| format!("prévaut sur la fermeture du réseau « {} »", over.label)));
        why.extend(of.gaps.iter().map(|gap| format!("personne {}", wording::span(*gap, FR))));
        why.extend(more);
        let hours = of.openings.iter().map(|open| {
            let place = schedule.place_name(&open.place);
            let access = if open.access.as_str() == "free" { "" } else { open.access.label_fr() };
            let agents = open.agents.map_or_else(String::new, |agents| wording::agents(agents, FR));
            let more: Vec<&str> =
                [place.as_str(), access, &agents].into_iter().filter(|word| !word.is_empty()).collect();
            let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
            format!("{}{more}", wording::interval(open.interval, FR))
        });
        let permanences = of.permanences.iter().map(|coming| {
            let gone = if coming.cancelled.is_some() { ", annulée" } else { "" };
            format!("{} {}{gone}", wording::operator(&coming.operator, None), wording::interval(coming.interval, FR))
        });
        DayRow {
            name: wording::day_short(plan.day),
            today: plan.day == today,
            state: Tag::of_day(if plan.state == DayState::Conflict { plan.state } else { of.state }),
            hours: if of.openings.is_empty() && plan.state == DayState::Conflict {
                vec![cards::openings(of)]
            } else {
                hours.collect()
            },
            why,
            permanences: permanences.collect(),
        }
    };
    if plan.versions.is_empty() {
        return vec![row(plan, Vec::new())];
    }
    let versions = plan.versions.iter().map(|version| {
        let by = version.choices.iter().map(|choice| format!("selon {}", signed(&choice.stamp, here)));
        row(&version.plan, by.collect())
    });
    versions.collect()
}

fn absences(said: &Register<Absence>, today: Day, here: &str) -> Vec<AbsenceRow> {
    let id = said.key().strip_prefix("absence|").unwrap_or_default();
    let row = |said: &msap_shared::document::register::Said<Absence>| {
        let away = said.body.as_ref().filter(|away| away.to >= today)?;
        let words = format!("Absence : {}", wording::absence(away, FR));
        Some(AbsenceRow { id: id.to_owned(), words, by: signed(&said.stamp, here) })
    };
    said.all().filter_map(row).collect()
}

fn closure(closure: &msap_shared::schedule::NetworkClosure) -> ClosureRow {
    let days = wording::days((closure.from, closure.to), FR);
    ClosureRow {
        words: format!("{days} : fermeture du réseau, {}", closure.label),
        by: wording::author(&closure.scope, "-", FR),
    }
}

/// The usual hours of each weekday, as they are written in the form.
fn week(view: &ScheduleView) -> Vec<WeekdayField> {
    let hours = |weekday: Weekday| {
        let mut rules = view.schedule.hours_on(view.today);
        let rule = rules
            .find(|(place, variant, on, _)| (*place, *variant, *on) == (&Place::Site, Variant::Every, Some(weekday)));
        let said = rule.and_then(|(.., said)| said.agreed()?.body.clone());
        said.map_or_else(String::new, |hours| as_entered(&hours))
    };
    let field =
        |weekday: Weekday| WeekdayField { code: weekday.as_str(), label: weekday.label_fr(), hours: hours(weekday) };
    Weekday::ALL.into_iter().map(field).collect()
}

/// Hours as a form takes them. Without the agents, who stay as they are when hours change.
fn as_entered(hours: &DayHours) -> String {
    let slot = |slot: &Slot| match slot.access {
        Access::Free => slot.interval.to_string(),
        other => format!("{} {}", slot.interval, other.label_fr()),
    };
    if hours.is_closed() {
        return "fermé".to_owned();
    }
    hours.slots().iter().map(slot).collect::<Vec<_>>().join(", ")
}

fn others(view: &ScheduleView) -> Vec<String> {
    let rules = view
        .schedule
        .hours_on(view.today)
        .filter(|(place, variant, ..)| **place != Place::Site || *variant != Variant::Every);
    let words = rules.flat_map(|(place, variant, weekday, said)| {
        let at = view.schedule.place_name(place);
        let at = if at.is_empty() { at } else { format!(" ({at})") };
        said.all().filter_map(move |said| {
            let hours = wording::hours(said.body.as_ref()?, FR);
            Some(format!("{}{at} : {hours}", wording::rule(variant, weekday, FR)))
        })
    });
    words.collect()
}
