//! The days that a question asks for, and how many they may be.

use msap_shared::time::{Day, Month};

use super::{AskError, Given, wrong};
use crate::lang::Phrase;
use crate::query::Key;

/// Most days of one question by day: three years.
const DAYS_MAX: i32 = 1_100;

/// A day that a parameter names.
pub fn day(parameter: &'static str, text: &str) -> Result<Day, AskError> {
    let expected =
        Phrase::new("un jour de 2000 à 2099, par exemple 2026-11-20", "a day from 2000 to 2099 such as 2026-11-20");
    text.parse().map_err(|_| wrong(parameter, text, expected))
}

/// The days asked for, by both ends; `current` where none is.
pub fn period(given: &Given, current: Month) -> Result<(Day, Day), AskError> {
    let end = |name| given.one(name).map(|text| day(name, text)).transpose();
    match (end("from")?, end("to")?) {
        (None, None) => Ok((current.first_day(), current.last_day())),
        (Some(_), None) => Err(AskError::HalfPeriod("to")),
        (None, Some(_)) => Err(AskError::HalfPeriod("from")),
        (Some(first), Some(last)) if first > last => {
            let expected = Phrase::new("au plus tard le jour de to", "on or before the day of to");
            Err(wrong("from", &first.to_string(), expected))
        }
        (Some(first), Some(last)) => Ok((first, last)),
    }
}

/// Three years at most of single days: each day of each site costs its share, whether or not anything
/// came, and nobody's question may keep others waiting.
pub(super) fn bounded((from, to): (Day, Day), by: &[Key]) -> Result<(), AskError> {
    let expected = Phrase::new("moins de 1100 jours après from, par jour", "less than 1100 days after from, by day");
    match by.contains(&Key::Day) && to.number() - from.number() >= DAYS_MAX {
        true => Err(wrong("to", &to.to_string(), expected)),
        false => Ok(()),
    }
}
