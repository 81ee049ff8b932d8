use super::availability::{Availability, availability};
use super::*;
use crate::document::register::Stamp;
use crate::schedule::{Calendar, Schedule, Surroundings, plan};

const STAMP: &str = "department:49|2026-11-20|";

/// As in the schedule: stored for ever, added to at the end.
const GOLDEN: [(&str, &str); 10] = [
    ("presence|CNAF", "permanence|||2026-11-20"),
    ("presence|LA_POSTE", "partial|accueil@laposte.fr|2026-12-31|2026-11-20"),
    ("presence|DGFIP", "reachable|0241812345||2026-11-20"),
    ("presence|LOCAL:ecrivain-public", "absent|||2026-11-20"),
    ("agreement|CNAF", "signed|2020-01-01"),
    ("agreement|CNAM", "in_progress|"),
    ("agreement|MSA", "to_come|2027-01-01"),
    ("training|CNAF", "3|2026-03-12"),
    ("training|CNAM", "0|2026-03-12"),
    ("label|LOCAL:ecrivain-public", "Écrivain public"),
];

#[test]
fn stored_keys_and_values_are_pinned() {
    for (key, body) in GOLDEN {
        assert_eq!(Key::parse(key).unwrap().expect("a known key").to_string(), key);
        assert_eq!(admits(key, &format!("{STAMP}{body}")), Ok(()), "{key} {body}");
        assert_eq!(admits(key, &format!("{STAMP}-")), Ok(()), "{key}");
    }
}

#[test]
fn what_is_outside_the_grammar_is_refused() {
    for (key, body) in [
        ("presence", "-"),
        ("presence|cnaf", "-"),
        ("label|CNAF", "CAF"),
        ("presence|CNAF", "here|||2026-11-20"),
        ("presence|CNAF", "reachable|||"),
        ("presence|CNAF", "reachable|marie.dupont@caf.fr||2026-11-20"),
        ("presence|CNAF", "reachable|02 41 81 23 45||2026-11-20"),
        ("presence|CNAF", "reachable|Mme Dupont||2026-11-20"),
        ("presence|CNAF", "reachable||2026-02-30|2026-11-20"),
        ("agreement|CNAF", "signed"),
        ("agreement|CNAF", "maybe|2020-01-01"),
        ("training|CNAF", "1000|2026-03-12"),
        ("training|CNAF", "03|2026-03-12"),
        ("training|CNAF", "3|"),
        ("label|LOCAL:x", ""),
        ("label|LOCAL:x", "a|b"),
    ] {
        assert!(admits(key, &format!("{STAMP}{body}")).is_err(), "{key} {body:?}");
    }
    assert_eq!(admits("convention|CNAF", "from a later version"), Ok(()));
    assert_eq!(admits("training|CNAF", &format!("{STAMP}999|2026-03-12")), Ok(()));
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new();
    for (key, body) in pairs {
        facts.entry((*key).to_owned()).or_default().push(format!("{STAMP}{body}"));
    }
    facts
}

fn on(partners: &[(&str, &str)], schedule: &[(&str, &str)], day: &str) -> Availability {
    let (partners, schedule) = (Partners::read(&facts(partners)), Schedule::read(&facts(schedule)));
    let mut calendar = Calendar::default();
    calendar.add_public("metropole", "2026-12-25".parse().unwrap(), "Jour de Noël");
    let around = Surroundings { calendar: &calendar, holiday_zone: "metropole", school_zone: "B", closures: &[] };
    let plan = plan(&schedule, day.parse().unwrap(), &around);
    availability(&partners, &schedule, &plan, &"CNAF".parse().unwrap(), 45).availability
}

const TUESDAYS: (&str, &str) = ("permanence|2026-01-01|CNAF|every|tu|-", "09:00-12:00");
const COMES: (&str, &str) = ("presence|CNAF", "permanence|||2026-11-20");

#[test]
fn what_nobody_confirmed_for_too_long_reads_unknown() {
    for mode in ["partial", "reachable", "absent"] {
        let said = format!("{mode}|3949||2026-11-20");
        let said = [("presence|CNAF", said.as_str())];
        assert_ne!(on(&said, &[], "2027-01-04"), Availability::Unknown, "{mode} after 45 days");
        assert_eq!(on(&said, &[], "2027-01-05"), Availability::Unknown, "{mode} after 46 days");
    }
    let until = [("presence|CNAF", "reachable|3949|2026-11-30|2026-11-20")];
    assert_eq!(on(&until, &[], "2026-11-30"), Availability::Reachable);
    assert_eq!(on(&until, &[], "2026-12-01"), Availability::Unknown);
    assert_eq!(on(&[], &[], "2026-11-20"), Availability::Unknown);
    assert_eq!(on(&[("presence|CNAF", "-")], &[], "2026-11-20"), Availability::Unknown);
}

