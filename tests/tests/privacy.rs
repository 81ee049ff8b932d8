//! Claims about what leaves the hub with small figures hidden: an attacker who reads every table of
//! every period finds none, and finds them where the hub makes a mistake.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use msap_hub::privacy::table::{self, TABLES, Table};
use msap_hub::privacy::{Period, VISITS};
use msap_hub::query::{Key as By, Query};
use msap_hub::sheet::Table as _;
use msap_hub::site::department_regions;
use msap_hub::store::releases;
use msap_shared::time::Day;
use msap_tests::generator::{Chance, Model, Period as Span, SiteList};
use rusqlite::Connection;

use self::attacker::{Attacker, Key};
use self::network::{Counted, Fault, RULES, count, day, hidden, hub, month, release};

mod attacker;
mod network;

/// Two regions with several departments, and one with a single one.
const DEPARTMENTS: [&str; 7] = ["49", "44", "72", "61", "14", "50", "2A"];

fn places() -> BTreeMap<String, String> {
    let regions = department_regions().map(|(code, region)| (format!("department:{code}"), format!("region:{region}")));
    let mut places: BTreeMap<_, _> = regions.collect();
    places.insert("department:other".to_owned(), "region:other".to_owned());
    let above: BTreeSet<_> = places.values().cloned().collect();
    places.extend(above.into_iter().map(|region| (region, "nation".to_owned())));
    places
}

/// Reads all that anybody may read.
fn reader(conn: &Connection) -> Result<Attacker> {
    let mut attacker = Attacker::default();
    for (period, _) in releases::periods(conn, VISITS)? {
        for table in &TABLES {
            let told = table::public(conn, table, period)?.context("a released table")?;
            attacker.read(&told.object(), ["visits", "requests"]);
        }
    }
    attacker.conclude(&places());
    Ok(attacker)
}

/// What an attacker finds, by each of its means.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    small: usize,
    contradictions: usize,
    by_bounds: Vec<Key>,
    by_sums: Vec<Key>,
    by_program: Vec<Key>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Attacks every hidden cell by bounds and sums, and up to `programs` of them by linear programs.
fn attack(attacker: &Attacker, targets: &[(Key, i64)], programs: usize) -> Found {
    let small = attacker.small(RULES.min_cell);
    let mut found = Found { small, contradictions: attacker.contradictions(), ..Found::default() };
    if found.contradictions > 0 {
        return found;
    }
    let determined = attacker.determined();
    for (key, span) in targets {
        let Some((low, high)) = attacker.bounds(key) else { continue };
        if high - low < *span {
            found.by_bounds.push(key.clone());
        }
        if determined.contains(key) {
            found.by_sums.push(key.clone());
        }
    }
    let every = targets.len().div_ceil(programs.max(1)).max(1);
    for (key, span) in targets.iter().step_by(every).take(programs) {
        let Some((low, high)) = attacker.range(key) else { continue };
        if high - low < *span as f64 - 1e-6 {
            found.by_program.push(key.clone());
        }
    }
    found
}

