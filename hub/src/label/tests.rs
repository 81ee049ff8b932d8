//! Claims about labels: each check's verdicts, the national list, and since when.

use msap_shared::document::DocKind;
use msap_shared::document::register::Facts;
use rusqlite::Connection;

use super::*;
use crate::almanac::{Almanac, Rules};

use crate::core::edit::{SiteEdit, SiteEdited};
use crate::core::{Core, Revocations};
use crate::import::{self, ListFile};
use crate::lang::Lang;
use crate::sheet::{SheetFormat, Table as _};
use crate::store::history::Since;
use crate::store::{Store, reported};

mod evidence;
mod history;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

const TODAY: &str = "2026-11-20";

fn facts(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new();
    for (key, body) in pairs {
        let values = facts.entry((*key).to_owned()).or_default();
        values.push(format!("region:{}|2026-11-01|{body}", 27 + values.len()));
    }
    facts
}

/// A house whose first machine joined long ago.
fn house(format: &str) -> Connection {
    let conn = crate::store::empty();
    conn.execute_batch(&format!(
        "INSERT INTO site (id, name, kind, format, department, region, timezone)
            VALUES ('275', 'Chemillé', 'house', '{format}', '49', '52', 'Europe/Paris'),
                   ('276', 'Antenne', 'antenna', '', '49', '52', 'Europe/Paris'),
                   ('277', 'Projet', 'house', '', '49', '52', 'Europe/Paris');
         UPDATE site SET life = 'project' WHERE id = '277';
         UPDATE site_span SET life = 'project' WHERE site = '277';
         INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES (x'01', x'01', '275', 'active', 9000);"
    ))
    .unwrap();
    conn
}

fn standing(conn: &Connection, schedule: &[(&str, &str)], partners: &[(&str, &str)]) -> Standing {
    let site: SiteId = "275".parse().unwrap();
    let pages = Pages::of(site.clone(), &facts(schedule)).with_partners(&site, &facts(partners));
    let mut found = standings(conn, &pages, &Filters::default(), noon(TODAY)).unwrap();
    assert_eq!(found.len(), 1, "houses in service only");
    found.pop().unwrap()
}

fn verdict(conn: &Connection, check: Check, schedule: &[(&str, &str)], partners: &[(&str, &str)]) -> &'static str {
    standing(conn, schedule, partners).of(check).unwrap().verdict.as_str()
}

const EVERY: [&str; 5] = [
    "hours|2026-01-01|every|mo|-",
    "hours|2026-01-01|every|tu|-",
    "hours|2026-01-01|every|we|-",
    "hours|2026-01-01|every|th|-",
    "hours|2026-01-01|every|fr|-",
];

/// These hours on each weekday but Friday, which has its own.
fn week(usual: &'static str, friday: &'static str) -> Vec<(&'static str, &'static str)> {
    EVERY.into_iter().zip([usual, usual, usual, usual, friday]).collect()
}

#[test]
fn a_house_is_judged_by_the_hours_of_its_regular_week() {
    let conn = house("fixe");
    for (usual, friday, expected) in [
        ("09:00-14:00", "09:00-12:59", "not_met"),
        ("09:00-14:00", "09:00-13:00", "at_risk"),
        ("09:00-14:00", "09:00-13:59", "at_risk"),
        ("09:00-14:00", "09:00-14:00", "met"),
    ] {
        assert_eq!(verdict(&conn, Check::Hours, &week(usual, friday), &[]), expected, "{friday}");
    }
    // A week of closure changes nothing.
    let closed = [week("09:00-14:00", "09:00-14:00"), vec![("on|2026-11-16..2026-11-22|-", "closed|works")]].concat();
    assert_eq!(verdict(&conn, Check::Hours, &closed, &[]), "met");
    let contradicted = [week("09:00-14:00", "09:00-14:00"), vec![("hours|2026-01-01|every|mo|-", "closed")]].concat();
    assert_eq!(verdict(&conn, Check::Hours, &contradicted, &[]), "unknown");
    assert_eq!(verdict(&conn, Check::Hours, &[], &[]), "unknown");
    assert_eq!(verdict(&house("bus"), Check::Hours, &week("09:00-14:00", "09:00-14:00"), &[]), "unknown");
}

