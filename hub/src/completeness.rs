//! How complete figures are: which days of which sites should have been reported, and which were.
//!
//! Called by `counts` beside every figure, and told by itself (`told`). *Expected* is every day of a
//! site, from the one on which it begins to report to yesterday by its own clock, in which it is in
//! service and its schedule opens at least once. *Reported* are those of them on which a visit, or
//! that the day was closed, was received; *late* those whose first word came too late; *missing* the
//! others. A visit on a day on which the house is shut is *unexpected*. Where nothing can be expected
//! it is said why. What people ask for, and at which age, has no say: a day is reported whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use msap_shared::time::{Day, Month, SiteZone};
use rusqlite::Connection;

use self::days::{Days, MonthDays, judge};
use self::known::Moment;
use self::ranges::Ranges;
use crate::almanac::Pages;
use crate::ask::hub_zone;
use crate::query::{Antennas, Key, Query};
use crate::store::figures::{FigureError, ROWS_MAX};
use crate::store::reported::{self, Reported};
use crate::store::reporters::{Reporter, Stretch};

mod days;
pub(crate) mod known;
mod ranges;
pub mod told;

/// Numbers of days of sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// That should have been reported.
    pub expected: u32,
    /// Of these, that were.
    pub reported: u32,
    /// Of these, whose first word came too late.
    pub late: u32,
    /// With visits, though the house was shut.
    pub unexpected: u32,
    /// Sites of which nothing could be expected, all the time or part of it.
    pub not_expected: u32,
}

impl Tally {
    /// Days that should have been reported, and were not.
    pub fn missing(&self) -> u32 {
        self.expected - self.reported
    }

    /// Which part of what was expected was reported; none of nothing.
    pub fn rate(&self) -> Option<f64> {
        (self.expected > 0).then(|| f64::from(self.reported) / f64::from(self.expected))
    }

    /// Adds days of other sites; `not_expected` is a number of sites, which days do not add to.
    pub(crate) fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.reported += other.reported;
        self.late += other.late;
        self.unexpected += other.unexpected;
    }
}

/// Why nothing is expected of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is not open yet.
    Project,
    /// It has closed for good.
    Retired,
    /// No machine of it has ever joined.
    NeverEnrolled,
    /// It had not begun to report.
    BeforeReportsFrom,
    /// It has said no hours.
    NoHours,
    /// It moves about, and has said no hours.
    Itinerant,
    /// People contradict each other on whether it opens.
    Conflict,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Project,
        Self::Retired,
        Self::NeverEnrolled,
        Self::BeforeReportsFrom,
        Self::NoHours,
        Self::Itinerant,
        Self::Conflict,
    ];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Retired => "retired",
            Self::NeverEnrolled => "never_enrolled",
            Self::BeforeReportsFrom => "before_reports_from",
            Self::NoHours => "no_hours",
            Self::Itinerant => "itinerant",
            Self::Conflict => "conflict",
        }
    }
}

/// Days of one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub site: String,
    /// What people call it.
    pub name: String,
    /// How many days.
    pub count: u32,
    /// First and last day of each stretch of them.
    pub days: Vec<(Day, Day)>,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Of all that the filters let through.
    pub total: Tally,
    /// The same by the keys of time and place.
    pub rows: BTreeMap<Vec<String>, Tally>,
    /// Sites with missing days. Between the first and the last day of a stretch no expected day was
    /// reported.
    pub missing: Vec<Named>,
    /// Sites of which nothing could be expected, and when.
    pub not_expected: Vec<(Reason, Named)>,
}

/// Which rows are wanted.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Every one that has anything.
    All,
    /// Those of these keys.
    Of(BTreeSet<Vec<String>>),
    /// Those of these keys, and every one of which anything was expected.
    Expected(BTreeSet<Vec<String>>),
}

/// The keys of a question that completeness can be told by.
pub fn keys(by: &[Key]) -> Vec<Key> {
    by.iter().copied().filter(|key| !matches!(key, Key::Operator | Key::Help | Key::Age)).collect()
}

