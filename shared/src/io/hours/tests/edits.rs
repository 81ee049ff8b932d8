//! Real changes of hours, as edits: the national list of December 2022 and that of August 2024.

use super::{day, schedule, stamp};
use crate::document::register::{Author, Stamp};
use crate::document::schedule::Place;
use crate::io::hours::read;
use crate::schedule::{Schedule, edit, weekly_minutes};

#[test]
fn real_changes_of_hours_are_few_facts_and_give_the_published_minutes() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/schedule_changes_2022_2024.csv");
    let (then, now) = (day("2022-12-01"), day("2024-08-01"));
    let (mut sites, mut changed, mut unread) = (0, 0, 0);
    let (mut first, mut second) = ((0, 0), (0, 0));
    for row in csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap) {
        let minutes = |column: usize| row[column].parse::<u32>().ok();
        // A site of which one of the lists says no hours: unknown, not shut.
        if row[2].is_empty() || row[3].is_empty() {
            unread += 1;
            continue;
        }
        let rules = |text: &str| read(text).unwrap_or_else(|error| panic!("site {}: {error}", &row[0])).rules;
        let at = |day| Stamp { author: Author::List, day };
        let before = edit::set_hours(&Schedule::default(), &at(then), then, &Place::Site, &rules(&row[2])).unwrap();
        let held = schedule(before.clone());
        let after = edit::set_hours(&held, &at(now), now, &Place::Site, &rules(&row[3])).unwrap();
        let both: Vec<_> = before.iter().chain(&after).cloned().collect();
        let told = schedule(both);
        // What was valid before stays readable.
        assert_eq!(weekly_minutes(&told, now.plus_days(-1)), minutes(4), "site {}", &row[0]);
        assert_eq!(weekly_minutes(&told, now), minutes(5), "site {}", &row[0]);
        let days: usize = row[6].parse().unwrap();
        assert_eq!(after.len(), days, "site {}: {after:?}", &row[0]);
        let size = |edits: &[(String, String)]| edits.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        first = (first.0 + before.len(), first.1 + size(&before));
        second = (second.0 + after.len(), second.1 + size(&after));
        changed += usize::from(!after.is_empty());
        sites += 1;
        // Once more changes nothing.
        assert_eq!(edit::set_hours(&told, &stamp(), now, &Place::Site, &rules(&row[3])).unwrap(), []);
    }
    println!(
        "{sites} sites ({unread} without hours in one list): {} facts, {} bytes; {changed} changed: {} facts, {} bytes",
        first.0, first.1, second.0, second.1
    );
    assert!(sites > 2_000);
}
