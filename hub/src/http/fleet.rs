//! `GET /v1/fleet`: how sites and machines stand.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{Answer, Operation};
use super::door::Essence;
use super::openapi::answers;
use super::problem::Problem;
use super::scope::Role;
use super::spans::Spans;
use super::{list, tagged};
use crate::ask::Form;
use crate::fleet::{self, FleetFilter, FleetObject};
use crate::query::Antennas;

/// How sites and machines stand.
pub(super) const FLEET: Operation = Operation {
    more: "En JSON par pages, dans l’ordre des identifiants ; en tableau d’un coup, une ligne par poste. Les postes un à un \
           sont dits au rôle coordinator ; à un lecteur, l’état et les nombres de chaque lieu.",
    // Its last opening days.
    spans: Spans::Days(14),
    parameters: crate::fleet::PARAMETERS,
    ..Operation::read("L’état des lieux et des postes", "How sites and machines stand", Answer::Table(answers::fleet))
};

/// Tells of the sites in the token's scope that the filters let through: JSON page by page, tables whole.
pub(super) async fn fleet<V: Views>(asking: Asking<V>) -> Result<Response, Problem> {
    let answer = |sight: &Sight<'_>| {
        let filter = FleetFilter::of(sight.conn, sight.pairs)?;
        let today = sight.today;
        sight.within(&filter.scoped(), Antennas::Together, (today, today))?;
        let (form, pages) = (sight.form(filter.form, Form::Json), sight.pages()?);
        let filter = if form == Form::Json { filter.paged() } else { filter };
        let told = fleet::answer(sight.conn, &pages, &filter, sight.now)?;
        let told = if sight.caller.role < Role::Coordinator { told.without_machines() } else { told };
        let next = told.next.as_ref().map(|next| list::link(sight.pairs, next));
        let mut response = match form {
            Form::Sheet(format) => (tagged::file(&format!("parc-{today}")), told.sheet().write(format)).into_response(),
            Form::Json | Form::Text => {
                // The moment of asking is no change of what is told.
                let essence = serde_json::to_vec(&FleetObject { as_of: String::new(), ..told.clone() });
                let mut response = axum::Json(told).into_response();
                response.extensions_mut().insert(Essence(essence.map_err(|error| Problem::internal(&error))?));
                response
            }
        };
        if let Some(next) = next {
            response.headers_mut().insert(header::LINK, next);
        }
        Ok(response)
    };
    asking.read(answer).await
}
