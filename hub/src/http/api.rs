//! The addresses and what holds for all of them: who asks under `/v1`, headers, limits.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use super::describe::{Answer, BYTES, Operation};
use super::nowhere::Nowhere;
use super::openapi::{self, answers};
use super::problem::Problem;
use super::{
    Entrance, Views, auth, closures, conflicts, docs, documents, door, exports, fleet, journal, label, partners,
    permanences, public, reports, schedule, session, settling, sites, visits,
};
use crate::lane::{Lane, ReadError};

/// Largest body of a request.
pub(super) const BODY_LEN_MAX: usize = 64 * 1024;
/// What is shorter is not compressed: it fits into a packet.
const COMPRESSED_LEN_MIN: u64 = 1_024;

/// Sent with every answer that does not say otherwise: nothing may be loaded, framed or stored.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// One address under `/v1` and one method of it.
pub(super) struct Address<V> {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) operation: &'static Operation,
    answers: MethodRouter<V>,
}

/// Everything under `/v1`, each with its description. The router is made of this list, the document
/// of the API is written from it, and the test of who may what walks it.
pub(super) fn addresses<V: Views>() -> Vec<Address<V>> {
    vec![
        get("/visits", visits::visits::<V>, &visits::VISITS),
        get("/completeness", visits::completeness::<V>, &visits::COMPLETENESS),
        get("/fleet", fleet::fleet::<V>, &fleet::FLEET),
        get("/label", label::label::<V>, &label::LABEL),
        get("/network", reports::network::<V>, &reports::NETWORK),
        get("/coverage", reports::coverage::<V>, &reports::COVERAGE),
        get("/operators/{code}/return", reports::returned::<V>, &reports::RETURN),
        get("/sites", sites::sites::<V>, &sites::SITES),
        get("/sites/{id}", sites::site::<V>, &sites::SITE),
        get("/sites/{id}/report", reports::report::<V>, &reports::REPORT),
        get("/sites/{id}/schedule", schedule::schedule::<V>, &schedule::SCHEDULE),
        get("/sites/{id}/schedule.ics", schedule::calendar::<V>, &schedule::CALENDAR),
        get("/sites/{id}/hours.osm", schedule::osm::<V>, &schedule::OSM),
        put("/sites/{id}/closures", closures::put_of_site::<V>, &closures::PUT_OF_SITE),
        delete("/sites/{id}/closures", closures::delete_of_site::<V>, &closures::DELETE_OF_SITE),
        get("/sites/{id}/partners", partners::of_site::<V>, &partners::OF_SITE),
        patch("/sites/{id}/partners/{operator}", partners::patch::<V>, &partners::PATCH),
        delete("/sites/{id}/partners/{operator}", partners::delete::<V>, &partners::DELETE),
        get("/partners", partners::of_network::<V>, &partners::OF_NETWORK),
        get("/partners.ics", permanences::calendar::<V>, &permanences::CALENDAR),
        get("/closures", closures::of_network::<V>, &closures::OF_NETWORK),
        put("/closures", closures::put_of_network::<V>, &closures::PUT_OF_NETWORK),
        delete("/closures/{id}", closures::delete_of_network::<V>, &closures::DELETE_OF_NETWORK),
        get("/exports/visits.csv", visits::export::<V>, &visits::EXPORT),
        get("/exports/anct.csv", exports::anct::<V>, &exports::ANCT),
        get("/conflicts", conflicts::list::<V>, &conflicts::CONFLICTS),
        post("/conflicts/{id}", conflicts::settle::<V>, &conflicts::SETTLE),
        get("/flagged", settling::flagged::<V>, &settling::FLAGGED),
        get("/refused", settling::refused::<V>, &settling::REFUSED),
        get("/documents", documents::list::<V>, &documents::DOCUMENTS),
        get("/documents/{*id}", documents::document::<V>, &documents::DOCUMENT),
        get("/journal", journal::list::<V>, &journal::JOURNAL),
        post(session::PATH, session::sign_in::<V>, &session::SIGN_IN),
        get(session::PATH, session::whoami, &session::WHOAMI),
        delete(session::PATH, session::sign_out::<V>, &session::SIGN_OUT),
    ]
}

