use super::*;
use proptest::prelude::*;

fn stamp(author: &str) -> Stamp {
    Stamp { author: author.parse().unwrap(), day: "2026-11-20".parse().unwrap() }
}

fn facts(key: &str, values: &[&str]) -> Facts {
    Facts::from([(key.to_owned(), values.iter().map(ToString::to_string).collect())])
}

#[test]
fn authors_are_roles_and_machines_and_nothing_else() {
    for text in
        ["device:5f1e0c9a", "device:5f1e0c9a12b4d677", "national", "region:52", "department:2A", "site:275", "list"]
    {
        assert_eq!(text.parse::<Author>().unwrap().to_string(), text);
    }
    for text in
        ["", "device:", "device:5F1E0C9A", "device:5f1e0c9", "region:", "region:lille", "site:A", "Marie", "list:1"]
    {
        assert_eq!(text.parse::<Author>(), Err(FactError::Value("author")), "{text:?}");
    }
    let id = DeviceId::new([0xab; 8]);
    assert_eq!(Author::device(id).to_string().parse(), Ok(Author::device(id)));
}

#[test]
fn stored_stamps_are_pinned() {
    let value = stamp("department:49").write("09:00-12:00");
    assert_eq!(value, "department:49|2026-11-20|09:00-12:00");
    let entry = Entry::parse(&value).unwrap();
    assert_eq!((entry.stamp, entry.body), (stamp("department:49"), "09:00-12:00"));
    assert_eq!(Entry::parse("list|2026-11-20|a|b").unwrap().body, "a|b");
    for value in ["", "list", "list|2026-11-20", "list|2026-11-31|x", "|2026-11-20|x"] {
        assert!(Entry::parse(value).is_err(), "{value:?}");
    }
}

#[test]
fn bounds_hold_at_the_bound_and_one_past_it() {
    let (key, value) = ("k".repeat(KEY_LEN_MAX), "v".repeat(VALUE_LEN_MAX));
    assert_eq!(check_bounds(&key, &value), Ok(()));
    assert_eq!(check_bounds(&format!("{key}k"), &value), Err(FactError::KeyForm));
    assert_eq!(check_bounds(&key, &format!("{value}v")), Err(FactError::ValueForm));
    assert_eq!(check_bounds("", "v"), Err(FactError::KeyForm));
    assert_eq!(check_bounds("k\n", "v"), Err(FactError::KeyForm));
    assert_eq!(check_bounds("k", "two\nlines"), Ok(()));
    assert_eq!(check_bounds("k", "\u{0}"), Err(FactError::ValueForm));
}

#[test]
fn equal_bodies_are_no_conflict_whoever_wrote_them() {
    let same = facts("comment", &["list|2026-11-19|fermé le midi", "national|2026-11-20|fermé le midi"]);
    assert!(conflicts(&same).is_empty());
    let differing = facts("comment", &["list|2026-11-19|a", "national|2026-11-20|b", "site:275|2026-11-20|b"]);
    let [conflict] = &conflicts(&differing)[..] else { panic!("one conflict") };
    // Of the two that say the same, the later in order of day and author is named.
    let versions: Vec<_> = conflict.versions.iter().map(|(stamp, body)| (stamp.author.to_string(), &**body)).collect();
    assert_eq!(versions, [("list".to_owned(), "a"), ("site:275".to_owned(), "b")]);
}

#[test]
fn confirmations_on_two_days_do_not_contradict_each_other() {
    let values = ["list|2026-11-18|reachable|3949||2026-11-18", "national|2026-11-20|reachable|3949||2026-11-20"];
    assert!(conflicts(&facts("presence|CNAF", &values)).is_empty());
    let other = ["list|2026-11-18|reachable|3949||2026-11-18", "national|2026-11-20|absent|3949||2026-11-20"];
    assert_eq!(conflicts(&facts("presence|CNAF", &other)).len(), 1);
    assert!(conflicts(&facts("checked", &["list|2026-11-18|2026-11-18", "list|2026-11-20|2026-11-20"])).is_empty());
    assert_eq!(conflicts(&facts("checked", &["list|2026-11-18|2026-11-18", "list|2026-11-20|-"])).len(), 1);
}

#[test]
fn settling_writes_one_of_the_versions_and_nothing_else() {
    let values = ["list|2026-11-19|a", "national|2026-11-20|-"];
    let differing = facts("comment", &values);
    for chosen in ["a", "-"] {
        let edits = settle(&differing, &stamp("site:275"), "comment", chosen).unwrap();
        assert_eq!(edits, [("comment".to_owned(), format!("site:275|2026-11-20|{chosen}"))]);
    }
    assert_eq!(settle(&differing, &stamp("list"), "comment", "b").unwrap_err().field, "chosen");
    assert_eq!(settle(&differing, &stamp("list"), "text", "a").unwrap_err().field, "key");
    assert_eq!(settle(&facts("comment", &values[..1]), &stamp("list"), "comment", "a").unwrap_err().field, "key");
}

proptest! {
    #[test]
    fn the_order_of_values_changes_nothing(bodies in proptest::collection::vec("[ab-]", 1..6)) {
        let values: Vec<String> =
            bodies.iter().enumerate().map(|(at, body)| format!("region:{at}|2026-11-20|{body}")).collect();
        let ordered = Facts::from([("comment".to_owned(), values.clone())]);
        let reversed = Facts::from([("comment".to_owned(), values.into_iter().rev().collect())]);
        prop_assert_eq!(conflicts(&ordered), conflicts(&reversed));
    }

    #[test]
    fn no_text_panics(key in "\\PC{0,40}", value in "\\PC{0,80}") {
        let _entry = Entry::parse(&value);
        let _settled = settle(&facts(&key, &[&value, "list|2026-11-20|x"]), &stamp("list"), &key, &value);
    }
}
