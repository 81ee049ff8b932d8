//! Calendars out.

use icalendar::{
    Calendar as Parsed, CalendarComponent, CalendarDateTime, Component, DatePerhapsTime, Event, EventLike,
};
use proptest::prelude::*;

use super::{around, calendar, day, schedule, stamp};
use crate::document::schedule::OperatorToken;
use crate::id::SiteId;
use crate::io::hours::calendar::{CalendarSite, DAYS_MAX, Window, of_operator, of_site};
use crate::schedule::plan::plan;
use crate::schedule::{Calendar, Schedule};
use crate::time::SiteZone;

fn label(operator: &OperatorToken) -> String {
    if operator.to_string() == "CNAF" { "Caf".to_owned() } else { operator.to_string() }
}

fn facts(bodies: &[(&str, &str)]) -> Schedule {
    schedule(bodies.iter().map(|(key, body)| ((*key).to_owned(), stamp().write(body))).collect())
}

fn example() -> Schedule {
    facts(&[
        ("hours|2025-01-01|every|mo|-", "09:00-12:00,14:00-17:00/appointment"),
        ("hours|2025-01-01|every|su|-", "20:00-24:00"),
        ("hours|2025-01-01|every|tu|mairie", "09:00-10:00"),
        ("place|mairie", "Mairie, salle 2; étage \\ A|1 place de l’Église, 49120 Chemillé"),
        ("permanence|2025-01-01|CNAF|every|mo|-", "09:00-11:00"),
        ("off|2026-03-02|CNAF|-", "cancelled|staff_absence"),
        ("on|2026-03-09..2026-03-09|-", "closed|works"),
    ])
}

/// A site's calendar, as text and as another program reads it.
fn written(schedule: &Schedule, from: &str, to: &str, zone: &str) -> (String, Parsed) {
    let (holidays, id, zone): (Calendar, SiteId, SiteZone) =
        (calendar(), "275".parse().unwrap(), zone.parse().unwrap());
    let site = CalendarSite {
        id: &id,
        name: "France services Chemillé",
        address: "2 rue de l’Hôtel-de-Ville, 49120 Chemillé-en-Anjou",
        zone: &zone,
        schedule,
        around: around(&holidays, "metropole", "B"),
    };
    let text = of_site(&site, Window::new(day(from), Some(day(to))).unwrap(), &label);
    let parsed = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    (text, parsed)
}

fn named<'a>(calendar: &'a Parsed, uid: &str) -> &'a Event {
    calendar.events().find(|event| event.get_uid() == Some(uid)).unwrap_or_else(|| panic!("no {uid}"))
}