fn targets(conn: &Connection, kinds: [(&str, &'static str); 2]) -> Result<Vec<(Key, i64)>> {
    let mut all = Vec::new();
    for (kind, measure) in kinds {
        let cells = hidden(conn, kind)?.into_iter();
        all.extend(cells.map(|(period, place, one, two, span)| ((measure, period.to_string(), place, one, two), span)));
    }
    Ok(all)
}

const PUBLIC: [(&str, &str); 2] = [("visits", "visits"), ("requests", "requests")];

/// A year of a small network, with some visits that come late.
fn year(seed: u64, fault: Fault) -> Result<Connection> {
    let (conn, mut chance) = (hub(), Chance::new(seed, "privacy"));
    for number in 1..=12 {
        count(&conn, number, &month(&DEPARTMENTS, &mut chance))?;
        let due: Period = format!("2025-{number:02}").parse()?;
        release(&conn, RULES.due(due).context("a day")?, fault)?;
        // Machines that were offline for weeks.
        let late: Vec<Counted> = month(&DEPARTMENTS[..3], &mut chance).into_iter().take(7).collect();
        count(&conn, number, &late)?;
    }
    Ok(conn)
}

#[test]
fn nobody_finds_a_hidden_figure_in_a_year_of_small_departments() -> Result<()> {
    for seed in 1..=3 {
        let conn = year(seed, Fault::None)?;
        let targets = targets(&conn, PUBLIC)?;
        assert_eq!(releases::periods(&conn, VISITS)?.len(), 17);
        assert!(targets.len() > 500, "{}", targets.len());
        let found = attack(&reader(&conn)?, &targets, 40);
        assert!(found.is_nothing(), "seed {seed}: {found:?}");
    }
    Ok(())
}

#[test]
fn small_cells_hidden_alone_are_found() -> Result<()> {
    let conn = year(1, Fault::Alone)?;
    let found = attack(&reader(&conn)?, &targets(&conn, PUBLIC)?, 0);
    assert!(!found.by_sums.is_empty() || !found.by_bounds.is_empty(), "{found:?}");
    Ok(())
}

#[test]
fn cells_whose_sums_above_are_forgotten_are_found() -> Result<()> {
    let conn = year(1, Fault::NoTree)?;
    let found = attack(&reader(&conn)?, &targets(&conn, PUBLIC)?, 0);
    assert!(!found.by_sums.is_empty() || !found.by_bounds.is_empty(), "{found:?}");
    Ok(())
}

#[test]
fn a_bound_that_is_rounded_is_found() -> Result<()> {
    assert!(reader(&year(1, Fault::RoundBound)?)?.small(RULES.min_cell) > 0);
    assert_eq!(reader(&year(1, Fault::None)?)?.small(RULES.min_cell), 0);
    Ok(())
}

#[test]
fn sums_that_are_made_anew_tell_what_came_late() -> Result<()> {
    assert!(reader(&year(1, Fault::Unfrozen)?)?.contradictions() > 0);
    Ok(())
}

#[test]
fn a_partner_finds_no_age_of_its_own_requests() -> Result<()> {
    let conn = year(2, Fault::None)?;
    for operator in ["CNAF", "JUSTICE"] {
        let kind = format!("ages:{operator}");
        let mut attacker = Attacker::default();
        for (period, _) in releases::periods(&conn, &kind)? {
            let (from, to) = (period.from().context("a day")?, period.to().context("a day")?);
            for by in [vec![By::Age], vec![By::Region, By::Age], vec![By::Department, By::Age]] {
                let mut query = Query { by, ..Query::of(from, to) };
                query.filters.operators = vec![operator.parse()?];
                let (table, period) = Table::owed(&query).context("a table of ages")?;
                let told = table::owed(&conn, &operator.parse()?, table, period)?.context("a released table")?;
                attacker.read(&told.object(), ["-", "ages"]);
            }
            // How many requests it had, it knows.
            let (release, _) = releases::find(&conn, &kind, period)?.context("a release")?;
            for cell in release.cells.into_iter().filter(|cell| cell.one.is_empty()) {
                attacker.know(("ages", period.to_string(), cell.place, cell.one, cell.two), cell.value);
            }
        }
        attacker.conclude(&places());
        let targets = targets(&conn, [(&*kind, "ages"), ("", "")])?;
        assert!(targets.len() > 100, "{}", targets.len());
        // Totals are shown however small: they are its own.
        let found = Found { small: 0, ..attack(&attacker, &targets, 40) };
        assert!(found.is_nothing(), "{operator}: {found:?}");
    }
    Ok(())
}

/// The figures of days, as a hub would tell them that took any window for a period.
fn any_window(query: &Query) -> bool {
    Table::of(&Query { from: query.from.month().first_day(), to: query.from.month().last_day(), ..query.clone() })
        .is_some()
}

/// The pairs of windows, a day apart, of which both would be answered.
fn shifted(answers: impl Fn(&Query) -> bool) -> usize {
    let days = |from: Day| std::iter::successors(Some(from), |day| Some(day.plus_days(1))).take(366);
    let pairs = days(day("2025-01-01"))
        .flat_map(|from| [27, 28, 29, 30, 89, 90, 91, 364].map(|len| (from, from.plus_days(len))));
    let both = pairs.filter(|(from, to)| {
        let by = vec![By::Department];
        let asked = |from: Day, to: Day| answers(&Query { by: by.clone(), ..Query::of(from, to) });
        let beside = [(from.plus_days(1), *to), (*from, to.plus_days(1)), (from.plus_days(1), to.plus_days(1))];
        asked(*from, *to) && beside.into_iter().any(|(from, to)| asked(from, to))
    });
    both.count()
}

#[test]
fn no_two_windows_that_differ_by_a_day_are_answered() {
    assert_eq!(shifted(|query| Table::of(query).is_some()), 0);
    assert!(shifted(any_window) > 0);
}

#[test]
fn nobody_finds_a_hidden_figure_in_the_real_network() -> Result<()> {
    let (conn, list, model) = (hub(), SiteList::load()?, Model::load()?);
    for number in 1..=3_u8 {
        let first = day(&format!("2025-{number:02}-01"));
        let last = first.month().last_day();
        for (place, id) in list.ids().enumerate() {
            let people = [4, 15, 40, 90][place % 4];
            let mut counted: Vec<Counted> = Vec::new();
            let department = list.department(id)?;
            for (_, taps) in model.visits(&list.site(id)?, Span { from: first, to: last, people }, 7) {
                for tap in taps {
                    let visit = if tap.same_visit { 0 } else { i64::from(tap.people) };
                    let (operator, help, age) = (tap.operator.to_string(), tap.help.to_string(), tap.age.to_string());
                    counted.push((department.clone(), operator, help, age, visit, tap.people.into()));
                }
            }
            count(&conn, number, &counted)?;
        }
    }
    release(&conn, day("2025-04-20"), Fault::None)?;
    assert_eq!(releases::periods(&conn, VISITS)?.len(), 4);
    let targets = targets(&conn, PUBLIC)?;
    assert!(targets.len() > 100, "{}", targets.len());
    let found = attack(&reader(&conn)?, &targets, 10);
    assert!(found.is_nothing(), "{found:?}");
    Ok(())
}
