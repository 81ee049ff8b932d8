//! What a site's plans say of days that are over: hours held, closures, permanences.

use std::collections::BTreeMap;

use msap_shared::document::schedule::Reason;
use msap_shared::document::schedule::slot::union;
use msap_shared::schedule::{DayPlan, DayState, Why, WhyKind, plan};
use msap_shared::time::{Day, Month};

use crate::almanac::Pages;
use crate::sheet::Cell;
use crate::site::Site;

/// What was held in a time, at one site or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Held {
    pub(super) whole: Hours,
    pub(super) months: BTreeMap<Month, Hours>,
    /// In the order of their days.
    pub(super) closures: Vec<Closure>,
    /// By what people call the partner.
    pub(super) permanences: BTreeMap<String, Permanence>,
}

/// Days and hours of opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours {
    /// Days on which a site was open; two sites on one day are two.
    pub(super) days: u32,
    pub(super) minutes: i64,
    /// Days of which it is not known: no hours said, or contradictions.
    pub(super) unknown: u32,
}

/// Days in a row that were not as usual, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closure {
    pub(super) site: String,
    pub(super) from: Day,
    pub(super) to: Day,
    pub(super) kind: WhyKind,
    pub(super) reason: Option<Reason>,
    pub(super) label: Option<Box<str>>,
    /// Whether the whole site was shut; else one of its places.
    pub(super) whole: bool,
}

/// A partner's coming.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Permanence {
    /// Days on which it came.
    pub(super) held: u32,
    pub(super) minutes: i64,
    /// Days on which it was to come and did not.
    pub(super) cancelled: u32,
    /// Why, by the code of the reason.
    pub(super) reasons: BTreeMap<&'static str, u32>,
}

impl Closure {
    pub(super) fn days(&self) -> i32 {
        self.to.number() - self.from.number() + 1
    }

    /// The code of the reason, or of the kind where none was given.
    pub(super) fn code(&self) -> &'static str {
        self.reason.map_or(self.kind.as_str(), Reason::as_str)
    }

    /// The reason as a cell.
    pub(super) fn cell(&self) -> Cell {
        Cell::Word { code: self.code().to_owned(), fr: self.label_fr(), en: self.label_en() }
    }

    /// What people read.
    pub(super) fn label_fr(&self) -> String {
        worded(self.label.as_deref(), self.reason.map_or(self.kind.label_fr(), Reason::label_fr))
    }

    /// The same in English.
    pub(super) fn label_en(&self) -> String {
        worded(self.label.as_deref(), self.reason.map_or(self.kind.label_en(), Reason::label_en))
    }
}

fn worded(label: Option<&str>, reason: &str) -> String {
    label.map_or_else(|| reason.to_owned(), |label| format!("{label} ({reason})"))
}

/// Why a permanence did not take place, in words.
pub(super) fn cancelled_fr(code: &'static str) -> &'static str {
    match (Reason::known(code), code) {
        (Some(reason), _) => reason.label_fr(),
        (None, "public_holiday") => WhyKind::PublicHoliday.label_fr(),
        (None, "network_closure") => WhyKind::NetworkClosure.label_fr(),
        (None, "closed") => WhyKind::Closed.label_fr(),
        (None, other) => other,
    }
}

impl Held {
    /// Adds the days of one site.
    pub(super) fn add(&mut self, pages: &Pages, site: &Site, (from, to): (Day, Day)) {
        let Some(book) = pages.book(&site.id) else {
            self.unknown(from, to);
            return;
        };
        let around = pages.around(site);
        // What this site's last closures are: only they may go on.
        let begun = self.closures.len();
        let mut day = from;
        while day <= to {
            let plan = plan(&book.schedule, day, &around.surroundings());
            self.hours(&plan);
            for why in &plan.why {
                self.closed(site.id.as_str(), &plan, why, begun);
            }
            let mut of_day = BTreeMap::<String, Vec<_>>::new();
            for coming in &plan.permanences {
                of_day.entry(book.label(&coming.operator)).or_default().push(coming);
            }
            for (partner, comings) in of_day {
                let sum = self.permanences.entry(partner).or_default();
                let held: Vec<_> = comings.iter().filter(|coming| coming.cancelled.is_none()).collect();
                let intervals = union(held.iter().map(|coming| coming.interval));
                sum.minutes += intervals.iter().map(|interval| i64::from(interval.minutes())).sum::<i64>();
                match comings.iter().find_map(|coming| coming.cancelled.as_ref()).filter(|_| held.is_empty()) {
                    None => sum.held += 1,
                    Some(why) => {
                        sum.cancelled += 1;
                        *sum.reasons.entry(why.reason.map_or(why.kind.as_str(), Reason::as_str)).or_default() += 1;
                    }
                }
            }
            // The calendar ends in 2099.
            match day.plus_days(1) {
                next if next > day => day = next,
                _ => break,
            }
        }
    }

    fn hours(&mut self, plan: &DayPlan) {
        for sum in [&mut self.whole, self.months.entry(plan.day.month()).or_default()] {
            match plan.minutes() {
                Some(0) => {}
                Some(minutes) => {
                    sum.days += 1;
                    sum.minutes += i64::from(minutes);
                }
                None => sum.unknown += 1,
            }
        }
    }

    fn unknown(&mut self, from: Day, to: Day) {
        let mut day = from;
        while day <= to {
            self.whole.unknown += 1;
            self.months.entry(day.month()).or_default().unknown += 1;
            match day.plus_days(1) {
                next if next > day => day = next,
                _ => break,
            }
        }
    }

    fn closed(&mut self, site: &str, plan: &DayPlan, why: &Why, begun: usize) {
        if !matches!(why.kind, WhyKind::Closed | WhyKind::NetworkClosure) {
            return;
        }
        let closure = Closure {
            site: site.to_owned(),
            from: plan.day,
            to: plan.day,
            kind: why.kind,
            reason: why.reason,
            label: why.label.clone(),
            whole: plan.state == DayState::Shut,
        };
        let own = self.closures.iter_mut().skip(begun);
        let continued = own.rev().find(|last| {
            let same = (last.kind, last.reason, &last.label);
            last.to.plus_days(1) >= plan.day && same == (closure.kind, closure.reason, &closure.label)
        });
        match continued {
            // On a day on which the site is shut anyhow, one place cannot be told from all.
            Some(last) => (last.to, last.whole) = (plan.day, last.whole && closure.whole),
            None => self.closures.push(closure),
        }
    }
}
