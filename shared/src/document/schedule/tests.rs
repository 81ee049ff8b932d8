use super::*;
use proptest::prelude::*;

const STAMP: &str = "device:5f1e0c9a12b4d677|2026-11-20|";

/// Keys and bodies as they are stored for ever: a line that changes is a bug or another kind of
/// document. New lines are added at the end.
const GOLDEN: [(&str, &str); 32] = [
    ("hours|2026-01-01|every|mo|-", "closed"),
    ("hours|2026-01-01|every|tu|-", "09:00-12:00"),
    ("hours|2026-01-01|odd|we|-", "09:00-12:00/free/2,14:00-17:30/appointment"),
    ("hours|2026-01-01|even|th|mairie", "00:00-24:00/phone/0"),
    ("hours|2026-01-01|1st|fr|-", "09:00-12:00,12:00-14:00/appointment"),
    ("hours|2026-01-01|2nd|sa|-", "-"),
    ("hours|2026-01-01|3rd|su|-", "10:00-12:00"),
    ("hours|2026-01-01|4th|mo|-", "10:00-12:00"),
    ("hours|2026-01-01|5th|mo|-", "10:00-12:00"),
    ("hours|2026-01-01|last|sa|-", "10:00-12:00"),
    ("hours|2026-01-01|07-01..08-31|mo|-", "08:00-13:00"),
    ("hours|2026-01-01|12-20..01-05|mo|-", "closed"),
    ("hours|2026-01-01|02-29..02-29|mo|-", "closed"),
    ("hours|2026-01-01|2026-07-01..2026-08-31|mo|-", "08:00-13:00"),
    ("hours|2026-01-01|school|mo|-", "08:00-13:00"),
    ("hours|2026-01-01|holiday|-|-", "10:00-12:00"),
    ("permanence|2026-01-01|CNAF|2nd|tu|-", "09:00-12:00/appointment/1"),
    ("permanence|2026-01-01|LOCAL:ecrivain-public|every|we|mairie", "14:00-16:00"),
    ("permanence|2026-01-01|CNAF|holiday|-|-", "closed"),
    ("on|2026-12-24..2026-12-24|-", "closed|staff_absence"),
    ("on|2026-12-24..2027-01-02|*", "extra|event|18:00-20:00"),
    ("on|2026-12-24..2026-12-26|mairie", "hours|meeting|10:00-12:00/phone"),
    ("on|2026-12-28..2026-12-28|-", "moved|works|mairie|"),
    ("on|2026-12-29..2026-12-29|-", "moved|works|mairie|09:00-12:00"),
    ("off|2026-11-24|CNAF|-", "cancelled|weather"),
    ("off|2026-11-24|LOCAL:ecrivain-public|mairie", "hours|other|15:00-16:00"),
    ("absence|a1", "2026-11-23|2026-11-24|09:00-12:00|1|illness"),
    ("absence|a2", "2026-11-23|2026-11-23||2|leave"),
    ("place|mairie", "Mairie annexe|2 place de l'Église, 49120 Chemillé"),
    ("rule|good-friday", "closed"),
    ("text", "Mardi matin\n(semaines impaires) | sur RDV"),
    ("checked", "2026-11-20"),
];

#[test]
fn stored_keys_and_values_are_pinned() {
    for (key, body) in GOLDEN {
        let parsed = Key::parse(key).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(parsed.expect("a known key").to_string(), key);
        assert_eq!(admits(key, &format!("{STAMP}{body}")), Ok(()), "{key} {body}");
        assert_eq!(admits(key, &format!("{STAMP}-")), Ok(()), "{key}");
    }
}

#[test]
fn every_reason_is_pinned_and_has_words() {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let list = "works training staff_absence meeting weather strike event holiday network move other";
    assert_eq!(codes.join(" "), list);
    let kinds: Vec<&str> = AbsenceKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds.join(" "), "leave illness training other");
    assert!(Reason::ALL.iter().all(|reason| Reason::known(reason.as_str()) == Some(*reason)));
    assert!(Reason::ALL.iter().all(|reason| !reason.label_fr().is_empty() && !reason.label_en().is_empty()));
}

