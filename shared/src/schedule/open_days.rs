//! On which days of a month a house opens at all: what completeness counts.
//!
//! Asked by the hub for every site and month, so [`plan()`] is asked once for all days that nothing
//! tells apart: those of one weekday in weeks of one parity, while the same rules hold. Invariant:
//! each day is what its plan says, whatever the facts; the proptest below compares them.

use std::collections::BTreeMap;

use super::calendar::{Known, good_friday, may_be_public};
use super::{DayPlan, DayState, Schedule, Surroundings, Weekly, plan};
use crate::document::schedule::{Variant, Weekday};
use crate::time::{Day, Month};

/// What is known of the days of a month; bit 0 is its first day. A day in neither is shut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenDays {
    /// It opens.
    pub open: u32,
    /// The house has said no hours that hold on it.
    pub unknown: u32,
    /// People contradict each other on whether it opens.
    pub conflict: u32,
}

/// What the house says of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opens {
    Yes,
    No,
    Unknown,
    Conflict,
}

/// The months of one house that were asked for, worked out.
#[derive(Clone, Debug, Default)]
pub struct WorkedOut {
    /// Days that nothing tells apart, by weekday, parity of the week and rules in force.
    alike: BTreeMap<(Weekday, bool, usize), Opens>,
    months: BTreeMap<Month, OpenDays>,
}

impl OpenDays {
    /// Of these days nothing is known.
    pub const UNKNOWN: Self = Self { open: 0, unknown: u32::MAX, conflict: 0 };
}

impl WorkedOut {
    /// The days of a month that was asked for before.
    pub fn known(&self, month: Month) -> Option<OpenDays> {
        self.months.get(&month).copied()
    }

    /// The days of a month. Schedule and surroundings must be those of the months before.
    pub fn month(&mut self, schedule: &Schedule, month: Month, around: &Surroundings<'_>) -> OpenDays {
        if let Some(known) = self.known(month) {
            return known;
        }
        let mut found = OpenDays::default();
        let regular = is_regular(schedule);
        for (bit, day) in (1..=31).map_while(|number| month.day(number)).enumerate() {
            let opens = match regular && is_usual(schedule, day, around) {
                true => *self.alike.entry(sort(schedule, day)).or_insert_with(|| Opens::of(schedule, day, around)),
                false => Opens::of(schedule, day, around),
            };
            match opens {
                Opens::Yes => found.open |= 1 << bit,
                Opens::Unknown => found.unknown |= 1 << bit,
                Opens::Conflict => found.conflict |= 1 << bit,
                Opens::No => {}
            }
        }
        self.months.insert(month, found);
        found
    }
}

impl Opens {
    fn of(schedule: &Schedule, day: Day, around: &Surroundings<'_>) -> Self {
        let plan = plan(schedule, day, around);
        match (plan.opens(), plan.state) {
            (Some(true), _) => Self::Yes,
            (Some(false), _) => Self::No,
            // Contradicted is the day only if the versions differ in whether it opens.
            (None, DayState::Conflict) if plan.agreed(DayPlan::opens).is_none() => Self::Conflict,
            (None, _) => Self::Unknown,
        }
    }
}

/// Whether no rule looks at more of an ordinary day than its weekday and the parity of its week.
fn is_regular(schedule: &Schedule) -> bool {
    fn regular<S>(rule: &Weekly<S>) -> bool {
        // One of public holidays has no say on an ordinary day.
        matches!(rule.variant, Variant::Every | Variant::Odd | Variant::Even | Variant::Holiday)
    }
    schedule.hours.iter().all(regular) && schedule.permanences.iter().all(regular)
}

/// Whether nothing speaks of this very day.
fn is_usual(schedule: &Schedule, day: Day, around: &Surroundings<'_>) -> bool {
    let public = match around.calendar.public(around.holiday_zone, day) {
        Known::Yes(name) => name.is_some(),
        Known::Missing => may_be_public(day),
    };
    let away = |from: Day, to: Day| from <= day && day <= to;
    let mut absences = schedule.absences.iter().flat_map(|said| said.all()).filter_map(|said| said.body.as_ref());
    !public
        && good_friday(day.date().year()) != Some(day)
        && schedule.exceptions_on(day).next().is_none()
        && !schedule.offs.iter().any(|off| off.day == day)
        && !absences.any(|absence| away(absence.from, absence.to))
        && !around.closures.iter().any(|closure| closure.covers(day))
}

