//! `GET /v1/sites/{id}/partners` and `GET /v1/partners`: who is where, and how.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::{Extension, Json};
use msap_shared::document::partners::availability::availability;
use msap_shared::document::partners::{AgreementStatus, Contact, Mode};
use msap_shared::document::register::conflicts;
use msap_shared::document::schedule::OperatorToken;
use msap_shared::document::{DocId, DocKind};
use msap_shared::id::SiteId;
use msap_shared::schedule::edit::field;
use msap_shared::schedule::{DayPlan, plan};
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::asking::{Asking, Sight};
use super::auth::{self, Caller};
use super::describe::{Answer, Operation};
use super::list::{List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Brought, Name, SiteAndPartner};
use super::scope::{Scope, asked};
use super::sites::seen;
use super::write::{Fields, answer, author};
use crate::almanac::{self, Book, Pages, object};
use crate::ask::page::Page;
use crate::ask::parameter::{
    CURSOR, DAY, DEPARTMENT, FORMAT, LIMIT, PARTNER, PARTNER_NAME, Parameter, REGION, SITE, SITE_NAME,
};
use crate::ask::{self, AskError, Given};
use crate::coordinate::{self, PartnerChange};
use crate::lang::Phrase;
use crate::query::{Antennas, Filters};
use crate::site::{Life, Site};
use crate::store::StoreError;
use crate::store::sites::{self, SiteFilter};

const OF_DAY: &[Parameter] = &[DAY];
const PARAMETERS: &[Parameter] = &[PARTNER, DEPARTMENT, REGION, SITE, DAY, FORMAT, LIMIT, CURSOR];

/// The partners of a site.
pub(super) const OF_SITE: Operation = Operation {
    names: &[SITE_NAME],
    parameters: OF_DAY,
    ..Operation::read(
        "Les partenaires d’un lieu, un jour",
        "The partners of a site on a day",
        Answer::Json(answers::partners_of_site),
    )
};

/// Changes what is said of one.
pub(super) const PATCH: Operation = Operation {
    names: &[SITE_NAME, PARTNER_NAME],
    more: "Ce qui se contredisait sous ce qui est écrit est tranché par là, et dit dans settled.",
    body: Some(answers::partner_change),
    ..Operation::write(
        "Change ce qui est dit d’un partenaire, et seulement ce qui est nommé",
        "Changes what is said of a partner, and of it what is named only",
        Answer::Json(answers::written),
    )
};

/// Takes all of it back.
pub(super) const DELETE: Operation = Operation {
    names: &[SITE_NAME, PARTNER_NAME],
    ..Operation::write(
        "Retire tout ce qui est dit d’un partenaire",
        "Takes back all that is said of a partner",
        Answer::Json(answers::written),
    )
};

/// The partners of many sites.
pub(super) const OF_NETWORK: Operation = Operation {
    more: "Une ligne par partenaire et lieu, par pages de lieux dans l’ordre de leurs identifiants.",
    parameters: PARAMETERS,
    ..Operation::read("Qui est où, un jour", "Who is where on a day", Answer::Table(answers::partners))
};

const LIST: List = List {
    rows: "partners",
    file: "partenaires",
    columns: &[
        "site",
        "name",
        "commune",
        "department",
        "day",
        "operator",
        "label",
        "availability",
        "stale",
        "agreement/status",
        "agreement/day",
        "training/agents",
        "training/trained_on",
    ],
};

/// The partners of one site on a day.
pub(super) async fn of_site<V: Views>(asking: Asking<V>, Name(name): Name) -> Result<Json<Value>, Problem> {
    let answer = move |sight: &Sight<'_>| {
        let (site, _) = seen(sight.conn, sight.caller, &name)?;
        let given = Given::check(sight.pairs, OF_DAY)?;
        let day = asked_day(&given)?.unwrap_or_else(|| Day::at(sight.now, &site.timezone));
        let pages = sight.pages()?;
        let partners = on_day(&pages, &site, day, None);
        let mut facts = almanac::Facts::new();
        if let Some(document) = DocId::registers(site.id.clone(), DocKind::Partners) {
            facts = almanac::facts(sight.conn, &document)?;
        }
        let conflicts = conflicts(&facts);
        let conflicts =
            conflicts.iter().map(|conflict| object::conflict(site.id.as_str(), DocKind::Partners, conflict));
        Ok(json!({
            "site": site.id.as_str(),
            "day": day.to_string(),
            "partners": partners.into_iter().map(|(_, partner)| partner).collect::<Value>(),
            "conflicts": conflicts.collect::<Value>(),
        }))
    };
    asking.read(answer).await.map(Json)
}

/// Changes what is said of a partner at a site, and what of it is named only.
pub(super) async fn patch<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    SiteAndPartner(name, operator): SiteAndPartner,
    Brought(body): Brought,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let operator = field::operator("operator", &operator)?;
    let change = change(Fields::one(&body)?)?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let (site, _) = seen(core.connection(), caller, &name)?;
        Ok(answer(&site.id, &coordinate::partner(core, &author, &site, &operator, &change, now)?))
    });
    done.await.map(Json)
}

