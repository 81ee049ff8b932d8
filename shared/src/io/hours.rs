//! Hours in the notations of others: OpenStreetMap's text, in and out, and iCalendar, out.
//!
//! Called by the commands and pages that take or show hours, and by exports. The schedule's own
//! rules are the truth: what comes in as text is turned into rules or refused with its place,
//! never guessed; what goes out says what [`plan`](crate::schedule::plan()) says, day by day.

pub mod calendar;
pub mod read;
pub mod write;

#[cfg(test)]
mod tests;

pub use read::{Read, ReadError, read};
pub use write::write;
