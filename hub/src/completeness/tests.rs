//! Claims about completeness: any question against a naive reckoning, and each word of its definition.

use msap_shared::document::register::Facts;
use msap_shared::id::SiteId;
use msap_shared::schedule::{DayPlan, DayState};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::almanac::Rules;
use crate::query::Filters;
use crate::store::figures::reckoning::{Book, DAYS, Line, Placed, Played, SITES, event, hub_day, place, question};
use crate::store::{check, reported, sites};

mod words;

/// Schedules that differ in what matters: each is keys and bodies; a repeated key is a contradiction.
const SCHEDULES: [&[(&str, &str)]; 6] = [
    &[],
    &[
        ("hours|2025-01-01|every|mo|-", "09:00-12:00"),
        ("hours|2025-01-01|every|tu|-", "09:00-12:00"),
        ("hours|2025-01-01|every|we|-", "09:00-12:00"),
        ("hours|2025-01-01|every|sa|-", "09:00-12:00"),
        ("hours|2025-01-01|every|su|-", "09:00-12:00"),
    ],
    &[("hours|2026-01-10|every|sa|-", "09:00-12:00"), ("hours|2026-01-10|every|su|-", "09:00-12:00")],
    &[
        ("hours|2025-01-01|every|tu|-", "09:00-12:00"),
        ("hours|2025-01-01|every|tu|-", "closed"),
        ("hours|2025-01-01|every|sa|-", "09:00-12:00"),
        ("on|2026-02-20..2026-03-05|-", "closed|works"),
    ],
    &[("hours|2025-01-01|odd|we|-", "09:00-12:00"), ("hours|2025-01-01|1st|su|-", "09:00-12:00")],
    &[("hours|2025-01-01|every|su|-", "09:00-12:00"), ("on|2025-12-30..2026-01-02|-", "extra|event|09:00-10:00")],
];

fn facts(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new();
    for (key, body) in pairs {
        let values = facts.entry((*key).to_owned()).or_default();
        values.push(format!("region:{}|2026-01-01|{body}", 27 + values.len()));
    }
    facts
}

fn id(site: &str) -> SiteId {
    site.parse().unwrap()
}

/// From when a site reports: as its machine joined, and as a person set.
type Begins = (Option<&'static str>, Option<&'static str>);

fn begins() -> impl Strategy<Value = Begins> {
    let day = || prop::option::of(select(vec!["2025-12-31", "2026-01-15", "2026-02-01"]));
    (day(), prop_oneof![2 => Just(None), 1 => day()])
}

/// What one day of one site is, reckoned from what was pushed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Reckoned {
    expected: bool,
    reported: bool,
    late: bool,
    unexpected: bool,
    why: Option<Reason>,
}