/// What anybody may ask under `/v1`.
pub(super) fn of_anybody<V: Views>() -> Vec<Address<V>> {
    vec![get("/public", public::list::<V>, &public::LIST), get("/public/{table}", public::read::<V>, &public::TABLE)]
}

/// What needs nobody to be known, and what is answered.
const OPEN: [(&str, Operation); 3] = [
    ("/healthz", open("Si le programme tourne", "Whether the program runs", Answer::Json(answers::alive))),
    ("/readyz", open("Si le hub peut travailler", "Whether the hub can work", Answer::Json(answers::alive))),
    ("/openapi.json", open("Ce document", "This document", Answer::Json(answers::openapi))),
];

const fn open(fr: &'static str, en: &'static str, answer: Answer) -> Operation {
    Operation { role: None, ..Operation::read(fr, en, answer) }
}

/// Every address with its method and its description, in the order of the document.
pub(super) fn described() -> Vec<(Method, String, &'static Operation)> {
    static OPEN_ADDRESSES: [(&str, Operation); 3] = OPEN;
    let under_v1 = addresses::<Nowhere>().into_iter().chain(of_anybody());
    let under_v1 = under_v1.map(|address| (address.method, format!("/v1{}", address.path), address.operation));
    let open = OPEN_ADDRESSES.iter().map(|(path, operation)| (Method::GET, (*path).to_owned(), operation));
    under_v1.chain(open).collect()
}

/// All addresses over these views, behind this door.
pub fn router<V: Views>(views: V, entrance: Arc<Entrance>) -> Router {
    let passed = |router: Router<V>, Address { path, operation, answers, .. }: Address<V>| {
        let pass = middleware::from_fn_with_state(operation, door::pass);
        router.route(path, answers.route_layer(pass))
    };
    let v1 = addresses::<V>()
        .into_iter()
        .fold(Router::new(), passed)
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("cette adresse n’existe pas : /docs les dit toutes"))
        .layer(middleware::from_fn_with_state(views.clone(), auth::require_caller::<V>))
        .layer(Extension(entrance))
        // Beneath the question who asks.
        .merge(of_anybody::<V>().into_iter().fold(Router::new(), passed));
    let addresses = Router::new()
        .nest("/v1", v1)
        .route("/healthz", routing::get(async || Json(json!({ "status": "alive" }))))
        .route("/readyz", routing::get(ready::<V>))
        .route("/openapi.json", routing::get(async || Json(openapi::document())))
        .route("/docs", routing::get(docs::page))
        .route("/docs.css", routing::get(docs::style))
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("cette adresse n’existe pas : /docs les dit toutes"));
    guarded(addresses).with_state(views)
}

/// What surrounds every address: bounds, panics, compression, headers.
pub(super) fn guarded<S: Clone + Send + Sync + 'static>(addresses: Router<S>) -> Router<S> {
    let compressed = SizeAbove::new(COMPRESSED_LEN_MIN).and(NotForContentType::const_new(BYTES));
    addresses
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| Problem::panicked().into_response()))
        .layer(middleware::from_fn(door::bound))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressed))
        .layer(middleware::from_fn(add_headers))
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {
        $(fn $name<V: Views, H: Handler<T, V>, T: 'static>(
            path: &'static str,
            handler: H,
            operation: &'static Operation,
        ) -> Address<V> {
            Address { method: Method::$method, path, operation, answers: routing::$name(handler) }
        })*
    };
}

methods!(get GET, put PUT, post POST, patch PATCH, delete DELETE);

/// Whether the hub can do its work: the database is readable and the writer answers.
async fn ready<V: Views>(State(views): State<V>) -> Result<Json<Value>, Problem> {
    views.read(Lane::Key, crate::store::documents::probe).await.map_err(|error| match error {
        ReadError::Busy => Problem::busy(),
        ReadError::Store(_) => Problem::unavailable("la base ne se lit pas : msap-hub doctor"),
    })?;
    match views.trouble() {
        None => Ok(Json(json!({ "status": "ready" }))),
        Some(why) => Err(Problem::unavailable(why)),
    }
}

async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
