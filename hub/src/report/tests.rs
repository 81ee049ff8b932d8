//! Claims about the report of a site, against a naive reckoning.

use msap_shared::document::register::Facts;
use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::params;

use super::*;
use crate::lang::Lang;
use crate::sheet::SheetFormat;
use crate::sheet::Table;
use crate::site::Kind;
use crate::store::{meta, rollups};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// Perseigne with Courteille, its antenna until 14 October 2026, and Chemillé, where it goes then.
fn store() -> Connection {
    let conn = crate::store::empty();
    let moves = day("2026-10-15").number();
    conn.execute_batch(&format!(
        "INSERT INTO site (id, name, kind, parent, department, region, timezone, holiday_zone, commune) VALUES
           ('361', 'Perseigne', 'house', NULL, '61', '28', 'Europe/Paris', 'metropole', 'Alençon'),
           ('597', 'Courteille', 'antenna', '275', '61', '28', 'Europe/Paris', 'metropole', 'Alençon'),
           ('275', 'Chemillé', 'house', NULL, '49', '52', 'Europe/Paris', 'metropole', 'Chemillé');
         DELETE FROM site_span WHERE site = '597';
         INSERT INTO site_span VALUES ('597', 0, {moves} - 1, 'open', '361', '61', '28', ''),
                                      ('597', {moves}, 36524, 'open', '275', '61', '28', '');"
    ))
    .unwrap();
    meta::date_epoch(&conn, day("2025-01-01")).unwrap();
    conn
}

/// Both open Monday to Wednesday from 9 to 12; a closure, a network closure, a permanence on Tuesdays.
fn pages() -> Pages {
    let fact = |body: &str| vec![format!("device:5f1e0c9a|2024-01-05|{body}")];
    let mut hours = Facts::new();
    for weekday in ["mo", "tu", "we"] {
        hours.insert(format!("hours|2024-01-01|every|{weekday}|-"), fact("09:00-12:00"));
    }
    let mut own = hours.clone();
    own.insert("on|2026-10-05..2026-10-07|*".to_owned(), fact("closed|works"));
    own.insert("permanence|2024-01-01|CNAF|every|tu|-".to_owned(), fact("09:00-11:00"));
    own.insert("off|2026-10-13|CNAF|-".to_owned(), fact("cancelled|strike"));
    Pages::default().with("361", &own, &Facts::new()).with("597", &hours, &Facts::new())
}

fn asked(given: &[(&str, &str)]) -> Question {
    let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ask(&given, day("2026-11-22")).unwrap()
}

fn report(conn: &Connection, given: &[(&str, &str)]) -> Report {
    let (site, _) = sites::find(conn, &"361".parse().unwrap()).unwrap().unwrap();
    of(conn, &pages(), site, asked(given), now()).unwrap()
}

type Cell = (&'static str, &'static str, &'static str, &'static str, i64);

fn put(conn: &Connection, cells: &[Cell]) {
    for (site, on, operator, age, n) in cells {
        let sql = "INSERT INTO visits VALUES (?1, ?2, ?3, 'online', ?4, ?2, 0, ?5, ?5 + 1)
                   ON CONFLICT DO UPDATE SET people = people + ?5, requests = requests + ?5 + 1";
        conn.execute(sql, params![site, day(on).number(), operator, age, n]).unwrap();
    }
    rollups::sum_anew(conn);
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let days = ["2025-10-03", "2025-10-20", "2026-09-30", "2026-10-01", "2026-10-14", "2026-10-15", "2026-10-31"];
    let cell = (
        select(vec!["275", "361", "597"]),
        select(days.to_vec()),
        select(vec!["CNAF", "MSA"]),
        select(vec!["70+", "unknown"]),
        1..9_i64,
    );
    prop::collection::vec(cell, 0..25)
}

/// Visits by site in September and October 2026, or in those of the year before.
fn reckoned(cells: &[Cell], year: &str) -> BTreeMap<&'static str, i64> {
    let mut sums = BTreeMap::new();
    for (site, on, .., n) in cells.iter().filter(|cell| cell.1.starts_with(year)) {
        let attached = *site == "361" || (*site == "597" && day(on) < day("2026-10-15"));
        if attached && (day(on).month() >= day(&format!("{year}-09-01")).month()) {
            *sums.entry(*site).or_insert(0) += n;
        }
    }
    sums
}

