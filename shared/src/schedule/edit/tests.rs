use super::*;
use crate::document::register::{Facts, settle};
use crate::document::schedule::{AbsenceKind, admits};
use crate::schedule::tests::{day, facts, read, stamp};

const MONDAYS: (&str, &str) = ("hours|2026-01-01|every|mo|-", "09:00-12:00");
const CNAF: (&str, &str) = ("permanence|2026-01-01|CNAF|2nd|tu|-", "09:00-12:00");

/// The keys and bodies of what is written, which a document must admit.
fn written(edits: Result<Edits, FieldError>) -> Vec<(String, String)> {
    let bodies = edits.unwrap().into_iter().map(|(key, value)| {
        assert_eq!(admits(&key, &value), Ok(()), "{key} {value}");
        (key, value.strip_prefix("site:275|2026-11-20|").expect("the stamp").to_owned())
    });
    bodies.collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(key, body)| ((*key).to_owned(), (*body).to_owned())).collect()
}

fn weekday(code: &str) -> Option<Weekday> {
    Some(code.parse().unwrap())
}

fn hours(text: &str) -> DayHours {
    field::hours("hours", text).unwrap()
}

#[test]
fn setting_hours_writes_only_what_differs_and_takes_back_the_rest() {
    let held = [
        MONDAYS,
        ("hours|2026-01-01|every|tu|-", "09:00-12:00"),
        ("hours|2026-01-01|odd|we|-", "09:00-12:00"),
        ("hours|2026-01-01|every|fr|-", "-"),
        ("hours|2026-01-01|every|mo|mairie", "14:00-16:00"),
        ("hours|2027-01-01|every|tu|-", "closed"),
    ];
    let rules = [
        (Variant::Every, weekday("mo"), hours("09:00-12:00")),
        (Variant::Every, weekday("tu"), hours("10:00-12:00")),
        (Variant::Holiday, None, hours("closed")),
    ];
    let edits = set_hours(&read(&held), &stamp(), day("2026-11-20"), &Place::Site, &rules);
    assert_eq!(
        written(edits),
        pairs(&[
            ("hours|2026-11-20|every|tu|-", "10:00-12:00"),
            ("hours|2026-11-20|holiday|-|-", "closed"),
            ("hours|2026-11-20|odd|we|-", "-"),
        ])
    );
    let twice = [rules[0].clone(), rules[0].clone()];
    assert_eq!(set_hours(&read(&held), &stamp(), day("2026-12-01"), &Place::Site, &twice).unwrap_err().field, "hours");
}

#[test]
fn writing_the_same_again_writes_nothing_unless_it_is_contradicted() {
    let set = |schedule: &Schedule, on: &str| {
        written(set_day(
            schedule,
            &stamp(),
            day(on),
            Variant::Every,
            weekday("mo"),
            &Place::Site,
            &hours("09:00-12:00"),
        ))
    };
    assert_eq!(set(&read(&[MONDAYS]), "2026-12-01"), []);
    assert_eq!(set(&read(&[MONDAYS]), "2025-12-01"), pairs(&[("hours|2025-12-01|every|mo|-", "09:00-12:00")]));
    let torn = [MONDAYS, (MONDAYS.0, "closed")];
    assert_eq!(set(&read(&torn), "2026-01-01"), pairs(&[MONDAYS]), "which settles it");
    let settled = settle(&facts(&torn), &stamp(), MONDAYS.0, "closed").unwrap();
    let mut after: Facts = facts(&torn);
    after.extend(settled.into_iter().map(|(key, value)| (key, vec![value])));
    assert!(Schedule::read(&after).conflicts().is_empty());
}

