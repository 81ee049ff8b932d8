//! What whoever decided should know of what was kept: what is left beside it, or was not taken over.
//!
//! Told of what stands once it is kept; nothing here refuses anything.

use msap_shared::document::register::{Edits, Entry, Facts};
use msap_shared::document::schedule::{Absence, DayHours, Exception, Key, Place, Where};
use msap_shared::schedule::closures::CLOSURE_DAYS_MAX;
use msap_shared::schedule::{DayState, Schedule, edit};
use msap_shared::time::Day;

use super::look::Site;
use crate::command::house::{Decision, Remark, RemarkKind};

/// How many days ahead permanences are held against the hours: a monthly one is found.
const DAYS_AHEAD: i32 = 35;

/// The remarks on what was written; `before` are the facts that stood, `after` is the site now.
pub(super) fn of(decision: &Decision, edits: &Edits, before: &Facts, after: &Site, today: Day) -> Vec<Remark> {
    let mut remarks = Vec::new();
    match decision {
        Decision::Hours { place, untold, .. } => {
            let text = |text: &String| Remark { kind: RemarkKind::Untold, key: String::new(), body: text.clone() };
            remarks.extend(untold.iter().map(text));
            remarks.extend(dropped(edits, before));
            remarks.extend(beside(edits, after, place, today));
        }
        Decision::Days { .. } => remarks.extend(dropped(edits, before)),
        Decision::Absence { absence, .. } => remarks.extend(unstaffed(edits, absence, after, today)),
        Decision::Permanence { .. } | Decision::Off { .. } => remarks.extend(outside(edits, after, today)),
        _ => {}
    }
    remarks.extend(unnamed(edits, after));
    remarks
}

/// An edit's key, and what it says.
fn parsed(edits: &Edits) -> impl Iterator<Item = (Key, &str, &str)> {
    edits.iter().filter_map(|(key, value)| Some((Key::parse(key).ok()??, key.as_str(), Entry::parse(value).ok()?.body)))
}

/// The agents and accesses of the hours before that the new ones do not have.
fn dropped(edits: &Edits, before: &Facts) -> Vec<Remark> {
    let before = Schedule::read(before);
    let mut remarks = Vec::new();
    for (key, text, body) in parsed(edits) {
        let Key::Hours { from, variant, weekday, place } = key else { continue };
        let held = before.hours_on(from).find(|(p, v, w, _)| (*p, *v, *w) == (&place, variant, weekday));
        let held = held.and_then(|(.., said)| said.agreed()?.body.as_ref());
        let (Some(held), Ok(now)) = (held, body.parse::<DayHours>()) else { continue };
        let slots = edit::dropped(held, &now);
        if let Ok(slots) = DayHours::new(slots)
            && !slots.is_closed()
        {
            remarks.push(Remark { kind: RemarkKind::Dropped, key: text.to_owned(), body: slots.to_string() });
        }
    }
    remarks
}

/// Exceptions of the place that are yet to come, and hours elsewhere: whoever sets all hours of a
/// place may think that they are gone.
fn beside(edits: &Edits, after: &Site, place: &Place, today: Day) -> Vec<Remark> {
    let written = |key: &str| edits.iter().any(|(written, _)| written == key);
    let stays = |key: &str, body: String| Remark { kind: RemarkKind::Stays, key: key.to_owned(), body };
    let end = today.plus_days(CLOSURE_DAYS_MAX);
    let exceptions =
        after.schedule.exceptions_between(today, end).filter(|(_, _, at, _)| **at == Where::At(place.clone()));
    let exceptions = exceptions.filter_map(|(.., said)| Some((said.key(), said.agreed()?.body.as_ref()?.to_string())));
    let elsewhere = after.schedule.hours_on(today).filter(|(at, ..)| *at != place);
    let elsewhere = elsewhere.filter_map(|(.., said)| Some((said.key(), said.agreed()?.body.as_ref()?.to_string())));
    exceptions.chain(elsewhere).filter(|(key, _)| !written(key)).map(|(key, body)| stays(key, body)).collect()
}

/// An absence from hours of which nobody said how many agents they have.
fn unstaffed(edits: &Edits, absence: &Absence, after: &Site, today: Day) -> Option<Remark> {
    let (key, _) = edits.first()?;
    let last = absence.to.number().min(today.number() + CLOSURE_DAYS_MAX);
    let days = absence.from.max(today).number()..=last;
    let unsaid = |day: Day| after.plan(day).staffing.iter().any(|part| part.absent > 0 && part.agents.is_none());
    let found = days.filter_map(Day::from_number).any(unsaid);
    found.then(|| Remark { kind: RemarkKind::StaffUnknown, key: key.clone(), body: absence.to_string() })
}

/// A permanence at times at which the house is not open.
fn outside(edits: &Edits, after: &Site, today: Day) -> Option<Remark> {
    let (key, text, body) = parsed(edits).next()?;
    let (from, of, days) = match key {
        Key::Permanence { from, operator, .. } => (from.max(today), operator, DAYS_AHEAD),
        Key::Off { day, operator, .. } => (day, operator, 0),
        _ => return None,
    };
    let is_outside = |day: Day| {
        let plan = after.plan(day);
        let open = plan.intervals();
        let known = matches!(plan.state, DayState::Open | DayState::Shut);
        known
            && plan
                .permanences
                .iter()
                .filter(|coming| coming.operator == of && coming.cancelled.is_none())
                .any(|coming| !open.iter().any(|open| open.common(coming.interval) == Some(coming.interval)))
    };
    let found = (0..=days).map(|ahead| from.plus_days(ahead)).any(is_outside);
    found.then(|| Remark { kind: RemarkKind::OutsideHours, key: text.to_owned(), body: body.to_owned() })
}

/// Places that are written of and have no name yet; each once.
fn unnamed(edits: &Edits, after: &Site) -> Vec<Remark> {
    let mut found: Vec<Remark> = Vec::new();
    for (key, text, body) in parsed(edits) {
        let moved = match (&key, body.parse()) {
            (Key::On { .. }, Ok(Exception::Moved(_, to, _))) => Some(to),
            _ => None,
        };
        let at = match key {
            Key::Hours { place, .. } | Key::Permanence { place, .. } | Key::Off { place, .. } => Some(place),
            Key::On { place: Where::At(place), .. } => Some(place),
            _ => None,
        };
        for place in at.into_iter().chain(moved) {
            let Place::Named(slug) = place else { continue };
            let named = after
                .schedule
                .places()
                .any(|(known, said)| *known == slug && said.all().any(|said| said.body.is_some()));
            if !named && body != "-" && !found.iter().any(|known| known.body == slug.as_str()) {
                found.push(Remark { kind: RemarkKind::PlaceUnnamed, key: text.to_owned(), body: slug.to_string() });
            }
        }
    }
    found
}
