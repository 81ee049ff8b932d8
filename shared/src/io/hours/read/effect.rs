//! What one rule of a text does to a day: which hours, and how people are received.

use opening_hours_syntax::ExtendedTime;
use opening_hours_syntax::rules::time::{Time, TimeSpan};
use opening_hours_syntax::rules::{RuleKind, RuleOperator, RuleSequence};

use super::Obstacle;
use crate::document::schedule::slot::{DAY_MINUTES, union};
use crate::document::schedule::{Access, Interval, Slot};

/// What a rule does to the days on which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Opens at these hours instead of what was said before.
    Open(Vec<Slot>),
    /// Opens at these hours too.
    Add(Vec<Slot>),
    /// Shuts the whole day.
    Shut,
    /// Shuts for a part of the day.
    ShutDuring(Vec<Interval>),
}

/// What a text amounts to on one day; nothing if no rule speaks of it.
pub(super) type Said = Option<Vec<Slot>>;

impl Effect {
    /// Reads what a rule does, and the part of its comment that no schedule can hold.
    pub(super) fn read(rule: &RuleSequence) -> Result<(Self, Option<String>), Obstacle> {
        if rule.operator == RuleOperator::Fallback {
            return Err(Obstacle::Fallback);
        }
        let spans = &rule.time_selector.spans;
        let whole_day = spans.len() == 1 && spans.iter().all(is_whole_day);
        let mut intervals = spans.iter().map(interval).collect::<Result<Vec<_>, _>>()?;
        intervals.sort_unstable();
        if let Some(pair) = intervals.windows(2).find(|pair| pair[0].common(pair[1]).is_some()) {
            return Err(Obstacle::Overlap(pair[0], pair[1]));
        }
        let comment = rule.comment.trim();
        if rule.kind == RuleKind::Closed {
            let effect = if whole_day { Self::Shut } else { Self::ShutDuring(intervals) };
            return Ok((effect, (!comment.is_empty()).then(|| comment.to_owned())));
        }
        let (access, rest) = match access(comment)? {
            Some(access) => (access, None),
            // Nobody knows whether it is open, and nobody says why.
            None if rule.kind == RuleKind::Unknown => return Err(Obstacle::Unknown),
            None => (Access::Free, (!comment.is_empty()).then(|| comment.to_owned())),
        };
        if whole_day && !comment.is_empty() {
            return Err(Obstacle::NoHours);
        }
        let slots = intervals.into_iter().map(|interval| Slot { interval, access, agents: None }).collect();
        Ok((if rule.operator == RuleOperator::Additional { Self::Add(slots) } else { Self::Open(slots) }, rest))
    }

    /// What a day is after this rule.
    pub(super) fn apply(&self, before: Said) -> Result<Said, Obstacle> {
        match self {
            Self::Open(slots) => Ok(Some(slots.clone())),
            Self::Shut => Ok(Some(Vec::new())),
            Self::ShutDuring(away) => Ok(before.map(|slots| without(&slots, away))),
            Self::Add(more) => {
                let mut slots = before.unwrap_or_default();
                slots.extend(more);
                slots.sort_unstable();
                match slots.windows(2).find(|pair| pair[0].interval.common(pair[1].interval).is_some()) {
                    Some(pair) => Err(Obstacle::Overlap(pair[0].interval, pair[1].interval)),
                    None => Ok(Some(slots)),
                }
            }
        }
    }
}

fn without(slots: &[Slot], away: &[Interval]) -> Vec<Slot> {
    let away = union(away.iter().copied());
    let mut left = Vec::new();
    for slot in slots {
        let mut from = slot.interval.from();
        for hole in away.iter().filter_map(|away| away.common(slot.interval)) {
            left.extend(Interval::new(from, hole.from()).map(|interval| Slot { interval, ..*slot }));
            from = hole.to();
        }
        left.extend(Interval::new(from, slot.interval.to()).map(|interval| Slot { interval, ..*slot }));
    }
    left
}

fn is_whole_day(span: &TimeSpan) -> bool {
    *span == TimeSpan::fixed_range(ExtendedTime::MIDNIGHT_00, ExtendedTime::MIDNIGHT_24)
}

fn interval(span: &TimeSpan) -> Result<Interval, Obstacle> {
    let (Time::Fixed(from), Time::Fixed(to)) = (&span.range.start, &span.range.end) else {
        return Err(Obstacle::Sun);
    };
    if span.open_end {
        return Err(Obstacle::OpenEnd);
    }
    if span.repeats.is_some() {
        return Err(Obstacle::Repeated);
    }
    let (from, to) = (from.mins_from_midnight(), to.mins_from_midnight());
    if to > DAY_MINUTES || to < from {
        return Err(Obstacle::PastMidnight(span.to_string()));
    }
    Interval::new(from, to).ok_or_else(|| Obstacle::NoTime(span.to_string()))
}

/// How people are received, where a comment says so.
fn access(comment: &str) -> Result<Option<Access>, Obstacle> {
    let small = comment.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
    if says(&["sans rendez-vous", "sans rdv", "accès libre", "walk-in", "without appointment"]) {
        return Ok(Some(Access::Free));
    }
    match (
        says(&["rendez-vous", "rendez vous", "rdv", "appointment"]),
        says(&["téléphon", "telephon", "phone", "par tél"]),
    ) {
        (true, true) => Err(Obstacle::TwoAccesses),
        (true, false) => Ok(Some(Access::Appointment)),
        (false, true) => Ok(Some(Access::Phone)),
        (false, false) => Ok(None),
    }
}
