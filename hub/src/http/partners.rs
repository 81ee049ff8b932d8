//! `GET /v1/sites/{id}/partners` and `GET /v1/partners`: who is where, and how.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use msap_shared::document::partners::availability::availability;
use msap_shared::document::partners::{AgreementStatus, Contact, Mode};
use msap_shared::document::register::conflicts;
use msap_shared::document::schedule::OperatorToken;
use msap_shared::document::{DocId, DocKind};
use msap_shared::schedule::edit::field;
use msap_shared::schedule::{DayPlan, plan};
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::scope::Scope;
use super::sites::{PAGE, cursor, page, seen};
use super::write::{Fields, answer, author};
use crate::almanac::{self, Book, Pages, object};
use crate::ask::{self, AskError, Given};
use crate::coordinate::{self, PartnerChange};
use crate::lang::Phrase;
use crate::query::{Antennas, Filters};
use crate::site::{Life, Site};
use crate::store::sites::{self, SiteFilter};

/// The partners of one site on a day.
pub(super) async fn of_site<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let (site, _) = seen(conn, &caller, &name)?;
            let given = Given::check(&pairs, &[("day", true)])?;
            let day = asked_day(&given)?.unwrap_or_else(|| Day::at(Timestamp::now(), &site.timezone));
            let pages = almanac.open(conn)?;
            let partners = on_day(&pages, &site, day, None);
            let mut facts = almanac::Facts::new();
            if let Some(document) = DocId::registers(site.id.clone(), DocKind::Partners) {
                facts = almanac::facts(conn, &document)?;
            }
            let conflicts = conflicts(&facts);
            let conflicts = conflicts.iter().map(|conflict| object::conflict(site.id.as_str(), conflict));
            Ok(json!({
                "site": site.id.as_str(),
                "day": day.to_string(),
                "partners": partners.into_iter().map(|(_, partner)| partner).collect::<Value>(),
                "conflicts": conflicts.collect::<Value>(),
            }))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
}

/// Changes what is said of a partner at a site, and what of it is named only.
pub(super) async fn patch<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Path((name, operator)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let operator = field::operator("operator", &operator)?;
    let change = change(Fields::one(&body)?)?;
    let done = views.change(move |core, now| {
        let (site, _) = seen(core.connection(), &caller, &name)?;
        Ok::<_, Problem>(answer(&coordinate::partner(core, &author, &site, &operator, &change, now)?))
    });
    done.await.ok_or_else(Problem::stopping)?.map(Json)
}

fn change(mut fields: Fields) -> Result<PartnerChange, Problem> {
    let one_of = |field: &'static str, known: &str| Problem::field(field, format!("attendu : {known}"));
    let mode = fields
        .text("mode")?
        .flatten()
        .map(|text| Mode::known(&text).ok_or_else(|| one_of("mode", "permanence, partial, reachable ou absent")));
    let contact = fields.text("contact")?.map(|text| text.map(|text| Contact::read(&text)).transpose());
    let until = fields.text("until")?.map(|text| text.map(|text| field::day("until", &text)).transpose());
    let mut agreement = None;
    if let Some(mut inner) = fields.object("agreement")? {
        let status = inner.needed("status")?;
        let status =
            AgreementStatus::known(&status).ok_or_else(|| one_of("status", "signed, in_progress ou to_come"))?;
        let day = inner.text("day")?.flatten().map(|text| field::day("day", &text)).transpose()?;
        inner.finish()?;
        agreement = Some((status, day));
    }
    let mut training = None;
    if let Some(mut inner) = fields.object("training")? {
        let agents = inner.number("agents")?.ok_or_else(|| Problem::field("agents", "ce champ manque"))?;
        let trained_on = field::day("trained_on", &inner.needed("trained_on")?)?;
        inner.finish()?;
        training = Some((agents, trained_on));
    }
    let mut cancel = None;
    if let Some(mut inner) = fields.object("cancel")? {
        let day = field::day("day", &inner.needed("day")?)?;
        let place = field::place("place", &inner.text_or("place", "-")?)?;
        let reason = field::reason("reason", &inner.needed("reason")?)?;
        inner.finish()?;
        cancel = Some((day, place, reason));
    }
    let label = fields.text("label")?.flatten().map(|text| field::line("label", &text)).transpose()?;
    let confirm = fields.flag("confirm")?;
    let change = PartnerChange {
        mode: mode.transpose()?,
        contact: contact.transpose()?,
        until: until.transpose()?,
        confirm,
        agreement,
        training,
        label,
        cancel,
    };
    fields.finish()?;
    Ok(change)
}

