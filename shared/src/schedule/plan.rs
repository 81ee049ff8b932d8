//! The one function that says which intervals a day has, and why.
//!
//! Order of what decides, at each place: the narrowest dated exception of the house (then the
//! later one, then that of the place over that of the whole house); a closure of the network; a
//! public holiday, unless a rule for public holidays says otherwise; the weightiest variant that
//! is defined. Extra openings add up, but a narrower exception silences a wider one.
//!
//! Contradicting facts are tried in every combination. If the day comes out the same, nothing is
//! in conflict for this day; else the plan is a conflict and carries each outcome. A calendar
//! that is missing is tried both ways too, and what depends on it is unknown.

use std::sync::Arc;

use super::calendar::{Calendar, GOOD_FRIDAY, Known, good_friday, may_be_public};
use super::closures::NetworkClosure;
use super::day_plan::{
    CalendarMissing, Choice, DayPlan, DayState, Opening, PlannedPermanence, Prevailing, Version, Why, WhyKind,
};
use super::exception::AtPlace;
use super::{Dated, Schedule, Weekly};
use crate::document::register::{Register, Said, Stamp};
use crate::document::schedule::{Absence, DayHours, Exception, GoodFriday, Place, Variant, Weekday, Where};
use crate::time::Day;

/// Most combinations of contradicting facts that are worked out for one day; what lies beyond
/// is unknown.
pub const VERSIONS_MAX: usize = 64;

/// A holiday of a calendar that is missing; nobody is told of it.
const SOME_HOLIDAY: &str = "?";

/// What a site's day depends on besides its own document.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Public and school holidays.
    pub calendar: &'a Calendar,
    /// The site's legal zone of public holidays, such as `metropole`.
    pub holiday_zone: &'a str,
    /// The site's zone of school holidays, such as `B`.
    pub school_zone: &'a str,
    /// The closures of the network that concern the site.
    pub closures: &'a [NetworkClosure],
}

/// Which intervals `day` has at a site, and why.
pub fn plan(schedule: &Schedule, day: Day, around: &Surroundings<'_>) -> DayPlan {
    let today = Today::new(schedule, day, around);
    let plan = versions(&today);
    let otherwise: Vec<_> = today.otherwise().iter().map(versions).collect();
    if otherwise.iter().all(|other| other.says_the_same(&plan)) {
        return plan;
    }
    let why = vec![Why::of(WhyKind::NoCalendar)];
    let permanences = in_common(otherwise.iter().chain([&plan]));
    DayPlan { why, permanences, ..today.empty(DayState::Unknown) }
}

/// The permanences that all of these plans have alike.
fn in_common<'p>(plans: impl IntoIterator<Item = &'p DayPlan>) -> Vec<PlannedPermanence> {
    let mut plans = plans.into_iter();
    let mut common = plans.next().map(|plan| plan.permanences.clone()).unwrap_or_default();
    for plan in plans {
        common.retain(|one| plan.permanences.iter().any(|other| other.says_the_same(one)));
    }
    common
}

/// The day as its facts have it, in each way that they can be read.
fn versions(today: &Today<'_>) -> DayPlan {
    let contradictions = today.contradictions();
    if contradictions.is_empty() {
        return today.decide(&[]);
    }
    let mut versions: Vec<Version> = Vec::new();
    let mut chosen: Vec<Chosen> =
        contradictions.iter().map(|(_, key, _)| Chosen { key: Arc::clone(key), number: 0 }).collect();
    let mut worked_out = 0;
    let complete = loop {
        let plan = today.decide(&chosen);
        worked_out += 1;
        if !versions.iter().any(|version| version.plan.says_the_same(&plan)) {
            let choice = |(chosen, (_, key, stamps)): (&Chosen, &Contradiction)| Choice {
                key: Arc::clone(key),
                stamp: stamps[chosen.number.min(stamps.len() - 1)].clone(),
            };
            versions.push(Version { choices: chosen.iter().zip(&contradictions).map(choice).collect(), plan });
        }
        // The next combination, as an odometer turns.
        let turning = chosen.iter_mut().zip(&contradictions).find_map(|(chosen, (count, ..))| {
            chosen.number = (chosen.number + 1) % count;
            (chosen.number > 0).then_some(())
        });
        if turning.is_none() {
            break true;
        }
        if worked_out == VERSIONS_MAX {
            break false;
        }
    };
    if !complete {
        versions.push(Version { choices: Vec::new(), plan: today.empty(DayState::Unknown) });
    }
    match versions.len() {
        1 => versions.swap_remove(0).plan,
        _ => {
            let permanences = in_common(versions.iter().map(|version| &version.plan));
            DayPlan { permanences, versions, ..today.empty(DayState::Conflict) }
        }
    }
}

