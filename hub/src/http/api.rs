//! The addresses and what holds for all of them: tokens under `/v1`, headers, limits.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{
    Views, auth, closures, conflicts, documents, exports, partners, public, schedule, settling, sites, visits,
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

/// All addresses over these views.
pub fn router<V: Views>(views: V) -> Router {
    let v1 = Router::new()
        .route("/visits", get(visits::visits::<V>))
        .route("/sites", get(sites::sites::<V>))
        .route("/sites/{id}", get(sites::site::<V>))
        .route("/sites/{id}/schedule", get(schedule::schedule::<V>))
        .route("/sites/{id}/schedule.ics", get(schedule::calendar::<V>))
        .route("/sites/{id}/hours.osm", get(schedule::osm::<V>))
        .route("/sites/{id}/closures", put(closures::put_of_site::<V>).delete(closures::delete_of_site::<V>))
        .route("/sites/{id}/partners", get(partners::of_site::<V>))
        .route("/sites/{id}/partners/{operator}", patch(partners::patch::<V>))
        .route("/partners", get(partners::of_network::<V>))
        .route("/closures", get(closures::of_network::<V>).put(closures::put_of_network::<V>))
        .route("/closures/{id}", delete(closures::delete_of_network::<V>))
        .route("/exports/anct.csv", get(exports::anct::<V>))
        .route("/conflicts", get(conflicts::list::<V>))
        .route("/conflicts/{id}", post(conflicts::settle::<V>))
        .route("/flagged", get(settling::flagged::<V>))
        .route("/refused", get(settling::refused::<V>))
        .route("/documents", get(documents::list::<V>))
        .route("/documents/{*id}", get(documents::document::<V>))
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("no such address"))
        .layer(middleware::from_fn_with_state(views.clone(), auth::require_token::<V>));
    Router::new()
        .route("/v1/public", get(public::list::<V>))
        .route("/v1/public/{table}", get(public::read::<V>))
        .nest("/v1", v1)
        .route("/healthz", get(async || Json(json!({ "status": "alive" }))))
        .route("/readyz", get(ready::<V>))
        .method_not_allowed_fallback(async || Problem::method())
        .fallback(async || Problem::not_found("no such address"))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(middleware::from_fn(add_headers))
        .with_state(views)
}

/// Whether the hub can do its work: the database is readable and the writer answers.
async fn ready<V: Views>(State(views): State<V>) -> Result<Json<Value>, Problem> {
    views
        .look_up(crate::store::documents::probe)
        .await
        .map_err(|_| Problem::unavailable("the database cannot be read"))?;
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
