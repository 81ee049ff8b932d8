//! The pieces of a text in OpenStreetMap's notation: what a day tells, weekdays, dates.

use crate::document::schedule::slot::union;
use crate::document::schedule::{Access, Interval, Weekday};
use crate::schedule::day_plan::{DayPlan, DayState, WhyKind};
use crate::time::Day;

const WEEKDAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const CONTRADICTED: &str = "horaires contradictoires, à confirmer auprès de la maison";
const NOT_SAID: &str = "horaires non communiqués";
const NO_CALENDAR: &str = "jour férié ou vacances scolaires non confirmés";

/// What a text tells of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    /// In order of access, then of time; none overlaps another.
    open: Vec<(Access, Vec<Interval>)>,
    shut: Shut,
}

/// What a day without opening is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Shut {
    #[default]
    Known,
    Contradicted,
    NotSaid,
    NoCalendar,
}

impl Told {
    pub(super) fn of(plan: &DayPlan) -> Self {
        if plan.state == DayState::Conflict {
            return Self { open: Vec::new(), shut: Shut::Contradicted };
        }
        let mut taken: Vec<Interval> = Vec::new();
        let mut open = Vec::new();
        // Whoever may come without an appointment at one place need not be told of the other.
        for access in Access::ALL {
            let own = plan.openings.iter().filter(|opening| opening.access == access).map(|opening| opening.interval);
            let left = outside(&union(own), &union(taken.iter().copied()));
            taken.extend(&left);
            if !left.is_empty() {
                open.push((access, left));
            }
        }
        let shut = match plan.state {
            DayState::Unknown if plan.why.iter().any(|why| why.kind == WhyKind::NoCalendar) => Shut::NoCalendar,
            DayState::Unknown if open.is_empty() => Shut::NotSaid,
            _ => Shut::Known,
        };
        Self { open, shut }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_off(&self) -> bool {
        self.open.is_empty() && self.shut == Shut::Known
    }

    /// The rule that tells it of the selected days.
    pub(super) fn write(&self, selector: &str) -> String {
        let rule = |(access, intervals): &(Access, Vec<Interval>)| {
            let intervals: Vec<String> = intervals.iter().map(ToString::to_string).collect();
            let comment = match access {
                Access::Free => String::new(),
                other => format!(" \"{}\"", other.label_fr()),
            };
            format!("{selector} {}{comment}", intervals.join(","))
        };
        match (self.open.is_empty(), self.shut) {
            (false, _) => self.open.iter().map(rule).collect::<Vec<_>>().join(", "),
            (true, Shut::Known) => format!("{selector} off"),
            (true, Shut::Contradicted) => format!("{selector} unknown \"{CONTRADICTED}\""),
            (true, Shut::NotSaid) => format!("{selector} unknown \"{NOT_SAID}\""),
            (true, Shut::NoCalendar) => format!("{selector} unknown \"{NO_CALENDAR}\""),
        }
    }
}

/// What of `intervals` lies in none of `taken`; both in order, without overlap.
fn outside(intervals: &[Interval], taken: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    for interval in intervals {
        let mut from = interval.from();
        for hole in taken.iter().filter_map(|taken| taken.common(*interval)) {
            left.extend(Interval::new(from, hole.from()));
            from = hole.to();
        }
        left.extend(Interval::new(from, interval.to()));
    }
    left
}

/// Weekdays in order: `Mo-Fr`, `Mo,Tu`.
pub(super) fn weekdays(days: &[Weekday]) -> String {
    let runs = days.chunk_by(|a, b| a.index() + 1 == b.index());
    let run = |run: &[Weekday]| match run {
        [first, .., last] if run.len() > 2 => format!("{}-{}", WEEKDAYS[first.index()], WEEKDAYS[last.index()]),
        few => few.iter().map(|day| WEEKDAYS[day.index()]).collect::<Vec<_>>().join(","),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

/// Ranges of dates, in order.
pub(super) struct Dates(Vec<(Day, Day)>);

impl Dates {
    pub(super) fn new(dates: Vec<(Day, Day)>) -> Self {
        Self(dates)
    }

    /// `2026 May 01,2026 Jul 06-2026 Aug 28 Mo-Fr`.
    pub(super) fn write(&self, weekdays: Option<&str>) -> String {
        let date = |day: Day| {
            let month = MONTHS[usize::from(day.date().month().unsigned_abs()) - 1];
            format!("{:04} {month} {:02}", day.date().year(), day.day_of_month())
        };
        let range = |(from, to): &(Day, Day)| match from == to {
            true => date(*from),
            false => format!("{}-{}", date(*from), date(*to)),
        };
        let ranges: Vec<String> = self.0.iter().map(range).collect();
        match weekdays {
            Some(weekdays) => format!("{} {weekdays}", ranges.join(",")),
            None => ranges.join(","),
        }
    }
}
