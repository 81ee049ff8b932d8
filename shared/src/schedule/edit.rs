//! What people decide about a schedule, as facts: the one way in which agent and hub write it.
//!
//! Each function looks at what holds, checks what is asked for, and answers the keys and values
//! to write, only those that change something. An error names the field and the next step, and
//! nothing is written. Settling a contradiction is [`register::settle`].
//!
//! [`register::settle`]: crate::document::register::settle

use super::Schedule;
use super::closures::check_length;
use crate::document::register::{Edits, FieldError, KEY_LEN_MAX, Register, Stamp, VALUE_LEN_MAX};
use crate::document::schedule::{
    Absence, Checked, DayHours, Exception, GoodFriday, Key, Off, OperatorToken, Place, PlaceLabel, Reason, Slug, Text,
    Variant, Weekday, Where,
};
use crate::time::Day;

mod carry;
pub mod field;
mod whole;

#[cfg(test)]
mod tests;

pub use carry::{carried, dropped};
pub use whole::set_hours;

/// One rule of the hours of a place: on which days, and the whole day.
pub type Rule = (Variant, Option<Weekday>, DayHours);

/// One rule of permanences, by what it is about.
type Coming<'a> = (&'a OperatorToken, &'a Place, Variant, Option<Weekday>);

/// One whole day of the hours of a place, from a day on.
///
/// # Errors
/// When the weekday is missing, or given for public holidays.
pub fn set_day(
    schedule: &Schedule,
    stamp: &Stamp,
    from: Day,
    variant: Variant,
    weekday: Option<Weekday>,
    place: &Place,
    hours: &DayHours,
) -> Result<Edits, FieldError> {
    check_weekday(variant, weekday)?;
    let held = schedule.hours_on(from).find(|(at, v, w, _)| (*at, *v, *w) == (place, variant, weekday));
    let mut edits = Edits::new();
    if !held.is_some_and(|(.., said)| agrees(said, hours)) {
        push(&mut edits, stamp, &Key::Hours { from, variant, weekday, place: place.clone() }, &hours.to_string())?;
    }
    Ok(edits)
}

/// Shuts a place, or all, from one day to another.
///
/// # Errors
/// When the days are inverted.
pub fn close(
    schedule: &Schedule,
    stamp: &Stamp,
    days: (Day, Day),
    place: &Where,
    reason: Reason,
) -> Result<Edits, FieldError> {
    except(schedule, stamp, days, place, &Exception::Closed(reason))
}

/// A dated exception of any kind, in place of the one of the same days and place.
///
/// # Errors
/// When the days are inverted or too many, the slots are none, or the house would move to where it
/// is.
pub fn except(
    schedule: &Schedule,
    stamp: &Stamp,
    (from, to): (Day, Day),
    place: &Where,
    exception: &Exception,
) -> Result<Edits, FieldError> {
    check_span(from, to)?;
    match exception {
        Exception::Extra(_, slots) | Exception::Hours(_, slots) | Exception::Moved(_, _, Some(slots))
            if slots.is_closed() =>
        {
            return Err(FieldError::new("hours", "donnez au moins un créneau, comme 09:00-12:00, ou fermez ces jours"));
        }
        Exception::Moved(_, to, _) if *place == Where::At(to.clone()) => {
            return Err(FieldError::new("place", "la maison y est déjà : nommez un autre lieu"));
        }
        _ => {}
    }
    let held = schedule.exceptions.iter().find(|held| (held.from, held.to, &held.place) == (from, to, place));
    let mut edits = Edits::new();
    if !held.is_some_and(|held| agrees(&held.said, exception)) {
        push(&mut edits, stamp, &Key::On { from, to, place: place.clone() }, &exception.to_string())?;
    }
    Ok(edits)
}

/// Takes a dated exception back.
///
/// # Errors
/// When there is none with these days at this place.
pub fn remove_exception(
    schedule: &Schedule,
    stamp: &Stamp,
    (from, to): (Day, Day),
    place: &Where,
) -> Result<Edits, FieldError> {
    let held = schedule.exceptions.iter().find(|held| (held.from, held.to, &held.place) == (from, to, place));
    match held.filter(|held| says_something(&held.said)) {
        Some(held) => Ok(vec![(held.said.key().to_string(), stamp.write("-"))]),
        None => {
            let why =
                format!("aucune exception du {from} au {to} en ce lieu : « closure list » donne celles qui existent");
            Err(FieldError::new("from", why))
        }
    }
}

