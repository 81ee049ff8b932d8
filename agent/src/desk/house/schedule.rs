//! Decisions about the schedule, as facts.

use msap_shared::document::register::{Edits, Facts, FieldError, Stamp};
use msap_shared::document::schedule::{Key, OperatorToken, Place, Weekday, Where};
use msap_shared::schedule::{Schedule, edit};
use msap_shared::time::Day;

use super::partners::in_catalogue;
use super::{Written, staff};
use crate::command::house::Decision;

/// What a decision writes.
pub(super) fn edits(decision: Decision, facts: &Facts, stamp: &Stamp) -> Written {
    let schedule = &Schedule::read(facts);
    let today = stamp.day;
    match decision {
        Decision::Hours { from, place, rules, exceptions, untold: _ } => {
            let from = from.unwrap_or(today);
            let staffed = |(variant, weekday, hours): edit::Rule| {
                let hours = staff::kept(schedule, (from, &place, variant, weekday), &hours);
                (variant, weekday, hours)
            };
            let rules: Vec<edit::Rule> = rules.into_iter().map(staffed).collect();
            let mut edits = edit::set_hours(schedule, stamp, from, &place, &rules)?;
            for (days, exception) in &exceptions {
                edits.extend(edit::except(schedule, stamp, *days, &Where::At(place.clone()), exception)?);
            }
            // Hours that could not be read have been entered now.
            if place == Place::Site && schedule.text().is_some_and(|said| said.all().any(|said| said.body.is_some())) {
                edits.extend(edit::set_text(stamp, None)?);
            }
            Ok(edits)
        }
        Decision::Days { from, place, variant, days } => {
            let from = from.unwrap_or(today);
            let mut edits = Edits::new();
            for (weekday, hours) in &days {
                let hours = &staff::kept(schedule, (from, &place, variant, *weekday), hours);
                edits.extend(edit::set_day(schedule, stamp, from, variant, *weekday, &place, hours)?);
            }
            Ok(edits)
        }
        Decision::Staff { from, place, weekday, within, agents } => {
            staff::edits(schedule, stamp, from.unwrap_or(today), &place, (weekday, within), agents)
        }
        Decision::Except { days, place, exception } => edit::except(schedule, stamp, days, &place, &exception),
        Decision::RemoveException { days, place } => edit::remove_exception(schedule, stamp, days, &place),
        Decision::Permanence { from, operator, place, variant, weekday, hours } => {
            in_catalogue(&operator)?;
            let of = (&operator, &place, variant, weekday);
            edit::set_permanence(schedule, stamp, from.unwrap_or(today), of, &hours)
        }
        Decision::EndPermanence { from, operator, place, weekday } => {
            edit::remove_permanence(schedule, stamp, from.unwrap_or(today), &operator, place.as_ref(), weekday)
        }
        Decision::Off { day, operator, place, off } => {
            in_catalogue(&operator)?;
            let day = day.unwrap_or(today);
            let place = match place {
                Some(place) => place,
                None => sole(&operator, day, coming(schedule, &operator, day))?,
            };
            edit::set_off(schedule, stamp, day, &operator, &place, &off)
        }
        Decision::Resume { day, operator, place } => {
            let day = day.unwrap_or(today);
            let place = match place {
                Some(place) => place,
                None => sole(&operator, day, said_off(facts, &operator, day))?,
            };
            edit::remove_off(schedule, stamp, day, &operator, &place)
        }
        Decision::Absence { id, absence } => edit::set_absence(stamp, &id, &absence),
        Decision::RemoveAbsence(id) => edit::remove_absence(schedule, stamp, &id),
        Decision::Place(slug, place) => edit::set_place(stamp, &slug, &place),
        Decision::GoodFriday(rule) => edit::set_good_friday(stamp, rule),
        Decision::Comment(text) => edit::set_comment(stamp, text.as_ref()),
        Decision::Text(text) => edit::set_text(stamp, text.as_ref()),
        Decision::ConfirmHours => edit::confirm(stamp),
        _ => Ok(Edits::new()),
    }
}

/// Where a partner is to come on a day.
fn coming(schedule: &Schedule, operator: &OperatorToken, day: Day) -> Vec<Place> {
    let weekday = Weekday::of(day);
    let rules = schedule.permanences_on(day).filter(|(of, _, _, on, said)| {
        *of == operator && on.is_none_or(|on| on == weekday) && said.all().any(|said| said.body.is_some())
    });
    let mut places: Vec<Place> = rules.map(|(_, place, ..)| place.clone()).collect();
    places.sort();
    places.dedup();
    places
}

/// Where something is said of one partner's permanence on a day.
fn said_off(facts: &Facts, operator: &OperatorToken, day: Day) -> Vec<Place> {
    let keys = facts.keys().filter_map(|key| Key::parse(key).ok().flatten());
    let places = keys.filter_map(|key| match key {
        Key::Off { day: on, operator: of, place } if on == day && of == *operator => Some(place),
        _ => None,
    });
    places.collect()
}

/// The one place that is meant; the site itself where there is none, which the edit then refuses
/// in its own words.
fn sole(operator: &OperatorToken, day: Day, places: Vec<Place>) -> Result<Place, FieldError> {
    match <[Place; 1]>::try_from(places) {
        Ok([place]) => Ok(place),
        Err(places) if places.is_empty() => Ok(Place::Site),
        Err(places) => {
            let names: Vec<String> = places.iter().map(ToString::to_string).collect();
            let why = format!("{operator} vient le {day} en plusieurs lieux : dites lequel ({})", names.join(", "));
            Err(FieldError::new("place", why))
        }
    }
}