/// Takes back all that is said of a partner at a site.
pub(super) async fn delete<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    SiteAndPartner(name, operator): SiteAndPartner,
) -> Result<Json<Value>, Problem> {
    let author = author(&caller)?;
    let operator = field::operator("operator", &operator)?;
    let done = auth::change(&views, caller, move |core, caller, now| {
        let (site, _) = seen(core.connection(), caller, &name)?;
        Ok(answer(&site.id, &coordinate::remove_partner(core, &author, &site, &operator, now)?))
    });
    done.await.map(Json)
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
pub(super) async fn of_network<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let which = Which::read(sight.conn, &given)?;
        let asked = asked_day(&given)?;
        let page = Page::read(&given, LIST.rows)?;
        let day = asked.unwrap_or(sight.today);
        which.check_scope(sight.conn, &sight.caller.scope, (day, day))?;
        let pages = sight.pages()?;
        let only = (!which.operators.is_empty()).then_some(&*which.operators);
        // Sites that have nothing to tell take no place on a page.
        let (mut rows, mut told, mut next) = (Vec::new(), Vec::new(), None);
        for site in which.sites(sight.conn, &pages, page.after.clone())? {
            let day = asked.unwrap_or_else(|| Day::at(sight.now, &site.timezone));
            let found = on_day(&pages, &site, day, only);
            if found.is_empty() {
                continue;
            }
            if told.len() == page.limit as usize {
                next = told.last().map(|last: &SiteId| page.cursor(last.as_str()));
                break;
            }
            rows.extend(found.into_iter().map(|(_, mut row)| {
                row["site"] = json!(site.id.as_str());
                row["name"] = json!(site.name);
                row["commune"] = json!(site.commune);
                row["department"] = json!(site.department);
                row["day"] = json!(day.to_string());
                row
            }));
            told.push(site.id);
        }
        let object = json!({ "day": asked.map(|day| day.to_string()), "partners": rows });
        sight.page(&LIST, &given, object, next)
    };
    asking.read(answer).await
}

pub(super) const OPERATOR: Phrase =
    Phrase::new("un partenaire : un code comme CNAF, ou LOCAL:nom", "a partner: a code such as CNAF, or LOCAL:name");
const A_SITE: Phrase = Phrase::new("l’identifiant ou l’alias d’un site", "the id or alias of a site");

fn asked_day(given: &Given) -> Result<Option<Day>, AskError> {
    given.one("day").map(|text| ask::day("day", text)).transpose()
}

/// Which partners at which sites a question is about.
pub(super) struct Which {
    /// All of them when there are none.
    pub(super) operators: Vec<OperatorToken>,
    filters: Filters,
}

impl Which {
    /// Reads `operator`, `site`, `department` and `region`.
    pub(super) fn read(conn: &Connection, given: &Given) -> Result<Self, AskError> {
        let in_catalogue = |operator: &OperatorToken| coordinate::known(operator).is_ok();
        let operators = given.list("operator", OPERATOR, |text| Ok(text.parse().ok().filter(in_catalogue)))?;
        let sites = given.list("site", A_SITE, |text| Ok(sites::resolve(conn, text)?))?;
        let (departments, regions) = (ask::departments(given)?, ask::regions(given)?);
        Ok(Self { operators, filters: Filters { sites, departments, regions, ..Filters::default() } })
    }

    /// A partner sees where itself is, everywhere; others what lies in their part of the network.
    pub(super) fn check_scope(&self, conn: &Connection, scope: &Scope, period: (Day, Day)) -> Result<(), Problem> {
        let covered = match scope {
            Scope::Operator(mine) => {
                let own = |token: &OperatorToken| matches!(token, OperatorToken::Known(code) if code == mine);
                !self.operators.is_empty() && self.operators.iter().all(own)
            }
            _ => scope.covers(conn, &self.filters, Antennas::Apart, period)?,
        };
        match covered {
            true => Ok(()),
            false => Err(Problem::outside_scope(scope, asked_for(&self.filters, &self.operators), PARAMETERS)),
        }
    }

    /// The sites that are meant and have said anything, after the one that a cursor names.
    pub(super) fn sites(
        &self,
        conn: &Connection,
        pages: &Pages,
        after: Option<String>,
    ) -> Result<Vec<Site>, StoreError> {
        let Filters { sites: wanted, departments, regions, .. } = &self.filters;
        let (departments, regions) = (departments.clone(), regions.clone());
        let found = sites::list(conn, &SiteFilter { departments, regions, after, ..SiteFilter::default() })?;
        let meant = |site: &Site| {
            site.life != Life::Retired
                && (wanted.is_empty() || wanted.contains(&site.id))
                && pages.book(&site.id).is_some()
        };
        Ok(found.into_iter().map(|(site, _)| site).filter(meant).collect())
    }
}

/// What was asked for, in the words of scopes.
fn asked_for(filters: &Filters, operators: &[OperatorToken]) -> String {
    match operators.iter().take(10).map(|operator| format!("operator:{operator}")).collect::<Vec<_>>() {
        none if none.is_empty() => asked(filters),
        several if *filters == Filters::default() => several.join(", "),
        several => format!("{}, {}", several.join(", "), asked(filters)),
    }
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
