//! What a schedule document amounts to: the rules in force, and the plan of a day.
//!
//! [`Schedule::read`] takes a document's facts; [`plan()`] is the one function that says which
//! intervals a day has, and why. Everything else (the desk page, opening now, the label's hours,
//! completeness, exports) asks it. Pure: days and calendars come in.

use crate::document::register::{Conflict, Facts, Register, Unreadable, conflicts};
use crate::document::schedule::{
    Absence, Checked, DayHours, Exception, GoodFriday, Key, Off, OperatorToken, Place, PlaceLabel, Slug, Text, Variant,
    Weekday, Where,
};
use crate::time::Day;

pub mod calendar;
pub mod closures;
pub mod day_plan;
pub mod edit;
mod exception;
pub mod instant;
pub mod open_days;
mod permanence;
pub mod plan;
mod staffing;
pub mod week;

#[cfg(test)]
pub(crate) mod tests;

pub use calendar::Calendar;
pub use closures::NetworkClosure;
pub use day_plan::{DayPlan, DayState, Now, Opening, PlannedPermanence, Staffed, Version, Why, WhyKind};
pub use open_days::OpenDays;
pub use plan::{Surroundings, plan};
pub use week::{weekly_minutes, weekly_staffed};

/// A schedule document, read: rules by what they are about, in the order of their dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub(crate) hours: Vec<Weekly<Place>>,
    pub(crate) permanences: Vec<Weekly<(OperatorToken, Place)>>,
    pub(crate) exceptions: Vec<Dated>,
    pub(crate) offs: Vec<OneDay>,
    pub(crate) absences: Vec<Register<Absence>>,
    places: Vec<(Slug, Register<PlaceLabel>)>,
    good_friday: Option<Register<GoodFriday>>,
    text: Option<Register<Text>>,
    comment: Option<Register<Text>>,
    checked: Option<Register<Checked>>,
    conflicts: Vec<Conflict>,
    unreadable: Vec<Unreadable>,
}

/// What holds for one subject on one variant and weekday, from which day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weekly<S> {
    pub(crate) of: S,
    pub(crate) variant: Variant,
    pub(crate) weekday: Option<Weekday>,
    /// In the order of the days from which each holds.
    pub(crate) steps: Vec<(Day, Register<DayHours>)>,
}

/// A dated exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dated {
    pub(crate) from: Day,
    pub(crate) to: Day,
    pub(crate) place: Where,
    pub(crate) said: Register<Exception>,
}

/// What is said of one permanence on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneDay {
    pub(crate) day: Day,
    pub(crate) of: (OperatorToken, Place),
    pub(crate) said: Register<Off>,
}

impl<S> Weekly<S> {
    /// The step that holds on `day`, tombstone or not.
    pub(crate) fn on(&self, day: Day) -> Option<&Register<DayHours>> {
        let next = self.steps.partition_point(|(from, _)| *from <= day);
        next.checked_sub(1).map(|at| &self.steps[at].1)
    }
}

/// One rule of one step, as a fact has it.
fn rule<S>(of: S, (variant, weekday): (Variant, Option<Weekday>), from: Day, said: Register<DayHours>) -> Weekly<S> {
    Weekly { of, variant, weekday, steps: vec![(from, said)] }
}

/// Puts the steps of one rule together, and the rules of one subject beside each other.
fn joined<S: Ord>(mut rules: Vec<Weekly<S>>) -> Vec<Weekly<S>> {
    let first = |rule: &Weekly<S>| rule.steps.first().map(|(from, _)| *from);
    rules.sort_by(|a, b| (&a.of, a.variant, a.weekday, first(a)).cmp(&(&b.of, b.variant, b.weekday, first(b))));
    let mut joined: Vec<Weekly<S>> = Vec::new();
    for rule in rules {
        match joined.last_mut() {
            Some(last) if last.of == rule.of && (last.variant, last.weekday) == (rule.variant, rule.weekday) => {
                last.steps.extend(rule.steps);
            }
            _ => joined.push(rule),
        }
    }
    joined
}

impl Schedule {
    /// Reads a document's facts. What cannot be read has no effect and is listed.
    pub fn read(facts: &Facts) -> Self {
        let mut schedule = Self { conflicts: conflicts(facts), ..Self::default() };
        // Of what a later version means nobody can be asked to choose.
        schedule.conflicts.retain(|conflict| !matches!(Key::parse(&conflict.key), Ok(None)));
        for (key, values) in facts {
            match Key::parse(key) {
                Ok(Some(parsed)) => schedule.take(parsed, key, values),
                Ok(None) => {}
                Err(why) => {
                    let all = values.iter().map(|value| Unreadable { key: key.clone(), value: value.clone(), why });
                    schedule.unreadable.extend(all);
                }
            }
        }
        schedule.hours = joined(schedule.hours);
        schedule.permanences = joined(schedule.permanences);
        schedule
    }

