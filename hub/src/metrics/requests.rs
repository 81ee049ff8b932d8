//! Counting what the HTTP interface answers, by route and never by address.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;

use super::Metrics;

/// The route of an address that does not exist.
const OTHER: &str = "other";

/// The same routes, counted.
pub fn counted(router: Router, metrics: Metrics) -> Router {
    router.layer(middleware::from_fn_with_state(metrics, count))
}

async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    metrics.requested(route.as_ref().map_or(OTHER, MatchedPath::as_str), response.status().as_u16());
    response
}
