//! The addresses and what holds for all of them: who asks under `/v1`, headers, limits.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{
    Entrance, Views, auth, closures, conflicts, documents, exports, fleet, journal, label, partners, permanences,
    public, reports, schedule, session, settling, sites, visits,
};

/// Largest body of a request.
const BODY_LEN_MAX: usize = 64 * 1024;

/// Sent with every answer that does not say otherwise. Nothing here is a page, so nothing may be
/// loaded, framed or stored.
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
    #[cfg_attr(not(test), expect(dead_code, reason = "the router knows it; the test that walks the list asks"))]
    pub(super) method: Method,
    pub(super) path: &'static str,
    answers: MethodRouter<V>,
}

/// Everything under `/v1`. The router is made of this list, and the test of who may what walks it.
pub(super) fn addresses<V: Views>() -> Vec<Address<V>> {
    vec![
        get("/visits", visits::visits::<V>),
        get("/completeness", visits::completeness::<V>),
        get("/fleet", fleet::fleet::<V>),
        get("/label", label::label::<V>),
        get("/network", reports::network::<V>),
        get("/coverage", reports::coverage::<V>),
        get("/operators/{code}/return", reports::returned::<V>),
        get("/sites", sites::sites::<V>),
        get("/sites/{id}", sites::site::<V>),
        get("/sites/{id}/report", reports::report::<V>),
        get("/sites/{id}/schedule", schedule::schedule::<V>),
        get("/sites/{id}/schedule.ics", schedule::calendar::<V>),
        get("/sites/{id}/hours.osm", schedule::osm::<V>),
        put("/sites/{id}/closures", closures::put_of_site::<V>),
        delete("/sites/{id}/closures", closures::delete_of_site::<V>),
        get("/sites/{id}/partners", partners::of_site::<V>),
        patch("/sites/{id}/partners/{operator}", partners::patch::<V>),
        delete("/sites/{id}/partners/{operator}", partners::delete::<V>),
        get("/partners", partners::of_network::<V>),
        get("/partners.ics", permanences::calendar::<V>),
        get("/closures", closures::of_network::<V>),
        put("/closures", closures::put_of_network::<V>),
        delete("/closures/{id}", closures::delete_of_network::<V>),
        get("/exports/anct.csv", exports::anct::<V>),
        get("/conflicts", conflicts::list::<V>),
        post("/conflicts/{id}", conflicts::settle::<V>),
        get("/flagged", settling::flagged::<V>),
        get("/refused", settling::refused::<V>),
        get("/documents", documents::list::<V>),
        get("/documents/{*id}", documents::document::<V>),
        get("/journal", journal::list::<V>),
        post(session::PATH, session::sign_in::<V>),
        get(session::PATH, session::whoami),
        delete(session::PATH, session::sign_out::<V>),
    ]
}

/// All addresses over these views, behind this door.
pub fn router<V: Views>(views: V, entrance: Arc<Entrance>) -> Router {
    let under_v1 = addresses::<V>().into_iter();
    let v1 = under_v1
        .fold(Router::new(), |router, address| router.route(address.path, address.answers))
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("cette adresse n’existe pas"))
        .layer(middleware::from_fn_with_state(views.clone(), auth::require_caller::<V>))
        .layer(Extension(entrance));
    Router::new()
        .route("/v1/public", routing::get(public::list::<V>))
        .route("/v1/public/{table}", routing::get(public::read::<V>))
        .nest("/v1", v1)
        .route("/healthz", routing::get(async || Json(json!({ "status": "alive" }))))
        .route("/readyz", routing::get(ready::<V>))
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("cette adresse n’existe pas"))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(middleware::from_fn(add_headers))
        .with_state(views)
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {
        $(fn $name<V: Views, H: Handler<T, V>, T: 'static>(path: &'static str, handler: H) -> Address<V> {
            Address { method: Method::$method, path, answers: routing::$name(handler) }
        })*
    };
}

methods!(get GET, put PUT, post POST, patch PATCH, delete DELETE);

/// Whether the hub can do its work: the database is readable and the writer answers.
async fn ready<V: Views>(State(views): State<V>) -> Result<Json<Value>, Problem> {
    views
        .look_up(crate::store::documents::probe)
        .await
        .map_err(|_| Problem::unavailable("la base ne se lit pas : msap-hub doctor"))?;
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