#[test]
fn exceptions_are_written_and_taken_back() {
    let (schedule, site) = (read(&[MONDAYS]), Where::At(Place::Site));
    let days = (day("2026-12-24"), day("2026-12-26"));
    let closed = close(&schedule, &stamp(), days, &Where::Everywhere, Reason::Holiday);
    assert_eq!(written(closed), pairs(&[("on|2026-12-24..2026-12-26|*", "closed|holiday")]));
    let inverted = close(&schedule, &stamp(), (days.1, days.0), &site, Reason::Holiday).unwrap_err();
    assert_eq!((inverted.field, inverted.why.contains("inversez")), ("to", true));
    let moved = Exception::Moved(Reason::Works, "mairie".parse().unwrap(), None);
    assert_eq!(
        written(except(&schedule, &stamp(), days, &site, &moved)),
        pairs(&[("on|2026-12-24..2026-12-26|-", "moved|works|mairie|")])
    );
    let nowhere = Exception::Moved(Reason::Works, Place::Site, None);
    assert_eq!(except(&schedule, &stamp(), days, &site, &nowhere).unwrap_err().field, "place");
    let empty = Exception::Extra(Reason::Event, DayHours::closed());
    assert_eq!(except(&schedule, &stamp(), days, &site, &empty).unwrap_err().field, "hours");

    let held = read(&[("on|2026-12-24..2026-12-26|-", "closed|holiday")]);
    assert_eq!(written(close(&held, &stamp(), days, &site, Reason::Holiday)), []);
    assert_eq!(written(remove_exception(&held, &stamp(), days, &site)), pairs(&[("on|2026-12-24..2026-12-26|-", "-")]));
    for schedule in [&schedule, &read(&[("on|2026-12-24..2026-12-26|-", "-")])] {
        assert_eq!(remove_exception(schedule, &stamp(), days, &site).unwrap_err().field, "from");
    }
}

#[test]
fn permanences_are_set_ended_and_cancelled_for_a_day() {
    let (cnaf, cnam): (OperatorToken, OperatorToken) = ("CNAF".parse().unwrap(), "CNAM".parse().unwrap());
    let schedule = read(&[
        CNAF,
        ("permanence|2027-01-01|CNAF|2nd|tu|-", "14:00-16:00"),
        ("permanence|2026-01-01|CNAF|every|fr|mairie", "09:00-10:00"),
    ]);
    let of = (&cnaf, &Place::Site, "2nd".parse().unwrap(), weekday("tu"));
    assert_eq!(written(set_permanence(&schedule, &stamp(), day("2026-12-01"), of, &hours("09:00-12:00"))), []);
    assert_eq!(
        written(set_permanence(&schedule, &stamp(), day("2026-12-01"), of, &hours("10:00-12:00"))),
        pairs(&[("permanence|2026-12-01|CNAF|2nd|tu|-", "10:00-12:00")])
    );
    let ended = remove_permanence(&schedule, &stamp(), day("2026-12-01"), &cnaf, Some(&Place::Site), None);
    assert_eq!(
        written(ended),
        pairs(&[("permanence|2026-12-01|CNAF|2nd|tu|-", "-"), ("permanence|2027-01-01|CNAF|2nd|tu|-", "-")])
    );
    assert_eq!(written(remove_permanence(&schedule, &stamp(), day("2026-12-01"), &cnaf, None, None)).len(), 3);
    assert_eq!(
        remove_permanence(&schedule, &stamp(), day("2026-12-01"), &cnam, None, None).unwrap_err().field,
        "operator"
    );

    let cancelled = Off::Cancelled(Reason::Weather);
    let cancel = |schedule: &Schedule, on: &str, who: &OperatorToken| {
        set_off(schedule, &stamp(), day(on), who, &Place::Site, &cancelled)
    };
    assert_eq!(
        written(cancel(&schedule, "2026-12-08", &cnaf)),
        pairs(&[("off|2026-12-08|CNAF|-", "cancelled|weather")])
    );
    assert_eq!(cancel(&schedule, "2026-12-09", &cnaf).unwrap_err().field, "day");
    assert_eq!(cancel(&schedule, "2026-12-08", &cnam).unwrap_err().field, "day");
    let once = Off::Hours(Reason::Event, hours("10:00-11:00"));
    assert_eq!(written(set_off(&schedule, &stamp(), day("2026-12-09"), &cnam, &Place::Site, &once)).len(), 1);
    let off = read(&[CNAF, ("off|2026-12-08|CNAF|-", "cancelled|weather")]);
    assert_eq!(written(cancel(&off, "2026-12-08", &cnaf)), []);
    assert_eq!(
        written(remove_off(&off, &stamp(), day("2026-12-08"), &cnaf, &Place::Site)),
        pairs(&[("off|2026-12-08|CNAF|-", "-")])
    );
    assert_eq!(remove_off(&schedule, &stamp(), day("2026-12-08"), &cnaf, &Place::Site).unwrap_err().field, "day");
}

