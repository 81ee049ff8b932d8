//! `GET /v1/sites` and `GET /v1/sites/{id}`.

use axum::extract::State;
use axum::{Extension, Json};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use msap_shared::schedule::Now;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::auth::Caller;
use super::moment::{self, Moment};
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::asked;
use crate::almanac::Pages;
use crate::ask::{self, AskError, Given};
use crate::lang::Phrase;
use crate::query::{Antennas, Filters};
use crate::site::{Contact, Site, SiteObject};
use crate::store::StoreError;
use crate::store::sites::{self, SiteFilter};

/// Sites, or other rows, on one page, unless asked otherwise.
pub(super) const PAGE: u32 = 500;
/// Most of them on one page.
pub(super) const PAGE_MAX: u32 = 1_000;

const PARAMETERS: [(&str, bool); 8] = [
    ("department", true),
    ("region", true),
    ("kind", true),
    ("life", true),
    ("limit", true),
    ("cursor", true),
    ("state", false),
    ("open_at", true),
];

/// Lists sites, one page at a time.
pub(super) async fn sites<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let now = Timestamp::now();
    let today = ask::today(now);
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let filter = site_filter(&pairs)?;
            let open_at = moment::asked(&pairs)?;
            let scoped = Filters {
                departments: filter.departments.clone(),
                regions: filter.regions.clone(),
                ..Filters::default()
            };
            if !caller.scope.covers(conn, &scoped, Antennas::Apart, (today, today))? {
                return Err(Problem::outside_scope(&caller.scope, asked(&scoped)));
            }
            let limit = filter.limit.unwrap_or(PAGE);
            let pages = almanac.open(conn)?;
            // One more than shown tells whether there is a next page.
            let (mut found, states) = match open_at {
                None => (sites::list(conn, &SiteFilter { limit: Some(limit + 1), ..filter })?, None),
                Some(moment) => {
                    let (open, states) = open_sites(conn, &pages, &filter, moment)?;
                    (open, Some(states))
                }
            };
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let last = found.last().filter(|_| more).map(|(site, _)| cursor(site.id.as_str()));
            let objects: Vec<_> =
                found.iter().map(|(site, contact)| SiteObject::of(site, contact, &pages, now)).collect();
            Ok(match states {
                None => json!({ "sites": objects, "next": last }),
                Some(states) => json!({ "sites": objects, "open_at": states, "next": last }),
            })
        };
        Ok(answer())
    });
    answer.await?.map(Json)
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
pub(super) async fn site<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Json<SiteObject>, Problem> {
    Given::check(&pairs, &[])?;
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let (site, contact) = seen(conn, &caller, &name)?;
            Ok(SiteObject::of(&site, &contact, &*almanac.open(conn)?, Timestamp::now()))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
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

/// A cursor is opaque, so that what it holds may change.
pub(super) fn cursor(last: &str) -> String {
    BASE64URL_NOPAD.encode(last.as_bytes())
}

/// The page that these parameters name: where it begins and how long it is.
pub(super) fn page(given: &Given) -> Result<(Option<String>, Option<u32>), AskError> {
    let after = match given.one("cursor") {
        None => None,
        Some(text) => {
            let last = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some(last.ok_or_else(|| ask::not_a_cursor(text))?)
        }
    };
    let limit = match given.one("limit") {
        None => None,
        Some(text) => Some((text.parse().ok()).filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or_else(|| {
            ask::wrong("limit", text, Phrase::new("un nombre de 1 à 1000", "a number from 1 to 1000"))
        })?),
    };
    Ok((after, limit))
}

/// The filter that these names and values ask for.
pub fn site_filter(pairs: &[(String, String)]) -> Result<SiteFilter, AskError> {
    let given = Given::check(pairs, &PARAMETERS)?;
    let (after, limit) = page(&given)?;
    Ok(SiteFilter {
        ids: Vec::new(),
        departments: ask::departments(&given)?,
        regions: ask::regions(&given)?,
        kinds: given.list("kind", Phrase::new("house ou antenna", "house or antenna"), |text| Ok(text.parse().ok()))?,
        lives: given.list(
            "life",
            Phrase::new(
                "candidate, project, open, labelled ou retired",
                "candidate, project, open, labelled or retired",
            ),
            |text| Ok(text.parse().ok()),
        )?,
        after,
        limit,
    })
}