/// How many values, the key, and whose they are.
type Contradiction = (usize, Arc<str>, Vec<Stamp>);

/// The value that is taken of a contradiction.
pub(super) struct Chosen {
    key: Arc<str>,
    number: usize,
}

/// A day at a site, before anything is chosen.
#[derive(Clone)]
pub(super) struct Today<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) day: Day,
    weekday: Weekday,
    school: bool,
    public: Option<&'a str>,
    is_good_friday: bool,
    pub(super) exceptions: Vec<&'a Dated>,
    pub(super) closures: Vec<&'a NetworkClosure>,
    missing: CalendarMissing,
}

/// The same, when every contradiction has been settled in one way.
pub(super) struct Settled<'t, 'a> {
    pub(super) today: &'t Today<'a>,
    chosen: &'t [Chosen],
    pub(super) public: Option<&'a str>,
}

impl<'a> Today<'a> {
    fn new(schedule: &'a Schedule, day: Day, around: &Surroundings<'a>) -> Self {
        let mut missing = CalendarMissing::default();
        let public = match around.calendar.public(around.holiday_zone, day) {
            Known::Yes(name) => name,
            Known::Missing => {
                missing.public = true;
                None
            }
        };
        let on_school = |variant: Variant| variant == Variant::School;
        let depends = schedule.hours.iter().any(|rule| on_school(rule.variant))
            || schedule.permanences.iter().any(|rule| on_school(rule.variant));
        let school = depends
            && match around.calendar.school(around.school_zone, around.holiday_zone, day) {
                Known::Yes(name) => name.is_some(),
                Known::Missing => {
                    missing.school = true;
                    false
                }
            };
        let closures = around.closures.iter().filter(|closure| closure.covers(day)).collect();
        let exceptions = schedule.exceptions.iter().filter(|dated| dated.from <= day && day <= dated.to).collect();
        let weekday = Weekday::of(day);
        let is_good_friday = weekday.index() == 4 && good_friday(day.date().year()) == Some(day);
        Self { schedule, day, weekday, school, public, is_good_friday, exceptions, closures, missing }
    }

    /// The same day, if the calendars that are missing said something else of it.
    fn otherwise(&self) -> Vec<Self> {
        let CalendarMissing { public, school } = self.missing;
        if !public && !school {
            return Vec::new();
        }
        let mut found = vec![self.clone()];
        if public && may_be_public(self.day) {
            found.extend(found.clone().into_iter().map(|day| Self { public: Some(SOME_HOLIDAY), ..day }));
        }
        if school {
            found.extend(found.clone().into_iter().map(|day| Self { school: true, ..day }));
        }
        found.split_off(1)
    }

    fn empty(&self, state: DayState) -> DayPlan {
        DayPlan {
            day: self.day,
            state,
            openings: Vec::new(),
            permanences: Vec::new(),
            staffing: Vec::new(),
            gaps: Vec::new(),
            why: Vec::new(),
            public_holiday: None,
            prevailing: Vec::new(),
            calendar_missing: self.missing,
            versions: Vec::new(),
        }
    }

    /// Whether a rule may have a say today; public holidays are judged apart.
    fn concerns<S>(&self, rule: &Weekly<S>) -> bool {
        match rule.weekday {
            Some(weekday) => weekday == self.weekday && rule.variant.weight(self.day, self.school).is_some(),
            None => self.public.is_some() || self.is_good_friday,
        }
    }