/// Answers a question at `now`; `as_of` a day that is over, as things stood at its end.
///
/// # Errors
/// When there are too many rows, or the store fails.
pub fn answer(
    conn: &Connection,
    pages: &Pages,
    query: &Query,
    now: Timestamp,
    rows: Rows,
) -> Result<Completeness, FigureError> {
    let Moment { reporters, mut reported, .. } = pages.known().at(conn)?;
    if let Some(as_of) = query.as_of {
        reported = Arc::new(reported::by_then(conn, query, as_of)?);
    }
    let at = query.as_of.and_then(end_of).map_or(now, |end| end.min(now));
    let others = match rows {
        Rows::All => Others::All,
        Rows::Expected(_) => Others::Expected,
        Rows::Of(_) => Others::None,
    };
    let rows = match rows {
        Rows::All => BTreeMap::new(),
        Rows::Of(keys) | Rows::Expected(keys) => keys.into_iter().map(|key| (key, Counted::default())).collect(),
    };
    let months = MonthDays::of(query);
    let mut sum = Sum { query, keys: keys(&query.by), rows, others, months, found: Completeness::default() };
    let mut yesterdays = BTreeMap::<String, Day>::new();
    // Both go by id.
    let mut heard = reported.iter().peekable();
    for (n, reporter) in reporters.iter().enumerate() {
        while heard.next_if(|(site, _)| site.as_str() < reporter.site.as_str()).is_some() {}
        if reporter.among(query).next().is_none() {
            continue;
        }
        let yesterday = match yesterdays.get(&reporter.timezone) {
            Some(day) => *day,
            None => {
                let zone = reporter.timezone.parse::<SiteZone>().unwrap_or_else(|_| hub_zone());
                let day = Day::at(at, &zone).plus_days(-1);
                yesterdays.insert(reporter.timezone.clone(), day);
                day
            }
        };
        let of_site = heard.next_if(|(site, _)| site.as_str() == reporter.site.as_str());
        let of_site = of_site.map_or(&[][..], |(_, months)| months.as_slice());
        sum.site(pages, (n, reporter), of_site, yesterday)?;
    }
    let Sum { mut found, rows, .. } = sum;
    found.rows = rows.into_iter().map(|(key, counted)| (key, counted.tally)).collect();
    Ok(found)
}

/// The last moment of a day of the hub.
fn end_of(day: Day) -> Option<Timestamp> {
    let next = day.date().tomorrow().ok()?;
    hub_zone().instant(next.at(0, 0, 0, 0))?.checked_sub(jiff::SignedDuration::from_secs(1)).ok()
}

/// An answer in the making.
struct Sum<'a> {
    query: &'a Query,
    keys: Vec<Key>,
    rows: BTreeMap<Vec<String>, Counted>,
    others: Others,
    /// The months of the period.
    months: Vec<MonthDays>,
    found: Completeness,
}

/// Which rows there are besides those whose keys are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    All,
    Expected,
    None,
}

#[derive(Default)]
struct Counted {
    tally: Tally,
    /// The site that was counted last as not expected.
    last: Option<usize>,
}

