//! A schedule as OpenStreetMap's text: the usual week, then the dates that differ.
//!
//! Called by exports and by the API's `hours.osm`. The text is made of what
//! [`plan`](crate::schedule::plan()) says of each day of a year, so holidays of the site's own
//! zones, closures and effective dates are in it as dates. `PH` and `SH` never are: readers know
//! other calendars than the site's, and differ on how they join with weekdays. Contradicted
//! days and days of which nothing is said read `unknown`, with a comment that tells which.

mod notation;

use std::collections::{BTreeMap, BTreeSet};

use self::notation::{Dates, Told};
use crate::document::schedule::Weekday;
use crate::schedule::Schedule;
use crate::schedule::plan::{Surroundings, plan};
use crate::time::Day;

/// How many days a text is made of, and good for.
pub const DAYS: i32 = 366;

/// One day, and what is told of it.
type Each = (Day, Told);

/// What is told of some dates, on these weekdays of them; on all where none is named.
type Override = ((Told, Vec<Weekday>), Vec<(Day, Day)>);

/// The text that holds from `from` for a year.
pub fn write(schedule: &Schedule, from: Day, around: &Surroundings<'_>) -> String {
    let mut days: Vec<Each> = Vec::new();
    for day in (0..DAYS).map(|n| from.plus_days(n)) {
        // The calendar ends in 2099.
        if days.last().is_none_or(|(last, _)| *last < day) {
            days.push((day, Told::of(&plan(schedule, day, around))));
        }
    }
    let week = Week::usual(&days);
    let mut text = week.write();
    for ((told, weekdays), dates) in overrides(&days, &week) {
        let weekdays = (!weekdays.is_empty()).then(|| notation::weekdays(&weekdays));
        text.push(told.write(&Dates::new(dates).write(weekdays.as_deref())));
    }
    if text.is_empty() { "off".to_owned() } else { text.join("; ") }
}

/// The usual week: of odd and of even number alike, or not.
struct Week([[Told; 2]; 7]);

impl Week {
    fn usual(days: &[Each]) -> Self {
        Self(Weekday::ALL.map(|weekday| {
            let own: Vec<&Each> = days.iter().filter(|(day, _)| Weekday::of(*day) == weekday).collect();
            let alike = most(own.iter().copied());
            let by_parity = [1, 0].map(|odd| most(own.iter().copied().filter(|(day, _)| parity(*day) == odd)));
            let differing = |usual: [&Told; 2]| {
                own.iter().filter(|(day, told)| told != usual[usize::from(parity(*day) == 0)]).count()
            };
            // Another rule must save more dates than it costs to read.
            if differing([&by_parity[0], &by_parity[1]]) + 4 < differing([&alike, &alike]) {
                by_parity
            } else {
                [alike.clone(), alike]
            }
        }))
    }

    fn on(&self, day: Day) -> &Told {
        &self.0[Weekday::of(day).index()][usize::from(parity(day) == 0)]
    }

    fn write(&self) -> Vec<String> {
        let mut alike: Vec<(&Told, Vec<Weekday>)> = Vec::new();
        let mut by_parity: Vec<(usize, &Told, Vec<Weekday>)> = Vec::new();
        for (weekday, usual) in Weekday::ALL.into_iter().zip(&self.0) {
            if usual[0] == usual[1] {
                match alike.iter_mut().find(|(told, _)| **told == usual[0]) {
                    Some((_, weekdays)) => weekdays.push(weekday),
                    None => alike.push((&usual[0], vec![weekday])),
                }
                continue;
            }
            for (at, told) in usual.iter().enumerate() {
                match by_parity.iter_mut().find(|(n, other, _)| *n == at && *other == told) {
                    Some((.., weekdays)) => weekdays.push(weekday),
                    None => by_parity.push((at, told, vec![weekday])),
                }
            }
        }
        let alike = alike.into_iter().filter(|(told, _)| !told.is_off());
        let mut text: Vec<String> = alike.map(|(told, weekdays)| told.write(&notation::weekdays(&weekdays))).collect();
        let by_parity = by_parity.into_iter().filter(|(_, told, _)| !told.is_off());
        text.extend(by_parity.map(|(at, told, weekdays)| {
            let weeks = if at == 0 { "week 01-53/2" } else { "week 02-52/2" };
            told.write(&format!("{weeks} {}", notation::weekdays(&weekdays)))
        }));
        text
    }
}

/// 1 in weeks of odd number.
fn parity(day: Day) -> i8 {
    day.date().iso_week_date().week() % 2
}

