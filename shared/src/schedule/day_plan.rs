//! The plan of one day: which intervals, where, who comes, who is at work, and why.
//!
//! Made by [`plan`](super::plan::plan) and by nothing else. Where facts contradict each other and
//! the day depends on it, the plan is [`DayState::Conflict`], has no intervals of its own and
//! carries every version; what the versions agree on can still be asked for.

use std::sync::Arc;

use crate::document::register::{Author, Stamp};
use crate::document::schedule::slot::union;
use crate::document::schedule::{Access, Interval, OperatorToken, Place, Reason, Variant};
use crate::time::Day;

/// What a day is, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayState {
    /// There is an opening.
    Open,
    /// It is known that there is none.
    Shut,
    /// The house has said no hours that hold on this day. Openings, if any, are not all there may be.
    Unknown,
    /// Facts contradict each other: see [`DayPlan::versions`].
    Conflict,
}

/// What one minute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Now {
    /// Open.
    Open,
    /// Known to be shut.
    Shut,
    /// Not said, or contradicted.
    Unknown,
}

/// One interval in which people are received at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// When.
    pub interval: Interval,
    /// Where.
    pub place: Place,
    /// How.
    pub access: Access,
    /// Agents that the house said are at work, before absences.
    pub agents: Option<u8>,
}

/// One interval in which a partner is there, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPermanence {
    /// Who.
    pub operator: OperatorToken,
    /// When.
    pub interval: Interval,
    /// Where.
    pub place: Place,
    /// How.
    pub access: Access,
    /// By which fact.
    pub why: Why,
    /// Why it does not take place, if it does not.
    pub cancelled: Option<Why>,
}

/// Who is at work in a part of the opening hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staffed {
    /// When.
    pub interval: Interval,
    /// Agents at work after absences; `None` when the house has not said how many there are.
    pub agents: Option<u8>,
    /// Agents away.
    pub absent: u8,
}

/// What decided something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What kind of fact.
    pub kind: WhyKind,
    /// Where, if at one place only.
    pub place: Option<Place>,
    /// The fact's key; none for calendars, closures of the network and silence.
    pub key: Option<Arc<str>>,
    /// Who wrote it, and when.
    pub stamp: Option<Stamp>,
    /// The reason given.
    pub reason: Option<Reason>,
    /// A public holiday's name, or a network closure's label.
    pub label: Option<Box<str>>,
}

/// The kinds of facts that decide a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyKind {
    /// A rule of the week, or one of its variants.
    Rule(Variant),
    /// A public holiday of which the house says nothing.
    PublicHoliday,
    /// A closure of the house.
    Closed,
    /// An opening besides the usual.
    Extra,
    /// Other hours instead of the usual.
    Replaced,
    /// Elsewhere.
    Moved,
    /// A closure of the network.
    NetworkClosure,
    /// One permanence, cancelled or at other hours.
    OneDay,
    /// The house has hours, and none of its rules speaks of this day.
    NoRule,
    /// The house has said no hours.
    NoHours,
    /// It depends on a calendar that is not there.
    NoCalendar,
}

/// A closure of the network that the site's own exception stands against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prevailing {
    /// The closure's id.
    pub closure: String,
    /// What it is called.
    pub label: String,
    /// The exception's key.
    pub key: Arc<str>,
    /// Who wrote the exception, and when.
    pub stamp: Stamp,
}

/// One of the choices that a contradiction leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The key.
    pub key: Arc<str>,
    /// Whose value is taken.
    pub stamp: Stamp,
}

/// What a day would be if contradictions were settled in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Whose value is taken of each contradiction.
    pub choices: Vec<Choice>,
    /// The day then.
    pub plan: DayPlan,
}

/// Calendars that are missing. What depends on one is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CalendarMissing {
    /// Public holidays of the year: a weekday may be one.
    pub public: bool,
    /// School holidays, and the house has rules that depend on them.
    pub school: bool,
}

/// The plan of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPlan {
    /// The day, at the site.
    pub day: Day,
    /// What it is as a whole.
    pub state: DayState,
    /// In order; at one place an extra opening may overlap a usual one.
    pub openings: Vec<Opening>,
    /// In order, cancelled ones included.
    pub permanences: Vec<PlannedPermanence>,
    /// Who is at work, over the whole of the openings.
    pub staffing: Vec<Staffed>,
    /// When the house is to be open and nobody is at work.
    pub gaps: Vec<Interval>,
    /// What decided the openings, most important first.
    pub why: Vec<Why>,
    /// The public holiday's name, if the day is one for this house.
    pub public_holiday: Option<Box<str>>,
    /// Network closures that the site's own exceptions stand against.
    pub prevailing: Vec<Prevailing>,
    /// Calendars that are not there.
    pub calendar_missing: CalendarMissing,
    /// In conflict, what the day would be by each of the settlements, at least two.
    pub versions: Vec<Version>,
}

