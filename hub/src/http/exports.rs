//! `GET /v1/exports/anct.csv`: the network in the national list's layout.

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;

use super::Views;
use super::auth::Caller;
use super::describe::{Answer, CSV, Operation};
use super::problem::Problem;
use super::query::Pairs;
use super::scope::asked;
use crate::ask::parameter::{DEPARTMENT, Parameter, REGION};
use crate::ask::{self, Given};
use crate::published;
use crate::query::{Antennas, Filters};
use crate::site::{Life, Site};
use crate::store::sites::{self, SiteFilter};

const PARAMETERS: &[Parameter] = &[DEPARTMENT, REGION];

/// The national list.
pub(super) const ANCT: Operation = Operation {
    parameters: PARAMETERS,
    ..Operation::read(
        "Le réseau au format de la liste nationale",
        "The network in the national list’s layout",
        Answer::File(CSV, "id_fs;lib_fs;…"),
    )
};

/// The list, of a department or region or of all. Its name carries its date, as an import reads it.
pub(super) async fn anct<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<impl IntoResponse, Problem> {
    let today = ask::today(Timestamp::now());
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let given = Given::check(&pairs, PARAMETERS)?;
            let (departments, regions) = (ask::departments(&given)?, ask::regions(&given)?);
            let scoped = Filters { departments: departments.clone(), regions: regions.clone(), ..Filters::default() };
            if !caller.scope.covers(conn, &scoped, Antennas::Apart, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope, asked(&scoped)));
            }
            let lives = vec![Life::Open, Life::Labelled];
            let filter = SiteFilter { departments, regions, lives, ..SiteFilter::default() };
            let sites: Vec<Site> = sites::list(conn, &filter)?.into_iter().map(|(site, _)| site).collect();
            published::list(&sites, &*almanac.open(conn)?, today).map_err(|error| Problem::internal(&error))
        };
        Ok(answer())
    });
    let bytes = answer.await??;
    let date = today.date().strftime("%Y%m%d");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"liste-fs-{date}.csv\"")),
    ];
    Ok((headers, bytes))
}