    /// Every contradiction that could make a difference today.
    fn contradictions(&self) -> Vec<Contradiction> {
        fn add<T>(found: &mut Vec<Contradiction>, register: &Register<T>) {
            if register.is_conflict() {
                let stamps = register.all().map(|said| said.stamp.clone()).collect();
                found.push((register.versions(), Arc::clone(register.key()), stamps));
            }
        }
        let mut found = Vec::new();
        let Self { schedule, day, .. } = self;
        if schedule.conflicts().is_empty() {
            return found;
        }
        if self.is_good_friday {
            schedule.good_friday.iter().for_each(|said| add(&mut found, said));
        }
        let hours = schedule.hours.iter().filter(|rule| self.concerns(rule)).filter_map(|rule| rule.on(*day));
        hours.for_each(|said| add(&mut found, said));
        let coming = schedule.permanences.iter().filter(|rule| self.concerns(rule)).filter_map(|rule| rule.on(*day));
        coming.for_each(|said| add(&mut found, said));
        self.exceptions.iter().for_each(|dated| add(&mut found, &dated.said));
        schedule.offs.iter().filter(|off| off.day == *day).for_each(|off| add(&mut found, &off.said));
        let touches = |absence: &&Register<Absence>| {
            absence.all().filter_map(|said| said.body.as_ref()).any(|away| away.from <= *day && *day <= away.to)
        };
        schedule.absences.iter().filter(touches).for_each(|said| add(&mut found, said));
        found
    }

    fn decide(&self, chosen: &[Chosen]) -> DayPlan {
        let mut settled = Settled { today: self, chosen, public: self.public };
        if let Some(rule) = self.schedule.good_friday.as_ref().filter(|_| self.is_good_friday) {
            settled.public = match settled.said(rule).body {
                Some(GoodFriday::Open) => None,
                Some(GoodFriday::Closed) => Some(self.public.unwrap_or(GOOD_FRIDAY)),
                None => self.public,
            };
        }
        settled.plan()
    }
}

