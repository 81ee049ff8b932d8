//! The page «Partenaires»: how each can be had, who comes, and forms that work without a script.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use msap_shared::code::OPERATORS;
use msap_shared::document::partners::{AgreementStatus, Mode, TRAINED_MAX};
use msap_shared::document::schedule::OperatorToken;
use msap_shared::schedule::{DayPlan, WhyKind};

use super::cards::{self, PartnerLine};
use super::frame::{self, Choice, Dispute, Entered, Frame};
use super::schedule::{reasons, weekdays};
use crate::command::house::{Decision, Look, PartnersView};
use crate::out::Lang;
use crate::web::api::{Parameters, parameters};
use crate::web::fields::{self, Fields};
use crate::web::{Ask, Problem, Web};
use crate::wording;

const FR: Lang = Lang::Fr;
/// How far ahead permanences are listed, today included.
const DAYS: i32 = 14;
/// In which weeks a permanence can be, in the words of the form.
const VARIANTS: [(&str, &str); 9] = [
    ("every", "chaque semaine"),
    ("odd", "semaines impaires"),
    ("even", "semaines paires"),
    ("1st", "1er du mois"),
    ("2nd", "2e du mois"),
    ("3rd", "3e du mois"),
    ("4th", "4e du mois"),
    ("last", "dernier du mois"),
    ("school", "vacances scolaires"),
];

#[derive(Template)]
#[template(path = "partners.html")]
struct PartnersPage {
    frame: Frame,
    conflicts: Vec<Dispute>,
    partners: Vec<PartnerLine>,
    coming: Vec<Coming>,
    reasons: Vec<Choice>,
    operators: Vec<Choice>,
    modes: Vec<Choice>,
    weekdays: Vec<Choice>,
    variants: Vec<Choice>,
    statuses: Vec<Choice>,
    most_trained: u16,
}

/// One permanence on one day.
struct Coming {
    code: String,
    day: String,
    place: String,
    words: String,
    /// Why it does not take place, in words.
    cancelled: Option<String>,
    /// Whether it was cancelled for this day alone.
    resumable: bool,
}

pub(in crate::web) async fn show<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Result<Response, Problem> {
    let (_, done) = fields::schedule::page(parameters(query)?)?;
    page(&web, done.as_deref(), Entered::default(), StatusCode::OK).await
}

pub(in crate::web) async fn submit<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Result<Response, Problem> {
    match frame::submitted(&web, "/partners", &body, decision).await {
        Ok(done) => Ok(done),
        Err((problem, entered)) => page(&web, None, entered, problem.status()).await,
    }
}

/// What a form asks for.
fn decision(action: &str, fields: Fields) -> Result<Decision, Problem> {
    match action {
        "presence" | "confirm" => fields::partners::presence_form(fields),
        "agreement" => fields::partners::agreement_form(fields),
        "training" => fields::partners::training_form(fields),
        "off" => fields::schedule::off(fields),
        "resume" => fields::schedule::resume(fields),
        "permanence" => fields::schedule::permanence(fields),
        "settle" => fields::partners::settle_form(fields),
        _ => Err(Problem::malformed(Some("action"), "cette page ne sait pas faire cela")),
    }
}

async fn page<A: Ask>(
    web: &Web<A>,
    done: Option<&str>,
    entered: Entered,
    code: StatusCode,
) -> Result<Response, Problem> {
    let (frame, status) = Frame::of(web, ("partners", "/partners"), done, entered).await?;
    let view = frame::partners(web).await?;
    let days = Look::Schedule { from: Some(status.today), to: Some(status.today.plus_days(DAYS - 1)) };
    let schedule = frame::schedule(web, days).await?;
    let choices = |all: &[(&str, &str)]| all.iter().map(|(code, label)| Choice::new(*code, *label)).collect();
    let page = PartnersPage {
        conflicts: frame::disputes(&view.conflicts, &status.device),
        partners: cards::partners(&view),
        coming: schedule.plans.iter().flat_map(|plan| coming(plan, &view)).collect(),
        reasons: reasons(),
        operators: operators(&view),
        modes: Mode::ALL.iter().map(|mode| Choice::new(mode.as_str(), mode.label_fr())).collect(),
        weekdays: weekdays(),
        statuses: AgreementStatus::ALL.iter().map(|status| Choice::new(status.as_str(), status.label_fr())).collect(),
        most_trained: TRAINED_MAX,
        variants: choices(&VARIANTS),
        frame,
    };
    frame::rendered(&page, code)
}

/// The catalogue, and the house's own local services.
fn operators(view: &PartnersView) -> Vec<Choice> {
    let known = OPERATORS.iter().map(|operator| Choice::new(operator.code, operator.label_fr));
    let local = view.rows.iter().filter(|row| matches!(row.operator, OperatorToken::Local(_)));
    let local =
        local.map(|row| Choice::new(row.operator.to_string(), wording::operator(&row.operator, row.label.as_deref())));
    known.chain(local).collect()
}

fn coming(plan: &DayPlan, view: &PartnersView) -> Vec<Coming> {
    let name = |operator: &OperatorToken| {
        let row = view.rows.iter().find(|row| row.operator == *operator);
        wording::operator(operator, row.and_then(|row| row.label.as_deref()))
    };
    let row = |coming: &msap_shared::schedule::PlannedPermanence| {
        let at = cards::place(view, &coming.place);
        let at = if at.is_empty() { at } else { format!(", {at}") };
        let when = format!("{}, {}{at}", wording::day_short(plan.day), wording::interval(coming.interval, FR));
        Coming {
            code: coming.operator.to_string(),
            day: plan.day.to_string(),
            place: coming.place.to_string(),
            words: format!("{} : {when}", name(&coming.operator)),
            cancelled: coming.cancelled.as_ref().map(|why| wording::why(why, FR)),
            resumable: coming.cancelled.as_ref().is_some_and(|why| why.kind == WhyKind::OneDay),
        }
    };
    plan.permanences.iter().map(row).collect()
}
