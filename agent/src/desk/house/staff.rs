//! How many agents are at work: said of each slot of the hours, so that it changes with them.

use msap_shared::document::register::{Edits, FieldError, Stamp};
use msap_shared::document::schedule::{DayHours, Interval, Place, Slot, Variant, Weekday};
use msap_shared::schedule::{Schedule, edit};
use msap_shared::time::Day;

use super::Written;

/// These hours with the agents that the same day had: they are at work whether or not somebody who
/// changes the hours thinks of them.
pub(super) fn kept(
    schedule: &Schedule,
    (from, place, variant, weekday): (Day, &Place, Variant, Option<Weekday>),
    hours: &DayHours,
) -> DayHours {
    let held = schedule.hours_on(from).find(|(p, v, w, _)| (*p, *v, *w) == (place, variant, weekday));
    match held.and_then(|(.., said)| said.agreed()?.body.as_ref()) {
        Some(held) => edit::carried(held, hours),
        None => hours.clone(),
    }
}

/// Sets the agents of the slots that hold at a place from a day on: all of them, or those of one
/// weekday, or within some hours.
pub(super) fn edits(
    schedule: &Schedule,
    stamp: &Stamp,
    from: Day,
    place: &Place,
    (weekday, within): (Option<Weekday>, Option<Interval>),
    agents: Option<u8>,
) -> Written {
    let meant = |slot: &Slot| {
        within.is_none_or(|within| within.from() <= slot.interval.from() && slot.interval.to() <= within.to())
    };
    let mut edits = Edits::new();
    let mut found = false;
    for (at, variant, on, said) in schedule.hours_on(from) {
        if at != place || weekday.is_some_and(|weekday| on != Some(weekday)) {
            continue;
        }
        let Some(agreed) = said.agreed() else {
            let why = format!("deux versions de {} se contredisent : choisissez d’abord l’une d’elles", said.key());
            return Err(FieldError::new("hours", why));
        };
        let Some(hours) = &agreed.body else { continue };
        found |= hours.slots().iter().any(meant);
        let slots = hours.slots().iter().map(|slot| if meant(slot) { Slot { agents, ..*slot } } else { *slot });
        let staffed = DayHours::new(slots.collect()).map_err(|error| FieldError::new("agents", error.to_string()))?;
        edits.extend(edit::set_day(schedule, stamp, from, variant, on, place, &staffed)?);
    }
    if found {
        return Ok(edits);
    }
    let what =
        within.map_or_else(|| "aucun horaire".to_owned(), |within| format!("aucun créneau entier dans {within}"));
    Err(FieldError::new("hours", format!("{what} ici à partir du {from} : entrez d’abord les horaires")))
}