#[test]
fn what_was_not_said_of_agents_is_neither_met_nor_not_met() {
    let conn = house("fixe");
    for (usual, expected) in [
        ("09:00-14:00/free/2", "met"),
        ("09:00-13:48/free/2", "at_risk"),
        ("09:00-14:00/free/1", "not_met"),
        ("09:00-14:00", "unknown"),
        ("09:00-12:00", "not_met"),
    ] {
        assert_eq!(verdict(&conn, Check::Staff, &week(usual, usual), &[]), expected, "{usual}");
    }
}

#[test]
fn partners_count_once_confirmed_lately_and_one_is_social_or_of_employment() {
    let conn = house("fixe");
    let (caf, tax) = (("presence|CNAF", "permanence|||2026-11-01"), ("presence|DGFIP", "reachable|||2026-11-01"));
    let old = ("presence|DGFIP", "reachable|||2026-01-01");
    let partly = ("presence|DGFIP", "partial|||2026-11-01");
    let post = ("presence|LA_POSTE", "reachable|||2026-11-01");
    for (partners, expected) in [
        (vec![caf, tax], "met"),
        (vec![post, tax], "not_met"),
        (vec![caf, partly], "at_risk"),
        (vec![caf, old], "unknown"),
        (vec![caf, tax, ("presence|DGFIP", "absent|||2026-11-01")], "unknown"),
        (vec![caf, ("presence|DGFIP", "absent|||2026-11-01")], "not_met"),
        (vec![caf], "not_met"),
        // Taken back, nothing is said of it that could be confirmed.
        (vec![caf, ("presence|DGFIP", "-")], "not_met"),
        (vec![("presence|CNAF", "-"), ("presence|DGFIP", "-")], "unknown"),
        (vec![caf, tax, ("presence|DGFIP", "-")], "unknown"),
        (vec![], "unknown"),
    ] {
        assert_eq!(verdict(&conn, Check::Partners, &[], &partners), expected, "{partners:?}");
    }
    let signed = |operator| (operator, "signed|2026-01-01");
    for (partners, expected) in [
        (vec![caf, tax, signed("agreement|CNAF")], "met"),
        (vec![caf, old, signed("agreement|CNAF"), signed("agreement|DGFIP")], "unknown"),
        (vec![caf, partly, signed("agreement|DGFIP")], "at_risk"),
        (vec![caf, signed("agreement|MSA")], "unknown"),
        (vec![("presence|CNAF", "absent|||2026-11-01"), signed("agreement|CNAF")], "not_met"),
        (vec![caf, ("agreement|CNAF", "to_come|")], "unknown"),
        // Whether it was signed is contradicted; when it was is not the question.
        (
            vec![caf, tax, signed("agreement|CNAF"), signed("agreement|DGFIP"), ("agreement|DGFIP", "to_come|")],
            "unknown",
        ),
        (vec![caf, tax, signed("agreement|CNAF"), signed("agreement|DGFIP"), ("agreement|DGFIP", "signed|")], "met"),
        (
            vec![
                ("presence|CNAF", "absent|||2026-11-01"),
                signed("agreement|CNAF"),
                signed("agreement|DGFIP"),
                ("agreement|DGFIP", "to_come|"),
            ],
            "not_met",
        ),
    ] {
        assert_eq!(verdict(&conn, Check::Signatories, &[], &partners), expected, "{partners:?}");
    }
}