/// Whether anything counts or waits on a day, whether it is closed, and when the first of it came.
fn heard(book: &Book, (site, day): (usize, usize), as_of: Option<Day>) -> (bool, bool, Option<Day>) {
    let known = |on: Day| as_of.is_none_or(|as_of| on <= as_of);
    let mut hub_days = BTreeSet::<Day>::new();
    let taps: Vec<&Vec<Line>> =
        book.taps.iter().filter(|((s, d, _), _)| (*s, *d) == (site, day)).map(|(_, lines)| lines).collect();
    hub_days.extend(taps.iter().flat_map(|lines| lines.iter()).map(|line| line.hub_day));
    let closings = book.closings.get(&(site, day)).map_or(&[][..], Vec::as_slice);
    hub_days.extend(closings.iter().map(|(on, _)| *on));
    // Each cell as it stood at the end of a day of the hub.
    let cells = |end: Day| {
        let mut cells = BTreeMap::<_, [i64; 2]>::new();
        for lines in &taps {
            let Some(line) = lines.iter().rfind(|line| line.hub_day <= end) else { continue };
            if line.place != Placed::Nowhere {
                let sums = cells.entry((line.code, line.place)).or_default();
                *sums = [sums[0] + line.people, sums[1] + line.requests];
            }
        }
        cells
    };
    let closed = |end: Day| closings.iter().rfind(|(on, _)| *on <= end).is_some_and(|(_, closed)| *closed);
    let (mut before, mut was_closed, mut first) = (BTreeMap::new(), false, None);
    for on in hub_days.into_iter().filter(|on| known(*on)) {
        let (after, is_closed) = (cells(on), closed(on));
        let rises = after.iter().any(|(cell, sums)| {
            let then: &[i64; 2] = before.get(cell).unwrap_or(&[0, 0]);
            sums[0] > then[0] || sums[1] > then[1]
        });
        // What left a cell below zero rises too, for the table of differences.
        let gone = before.iter().any(|(cell, then)| !after.contains_key(cell) && (then[0] < 0 || then[1] < 0));
        first = first.or((rises || gone || (is_closed && !was_closed)).then_some(on));
        (before, was_closed) = (after, is_closed);
    }
    (before.values().any(|sums| sums[0] > 0 || sums[1] > 0), was_closed, first)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_question_is_as_complete_as_a_naive_reckoning_says(
        events in prop::collection::vec(event(), 1..60),
        questions in prop::collection::vec(question(), 8),
        schedules in [0..SCHEDULES.len(), 0..SCHEDULES.len(), 0..SCHEDULES.len()],
        begins in [begins(), begins(), begins()],
        late_days in 0..70_u8,
        by in subsequence(keys(&Key::ALL), 0..4).prop_shuffle(),
    ) {
        let mut played = Played::new();
        let read = SITES.into_iter().zip(schedules).map(|(site, n)| (id(site), facts(SCHEDULES[n])));
        let pages = Pages::of_all(read, Rules { late_days, ..Rules::default() });
        for (n, event) in events.iter().enumerate() {
            played.play(n, event);
            // What is kept is brought up step by step, as between the questions of a day.
            pages.known().at(played.store.connection()).unwrap();
        }
        for (site, (joined, set)) in SITES.into_iter().zip(begins) {
            played.store.write(|conn, _| {
                for (n, day) in joined.into_iter().enumerate() {
                    let day = day.parse::<Day>().unwrap().number();
                    let sql = "INSERT INTO device (id, fingerprint, site, standing, enrolled_day)
                               VALUES (?1, ?1, ?2, 'revoked', ?3), (?1 || 'x', ?1 || 'x', ?2, 'active', ?3 + 2)";
                    conn.execute(sql, (format!("{site}{n}").into_bytes(), site, day)).unwrap();
                }
                if let Some(day) = set {
                    crate::store::site_facts::set(conn, &id(site), "reports_from", Day::FIRST, day)?;
                }
                Ok::<_, crate::store::StoreError>(())
            }).unwrap();
        }
        let conn = played.store.connection();
        let report = check::look::<crate::store::StoreError>(conn, &mut |_, _| Ok(())).unwrap();
        prop_assert_eq!((report.registry, report.differences), (vec![], vec![]));
        // In the morning of a day of the hub on which most of it is received.
        let now: Timestamp = "2026-03-16T07:00:00Z".parse().unwrap();
        // The naive reckoning goes day by day: not from the beginning of the calendar.
        let first = "2025-12-01".parse::<Day>().unwrap();
        let asked = |query: Query| Query { by: by.clone(), from: query.from.max(first), ..query };
        for query in questions.into_iter().map(asked) {
            let today = query.as_of.map_or(hub_day(15), |as_of| as_of.min(hub_day(15)));
            let mut days = BTreeMap::new();
            for (s, site) in SITES.into_iter().enumerate() {
                let of_site = sites::find(conn, &id(site)).unwrap().unwrap().0;
                let (joined, set) = begins[s];
                let begins = set.or(joined).map(|day| day.parse::<Day>().unwrap());
                let mut day = query.from;
                while day <= query.to && day < today {
                    let d = DAYS.iter().position(|known| *known == day.to_string());
                    let (visited, closed, first) = d.map_or((false, false, None), |d| heard(&played.book, (s, d), query.as_of));
                    let plan = pages.plan(&of_site, day).unwrap();
                    let mut found = Reckoned::default();
                    match begins {
                        None => found.why = Some(Reason::NeverEnrolled),
                        Some(begins) if day < begins => found.why = Some(Reason::BeforeReportsFrom),
                        Some(_) => match (plan.opens(), plan.state) {
                            (Some(true), _) => found.expected = true,
                            (Some(false), _) => found.unexpected = visited,
                            (None, DayState::Conflict) if plan.agreed(DayPlan::opens).is_none() => found.why = Some(Reason::Conflict),
                            (None, _) => found.why = Some(Reason::NoHours),
                        },
                    }
                    found.reported = found.expected && (visited || closed);
                    let lag = first.map_or(0, |first| first.number() - day.number());
                    found.late = found.reported && lag > i32::from(late_days);
                    days.insert((s, day), found);
                    day = day.plus_days(1);
                }
            }
            let (mut total, mut rows) = (Tally::default(), BTreeMap::<Vec<String>, Tally>::new());
            let (mut missing, mut idle) = (BTreeMap::<&str, u32>::new(), BTreeMap::<(Reason, &str), u32>::new());
            let mut idle_rows = BTreeMap::<Vec<String>, Vec<usize>>::new();
            for ((s, day), found) in &days {
                let [house, department, region, bearer] = place(conn, SITES[*s], *day);
                let Filters { sites, departments, regions, bearers, .. } = &query.filters;
                let together = query.antennas == Antennas::Together;
                let has = |list: &[String], value: &String| list.is_empty() || list.contains(value);
                let let_through = (sites.is_empty() || sites.contains(&id(SITES[*s])) || (together && sites.contains(&id(&house))))
                    && has(departments, &department) && has(regions, &region) && has(bearers, &bearer);
                if !let_through {
                    continue;
                }
                let shown = if together && (sites.is_empty() || sites.contains(&id(&house))) { house.as_str() } else { SITES[*s] };
                let date = day.date();
                let key: Vec<String> = query.by.iter().map(|key| match key {
                    Key::Day => day.to_string(),
                    Key::Month => day.to_string()[..7].to_owned(),
                    Key::Quarter => format!("{}-Q{}", date.year(), (date.month() + 2) / 3),
                    Key::Year => date.year().to_string(),
                    Key::Site => shown.to_owned(),
                    Key::Department => department.clone(),
                    Key::Region => region.clone(),
                    Key::Bearer => bearer.clone(),
                    Key::Operator | Key::Help | Key::Age => unreachable!(),
                }).collect();
                let one = Tally {
                    expected: found.expected.into(), reported: found.reported.into(), late: found.late.into(),
                    unexpected: found.unexpected.into(), not_expected: 0,
                };
                total.add(&one);
                if one != Tally::default() {
                    rows.entry(key.clone()).or_default().add(&one);
                }
                *missing.entry(SITES[*s]).or_default() += u32::from(found.expected && !found.reported);
                if let Some(why) = found.why {
                    *idle.entry((why, SITES[*s])).or_default() += 1;
                    let of_row = idle_rows.entry(key.clone()).or_default();
                    if !of_row.contains(s) {
                        of_row.push(*s);
                        rows.entry(key).or_default().not_expected += 1;
                    }
                }
            }
            total.not_expected = u32::try_from(SITES.iter().filter(|site| idle.keys().any(|(_, s)| s == *site)).count()).unwrap();
            rows.retain(|key, _| !key.is_empty());
            missing.retain(|_, count| *count > 0);
            let found = answer(conn, &pages, &query, now, Rows::All).unwrap();
            prop_assert_eq!(found.total, total, "{:?}", query);
            prop_assert_eq!(&found.rows, &rows, "{:?}", query);
            prop_assert!(found.total.rate().is_none_or(|rate| (0.0..=1.0).contains(&rate)));
            let told: BTreeMap<_, _> = found.missing.iter().map(|named| (named.site.as_str(), named.count)).collect();
            prop_assert_eq!(told, missing, "{:?}", query);
            let told: BTreeMap<_, _> =
                found.not_expected.iter().map(|(why, named)| ((*why, named.site.as_str()), named.count)).collect();
            prop_assert_eq!(told, idle, "{:?}", query);
            // Every missing day lies in a stretch, and no reported one does.
            for ((s, day), found_day) in &days {
                let stretches = found.missing.iter().find(|named| named.site == SITES[*s]).map(|named| &named.days);
                let inside = stretches.is_some_and(|days| days.iter().any(|(from, to)| (*from..=*to).contains(day)));
                if query.filters == Filters::default() {
                    prop_assert!(!found_day.reported || !inside, "{} {}", SITES[*s], day);
                    prop_assert!(!found_day.expected || found_day.reported || inside, "{} {}", SITES[*s], day);
                }
            }
            // Only the rows that were asked for.
            let some: BTreeSet<_> = rows.keys().step_by(2).cloned().collect();
            let partly = answer(conn, &pages, &query, now, Rows::Of(some.clone())).unwrap();
            rows.retain(|key, _| some.contains(key));
            prop_assert_eq!(partly.rows, rows);
        }
    }
}
