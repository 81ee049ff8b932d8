//! The schedule document: when a house is open, who comes, and why a day differs.
//!
//! Registers ([`register`](super::register)), not a grid: weekly rules with variants, dated
//! exceptions, permanences, absences. A fact is what one person decides at once, so a key of
//! hours is variant × weekday × place and its value the whole day; otherwise two edits of one
//! morning would merge into hours that nobody chose.
//!
//! | key | body |
//! |---|---|
//! | `hours\|<from>\|<variant>\|<weekday>\|<place>` | `closed` or slots such as `09:00-12:00/free/2,14:00-17:30/appointment` |
//! | `permanence\|<from>\|<operator>\|<variant>\|<weekday>\|<place>` | the same |
//! | `on\|<from>..<to>\|<place or *>` | `closed\|<reason>`, `extra\|<reason>\|<slots>`, `hours\|<reason>\|<slots>`, `moved\|<reason>\|<place>\|<slots or empty>` |
//! | `off\|<day>\|<operator>\|<place>` | `cancelled\|<reason>`, `hours\|<reason>\|<slots>` |
//! | `absence\|<id>` | `<from>\|<to>\|<interval or empty>\|<n>\|<kind>` |
//! | `place\|<slug>` | `<label>\|<address>` |
//! | `rule\|good-friday` | `open`, `closed` |
//! | `text`, `comment` | text; `text` is hours that could not be read |
//! | `checked` | the day on which the published hours were confirmed |
//!
//! Keys whose first field is of a later version are carried untouched and ignored. What a
//! schedule amounts to on a day is [`plan()`](crate::schedule::plan())'s to say.

pub mod body;
pub mod key;
pub mod reason;
pub mod slot;
pub mod variant;

#[cfg(test)]
pub(crate) mod tests;

pub use body::{Absence, Checked, Exception, GoodFriday, Line, Off, PlaceLabel, Text};
pub use key::{Key, OperatorToken, Place, Slug, Where};
pub use reason::{AbsenceKind, Reason};
pub use slot::{Access, DayHours, Interval, Slot};
pub use variant::{Nth, Variant, Weekday, YearDay};

use super::register::{FactError, admits_as, check_bounds};

/// Whether a key and value may stand in a schedule document.
///
/// # Errors
/// When out of bounds, or of a known first field and not of its form.
pub fn admits(key: &str, value: &str) -> Result<(), FactError> {
    check_bounds(key, value)?;
    let Some(parsed) = Key::parse(key)? else { return Ok(()) };
    match parsed {
        Key::Hours { .. } | Key::Permanence { .. } => admits_as::<DayHours>(value),
        Key::On { .. } => admits_as::<Exception>(value),
        Key::Off { .. } => admits_as::<Off>(value),
        Key::Absence(_) => admits_as::<Absence>(value),
        Key::Place(_) => admits_as::<PlaceLabel>(value),
        Key::GoodFriday => admits_as::<GoodFriday>(value),
        Key::Text | Key::Comment => admits_as::<Text>(value),
        Key::Checked => admits_as::<Checked>(value),
    }
}