#[test]
fn the_rest_is_written_as_it_is_stored() {
    let (id, none) = ("a1".parse().unwrap(), read(&[]));
    let absence =
        |to, agents| Absence { from: day("2026-11-23"), to: day(to), interval: None, agents, kind: AbsenceKind::Leave };
    assert_eq!(
        written(set_absence(&stamp(), &id, &absence("2026-11-24", 1))),
        pairs(&[("absence|a1", "2026-11-23|2026-11-24||1|leave")])
    );
    assert_eq!(set_absence(&stamp(), &id, &absence("2026-11-22", 1)).unwrap_err().field, "to");
    assert_eq!(set_absence(&stamp(), &id, &absence("2026-11-24", 0)).unwrap_err().field, "agents");
    assert_eq!(remove_absence(&none, &stamp(), &id).unwrap_err().field, "id");
    let held = read(&[("absence|a1", "2026-11-23|2026-11-24||1|leave")]);
    assert_eq!(written(remove_absence(&held, &stamp(), &id)), pairs(&[("absence|a1", "-")]));
    let label = field::place_label("Mairie", "2 place de l'Église").unwrap();
    assert_eq!(
        written(set_place(&stamp(), &"mairie".parse().unwrap(), &label)),
        pairs(&[("place|mairie", "Mairie|2 place de l'Église")])
    );
    assert_eq!(written(set_good_friday(&stamp(), Some(GoodFriday::Open))), pairs(&[("rule|good-friday", "open")]));
    assert_eq!(written(set_good_friday(&stamp(), None)), pairs(&[("rule|good-friday", "-")]));
    assert_eq!(written(confirm(&stamp())), pairs(&[("checked", "2026-11-20")]));
    let text = field::text("text", "lundi\r\nmardi\t| RDV").unwrap();
    assert_eq!(written(set_text(&stamp(), Some(&text))), pairs(&[("text", "lundi\nmardi | RDV")]));
    assert_eq!(written(set_comment(&stamp(), None)), pairs(&[("comment", "-")]));
    let long = field::text("comment", &"x".repeat(VALUE_LEN_MAX)).unwrap();
    assert_eq!(set_comment(&stamp(), Some(&long)).unwrap_err().field, "text");
    let longest = format!("LOCAL:{}", "a".repeat(24)).parse().unwrap();
    let (place, variant) = ("b".repeat(24).parse().unwrap(), "2026-07-01..2026-08-31".parse().unwrap());
    let refused = set_permanence(
        &none,
        &stamp(),
        day("2026-12-01"),
        (&longest, &place, variant, weekday("mo")),
        &hours("9:00-10:00"),
    );
    assert_eq!(refused.unwrap_err().field, "place");
}

