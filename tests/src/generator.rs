//! Visits as the network sees them, drawn from published figures.
//!
//! Called by the demonstration and by tests. The same site, period and seed give the same visits
//! on every machine: the chance is our own and nothing depends on a clock. A period's number of
//! people is exact; how it spreads over days, partners, kinds of help and ages is drawn.

use jiff::civil::Weekday;
use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::id::SiteId;
use msap_shared::time::Day;

mod chance;
mod model;
mod sites;

pub use chance::Chance;
pub use model::{Model, ModelError};
pub use sites::{ListedSite, SiteList};

use model::Profile;

/// Share of visits by two people at once.
const COUPLES: f64 = 0.03;
/// What a market day brings to the town.
const MARKET_DAY: f64 = 1.3;
/// Houses are shut on these, month and day.
const HOLIDAYS: [(i8, i8); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
/// From here on houses carry the France services label, and receive other people.
const FRANCE_SERVICES_SINCE: i16 = 2020;

/// What the front desk taps once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// For whom.
    pub operator: OperatorCode,
    /// Kind of help.
    pub help: HelpCode,
    /// Age bracket.
    pub age: AgeCode,
    /// People; 1 for a further request, which counts nobody.
    pub people: i16,
    /// A further request of the visit before it.
    pub same_visit: bool,
}

/// How many people a site receives from one day to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// People.
    pub people: u32,
}

impl Period {
    fn days(self) -> impl Iterator<Item = Day> {
        let last = self.to;
        std::iter::successors(Some(self.from), move |day| {
            Some(day.plus_days(1)).filter(|next| next <= &last && next > day)
        })
    }
}

impl Model {
    /// The visits of a site over a period, day by day; days without any are left out.
    pub fn visits(&self, site: &ListedSite, period: Period, seed: u64) -> impl Iterator<Item = (Day, Vec<Tap>)> {
        let mut chance = Chance::new(seed, &format!("{} {} {}", site.id, period.from, period.to));
        let market = chance.below(5);
        let weights = period.days().map(|day| (day, self.weight(site, day, market) * chance.between(0.75, 1.25)));
        let people = spread(period.people, &weights.collect::<Vec<_>>());
        people.into_iter().map(move |(day, people)| (day, self.day(day, people, &mut chance)))
    }

    /// So many visits of a day, each by one person for one matter: what a load is made of.
    pub fn plain_visits(&self, day: Day, number: u32, chance: &mut Chance) -> Vec<Tap> {
        let Profile { operators, ages } = self.profile(day);
        let mut tap = || Tap {
            operator: chance.pick(operators).clone(),
            help: chance.pick(&self.helps).clone(),
            age: chance.pick(ages).clone(),
            people: 1,
            same_visit: false,
        };
        (0..number).map(|_| tap()).collect()
    }

    /// Who comes on this day.
    fn profile(&self, day: Day) -> &Profile {
        if day.date().year() < FRANCE_SERVICES_SINCE { &self.msap } else { &self.france_services }
    }

    /// How busy a day is, against the others.
    fn weight(&self, site: &ListedSite, day: Day, market: usize) -> f64 {
        let date = day.date();
        if !site.opens_on(date.weekday()) || HOLIDAYS.contains(&(date.month(), date.day())) {
            return 0.0;
        }
        let weekday = weekday_index(date.weekday());
        let market = if weekday == market { MARKET_DAY } else { 1.0 };
        self.weekday[weekday] * self.month[usize::from(date.month().unsigned_abs()) - 1] * market
    }

    fn day(&self, day: Day, people: u32, chance: &mut Chance) -> Vec<Tap> {
        let profile = self.profile(day);
        let operators: Vec<_> = profile
            .operators
            .iter()
            .map(|(operator, share)| (operator.clone(), share * self.campaign(operator, day)))
            .collect();
        let mut taps = Vec::new();
        let mut left = people;
        while left > 0 {
            let couple = chance.unit() < COUPLES && left >= 2;
            let (people, count) = if couple { (2, 2) } else { (1, 1) };
            left -= count;
            let age = chance.pick(&profile.ages).clone();
            let further = self.further_requests(chance);
            for n in 0..=further {
                taps.push(Tap {
                    operator: chance.pick(&operators).clone(),
                    help: chance.pick(&self.helps).clone(),
                    age: age.clone(),
                    people: if n == 0 { people } else { 1 },
                    same_visit: n > 0,
                });
            }
        }
        taps
    }

    /// Requests of a visit beyond its first: one or two, so that their mean is the published one.
    fn further_requests(&self, chance: &mut Chance) -> u32 {
        let mean = self.requests_per_visit - 1.0;
        match chance.unit() {
            drawn if drawn < mean * 0.15 => 2,
            drawn if drawn < mean * 0.85 => 1,
            _ => 0,
        }
    }

    fn campaign(&self, operator: &OperatorCode, day: Day) -> f64 {
        let (month, day) = (day.date().month(), day.date().day());
        let running = self.campaigns.iter().filter(|campaign| campaign.operator == *operator);
        running
            .filter(|campaign| campaign.from <= (month, day) && (month, day) <= campaign.to)
            .map(|c| c.factor)
            .product()
    }

    /// What is known of a site's past.
    pub fn pinned(&self, site: &SiteId) -> Vec<Period> {
        self.pinned.iter().filter(|(id, _)| id == site).map(|(_, period)| *period).collect()
    }

    /// A period of a site nothing is known of: its own lasting rate, drawn from how rates spread
    /// over the network.
    pub fn typical(&self, site: &ListedSite, from: Day, to: Day, seed: u64) -> Period {
        let rate =
            if from.date().year() < FRANCE_SERVICES_SINCE { self.weekly_msap } else { self.weekly_france_services };
        let normal = Chance::new(seed, site.id.as_str()).normal();
        let weeks = f64::from((to.number() - from.number() + 1).max(0)) / 7.0;
        // The cap keeps one site from outweighing the rest: nine houses in ten are far below it.
        let weekly = (rate.median * (rate.sigma * normal).exp()).min(rate.median * 6.0);
        Period { from, to, people: (weekly * weeks).round() as u32 }
    }
}

/// Divides `total` by weight into whole numbers that add up to it; zeroes are left out.
fn spread(total: u32, weights: &[(Day, f64)]) -> Vec<(Day, u32)> {
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if sum <= 0.0 {
        return Vec::new();
    }
    let mut before = 0.0;
    let mut given = 0;
    let mut parts = Vec::new();
    for (day, weight) in weights {
        before += weight;
        // Rounded up to here minus what was given: the last day ends at the total.
        let until = (f64::from(total) * before / sum).round() as u32;
        if until > given {
            parts.push((*day, until - given));
            given = until;
        }
    }
    parts
}

fn weekday_index(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
}

#[cfg(test)]
mod tests;
