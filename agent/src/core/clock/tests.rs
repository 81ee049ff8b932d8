//! When the clock is believed, and when a person is asked.

use super::*;

const HOUR_MS: u64 = 3_600_000;

fn zone() -> SiteZone {
    "Europe/Paris".parse().unwrap()
}

fn at(wall: &str, monotonic_ms: u64) -> Now {
    Now { wall: wall.parse().unwrap(), monotonic_ms }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn seen(wall: &str) -> Clock {
    Clock { seen_ms: Some(wall.parse::<Timestamp>().unwrap().as_millisecond()), ..Clock::default() }
}

/// So many days ahead of the hub's, as last measured when it showed this.
fn was_off(days: i64, shown: &str) -> Clock {
    let shown = shown.parse::<Timestamp>().unwrap().as_millisecond();
    Clock { measured_ms: Some((days * 86_400_000, shown)), ..Clock::default() }
}

fn doubted(clock: &mut Clock, now: Now) -> bool {
    clock.today(&zone(), now).is_asked()
}

#[test]
fn a_clock_behind_what_was_seen_is_doubted_and_a_small_setting_right_is_not() {
    for (wall, asked) in [
        ("1970-01-01T00:00:10Z", true),
        ("2026-11-19T10:00:00Z", true),
        // Back over midnight by a few minutes, or within the day.
        ("2026-11-19T22:58:00Z", false),
        ("2026-11-20T00:10:00Z", false),
        ("2026-11-20T10:00:00Z", false),
        // Off for years: nothing tells.
        ("2031-01-01T10:00:00Z", false),
    ] {
        let mut clock = seen("2026-11-19T23:05:00Z");
        assert_eq!(doubted(&mut clock, at(wall, 0)), asked, "{wall}");
    }
    assert!(!doubted(&mut Clock::default(), at("1970-01-01T00:00:10Z", 0)), "nothing was seen yet");
}

#[test]
fn a_jump_to_another_day_is_doubted_and_sleep_is_none() {
    let mut clock = Clock::default();
    assert!(!doubted(&mut clock, at("2026-11-20T10:00:00Z", 0)));
    assert!(doubted(&mut clock, at("2031-01-01T10:00:00Z", HOUR_MS)));
    let likely = clock.today(&zone(), at("2031-01-01T10:00:00Z", HOUR_MS)).doubt.unwrap().likely;
    assert_eq!(likely, Some(day("2026-11-20")));
    assert!(doubted(&mut clock, at("1970-01-01T10:00:00Z", HOUR_MS)));
    assert!(!doubted(&mut clock, at("2026-11-20T11:00:00Z", HOUR_MS)), "it agrees again");
    // Asleep over a holiday of three weeks.
    clock.note_sleep(21 * 24 * HOUR_MS);
    assert!(!doubted(&mut clock, at("2026-12-11T11:00:00Z", HOUR_MS)));
    // Put forward by an hour at night, as where two systems share a PC.
    assert!(!doubted(&mut clock, at("2026-12-11T12:00:00Z", HOUR_MS)));
}

#[test]
fn a_clock_a_day_away_from_the_hubs_is_doubted_also_after_a_restart() {
    let now = at("2026-11-25T10:00:00Z", 0);
    let mut clock = Clock::default();
    clock.measured(5 * 86_400_000, now);
    let doubt = clock.today(&zone(), now).doubt.unwrap();
    assert_eq!(doubt, Doubt { shown: day("2026-11-25"), likely: Some(day("2026-11-20")) });
    let mut again = was_off(5, "2026-11-25T09:00:00Z");
    assert_eq!(again.today(&zone(), now).doubt, Some(doubt));
    // Whoever set it right meanwhile is not asked, nor one that had been behind.
    assert!(!doubted(&mut was_off(5, "2026-11-25T09:00:00Z"), at("2026-11-20T10:00:00Z", 0)));
    assert!(!doubted(&mut was_off(-5, "2026-11-15T09:00:00Z"), at("2026-11-20T10:00:00Z", 0)));
    assert!(doubted(&mut was_off(-5, "2026-11-15T09:00:00Z"), at("2026-11-15T10:00:00Z", 0)));
    assert!(doubted(&mut was_off(5, "2026-11-25T09:00:00Z"), at("1970-01-01T10:00:00Z", 0)));
    again.measured(-40_000, now);
    assert!(!doubted(&mut again, now));
    // Hours away, as a wrong time zone makes it, is the agent's to show and not to ask about.
    again.measured(8 * HOUR_MS as i64, now);
    assert!(!doubted(&mut again, now));
}

#[test]
fn a_measurement_ends_the_doubt_that_a_clock_once_ahead_had_sown() {
    let now = at("2026-11-20T10:00:00Z", 0);
    let mut clock = seen("2031-01-01T10:00:00Z");
    assert!(doubted(&mut clock, now));
    clock.measured(200, now);
    assert!(!doubted(&mut clock, now));
}

#[test]
fn the_day_that_a_person_gives_holds_for_a_working_day_or_until_the_clock_agrees() {
    let mut clock = seen("2026-11-19T10:00:00Z");
    let now = at("1970-01-01T00:00:10Z", 0);
    assert_eq!(clock.today(&zone(), now).day, day("2000-01-01"));
    clock.give(day("2026-11-20"), &zone(), now).unwrap();
    let today = clock.today(&zone(), now);
    assert_eq!((today.day, today.given, today.is_asked()), (day("2026-11-20"), true, false));
    assert!(doubted(&mut clock, at("1970-01-01T12:00:10Z", 12 * HOUR_MS)), "the next morning");
    clock.give(day("2026-11-20"), &zone(), now).unwrap();
    assert_eq!(clock.today(&zone(), at("2026-11-20T10:00:00Z", HOUR_MS)), Today::believed(day("2026-11-20")));
}

#[test]
fn a_person_who_gives_the_day_shown_confirms_the_clock_and_a_day_far_from_the_hubs_is_refused() {
    let mut clock = seen("2031-01-01T10:00:00Z");
    let now = at("2026-11-20T10:00:00Z", 0);
    clock.give(day("2026-11-20"), &zone(), now).unwrap();
    assert_eq!(clock.today(&zone(), now), Today::believed(day("2026-11-20")));
    let mut clock = was_off(5, "2026-11-25T09:00:00Z");
    let now = at("2026-11-25T10:00:00Z", 0);
    assert_eq!(clock.give(day("2062-11-20"), &zone(), now), Err(day("2026-11-20")));
    assert_eq!(clock.give(day("2026-11-21"), &zone(), now), Ok(()));
}