#[test]
fn fields_are_read_leniently_and_stored_in_one_spelling() {
    for (text, stored) in [
        ("9:00-12:00, 14:00 - 17:30", "09:00-12:00,14:00-17:30"),
        ("14h-17h30,9h-12h", "09:00-12:00,14:00-17:30"),
        ("9:00–12:00/appointment/2", "09:00-12:00/appointment/2"),
        ("9:00-12:00//2", "09:00-12:00/free/2"),
        ("00:00-24:00", "00:00-24:00"),
        ("Fermé", "closed"),
    ] {
        assert_eq!(field::hours("hours", text).unwrap().to_string(), stored, "{text:?}");
    }
    for (text, why) in [
        ("", "n’est pas un créneau"),
        ("12:00-09:00", "inversez"),
        ("09:00-09:00", "inversez"),
        ("22:00-26:00", "24:00"),
        ("9:5-10:00", "24:00"),
        ("09:00-12:00,11:00-13:00", "chevauche"),
        ("09:00-12:00/maybe", "accès"),
        ("09:00-12:00/free/many", "agents"),
        ("09:00-12:00/free/1/2", "écrivez"),
    ] {
        let error = field::hours("hours", text).unwrap_err();
        assert!(error.field == "hours" && error.why.contains(why), "{text:?}: {error}");
    }
    assert_eq!(field::weekday("weekday", "Lundi").unwrap().as_str(), "mo");
    assert_eq!(field::days("days", "2026-12-24").unwrap(), (day("2026-12-24"), day("2026-12-24")));
    assert_eq!(field::days("days", "2026-12-26..2026-12-24").unwrap_err().field, "days");
    assert!(field::day("day", "24/12/2026").unwrap_err().why.contains("AAAA-MM-JJ"));
    assert!(field::reason("reason", "lazy").unwrap_err().why.contains("staff_absence"));
    assert!(field::place("place", "La Mairie").unwrap_err().why.contains("a-z"));
    assert!(field::operator("operator", "caf").unwrap_err().why.contains("CNAF"));
    assert!(field::variant("variant", "weekly").unwrap_err().why.contains("every"));
    assert!(field::text("comment", " - ").is_err());
}

proptest::proptest! {
    #[test]
    fn no_field_panics(text in "\\PC{0,60}") {
        let _read = (field::hours("a", &text), field::days("a", &text), field::variant("a", &text), field::text("a", &text));
        let _read = (field::place_or_all("a", &text), field::operator("a", &text), field::place_label(&text, &text));
        let _read = crate::document::partners::Contact::read(&text);
    }
}

/// The facts of these pairs with what was written after them.
fn then(held: &[(&str, &str)], edits: Edits) -> Schedule {
    let mut facts = facts(held);
    facts.extend(edits.into_iter().map(|(key, value)| (key, vec![value])));
    Schedule::read(&facts)
}

fn rules_on(schedule: &Schedule, on: &str) -> Vec<String> {
    let rules = schedule.hours_on(day(on)).filter_map(|(_, variant, weekday, said)| {
        Some(format!("{variant} {} {}", weekday.unwrap(), said.agreed()?.body.as_ref()?))
    });
    rules.collect()
}

#[test]
fn hours_that_are_planned_whole_are_not_mixed_with_what_is_entered_before_them() {
    let (today, later) = (day("2026-11-20"), day("2026-12-07"));
    let planned =
        [(Variant::Every, weekday("mo"), hours("09:00-12:00")), (Variant::Every, weekday("tu"), hours("09:00-12:00"))];
    let now =
        [(Variant::Every, weekday("mo"), hours("10:00-11:00")), (Variant::Even, weekday("we"), hours("14:00-16:00"))];
    let edits = set_hours(&read(&[MONDAYS]), &stamp(), later, &Place::Site, &planned).unwrap();
    let mut facts = facts(&[MONDAYS]);
    facts.extend(edits.into_iter().map(|(key, value)| (key, vec![value])));
    let before = Schedule::read(&facts);
    let edits = set_hours(&before, &stamp(), today, &Place::Site, &now).unwrap();
    facts.extend(edits.into_iter().map(|(key, value)| (key, vec![value])));
    let after = Schedule::read(&facts);
    assert_eq!(rules_on(&after, "2026-11-20"), ["every mo 10:00-11:00", "even we 14:00-16:00"]);
    assert_eq!(rules_on(&after, "2026-12-07"), ["every mo 09:00-12:00", "every tu 09:00-12:00"], "as it was planned");
    assert_eq!(set_hours(&after, &stamp(), today, &Place::Site, &now).unwrap(), [], "again, nothing");
    assert_eq!(set_hours(&after, &stamp(), later, &Place::Site, &planned).unwrap(), [], "again, nothing");

    // One day that is planned is not the whole: the others go on.
    let held = [MONDAYS, ("hours|2026-12-07|every|mo|-", "13:00-15:00")];
    let after = then(&held, set_hours(&read(&held), &stamp(), today, &Place::Site, &now).unwrap());
    assert_eq!(rules_on(&after, "2026-12-07"), ["every mo 13:00-15:00", "even we 14:00-16:00"]);
}

