//! What facts amount to in figures. Pure: values in, differences out.
//!
//! One more fact changes the figures by what its tap now says minus what it said before. What
//! looks wrong is counted apart, never turned away: plausibility does not decide acceptance.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::code::{Age, Help, known_operator};
use msap_shared::document::DocId;
use msap_shared::document::fold::Standing;
use msap_shared::document::visits::{COUNT_PLAUSIBLE_MAX, Visit};
use msap_shared::time::Day;

/// A figure is keyed by all that a visit is counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The day of the visit.
    pub day: Day,
    /// For whom.
    pub operator: String,
    /// Kind of help.
    pub help: String,
    /// Age bracket.
    pub age: String,
    /// Counted apart until a person settles it.
    pub apart: bool,
}

/// People and requests, as a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// People.
    pub people: i64,
    /// Requests.
    pub requests: i64,
}

/// Why a tap is put before a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// An operator code that the catalogue does not have.
    Operator,
    /// A kind of help that this version does not know.
    Help,
    /// An age bracket that this version does not know.
    Age,
    /// More people or requests than one tap can mean.
    Count,
    /// A day that had not begun anywhere when it was received.
    Day,
    /// A machine whose clock was wrong: a person there gave the day.
    Clock,
    /// Two values for one revision: two copies of a machine corrected it differently.
    Contested,
}

impl Flag {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Help => "help",
            Self::Age => "age",
            Self::Count => "count",
            Self::Day => "day",
            Self::Clock => "clock",
            Self::Contested => "contested",
        }
    }

    /// Whether the tap is counted apart meanwhile. A contested one counts: it is known that
    /// somebody came.
    pub const fn counts_apart(self) -> bool {
        !matches!(self, Self::Contested)
    }
}

/// What a standing says, in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Where it counts.
    pub cell: Cell,
    /// How much.
    pub sums: Sums,
    /// Why a person should look.
    pub flags: BTreeSet<Flag>,
}

/// Reads a standing of a tap in `document`, received on `received`.
///
/// `None` for a value that is no visit, which no accepted fact has.
pub fn read(document: &DocId, standing: &Standing<String>, received: Day) -> Option<Reading> {
    let visit = Visit::parse(&standing.value).ok()?;
    let day = document.month().day(standing.day)?;
    let flags = flags(&visit, day, standing, received);
    let apart = flags.iter().any(|flag| flag.counts_apart());
    Some(Reading { cell: cell(&visit, day, apart), sums: sums(&visit), flags })
}

fn cell(visit: &Visit, day: Day, apart: bool) -> Cell {
    Cell {
        day,
        operator: visit.operator.as_str().to_owned(),
        help: visit.help.as_str().to_owned(),
        age: visit.age.as_str().to_owned(),
        apart,
    }
}

fn sums(visit: &Visit) -> Sums {
    Sums { people: visit.people.into(), requests: visit.requests.into() }
}

fn flags(visit: &Visit, day: Day, standing: &Standing<String>, received: Day) -> BTreeSet<Flag> {
    let beyond = |n: i16| n.unsigned_abs() > COUNT_PLAUSIBLE_MAX.unsigned_abs();
    // The hub's day is that of one zone; some site may be a day ahead.
    let future = day > received.plus_days(1);
    [
        (known_operator(visit.operator.as_str()).is_none(), Flag::Operator),
        (Help::known(visit.help.as_str()).is_none(), Flag::Help),
        (Age::known(visit.age.as_str()).is_none(), Flag::Age),
        (beyond(visit.people) || beyond(visit.requests), Flag::Count),
        (future, Flag::Day),
        (Visit::day_was_asked(&standing.value), Flag::Clock),
        (standing.contested, Flag::Contested),
    ]
    .into_iter()
    .filter_map(|(holds, flag)| holds.then_some(flag))
    .collect()
}

/// Differences of figures, gathered over many facts before they are written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deltas(BTreeMap<Cell, Sums>);

