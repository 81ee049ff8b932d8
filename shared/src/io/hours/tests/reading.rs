//! Text in.

use proptest::prelude::*;

use super::{day, days, judge, no_holidays, open_on, public_days, scheduled};
use crate::document::register::FieldError;
use crate::io::hours::read;
use crate::schedule::plan::{Surroundings, plan};

/// What a text becomes: one line a rule.
fn told(text: &str) -> String {
    let read = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let rule = |(variant, weekday, hours): &crate::schedule::edit::Rule| match weekday {
        Some(weekday) => format!("{variant} {weekday} {hours}"),
        None => format!("{variant} {hours}"),
    };
    let exceptions = read.exceptions.iter().map(|((from, to), exception)| format!("{from}..{to} {exception}"));
    read.rules.iter().map(rule).chain(exceptions).collect::<Vec<_>>().join("\n")
}

#[test]
fn texts_become_rules() {
    for (text, rules) in [
        ("Mo 09:00-12:00,13:30-17:00", "every mo 09:00-12:00,13:30-17:00"),
        ("Mo,We 9:00-12:00; We off", "every mo 09:00-12:00\nevery we closed"),
        ("Sa-Su 10:00-12:00", "every sa 10:00-12:00\nevery su 10:00-12:00"),
        ("Mo 09:00-12:00, Mo 14:00-17:00 \"sur rendez-vous\"", "every mo 09:00-12:00,14:00-17:00/appointment"),
        ("Mo 09:00-12:00 \"sans rendez-vous\"", "every mo 09:00-12:00"),
        ("Mo 09:00-12:00 \"par téléphone\"", "every mo 09:00-12:00/phone"),
        ("Mo 09:00-12:00 unknown \"by appointment\"", "every mo 09:00-12:00/appointment"),
        ("Mo 09:00-17:00; Mo 12:00-13:00 off", "every mo 09:00-12:00,13:00-17:00"),
        ("week 01-53/2 Mo 09:00-12:00; week 02-52/2 Mo 14:00-17:00", "odd mo 09:00-12:00\neven mo 14:00-17:00"),
        ("Tu 09:00-12:00; Tu[1] off", "every tu 09:00-12:00\n1st tu closed"),
        ("Fr[-1] 09:00-12:00; Sa[1,3] 09:00-11:00", "last fr 09:00-12:00\n1st sa 09:00-11:00\n3rd sa 09:00-11:00"),
        ("Mo 09:00-12:00; Jul-Aug Mo 10:00-12:00", "every mo 09:00-12:00\n07-01..08-31 mo 10:00-12:00"),
        ("Mo 09:00-12:00; Dec 20-Jan 05 Mo off", "every mo 09:00-12:00\n12-20..01-05 mo closed"),
        (
            "Mo 09:00-12:00; 2026 Jul 01-Aug 31 Mo 10:00-12:00",
            "every mo 09:00-12:00\n2026-07-01..2026-08-31 mo 10:00-12:00",
        ),
        ("Mo 09:00-12:00; 2026 Jul Mo 10:00-12:00", "every mo 09:00-12:00\n2026-07-01..2026-07-31 mo 10:00-12:00"),
        ("Mo 09:00-12:00; 2026 Aug 03-16 off", "every mo 09:00-12:00\n2026-08-03..2026-08-16 closed|other"),
        (
            "Mo 09:00-12:00; 2026 May 04 14:00-16:00",
            "every mo 09:00-12:00\n2026-05-04..2026-05-04 hours|other|14:00-16:00",
        ),
        ("Mo 09:00-12:00; SH off", "every mo 09:00-12:00\nschool mo closed"),
        ("Mo 09:00-12:00; SH Mo 10:00-12:00", "every mo 09:00-12:00\nschool mo 10:00-12:00"),
        ("Mo 09:00-12:00; PH off", "every mo 09:00-12:00\nholiday closed"),
        ("Mo 09:00-12:00; Su,PH off", "every mo 09:00-12:00\nevery su closed\nholiday closed"),
        ("Mo 09:00-12:00; PH 10:00-11:00", "every mo 09:00-12:00\nholiday 10:00-11:00"),
        // The narrower comes first in a schedule, whichever is written first, where they agree.
        ("Jul-Aug Mo 10:00-12:00; Mo 09:00-12:00", "every mo 09:00-12:00\n07-01..08-31 mo 09:00-12:00"),
        ("Mo 24/7", ""),
    ] {
        if rules.is_empty() {
            read(text).unwrap_err();
        } else {
            assert_eq!(told(text), rules, "{text}");
        }
    }
}

