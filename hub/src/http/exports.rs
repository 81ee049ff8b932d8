//! `GET /v1/exports/anct.csv`: the network in the national list's layout.

use axum::http::header;
use axum::response::IntoResponse;

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{Answer, CSV, Operation};
use super::problem::Problem;
use super::spans::Spans;
use crate::ask::parameter::{DEPARTMENT, Parameter, REGION};
use crate::ask::{self, Given};
use crate::published;
use crate::query::{Antennas, Filters};
use crate::site::{Life, Site};
use crate::store::sites::{self, SiteFilter};

const PARAMETERS: &[Parameter] = &[DEPARTMENT, REGION];

/// The national list.
pub(super) const ANCT: Operation = Operation {
    spans: Spans::All,
    parameters: PARAMETERS,
    ..Operation::read(
        "Le réseau au format de la liste nationale",
        "The network in the national list’s layout",
        Answer::File(CSV, "id_fs;lib_fs;…"),
    )
};

/// The list, of a department or region or of all. Its name carries its date, as an import reads it.
pub(super) async fn anct<V: Views>(asking: Asking<V>) -> Result<impl IntoResponse, Problem> {
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let (departments, regions) = (ask::departments(&given)?, ask::regions(&given)?);
        let scoped = Filters { departments: departments.clone(), regions: regions.clone(), ..Filters::default() };
        let today = sight.today;
        sight.within(&scoped, Antennas::Apart, (today, today))?;
        let lives = vec![Life::Open, Life::Labelled];
        let filter = SiteFilter { departments, regions, lives, ..SiteFilter::default() };
        let sites: Vec<Site> = sites::list(sight.conn, &filter)?.into_iter().map(|(site, _)| site).collect();
        let bytes = published::list(&sites, &*sight.pages()?, today).map_err(|error| Problem::internal(&error))?;
        Ok((bytes, today))
    };
    let (bytes, today) = asking.read(answer).await?;
    let date = today.date().strftime("%Y%m%d");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"liste-fs-{date}.csv\"")),
    ];
    Ok((headers, bytes))
}