impl Deltas {
    /// Adds a reading.
    pub fn add(&mut self, reading: &Reading) {
        self.shift(&reading.cell, reading.sums, 1);
    }

    /// Takes away what a standing said before; `apart` tells where it counted.
    pub fn take_away(&mut self, document: &DocId, before: &Standing<String>, apart: bool) {
        let parts = Visit::parse(&before.value).ok().zip(document.month().day(before.day));
        if let Some((visit, day)) = parts {
            self.shift(&cell(&visit, day, apart), sums(&visit), -1);
        }
    }

    fn shift(&mut self, cell: &Cell, by: Sums, sign: i64) {
        let sums = self.0.entry(cell.clone()).or_default();
        sums.people += sign * by.people;
        sums.requests += sign * by.requests;
    }

    /// The cells that differ.
    pub fn into_cells(self) -> impl Iterator<Item = (Cell, Sums)> {
        self.0.into_iter().filter(|(_, sums)| *sums != Sums::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> DocId {
        "site/275/visits/2026-11".parse().unwrap()
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn reading(value: &str, received: &str) -> Reading {
        read(&document(), &Standing::new(0, 17, value.to_owned()), day(received)).unwrap()
    }

    #[test]
    fn what_looks_wrong_is_counted_apart_and_named() {
        for (value, received, flags) in [
            ("1|CNAF|online|25-39|1", "2026-11-17", vec![]),
            ("1|CNAF|online|25-39|1|later", "2026-11-17", vec![]),
            ("1|CNAF|online|25-39|1|clock", "2026-11-17", vec![Flag::Clock]),
            ("1|CNAF|online|25-39|1|later|clock", "2026-11-17", vec![Flag::Clock]),
            ("1|NEWCOMER|online|25-39|1", "2026-11-17", vec![Flag::Operator]),
            ("1|CNAF|remote|25-39|1", "2026-11-17", vec![Flag::Help]),
            ("1|CNAF|online|25-49|1", "2026-11-17", vec![Flag::Age]),
            ("100|CNAF|online|25-39|1", "2026-11-17", vec![Flag::Count]),
            ("1|CNAF|online|25-39|-100", "2026-11-17", vec![Flag::Count]),
            ("1|CNAF|online|25-39|1", "2026-11-16", vec![]),
            ("1|CNAF|online|25-39|1", "2026-11-15", vec![Flag::Day]),
        ] {
            let reading = reading(value, received);
            assert_eq!(reading.flags.iter().copied().collect::<Vec<_>>(), flags, "{value} {received}");
            assert_eq!(reading.cell.apart, !flags.is_empty(), "{value}");
        }
    }

    #[test]
    fn a_contested_tap_counts_and_is_named() {
        let standing = Standing { rev: 1, day: 17, value: "1|CNAF|online|25-39|1".to_owned(), contested: true };
        let reading = read(&document(), &standing, day("2026-11-17")).unwrap();
        assert!(!reading.cell.apart && reading.flags.contains(&Flag::Contested));
    }

    #[test]
    fn a_revision_moves_the_figure_and_an_undo_empties_it() {
        let before = Standing::new(0, 17, "2|CNAF|online|25-39|3".to_owned());
        let mut deltas = Deltas::default();
        deltas.add(&read(&document(), &before, day("2026-11-17")).unwrap());
        deltas.take_away(&document(), &before, false);
        assert_eq!(deltas.into_cells().count(), 0);

        let mut deltas = Deltas::default();
        deltas.take_away(&document(), &before, false);
        deltas.add(&reading("2|MSA|online|25-39|3", "2026-11-17"));
        let moved: Vec<_> =
            deltas.into_cells().map(|(cell, sums)| (cell.operator, sums.people, sums.requests)).collect();
        assert_eq!(moved, [("CNAF".to_owned(), -2, -3), ("MSA".to_owned(), 2, 3)]);
    }
}
