//! The handlers of `/api/schedule`, `/api/partners` and `/api/conflicts`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::api::{Answer, Parameters, Segment, answer, parameters, segment};
use super::fields::{self, Fields};
use super::{Ask, Problem, Web};
use crate::command::Command;
use crate::command::house::{Decision, House, Look};
use crate::osm;

pub(super) async fn schedule<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    look(&web, fields::schedule::look(parameters(query)?)?).await
}

pub(super) async fn partners<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    look(&web, fields::partners::look(parameters(query)?)?).await
}

pub(super) async fn conflicts<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    fields::no_query(parameters(query)?)?;
    look(&web, Look::Conflicts).await
}

/// Reads hours without keeping anything: what they would be as rules.
pub(super) async fn check(body: Bytes) -> Answer {
    let osm::Read { rules, exceptions, remarks } = osm::read(&fields::schedule::check(Fields::read(&body)?)?)?;
    let rules = rules.iter().map(|(variant, weekday, hours)| {
        json!({
            "variant": variant.to_string(), "weekday": weekday.map(|weekday| weekday.as_str()),
            "hours": hours.to_string(),
        })
    });
    let exceptions = exceptions
        .iter()
        .map(|((from, to), what)| json!({ "from": from.to_string(), "to": to.to_string(), "value": what.to_string() }));
    Ok(Json(json!({
        "rules": rules.collect::<Vec<Value>>(), "exceptions": exceptions.collect::<Vec<Value>>(), "remarks": remarks,
    })))
}

pub(super) async fn hours<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::hours).await
}

pub(super) async fn staff<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::staff).await
}

pub(super) async fn except<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::exception).await
}

pub(super) async fn remove_exception<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::remove_exception).await
}

pub(super) async fn permanence<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::permanence).await
}

pub(super) async fn end_permanence<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::end_permanence).await
}

pub(super) async fn off<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::off).await
}

pub(super) async fn resume<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::resume).await
}

pub(super) async fn absence<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::absence).await
}

pub(super) async fn remove_absence<A: Ask>(State(web): State<Web<A>>, id: Segment, body: Bytes) -> Answer {
    of_segment(State(web), id, &body, |id, fields| {
        fields::nothing(fields)?;
        fields::schedule::absence_id(id)
    })
    .await
}

pub(super) async fn place<A: Ask>(web: State<Web<A>>, slug: Segment, body: Bytes) -> Answer {
    of_segment(web, slug, &body, fields::schedule::place).await
}

pub(super) async fn note<A: Ask>(web: State<Web<A>>, body: Bytes) -> Answer {
    with_body(web, &body, fields::schedule::note).await
}

pub(super) async fn presence<A: Ask>(web: State<Web<A>>, operator: Segment, body: Bytes) -> Answer {
    of_segment(web, operator, &body, fields::partners::presence).await
}

pub(super) async fn agreement<A: Ask>(web: State<Web<A>>, operator: Segment, body: Bytes) -> Answer {
    of_segment(web, operator, &body, fields::partners::agreement).await
}

pub(super) async fn training<A: Ask>(web: State<Web<A>>, operator: Segment, body: Bytes) -> Answer {
    of_segment(web, operator, &body, fields::partners::training).await
}

pub(super) async fn label<A: Ask>(web: State<Web<A>>, operator: Segment, body: Bytes) -> Answer {
    of_segment(web, operator, &body, fields::partners::label).await
}

pub(super) async fn remove_partner<A: Ask>(State(web): State<Web<A>>, operator: Segment, body: Bytes) -> Answer {
    of_segment(State(web), operator, &body, |operator, fields| {
        fields::nothing(fields)?;
        fields::partners::remove(operator)
    })
    .await
}

pub(super) async fn settle<A: Ask>(web: State<Web<A>>, id: Segment, body: Bytes) -> Answer {
    of_segment(web, id, &body, fields::partners::settle).await
}

async fn with_body<A: Ask>(
    State(web): State<Web<A>>,
    body: &Bytes,
    read: fn(Fields) -> Result<Decision, Problem>,
) -> Answer {
    let mut fields = Fields::read(body)?;
    let settle = fields.settle()?;
    decide(&web, read(fields)?, settle).await
}

async fn of_segment<A: Ask>(
    State(web): State<Web<A>>,
    of: Segment,
    body: &Bytes,
    read: fn(&str, Fields) -> Result<Decision, Problem>,
) -> Answer {
    let mut fields = Fields::read(body)?;
    let settle = fields.settle()?;
    decide(&web, read(&segment(of)?, fields)?, settle).await
}

async fn look<A: Ask>(web: &Web<A>, look: Look) -> Answer {
    answer(web, Command::House(Box::new(House::Look(look)))).await
}

async fn decide<A: Ask>(web: &Web<A>, decision: Decision, settle: bool) -> Answer {
    let house = if settle { House::Overrule(decision) } else { House::Decide(decision) };
    answer(web, Command::House(Box::new(house))).await
}