/// The partners of many sites on a day, one row a partner and site, by pages of sites.
pub(super) async fn of_network<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    let now = Timestamp::now();
    let almanac = views.almanac().clone();
    let answer = views.read(move |conn| {
        let answer = || {
            let known = [
                ("operator", true),
                ("department", true),
                ("region", true),
                ("site", true),
                ("day", true),
                ("limit", true),
                ("cursor", true),
            ];
            let given = Given::check(&pairs, &known)?;
            let operators = given.list("operator", OPERATOR, |text| Ok(text.parse::<OperatorToken>().ok()))?;
            let wanted = given.list("site", SITE, |text| Ok(sites::resolve(conn, text)?))?;
            let filter = SiteFilter {
                departments: ask::departments(&given)?,
                regions: ask::regions(&given)?,
                ..SiteFilter::default()
            };
            let asked = asked_day(&given)?;
            let (after, limit) = page(&given)?;
            let limit = limit.unwrap_or(PAGE) as usize;
            let scoped = Filters {
                sites: wanted.clone(),
                departments: filter.departments.clone(),
                regions: filter.regions.clone(),
                ..Filters::default()
            };
            if !may_see(conn, &caller.scope, &scoped, &operators, asked.unwrap_or_else(|| ask::today(now)))? {
                return Err(Problem::outside_scope(&caller.scope.to_string()));
            }
            let pages = almanac.open(conn)?;
            let mut all = sites::list(conn, &SiteFilter { after, ..filter })?;
            all.retain(|(site, _)| {
                site.life != Life::Retired
                    && (wanted.is_empty() || wanted.contains(&site.id))
                    && pages.book(&site.id).is_some()
            });
            let more = all.len() > limit;
            all.truncate(limit);
            let next = all.last().filter(|_| more).map(|(site, _)| cursor(site.id.as_str()));
            let mut rows = Vec::new();
            for (site, _) in &all {
                let day = asked.unwrap_or_else(|| Day::at(now, &site.timezone));
                let only = (!operators.is_empty()).then_some(&*operators);
                rows.extend(on_day(&pages, site, day, only).into_iter().map(|(_, mut row)| {
                    row["site"] = json!(site.id.as_str());
                    row["name"] = json!(site.name);
                    row["commune"] = json!(site.commune);
                    row["department"] = json!(site.department);
                    row["day"] = json!(day.to_string());
                    row
                }));
            }
            Ok(json!({ "day": asked.map(|day| day.to_string()), "partners": rows, "next": next }))
        };
        Ok(answer())
    });
    answer.await?.map(Json)
}

const OPERATOR: Phrase =
    Phrase::new("un partenaire : un code comme CNAF, ou LOCAL:nom", "a partner: a code such as CNAF, or LOCAL:name");
const SITE: Phrase = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");

fn asked_day(given: &Given) -> Result<Option<Day>, AskError> {
    given.one("day").map(|text| ask::day("day", text)).transpose()
}

/// A partner sees where itself is, everywhere; others what lies in their part of the network.
fn may_see(
    conn: &Connection,
    scope: &Scope,
    filters: &Filters,
    operators: &[OperatorToken],
    day: Day,
) -> Result<bool, Problem> {
    if let Scope::Operator(mine) = scope {
        let own = |token: &OperatorToken| matches!(token, OperatorToken::Known(code) if code == mine);
        return Ok(!operators.is_empty() && operators.iter().all(own));
    }
    Ok(scope.covers(conn, filters, Antennas::Apart, (day, day))?)
}

/// Each partner that the site speaks of, or only these, on a day.
fn on_day(pages: &Pages, site: &Site, day: Day, only: Option<&[OperatorToken]>) -> Vec<(OperatorToken, Value)> {
    let Some(book) = pages.book(&site.id) else { return Vec::new() };
    let plan = plan(&book.schedule, day, &pages.around(site).surroundings());
    let mut operators = named(book, &plan);
    operators.retain(|operator| only.is_none_or(|only| only.contains(operator)));
    let object = |operator: OperatorToken| {
        let derived = availability(&book.partners, &book.schedule, &plan, &operator, pages.rules().stale_after_days);
        let object = object::partner(&operator, book.partners.partner(&operator), &derived);
        (operator, object)
    };
    operators.into_iter().map(object).collect()
}

/// The partners that a site says something of, or that come on this day.
fn named(book: &Book, plan: &DayPlan) -> BTreeSet<OperatorToken> {
    let said = book.partners.operators().map(|(operator, _)| operator.clone());
    let regular = book.schedule.permanences_on(plan.day).map(|(operator, ..)| operator.clone());
    let coming = plan.permanences.iter().chain(plan.versions.iter().flat_map(|version| &version.plan.permanences));
    said.chain(regular).chain(coming.map(|coming| coming.operator.clone())).collect()
}