/// What ordinary days have in common that a regular schedule does not tell apart.
fn sort(schedule: &Schedule, day: Day) -> (Weekday, bool, usize) {
    fn begun<S>(rules: &[Weekly<S>], day: Day) -> usize {
        rules.iter().map(|rule| rule.steps.partition_point(|(from, _)| *from <= day)).sum()
    }
    // Steps only ever begin: as many of them on two days are the same ones.
    let steps = begun(&schedule.hours, day) + begun(&schedule.permanences, day);
    (Weekday::of(day), day.date().iso_week_date().week() % 2 == 0, steps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{day, facts, known, properties::any_fact};
    use super::*;
    use crate::document::register::Facts;
    use crate::document::schedule::Reason;
    use crate::schedule::NetworkClosure;

    fn around<'a>(calendar: &'a super::super::Calendar, closures: &'a [NetworkClosure]) -> Surroundings<'a> {
        Surroundings { calendar, holiday_zone: "alsace-moselle", school_zone: "B", closures }
    }

    #[test]
    fn a_month_tells_open_shut_unknown_and_contradicted_days_apart() {
        let calendar = known();
        // Hours from the 12th on, a Thursday; on Mondays people differ; the 24th is closed.
        let facts = facts(&[
            ("hours|2026-11-12|every|th|-", "09:00-12:00"),
            ("hours|2026-11-12|every|mo|-", "09:00-12:00"),
            ("hours|2026-11-12|every|mo|-", "closed"),
            ("hours|2026-11-12|every|tu|-", "09:00-12:00"),
            ("on|2026-11-24..2026-11-24|-", "closed|works"),
        ]);
        let found =
            WorkedOut::default().month(&Schedule::read(&facts), day("2026-11-01").month(), &around(&calendar, &[]));
        let days = |mask: u32| (1..=31).filter(|day| mask & (1 << (day - 1)) != 0).collect::<Vec<u8>>();
        assert_eq!(days(found.open), [12, 17, 19, 26]);
        assert_eq!(days(found.unknown), (1..=11).collect::<Vec<_>>());
        assert_eq!(days(found.conflict), [16, 23, 30]);
    }

    proptest! {
        #[test]
        fn each_day_is_what_its_plan_says(
            facts_of in proptest::collection::vec(any_fact(), 0..20),
            regular in any::<bool>(),
            closure in proptest::option::of(0i32..90),
        ) {
            let mut facts = Facts::new();
            for (at, (key, body)) in facts_of.iter().enumerate() {
                // Without other variants days are worked out by their sort.
                let key = match regular {
                    true => ["1st", "2nd", "5th", "last", "school", "02-20..03-10", "12-20..01-05",
                        "2026-02-01..2026-03-31", "2026-03-01..2026-03-07"].iter()
                        .fold(key.clone(), |key, variant| key.replace(&format!("|{variant}|"), "|every|")),
                    false => key.clone(),
                };
                facts.entry(key).or_default().push(format!("region:{at}|2026-01-01|{body}"));
            }
            let schedule = Schedule::read(&facts);
            let calendar = known();
            let closures: Vec<_> = closure.into_iter().map(|ahead| NetworkClosure {
                id: "pont".to_owned(), from: day("2026-02-01").plus_days(ahead),
                to: day("2026-02-01").plus_days(ahead + 3), reason: Reason::Other,
                label: "pont".to_owned(), scope: "national".parse().unwrap(),
            }).collect();
            let around = around(&calendar, &closures);
            let mut worked_out = WorkedOut::default();
            for month in ["2026-04", "2026-02", "2026-03", "2026-02"] {
                let month: Month = month.parse().unwrap();
                let found = worked_out.month(&schedule, month, &around);
                for (bit, day) in (1..=31).map_while(|number| month.day(number)).enumerate() {
                    let bits = [found.open, found.unknown, found.conflict].map(|mask| mask & (1 << bit) != 0);
                    let opens = plan(&schedule, day, &around).opens();
                    prop_assert_eq!(bits[0], opens == Some(true), "{}", day);
                    prop_assert_eq!(bits[1] || bits[2], opens.is_none(), "{}", day);
                    prop_assert!(!(bits[1] && bits[2]));
                }
            }
        }
    }
}
