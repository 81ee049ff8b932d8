//! What facts amount to in figures. Pure: values in, differences out.
//!
//! One more fact changes the figures by what its tap now says minus what it said before. What
//! looks wrong is counted apart, never turned away: plausibility does not decide acceptance.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

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
    /// A day on which the site had closed for good.
    Retired,
}

impl Flag {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Operator, Self::Help, Self::Age, Self::Count, Self::Day, Self::Clock, Self::Contested, Self::Retired];

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
            Self::Retired => "retired",
        }
    }

    /// Whether the tap is counted apart meanwhile. A contested one counts: it is known that
    /// somebody came.
    pub const fn counts_apart(self) -> bool {
        !matches!(self, Self::Contested)
    }
}

/// What a person has decided on a fact that looked wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Count,
    /// It never counts.
    LeaveOut,
}

impl Verdict {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Count, Self::LeaveOut];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::LeaveOut => "leave_out",
        }
    }

    /// The verdict with this code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// Where a tap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the totals.
    Total,
    /// Apart, until a person settles it.
    Apart,
    /// Nowhere: a person has left it out.
    Nowhere,
}

impl Place {
    /// Where a tap with these doubts counts, settled or not.
    pub fn of(doubted: bool, verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Count) => Self::Total,
            Some(Verdict::LeaveOut) => Self::Nowhere,
            None if doubted => Self::Apart,
            None => Self::Total,
        }
    }
}

/// What a standing says, in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Under what it counts.
    pub cell: Cell,
    /// How much.
    pub sums: Sums,
    /// Why a person should look.
    pub flags: BTreeSet<Flag>,
}

impl Reading {
    /// Where it counts, once settled or not.
    pub fn place(&self, verdict: Option<Verdict>) -> Place {
        Place::of(self.flags.iter().any(|flag| flag.counts_apart()), verdict)
    }
}

/// Reads a standing of a tap in `document`, received on `received`, of a site that had closed for
/// good at the times `retired`.
///
/// `None` for a value that is no visit, which no accepted fact has.
pub fn read(
    document: &DocId,
    standing: &Standing<String>,
    received: Day,
    retired: &[RangeInclusive<Day>],
) -> Option<Reading> {
    let visit = Visit::parse(&standing.value).ok()?;
    let day = document.month()?.day(standing.day)?;
    // What says nothing any more closed with the site.
    let said = visit.people != 0 || visit.requests != 0;
    let closed = said && retired.iter().any(|time| time.contains(&day));
    let mut flags = flags(&visit, day, standing, received);
    flags.extend(closed.then_some(Flag::Retired));
    Some(Reading { cell: cell(&visit, day), sums: sums(&visit), flags })
}

fn cell(visit: &Visit, day: Day) -> Cell {
    Cell {
        day,
        operator: visit.operator.as_str().to_owned(),
        help: visit.help.as_str().to_owned(),
        age: visit.age.as_str().to_owned(),
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

/// Differences of figures, gathered over many facts before they are written; `true` for what
/// counts apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deltas(BTreeMap<(Cell, bool), Sums>);

impl Deltas {
    /// Adds a reading.
    pub fn add(&mut self, reading: &Reading, place: Place) {
        self.shift(reading.cell.clone(), place, reading.sums, 1);
    }

    /// Takes away what a standing said before, from where it counted.
    pub fn take_away(&mut self, document: &DocId, before: &Standing<String>, place: Place) {
        self.stand(document, before, place, -1);
    }

    /// Adds what a standing says, to where it counts now.
    pub fn put(&mut self, document: &DocId, standing: &Standing<String>, place: Place) {
        self.stand(document, standing, place, 1);
    }

    fn stand(&mut self, document: &DocId, standing: &Standing<String>, place: Place, sign: i64) {
        let parts = Visit::parse(&standing.value).ok().zip(document.month().and_then(|month| month.day(standing.day)));
        if let Some((visit, day)) = parts {
            self.shift(cell(&visit, day), place, sums(&visit), sign);
        }
    }

    fn shift(&mut self, cell: Cell, place: Place, by: Sums, sign: i64) {
        let apart = match place {
            Place::Total => false,
            Place::Apart => true,
            Place::Nowhere => return,
        };
        let sums = self.0.entry((cell, apart)).or_default();
        sums.people += sign * by.people;
        sums.requests += sign * by.requests;
    }

    /// The cells that differ.
    pub fn into_cells(self) -> impl Iterator<Item = ((Cell, bool), Sums)> {
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
        read(&document(), &Standing::new(0, 17, value.to_owned()), day(received), &[]).unwrap()
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
            assert_eq!(reading.place(None) == Place::Apart, !flags.is_empty(), "{value}");
        }
    }

    #[test]
    fn a_contested_tap_counts_and_is_named() {
        let standing = Standing { rev: 1, day: 17, value: "1|CNAF|online|25-39|1".to_owned(), contested: true };
        let reading = read(&document(), &standing, day("2026-11-17"), &[]).unwrap();
        assert!(reading.place(None) == Place::Total && reading.flags.contains(&Flag::Contested));
    }

    #[test]
    fn a_revision_moves_the_figure_and_an_undo_empties_it() {
        let before = Standing::new(0, 17, "2|CNAF|online|25-39|3".to_owned());
        let mut deltas = Deltas::default();
        deltas.add(&read(&document(), &before, day("2026-11-17"), &[]).unwrap(), Place::Total);
        deltas.take_away(&document(), &before, Place::Total);
        assert_eq!(deltas.into_cells().count(), 0);

        let mut deltas = Deltas::default();
        deltas.take_away(&document(), &before, Place::Total);
        deltas.add(&reading("2|MSA|online|25-39|3", "2026-11-17"), Place::Total);
        let moved: Vec<_> =
            deltas.into_cells().map(|((cell, _), sums)| (cell.operator, sums.people, sums.requests)).collect();
        assert_eq!(moved, [("CNAF".to_owned(), -2, -3), ("MSA".to_owned(), 2, 3)]);
    }
    #[test]
    fn a_visit_after_the_last_day_is_counted_apart_unless_undone() {
        let closed = [day("2026-11-17")..=day("2026-11-30")];
        for (on, value, expected) in [
            (16, "1|CNAF|online|25-39|1", Place::Total),
            (17, "1|CNAF|online|25-39|1", Place::Apart),
            (17, "0|CNAF|online|25-39|0", Place::Total),
        ] {
            let standing = Standing::new(0, on, value.to_owned());
            let reading = read(&document(), &standing, day("2026-11-30"), &closed).unwrap();
            assert_eq!(reading.place(None), expected, "{on} {value}");
            assert_eq!(reading.place(Some(Verdict::Count)), Place::Total);
            assert_eq!(reading.place(Some(Verdict::LeaveOut)), Place::Nowhere);
        }
    }
}
