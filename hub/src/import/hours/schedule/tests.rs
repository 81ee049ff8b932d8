//! Lists into schedules.

use msap_shared::document::register::Facts;
use msap_shared::document::schedule::admits;
use msap_shared::schedule::{DayState, weekly_minutes};

use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn row(days: &[(&str, &str)]) -> String {
    let columns: BTreeMap<&str, &str> = days.iter().copied().collect();
    serde_json::to_string(&columns).unwrap()
}

/// Takes edits in beside what is held, as a document does.
fn take(facts: &mut Facts, edits: &Edits) {
    for (key, value) in edits {
        admits(key, value).unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
        facts.insert(key.clone(), vec![value.clone()]);
    }
}

fn import(facts: &mut Facts, list: &str, days: &[(&str, &str)]) -> ListedHours {
    let listed = super::facts(&Schedule::read(facts), day(list), &row(days)).unwrap();
    take(facts, &listed.edits);
    listed
}

fn edits(listed: &ListedHours) -> Vec<(&str, &str)> {
    listed.edits.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

const WEEK: [(&str, &str); 3] =
    [("h_mon", "09:00 - 12:00 / 11:00 - 13:00"), ("h_tue", "00:00 - 00:00 / 14:00 - 16:00"), ("h_wed", "")];

#[test]
fn a_list_becomes_rules_from_its_date_and_the_same_list_nothing() {
    let mut facts = Facts::new();
    let first = import(&mut facts, "2022-12-01", &WEEK);
    assert_eq!(
        edits(&first),
        [
            ("hours|2022-12-01|every|mo|-", "list|2022-12-01|09:00-13:00"),
            ("hours|2022-12-01|every|tu|-", "list|2022-12-01|14:00-16:00"),
        ]
    );
    for again in ["2022-12-01", "2024-08-01"] {
        assert_eq!(import(&mut facts, again, &WEEK), ListedHours::default());
    }
    let later =
        import(&mut facts, "2024-08-01", &[("h_mon", "09:00 - 13:00"), ("h_tue", ""), ("h_wed", "10:00 - 12:00")]);
    assert_eq!(
        edits(&later),
        [
            ("hours|2024-08-01|every|tu|-", "list|2024-08-01|-"),
            ("hours|2024-08-01|every|we|-", "list|2024-08-01|10:00-12:00"),
        ]
    );
    let schedule = Schedule::read(&facts);
    assert_eq!(weekly_minutes(&schedule, day("2024-07-31")), Some(240 + 120));
    assert_eq!(weekly_minutes(&schedule, day("2024-08-01")), Some(240 + 120));
}

#[test]
fn what_a_person_said_stays_and_is_told() {
    let mut facts = Facts::new();
    import(&mut facts, "2022-12-01", &WEEK);
    let person = ("hours|2023-03-06|every|mo|-".to_owned(), "device:5f1e0c9a|2023-03-01|10:00-12:00".to_owned());
    let back = ("hours|2023-03-06|every|tu|-".to_owned(), "department:49|2023-03-01|-".to_owned());
    take(
        &mut facts,
        &vec![person, back, ("hours|2023-03-06|odd|we|-".to_owned(), "site:275|2023-03-01|09:00-10:00".to_owned())],
    );
    let listed = import(
        &mut facts,
        "2024-08-01",
        &[("h_mon", "09:00 - 13:00"), ("h_tue", "14:00 - 16:00"), ("h_fri", "09:00 - 10:00")],
    );
    assert_eq!(edits(&listed), [("hours|2024-08-01|every|fr|-", "list|2024-08-01|09:00-10:00")]);
    let kept: Vec<[&str; 4]> =
        listed.kept.iter().map(|kept| [&*kept.key, &*kept.author, &*kept.stands, &*kept.listed]).collect();
    assert_eq!(
        kept,
        [
            ["hours|2023-03-06|every|mo|-", "device:5f1e0c9a", "10:00-12:00", "09:00-13:00"],
            ["hours|2023-03-06|every|tu|-", "department:49", "-", "14:00-16:00"],
        ]
    );
    // A list that says what the person says has nothing to tell.
    let agrees = import(&mut facts, "2024-08-01", &[("h_mon", "10:00 - 12:00"), ("h_fri", "09:00 - 10:00")]);
    assert_eq!(agrees, ListedHours::default());
}

#[test]
fn a_week_that_cannot_be_read_is_kept_word_for_word_and_shuts_no_day() {
    let mut facts = Facts::new();
    import(&mut facts, "2022-12-01", &WEEK);
    let listed = import(&mut facts, "2024-08-01", &[("h_mon", "09:00 - 12:00"), ("h_tue", "sur rendez-vous | matin")]);
    assert_eq!(
        edits(&listed),
        [
            ("hours|2024-08-01|every|mo|-", "list|2024-08-01|-"),
            ("hours|2024-08-01|every|tu|-", "list|2024-08-01|-"),
            ("text", "list|2024-08-01|lundi : 09:00 - 12:00\nmardi : sur rendez-vous | matin"),
        ]
    );
    let schedule = Schedule::read(&facts);
    assert_eq!(weekly_minutes(&schedule, day("2024-08-01")), None);
    let calendar = msap_shared::schedule::Calendar::default();
    let around = msap_shared::schedule::Surroundings {
        calendar: &calendar,
        holiday_zone: "metropole",
        school_zone: "B",
        closures: &[],
    };
    assert_eq!(msap_shared::schedule::plan(&schedule, day("2024-08-06"), &around).state, DayState::Unknown);
    // Once it can be read, the text goes.
    let mended = import(&mut facts, "2025-08-01", &WEEK);
    assert_eq!(edits(&mended).last(), Some(&("text", "list|2025-08-01|-")));
    assert_eq!(import(&mut facts, "2025-08-01", &WEEK), ListedHours::default());
}

#[test]
fn a_week_without_hours_says_nothing() {
    let mut facts = Facts::new();
    assert_eq!(import(&mut facts, "2022-12-01", &[("h_mon", ""), ("h_tue", "00:00 - 00:00")]), ListedHours::default());
    import(&mut facts, "2022-12-01", &WEEK);
    assert_eq!(import(&mut facts, "2024-08-01", &[("h_mon", ""), ("h_tue", "-")]), ListedHours::default());
    for verbatim in ["", "{}", "[]", "{\"h_mon\": 3}", "\u{0}"] {
        assert_eq!(super::facts(&Schedule::default(), day("2024-08-01"), verbatim), Ok(ListedHours::default()));
    }
    let many = "08:00 - 08:10 / ".to_owned()
        + &(9..22).map(|h| format!("{h:02}:00 - {h:02}:30")).collect::<Vec<_>>().join(" / ");
    let error = super::facts(&Schedule::default(), day("2024-08-01"), &row(&[("h_mon", &many)])).unwrap_err();
    assert!(error.field == "hours" && error.why.contains("douze"), "{error}");
}
