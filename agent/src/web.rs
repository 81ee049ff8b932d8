//! The loopback HTTP side of the agent: the desk page, and the API that the page and the command
//! line share.
//!
//! Texts become [`Command`]s here and replies become JSON; nothing is decided and nothing is
//! stored on this side. Every request passes the [`guard`] first: only this machine's own pages
//! and programs are answered.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use msap_shared::code::{OPERATORS, Operator, OperatorCode, known_operator};

use crate::command::{Command, CommandError, Reply};
use crate::service::Desk;

mod api;
mod fields;
pub mod guard;
mod house;
mod json;
mod page;
mod problem;
mod serve;

pub use fields::weekday;
pub use json::{file as file_object, imported as imported_object};
pub use problem::Problem;
pub use serve::serve;

/// Most operators the page shows when the settings name none.
const BUTTONS_DEFAULT: usize = 16;

/// Whoever carries out commands: the store's thread, or a stand-in for it in tests.
pub trait Ask: Clone + Send + Sync + 'static {
    /// Carries out one command; the answer comes after its commit.
    fn ask(&self, command: Command) -> impl Future<Output = Result<Reply, CommandError>> + Send;
    /// Asks for a session with the hub now.
    fn sync_now(&self);
    /// Where this machine's key and certificate lie.
    fn data(&self) -> &Path;
}

impl Ask for Desk {
    async fn ask(&self, command: Command) -> Result<Reply, CommandError> {
        Desk::ask(self, command).await
    }

    fn sync_now(&self) {
        Desk::sync_now(self);
    }

    fn data(&self) -> &Path {
        Desk::data(self)
    }
}

/// What every handler is given.
#[derive(Clone)]
struct Web<A> {
    desk: A,
    operators: Arc<[&'static Operator]>,
}

/// Every route, behind the guard, for a server that listens on `port`. `operators` are the page's
/// buttons; when empty, the first of the catalogue are.
pub fn router<A: Ask>(desk: A, operators: &[OperatorCode], port: u16) -> Router {
    let web = Web { desk, operators: buttons(operators) };
    Router::new()
        .route("/", get(page::desk::<A>))
        .route(guard::FORM_PATHS[0], get(page::schedule::show::<A>).post(page::schedule::submit::<A>))
        .route(guard::FORM_PATHS[1], get(page::partners::show::<A>).post(page::partners::submit::<A>))
        .route("/assets/desk.css", get(page::css))
        .route("/assets/desk.js", get(page::js))
        .route("/api/visits", get(api::list::<A>).post(api::count::<A>))
        .route("/api/visits/undo", post(api::undo_last::<A>))
        .route("/api/visits/{id}", patch(api::correct::<A>).delete(api::undo::<A>))
        .route("/api/status", get(api::status::<A>))
        .route("/api/tally", get(api::tally::<A>))
        .route("/api/days/{day}", put(api::close::<A>))
        .route("/api/today", put(api::give_day::<A>))
        .route("/api/sync", post(api::sync_now::<A>))
        .route("/api/sync/log", get(api::sync_log::<A>))
        .route("/api/bundle/export", post(api::export::<A>))
        .route(guard::IMPORT_PATH, post(api::import::<A>))
        .route("/api/verify", post(api::verify::<A>))
        .merge(house_routes())
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "aucune page à cette adresse").into_response())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "cette adresse ne se demande pas ainsi").into_response()
        })
        .with_state(web)
        // The guard has its own bounds, by address.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(guard::Guard::new(port), guarded))
}

/// The schedule, the partners and what people contradict each other on.
fn house_routes<A: Ask>() -> Router<Web<A>> {
    Router::new()
        .route("/api/schedule", get(house::schedule::<A>))
        .route("/api/schedule/hours", put(house::hours::<A>))
        .route("/api/schedule/hours/check", post(house::check))
        .route("/api/schedule/staff", put(house::staff::<A>))
        .route("/api/schedule/exceptions", post(house::except::<A>).delete(house::remove_exception::<A>))
        .route("/api/schedule/permanences", put(house::permanence::<A>).delete(house::end_permanence::<A>))
        .route("/api/schedule/permanences/off", put(house::off::<A>).delete(house::resume::<A>))
        .route("/api/schedule/absences", post(house::absence::<A>))
        .route("/api/schedule/absences/{id}", delete(house::remove_absence::<A>))
        .route("/api/schedule/places/{place}", put(house::place::<A>))
        .route("/api/schedule/note", put(house::note::<A>))
        .route("/api/partners", get(house::partners::<A>))
        .route("/api/partners/{operator}", put(house::presence::<A>).delete(house::remove_partner::<A>))
        .route("/api/partners/{operator}/agreement", put(house::agreement::<A>))
        .route("/api/partners/{operator}/training", put(house::training::<A>))
        .route("/api/partners/{operator}/label", put(house::label::<A>))
        .route("/api/conflicts", get(house::conflicts::<A>))
        .route("/api/conflicts/{id}", post(house::settle::<A>))
}

fn buttons(operators: &[OperatorCode]) -> Arc<[&'static Operator]> {
    if operators.is_empty() {
        OPERATORS.iter().take(BUTTONS_DEFAULT).collect()
    } else {
        // The settings were checked against the same catalogue.
        operators.iter().filter_map(|code| known_operator(code.as_str())).collect()
    }
}

async fn guarded(State(guard): State<guard::Guard>, request: Request, next: Next) -> Response {
    let mut response = match guard.admit(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    guard::secure(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