/// When an event begins or ends, with its clock.
fn at(moment: Option<DatePerhapsTime>) -> String {
    match moment {
        Some(DatePerhapsTime::DateTime(CalendarDateTime::WithTimezone { date_time, tzid })) => {
            format!("{date_time} {tzid}")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn an_event_is_at_a_place_by_its_name_and_never_by_its_slug() {
    let place = |calendar: &Parsed| {
        let mut places = calendar.events().filter_map(|event| event.get_location().map(str::to_owned));
        places.find(|place| !place.starts_with("France services Chemillé,")).unwrap()
    };
    let (_, named) = written(&example(), "2026-02-23", "2026-03-01", "Europe/Paris");
    assert_eq!(place(&named), "Mairie, salle 2; étage \\ A, 1 place de l’Église, 49120 Chemillé");
    let unnamed = facts(&[("hours|2025-01-01|every|tu|mairie-annexe", "09:00-10:00")]);
    let (_, unnamed) = written(&unnamed, "2026-02-23", "2026-03-01", "Europe/Paris");
    assert_eq!(place(&unnamed), "France services Chemillé (mairie annexe)");
}

#[test]
fn openings_and_permanences_are_events_in_the_sites_own_clock() {
    let (text, calendar) = written(&example(), "2026-02-23", "2026-03-15", "Europe/Paris");
    assert_eq!(calendar.get_name(), Some("France services Chemillé"));
    let morning = named(&calendar, "275-2026-02-23-ouvert-site-1@msap");
    assert_eq!(at(morning.get_start()), "2026-02-23 09:00:00 Europe/Paris");
    assert_eq!(at(morning.get_end()), "2026-02-23 12:00:00 Europe/Paris");
    assert_eq!(morning.get_summary(), Some("Ouvert – France services Chemillé"));
    assert_eq!(
        morning.get_location(),
        Some("France services Chemillé, 2 rue de l’Hôtel-de-Ville, 49120 Chemillé-en-Anjou")
    );
    let afternoon = named(&calendar, "275-2026-02-23-ouvert-site-2@msap");
    assert_eq!(afternoon.get_summary(), Some("Ouvert sur rendez-vous – France services Chemillé"));
    // Escapes are undone as they were done.
    let elsewhere = named(&calendar, "275-2026-02-24-ouvert-lieu-mairie-1@msap");
    assert_eq!(elsewhere.get_location(), Some("Mairie, salle 2; étage \\ A, 1 place de l’Église, 49120 Chemillé"));
    // The end of the day is midnight of the next.
    assert_eq!(at(named(&calendar, "275-2026-03-01-ouvert-site-1@msap").get_end()), "2026-03-02 00:00:00 Europe/Paris");
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
}

#[test]
fn a_permanence_that_does_not_take_place_stays_cancelled() {
    let (_, calendar) = written(&example(), "2026-02-23", "2026-04-12", "Europe/Paris");
    let status = |uid: &str| named(&calendar, uid).property_value("STATUS").map(str::to_owned);
    assert_eq!(status("275-2026-02-23-CNAF-site-1@msap").as_deref(), Some("CONFIRMED"));
    for (uid, why) in [
        ("275-2026-03-02-CNAF-site-1@msap", "Motif : absence de personnel"),
        ("275-2026-03-09-CNAF-site-1@msap", "Motif : travaux"),
        ("275-2026-04-06-CNAF-site-1@msap", "Motif : Lundi de Pâques"),
    ] {
        assert_eq!(status(uid).as_deref(), Some("CANCELLED"), "{uid}");
        assert_eq!(named(&calendar, uid).get_description(), Some(why));
        assert_eq!(named(&calendar, uid).get_summary(), Some("Annulée : Permanence Caf – France services Chemillé"));
    }
}

#[test]
fn other_hours_keep_the_events_name_and_the_same_facts_the_same_bytes() {
    let uids = |hours: &str| -> Vec<String> {
        let (_, calendar) =
            written(&facts(&[("hours|2025-01-01|every|mo|-", hours)]), "2026-02-23", "2026-03-01", "Europe/Paris");
        calendar.events().filter_map(|event| event.get_uid().map(str::to_owned)).collect()
    };
    assert_eq!(uids("09:00-12:00"), uids("10:00-12:30"));
    let once = || written(&example(), "2026-02-23", "2026-03-15", "Europe/Paris").0;
    assert_eq!(once(), once());
}

#[test]
fn contradicted_days_are_shown_without_hours() {
    let values = vec![stamp().write("09:00-12:00"), stamp().write("closed")];
    let contradicted = Schedule::read(&[("hours|2025-01-01|every|mo|-".to_owned(), values)].into());
    let (_, calendar) = written(&contradicted, "2026-02-23", "2026-02-23", "Europe/Paris");
    let events: Vec<&Event> = calendar.events().collect();
    assert_eq!(events.len(), 1);
    assert!(events[0].get_summary().unwrap().starts_with("Horaires contradictoires"));
    assert_eq!(events[0].property_value("DTSTART"), Some("20260223"));
}

#[test]
fn every_legal_clock_is_carried_with_its_changes() {
    for (zone, onsets) in [
        ("Europe/Paris", 3),
        ("America/Miquelon", 3),
        ("America/Guadeloupe", 1),
        ("America/Martinique", 1),
        ("America/Cayenne", 1),
        ("Indian/Reunion", 1),
        ("Indian/Mayotte", 1),
        ("Pacific/Noumea", 1),
        ("Pacific/Tahiti", 1),
        ("Pacific/Wallis", 1),
    ] {
        let (text, calendar) = written(&example(), "2026-02-23", "2026-11-20", zone);
        let clocks = calendar.components.iter().filter(|component| matches!(component, CalendarComponent::Other(_)));
        assert_eq!(clocks.count(), 1, "{zone}");
        assert!(text.contains(&format!("TZID:{zone}\r\n")), "{zone}");
        assert_eq!(text.matches("TZOFFSETTO").count(), onsets, "{zone}: {text}");
    }
    let (text, _) = written(&example(), "2026-02-23", "2026-11-20", "Europe/Paris");
    let summer = "BEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nEND:DAYLIGHT\r\n";
    assert!(text.contains(summer), "{text}");
}

#[test]
fn a_partners_permanences_at_many_sites_are_one_calendar() {
    let holidays = calendar();
    let schedule = example();
    let ids: Vec<SiteId> = ["275", "276"].map(|id| id.parse().unwrap()).into();
    let zones: Vec<SiteZone> = ["Europe/Paris", "Indian/Reunion"].map(|zone| zone.parse().unwrap()).into();
    let sites = ids.iter().zip(&zones).map(|(id, zone)| CalendarSite {
        id,
        name: "Maison",
        address: "",
        zone,
        schedule: &schedule,
        around: around(&holidays, "metropole", "B"),
    });
    let text = of_operator(&"CNAF".parse().unwrap(), sites, Window::new(day("2026-02-23"), None).unwrap(), &label);
    let parsed: Parsed = text.parse().unwrap();
    assert_eq!(parsed.get_name(), Some("Permanences Caf"));
    let starts: Vec<String> = parsed.events().map(|event| at(event.get_start())).collect();
    assert_eq!(starts.len(), 16, "eight weeks of two sites");
    assert!(starts.contains(&"2026-02-23 09:00:00 Indian/Reunion".to_owned()), "{starts:?}");
    assert!(parsed.events().all(|event| event.get_uid().is_some_and(|uid| uid.contains("-CNAF-site-1@"))));
}

#[test]
fn a_window_has_an_end() {
    let from = day("2026-01-01");
    assert!(Window::new(from, Some(from.plus_days(DAYS_MAX - 1))).is_ok());
    for (to, why) in [(from.plus_days(DAYS_MAX), "treize mois"), (from.plus_days(-1), "inversez")] {
        let error = Window::new(from, Some(to)).unwrap_err();
        assert!(error.field == "to" && error.why.contains(why), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back_from_the_lines(name in r"\PC{1,120}", address in r"[\PC;,\\]{0,90}") {
        let label = format!("{}|{}", name.replace('|', " ").trim(), address.replace('|', " "));
        let body: Result<crate::document::schedule::PlaceLabel, _> = label.parse();
        prop_assume!(body.is_ok());
        let place = body.unwrap();
        let schedule = facts(&[("hours|2025-01-01|every|tu|mairie", "09:00-10:00"), ("place|mairie", &label)]);
        let (text, parsed) = written(&schedule, "2026-02-24", "2026-02-24", "Europe/Paris");
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75));
        let expected = match place.address.as_str() {
            "" => place.label.to_string(),
            address => format!("{}, {address}", place.label),
        };
        let event = parsed.events().next().unwrap();
        prop_assert_eq!(event.get_location(), Some(expected.as_str()), "{}", text);
    }

    #[test]
    fn events_are_the_planned_intervals(start in 0..300_i32) {
        let (schedule, holidays) = (example(), calendar());
        let from = day("2026-01-01").plus_days(start);
        let (_, parsed) = written(&schedule, &from.to_string(), &from.plus_days(6).to_string(), "Europe/Paris");
        let around = around(&holidays, "metropole", "B");
        let planned: usize = super::days(from, 7).map(|day| plan(&schedule, day, &around)).map(|plan| plan.openings.len() + plan.permanences.len()).sum();
        prop_assert_eq!(parsed.events().count(), planned);
    }
}