impl Sum<'_> {
    /// Adds one site.
    fn site(
        &mut self,
        pages: &Pages,
        (n, reporter): (usize, &Reporter),
        heard: &[(i32, Reported)],
        yesterday: Day,
    ) -> Result<(), FigureError> {
        let late_days = pages.rules().late_days;
        let mut missing = Ranges::default();
        let mut reasons = [const { Ranges::new() }; Reason::ALL.len()];
        let mut opening = pages.opening(&reporter.site, &reporter.place);
        for stretch in reporter.among(self.query) {
            let (from, to) = (stretch.from.max(self.query.from), stretch.to.min(self.query.to).min(yesterday));
            let mut whole = Tally::default();
            let mut idle = false;
            let begins = reporter.reports_from.map(Day::number);
            let (begin, end) = (from.number(), to.number());
            let at = self.months.partition_point(|month| month.last < begin);
            let first = self.months.get(at).map_or(i32::MAX, |month| month.number);
            let mut heard = heard[heard.partition_point(|(month, _)| *month < first)..].iter().peekable();
            for at in at..self.months.len() {
                let month = self.months[at];
                if month.first > end {
                    break;
                }
                let told = heard.next_if(|(number, _)| *number == month.number).map(|(_, told)| *told);
                let told = told.unwrap_or_default();
                let window = month.since(begin) & month.until(end);
                let of_site = (reporter, stretch, begins);
                let (days, why) = judge(&mut opening, of_site, (month, window), (told, late_days));
                for (reason, days) in why {
                    reasons[reason as usize].add(month.first, days);
                }
                missing.bridge(month.first, days.expected & !days.reported, days.reported);
                whole.add(&days.tally());
                idle |= days.not_expected != 0;
                self.rows_of_times(stretch, (n, reporter), month.month, days)?;
            }
            self.found.total.add(&whole);
            if !self.keys.iter().any(|key| key.is_time()) {
                self.row(self.key(reporter, stretch, from), n, &whole, idle)?;
            }
        }
        let named = |days: Vec<(Day, Day)>, count| Named {
            site: reporter.site.to_string(),
            name: reporter.name.clone(),
            count,
            days,
        };
        if missing.count() > 0 {
            let count = missing.count();
            self.found.missing.push(named(missing.finish(), count));
        }
        let mut idle = false;
        for (reason, ranges) in Reason::ALL.into_iter().zip(reasons).filter(|(_, ranges)| ranges.count() > 0) {
            idle = true;
            let count = ranges.count();
            self.found.not_expected.push((reason, named(ranges.finish(), count)));
        }
        self.found.total.not_expected += u32::from(idle);
        Ok(())
    }

    /// Adds one month of a site to the rows that are told by time.
    fn rows_of_times(
        &mut self,
        stretch: &Stretch,
        (n, reporter): (usize, &Reporter),
        month: Month,
        days: Days,
    ) -> Result<(), FigureError> {
        if self.keys.contains(&Key::Day) {
            for (bit, day) in (1..=31).map_while(|number| month.day(number)).enumerate() {
                let one = days.on(1 << bit);
                if one.any() != 0 {
                    self.row(self.key(reporter, stretch, day), n, &one.tally(), one.not_expected != 0)?;
                }
            }
        } else if self.keys.iter().any(|key| key.is_time()) && days.any() != 0 {
            let key = self.key(reporter, stretch, month.first_day());
            self.row(key, n, &days.tally(), days.not_expected != 0)?;
        }
        Ok(())
    }

    fn row(&mut self, key: Vec<String>, n: usize, part: &Tally, idle: bool) -> Result<(), FigureError> {
        if key.is_empty() || (*part == Tally::default() && !idle) {
            return Ok(());
        }
        let full = self.rows.len() == ROWS_MAX;
        let counted = match self.rows.get_mut(&key) {
            Some(counted) => counted,
            None if self.others == Others::None => return Ok(()),
            None if self.others == Others::Expected && part.expected == 0 => return Ok(()),
            None if full => return Err(FigureError::TooManyRows),
            None => self.rows.entry(key).or_default(),
        };
        counted.tally.add(part);
        if idle && counted.last != Some(n) {
            counted.last = Some(n);
            counted.tally.not_expected += 1;
        }
        Ok(())
    }

    fn key(&self, reporter: &Reporter, stretch: &Stretch, day: Day) -> Vec<String> {
        let named = |site: &str| self.query.filters.sites.iter().any(|named| named.as_str() == site);
        let value = |key: &Key| match key {
            Key::Site => match &stretch.parent {
                // An antenna named without its house is asked for itself.
                Some(parent)
                    if self.query.antennas == Antennas::Together
                        && (self.query.filters.sites.is_empty() || named(parent)) =>
                {
                    parent.clone()
                }
                _ => reporter.site.to_string(),
            },
            Key::Department => stretch.department.clone(),
            Key::Region => stretch.region.clone(),
            Key::Bearer => stretch.bearer.clone(),
            time => time.of_day(day).unwrap_or_default(),
        };
        self.keys.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests;