const AUTUMN: [(&str, &str); 2] = [("from", "2026-09-01"), ("to", "2026-10-31")];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_house_has_its_antennas_while_they_are_its_own_and_each_is_told_for_itself(cells in cells()) {
        let conn = store();
        put(&conn, &cells);
        let (sums, then) = (reckoned(&cells, "2026"), reckoned(&cells, "2025"));
        let all = |sums: &BTreeMap<_, i64>| sums.values().sum::<i64>();
        let whole = report(&conn, &AUTUMN).whole;
        prop_assert_eq!(whole.total.visits, Some(all(&sums)));
        prop_assert_eq!(whole.total.then.map(|then| then.0), (!then.is_empty()).then(|| Some(all(&then))));
        for lines in [&whole.months, &whole.ages] {
            prop_assert_eq!(lines.iter().filter_map(|(_, figure)| figure.visits).sum::<i64>(), all(&sums));
        }
        for lines in [&whole.operators, &whole.helps] {
            prop_assert_eq!(lines.iter().map(|(_, figure)| figure.requests).sum::<i64>(), whole.total.requests);
        }
        let alone = report(&conn, &[AUTUMN[0], AUTUMN[1], ("antennas", "none")]).whole;
        prop_assert_eq!(alone.total.visits.unwrap_or(0), sums.get("361").copied().unwrap_or(0));
        let apart = report(&conn, &[AUTUMN[0], AUTUMN[1], ("antennas", "apart")]);
        prop_assert_eq!(apart.whole.total, whole.total);
        prop_assert_eq!(apart.parts.iter().map(|(site, _)| site.id.as_str()).collect::<Vec<_>>(), ["361", "597"]);
        for (site, part) in &apart.parts {
            let visits = sums.get(site.id.as_str()).copied().unwrap_or(0);
            prop_assert_eq!(part.total.visits.unwrap_or(0), visits);
            let by_month: i64 = part.months.iter().filter_map(|(_, figure)| figure.visits).sum();
            prop_assert_eq!(by_month, visits);
        }
    }

    #[test]
    fn hours_closures_and_permanences_are_what_the_calendar_on_the_wall_says(from in 0..350_i32, length in 0..200_i32) {
        let conn = store();
        let from = day("2025-12-01").plus_days(from);
        let to = from.plus_days(length).min(day("2026-11-22"));
        let found = report(&conn, &[("from", &from.to_string()), ("to", &to.to_string())]);
        let (mut days, mut shut, mut held, mut cancelled) = (0_u32, 0, 0_u32, 0_u32);
        let last = to.min(day("2026-11-21"));
        // Monday to Wednesday, but for those of the holidays between.
        let holidays = ["2026-04-06", "2026-05-25", "2026-07-14", "2026-11-11"].map(day);
        for on in (from.number()..=last.number()).filter_map(Day::from_number) {
            let weekday = on.date().weekday().to_monday_zero_offset();
            let closed = (day("2026-10-05")..=day("2026-10-07")).contains(&on);
            shut += i32::from(closed);
            if weekday > 2 {
                continue;
            }
            let holiday = holidays.contains(&on);
            days += u32::from(!closed && !holiday) + u32::from(on < day("2026-10-15") && !holiday);
            if weekday == 1 {
                let comes = !closed && !holiday && on != day("2026-10-13");
                (held, cancelled) = (held + u32::from(comes), cancelled + u32::from(!comes));
            }
        }
        let Held { whole, months, closures, permanences } = &found.whole.held;
        prop_assert_eq!((whole.days, whole.minutes, whole.unknown), (days, i64::from(days) * 180, 0));
        prop_assert_eq!(months.values().map(|hours| hours.days).sum::<u32>(), days);
        prop_assert_eq!(closures.iter().map(held::Closure::days).sum::<i32>(), shut);
        prop_assert!(closures.len() <= 1 && closures.iter().all(|closure| closure.code() == "works" && closure.whole));
        let caf = permanences.get("CAF").cloned().unwrap_or_default();
        prop_assert_eq!((caf.held, caf.cancelled, caf.minutes), (held, cancelled, i64::from(held) * 120));
        prop_assert_eq!(caf.reasons.values().sum::<u32>(), cancelled);
    }
}