#[test]
fn keys_outside_the_grammar_are_refused() {
    for key in [
        "hours",
        "hours|2026-01-01|every|mo",
        "hours|2026-01-01|every|mo|-|x",
        "hours|2026-02-30|every|mo|-",
        "hours|1999-01-01|every|mo|-",
        "hours|2100-01-01|every|mo|-",
        "hours|2026-1-1|every|mo|-",
        "hours|2026-01-01|weekly|mo|-",
        "hours|2026-01-01|6th|mo|-",
        "hours|2026-01-01|every|lu|-",
        "hours|2026-01-01|every|-|-",
        "hours|2026-01-01|holiday|mo|-",
        "hours|2026-01-01|every|mo|*",
        "hours|2026-01-01|every|mo|Mairie",
        "hours|2026-01-01|2026-08-31..2026-07-01|mo|-",
        "hours|2026-01-01|07-32..08-31|mo|-",
        "hours|2026-01-01|02-30..03-01|mo|-",
        "hours|2026-01-01|7-1..8-31|mo|-",
        "permanence|2026-01-01|cnaf|every|mo|-",
        "permanence|2026-01-01|LOCAL:|every|mo|-",
        "permanence|2026-01-01|LOCAL:Écrivain|every|mo|-",
        "on|2026-12-24|-",
        "on|2026-12-26..2026-12-24|-",
        "on|2026-12-24..2026-12-26|",
        "off|2026-12-24|CNAF|*",
        "absence|",
        "absence|-a",
        "absence|aaaaaaaaaaaaaaaaaaaaaaaaa",
        "place|-",
        "rule|ascension",
        "text|2",
        "checked|x",
    ] {
        assert!(matches!(Key::parse(key), Err(FactError::Key(_))), "{key:?}");
        assert!(admits(key, &format!("{STAMP}-")).is_err(), "{key:?}");
    }
}

#[test]
fn values_outside_the_grammar_are_refused() {
    let hours = "hours|2026-01-01|every|mo|-";
    let cases: [(&str, &[&str]); 8] = [
        (
            hours,
            &[
                "",
                "open",
                "12:00-09:00",
                "09:00-09:00",
                "09:00-24:01",
                "09:00-25:00",
                "9:00-12:00",
                "09:60-12:00",
                "09:00-12:00,11:00-13:00",
                "14:00-15:00,09:00-12:00",
                "09:00-12:00,",
                "09:00-12:00 ",
                "09:00-12:00/free",
                "09:00-12:00/walkin",
                "09:00-12:00/free/02",
                "09:00-12:00/free/100",
                "09:00-12:00/free/-1",
                "09:00-12:00/free/2/3",
                "closed,09:00-12:00",
            ],
        ),
        (
            "on|2026-12-24..2026-12-24|-",
            &[
                "closed",
                "closed|",
                "closed|lazy",
                "extra|works|closed",
                "extra|works|",
                "moved|works|mairie",
                "moved|works||",
            ],
        ),
        ("off|2026-11-24|CNAF|-", &["cancelled", "hours|works|", "hours|works|closed", "moved|works|mairie|"]),
        (
            "absence|a1",
            &[
                "2026-11-24|2026-11-23||1|leave",
                "2026-11-23|2026-11-31||1|leave",
                "2026-11-23|2026-11-23||0|leave",
                "2026-11-23|2026-11-23||100|leave",
                "2026-11-23|2026-11-23||1|party",
                "2026-11-23|2026-11-23|12:00-09:00|1|leave",
            ],
        ),
        ("place|mairie", &["Mairie", "|2 place", "Mairie|a|b", "Mairie|a\nb"]),
        ("rule|good-friday", &["shut", ""]),
        ("text", &["", "   "]),
        ("checked", &["", "hier"]),
    ];
    for (key, bodies) in cases {
        for body in bodies {
            assert!(admits(key, &format!("{STAMP}{body}")).is_err(), "{key} {body:?}");
        }
    }
    for value in ["09:00-12:00", "list|09:00-12:00", "Marie|2026-11-20|09:00-12:00", "list|2026-11-31|closed"] {
        assert!(admits(hours, value).is_err(), "{value:?}");
    }
}

