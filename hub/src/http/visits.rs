//! `GET /v1/visits` and `GET /v1/completeness`: figures, and how complete they are.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::tagged::{self, Asked};
use crate::ask::{self, Question};
use crate::completeness::told;
use crate::counts;
use crate::store::StoreError;

/// Which of the two is asked.
#[derive(Clone, Copy)]
enum View {
    Visits,
    Completeness,
}

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    answer(View::Visits, state, caller, headers, pairs).await
}

/// Answers a question on completeness.
pub(super) async fn completeness<V: Views>(
    state: State<V>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    answer(View::Completeness, state, caller, headers, pairs).await
}

async fn answer<V: Views>(
    view: View,
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let almanac = views.almanac().clone();
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            // Of one moment: the tag must be that of what is summed.
            let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
            let today = ask::today(now);
            let (Question { query, form }, name) = match view {
                View::Visits => (ask::figures(&moment, &pairs, today)?, "visites"),
                View::Completeness => (ask::completeness(&moment, &pairs, today)?, "completude"),
            };
            if let Some(beyond) = caller.scope.beyond(&moment, &query)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let (question, name) = (format!("{name} {query:?}"), format!("{name}-{}-{}", query.from, query.to));
            let pages = almanac.open(&moment)?;
            let asked = Asked { question, rules: pages.rules(), form, name, now };
            match view {
                View::Visits => {
                    tagged::answer(&moment, &headers, asked, || Ok(counts::answer(&moment, &pages, query, now)?))
                }
                View::Completeness => {
                    tagged::answer(&moment, &headers, asked, || Ok(told::answer(&moment, &pages, query, now)?))
                }
            }
        };
        Ok(answer())
    });
    Ok(axum::response::IntoResponse::into_response(answer.await??))
}
