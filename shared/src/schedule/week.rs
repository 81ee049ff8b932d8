//! The minutes of a house's regular week, by which its label is judged.

use std::sync::Arc;

use super::Schedule;
use super::plan::VERSIONS_MAX;
use crate::document::register::Register;
use crate::document::schedule::slot::union;
use crate::document::schedule::{DayHours, Interval, Place, Variant, Weekday};
use crate::time::Day;

/// Minutes that the regular week in force on `day` is open; `None` when no regular week is said,
/// or when facts contradict each other and the figure depends on it, or might for all that can be
/// worked out in [`VERSIONS_MAX`] combinations.
///
/// Regular are `every`, `odd` and `even`: weeks of odd and of even number are averaged, half
/// minutes dropped. All else is left out: nth weekdays, holidays, ranges, exceptions. Openings
/// at several places at once count once.
pub fn weekly_minutes(schedule: &Schedule, day: Day) -> Option<u32> {
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
        let minutes = minutes(&rules, &open, &chosen)?;
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

fn minutes(rules: &[Rule<'_>], open: &[&Register<DayHours>], chosen: &[usize]) -> Option<u32> {
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
    let week = |parity: Variant| -> u32 {
        let day = |weekday: Weekday| -> u32 {
            let mut intervals: Vec<Interval> = Vec::new();
            let mut places: Vec<&Place> = live.iter().map(|rule| rule.0).collect();
            places.sort();
            places.dedup();
            for place in places {
                let of = |variant: Variant| {
                    live.iter().find(|rule| (rule.0, rule.1, rule.2) == (place, variant, Some(weekday)))
                };
                if let Some((.., hours)) = of(parity).or_else(|| of(Variant::Every)) {
                    intervals.extend(hours.slots().iter().map(|slot| slot.interval));
                }
            }
            union(intervals).iter().map(|interval| u32::from(interval.minutes())).sum()
        };
        Weekday::ALL.into_iter().map(day).sum()
    };
    Some((week(Variant::Odd) + week(Variant::Even)) / 2)
}
