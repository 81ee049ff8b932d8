//! What each day of a site's month is: expected or not, and why, and whether it was reported.
//!
//! Days are bits: bit 0 is the first of the month.

use msap_shared::schedule::OpenDays;
use msap_shared::time::{Day, Month};

use super::{Reason, Tally};
use crate::almanac::Pages;
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

/// What the days of a window in a month are, and why nothing was expected of some.
pub(super) fn judge(
    pages: &Pages,
    (reporter, stretch): (&Reporter, &Stretch),
    (month, window): (Month, u32),
    (told, late_days): (Reported, u8),
) -> (Days, [(Reason, u32); 3]) {
    let idle = |reason| (Days { not_expected: window, ..Days::default() }, [(reason, window), NONE, NONE]);
    let begins = match (stretch.life, reporter.reports_from) {
        (Life::Candidate | Life::Project, _) => return idle(Reason::Project),
        (Life::Retired, _) => return idle(Reason::Retired),
        (Life::Open | Life::Labelled, None) => return idle(Reason::NeverEnrolled),
        (Life::Open | Life::Labelled, Some(begins)) => begins,
    };
    let duty = window & since(month, begins);
    let early = window & !duty;
    let OpenDays { open, unknown, conflict } = match duty {
        0 => OpenDays::default(),
        _ => pages.open_days(&reporter.site, &reporter.place, month),
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

/// The days of a month from this one on.
pub(super) fn since(month: Month, day: Day) -> u32 {
    match day {
        day if day <= month.first_day() => u32::MAX,
        day if day > month.last_day() => 0,
        day => u32::MAX << (day.day_of_month() - 1),
    }
}

/// The days of a month up to this one.
pub(super) fn until(month: Month, day: Day) -> u32 {
    let last = match day {
        day if day < month.first_day() => return 0,
        day => day.min(month.last_day()),
    };
    u32::MAX >> (32 - u32::from(last.day_of_month()))
}