#[test]
fn what_a_later_version_says_is_carried() {
    for key in ["capacity|2026-01-01", "hourly", "équipe|x"] {
        assert_eq!(admits(key, "anything at all"), Ok(()), "{key}");
        assert_eq!(Key::parse(key), Ok(None));
    }
    assert!(admits("capacity", &"x".repeat(crate::document::register::VALUE_LEN_MAX + 1)).is_err());
}

#[test]
fn slots_hold_at_their_bound_and_one_past_it() {
    let slots = |n: u16| (0..n).map(|at| Slot::free(Interval::new(at * 60, at * 60 + 30).unwrap())).collect::<Vec<_>>();
    assert!(DayHours::new(slots(12)).is_ok());
    assert_eq!(DayHours::new(slots(13)), Err(slot::SlotsError::TooMany(13)));
    assert!(DayHours::new(slots(13)).is_err());
    assert!(Interval::new(0, 1_440).is_some() && Interval::new(0, 1_441).is_none());
    let longest = DayHours::new(
        (0..12).map(|at| Slot { agents: Some(99), access: Access::Appointment, ..slots(12)[at] }).collect(),
    );
    assert!(longest.unwrap().to_string().len() < 400);
}

/// A day's hours of any kind.
pub(crate) fn any_hours() -> impl Strategy<Value = DayHours> {
    let cuts = proptest::collection::btree_set(0u16..=1_440, 0..=10);
    let kinds = proptest::collection::vec((0usize..3, proptest::option::of(0u8..=99)), 5);
    (cuts, kinds).prop_map(|(cuts, kinds)| {
        let cuts: Vec<u16> = cuts.into_iter().collect();
        let slots = cuts.chunks_exact(2).zip(kinds).map(|(ends, (access, agents))| Slot {
            interval: Interval::new(ends[0], ends[1]).expect("cuts are in order"),
            access: Access::ALL[access],
            agents,
        });
        DayHours::new(slots.collect()).expect("cuts are in order")
    })
}

proptest! {
    #[test]
    fn hours_round_trip(hours in any_hours()) {
        let text = hours.to_string();
        prop_assert_eq!(admits("hours|2026-01-01|every|mo|-", &format!("{STAMP}{text}")), Ok(()));
        prop_assert_eq!(text.parse::<DayHours>(), Ok(hours));
    }

    #[test]
    fn keys_that_parse_print_back(
        first in "hours|permanence|on|off|absence|place|rule|text",
        rest in proptest::collection::vec("20[0-9]{2}-[01][0-9]-[0-3][0-9]|every|last|[1-5](st|nd|rd|th)|[01][0-9]-[0-3][0-9]\\.\\.[01][0-9]-[0-3][0-9]|mo|su|-|\\*|CNAF|LOCAL:[a-z]{1,3}|[a-z0-9-]{1,25}", 0..6),
    ) {
        let text = [vec![first], rest].concat().join("|");
        if let Ok(Some(key)) = Key::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn no_text_panics(key in "\\PC{0,60}", value in "\\PC{0,120}") {
        let _admitted = admits(&key, &value);
        for (key, _) in GOLDEN {
            let _admitted = admits(key, &format!("{STAMP}{value}"));
        }
    }

    #[test]
    fn unions_cover_the_same_minutes(a in any_hours(), b in any_hours()) {
        let all: Vec<Interval> = a.slots().iter().chain(b.slots()).map(|slot| slot.interval).collect();
        let joined = slot::union(all.clone());
        prop_assert!(joined.windows(2).all(|pair| pair[0].to() < pair[1].from()));
        for minute in 0..1_440 {
            let covered = |intervals: &[Interval]| intervals.iter().any(|interval| interval.contains(minute));
            prop_assert_eq!(covered(&all), covered(&joined));
        }
    }
}
