//! `GET /v1/fleet`: how sites and machines stand.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::describe::{Answer, Operation};
use super::door::Essence;
use super::list::Accepted;
use super::openapi::answers;
use super::problem::Problem;
use super::query::Pairs;
use super::{scope, tagged};
use crate::ask::{self, Form};
use crate::fleet::{self, FleetFilter};
use crate::query::Antennas;

/// How sites and machines stand.
pub(super) const FLEET: Operation = Operation {
    more: "En JSON par pages, dans l’ordre des identifiants ; en tableau d’un coup, une ligne par poste.",
    parameters: crate::fleet::PARAMETERS,
    ..Operation::read("L’état des lieux et des postes", "How sites and machines stand", Answer::Table(answers::fleet))
};

/// Tells of the sites in the token's scope that the filters let through: JSON page by page, tables whole.
pub(super) async fn fleet<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let today = ask::today(now);
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let filter = FleetFilter::of(conn, &pairs)?;
            let (scoped, form) = (filter.scoped(), filter.form.unwrap_or_else(|| Accepted::of(&headers).0));
            if !caller.scope.covers(conn, &scoped, Antennas::Together, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope, scope::asked(&scoped)));
            }
            let pages = almanac.open(conn)?;
            Ok(match form {
                Form::Json => {
                    let told = fleet::answer(conn, &pages, &filter.paged(), now)?;
                    // The moment of asking is no change of what is told.
                    let essence = serde_json::to_vec(&fleet::FleetObject { as_of: String::new(), ..told.clone() });
                    let mut response = axum::Json(told).into_response();
                    response.extensions_mut().insert(Essence(essence.map_err(|error| Problem::internal(&error))?));
                    response
                }
                Form::Sheet(format) => {
                    let bytes = fleet::answer(conn, &pages, &filter, now)?.sheet().write(format);
                    (tagged::file(&format!("parc-{today}")), bytes).into_response()
                }
            })
        };
        Ok(answer())
    });
    answer.await?
}