#[test]
fn a_partner_that_the_schedule_has_come_is_present_unless_it_is_confirmed_absent() {
    let conn = house("fixe");
    let (caf, tax) =
        (("permanence|2026-01-01|CNAF|every|mo|-", "09:00-12:00"), ("presence|DGFIP", "reachable|||2026-11-01"));
    let closed = ("permanence|2026-01-01|CNAF|every|mo|-", "closed");
    for (schedule, partners, expected) in [
        (vec![caf], vec![tax], "met"),
        (vec![caf], vec![tax, ("presence|CNAF", "permanence|||2026-01-01")], "met"),
        (vec![caf], vec![tax, ("presence|CNAF", "absent|||2026-11-01")], "not_met"),
        (vec![caf], vec![tax, ("presence|CNAF", "-")], "met"),
        (vec![caf, closed], vec![tax], "unknown"),
        (vec![closed], vec![tax], "not_met"),
        (vec![("permanence|2027-01-01|CNAF|every|mo|-", "09:00-12:00")], vec![tax], "not_met"),
        (vec![caf], vec![], "not_met"),
    ] {
        assert_eq!(verdict(&conn, Check::Partners, &schedule, &partners), expected, "{schedule:?} {partners:?}");
    }
    let signed = ("agreement|CNAF", "signed|2026-01-01");
    assert_eq!(verdict(&conn, Check::Signatories, &[caf], &[signed]), "met");
    assert_eq!(verdict(&conn, Check::Signatories, &[closed], &[signed]), "unknown");
}

#[test]
fn a_missing_day_of_the_last_closed_month_and_an_old_confirmation_are_found() {
    let conn = house("fixe");
    let monday = [("hours|2026-01-01|every|mo|-", "09:00-12:00")];
    assert_eq!(verdict(&conn, Check::Statistics, &[], &[]), "unknown");
    for (n, on) in ["2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26"].into_iter().enumerate() {
        let found = standing(&conn, &monday, &[]);
        let checked = found.of(Check::Statistics).unwrap();
        let missing = checked.evidence.numbers.iter().find(|(name, _)| *name == "missing").unwrap().1.as_u64().unwrap();
        assert_eq!((checked.verdict, missing), (Verdict::NotMet, 4 - n as u64));
        assert!(checked.evidence.fr.starts_with("octobre 2026 : "), "{}", checked.evidence.fr);
        reported::close(&conn, "275", day(on), day(on), 1).unwrap();
        reported::note_anew(&conn);
    }
    assert_eq!(verdict(&conn, Check::Statistics, &monday, &[]), "met");
    for (confirmed, expected) in [
        ("2026-11-01", "met"),
        ("2026-06-20", "met"),
        ("2026-06-19", "at_risk"),
        ("2026-05-20", "at_risk"),
        ("2026-05-19", "not_met"),
    ] {
        assert_eq!(verdict(&conn, Check::PublishedHours, &[("checked", confirmed)], &[]), expected, "{confirmed}");
    }
    assert_eq!(verdict(&conn, Check::PublishedHours, &[], &[]), "unknown");
}

#[test]
fn a_month_is_closed_once_late_days_have_passed_at_the_site() {
    let conn = house("fixe");
    let site: SiteId = "275".parse().unwrap();
    let pages = Pages::of(site, &facts(&[("hours|2026-01-01|every|mo|-", "09:00-12:00")]));
    for (zone, now, month) in [
        ("Europe/Paris", "2026-12-01T12:00:00Z", "2026-10"),
        ("Europe/Paris", "2026-12-03T22:59:59Z", "2026-10"),
        ("Europe/Paris", "2026-12-03T23:00:00Z", "2026-11"),
        ("Indian/Reunion", "2026-12-03T20:00:00Z", "2026-11"),
        ("Pacific/Tahiti", "2026-12-04T09:59:59Z", "2026-10"),
    ] {
        conn.execute("UPDATE site SET timezone = ?1 WHERE id = '275'", [zone]).unwrap();
        let found = standings(&conn, &pages, &Filters::default(), now.parse().unwrap()).unwrap();
        let (_, period) = &found[0].of(Check::Statistics).unwrap().evidence.numbers[0];
        assert_eq!(period, month, "{zone} {now}");
    }
}