#[test]
fn what_no_rules_can_say_is_told_by_its_place_and_the_next_step() {
    let mut wrong = Vec::new();
    for (text, place, why) in [
        ("", "", "écrivez par exemple"),
        ("  ", "", "écrivez par exemple"),
        ("rendez-vous", "au caractère 1", "écrivez par exemple"),
        ("Mo 09:00-12:00; Xx 10:00", "au caractère 17", "écrivez par exemple"),
        ("Mo 25:00-26:00", "au caractère", "écrivez par exemple"),
        ("Mo 17:00-09:00", "règle 1", "coupez-le à 24:00"),
        ("Mo 22:00-26:00", "règle 1", "coupez-le à 24:00"),
        ("Mo 09:00-09:00", "règle 1", "donnez une fin"),
        ("Mo 09:00-13:00,12:00-17:00", "règle 1", "réunissez-les"),
        ("Mo 09:00-13:00, Mo 12:00-17:00", "règle 2", "réunissez-les"),
        ("Tu 09:00-12:00; Mo sunrise-12:00", "règle 2, « Mo sunrise-12:00 »", "donnez des heures"),
        ("Mo 09:00+", "règle 1", "donnez l’heure de fermeture"),
        ("Mo 10:00-16:00/01:30", "règle 1", "donnez les créneaux"),
        ("Mo 09:00-12:00 || \"sur rendez-vous\"", "règle 2", "choisissez"),
        ("Mo unknown", "règle 1", "donnez les heures"),
        ("Mo-Fr \"sur rendez-vous\"", "règle 1", "donnez les heures"),
        ("Mo 09:00-12:00 \"sur rendez-vous ou par téléphone\"", "règle 1", "un commentaire chacun"),
        ("week 1-26 Mo 09:00-12:00", "règle 1", "week 01-53/2"),
        ("week 1-51/2 Mo 09:00-12:00", "règle 1", "week 01-53/2"),
        ("Mo[-2] 09:00-12:00", "règle 1", "[-1]"),
        ("PH +1 day off", "règle 1", "donnez les dates"),
        ("easter off", "règle 1", "donnez les dates"),
        ("2026-2030/2 Mo 09:00-12:00", "règle 1", "2000 à 2099"),
        ("1999 Jul 01-2000 Jul 02 Mo 09:00-12:00", "règle 1", "2000 à 2099"),
        ("Feb 30 off", "règle 1", "n’est pas un jour"),
        ("2026 Feb 29 off", "règle 1", "n’est pas un jour"),
        ("2026 Jul 10-2026 Jul 01 off", "règle 1", "inversez"),
        ("2030-2026 Mo 09:00-12:00", "", "inversée"),
        ("Mo 09:00-12:00; PH,SH off", "règle 2", "une autre pour SH"),
        ("Mo 09:00-12:00; PH Mo off; Su,PH off", "règle 2", "à part"),
        ("PH off; Mo 09:00-12:00", "règle 1", "à la fin"),
        ("Mo[1] 09:00-12:00; week 01-53/2 Mo 14:00-17:00", "règle", "général au particulier"),
        (
            "Mo 01:00-02:00,03:00-04:00,05:00-05:10,05:20-05:30,05:40-05:50,06:00-06:10,06:20-06:30,06:40-06:50,\
          07:00-07:10,07:20-07:30,07:40-07:50,08:00-08:10,08:20-08:30",
            "règle 1",
            "douze",
        ),
    ] {
        let told = read(text).map_err(|error| FieldError::from(error).to_string());
        if !told.as_ref().is_err_and(|said| said.starts_with("hours: ") && said.contains(place) && said.contains(why)) {
            wrong.push(format!("{text}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let long = "Mo 09:00-12:00; ".repeat(200);
    assert!(read(&long).unwrap_err().to_string().contains("abrégez"));
}

#[test]
fn comments_that_no_schedule_holds_are_told() {
    let read = read("Mo 09:00-12:00 \"entrée par la cour\"").unwrap();
    assert_eq!(read.remarks, ["règle 1 : le commentaire « entrée par la cour » n’est pas repris"]);
}

/// Texts as people write them, and as nobody should.
fn texts() -> impl Strategy<Value = String> {
    let wide = prop_oneof![
        6 => Just(""),
        1 => Just("week 01-53/2 "),
        1 => Just("week 02-52/2 "),
        1 => Just("Jul 01-Aug 15 "),
        1 => Just("Dec 20-Jan 04 "),
        1 => Just("2026 Mar 02-2026 Apr 10 "),
        1 => Just("2026 Mar 05 "),
        1 => Just("2026 "),
    ];
    let small = prop_oneof![
        Just("Mo-Fr "),
        Just("Mo "),
        Just("Tu,Th "),
        Just("Mo[1] "),
        Just("Mo[-1] "),
        Just("We[2,4] "),
        Just("SH "),
        Just("PH "),
        Just("Mo-Su,PH "),
        Just(""),
    ];
    let hours = prop_oneof![
        4 => Just("09:00-12:00"), 4 => Just("09:00-12:00,14:00-17:00"), 1 => Just("13:00-15:00"), 3 => Just("off"),
        1 => Just("12:00-14:30 off"), 1 => Just("16:00-18:00 \"sur rendez-vous\""),
    ];
    let separator = prop_oneof![3 => Just("; "), 1 => Just(", ")];
    proptest::collection::vec((separator, wide, small, hours), 1..5).prop_map(|rules| {
        let mut text = String::new();
        for (at, (separator, wide, small, hours)) in rules.into_iter().enumerate() {
            text += if at == 0 { "" } else { separator };
            text += &format!("{wide}{small}{hours}");
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_text_that_is_read_means_the_same_on_every_day(text in texts()) {
        if let Ok(parsed) = read(&text) {
            // A text that is silent about public holidays leaves them to the calendar: here it has some
            // only where the text speaks of them.
            let speaks = parsed.rules.iter().any(|(_, weekday, _)| weekday.is_none());
            let mut calendar = no_holidays(2026..=2027);
            if speaks {
                calendar.add_public("none", day("2026-05-01"), "1er mai");
                calendar.add_public("none", day("2026-03-05"), "jour inventé");
            }
            for (from, until) in [("2026-02-14", "2026-03-16"), ("2026-07-04", "2026-09-01")] {
                let (from, until) = (day(from), day(until));
                let holiday = crate::schedule::calendar::SchoolHoliday {
                    from, until, name: "vacances".into(), population: "".into(),
                };
                calendar.add_school("X", &holiday);
            }
            let around = Surroundings { calendar: &calendar, holiday_zone: "none", school_zone: "X", closures: &[] };
            let from = day("2026-02-14");
            let public = public_days(&calendar, "none", from, 190);
            let school: Vec<_> = days(from, 190)
                .filter(|day| matches!(calendar.school("X", "none", *day), crate::schedule::calendar::Known::Yes(Some(_))))
                .collect();
            let (schedule, judged) = (scheduled(&text, day("2026-01-01")), judge(&text, &public, &school));
            for day in days(from, 190) {
                let plan = plan(&schedule, day, &around);
                prop_assert_eq!(open_on(&judged, day), plan.intervals(), "{} {}: {:?}", day, &text, &plan.why);
            }
        }
    }

    #[test]
    fn no_text_panics(text in r#"([MTWFS][ouehra](-Fr|\[[0-6-]{1,2}\])? ?|[0-9]{2}:[0-9]{2}[-+,]?|week |PH|SH|off|[;,|"] ?|[0-9]{4} ?|(Jan|Feb|Dec) ?|/[0-9]{1,4}|easter|\PC){0,14}"#) {
        if let Ok(read) = read(&text) {
            prop_assert!(read.rules.len() <= 7 * 400);
        }
    }
}
