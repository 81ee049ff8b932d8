//! What a site says in each month: its visits, the days closed without one, and when the hub hears of
//! them.
//!
//! Pure: the same site and seed say the same. A day in a hundred is forgotten, one in ten is
//! received later than on the same day; of the days without a visit most are closed.

use std::collections::BTreeMap;

use msap_shared::time::{Day, Month};

use super::super::totals::Sums;
use super::successive;
use crate::generator::{Chance, ListedSite, Model, Tap};

/// Days that nobody counted.
const FORGOTTEN: f64 = 0.01;
/// Days received on the same one, and within three.
const AT_ONCE: f64 = 0.9;
const SOON: f64 = 0.97;
/// The longest that a machine is without the hub.
const LAG_MAX: usize = 20;
/// Days without a visit that the desk closed.
const CLOSED: f64 = 0.8;

/// One site that speaks.
pub(super) struct Speaker<'a> {
    pub(super) model: &'a Model,
    pub(super) site: &'a ListedSite,
    pub(super) seed: u64,
}

/// What was said of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The day of the hub on which it came.
    pub(super) received: Day,
    /// None: the day was closed without one.
    pub(super) taps: Vec<Tap>,
}

/// The days of a month of which anything was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spoken(pub(super) BTreeMap<Day, Said>);

impl Spoken {
    pub(super) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for (visits, requests) in self.0.values().flat_map(|said| &said.taps).map(counted) {
            sums += Sums { visits, requests };
        }
        sums
    }
}

/// People and requests of a tap.
pub(super) fn counted(tap: &Tap) -> (i64, i64) {
    let requests = i64::from(tap.people);
    (if tap.same_visit { 0 } else { requests }, requests)
}

impl Speaker<'_> {
    /// Month by month.
    pub(super) fn months(&self, first: Month, last: Month) -> impl Iterator<Item = (Month, Spoken)> {
        let (from, to) = (first.first_day(), last.last_day());
        let period = self.model.typical(self.site, from, to, self.seed);
        let mut visits: BTreeMap<Day, Vec<Tap>> = self.model.visits(self.site, period, self.seed).collect();
        let mut chance = Chance::new(self.seed, &format!("{} says", self.site.id));
        successive(first, last).map(move |month| {
            let mut spoken = Spoken::default();
            for day in (1..=31).map_while(|number| month.day(number)) {
                let (forgotten, received) = (chance.unit() < FORGOTTEN, received(day, &mut chance).min(to));
                let closed = chance.unit() < CLOSED && self.site.opens_on(day.date().weekday());
                let taps = visits.remove(&day).unwrap_or_default();
                if !forgotten && (closed || !taps.is_empty()) {
                    spoken.0.insert(day, Said { received, taps });
                }
            }
            (month, spoken)
        })
    }
}

fn received(day: Day, chance: &mut Chance) -> Day {
    let lag = match (chance.unit(), chance.below(3), chance.below(LAG_MAX - 3)) {
        (drawn, ..) if drawn < AT_ONCE => 0,
        (drawn, days, _) if drawn < SOON => 1 + days,
        (_, _, days) => 4 + days,
    };
    day.plus_days(i32::try_from(lag).unwrap_or_default())
}
