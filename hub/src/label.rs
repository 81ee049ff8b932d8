//! What a house's label asks for, and how far it is there: help for the prefect's referent.
//!
//! Called by `http::label`, by `admin::look`, and once a day by the service, which keeps what has
//! changed. Each check says from what it follows, in numbers and words; none of it decides
//! anything. A house is judged by itself, without its antennas. Invariant: what is not known, or
//! contradicted, is never taken for met nor for not met.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use msap_shared::id::SiteId;
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use crate::almanac::Pages;
use crate::ask;
use crate::ask::page::Page;
use crate::completeness::{self, Named, Rows, Tally};
use crate::lang::Lang;
use crate::query::{Antennas, Filters, Key, Query};
use crate::site::{Kind, Life, Site};
use crate::store::figures::FigureError;
use crate::store::label_history::{self, Noted};
use crate::store::reporters::Stretch;
use crate::store::site_facts;
use crate::store::sites::{self, SiteFilter};

mod judge;
pub mod told;

/// The thresholds of the label; settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRules {
    /// Minutes of the regular week that a house is to be open.
    pub minutes: u32,
    /// How near to a threshold of minutes is a risk.
    pub near_minutes: u32,
    /// Agents who are to be there at once.
    pub agents: u8,
    /// Partners that are to be had.
    pub partners: usize,
    /// Closed months that are to be without a missing day.
    pub months: u8,
    /// Months for which a confirmation of the published hours holds.
    pub confirmed_months: u8,
}

impl Default for LabelRules {
    fn default() -> Self {
        Self { minutes: 24 * 60, near_minutes: 60, agents: 2, partners: 2, months: 1, confirmed_months: 6 }
    }
}

/// How far something is there; from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Met,
    /// Nobody can tell.
    Unknown,
    /// It is, and little is needed for it not to be.
    AtRisk,
    /// It is not.
    NotMet,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Met, Self::AtRisk, Self::NotMet, Self::Unknown];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::AtRisk => "at_risk",
            Self::NotMet => "not_met",
            Self::Unknown => "unknown",
        }
    }

    /// What people read.
    pub fn say(self, lang: Lang) -> &'static str {
        match self {
            Self::Met => lang.of("tenu", "met"),
            Self::AtRisk => lang.of("à surveiller", "at risk"),
            Self::NotMet => lang.of("non tenu", "not met"),
            Self::Unknown => lang.of("inconnu", "unknown"),
        }
    }

    /// The verdict with this code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Open long enough in the regular week.
    Hours,
    /// Two agents at once as long.
    Staff,
    /// Enough partners, one of them social or of employment.
    Partners,
    /// Every partner that signed is to be had.
    Signatories,
    /// No missing day in the last closed months.
    Statistics,
    /// The published hours were confirmed lately.
    PublishedHours,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Hours, Self::Staff, Self::Partners, Self::Signatories, Self::Statistics, Self::PublishedHours];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Staff => "staff",
            Self::Partners => "partners",
            Self::Signatories => "signatories",
            Self::Statistics => "statistics",
            Self::PublishedHours => "published_hours",
        }
    }

    /// The check with this code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == text)
    }
}

/// The word under which the worst of all checks is kept and told.
pub const OVERALL: &str = "overall";

/// From what a verdict follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
    /// Names and numbers.
    pub numbers: Vec<(&'static str, serde_json::Value)>,
}

/// One check of one house.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What was checked.
    pub check: Check,
    /// How far it is there.
    pub verdict: Verdict,
    /// Since which day the hub knows it so.
    pub since: Day,
    /// From what that follows.
    pub evidence: Evidence,
}

/// One house.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The house.
    pub site: Site,
    /// The worst of its checks.
    pub overall: Verdict,
    /// Since when.
    pub since: Day,
    /// In their order.
    pub checks: Vec<Checked>,
    /// What persons have set of it: field, value, and from when it holds.
    pub facts: BTreeMap<String, (Day, String)>,
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelQuestion {
    /// Sites, departments, regions, bearers; nothing else is looked at.
    pub filters: Filters,
    /// Only this check; none means the worst of all.
    pub check: Option<Check>,
    /// Only houses of these verdicts.
    pub verdicts: Vec<Verdict>,
    /// Which page is asked for.
    pub page: Option<Page>,
    /// Whether only that page is told.
    pub paged: bool,
}

