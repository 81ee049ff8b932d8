//! What holds of a partner on one day: from what was last confirmed, and from the day's plan.
//!
//! A state that nobody confirmed for too long reads *unknown*, never as it last was; so does what
//! people contradict each other on.

use super::{Mode, Partners, Presence};
use crate::document::register::Said;
use crate::document::schedule::OperatorToken;
use crate::schedule::Schedule;
use crate::schedule::day_plan::{DayPlan, PlannedPermanence};
use crate::time::Day;

/// How a partner can be had on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// Comes to the house.
    Present,
    /// A part of its service, at a distance.
    Remote,
    /// Can be reached.
    Reachable,
    /// Not to be had.
    Absent,
    /// Was to come and does not.
    Cancelled,
    /// Not said, not confirmed for too long, or contradicted.
    Unknown,
}

/// What holds of a partner on one day, and from what that follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived<'a> {
    /// What holds.
    pub availability: Availability,
    /// What was last confirmed: several where people contradict each other.
    pub said: Vec<(&'a Said<Presence>, &'a Presence)>,
    /// Its permanences of the day, cancelled ones included.
    pub permanences: Vec<&'a PlannedPermanence>,
    /// Whether what was confirmed is too old, or past its last day.
    pub stale: bool,
}

impl Availability {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Present, Self::Remote, Self::Reachable, Self::Absent, Self::Cancelled, Self::Unknown];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Remote => "remote",
            Self::Reachable => "reachable",
            Self::Absent => "absent",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Present => "présent",
            Self::Remote => "à distance",
            Self::Reachable => "joignable",
            Self::Absent => "absent",
            Self::Cancelled => "annulé",
            Self::Unknown => "inconnu",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Remote => "remote",
            Self::Reachable => "reachable",
            Self::Absent => "absent",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

impl Presence {
    /// Whether it is too old to be believed on `day`, or past its last day.
    pub fn is_stale(&self, day: Day, stale_after_days: u16) -> bool {
        day > self.checked_on.plus_days(i32::from(stale_after_days)) || self.until.is_some_and(|until| day > until)
    }
}

/// What holds of a partner on the day of `plan`, which is a plan of `schedule`.
///
/// A permanence that takes place makes it present, one that does not, cancelled, unless somebody
/// confirmed that it is absent. Without one, what was confirmed holds; a partner that comes by
/// permanence is, on its other days, reachable if there is a contact and else absent.
pub fn availability<'a>(
    partners: &'a Partners,
    schedule: &Schedule,
    plan: &'a DayPlan,
    operator: &OperatorToken,
    stale_after_days: u16,
) -> Derived<'a> {
    let presence = partners.partner(operator).and_then(|partner| partner.presence.as_ref());
    let said: Vec<_> = presence
        .into_iter()
        .flat_map(|register| register.all())
        .filter_map(|said| Some((said, said.body.as_ref()?)))
        .collect();
    let permanences: Vec<_> = plan.permanences.iter().filter(|coming| coming.operator == *operator).collect();
    let agreed = presence.and_then(|register| register.agreed()).and_then(|said| said.body.as_ref());
    let stale = agreed.is_some_and(|presence| presence.is_stale(plan.day, stale_after_days));
    let believed = agreed.filter(|_| !stale);
    let contradicted = presence.is_some_and(|register| register.is_conflict())
        || (!plan.versions.is_empty() && plan.agreed(|version| comes(version, operator)).is_none());
    let coming = if plan.versions.is_empty() {
        comes(plan, operator)
    } else {
        plan.agreed(|version| comes(version, operator)).flatten()
    };
    let availability = match (believed.map(|presence| presence.mode), coming) {
        _ if contradicted => Availability::Unknown,
        (Some(Mode::Absent), _) => Availability::Absent,
        (_, Some(true)) => Availability::Present,
        (_, Some(false)) => Availability::Cancelled,
        (Some(Mode::Partial), None) => Availability::Remote,
        (Some(Mode::Reachable), None) => Availability::Reachable,
        (Some(Mode::Permanence), None) => {
            let is_regular = schedule.permanences_on(plan.day).any(|(of, .., said)| {
                of == operator && said.all().any(|said| said.body.as_ref().is_some_and(|hours| !hours.is_closed()))
            });
            match believed.and_then(|presence| presence.contact.as_ref()) {
                // It comes, and nobody said when.
                _ if !is_regular => Availability::Unknown,
                Some(_) => Availability::Reachable,
                None => Availability::Absent,
            }
        }
        (None, None) => Availability::Unknown,
    };
    Derived { availability, said, permanences, stale }
}

/// Whether the partner comes: not at all, or was to come and does not.
fn comes(plan: &DayPlan, operator: &OperatorToken) -> Option<bool> {
    let mut coming = plan.permanences.iter().filter(|coming| coming.operator == *operator).peekable();
    coming.peek()?;
    Some(coming.any(|coming| coming.cancelled.is_none()))
}
