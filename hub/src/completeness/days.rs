//! What each day of a site's month is: expected or not, and why, and whether it was reported.
//!
//! Days are bits: bit 0 is the first of the month.

use msap_shared::schedule::OpenDays;
use msap_shared::time::Month;

use super::{Reason, Tally};
use crate::almanac::Opening;
use crate::query::{Query, month_number};
use crate::site::{Life, is_itinerant};
use crate::store::reported::Reported;
use crate::store::reporters::{Reporter, Stretch};

/// The days of one site in one month, as bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Days {
    pub(super) expected: u32,
    pub(super) reported: u32,
    pub(super) late: u32,
    pub(super) unexpected: u32,
    pub(super) not_expected: u32,
}

impl Days {
    /// What is left of them on these days.
    pub(super) fn on(self, mask: u32) -> Self {
        let Self { expected, reported, late, unexpected, not_expected } = self;
        let [expected, reported, late, unexpected, not_expected] =
            [expected, reported, late, unexpected, not_expected].map(|days| days & mask);
        Self { expected, reported, late, unexpected, not_expected }
    }

    /// Those that a row would tell of.
    pub(super) fn any(self) -> u32 {
        self.expected | self.unexpected | self.not_expected
    }

    /// How many of each.
    pub(super) fn tally(self) -> Tally {
        let [expected, reported, late, unexpected] =
            [self.expected, self.reported, self.late, self.unexpected].map(u32::count_ones);
        Tally { expected, reported, late, unexpected, not_expected: 0 }
    }
}

/// What the days of a window in a month of a site are, which `begins` to report on the day of that number, and why nothing was expected of some.
pub(super) fn judge(
    opening: &mut Opening<'_>,
    (reporter, stretch, begins): (&Reporter, &Stretch, Option<i32>),
    (month, window): (MonthDays, u32),
    (told, late_days): (Reported, u8),
) -> (Days, [(Reason, u32); 3]) {
    let idle = |reason| (Days { not_expected: window, ..Days::default() }, [(reason, window), NONE, NONE]);
    let begins = match (stretch.life, begins) {
        (Life::Candidate | Life::Project, _) => return idle(Reason::Project),
        (Life::Retired, _) => return idle(Reason::Retired),
        (Life::Open | Life::Labelled, None) => return idle(Reason::NeverEnrolled),
        (Life::Open | Life::Labelled, Some(begins)) => begins,
    };
    let duty = window & month.since(begins);
    let early = window & !duty;
    let OpenDays { open, unknown, conflict } = match duty {
        0 => OpenDays::default(),
        _ => opening.days(month.month),
    };
    let expected = duty & open;
    let shut = duty & !(open | unknown | conflict);
    let unsaid = if is_itinerant(&reporter.format) { Reason::Itinerant } else { Reason::NoHours };
    let days = Days {
        expected,
        reported: expected & told.days(),
        late: expected & told.late(late_days),
        unexpected: shut & told.visited(),
        not_expected: early | duty & (unknown | conflict),
    };
    (days, [(Reason::BeforeReportsFrom, early), (unsaid, duty & unknown), (Reason::Conflict, duty & conflict)])
}

/// No days, for whatever reason.
const NONE: (Reason, u32) = (Reason::Conflict, 0);

/// A month by the numbers of its days: a year of the network has 34,000 of them, and the calendar is
/// asked once for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct MonthDays {
    pub(super) month: Month,
    /// Its number among months.
    pub(super) number: i32,
    /// The numbers of its first and its last day.
    pub(super) first: i32,
    pub(super) last: i32,
}

impl MonthDays {
    /// Those of a question's period.
    pub(super) fn of(query: &Query) -> Vec<Self> {
        let mut months = Vec::new();
        let mut month = query.from.month();
        while month.first_day() <= query.to {
            let (first, last) = (month.first_day(), month.last_day());
            months.push(Self { month, number: month_number(first), first: first.number(), last: last.number() });
            match month.next() {
                next if next == month => break,
                next => month = next,
            }
        }
        months
    }

    /// Its days from the one of this number on.
    pub(super) fn since(&self, day: i32) -> u32 {
        match day {
            day if day <= self.first => u32::MAX,
            day if day > self.last => 0,
            day => u32::MAX << (day - self.first),
        }
    }

    /// Its days up to the one of this number.
    pub(super) fn until(&self, day: i32) -> u32 {
        match day {
            day if day < self.first => 0,
            day => u32::MAX >> (31 - (day.min(self.last) - self.first)),
        }
    }
}