impl LabelQuestion {
    /// Page by page, even where that was not asked for.
    pub fn paged(self) -> Self {
        Self { paged: true, ..self }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    question: LabelQuestion,
    rules: LabelRules,
    today: Day,
    /// How many houses there are of each verdict, by check and overall, before the filter of verdicts.
    numbers: BTreeMap<&'static str, BTreeMap<&'static str, u32>>,
    standings: Vec<Standing>,
    /// Where the next page begins.
    next: Option<String>,
}

/// Answers a question.
///
/// # Errors
/// When the store fails.
pub fn answer(conn: &Connection, pages: &Pages, question: LabelQuestion, now: Timestamp) -> Result<Label, FigureError> {
    let today = ask::today(now);
    let mut standings = standings(conn, pages, &question.filters, now)?;
    let mut numbers = BTreeMap::<_, BTreeMap<_, u32>>::new();
    for standing in &standings {
        let verdicts = standing.checks.iter().map(|checked| (checked.check.as_str(), checked.verdict));
        for (name, verdict) in verdicts.chain([(OVERALL, standing.overall)]) {
            let of_check = numbers.entry(name).or_insert_with(|| Verdict::ALL.map(|v| (v.as_str(), 0)).into());
            *of_check.entry(verdict.as_str()).or_default() += 1;
        }
    }
    let asked = |standing: &Standing| match question.check {
        None => standing.overall,
        Some(check) => standing.of(check).map_or(Verdict::Unknown, |checked| checked.verdict),
    };
    standings.retain(|standing| question.verdicts.is_empty() || question.verdicts.contains(&asked(standing)));
    let mut next = None;
    if let Some(page) = question.page.as_ref().filter(|_| question.paged) {
        standings.retain(|standing| page.after.as_ref().is_none_or(|after| standing.site.id.as_str() > after.as_str()));
        next = page.cut(&mut standings, |standing| standing.site.id.to_string());
    }
    Ok(Label { question, rules: pages.rules().label.clone(), today, numbers, standings, next })
}

/// Every house in service that the filters let through, by id, judged.
///
/// # Errors
/// When the store fails.
pub fn standings(
    conn: &Connection,
    pages: &Pages,
    filters: &Filters,
    now: Timestamp,
) -> Result<Vec<Standing>, FigureError> {
    let today = ask::today(now);
    let houses = houses(conn, pages, filters, today)?;
    let only = filters.names_places().then(|| houses.iter().map(|house| house.id.clone()).collect::<Vec<_>>());
    let closed = |site: &Site| last_closed(Day::at(now, &site.timezone), pages.rules().late_days);
    let mut reported_by = BTreeMap::new();
    for last in houses.iter().map(closed).collect::<BTreeSet<_>>() {
        reported_by.insert(last, reported(conn, pages, only.as_deref(), last, now)?);
    }
    let noted = label_history::latest(conn, only.as_deref())?;
    let mut facts = site_facts::holding(conn, today, only.as_deref())?;
    let mut found = Vec::new();
    for site in houses {
        let of_site = noted.get(site.id.as_str());
        let since = |name: &str, verdict: Verdict| match of_site.and_then(|noted| noted.get(name)) {
            // A clock that was ahead noted a day that has not come.
            Some(Noted { day, verdict: last }) if last == verdict.as_str() => today.min(*day),
            _ => today,
        };
        let months = reported_by.get(&closed(&site)).and_then(|months| months.get(site.id.as_str()));
        let checks: Vec<Checked> = judge::all(pages, &site, today, months)
            .into_iter()
            .map(|(check, verdict, evidence)| Checked {
                check,
                verdict,
                since: since(check.as_str(), verdict),
                evidence,
            })
            .collect();
        let overall = checks.iter().map(|checked| checked.verdict).max().unwrap_or(Verdict::Unknown);
        let facts = facts.remove(site.id.as_str()).unwrap_or_default();
        found.push(Standing { since: since(OVERALL, overall), site, overall, checks, facts });
    }
    Ok(found)
}

/// The houses in service on a day that the filters let through, by id, as they are on that day.
fn houses(conn: &Connection, pages: &Pages, filters: &Filters, today: Day) -> Result<Vec<Site>, FigureError> {
    let query = Query { filters: filters.clone(), antennas: Antennas::Apart, ..Query::of(today, today) };
    // Rows follow what was dated ahead with the first commit of a day: spans are what holds.
    let mut in_service = BTreeMap::new();
    for reporter in pages.known().at(conn)?.reporters.iter() {
        let stretch = reporter.among(&query).next();
        let stretch = stretch.filter(|stretch| matches!(stretch.life, Life::Open | Life::Labelled));
        in_service.extend(stretch.map(|stretch| (reporter.site.clone(), stretch.clone())));
    }
    let ids = if filters.names_places() { in_service.keys().cloned().collect() } else { Vec::new() };
    if filters.names_places() && ids.is_empty() {
        return Ok(Vec::new());
    }
    let listed = SiteFilter { ids, kinds: vec![Kind::House], ..SiteFilter::default() };
    let houses = sites::list(conn, &listed)?.into_iter().filter_map(|(site, _)| {
        let Stretch { life, department, region, bearer, .. } = in_service.remove(&site.id)?;
        Some(Site { life, department, region, bearer, ..site })
    });
    Ok(houses.collect())
}

/// The last month of which everything could be here in time, on a day of the site's own clock: late
/// is what comes more than so many days after.
fn last_closed(today: Day, late_days: u8) -> Month {
    today.plus_days(-i32::from(late_days)).month().first_day().plus_days(-1).month()
}

/// What a house's last closed months lack.
#[derive(Clone, Debug)]
struct Months {
    from: Month,
    to: Month,
    tally: Tally,
    missing: Option<Named>,
}

/// The completeness of the last closed months, each house by itself; `only` of these.
fn reported(
    conn: &Connection,
    pages: &Pages,
    only: Option<&[SiteId]>,
    last: Month,
    now: Timestamp,
) -> Result<BTreeMap<String, Months>, FigureError> {
    let mut first = last;
    for _ in 1..pages.rules().label.months {
        first = first.first_day().plus_days(-1).month();
    }
    // As of today, where houses are listed by: what they were then has no say.
    let filters = Filters { sites: only.map(<[SiteId]>::to_vec).unwrap_or_default(), ..Filters::default() };
    let query = Query {
        by: vec![Key::Site],
        filters,
        antennas: Antennas::Apart,
        ..Query::of(first.first_day(), last.last_day())
    };
    let found = completeness::answer(conn, pages, &query, now, Rows::All)?;
    let mut months = BTreeMap::<String, Months>::new();
    for (key, tally) in found.rows {
        months.insert(key.concat(), Months { from: first, to: last, tally, missing: None });
    }
    for named in found.missing {
        if let Some(months) = months.get_mut(&named.site) {
            months.missing = Some(named);
        }
    }
    Ok(months)
}

impl Standing {
    /// One of its checks.
    pub fn of(&self, check: Check) -> Option<&Checked> {
        self.checks.iter().find(|checked| checked.check == check)
    }
}

/// How a check of a house stands from now on; [`OVERALL`] is one too.
pub type Change = (SiteId, &'static str, Verdict);

/// What has changed since it was last kept.
///
/// # Errors
/// When the store fails.
pub fn changes(conn: &Connection, pages: &Pages, now: Timestamp) -> Result<Vec<Change>, FigureError> {
    let noted = label_history::latest(conn, None)?;
    let mut changed = Vec::new();
    for standing in standings(conn, pages, &Filters::default(), now)? {
        let of_site = noted.get(standing.site.id.as_str());
        let verdicts = standing.checks.iter().map(|checked| (checked.check.as_str(), checked.verdict));
        for (name, verdict) in verdicts.chain([(OVERALL, standing.overall)]) {
            let last = of_site.and_then(|noted| noted.get(name));
            if last.is_none_or(|noted| noted.verdict != verdict.as_str()) {
                changed.push((standing.site.id.clone(), name, verdict));
            }
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests;
