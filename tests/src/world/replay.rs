//! The real changes of hours of two years, decided again by two sides that are apart.
//!
//! Each house has the hours of the national list of 2022, at the hub and on its machine. Its line
//! is cut, and what the list of 2024 says otherwise is decided anew, day by day: one half at the
//! house, the other by a coordinator at the hub; some days by both, alike or differently. Then they
//! meet. Nothing may be lost or hidden: what both sides keep, list and plan is compared with what
//! was said. Both run the programs' own cores over their own stores; the line between is in memory.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::document::register::{Author, Edits, Stamp};
use msap_shared::document::schedule::Place;
use msap_shared::io::hours;
use msap_shared::schedule::Schedule;
use msap_shared::schedule::edit::{self, Rule};
use msap_shared::time::Day;

use self::check::Expected;
use self::pair::Pair;
use super::seen;

mod check;
mod pair;

/// One planted fault, to see that the replay notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Of two values set apart the hub keeps one.
    HubKeepsOneOfTwo,
    /// The house's list of conflicts leaves one out.
    HouseHidesOne,
    /// Edits are lost on their way to the house.
    LostOnTheWay,
}

seen!(
    sites,
    days_by_house,
    days_by_hub,
    sites_changed_by_both,
    days_contradicted,
    days_alike,
    values_replaced,
    settled,
    settled_differently,
    left
);

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    House,
    Hub,
}

/// What one side sets, one after the other: the last one stands there.
type Decisions = BTreeMap<Side, Vec<Edits>>;

/// One house of both lists.
struct Row {
    site: String,
    department: String,
    before: Vec<Rule>,
    after: Vec<Rule>,
    minutes_after: Option<u32>,
    days_changed: usize,
}

/// Houses of one hub: the whole network at one would only take longer.
const HOUSES_PER_HUB: usize = 250;
const CHANGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/schedule_changes_2022_2024.csv");

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn rows() -> Vec<Row> {
    let rules = |text: &str| match text {
        "" => Vec::new(),
        text => hours::read(text).expect("a text of the file reads").rules,
    };
    let rows = csv::Reader::from_path(CHANGES).expect("the file is there").into_records();
    let row = |row: csv::StringRecord| Row {
        site: row[0].to_owned(),
        department: row[1].to_owned(),
        before: rules(&row[2]),
        after: rules(&row[3]),
        // A week without hours has no minutes, not none.
        minutes_after: row[5].parse().ok().filter(|minutes| *minutes > 0),
        days_changed: row[6].parse().expect("a number of days"),
    };
    rows.map(|record| row(record.expect("a row"))).collect()
}

/// Replays the first so many rows, on all cores.
///
/// # Errors
/// The first broken promise.
pub fn replay(count: usize, fault: Option<Fault>) -> Result<Seen, String> {
    let rows: Vec<Row> = rows().into_iter().take(count).collect();
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let part = |worker: usize| {
        let parts = rows.chunks(HOUSES_PER_HUB).skip(worker).step_by(workers);
        parts.map(|rows| network(rows, fault)).collect::<Result<Vec<Seen>, String>>()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..workers).map(|worker| scope.spawn(move || part(worker))).collect();
        let mut all = Seen::default();
        for part in parts {
            for seen in part.join().map_err(|_| "panicked".to_owned())?? {
                all.add(&seen);
            }
        }
        Ok(all)
    })
}

/// Some houses and their hub.
fn network(rows: &[Row], fault: Option<Fault>) -> Result<Seen, String> {
    let mut pair = Pair::new(fault, rows.iter().map(|row| (&*row.site, &*row.department)));
    let mut seen = Seen::default();
    let mut listed = BTreeSet::new();
    for row in rows {
        let left = house(&mut pair, row, &mut seen).map_err(|why| format!("site {}: {why}", row.site))?;
        listed.extend(left.into_iter().map(|id| format!("{}.{id}", row.site)));
    }
    // The whole list at the hub is what the houses list, and nothing else.
    let at_hub = pair.listed_at_the_hub();
    match listed.symmetric_difference(&at_hub).next() {
        Some(id) => Err(format!("conflict {id} is listed at one side only")),
        None => Ok(seen),
    }
}