#[test]
fn a_text_has_the_sections_that_a_committee_reads() {
    let conn = store();
    put(&conn, &[("361", "2026-10-01", "CNAF", "70+", 6), ("597", "2026-10-14", "MSA", "70+", 3)]);
    put(&conn, &[("361", "2025-10-01", "CNAF", "70+", 6)]);
    let text = report(&conn, &[("from", "2026-10-01"), ("to", "2026-10-31")]).sections(Lang::Fr);
    let expected = "\
Perseigne (361)
Rapport du 1er octobre 2026 au 31 octobre 2026
Alençon, 61
Avec les antennes : Courteille (597)
Jours et heures : ceux de 2 lieux, additionnés

Fréquentation
─────────────
         visites  demandes  un an avant    écart
  Total        9        11            6  +50,0 %
Complétude : aucun jour n’était attendu

Par mois
────────
                visites  demandes  un an avant    écart
  octobre 2026        9        11            6  +50,0 %

Par partenaire
──────────────
       demandes  un an avant   écart
  CAF         7            7  +0,0 %
  MSA         4            –       –

Par type d’aide
───────────────
                     demandes  un an avant    écart
  Démarche en ligne        11            7  +57,1 %

Par âge
───────
           visites  demandes  un an avant    écart
  70 et +        9        11            6  +50,0 %

Ouverture
─────────
Heures prévues : 45,0 h sur 15 jours (un an avant : 78,0 h sur 26 jours)
  du 5 octobre 2026 au 7 octobre 2026, fermé : travaux

Permanences
───────────
       maintenues  annulées  heures  un an avant
  CAF           2         2     4,0            4
  CAF, annulations : grève 1, travaux 1
";
    assert_eq!(text.lines().map(str::trim_end).collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
    let english = report(&conn, &[("from", "2026-10-01"), ("to", "2026-10-31")]).sections(Lang::En);
    assert!(english.contains("Hours planned: 45.0 h on 15 days (a year before: 78.0 h on 26 days)"), "{english}");
}

#[test]
fn a_house_that_has_closed_is_told_to_have_in_every_form() {
    let conn = store();
    let spans = |closed: i32, again: i32| {
        conn.execute_batch(&format!(
            "DELETE FROM site_span WHERE site = '361';
             INSERT INTO site_span VALUES ('361', 0, {closed} - 1, 'open', NULL, '61', '28', ''),
                                          ('361', {closed}, {again} - 1, 'retired', NULL, '61', '28', ''),
                                          ('361', {again}, 36524, 'retired', NULL, '61', '28', '');"
        ))
        .unwrap();
    };
    let october = [("from", "2026-10-01"), ("to", "2026-10-31"), ("antennas", "none")];
    assert_eq!(report(&conn, &october).object()["whole"]["closed"], serde_json::json!([]));
    let told = || {
        let found = report(&conn, &october);
        let csv = String::from_utf8(found.sheet().write(SheetFormat::CsvFr)).unwrap();
        (found.object()["whole"]["closed"].clone(), found.sections(Lang::Fr), csv)
    };
    // In the period, and after it; another field that changed meanwhile is no second closing.
    for (on, french) in [("2026-10-08", "8 octobre 2026"), ("2026-11-05", "5 novembre 2026")] {
        spans(day(on).number(), day("2026-11-10").number());
        let (object, text, csv) = told();
        assert_eq!(object, serde_json::json!([{ "from": on, "to": null }]));
        assert!(text.contains(&format!("\nFermée définitivement le {french}\n")), "{text}");
        let day = crate::sheet::french(on);
        assert!(csv.contains(&format!("\r\nfermeture définitive;361;Perseigne;;{day};;")), "{csv}");
    }
    // It has opened again, or nobody knows when it closed.
    let reopened = "UPDATE site_span SET life = 'open' WHERE site = '361' AND to_day = 36524";
    conn.execute_batch(reopened).unwrap();
    assert_eq!(told().0, serde_json::json!([{ "from": "2026-11-05", "to": "2026-11-09" }]));
    conn.execute_batch("UPDATE site_span SET life = 'retired' WHERE site = '361'").unwrap();
    let (object, text, _) = told();
    assert_eq!(object, serde_json::json!([{ "from": null, "to": null }]));
    assert!(text.contains("\nFermée définitivement\n"), "{text}");
}

#[test]
fn days_of_several_sites_are_told_as_such_and_one_is_singular() {
    let conn = store();
    put(&conn, &[("361", "2026-10-06", "CNAF", "70+", 1)]);
    let day = [("from", "2026-10-12"), ("to", "2026-10-12")];
    let text = report(&conn, &day).sections(Lang::Fr);
    assert!(text.contains("Jours et heures : ceux de 2 lieux, additionnés"), "{text}");
    let alone = [&day[..], &[("antennas", "none")]].concat();
    let text = report(&conn, &alone).sections(Lang::Fr);
    assert!(!text.contains("additionnés") && text.contains("Heures prévues : 3,0 h sur 1 jour ("), "{text}");
    assert_eq!(report(&conn, &day).object()["whole"]["sites_summed"], 2);
    let one = report(&conn, &[("from", "2026-10-06"), ("to", "2026-10-06")]).summary(Lang::Fr);
    assert!(one.ends_with(" : 1 visite, 2 demandes"), "{one}");
}

#[test]
fn json_and_table_tell_the_same_figures() {
    let conn = store();
    put(&conn, &[("361", "2026-10-01", "CNAF", "70+", 6), ("597", "2026-10-14", "MSA", "70+", 3)]);
    let found = report(&conn, &[("from", "2026-10-01"), ("to", "2026-10-31"), ("antennas", "apart")]);
    let object = found.object();
    assert_eq!(object["whole"]["total"], serde_json::json!({ "visits": 9, "requests": 11, "compared": null }));
    assert_eq!(object["whole"]["hours"]["minutes"], 2_700);
    assert_eq!((&object["compare"]["from"], &object["held_until"]), (&"2025-10-01".into(), &"2026-10-31".into()));
    assert_eq!(object["sites"][1]["operators"][0]["operator"], "MSA");
    assert_eq!((found.parts[1].0.kind, &object["completeness"]["expected"]), (Kind::Antenna, &0.into()));
    let csv = String::from_utf8(found.sheet().write(SheetFormat::Csv)).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[1], "total,361,Perseigne,,2026-10-01,2026-10-31,9,11,,,15,45.0,26,78.0,0,,,0,0,2");
    assert!(lines.contains(&"closure,361,Perseigne,works,2026-10-05,2026-10-07,,,,,3,,,,,,,,,"), "{csv}");
    assert!(lines.contains(&"permanence,361,Perseigne,CAF,2026-10-01,2026-10-31,,,,,,4.0,,,,2,2,,,"), "{csv}");
    assert!(lines.contains(&"operator,597,Courteille,MSA,2026-10-01,2026-10-31,,4,,,,,,,,,,,,"), "{csv}");
}

