//! Real changes of hours, decided by a house and a coordinator that are apart.

use msap_tests::world::replay::{Fault, Seen, replay};

/// Houses among which a planted fault must show.
const HOUSES_PER_FAULT: usize = 100;

#[test]
fn real_changes_made_apart_all_stand_and_contradictions_are_listed_and_planned_at_both_sides() {
    let seen = replay(usize::MAX, None).unwrap_or_else(|why| panic!("{why}"));
    let Seen { sites, days_by_house, days_by_hub, sites_changed_by_both, days_contradicted, .. } = seen;
    assert_eq!((sites, seen.never()), (2_481, Vec::new()), "{seen:?}");
    assert!(days_by_house.abs_diff(days_by_hub) <= 10 && days_by_house > 2_000, "half at each side: {seen:?}");
    assert!(sites_changed_by_both > 900 && days_contradicted > 1_000, "{seen:?}");
    assert!(seen.days_alike > 500 && seen.values_replaced > 1_000, "{seen:?}");
    let Seen { settled, settled_differently, left, .. } = seen;
    assert!(settled > 500 && settled_differently > 250 && left > 250, "{seen:?}");
}

fn shows(fault: Fault) {
    if let Ok(seen) = replay(HOUSES_PER_FAULT, Some(fault)) {
        panic!("{fault:?} did not show: {seen:?}");
    }
}

#[test]
fn a_hub_that_keeps_one_of_two_values_shows() {
    shows(Fault::HubKeepsOneOfTwo);
}

#[test]
fn a_house_that_hides_a_conflict_shows() {
    shows(Fault::HouseHidesOne);
}

#[test]
fn edits_lost_on_the_way_show() {
    shows(Fault::LostOnTheWay);
}
