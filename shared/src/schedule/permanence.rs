//! The part of a day's plan that partners have in it.
//!
//! A permanence is decided by others than the house's hours: it opens nothing and counts in no
//! opening minutes. A public holiday and a closure of the place cancel it, which is shown; what is
//! said of this one day (`off`) comes before the public holiday, but nobody comes to a shut house.

use super::Weekly;
use super::day_plan::{DayPlan, PlannedPermanence, Why, WhyKind};
use super::plan::{Settled, fact, network, public_holiday};
use crate::document::schedule::{DayHours, Exception, Off, OperatorToken, Place};

impl<'a> Settled<'_, 'a> {
    /// Adds who comes, and who does not come after all.
    pub(super) fn permanences(&self, plan: &mut DayPlan) {
        let schedule = self.today.schedule;
        for rules in schedule.permanences.chunk_by(|a, b| a.of == b.of) {
            let said_today = schedule
                .offs
                .iter()
                .find(|off| off.day == self.today.day && off.of == rules[0].of)
                .map(|off| &off.said);
            let off = said_today.and_then(|register| {
                let said = self.said(register);
                Some((said.body.as_ref()?, Why { reason: None, ..fact(WhyKind::OneDay, register, said) }))
            });
            self.permanence(rules, off, plan);
        }
        // One day of somebody who has no rule at all.
        for off in schedule.offs.iter().filter(|off| off.day == self.today.day) {
            if !schedule.permanences.iter().any(|rule| rule.of == off.of) {
                let said = self.said(&off.said);
                if let Some(Off::Hours(reason, hours)) = &said.body {
                    let why = Why { reason: Some(*reason), ..fact(WhyKind::OneDay, &off.said, said) };
                    self.come(&off.of, hours, &why, None, plan);
                }
            }
        }
        plan.permanences.sort_by(|a, b| (a.interval, &a.operator, &a.place).cmp(&(b.interval, &b.operator, &b.place)));
    }

    fn permanence(&self, rules: &'a [Weekly<(OperatorToken, Place)>], off: Option<(&'a Off, Why)>, plan: &mut DayPlan) {
        let of = &rules[0].of;
        if let Some((Off::Hours(reason, hours), why)) = off {
            return self.come(of, hours, &Why { reason: Some(*reason), ..why }, None, plan);
        }
        let on_holiday = self.public.and_then(|_| self.rule(rules, true));
        let cancelled_by_holiday = self.public.filter(|_| on_holiday.is_none()).map(public_holiday);
        let Some((hours, why)) = on_holiday.or_else(|| self.rule(rules, false)) else { return };
        let cancelled = match off {
            Some((Off::Cancelled(reason), why)) => Some(Why { reason: Some(*reason), ..why }),
            _ => cancelled_by_holiday,
        };
        self.come(of, hours, &why, cancelled, plan);
    }

    fn come(
        &self,
        (operator, place): &(OperatorToken, Place),
        hours: &DayHours,
        why: &Why,
        cancelled: Option<Why>,
        plan: &mut DayPlan,
    ) {
        let at = self.at_place(place);
        let (mut to, mut shut) = (place, at.network.map(network));
        if let Some(own) = &at.deciding {
            match own.exception {
                Exception::Closed(_) => shut = Some(own.why(place)),
                Exception::Moved(_, elsewhere, _) => to = elsewhere,
                Exception::Hours(..) | Exception::Extra(..) => {}
            }
        }
        let cancelled = match cancelled {
            // What was said of this very permanence is the better answer.
            Some(why) if why.kind == WhyKind::OneDay => Some(why),
            other => shut.or(other),
        };
        plan.permanences.extend(hours.slots().iter().map(|slot| PlannedPermanence {
            operator: operator.clone(),
            interval: slot.interval,
            place: to.clone(),
            access: slot.access,
            why: why.clone(),
            cancelled: cancelled.clone(),
        }));
    }
}
