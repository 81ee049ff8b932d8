//! The regular week, by which a house's label is judged: how long it is open, and with how many agents.

use std::sync::Arc;

use super::Schedule;
use super::plan::VERSIONS_MAX;
use crate::document::register::Register;
use crate::document::schedule::slot::union;
use crate::document::schedule::{DayHours, Interval, Place, Slot, Variant, Weekday};
use crate::time::Day;

/// Minutes that the regular week in force on `day` is open; `None` when no regular week is said,
/// or when facts contradict each other and the figure depends on it, or might for all that can be
/// worked out in [`VERSIONS_MAX`] combinations.
///
/// Regular are `every`, `odd` and `even`: weeks of odd and of even number are averaged, half
/// minutes dropped. All else is left out: nth weekdays, holidays, ranges, exceptions. Openings
/// at several places at once count once.
pub fn weekly_minutes(schedule: &Schedule, day: Day) -> Option<u32> {
    weekly(schedule, day, &|slots| {
        union(slots.iter().map(|(_, slot)| slot.interval)).iter().map(|interval| u32::from(interval.minutes())).sum()
    })
}

/// Minutes of the same week in which at least so many agents are at work: surely, and at most,
/// where the house has not said how many there are. Absences are no part of the regular week.
pub fn weekly_staffed(schedule: &Schedule, day: Day, agents: u8) -> Option<(u32, u32)> {
    let surely = weekly(schedule, day, &|slots| staffed(slots, |at_work| at_work.known >= agents))?;
    let at_most = weekly(schedule, day, &|slots| staffed(slots, |at_work| at_work.or_more || at_work.known >= agents))?;
    Some((surely, at_most))
}

/// A weekday's slots with their places.
type Slots<'a> = [(&'a Place, &'a Slot)];

/// How many agents are at work over a part of a day.
struct AtWork {
    /// At the places that say.
    known: u8,
    /// Whether there is a place that does not say: nobody may be there, or anybody.
    or_more: bool,
}