#[test]
fn days_to_come_are_not_held_and_a_house_without_hours_is_unknown() {
    let conn = store();
    let found = report(&conn, &[("from", "2026-11-01"), ("to", "2026-11-22")]);
    assert_eq!(found.held_until, day("2026-11-21"));
    assert_eq!(found.whole.held.whole.days, 8, "six of November until the 18th, and none of the 11th: {found:?}");
    let none = {
        let (site, _) = sites::find(&conn, &"275".parse().unwrap()).unwrap().unwrap();
        of(&conn, &Pages::default(), site, asked(&AUTUMN), now()).unwrap()
    };
    // 61 days of its own, 17 of the antenna that came to it.
    assert_eq!((none.whole.held.whole.days, none.whole.held.whole.unknown), (0, 78));
    let default = asked(&[]).period;
    assert_eq!((default.0.to_string(), default.1.to_string()), ("2025-11-01".to_owned(), "2026-10-31".to_owned()));
    let long = [("from".to_owned(), "2020-01-01".to_owned()), ("to".to_owned(), "2026-01-01".to_owned())];
    assert!(ask(&long, day("2026-11-22")).is_err());
    let ahead = [("from".to_owned(), "2026-11-01".to_owned()), ("to".to_owned(), "2026-11-23".to_owned())];
    assert!(ask(&ahead, day("2026-11-22")).is_err(), "a year that goes on is not held against a whole one");
}
