//! `GET /v1/sites` and `GET /v1/sites/{id}`.

use axum::Json;
use msap_shared::schedule::Now;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::asking::{Asking, Sight};
use super::auth::Caller;
use super::describe::{Answer, Operation};
use super::list::{List, Listed};
use super::moment::{self, Moment};
use super::openapi::answers;
use super::problem::Problem;
use super::query::Name;
use crate::almanac::Pages;
use crate::ask::page::Page;
use crate::ask::parameter::{
    CURSOR, DEPARTMENT, FORMAT, KIND, LIFE, LIMIT, OPEN_AT, Parameter, REGION, SITE_NAME, STATE,
};
use crate::ask::{self, AskError, Given};
use crate::fleet;
use crate::lang::Phrase;
use crate::query::{Antennas, Filters};
use crate::site::{Contact, Site, SiteObject};
use crate::store::StoreError;
use crate::store::sites::{self, SiteFilter};

const PARAMETERS: &[Parameter] = &[DEPARTMENT, REGION, KIND, LIFE, STATE, OPEN_AT, FORMAT, LIMIT, CURSOR];

/// The sites.
pub(super) const SITES: Operation = Operation {
    parameters: PARAMETERS,
    ..Operation::read(
        "Les lieux, dans l’ordre de leurs identifiants",
        "The sites, by id",
        Answer::Table(answers::sites),
    )
};

/// One site.
pub(super) const SITE: Operation =
    Operation { names: &[SITE_NAME], ..Operation::read("Un lieu", "One site", Answer::Json(answers::site)) };

const LIST: List = List {
    rows: "sites",
    file: "lieux",
    columns: &[
        "id",
        "name",
        "kind",
        "life",
        "parent",
        "format",
        "commune",
        "insee",
        "department",
        "region",
        "bearer",
        "lat",
        "lon",
        "timezone",
        "holiday_zone",
        "school_zone",
        "osm_opening_hours",
        "weekly_minutes",
        "label_date",
        "open_now",
        "state",
        "last_contact",
        "waiting",
        "version",
        "quality",
    ],
};

/// Lists sites, one page at a time.
pub(super) async fn sites<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let page = Page::read(&given, LIST.rows)?;
        let filter = SiteFilter { after: page.after.clone(), ..filter(&given)? };
        let (open_at, wanted) = (moment::asked(sight.pairs)?, ask::states(&given)?);
        let scoped =
            Filters { departments: filter.departments.clone(), regions: filter.regions.clone(), ..Filters::default() };
        sight.within(&scoped, Antennas::Apart, (sight.today, sight.today))?;
        let (pages, now) = (sight.pages()?, sight.now);
        // What is worked out of a site is asked of all of them.
        let limit = wanted.is_empty().then(|| page.wanted());
        let (mut found, numbers) = match open_at {
            None => (sites::list(sight.conn, &SiteFilter { limit, ..filter })?, None),
            Some(moment) => {
                let (open, numbers) = open_sites(sight.conn, &pages, &filter, moment)?;
                (open, Some(numbers))
            }
        };
        if !wanted.is_empty() {
            found.retain(|(site, contact)| {
                let stands = fleet::stands(site, contact, &pages, now);
                wanted.iter().any(|state| state == stands)
            });
        }
        let next = page.cut(&mut found, |(site, _)| site.id.to_string());
        let objects: Vec<_> = found.iter().map(|(site, contact)| SiteObject::of(site, contact, &pages, now)).collect();
        let mut object = json!({ "sites": objects });
        if let Some(numbers) = numbers {
            object["open_at"] = numbers;
        }
        sight.page(&LIST, &given, object, next)
    };
    asking.read(answer).await
}

/// The sites after the cursor that are open at a moment, and how many of all that the filter lets
/// through are open, shut or unknown then. Those of which it is not known are not listed: the
/// number says that they are there.
fn open_sites(
    conn: &Connection,
    pages: &Pages,
    filter: &SiteFilter,
    moment: Moment,
) -> Result<(Vec<(Site, Contact)>, Value), StoreError> {
    let all = sites::list(conn, &SiteFilter { after: None, limit: None, ..filter.clone() })?;
    let (mut open, mut shut, mut unknown) = (0_u32, 0_u32, 0_u32);
    let mut found = Vec::new();
    for (site, contact) in all {
        match pages.open(&site, moment.at(&site.timezone)) {
            Now::Open => {
                open += 1;
                let after = filter.after.as_ref().is_none_or(|after| site.id.as_str() > after.as_str());
                found.extend(after.then_some((site, contact)));
            }
            Now::Shut => shut += 1,
            Now::Unknown => unknown += 1,
        }
    }
    Ok((found, json!({ "open": open, "shut": shut, "unknown": unknown })))
}

/// One site, by its id or an alias.
pub(super) async fn site<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Json<SiteObject>, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, contact) = seen(sight.conn, sight.caller, &name)?;
        Ok(SiteObject::of(&site, &contact, &*sight.pages()?, sight.now))
    };
    asking.read(answer).await.map(Json)
}

/// The site that an address names, if the caller may see it. The list of sites is public: 403
/// instead of 404 gives nothing away.
pub(super) fn seen(conn: &Connection, caller: &Caller, name: &str) -> Result<(Site, Contact), Problem> {
    let found = match sites::resolve(conn, name)? {
        Some(id) => sites::find(conn, &id)?,
        None => None,
    };
    match found {
        Some((site, _)) if !caller.scope.covers_site(&site) => {
            Err(Problem::not_in_scope(&caller.scope, format!("site:{}", site.id)))
        }
        Some(found) => Ok(found),
        None => Err(Problem::not_found("aucun lieu n’a cet identifiant ni cet alias")),
    }
}

/// The filter that these names and values ask for.
pub fn site_filter(pairs: &[(String, String)]) -> Result<SiteFilter, AskError> {
    filter(&Given::check(pairs, PARAMETERS)?)
}

fn filter(given: &Given) -> Result<SiteFilter, AskError> {
    Ok(SiteFilter {
        ids: Vec::new(),
        departments: ask::departments(given)?,
        regions: ask::regions(given)?,
        kinds: given.list("kind", Phrase::new("house ou antenna", "house or antenna"), |text| Ok(text.parse().ok()))?,
        lives: given.list(
            "life",
            Phrase::new(
                "candidate, project, open, labelled ou retired",
                "candidate, project, open, labelled or retired",
            ),
            |text| Ok(text.parse().ok()),
        )?,
        ..SiteFilter::default()
    })
}
