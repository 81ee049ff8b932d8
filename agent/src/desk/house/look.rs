//! What the schedule and the partners amount to: plans of days, and how partners can be had.

use jiff::Timestamp;
use msap_shared::document::DocKind;
use msap_shared::document::partners::availability::{Availability, availability};
use msap_shared::document::partners::{Partner, Partners};
use msap_shared::document::register::{Facts, Said};
use msap_shared::document::schedule::{Interval, OperatorToken, Place};
use msap_shared::schedule::instant::Instant;
use msap_shared::schedule::{DayPlan, DayState, Schedule, Surroundings, plan, weekly_minutes};
use msap_shared::time::Day;
use rusqlite::Connection;

use super::documents;
use crate::command::CommandError;
use crate::command::house::{PartnerRow, PartnersView, ScheduleView};
use crate::core::Machine;
use crate::store::references::{self, Around};
use crate::store::{Profile, StoreError};

/// Days shown when nothing else is asked.
const DAYS_USUAL: i32 = 7;
/// Most days that one look plans.
pub(super) const DAYS_MAX: i32 = 400;
/// How many days ahead the next permanence is looked for: a monthly one is found.
const DAYS_AHEAD: i32 = 35;

/// What stands in the status: how many contradictions, and what reads unknown today.
pub(in crate::desk) struct Standing {
    pub(in crate::desk) conflicts: usize,
    pub(in crate::desk) unknown: Vec<String>,
}

/// A document's facts with what a day depends on besides.
pub(super) struct Site {
    pub(super) schedule: Schedule,
    facts: Facts,
    around: Around,
}

impl Site {
    pub(super) fn load(conn: &Connection, profile: &Profile) -> Result<Self, StoreError> {
        let facts = documents::facts(conn, profile, DocKind::Schedule)?;
        Ok(Self { schedule: Schedule::read(&facts), facts, around: references::around(conn)? })
    }

    pub(super) fn plan(&self, day: Day) -> DayPlan {
        let Around { calendar, holiday_zone, school_zone, closures, terms: _ } = &self.around;
        plan(&self.schedule, day, &Surroundings { calendar, holiday_zone, school_zone, closures })
    }
}

/// The days that a look covers.
pub(super) fn span(from: Option<Day>, to: Option<Day>, today: Day) -> Result<(Day, Day), CommandError> {
    let from = from.unwrap_or(today);
    let to = to.unwrap_or_else(|| from.plus_days(DAYS_USUAL - 1).max(from));
    if to < from {
        return super::super::invalid("to", format!("{to} précède {from} : inversez-les"));
    }
    if to.number() - from.number() >= DAYS_MAX {
        return super::super::invalid("to", format!("{DAYS_MAX} jours au plus à la fois : donnez un jour plus proche"));
    }
    Ok((from, to))
}

/// The plans of some days.
pub(super) fn schedule(
    conn: &Connection,
    machine: &Machine<'_>,
    now: Timestamp,
    (from, to): (Day, Day),
) -> Result<ScheduleView, StoreError> {
    let site = Site::load(conn, machine.profile)?;
    let today = machine.today.day;
    let minute = Instant::at(now, &machine.profile.timezone).minute;
    let days = (0..=to.number() - from.number()).map(|ahead| from.plus_days(ahead));
    let plans = days.map(|day| site.plan(day)).collect();
    let Site { schedule, facts, around } = &site;
    Ok(ScheduleView {
        today,
        minute,
        now: site.plan(today).at(minute),
        plans,
        closures: around.closures.iter().filter(|closure| closure.to >= today).cloned().collect(),
        weekly_minutes: weekly_minutes(schedule, today),
        public_years: around.calendar.public_years().map(|(_, year)| year).collect(),
        school_years: around.calendar.school_years().map(|(_, year)| year).collect(),
        conflicts: documents::disputed(DocKind::Schedule, facts),
        schedule: site.schedule,
    })
}

/// How each partner can be had on a day.
pub(super) fn partners(conn: &Connection, machine: &Machine<'_>, day: Day) -> Result<PartnersView, StoreError> {
    let site = Site::load(conn, machine.profile)?;
    let facts = documents::facts(conn, machine.profile, DocKind::Partners)?;
    let partners = Partners::read(&facts);
    let plans: Vec<DayPlan> = (0..=DAYS_AHEAD).map(|ahead| site.plan(day.plus_days(ahead))).collect();
    let rows = rows(&site, &partners, &plans);
    Ok(PartnersView {
        today: machine.today.day,
        day,
        stale_after_days: site.around.terms.partners_stale_after_days,
        rows,
        places: places(&site.schedule),
        conflicts: documents::disputed(DocKind::Partners, &facts),
        unreadable: partners.unreadable().to_vec(),
    })
}