/// The minutes of a weekday whose number of agents fits. At one place overlapping slots share their
/// agents; different places add up.
fn staffed(slots: &Slots<'_>, fits: impl Fn(&AtWork) -> bool) -> u32 {
    let mut cuts: Vec<u16> = slots.iter().flat_map(|(_, slot)| [slot.interval.from(), slot.interval.to()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let parts = cuts.windows(2).filter_map(|ends| Interval::new(ends[0], ends[1]));
    let agents = |part: Interval| {
        let mut places: Vec<(&Place, Option<u8>)> = Vec::new();
        for (place, slot) in slots.iter().filter(|(_, slot)| slot.interval.common(part).is_some()) {
            match places.iter_mut().find(|(known, _)| known == place) {
                Some((_, agents)) => *agents = (*agents).max(slot.agents),
                None => places.push((place, slot.agents)),
            }
        }
        let known = places.iter().filter_map(|(_, agents)| *agents).fold(0, u8::saturating_add);
        let or_more = places.iter().any(|(_, agents)| agents.is_none());
        (!places.is_empty()).then_some(AtWork { known, or_more })
    };
    parts.filter(|part| agents(*part).as_ref().is_some_and(&fits)).map(|part| u32::from(part.minutes())).sum()
}

/// What the weekdays of the regular week come to; `None` where it is not said, or contradicted.
fn weekly(schedule: &Schedule, day: Day, of_day: &dyn Fn(&Slots<'_>) -> u32) -> Option<u32> {
    let rules: Vec<Rule<'_>> = schedule
        .hours_on(day)
        .filter(|(_, variant, ..)| matches!(variant, Variant::Every | Variant::Odd | Variant::Even))
        .collect();
    let open: Vec<&Register<DayHours>> = rules.iter().map(|rule| rule.3).filter(|said| said.is_conflict()).collect();
    let combinations = open.iter().try_fold(1_usize, |all, said| all.checked_mul(said.versions()));
    if combinations.is_none_or(|all| all > VERSIONS_MAX) {
        return None;
    }
    let mut chosen = vec![0; open.len()];
    let mut figure: Option<u32> = None;
    loop {
        let minutes = minutes(&rules, &open, &chosen, of_day)?;
        if figure.is_some_and(|figure| figure != minutes) {
            return None;
        }
        figure = Some(minutes);
        let turning = chosen.iter_mut().zip(&open).find_map(|(chosen, said)| {
            *chosen = (*chosen + 1) % said.versions();
            (*chosen > 0).then_some(())
        });
        if turning.is_none() {
            return figure;
        }
    }
}

type Rule<'a> = (&'a Place, Variant, Option<Weekday>, &'a Register<DayHours>);

fn minutes(
    rules: &[Rule<'_>],
    open: &[&Register<DayHours>],
    chosen: &[usize],
    of_day: &dyn Fn(&Slots<'_>) -> u32,
) -> Option<u32> {
    let said = |register: &Register<DayHours>| {
        open.iter().position(|other| Arc::ptr_eq(other.key(), register.key())).map_or(0, |at| chosen[at])
    };
    let live: Vec<(&Place, Variant, Option<Weekday>, &DayHours)> = rules
        .iter()
        .filter_map(|(place, variant, weekday, register)| {
            let hours = register.version(said(register)).body.as_ref()?;
            Some((*place, *variant, *weekday, hours))
        })
        .collect();
    if live.is_empty() {
        return None;
    }
    let mut places: Vec<&Place> = live.iter().map(|rule| rule.0).collect();
    places.sort();
    places.dedup();
    let week = |parity: Variant| -> u32 {
        let day = |weekday: Weekday| -> u32 {
            let mut slots: Vec<(&Place, &Slot)> = Vec::new();
            for place in &places {
                let of = |variant: Variant| {
                    live.iter().find(|rule| (rule.0, rule.1, rule.2) == (*place, variant, Some(weekday)))
                };
                if let Some((.., hours)) = of(parity).or_else(|| of(Variant::Every)) {
                    slots.extend(hours.slots().iter().map(|slot| (*place, slot)));
                }
            }
            of_day(&slots)
        };
        Weekday::ALL.into_iter().map(day).sum()
    };
    Some((week(Variant::Odd) + week(Variant::Even)) / 2)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{day, read};
    use super::*;

    #[test]
    fn two_agents_at_once_are_counted_by_place_and_what_is_not_said_stays_open() {
        for (facts, expected) in [
            (vec![("hours|2026-01-01|every|mo|-", "09:00-12:00/free/2")], Some((180, 180))),
            (vec![("hours|2026-01-01|every|mo|-", "09:00-12:00/free/1")], Some((0, 0))),
            (vec![("hours|2026-01-01|every|mo|-", "09:00-12:00")], Some((0, 180))),
            (
                vec![
                    ("hours|2026-01-01|every|mo|-", "09:00-12:00/free/1"),
                    ("hours|2026-01-01|every|mo|mairie", "11:00-13:00/free/1"),
                ],
                Some((60, 60)),
            ),
            // Two at one place are two, however many there are at another.
            (
                vec![
                    ("hours|2026-01-01|every|mo|-", "09:00-12:00/free/2"),
                    ("hours|2026-01-01|every|mo|mairie", "11:00-13:00"),
                ],
                Some((180, 240)),
            ),
            (
                vec![
                    ("hours|2026-01-01|every|mo|-", "09:00-12:00/free/1"),
                    ("hours|2026-01-01|every|mo|mairie", "11:00-13:00"),
                ],
                Some((0, 120)),
            ),
            (
                vec![
                    ("hours|2026-01-01|odd|mo|-", "09:00-12:00/free/2"),
                    ("hours|2026-01-01|even|mo|-", "09:00-11:00/free/3"),
                ],
                Some((150, 150)),
            ),
            (vec![("hours|2026-01-01|1st|mo|-", "09:00-12:00/free/2")], None),
        ] {
            assert_eq!(weekly_staffed(&read(&facts), day("2026-11-20"), 2), expected, "{facts:?}");
        }
    }
}