#[test]
fn agents_stay_with_the_hours_and_what_is_not_taken_over_is_told() {
    for (held, new, becomes, untold) in [
        ("08:39-12:00/free/2", "09:00-12:00", "09:00-12:00/free/2", ""),
        ("09:00-12:00/free/2", "09:00-10:00,10:30-12:30", "09:00-10:00/free/2,10:30-12:30/free/2", ""),
        ("09:00-12:00/free/2", "09:00-12:00/free/1", "09:00-12:00/free/1", ""),
        (
            "09:00-12:00/free/2,14:00-17:00/free/1",
            "09:00-17:00",
            "09:00-17:00",
            "09:00-12:00/free/2 14:00-17:00/free/1",
        ),
        ("09:00-12:00/free/2", "14:00-17:00", "14:00-17:00", "09:00-12:00/free/2"),
        ("09:00-12:00/free/2,14:00-17:00/free/1", "09:00-12:00", "09:00-12:00/free/2", ""),
        ("09:00-12:00/appointment", "09:00-12:00", "09:00-12:00", "09:00-12:00/appointment"),
        ("09:00-12:00/appointment/2", "09:00-12:00/phone", "09:00-12:00/phone/2", ""),
        ("09:00-12:00/free/2", "closed", "closed", ""),
    ] {
        let held = hours(held);
        let becoming = carried(&held, &hours(new));
        assert_eq!(becoming.to_string(), becomes, "{held} → {new}");
        let told: Vec<String> = dropped(&held, &becoming).iter().map(ToString::to_string).collect();
        assert_eq!(told.join(" "), untold, "{held} → {new}");
    }
}

#[test]
fn no_exception_and_no_absence_is_longer_than_a_slip_in_the_year_would_make_it() {
    let close = |to: &str| {
        let days = (day("2026-12-24"), day(to));
        super::close(&Schedule::default(), &stamp(), days, &Where::Everywhere, Reason::Holiday)
    };
    assert!(close("2028-01-27").is_ok(), "400 days");
    let refused = close("2028-01-28").unwrap_err();
    assert!(refused.field == "to" && refused.why.contains("401 jours"), "{refused:?}");
}

#[test]
fn hours_are_read_as_people_and_the_list_write_them() {
    for (text, read) in [
        ("8:30-12:00 / 13:30-17:30", "08:30-12:00,13:30-17:30"),
        ("9h-12h/13h30-17h", "09:00-12:00,13:30-17:00"),
        ("09:00-12:00, 14:00-17:00 sur rendez-vous", "09:00-12:00,14:00-17:00/appointment"),
        ("09:00-12:00 par téléphone", "09:00-12:00/phone"),
        ("09:00-12:00/appointment/2", "09:00-12:00/appointment/2"),
    ] {
        assert_eq!(hours(text).to_string(), read, "{text}");
    }
    assert!(field::hours("hours", "09:00-12:00/midi").unwrap_err().why.contains("midi"));
}