#[test]
fn a_house_is_asked_for_as_it_is_today_whatever_its_row_still_says() {
    let conn = house("fixe");
    let site: SiteId = "275".parse().unwrap();
    // Dated ahead: the row follows with the first commit of the day.
    let today = day(TODAY);
    let (mut row, _) = sites::find(&conn, &site).unwrap().unwrap();
    row.department = "44".to_owned();
    sites::put(&conn, &row, Since::named(today), today.plus_days(-1)).unwrap();
    assert_eq!(sites::find(&conn, &site).unwrap().unwrap().0.department, "49");
    let of = |filters: Filters, now: &str| {
        let found = standings(&conn, &Pages::default(), &filters, noon(now)).unwrap();
        found.into_iter().map(|standing| standing.site.department).collect::<Vec<_>>()
    };
    let departments = |code: &str| Filters { departments: vec![code.to_owned()], ..Filters::default() };
    assert_eq!((of(departments("44"), TODAY).len(), of(departments("49"), TODAY).len()), (1, 0));
    assert_eq!(of(Filters { sites: vec![site.clone()], ..Filters::default() }, TODAY), ["44"]);
    assert_eq!(of(departments("49"), "2026-11-19"), ["49"]);
    let (row, _) = sites::find(&conn, &site).unwrap().unwrap();
    sites::set_life(&conn, &row, Life::Retired, Since::named(today), today.plus_days(-1)).unwrap();
    assert_eq!((of(Filters::default(), TODAY).len(), of(Filters::default(), "2026-11-19").len()), (0, 1));
}

/// The national list, as `site import` takes it in, read by the almanac.
fn network() -> (Core, Almanac) {
    let conn = Connection::open_in_memory().unwrap();
    let mut n = 0_u8;
    let fresh = Box::new(move || {
        n = n.wrapping_add(1);
        [n; 16]
    });
    let store = Store::over(conn, "memory".into(), None, fresh).unwrap();
    let mut core = Core::new(store, ask::hub_zone(), Revocations::default());
    let path = format!("{}/../tests/data/sites.csv", env!("CARGO_MANIFEST_DIR"));
    let list = ListFile::read(&std::fs::read(path).unwrap(), "sites.csv".to_owned());
    let now = noon(TODAY);
    let plan = import::plan(core.store().connection(), &list, day(TODAY), Lang::Fr).unwrap();
    core.store().write(|conn, _| plan.carry_out(conn, now)).unwrap();
    let edit = |(site, facts): &(SiteId, Vec<(String, String)>)| SiteEdit {
        site: site.clone(),
        kind: DocKind::Schedule,
        facts: facts.clone(),
        detail: String::new(),
    };
    let edits: Vec<_> = plan.hours.iter().map(edit).collect();
    assert!(core.edit_all(&edits, now).unwrap().iter().all(|edited| *edited == SiteEdited::Kept));
    (core, Almanac::default())
}

#[test]
fn the_hours_of_the_whole_network_are_judged_as_published() {
    let (mut core, almanac) = network();
    let conn = core.store().connection();
    let pages = almanac.open(conn).unwrap();
    let counted = |pages: &Pages| {
        let mut numbers = BTreeMap::<_, u32>::new();
        let mut at_threshold = 0;
        for standing in standings(conn, pages, &Filters::default(), noon(TODAY)).unwrap() {
            if standing.site.format == "fixe" {
                let checked = standing.of(Check::Hours).unwrap();
                *numbers.entry(checked.verdict.as_str()).or_default() += 1;
                let minutes = checked.evidence.numbers.first().and_then(|(_, minutes)| minutes.as_u64());
                at_threshold += u32::from(minutes == Some(1_440));
            }
        }
        (["not_met", "at_risk", "met", "unknown"].map(|code| numbers.remove(code).unwrap_or_default()), at_threshold)
    };
    assert_eq!(counted(&pages), ([72, 465, 1_838, 20], 394));
    let near = Rules { label: LabelRules { near_minutes: 0, ..LabelRules::default() }, ..Rules::default() };
    let strict = Almanac::new(near).open(conn).unwrap();
    assert_eq!(counted(&strict), ([72, 0, 2_303, 20], 394));
}