impl DayPlan {
    /// The minutes in which people are received somewhere: in order, without overlap.
    pub fn intervals(&self) -> Vec<Interval> {
        union(self.openings.iter().map(|opening| opening.interval))
    }

    /// How many minutes the house is open; `None` when unknown or contradicted.
    pub fn minutes(&self) -> Option<u16> {
        let open = |plan: &Self| plan.intervals().iter().map(|interval| interval.minutes()).sum();
        match self.state {
            DayState::Open | DayState::Shut => Some(open(self)),
            DayState::Unknown => None,
            DayState::Conflict => self.agreed(Self::minutes).flatten(),
        }
    }

    /// Whether the house opens at all on this day; `None` when unknown or contradicted.
    pub fn opens(&self) -> Option<bool> {
        match self.state {
            DayState::Open => Some(true),
            DayState::Shut => Some(false),
            DayState::Unknown => (!self.openings.is_empty()).then_some(true),
            DayState::Conflict => self.agreed(Self::opens).flatten(),
        }
    }

    /// What one minute of the day is; where versions differ, it is unknown.
    pub fn at(&self, minute: u16) -> Now {
        let open = || self.openings.iter().any(|opening| opening.interval.contains(minute));
        match self.state {
            DayState::Conflict => self.agreed(|plan| plan.at(minute)).unwrap_or(Now::Unknown),
            _ if open() => Now::Open,
            DayState::Unknown => Now::Unknown,
            DayState::Open | DayState::Shut => Now::Shut,
        }
    }

    /// What all versions answer alike.
    pub fn agreed<T: PartialEq>(&self, ask: impl Fn(&Self) -> T) -> Option<T> {
        let mut answers = self.versions.iter().map(|version| ask(&version.plan));
        let first = answers.next()?;
        answers.all(|answer| answer == first).then_some(first)
    }

    /// Whether two plans tell people the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.state == other.state
            && self.openings == other.openings
            && self.staffing == other.staffing
            && self.permanences.len() == other.permanences.len()
            && self.permanences.iter().zip(&other.permanences).all(|(one, two)| one.says_the_same(two))
    }
}

impl PlannedPermanence {
    /// Whether two tell people the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let heard = |Self { operator, interval, place, access, cancelled, .. }: &Self| {
            (operator.clone(), *interval, place.clone(), *access, cancelled.is_some())
        };
        heard(self) == heard(other)
    }
}

impl DayState {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Shut => "shut",
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
        }
    }
}

impl Now {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Shut => "shut",
            Self::Unknown => "unknown",
        }
    }
}

impl WhyKind {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule(_) => "rule",
            Self::PublicHoliday => "public_holiday",
            Self::Closed => "closed",
            Self::Extra => "extra",
            Self::Replaced => "hours",
            Self::Moved => "moved",
            Self::NetworkClosure => "network_closure",
            Self::OneDay => "off",
            Self::NoRule => "no_rule",
            Self::NoHours => "no_hours",
            Self::NoCalendar => "no_calendar",
        }
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Rule(_) => "horaires habituels",
            Self::PublicHoliday => "jour férié",
            Self::Closed => "fermeture",
            Self::Extra => "ouverture supplémentaire",
            Self::Replaced => "horaires exceptionnels",
            Self::Moved => "accueil déplacé",
            Self::NetworkClosure => "fermeture du réseau",
            Self::OneDay => "permanence modifiée ce jour",
            Self::NoRule => "pas d’ouverture ce jour de la semaine",
            Self::NoHours => "horaires non renseignés",
            Self::NoCalendar => "calendrier des jours fériés ou des vacances manquant",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Rule(_) => "usual hours",
            Self::PublicHoliday => "public holiday",
            Self::Closed => "closed",
            Self::Extra => "extra opening",
            Self::Replaced => "other hours",
            Self::Moved => "elsewhere",
            Self::NetworkClosure => "closure of the network",
            Self::OneDay => "permanence changed for the day",
            Self::NoRule => "not open on this weekday",
            Self::NoHours => "no hours known",
            Self::NoCalendar => "calendar of holidays missing",
        }
    }
}

impl Why {
    /// A reason that is no fact of the document's.
    pub(crate) fn of(kind: WhyKind) -> Self {
        Self { kind, place: None, key: None, stamp: None, reason: None, label: None }
    }

    /// Who wrote it.
    pub fn author(&self) -> Option<&Author> {
        self.stamp.as_ref().map(|stamp| &stamp.author)
    }
}
