//! The part of a day's plan that says who is at work.
//!
//! The house says of each slot how many agents it has, and of absences how many are away. At one
//! place overlapping openings share their agents; different places add up. An absence counts
//! against the whole house.

use super::day_plan::{DayPlan, Staffed};
use super::plan::Settled;
use crate::document::schedule::slot::union;
use crate::document::schedule::{Absence, Interval, Place};

impl Settled<'_, '_> {
    /// Adds the staffing, if the house said anything of it: agents at work, or agents away.
    pub(super) fn staff(&self, plan: &mut DayPlan) {
        let day = self.today.day;
        let away: Vec<&Absence> = self
            .today
            .schedule
            .absences
            .iter()
            .filter_map(|register| self.said(register).body.as_ref())
            .filter(|away| away.from <= day && day <= away.to)
            .collect();
        if away.is_empty() && plan.openings.iter().all(|opening| opening.agents.is_none()) {
            return;
        }
        let mut cuts: Vec<u16> = Vec::new();
        let intervals = plan.openings.iter().map(|opening| opening.interval);
        for interval in intervals.chain(away.iter().filter_map(|away| away.interval)) {
            cuts.extend([interval.from(), interval.to()]);
        }
        cuts.sort_unstable();
        cuts.dedup();
        for part in cuts.windows(2).filter_map(|ends| Interval::new(ends[0], ends[1])) {
            let Some(agents) = at_work(plan, part) else { continue };
            let absent =
                away.iter().filter(|away| away.covers(day, part)).fold(0, |n: u8, away| n.saturating_add(away.agents));
            let staffed =
                Staffed { interval: part, agents: agents.map(|agents| agents.saturating_sub(absent)), absent };
            match plan.staffing.last_mut() {
                Some(last)
                    if last.interval.to() == part.from() && (last.agents, last.absent) == (staffed.agents, absent) =>
                {
                    last.interval = union([last.interval, part])[0];
                }
                _ => plan.staffing.push(staffed),
            }
        }
        plan.gaps = union(plan.staffing.iter().filter(|part| part.agents == Some(0)).map(|part| part.interval));
    }
}

/// The agents of the openings over a part of the day, if all places say; `None` outside of them.
fn at_work(plan: &DayPlan, part: Interval) -> Option<Option<u8>> {
    let mut places: Vec<(&Place, Option<u8>)> = Vec::new();
    for opening in plan.openings.iter().filter(|opening| opening.interval.common(part).is_some()) {
        match places.iter_mut().find(|(place, _)| *place == &opening.place) {
            Some((_, agents)) => *agents = (*agents).max(opening.agents),
            None => places.push((&opening.place, opening.agents)),
        }
    }
    let add = |total: Option<u8>, (_, agents): &(&Place, Option<u8>)| Some(total?.saturating_add((*agents)?));
    (!places.is_empty()).then(|| places.iter().fold(Some(0), add))
}