#[test]
fn permanences_of_the_schedule_say_who_comes_today() {
    assert_eq!(on(&[COMES], &[TUESDAYS], "2026-11-24"), Availability::Present);
    assert_eq!(on(&[COMES], &[TUESDAYS], "2026-11-25"), Availability::Absent);
    assert_eq!(on(&[], &[TUESDAYS], "2026-11-24"), Availability::Present);
    assert_eq!(
        on(&[("presence|CNAF", "permanence|3949||2026-11-20")], &[TUESDAYS], "2026-11-25"),
        Availability::Reachable
    );
    // It comes, and nobody said when.
    assert_eq!(on(&[COMES], &[], "2026-11-24"), Availability::Unknown);
    let off = ("off|2026-11-24|CNAF|-", "cancelled|weather");
    assert_eq!(on(&[COMES], &[TUESDAYS, off], "2026-11-24"), Availability::Cancelled);
    assert_eq!(on(&[COMES], &[TUESDAYS, off], "2026-12-01"), Availability::Present);
    let away = ("presence|CNAF", "absent||2026-12-31|2026-11-20");
    assert_eq!(on(&[away], &[TUESDAYS], "2026-11-24"), Availability::Absent);
    assert_eq!(on(&[("presence|CNAF", "partial|||2026-11-20")], &[], "2026-11-24"), Availability::Remote);
}

#[test]
fn contradictions_read_unknown_and_show_both() {
    let both = [("presence|CNAF", "reachable|3949||2026-11-20"), ("presence|CNAF", "absent|3949||2026-11-20")];
    assert_eq!(on(&both, &[TUESDAYS], "2026-11-24"), Availability::Unknown);
    let partners = Partners::read(&facts(&both));
    assert_eq!(partners.conflicts().len(), 1);
    assert_eq!(partners.partner(&"CNAF".parse().unwrap()).unwrap().presence.as_ref().unwrap().versions(), 2);
    let off = [TUESDAYS, ("off|2026-11-24|CNAF|-", "cancelled|weather"), ("off|2026-11-24|CNAF|-", "-")];
    assert_eq!(on(&[COMES], &off, "2026-11-24"), Availability::Unknown);
    assert_eq!(on(&[COMES], &off, "2026-12-01"), Availability::Present);
}

#[test]
fn what_is_decided_about_partners_is_admitted_and_reads_back() {
    let stamp = Stamp { author: "site:275".parse().unwrap(), day: "2026-11-20".parse().unwrap() };
    let (cnaf, local) = ("CNAF".parse().unwrap(), "LOCAL:ecrivain-public".parse().unwrap());
    let contact = Contact::read("3949").unwrap();
    let mut edits = edit::set_presence(&stamp, &cnaf, Mode::Reachable, Some(&contact), None).unwrap();
    edits.extend(edit::set_agreement(&stamp, &cnaf, AgreementStatus::Signed, Some(stamp.day)).unwrap());
    edits.extend(edit::set_training(&stamp, &cnaf, 3, stamp.day).unwrap());
    edits.extend(edit::set_label(&stamp, &local, &"Écrivain public".parse().unwrap()).unwrap());
    for (key, value) in &edits {
        assert_eq!(admits(key, value), Ok(()), "{key} {value}");
    }
    let partners = Partners::read(&edits.into_iter().map(|(key, value)| (key, vec![value])).collect());
    assert!(partners.unreadable().is_empty());
    let later = Stamp { day: "2026-12-20".parse().unwrap(), ..stamp.clone() };
    let again = edit::confirm_presence(&partners, &later, &cnaf).unwrap();
    assert_eq!(again, [("presence|CNAF".to_owned(), "site:275|2026-12-20|reachable|3949||2026-12-20".to_owned())]);
    assert_eq!(edit::remove(&partners, &stamp, &cnaf).unwrap().len(), 3);

    let tomorrow = stamp.day.plus_days(1);
    let refused = [
        edit::set_presence(&later, &cnaf, Mode::Absent, None, Some(stamp.day)).unwrap_err().field,
        edit::set_agreement(&stamp, &cnaf, AgreementStatus::Signed, None).unwrap_err().field,
        edit::set_agreement(&stamp, &cnaf, AgreementStatus::Signed, Some(tomorrow)).unwrap_err().field,
        edit::set_training(&stamp, &cnaf, 1_000, stamp.day).unwrap_err().field,
        edit::set_training(&stamp, &cnaf, 1, tomorrow).unwrap_err().field,
        edit::set_label(&stamp, &cnaf, &"CAF".parse().unwrap()).unwrap_err().field,
        edit::confirm_presence(&partners, &stamp, &local).unwrap_err().field,
        edit::remove(&Partners::default(), &stamp, &cnaf).unwrap_err().field,
    ];
    assert_eq!(refused, ["until", "day", "day", "agents", "trained_on", "operator", "operator", "operator"]);
}
