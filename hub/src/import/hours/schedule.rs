//! What a list's hours become in a site's schedule.
//!
//! Called by `site import` for each row, with the schedule as it stands. A list speaks of the
//! usual week only, from its date on, and changes only what stands from a list: what a person has
//! said prevails, and what the list would have changed is told. A day that the list leaves empty
//! has no hours once another day has some; a week without any says nothing, and changes nothing.
//! A week of which one day cannot be read becomes no rules at all, so that no day looks shut that
//! is not known to be: it is kept word for word for a person to read.

use std::collections::BTreeMap;

use msap_shared::document::register::{Author, Edits, FieldError, Register, Stamp};
use msap_shared::document::schedule::{self, Interval, Key, Place, Slot, Variant, Weekday};
use msap_shared::schedule::Schedule;
use msap_shared::schedule::edit::{self, field};
use msap_shared::time::Day;

use super::{DayHours, Doubt};

/// The columns of a week, Monday first, by the names that are used within the import.
pub(crate) const COLUMNS: [&str; 7] = ["h_mon", "h_tue", "h_wed", "h_thu", "h_fri", "h_sat", "h_sun"];

/// What a list changes in a schedule, and what it would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedHours {
    /// Keys and values to write; none when the list says what stands.
    pub edits: Edits,
    /// What a person has said otherwise, and stays.
    pub kept: Vec<KeptHours>,
}

/// A fact of a person's that a list contradicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHours {
    /// The fact's key.
    pub key: String,
    /// Who said it.
    pub author: String,
    /// What stands; `-` where the person took it back.
    pub stands: String,
    /// What the list says.
    pub listed: String,
}

/// What the list of a day says of a site's hours, as facts beside those that are held. `verbatim`
/// is the row's columns of hours, as the site keeps them: a JSON object by column.
///
/// # Errors
/// When what the list says cannot be a fact: more slots in a day than one can have, or too long a text.
pub fn facts(held: &Schedule, list: Day, verbatim: &str) -> Result<ListedHours, FieldError> {
    let texts: BTreeMap<String, String> = serde_json::from_str(verbatim).unwrap_or_default();
    let stamp = Stamp { author: Author::List, day: list };
    let days: Vec<(Weekday, DayHours)> = Weekday::ALL
        .into_iter()
        .zip(COLUMNS)
        .filter_map(|(weekday, column)| Some((weekday, DayHours::read(texts.get(column)?))))
        .collect();
    let unreadable = days.iter().any(|(_, day)| day.doubts.contains(&Doubt::Unreadable));
    let mut listed = ListedHours::default();
    if !unreadable && days.iter().all(|(_, day)| day.slots.is_empty()) {
        return Ok(listed);
    }
    for (weekday, day) in &days {
        let hours = if unreadable { None } else { hours(day)? };
        listed.day(held, &stamp, *weekday, hours.as_ref())?;
    }
    listed.text(held, &stamp, unreadable.then(|| word_for_word(&texts)).as_deref())?;
    Ok(listed)
}

impl ListedHours {
    /// One day of the usual week; `None` when the list has no hours on it.
    fn day(
        &mut self,
        held: &Schedule,
        stamp: &Stamp,
        weekday: Weekday,
        hours: Option<&schedule::DayHours>,
    ) -> Result<(), FieldError> {
        let of = (&Place::Site, Variant::Every, Some(weekday));
        let stands = held.hours_on(stamp.day).find(|(place, variant, on, _)| (*place, *variant, *on) == of);
        let Some((.., said)) = stands else {
            if let Some(hours) = hours {
                self.edits.extend(edit::set_day(held, stamp, stamp.day, of.1, of.2, of.0, hours)?);
            }
            return Ok(());
        };
        if said.agreed().is_some_and(|said| said.body.as_ref() == hours) {
            return Ok(());
        }
        let body = hours.map_or_else(|| "-".to_owned(), ToString::to_string);
        if self.kept(said, &body) {
            return Ok(());
        }
        let key = Key::Hours { from: stamp.day, variant: of.1, weekday: of.2, place: Place::Site };
        self.edits.push((key.to_string(), stamp.write(body)));
        Ok(())
    }

    /// Hours that could not be read, word for word; `None` when they could.
    fn text(&mut self, held: &Schedule, stamp: &Stamp, listed: Option<&str>) -> Result<(), FieldError> {
        let listed = listed.map(|text| field::text("text", text)).transpose()?;
        let stands = held.text();
        if stands
            .map_or(listed.is_none(), |said| said.agreed().is_some_and(|said| said.body.as_ref() == listed.as_ref()))
        {
            return Ok(());
        }
        // A person's own text is not about the list.
        let body = listed.as_ref().map_or("-", schedule::Text::as_str);
        if !stands.is_some_and(|said| listed.is_none() && by_person(said).is_some() || self.kept(said, body)) {
            self.edits.extend(edit::set_text(stamp, listed.as_ref())?);
        }
        Ok(())
    }

    /// Whether a person said any of it: then it stays, and is told.
    fn kept<T: ToString>(&mut self, said: &Register<T>, listed: &str) -> bool {
        let Some((author, stands)) = by_person(said) else { return false };
        let key = said.key().to_string();
        self.kept.push(KeptHours { key, author: author.to_string(), stands, listed: listed.to_owned() });
        true
    }
}

/// What somebody else than a list says, if anybody.
fn by_person<T: ToString>(said: &Register<T>) -> Option<(&Author, String)> {
    let said = said.all().find(|said| said.stamp.author != Author::List)?;
    Some((&said.stamp.author, said.body.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)))
}

/// A day's hours as a fact; `None` when there are none.
fn hours(day: &DayHours) -> Result<Option<schedule::DayHours>, FieldError> {
    let slots: Vec<Slot> =
        day.slots.iter().filter_map(|(from, to)| Interval::new(*from, *to)).map(Slot::free).collect();
    if slots.is_empty() {
        return Ok(None);
    }
    let many = slots.len();
    let why = |_| FieldError::new("hours", format!("{many} créneaux en un jour : douze au plus"));
    schedule::DayHours::new(slots).map(Some).map_err(why)
}

/// The whole week as the list has it, a line a day.
fn word_for_word(texts: &BTreeMap<String, String>) -> String {
    let lines = Weekday::ALL.into_iter().zip(COLUMNS).filter_map(|(weekday, column)| {
        let text = texts.get(column).map(|text| text.trim()).filter(|text| !text.is_empty())?;
        Some(format!("{} : {text}", weekday.label_fr()))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