impl<'a> Settled<'_, 'a> {
    pub(super) fn said<T>(&self, register: &'a Register<T>) -> &'a Said<T> {
        let number = self.chosen.iter().find(|chosen| Arc::ptr_eq(&chosen.key, register.key()));
        register.version(number.map_or(0, |chosen| chosen.number))
    }

    /// The rule that decides among those of one subject, public holidays apart.
    pub(super) fn rule<S>(&self, rules: &'a [Weekly<S>], on_public_holiday: bool) -> Option<(&'a DayHours, Why)> {
        let Today { day, weekday, school, .. } = *self.today;
        let weighed = rules.iter().filter_map(|rule| {
            let weight = match rule.weekday {
                None => on_public_holiday.then_some(None)?,
                Some(on) if !on_public_holiday && on == weekday => Some(rule.variant.weight(day, school)?),
                Some(_) => return None,
            };
            let register = rule.on(day)?;
            let said = self.said(register);
            Some((weight, rule.variant, register, said, said.body.as_ref()?))
        });
        let (_, variant, register, said, hours) = weighed.max_by_key(|(weight, ..)| *weight)?;
        Some((hours, fact(WhyKind::Rule(variant), register, said)))
    }

    fn plan(&self) -> DayPlan {
        let Today { schedule, day, ref exceptions, ref closures, .. } = *self.today;
        let mut plan = self.today.empty(DayState::Unknown);
        plan.public_holiday = self.public.map(Into::into);

        let has_hours = schedule.hours_on(day).any(|(.., register)| self.said(register).body.is_some());
        let mut complete = has_hours;
        let mut places: Vec<(&Place, &[Weekly<Place>])> =
            schedule.hours.chunk_by(|a, b| a.of == b.of).map(|rules| (&rules[0].of, rules)).collect();
        let excepted = exceptions.iter().filter_map(|dated| match &dated.place {
            Where::At(place) => Some(place),
            Where::Everywhere => None,
        });
        for place in excepted.chain([&Place::Site]) {
            if !places.iter().any(|(known, _)| *known == place) {
                places.push((place, &[]));
            }
        }
        for (place, rules) in places {
            let at = self.at_place(place);
            let settles = self.open_place(place, rules, &at, &mut plan);
            complete |= settles && *place == Place::Site;
            for own in at.deciding.iter().chain(&at.extras) {
                plan.prevailing.extend(closures.iter().map(|closure| Prevailing {
                    closure: closure.id.clone(),
                    label: closure.label.clone(),
                    key: Arc::clone(own.dated.said.key()),
                    stamp: own.said.stamp.clone(),
                }));
            }
        }
        plan.openings.sort();
        plan.openings.dedup();
        plan.prevailing.sort_by(|a, b| (&a.closure, &a.key).cmp(&(&b.closure, &b.key)));
        plan.prevailing.dedup();
        if plan.why.is_empty() {
            plan.why.push(Why::of(if has_hours { WhyKind::NoRule } else { WhyKind::NoHours }));
        }
        plan.state = match (complete, plan.openings.is_empty()) {
            (false, _) => DayState::Unknown,
            (true, true) => DayState::Shut,
            (true, false) => DayState::Open,
        };
        self.permanences(&mut plan);
        self.staff(&mut plan);
        plan
    }

    /// Adds what a place opens, and why. Says whether that is known without the house's hours.
    fn open_place(&self, place: &Place, rules: &'a [Weekly<Place>], at: &AtPlace<'a>, plan: &mut DayPlan) -> bool {
        let mut settles = true;
        let (mut to, mut hours, mut because) = (place, None, None);
        let usual = |plan: &mut DayPlan| {
            let rule = self.rule(rules, self.public.is_some());
            if rule.is_none() && !rules.is_empty() {
                plan.why.extend(self.public.map(public_holiday).filter(|why| !plan.why.contains(why)));
            }
            rule.map_or((None, None), |(hours, why)| (Some(hours), Some(why)))
        };
        match (&at.deciding, at.network) {
            (Some(own), _) => {
                plan.why.extend(Some(own.why(place)).filter(|why| !plan.why.contains(why)));
                match own.exception {
                    Exception::Hours(_, instead) => hours = Some(instead),
                    Exception::Moved(_, elsewhere, instead) => {
                        to = elsewhere;
                        match instead {
                            Some(instead) => hours = Some(instead),
                            None => {
                                (hours, because) = usual(plan);
                                settles = false;
                            }
                        }
                    }
                    Exception::Closed(_) | Exception::Extra(..) => {}
                }
            }
            (None, Some(closure)) => {
                plan.why.extend(Some(network(closure)).filter(|why| !plan.why.contains(why)));
            }
            (None, None) => {
                (hours, because) = usual(plan);
                settles = false;
            }
        }
        plan.why.extend(because);
        let extras = at.extras.iter().filter_map(|own| match own.exception {
            Exception::Extra(_, more) => Some((own, more)),
            _ => None,
        });
        let mut open = |hours: &DayHours, place: &Place| {
            plan.openings.extend(hours.slots().iter().map(|slot| Opening {
                interval: slot.interval,
                place: place.clone(),
                access: slot.access,
                agents: slot.agents,
            }));
        };
        hours.into_iter().for_each(|hours| open(hours, to));
        let mut whys = Vec::new();
        for (own, more) in extras {
            open(more, place);
            whys.push(own.why(place));
        }
        plan.why.splice(0..0, whys);
        settles
    }
}

pub(super) fn fact<T>(kind: WhyKind, register: &Register<T>, said: &Said<T>) -> Why {
    Why { key: Some(Arc::clone(register.key())), stamp: Some(said.stamp.clone()), ..Why::of(kind) }
}

pub(super) fn public_holiday(name: &str) -> Why {
    Why { label: Some(name.into()), ..Why::of(WhyKind::PublicHoliday) }
}

pub(super) fn network(closure: &NetworkClosure) -> Why {
    let label = Some(closure.label.as_str().into());
    Why { label, reason: Some(closure.reason), ..Why::of(WhyKind::NetworkClosure) }
}