    fn take(&mut self, parsed: Key, key: &str, values: &[String]) {
        let unreadable = &mut self.unreadable;
        match parsed {
            Key::Hours { from, variant, weekday, place } => {
                let said = Register::read(key, values, unreadable);
                self.hours.extend(said.map(|said| rule(place, (variant, weekday), from, said)));
            }
            Key::Permanence { from, operator, variant, weekday, place } => {
                let said = Register::read(key, values, unreadable);
                let of = (operator, place);
                self.permanences.extend(said.map(|said| rule(of, (variant, weekday), from, said)));
            }
            Key::On { from, to, place } => {
                let said = Register::read(key, values, unreadable);
                self.exceptions.extend(said.map(|said| Dated { from, to, place, said }));
            }
            Key::Off { day, operator, place } => {
                let said = Register::read(key, values, unreadable);
                self.offs.extend(said.map(|said| OneDay { day, of: (operator, place), said }));
            }
            Key::Absence(_) => self.absences.extend(Register::read(key, values, unreadable)),
            Key::Place(slug) => {
                self.places.extend(Register::read(key, values, unreadable).map(|said| (slug, said)));
            }
            Key::GoodFriday => self.good_friday = Register::read(key, values, unreadable),
            Key::Text => self.text = Register::read(key, values, unreadable),
            Key::Comment => self.comment = Register::read(key, values, unreadable),
            Key::Checked => self.checked = Register::read(key, values, unreadable),
        }
    }

    /// Every key whose values differ.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// What cannot be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Hours as free text that could not be read: shown verbatim, and flagged.
    pub fn text(&self) -> Option<&Register<Text>> {
        self.text.as_ref()
    }

    /// What the house adds.
    pub fn comment(&self) -> Option<&Register<Text>> {
        self.comment.as_ref()
    }

    /// When the published hours were last confirmed; the latest, where several say so.
    pub fn checked_on(&self) -> Option<Day> {
        self.checked.as_ref()?.all().filter_map(|said| said.body).map(|Checked(day)| day).max()
    }

    /// Whether Good Friday is a day like any other, or a public holiday, by the house's own word.
    pub fn good_friday(&self) -> Option<&Register<GoodFriday>> {
        self.good_friday.as_ref()
    }

    /// The places that the house named.
    pub fn places(&self) -> impl Iterator<Item = (&Slug, &Register<PlaceLabel>)> {
        self.places.iter().map(|(slug, said)| (slug, said))
    }

    /// What people call a place: as the house named it, else by its slug; nothing for the house.
    pub fn place_name(&self, place: &Place) -> String {
        let Place::Named(slug) = place else { return String::new() };
        let said = self.places.iter().find(|(known, _)| known == slug).and_then(|(_, said)| said.agreed());
        let label = said.and_then(|said| Some(said.body.as_ref()?.label.as_str().to_owned()));
        label.unwrap_or_else(|| slug.to_string())
    }

    /// Each rule of hours that holds on `day`: place, variant, weekday, what is said.
    pub fn hours_on(&self, day: Day) -> impl Iterator<Item = (&Place, Variant, Option<Weekday>, &Register<DayHours>)> {
        self.hours.iter().filter_map(move |rule| Some((&rule.of, rule.variant, rule.weekday, rule.on(day)?)))
    }

    /// Each rule of a permanence that holds on `day`: operator, place, variant, weekday, what is said.
    pub fn permanences_on(
        &self,
        day: Day,
    ) -> impl Iterator<Item = (&OperatorToken, &Place, Variant, Option<Weekday>, &Register<DayHours>)> {
        self.permanences.iter().filter_map(move |rule| {
            let (operator, place) = &rule.of;
            Some((operator, place, rule.variant, rule.weekday, rule.on(day)?))
        })
    }

    /// Each dated exception that covers `day`.
    pub fn exceptions_on(&self, day: Day) -> impl Iterator<Item = (Day, Day, &Where, &Register<Exception>)> {
        self.exceptions_between(day, day)
    }

    /// Each dated exception that has a day from `from` to `to`.
    pub fn exceptions_between(
        &self,
        from: Day,
        to: Day,
    ) -> impl Iterator<Item = (Day, Day, &Where, &Register<Exception>)> {
        let touching = self.exceptions.iter().filter(move |dated| dated.from <= to && from <= dated.to);
        touching.map(|dated| (dated.from, dated.to, &dated.place, &dated.said))
    }

    /// Every absence of staff.
    pub fn absences(&self) -> impl Iterator<Item = &Register<Absence>> {
        self.absences.iter()
    }
}