/// A partner's recurring presence, from a day on.
///
/// # Errors
/// When the weekday is missing or too much, or the slots are none.
pub fn set_permanence(
    schedule: &Schedule,
    stamp: &Stamp,
    from: Day,
    (operator, place, variant, weekday): Coming<'_>,
    hours: &DayHours,
) -> Result<Edits, FieldError> {
    check_weekday(variant, weekday)?;
    let of = (operator, place, variant, weekday);
    let held = schedule.permanences_on(from).find(|(o, p, v, w, _)| (*o, *p, *v, *w) == of);
    let mut edits = Edits::new();
    if !held.is_some_and(|(.., said)| agrees(said, hours)) {
        let (operator, place) = (operator.clone(), place.clone());
        push(&mut edits, stamp, &Key::Permanence { from, operator, variant, weekday, place }, &hours.to_string())?;
    }
    Ok(edits)
}

/// Ends a partner's permanences from a day on: all of them, or those at a place or on a weekday.
/// Those that were to begin later are taken back too.
///
/// # Errors
/// When there is none.
pub fn remove_permanence(
    schedule: &Schedule,
    stamp: &Stamp,
    from: Day,
    operator: &OperatorToken,
    place: Option<&Place>,
    weekday: Option<Weekday>,
) -> Result<Edits, FieldError> {
    let mut edits = Edits::new();
    let wanted = schedule.permanences.iter().filter(|rule| {
        rule.of.0 == *operator
            && place.is_none_or(|place| rule.of.1 == *place)
            && (weekday.is_none() || rule.weekday == weekday)
    });
    for rule in wanted {
        if rule.on(from).is_some_and(says_something) {
            let (operator, place) = rule.of.clone();
            let key = Key::Permanence { from, operator, variant: rule.variant, weekday: rule.weekday, place };
            push(&mut edits, stamp, &key, "-")?;
        }
        for (_, later) in rule.steps.iter().filter(|(day, said)| *day > from && says_something(said)) {
            edits.push((later.key().to_string(), stamp.write("-")));
        }
    }
    if edits.is_empty() {
        let why = format!("{operator} n’a pas de permanence ici à partir du {from} : vérifiez le code et le jour");
        return Err(FieldError::new("operator", why));
    }
    Ok(edits)
}

/// One permanence on one day: cancelled, or at other hours.
///
/// # Errors
/// When it would be cancelled and the partner has none there on that weekday.
pub fn set_off(
    schedule: &Schedule,
    stamp: &Stamp,
    day: Day,
    operator: &OperatorToken,
    place: &Place,
    off: &Off,
) -> Result<Edits, FieldError> {
    if let Off::Hours(_, hours) = off
        && hours.is_closed()
    {
        return Err(FieldError::new(
            "hours",
            "donnez au moins un créneau, comme 09:00-12:00, ou annulez la permanence",
        ));
    }
    let weekday = Weekday::of(day);
    let comes = schedule.permanences_on(day).any(|(o, p, _, w, said)| {
        (o, p) == (operator, place) && w.is_none_or(|w| w == weekday) && says_something(said)
    });
    let held = schedule.offs.iter().find(|held| held.day == day && (&held.of.0, &held.of.1) == (operator, place));
    let shown = held.is_some_and(|held| says_something(&held.said));
    if matches!(off, Off::Cancelled(_)) && !comes && !shown {
        let why = format!(
            "{operator} n’a pas de permanence le {} {day} en ce lieu : vérifiez le jour, le lieu et le code",
            weekday.label_fr()
        );
        return Err(FieldError::new("day", why));
    }
    let mut edits = Edits::new();
    if !held.is_some_and(|held| agrees(&held.said, off)) {
        let (operator, place) = (operator.clone(), place.clone());
        push(&mut edits, stamp, &Key::Off { day, operator, place }, &off.to_string())?;
    }
    Ok(edits)
}

/// Takes back what was said of one permanence on one day: it takes place as usual.
///
/// # Errors
/// When nothing was said of it.
pub fn remove_off(
    schedule: &Schedule,
    stamp: &Stamp,
    day: Day,
    operator: &OperatorToken,
    place: &Place,
) -> Result<Edits, FieldError> {
    let held = schedule.offs.iter().find(|held| held.day == day && (&held.of.0, &held.of.1) == (operator, place));
    match held.filter(|held| says_something(&held.said)) {
        Some(held) => Ok(vec![(held.said.key().to_string(), stamp.write("-"))]),
        None => Err(FieldError::new(
            "day",
            format!("rien n’a été dit de la permanence de {operator} le {day} : rien à reprendre"),
        )),
    }
}

