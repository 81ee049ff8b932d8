//! What must stand, be listed and be planned at both sides, by what was said and by who had seen it.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::document::register::{Conflict, Edits, Facts};
use msap_shared::document::schedule::{DayHours, Interval, Key, Weekday};
use msap_shared::schedule::calendar::Calendar;
use msap_shared::schedule::{DayPlan, DayState, Schedule, Surroundings, plan};
use msap_shared::time::Day;

use super::pair::{Pair, View};
use super::{Side, body_of, day};

/// A key and one value of it.
type Fact = (String, String);

/// What was said of one house, and what it would be without contradictions.
pub(super) struct Expected {
    said: BTreeSet<Fact>,
    /// What somebody who wrote had seen under the same key.
    replaced: BTreeSet<Fact>,
    /// The schedule of the list.
    real: Schedule,
    minutes: Option<u32>,
    /// As the house listed them when all held the last time.
    ids: Vec<String>,
}

impl Expected {
    pub(super) fn new(before: &Edits, real: Schedule, minutes: Option<u32>) -> Self {
        let said = before.iter().cloned().collect();
        Self { said, replaced: BTreeSet::new(), real, minutes, ids: Vec::new() }
    }

    /// Somebody writes, where these values stand.
    pub(super) fn said(&mut self, edits: &Edits, saw: &Facts) {
        for (key, value) in edits {
            let seen = saw.get(key).into_iter().flatten().map(|value| (key.clone(), value.clone()));
            self.replaced.extend(seen);
            self.said.insert((key.clone(), value.clone()));
        }
    }

    /// Every value that was said and that nobody who saw it replaced.
    fn standing(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut standing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, value) in self.said.difference(&self.replaced) {
            standing.entry(key).or_default().insert(value);
        }
        standing
    }

    /// What is said differently of one key.
    fn contradictions(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let standing = self.standing().into_iter();
        let all = standing.map(|(key, values)| (key, values.into_iter().map(body_of).collect::<BTreeSet<&str>>()));
        all.filter(|(_, bodies)| bodies.len() > 1).collect()
    }

    /// The keys of which different things are said.
    pub(super) fn contradicted(&self) -> BTreeSet<String> {
        self.contradictions().into_keys().map(str::to_owned).collect()
    }

    /// By what the conflicts are settled.
    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.clone()
    }

    /// Both sides keep, list and plan what was said.
    pub(super) fn check(&mut self, pair: &mut Pair) -> Result<(), String> {
        for side in [Side::House, Side::Hub] {
            let facts = pair.standing(side);
            let stands = facts.iter().map(|(key, values)| (&**key, values.iter().map(|value| &**value).collect()));
            let stands: BTreeMap<&str, BTreeSet<&str>> = stands.collect();
            if stands != self.standing() {
                return Err(format!("{side:?} keeps {stands:?} of {:?}", self.standing()));
            }
        }
        // A week without a holiday, once the new hours hold.
        let (from, to) = (day("2024-09-02"), day("2024-09-08"));
        let (house, hub) = (pair.seen_at_the_house(from, to)?, pair.seen_at_the_hub(from, to)?);
        self.check_view(&house, (from, to)).map_err(|why| format!("the house: {why}"))?;
        self.check_view(&hub, (from, to)).map_err(|why| format!("the hub: {why}"))?;
        let ids = |view: &View| view.conflicts.iter().map(Conflict::id).collect::<Vec<_>>();
        if ids(&house) != ids(&hub) {
            return Err(format!("the house lists {:?}, the hub {:?}", ids(&house), ids(&hub)));
        }
        self.ids = ids(&house);
        Ok(())
    }

    fn check_view(&self, view: &View, (from, to): (Day, Day)) -> Result<(), String> {
        let contradictions = self.contradictions();
        let listed: BTreeMap<&str, BTreeSet<&str>> = view
            .conflicts
            .iter()
            .map(|conflict| (&*conflict.key, conflict.versions.iter().map(|(_, body)| &**body).collect()))
            .collect();
        if listed != contradictions || listed.len() != view.conflicts.len() {
            return Err(format!("lists {listed:?} of {contradictions:?}"));
        }
        if view.plans.len() != 7 {
            return Err(format!("plans {} days from {from} to {to}", view.plans.len()));
        }
        for planned in &view.plans {
            self.check_day(planned, &contradictions)?;
        }
        let settled_otherwise = self.settled_otherwise();
        if contradictions.is_empty()
            && !settled_otherwise
            && self.minutes.is_some()
            && view.weekly_minutes != self.minutes
        {
            return Err(format!("{:?} minutes a week of {:?}", view.weekly_minutes, self.minutes));
        }
        Ok(())
    }

    /// Whether what stands is not what the list says: who settled chose the other version.
    fn settled_otherwise(&self) -> bool {
        self.standing().iter().any(|(key, values)| !values.iter().any(|value| self.is_of_the_list(key, value)))
    }

    fn is_of_the_list(&self, key: &str, value: &str) -> bool {
        let Ok(Some(Key::Hours { from, weekday, .. })) = Key::parse(key) else { return true };
        let stands = self.real.hours_on(from).find(|(_, _, on, _)| *on == weekday);
        stands.and_then(|(.., said)| said.agreed()).is_some_and(|said| {
            said.body.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string) == body_of(value)
        })
    }

    fn check_day(&self, planned: &DayPlan, contradictions: &BTreeMap<&str, BTreeSet<&str>>) -> Result<(), String> {
        let weekday = Weekday::of(planned.day);
        let disputed = contradictions.iter().find(
            |(key, _)| matches!(Key::parse(key), Ok(Some(Key::Hours { weekday: Some(on), .. })) if on == weekday),
        );
        let Some((key, bodies)) = disputed else {
            return match planned.state {
                DayState::Conflict => Err(format!("{} is in conflict, and nobody contradicts", planned.day)),
                _ => self.check_settled_day(planned),
            };
        };
        let versions: BTreeSet<Vec<Interval>> =
            planned.versions.iter().map(|version| version.plan.intervals()).collect();
        let said: BTreeSet<Vec<Interval>> = bodies.iter().map(|body| intervals(body)).collect();
        if planned.state != DayState::Conflict || versions != said {
            return Err(format!("{} is {:?} by {versions:?}, {key} says {said:?}", planned.day, planned.state));
        }
        Ok(())
    }

    fn check_settled_day(&self, planned: &DayPlan) -> Result<(), String> {
        let calendar = Calendar::default();
        let around = Surroundings { calendar: &calendar, holiday_zone: "", school_zone: "", closures: &[] };
        let standing = self.standing();
        let facts: Facts = standing
            .into_iter()
            .map(|(key, values)| (key.to_owned(), values.into_iter().map(str::to_owned).collect()))
            .collect();
        let expected = plan(&Schedule::read(&facts), planned.day, &around);
        if (planned.state, planned.intervals()) != (expected.state, expected.intervals()) {
            return Err(format!("{} is {:?}, expected {:?}", planned.day, planned.intervals(), expected.intervals()));
        }
        Ok(())
    }
}

fn intervals(body: &str) -> Vec<Interval> {
    match body.parse::<DayHours>() {
        Ok(hours) => hours.slots().iter().map(|slot| slot.interval).collect(),
        // Taken back.
        Err(_) => Vec::new(),
    }
}