fn places(schedule: &Schedule) -> Vec<(Place, String)> {
    let places = schedule.places().map(|(slug, _)| Place::Named(slug.clone()));
    places.map(|place| (place.clone(), schedule.place_name(&place))).collect()
}

/// What the status says of both documents.
pub(in crate::desk) fn standing(conn: &Connection, machine: &Machine<'_>) -> Result<Standing, StoreError> {
    let site = Site::load(conn, machine.profile)?;
    let facts = documents::facts(conn, machine.profile, DocKind::Partners)?;
    let partners = Partners::read(&facts);
    let today = site.plan(machine.today.day);
    let conflicts = site.schedule.conflicts().len() + documents::disputed(DocKind::Partners, &facts).len();
    let mut unknown = Vec::new();
    // A house that has said nothing at all has nothing that reads unknown.
    if !site.facts.is_empty() && matches!(today.state, DayState::Unknown | DayState::Conflict) {
        unknown.push("schedule".to_owned());
    }
    if !site.facts.is_empty() && (today.calendar_missing.public || today.calendar_missing.school) {
        unknown.push(format!("calendar:{}", machine.today.day.date().year()));
    }
    let plans = [today];
    let unsure = rows(&site, &partners, &plans);
    let unsure = unsure.iter().filter(|row| row.availability == Availability::Unknown);
    unknown.extend(unsure.map(|row| format!("partner:{}", row.operator)));
    Ok(Standing { conflicts, unknown })
}

/// The partners of the document and those that come, on the first of these days.
fn rows(site: &Site, partners: &Partners, plans: &[DayPlan]) -> Vec<PartnerRow> {
    let Some((today, later)) = plans.split_first() else { return Vec::new() };
    let mut operators: Vec<&OperatorToken> =
        partners.operators().filter(|(_, partner)| says_something(partner)).map(|(operator, _)| operator).collect();
    let coming =
        site.schedule.permanences_on(today.day).filter(|(.., said)| said.all().any(|said| said.body.is_some()));
    operators.extend(coming.map(|(operator, ..)| operator));
    operators.extend(today.permanences.iter().map(|coming| &coming.operator));
    operators.sort();
    operators.dedup();
    operators.into_iter().map(|operator| row(site, partners, (today, later), operator)).collect()
}

fn row(
    site: &Site,
    partners: &Partners,
    (today, later): (&DayPlan, &[DayPlan]),
    operator: &OperatorToken,
) -> PartnerRow {
    let stale_after_days = site.around.terms.partners_stale_after_days;
    let derived = availability(partners, &site.schedule, today, operator, stale_after_days);
    let partner = partners.partner(operator);
    let label = partner.and_then(|partner| partner.label.as_ref()?.agreed()?.body.as_ref());
    PartnerRow {
        operator: operator.clone(),
        label: label.map(|label| label.as_str().to_owned()),
        availability: derived.availability,
        said: derived.said.into_iter().map(|(said, _)| said.clone()).collect(),
        stale: derived.stale,
        permanences: derived.permanences.into_iter().cloned().collect(),
        next: later.iter().find_map(|plan| Some((plan.day, comes(plan, operator)?))),
        agreement: partner.and_then(|partner| partner.agreement.as_ref()?.agreed()?.body),
        training: partner.and_then(|partner| partner.training.as_ref()?.agreed()?.body),
    }
}

fn comes(plan: &DayPlan, operator: &OperatorToken) -> Option<Interval> {
    let coming = plan.permanences.iter().find(|coming| coming.operator == *operator && coming.cancelled.is_none());
    coming.map(|coming| coming.interval)
}

fn says_something(partner: &Partner) -> bool {
    fn live<T>(said: &Said<T>) -> bool {
        said.body.is_some()
    }
    partner.presence.as_ref().is_some_and(|said| said.all().any(live))
        || partner.agreement.as_ref().is_some_and(|said| said.all().any(live))
        || partner.training.as_ref().is_some_and(|said| said.all().any(live))
        || partner.label.as_ref().is_some_and(|said| said.all().any(live))
}