/// One house: apart, together, and settled. Which conflicts it lists in the end.
fn house(pair: &mut Pair, row: &Row, seen: &mut Seen) -> Result<Vec<String>, String> {
    let (then, now) = (day("2022-12-01"), day("2024-08-01"));
    let at = |author, day| Stamp { author, day };
    let change = |held: &Schedule, stamp: &Stamp, rules: &[Rule]| {
        edit::set_hours(held, stamp, stamp.day, &Place::Site, rules).map_err(|error| error.to_string())
    };
    let before = change(&Schedule::default(), &at(Author::List, then), &row.before)?;
    let held = schedule(&before);
    let real = change(&held, &at(Author::List, now), &row.after)?;
    if real.len() != row.days_changed {
        return Err(format!("{} days are known to have changed: {real:?}", row.days_changed));
    }

    pair.begin(&row.site)?;
    pair.edit_at_the_hub(&before)?;
    pair.meet()?;
    pair.part()?;
    let house = at(pair.house_author(), now);
    let hub = at(Author::Department(row.department.as_str().into()), now);
    let (decisions, contradicted) = shared_out(&held, &real, (&house, &hub), seen);
    let mut expected = Expected::new(&before, schedule(&[before.clone(), real].concat()), row.minutes_after);
    for (side, edits) in &decisions {
        for edit in edits {
            let saw = pair.standing(*side);
            expected.said(edit, &saw);
            match side {
                Side::House => pair.edit_at_the_house(edit)?,
                Side::Hub => pair.edit_at_the_hub(edit)?,
            }
        }
    }
    seen.sites += 1;
    let decides = |side| decisions.get(&side).is_some_and(|edits| !edits.is_empty());
    seen.sites_changed_by_both += u64::from(!row_is_same(row) && decides(Side::House) && decides(Side::Hub));
    pair.meet()?;
    if expected.contradicted() != contradicted {
        return Err(format!("{contradicted:?} were to be contradicted"));
    }
    expected.check(pair)?;
    settle(pair, &mut expected, seen)?;
    pair.part()?;
    Ok(expected.ids())
}

fn row_is_same(row: &Row) -> bool {
    row.days_changed == 0
}

fn schedule(edits: &[(String, String)]) -> Schedule {
    Schedule::read(&edits.iter().map(|(key, value)| (key.clone(), vec![value.clone()])).collect())
}

/// Who decides what, by the number of the day in the whole file; and which keys are contradicted.
fn shared_out(
    held: &Schedule,
    real: &[(String, String)],
    (house, hub): (&Stamp, &Stamp),
    seen: &mut Seen,
) -> (Decisions, BTreeSet<String>) {
    let mut contradicted = BTreeSet::new();
    let mut first: BTreeMap<Side, Edits> = BTreeMap::new();
    let mut last: BTreeMap<Side, Edits> = BTreeMap::new();
    let stamp = |side| if side == Side::House { house } else { hub };
    for (key, value) in real {
        let body = body_of(value);
        let n = seen.days_by_house + seen.days_by_hub;
        let (side, other) = match n % 2 {
            0 => (Side::House, Side::Hub),
            _ => (Side::Hub, Side::House),
        };
        *(if side == Side::House { &mut seen.days_by_house } else { &mut seen.days_by_hub }) += 1;
        let decide = |edits: &mut BTreeMap<Side, Edits>, side, body: &str| {
            edits.entry(side).or_default().push((key.clone(), stamp(side).write(body)));
        };
        decide(&mut last, side, body);
        match n % 8 {
            2 | 5 => {
                decide(&mut last, other, otherwise(held, key, body));
                contradicted.insert(key.clone());
                seen.days_contradicted += 1;
            }
            3 => {
                decide(&mut last, other, body);
                seen.days_alike += 1;
            }
            // Whoever decides has said something else before.
            6 | 7 => {
                decide(&mut first, side, otherwise(held, key, body));
                seen.values_replaced += 1;
            }
            _ => {}
        }
    }
    if real.is_empty() {
        // Nothing has changed, and both sides say so.
        for side in [Side::House, Side::Hub] {
            last.insert(side, edit::confirm(stamp(side)).expect("a confirmation has no field"));
        }
    }
    let mut decisions = Decisions::new();
    for (side, edits) in first.into_iter().chain(last) {
        decisions.entry(side).or_default().push(edits);
    }
    (decisions, contradicted)
}

/// Hours that are neither these nor those of before.
fn otherwise(held: &Schedule, key: &str, body: &str) -> &'static str {
    let weekday = key.split('|').nth(3).expect("a key of hours");
    let before = held.hours_on(day("2024-08-01")).find(|(.., on, _)| on.is_some_and(|on| on.as_str() == weekday));
    let before = before.and_then(|(.., said)| Some(said.agreed()?.body.as_ref()?.to_string()));
    let candidates = ["10:00-12:00", "14:00-17:00", "10:00-12:30"];
    let differs = |other: &&str| *other != body && before.as_deref() != Some(*other);
    candidates.into_iter().find(differs).expect("of three, two at most are taken")
}

fn body_of(value: &str) -> &str {
    value.splitn(3, '|').nth(2).expect("author, day, body")
}

/// What is contradicted is settled, apart: by the house, by the hub, by both and differently, or by
/// nobody, in turn.
fn settle(pair: &mut Pair, expected: &mut Expected, seen: &mut Seen) -> Result<(), String> {
    for id in expected.ids() {
        let turn = (seen.settled + seen.settled_differently + seen.left) % 4;
        pair.part()?;
        if let 0 | 2 = turn {
            let saw = pair.standing(Side::House);
            expected.said(&pair.settle_at_the_house(&id, 1)?, &saw);
        }
        if let 1 | 2 = turn {
            let saw = pair.standing(Side::Hub);
            expected.said(&pair.settle_at_the_hub(&id, 2)?, &saw);
        }
        pair.meet()?;
        *(match turn {
            0 | 1 => &mut seen.settled,
            2 => &mut seen.settled_differently,
            _ => &mut seen.left,
        }) += 1;
        expected.check(pair)?;
    }
    Ok(())
}