/// Agents who are not at work. The id names it, so that it can be changed or taken back.
///
/// # Errors
/// When the days are inverted or too many, or the agents are none.
pub fn set_absence(stamp: &Stamp, id: &Slug, absence: &Absence) -> Result<Edits, FieldError> {
    check_span(absence.from, absence.to)?;
    if !(1..=99).contains(&absence.agents) {
        return Err(FieldError::new("agents", format!("{} : comptez de 1 à 99 agents", absence.agents)));
    }
    one(stamp, &Key::Absence(id.clone()), &absence.to_string())
}

/// Takes an absence back.
///
/// # Errors
/// When there is none of this id.
pub fn remove_absence(schedule: &Schedule, stamp: &Stamp, id: &Slug) -> Result<Edits, FieldError> {
    let key = Key::Absence(id.clone()).to_string();
    match schedule.absences.iter().find(|held| **held.key() == *key).filter(|held| says_something(held)) {
        Some(_) => Ok(vec![(key, stamp.write("-"))]),
        None => Err(FieldError::new("id", format!("aucune absence {id} : « staff list » donne celles qui existent"))),
    }
}

/// What a place is called, and where it is.
///
/// # Errors
/// When the texts are too long.
pub fn set_place(stamp: &Stamp, slug: &Slug, place: &PlaceLabel) -> Result<Edits, FieldError> {
    one(stamp, &Key::Place(slug.clone()), &place.to_string())
}

/// Whether the house is open on Good Friday; `None` leaves it to the zone's calendar.
///
/// # Errors
/// None: for symmetry with the others.
pub fn set_good_friday(stamp: &Stamp, rule: Option<GoodFriday>) -> Result<Edits, FieldError> {
    one(stamp, &Key::GoodFriday, &rule.map_or_else(|| "-".to_owned(), |rule| rule.to_string()))
}

/// Hours that could not be read, verbatim; `None` when they have been entered as rules.
///
/// # Errors
/// When the text is too long.
pub fn set_text(stamp: &Stamp, text: Option<&Text>) -> Result<Edits, FieldError> {
    one(stamp, &Key::Text, text.map_or("-", Text::as_str))
}

/// What the house adds; `None` takes it back.
///
/// # Errors
/// When the text is too long.
pub fn set_comment(stamp: &Stamp, text: Option<&Text>) -> Result<Edits, FieldError> {
    one(stamp, &Key::Comment, text.map_or("-", Text::as_str))
}

/// The published hours are as they should be, said on the stamp's day.
///
/// # Errors
/// None: for symmetry with the others.
pub fn confirm(stamp: &Stamp) -> Result<Edits, FieldError> {
    one(stamp, &Key::Checked, &Checked(stamp.day).to_string())
}

/// Whether everybody says just this.
fn agrees<T: PartialEq>(said: &Register<T>, body: &T) -> bool {
    said.agreed().is_some_and(|said| said.body.as_ref() == Some(body))
}

/// Whether somebody says more than that it is taken back.
fn says_something<T>(said: &Register<T>) -> bool {
    said.all().any(|said| said.body.is_some())
}

fn day_name(weekday: Option<Weekday>) -> &'static str {
    weekday.map_or("", Weekday::label_fr)
}

fn check_weekday(variant: Variant, weekday: Option<Weekday>) -> Result<(), FieldError> {
    match (variant, weekday) {
        (Variant::Holiday, None) => Ok(()),
        (Variant::Holiday, Some(_)) => {
            Err(FieldError::new("weekday", "un jour férié tombe n’importe quel jour : retirez le jour de la semaine"))
        }
        (_, Some(_)) => Ok(()),
        (_, None) => Err(FieldError::new("weekday", "dites quel jour de la semaine : lundi, mardi…")),
    }
}

fn check_span(from: Day, to: Day) -> Result<(), FieldError> {
    if from > to {
        return Err(FieldError::new("to", format!("{to} précède le premier jour, {from} : inversez-les")));
    }
    check_length(from, to)
}

fn one(stamp: &Stamp, key: &Key, body: &str) -> Result<Edits, FieldError> {
    let mut edits = Edits::new();
    push(&mut edits, stamp, key, body)?;
    Ok(edits)
}

fn push(edits: &mut Edits, stamp: &Stamp, key: &Key, body: &str) -> Result<(), FieldError> {
    let (key, value) = (key.to_string(), stamp.write(body));
    if key.len() > KEY_LEN_MAX {
        return Err(FieldError::new(
            "place",
            "les noms du partenaire et du lieu sont trop longs ensemble : abrégez celui du lieu",
        ));
    }
    if value.len() > VALUE_LEN_MAX {
        return Err(FieldError::new("text", format!("trop long : {VALUE_LEN_MAX} octets au plus, abrégez")));
    }
    edits.push((key, value));
    Ok(())
}