#[test]
fn a_label_is_told_with_its_evidence_and_decides_nothing() {
    let conn = house("fixe");
    let site: SiteId = "275".parse().unwrap();
    site_facts::set(&conn, &site, "charter", day("2026-02-01"), "2026-01-15").unwrap();
    site_facts::set(&conn, &site, "charter", day("2027-01-01"), "2026-12-31").unwrap();
    site_facts::set(&conn, &site, "reports_from", Day::FIRST, "2026-01-01").unwrap();
    let pages = Pages::of(site.clone(), &facts(&week("09:00-14:00", "09:00-13:00")));
    let ask = |question: LabelQuestion| answer(&conn, &pages, question, noon(TODAY)).unwrap();
    let told = ask(LabelQuestion { check: Some(Check::Hours), ..LabelQuestion::default() });
    let object = told.object();
    // Written row by row it is the same, byte by byte.
    assert_eq!(String::from_utf8(told.json()).unwrap(), object.to_string());
    assert!(object["note"]["en"].as_str().unwrap().contains("never an automatic decision"));
    assert_eq!(object["numbers"]["hours"], serde_json::json!({ "met": 0, "at_risk": 1, "not_met": 0, "unknown": 0 }));
    let row = &object["sites"][0];
    assert_eq!(row["facts"], serde_json::json!({ "charter": { "value": "2026-01-15", "from": "2026-02-01" } }));
    assert_eq!(
        row["checks"],
        serde_json::json!([{
            "check": "hours", "state": "at_risk", "since": TODAY,
            "evidence": {
                "weekly_minutes": 1_440, "minutes_min": 1_440,
                "fr": "24 h 00 d’ouverture par semaine ordinaire, 24 h 00 demandées",
                "en": "open 24 h 00 in the regular week, 24 h 00 asked for",
            },
        }]),
    );
    let csv = String::from_utf8(told.sheet().write(SheetFormat::Csv)).unwrap();
    assert_eq!(
        csv,
        "site,site_name,department,life,overall,since,hours,weekly_minutes,charter,trained_agents,trained_on,committee,\
         label_state\r\n275,Chemillé,49,open,not_met,2026-11-20,at_risk,1440,2026-01-15,,,,\r\n"
    );
    let summary = told.summary(Lang::Fr);
    assert!(
        summary.contains("jamais une décision automatique") && summary.contains("ouverture : à surveiller"),
        "{summary}"
    );
    let of = |check, verdict| {
        let question = LabelQuestion { check, verdicts: vec![verdict], ..LabelQuestion::default() };
        ask(question).object()["sites"].as_array().unwrap().len()
    };
    assert_eq!((of(None, Verdict::NotMet), of(None, Verdict::AtRisk)), (1, 0), "the worst: nothing was reported");
    assert_eq!((of(Some(Check::Hours), Verdict::AtRisk), of(Some(Check::Hours), Verdict::Met)), (1, 0));
}

/// The catalogue of the field, whose last column says which partners are social or of employment.
const CATALOGUE: &str = include_str!("../../../tests/data/operators.csv");

#[test]
fn social_partners_are_those_of_the_catalogue() {
    let mut reader = csv::Reader::from_reader(CATALOGUE.as_bytes());
    let rows = reader.records().map(Result::unwrap).filter(|row| row.iter().next_back() == Some("1"));
    let mut of_catalogue: Vec<String> = rows.map(|row| row[0].to_owned()).collect();
    of_catalogue.sort_unstable();
    let mut ours = super::judge::SOCIAL.map(str::to_owned);
    ours.sort_unstable();
    assert_eq!(ours, *of_catalogue);
}
