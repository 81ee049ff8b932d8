//! `GET /v1/visits`: figures.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use msap_shared::time::Day;
use serde_json::{Map, Value, json};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use crate::ask;
use crate::store::figures::{self, Count, Figures, Query};

/// Answers a question on figures.
pub(super) async fn visits<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let today = ask::today(Timestamp::now());
    // The store's own errors and the asker's mistakes travel apart.
    let answer = views.read(move |conn| {
        let answer = || {
            let query = ask::figures(conn, &pairs, today)?;
            if let Some(beyond) = caller.scope.beyond(conn, &query)? {
                return Err(Problem::beyond(&caller.scope, beyond, &query.filters));
            }
            let figures = figures::answer(conn, &query)?;
            Ok(figures_object(&query, &figures, today))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
}

fn count(count: Count) -> Value {
    json!({ "visits": count.visits, "requests": count.requests })
}

/// The answer as the API and `msap-hub counts --json` give it.
pub fn figures_object(query: &Query, figures: &Figures, today: Day) -> Value {
    let row = |row: &figures::FigureRow| {
        let mut object = Map::new();
        for (key, value) in query.by.iter().zip(&row.keys) {
            object.insert(key.name().to_owned(), Value::String(value.clone()));
        }
        object.insert("visits".to_owned(), json!(row.count.visits));
        object.insert("requests".to_owned(), json!(row.count.requests));
        Value::Object(object)
    };
    json!({
        "as_of": today.to_string(),
        "from": query.from.to_string(),
        "to": query.to.to_string(),
        "by": query.by.iter().map(|key| key.name()).collect::<Vec<_>>(),
        "total": count(figures.total),
        "rows": figures.rows.iter().map(row).collect::<Vec<_>>(),
        "flagged": count(figures.flagged),
        // Nobody can tell yet which days should have been reported.
        "completeness": null,
    })
}
