//! The whole hours of a place: exactly these rules, now or from a day to come.
//!
//! A change that is planned stays what was entered, whatever is entered before it later: it says
//! all of its days, also those that are already so, and a rule that begins before it and that it
//! does not have ends with it.

use super::{Rule, check_weekday, day_name, push, says_something, set_day};
use crate::document::register::{Edits, FieldError, Stamp};
use crate::document::schedule::{Key, Place};
use crate::schedule::Schedule;
use crate::time::Day;

/// The hours of a place from a day on: exactly these rules. Days that are already so are not
/// written, unless that day is still to come; rules that hold and are not among these are taken
/// back from that day.
///
/// What was said of later days stands: a change that was already planned still comes, and if it
/// was of the whole week it is not mixed with these rules.
///
/// # Errors
/// When two rules are about the same days, or a weekday is missing or too much.
pub fn set_hours(
    schedule: &Schedule,
    stamp: &Stamp,
    from: Day,
    place: &Place,
    rules: &[Rule],
) -> Result<Edits, FieldError> {
    let mut edits = Edits::new();
    let next = next_whole(schedule, from, place);
    for (at, (variant, weekday, hours)) in rules.iter().enumerate() {
        if rules[..at].iter().any(|(v, w, _)| (v, w) == (variant, weekday)) {
            return Err(FieldError::new("hours", format!("{variant} {} est donné deux fois", day_name(*weekday))));
        }
        check_weekday(*variant, *weekday)?;
        let steps =
            schedule.hours.iter().find(|rule| (&rule.of, rule.variant, rule.weekday) == (place, *variant, *weekday));
        let begins = |day: Day| steps.is_some_and(|rule| rule.steps.iter().any(|(on, _)| *on == day));
        let key = |from: Day| Key::Hours { from, variant: *variant, weekday: *weekday, place: place.clone() };
        if from > stamp.day && !begins(from) {
            push(&mut edits, stamp, &key(from), &hours.to_string())?;
        } else {
            edits.extend(set_day(schedule, stamp, from, *variant, *weekday, place, hours)?);
        }
        if let Some(next) = next.filter(|next| !begins(*next)) {
            push(&mut edits, stamp, &key(next), "-")?;
        }
    }
    for (at, variant, weekday, said) in schedule.hours_on(from) {
        let kept = at != place || rules.iter().any(|(v, w, _)| (*v, *w) == (variant, weekday));
        if !kept && says_something(said) {
            let key = Key::Hours { from, variant, weekday, place: place.clone() };
            push(&mut edits, stamp, &key, "-")?;
        }
    }
    Ok(edits)
}

/// The first later day from which all hours of the place were said anew: no rule of the day before
/// goes on, and it is more than one rule that changes.
fn next_whole(schedule: &Schedule, from: Day, place: &Place) -> Option<Day> {
    let own = || schedule.hours.iter().filter(|rule| rule.of == *place);
    let steps = |day: Day| own().filter(move |rule| rule.steps.iter().any(|(on, _)| *on == day));
    let goes_on = |day: Day| {
        own().any(|rule| {
            let begins = rule.steps.iter().any(|(on, _)| *on == day);
            !begins && rule.on(day).is_some_and(says_something)
        })
    };
    let mut later: Vec<Day> =
        own().flat_map(|rule| rule.steps.iter().map(|(on, _)| *on)).filter(|on| *on > from).collect();
    later.sort_unstable();
    later.into_iter().find(|day| steps(*day).count() > 1 && !goes_on(*day))
}