/// What is told most often; of equals, what is told last.
fn most<'a>(days: impl Iterator<Item = &'a Each>) -> Told {
    let mut counts: BTreeMap<&Told, (usize, Day)> = BTreeMap::new();
    for (day, told) in days {
        let count = counts.entry(told).or_insert((0, *day));
        *count = (count.0 + 1, *day);
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(Told::default, |(told, _)| told.clone())
}

/// Some weeks in which weekdays tell the same: first day, last day, whose.
struct Stretch<'a> {
    told: &'a Told,
    firsts: (Day, Day),
    lasts: (Day, Day),
    weekdays: BTreeSet<Weekday>,
}

/// The dates that differ from the usual week, by what is told of them and on which weekdays
/// (none for each day), in the order of the first date of each.
fn overrides(days: &[Each], week: &Week) -> Vec<Override> {
    let mut open: BTreeSet<Day> =
        days.iter().filter(|(day, told)| told != week.on(*day)).map(|(day, _)| *day).collect();
    let mut found: Vec<Override> = Vec::new();
    let mut add = |told: &Told, weekdays: Vec<Weekday>, dates: (Day, Day)| match found
        .iter_mut()
        .find(|((known, on), _)| known == told && *on == weekdays)
    {
        Some((_, known)) => known.push(dates),
        None => found.push(((told.clone(), weekdays), vec![dates])),
    };
    for stretch in stretches(days, week) {
        let (from, to) = (stretch.firsts.0, stretch.lasts.1);
        let within = || days.iter().filter(|(day, _)| from <= *day && *day <= to);
        let all = within().all(|(_, told)| told == stretch.told);
        let covers = |day: Day| all || stretch.weekdays.contains(&Weekday::of(day));
        let covered: Vec<Day> = within().map(|(day, _)| *day).filter(|day| covers(*day)).collect();
        // Two Fridays are two dates; three begin to be a habit.
        let worth = all || stretch.lasts.1.number() - stretch.firsts.0.number() >= 14;
        if worth && covered.iter().any(|day| open.contains(day)) {
            covered.iter().for_each(|day| {
                open.remove(day);
            });
            let weekdays = if all { Vec::new() } else { stretch.weekdays.iter().copied().collect() };
            add(stretch.told, weekdays, (from, to));
        }
    }
    // The rest: single days, joined over days that tell the same anyway.
    let mut run: Option<(&Told, Day, Day)> = None;
    for (day, told) in days {
        match &mut run {
            Some((telling, _, to)) if *telling == told => {
                if open.contains(day) {
                    *to = *day;
                }
                continue;
            }
            Some((telling, from, to)) => add(telling, Vec::new(), (*from, *to)),
            None => {}
        }
        run = open.contains(day).then_some((told, *day, *day));
    }
    if let Some((telling, from, to)) = run {
        add(telling, Vec::new(), (from, to));
    }
    found.iter_mut().for_each(|(_, dates)| dates.sort());
    found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    found
}

/// What weekdays tell for several weeks on end, other than usually.
fn stretches<'a>(days: &'a [Each], week: &Week) -> Vec<Stretch<'a>> {
    let mut found: Vec<Stretch<'a>> = Vec::new();
    for weekday in Weekday::ALL {
        let own: Vec<&Each> = days.iter().filter(|(day, _)| Weekday::of(*day) == weekday).collect();
        for run in own.chunk_by(|a, b| a.1 == b.1) {
            let differs = |each: &&&Each| each.1 != *week.on(each.0);
            let (Some(first), Some(last)) = (run.iter().find(differs), run.iter().rfind(differs)) else { continue };
            let (first, last, told) = (first.0, last.0, &first.1);
            if first == last {
                continue;
            }
            // Between the first and the last of another weekday lies no further one of this.
            let joins = |known: &&mut Stretch<'_>| {
                let near = |(low, high): (Day, Day), day: Day| high.max(day).number() - low.min(day).number() < 7;
                known.told == told && near(known.firsts, first) && near(known.lasts, last)
            };
            match found.iter_mut().find(joins) {
                Some(known) => {
                    known.firsts = (known.firsts.0.min(first), known.firsts.1.max(first));
                    known.lasts = (known.lasts.0.min(last), known.lasts.1.max(last));
                    known.weekdays.insert(weekday);
                }
                None => found.push(Stretch {
                    told,
                    firsts: (first, first),
                    lasts: (last, last),
                    weekdays: BTreeSet::from([weekday]),
                }),
            }
        }
    }
    found
}
