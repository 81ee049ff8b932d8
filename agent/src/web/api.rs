//! The handlers of `/api`: one command each.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tracing::error;

use super::fields::{self, Fields};
use super::{Ask, Problem, Web, json};
use crate::bundle;
use crate::command::{Command, Reply};

pub(super) type Answer = Result<Json<Value>, Problem>;
pub(super) type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;
pub(super) type Segment = Result<Path<String>, PathRejection>;

pub(super) async fn count<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Result<Response, Problem> {
    let (count, day_given) = fields::count(Fields::read(&body)?)?;
    if let Some(day) = count.day.filter(|_| day_given) {
        web.desk.ask(Command::GiveDay(day)).await?;
    }
    match web.desk.ask(Command::Count(count)).await? {
        Reply::Tap(tap) => {
            let status = if tap.new { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(json::tap(&tap))).into_response())
        }
        other => Err(mismatch(&other)),
    }
}

pub(super) async fn correct<A: Ask>(State(web): State<Web<A>>, id: Segment, body: Bytes) -> Answer {
    let tap = fields::tap(&segment(id)?)?;
    let correction = fields::correction(Fields::read(&body)?)?;
    answer(&web, Command::Correct(tap, correction)).await
}

pub(super) async fn undo<A: Ask>(State(web): State<Web<A>>, id: Segment, body: Bytes) -> Answer {
    fields::nothing(Fields::read(&body)?)?;
    let tap = fields::tap(&segment(id)?)?;
    answer(&web, Command::Undo(Some(tap))).await
}

pub(super) async fn undo_last<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Answer {
    fields::nothing(Fields::read(&body)?)?;
    answer(&web, Command::Undo(None)).await
}

pub(super) async fn list<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    let day = fields::day_query(parameters(query)?)?;
    answer(&web, Command::List(day)).await
}

pub(super) async fn status<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    fields::no_query(parameters(query)?)?;
    answer(&web, Command::Status).await
}

pub(super) async fn tally<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    let period = fields::period(parameters(query)?)?;
    answer(&web, Command::Tally(period)).await
}

pub(super) async fn close<A: Ask>(State(web): State<Web<A>>, day: Segment, body: Bytes) -> Answer {
    let day = fields::day_or_today(&segment(day)?)?;
    let closed = fields::closed(Fields::read(&body)?)?;
    answer(&web, Command::Close { day, closed }).await
}

pub(super) async fn give_day<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Answer {
    let day = fields::given_day(Fields::read(&body)?)?;
    answer(&web, Command::GiveDay(day)).await
}

pub(super) async fn sync_now<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Result<Response, Problem> {
    fields::nothing(Fields::read(&body)?)?;
    web.desk.sync_now();
    Ok((StatusCode::ACCEPTED, Json(json!({ "asked": true }))).into_response())
}

pub(super) async fn sync_log<A: Ask>(State(web): State<Web<A>>, query: Parameters) -> Answer {
    fields::no_query(parameters(query)?)?;
    answer(&web, Command::SyncLog).await
}

pub(super) async fn verify<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Answer {
    fields::nothing(Fields::read(&body)?)?;
    answer(&web, Command::Verify).await
}

pub(super) async fn export<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Answer {
    let all = fields::all(Fields::read(&body)?)?;
    match web.desk.ask(Command::Export { all }).await? {
        Reply::Draft(draft) => {
            let sealed = bundle::seal(web.desk.data(), &draft)?;
            Ok(Json(json::file(&draft, &sealed)))
        }
        other => Err(mismatch(&other)),
    }
}

pub(super) async fn import<A: Ask>(State(web): State<Web<A>>, body: Bytes) -> Answer {
    let file = fields::file(Fields::read(&body)?)?;
    let opened = bundle::open(web.desk.data(), &file)?;
    answer(&web, Command::Import(Box::new(opened))).await
}

pub(super) async fn answer<A: Ask>(web: &Web<A>, command: Command) -> Answer {
    Ok(Json(match web.desk.ask(command).await? {
        Reply::Tap(tap) => json::tap(&tap),
        Reply::Day(day, closed) => json!({ "day": day.to_string(), "closed": closed }),
        Reply::Given(day) => json!({ "day": day.to_string() }),
        Reply::Tally(tally) => json::tally(&tally),
        Reply::Taps(taps) => taps.iter().map(json::tap).collect(),
        Reply::Status(status) => json::status(&status),
        Reply::Log(lines) => json::log(&lines),
        Reply::Imported(imported) => json::imported(&imported),
        Reply::Verified(verified) => json::verified(&verified),
        Reply::House(seen) => json::seen(&seen),
        other @ Reply::Draft(_) => return Err(mismatch(&other)),
    }))
}

pub(super) fn parameters(query: Parameters) -> Result<Vec<(String, String)>, Problem> {
    query.map(|Query(pairs)| pairs).map_err(|_| Problem::malformed(None, "les paramètres ne se lisent pas"))
}

pub(super) fn segment(path: Segment) -> Result<String, Problem> {
    path.map(|Path(text)| text).map_err(|_| Problem::malformed(None, "l’adresse ne se lit pas"))
}

/// A reply of the wrong kind is a mistake of this program: said in the log, never a panic.
pub(super) fn mismatch(reply: &Reply) -> Problem {
    error!(reply = kind(reply), "a command was answered by a reply of another kind");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "l’agent s’est trompé de réponse")
}

fn kind(reply: &Reply) -> &'static str {
    match reply {
        Reply::Tap(_) => "tap",
        Reply::Day(..) => "day",
        Reply::Given(_) => "given",
        Reply::Tally(_) => "tally",
        Reply::Taps(_) => "taps",
        Reply::Status(_) => "status",
        Reply::Log(_) => "log",
        Reply::Draft(_) => "draft",
        Reply::Imported(_) => "imported",
        Reply::Verified(_) => "verified",
        Reply::House(_) => "house",
    }
}
