//! Claims about returns, on a store filled by hand.

use msap_shared::document::register::Facts;
use proptest::prelude::*;
use rusqlite::params;
use serde_json::{Value, json};

use super::*;
use crate::lang::Lang;
use crate::sheet::SheetFormat;
use crate::sheet::Table;
use crate::store::{meta, reported, rollups};

const TODAY: &str = "2026-11-22";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Two houses, and an antenna that goes from one to the other in the middle of October.
fn store() -> Connection {
    let conn = crate::store::empty();
    let moves = day("2026-10-15").number();
    conn.execute_batch(&format!(
        "INSERT INTO site (id, name, kind, parent, department, region, timezone) VALUES
           ('361', 'Perseigne', 'house', NULL, '61', '28', 'Europe/Paris'),
           ('597', 'Courteille', 'antenna', '275', '49', '52', 'Europe/Paris'),
           ('275', '=Chemillé', 'house', NULL, '49', '52', 'Europe/Paris');
         DELETE FROM site_span WHERE site = '597';
         INSERT INTO site_span VALUES ('597', 0, {moves} - 1, 'open', '361', '61', '28', ''),
                                      ('597', {moves}, 36524, 'open', '275', '49', '52', '');"
    ))
    .unwrap();
    meta::date_epoch(&conn, day("2026-01-01")).unwrap();
    conn
}

/// Where a site was on a day, as the store above has it.
fn placed(site: &str, on: Day) -> (&'static str, Option<&'static str>) {
    match site {
        "275" => ("49", None),
        "361" => ("61", None),
        _ if on < day("2026-10-15") => ("61", Some("361")),
        _ => ("49", Some("275")),
    }
}

#[derive(Clone, Debug)]
struct Cell {
    site: &'static str,
    on: Day,
    operator: &'static str,
    help: &'static str,
    age: &'static str,
    received: Day,
    apart: bool,
    requests: i64,
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let days = ["2026-09-30", "2026-10-01", "2026-10-14", "2026-10-15", "2026-10-31", "2026-11-01"];
    let cell = (
        prop::sample::select(vec!["275", "361", "597"]),
        prop::sample::select(days.to_vec()),
        prop::sample::select(vec!["CNAF", "MSA", "ODD"]),
        prop::sample::select(vec!["online", "referral", "newer"]),
        prop::sample::select(vec!["70+", "25-39", "unknown", "newer"]),
        0..40_i32,
        prop::bool::weighted(0.1),
        -3..15_i64,
    );
    let cell = cell.prop_map(|(site, on, operator, help, age, late, apart, requests)| {
        let on = day(on);
        Cell { site, on, operator, help, age, received: on.plus_days(late), apart, requests }
    });
    prop::collection::vec(cell, 0..40)
}

fn put(conn: &Connection, cells: &[Cell]) {
    for cell in cells {
        let sql = "INSERT INTO visits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                   ON CONFLICT DO UPDATE SET people = people + ?8, requests = requests + ?8";
        let Cell { site, on, operator, help, age, received, apart, requests } = cell;
        conn.execute(sql, params![site, on.number(), operator, help, age, received.number(), apart, requests]).unwrap();
    }
    rollups::sum_anew(conn);
}

/// What a return has to say, worked out cell by cell.
fn reckoned(cells: &[Cell], operator: &str, as_of: Option<Day>) -> (i64, Sums, Sums) {
    let mut sums = BTreeMap::new();
    for cell in cells {
        let counts = cell.operator == operator && !cell.apart && as_of.is_none_or(|as_of| cell.received <= as_of);
        if counts && cell.on.month() == day("2026-10-01").month() {
            *sums.entry((cell.site, cell.on, cell.help, cell.age)).or_insert(0) += cell.requests;
        }
    }
    let (mut total, mut sites, mut helps) = (0, Sums::new(), Sums::new());
    for ((site, on, help, _), requests) in sums {
        let requests = requests.max(0);
        let (department, _) = placed(site, on);
        total += requests;
        for (to, key) in [(&mut sites, site), (&mut helps, help)] {
            *to.entry((department.to_owned(), key.to_owned())).or_insert(0) += requests;
        }
    }
    for sums in [&mut sites, &mut helps] {
        sums.retain(|_, requests| *requests > 0);
    }
    (total, sites, helps)
}

type Sums = BTreeMap<(String, String), i64>;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn october(as_of: Option<&str>) -> Question {
    let month = "2026-10".parse().unwrap();
    Question { month, as_of: as_of.map(day), provisional: false, form: None }
}

fn one(conn: &Connection, operator: &str, question: Question) -> Return {
    of(conn, &Pages::default(), &[operator.parse().unwrap()], question, now()).unwrap().remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_return_is_what_a_naive_reckoning_says(
        cells in cells(),
        as_of in prop::sample::select(vec![None, Some("2026-10-31"), Some("2026-11-10")]),
    ) {
        let conn = store();
        put(&conn, &cells);
        for operator in ["CNAF", "MSA"] {
            let found = one(&conn, operator, october(as_of));
            let (total, sites, helps) = reckoned(&cells, operator, as_of.map(day));
            prop_assert_eq!(found.requests, total);
            let told: Sums =
                found.sites.iter().map(|(key, line)| (key.clone(), line.requests)).collect();
            prop_assert_eq!(told, sites);
            for ((department, site), line) in &found.sites {
                let house = match (site.as_str(), department.as_str()) {
                    ("597", "61") => vec![("361".to_owned(), "Perseigne".to_owned())],
                    ("597", _) => vec![("275".to_owned(), "=Chemillé".to_owned())],
                    _ => vec![],
                };
                prop_assert_eq!(&line.houses, &house);
            }
            let mut by_help = Sums::new();
            for (department, of) in &found.departments {
                let keyed = |key: &str| (department.clone(), key.to_owned());
                by_help.extend(of.helps.iter().map(|(help, requests)| (keyed(help), *requests)));
                prop_assert_eq!(of.requests, of.helps.iter().map(|(_, requests)| requests).sum::<i64>());
            }
            by_help.retain(|_, requests| *requests > 0);
            prop_assert_eq!(by_help, helps);
            // The same again, and beside others, byte for byte.
            let both = of(&conn, &Pages::default(), &["CNAV".parse().unwrap(), operator.parse().unwrap()], october(as_of), now()).unwrap();
            let form = Form::Sheet(SheetFormat::CsvFr);
            prop_assert_eq!(both[1].file(form), found.file(form));
        }
        let with: Vec<_> = partners(&conn, &Pages::default(), october(None), day(TODAY)).unwrap();
        let reckoned: Vec<_> = ["CNAF", "MSA", "ODD"].into_iter().filter(|code| reckoned(&cells, code, None).0 > 0).collect();
        prop_assert_eq!(with.iter().map(OperatorCode::as_str).collect::<Vec<_>>(), reckoned);
    }
}

fn few() -> Connection {
    let conn = store();
    let cell = |site, on, help, age, requests| {
        let on = day(on);
        Cell { site, on, operator: "CNAF", help, age, received: on, apart: false, requests }
    };
    let cells = [
        cell("275", "2026-10-02", "online", "70+", 3),
        cell("275", "2026-10-02", "referral", "25-39", 40),
        cell("597", "2026-10-20", "online", "unknown", 20),
    ];
    put(&conn, &cells);
    conn
}

#[test]
fn a_return_says_of_which_partner_month_and_day_it_is_and_opens_in_a_french_spreadsheet() {
    let file = one(&few(), "CNAF", october(Some("2026-11-10"))).file(Form::Sheet(SheetFormat::CsvFr));
    assert_eq!((file.name.as_str(), file.requests, file.sites), ("releve-CNAF-2026-10.csv", 63, 2));
    let head = "CNAF;CAF;10/2026;10/11/2026;non;";
    let expected = [
        "\u{feff}partenaire;nom du partenaire;mois;reçu au;provisoire;partie;département;lieu;nom du lieu;sorte;\
         maison;nom de la maison;type d’aide;âge;demandes;jours attendus;jours reçus;motif;changements",
        &format!("{head}total;;;;;;;;;63;0;0;;"),
        &format!("{head}département;49;;;;;;;;63;0;0;;"),
        &format!("{head}lieu;49;275;'=Chemillé;maison;;;;;43;0;0;;"),
        &format!("{head}lieu;49;597;Courteille;antenne;275;'=Chemillé;;;20;0;0;;"),
        &format!("{head}type d’aide;49;;;;;;Information;;0;;;;"),
        &format!("{head}type d’aide;49;;;;;;Démarche en ligne;;23;;;;"),
        &format!("{head}type d’aide;49;;;;;;Dossier papier;;0;;;;"),
        &format!("{head}type d’aide;49;;;;;;Mise en relation;;40;;;;"),
        &format!("{head}âge;;;;;;;;;à partir du 15/11/2026;;;;"),
        &format!("{head}à part;;;;;;;;;0;;;;"),
    ];
    assert_eq!(file.text.trim_end().split("\r\n").collect::<Vec<_>>(), expected);
}

#[test]
fn a_return_tells_what_is_in_none_of_its_figures_and_why() {
    let conn = few();
    let on = day("2026-10-05");
    let cell = |operator, apart, requests| Cell {
        site: "275",
        on,
        operator,
        help: "online",
        age: "70+",
        received: on,
        apart,
        requests,
    };
    put(&conn, &[cell("CNAF", true, 1), cell("MSA", true, 7)]);
    conn.execute_batch(
        "INSERT INTO document (id, name, site) VALUES
           (1, 'site/275/visits/2026-10', '275'), (2, 'site/275/visits/2026-09', '275');
         INSERT INTO fact (document, tap, rev, day, value, contested) VALUES
           (1, x'0000000000000001', 0, 5, '1|CNAF|online|70+|1', 0), (1, x'0000000000000002', 0, 5, '1|MSA|online|70+|7', 0),
           (1, x'0000000000000003', 0, 5, '1|CNAF|online|70+|9', 1), (2, x'0000000000000004', 0, 5, '1|CNAF|online|70+|5', 0);
         INSERT INTO flagged (document, tap, reason, verdict) VALUES
           (1, x'0000000000000001', 'clock', ''), (1, x'0000000000000002', 'count', ''),
           (1, x'0000000000000003', 'contested', ''), (2, x'0000000000000004', 'clock', '');
         INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day) VALUES
           ('site/275/visits/2026-10', '275', zeroblob(8), zeroblob(16), 1, zeroblob(32), 1, 9790),
           ('site/275/schedule', '275', zeroblob(8), zeroblob(16), 1, zeroblob(32), 1, 9790);
         INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES
           (x'0101010101010101', randomblob(32), '275', 'pending', 9790),
           (x'0202020202020202', randomblob(32), '275', 'pending', 9790),
           (x'0303030303030303', randomblob(32), '275', 'revoked', 9790);
         INSERT INTO chain (id, document, writer, seq, hash, op_max)
           VALUES (1, 1, x'07070707070707070707070707070707', 1, zeroblob(32), 1);
         INSERT INTO change (chain, seq, hash, bytes, received_day, accepted) VALUES (1, 1, zeroblob(32), x'00', 9790, 1);
         INSERT INTO pending_change VALUES
           (x'0101010101010101', 'site/275/visits/2026-10', zeroblob(16), 1, zeroblob(32), x'00', 9790),
           (x'0101010101010101', 'site/275/visits/2026-10', zeroblob(16), 2, zeroblob(32), x'00', 9790),
           -- Brought by a second machine, held already, and of one that was turned away.
           (x'0202020202020202', 'site/275/visits/2026-10', zeroblob(16), 2, zeroblob(32), x'00', 9790),
           (x'0101010101010101', 'site/275/visits/2026-10', x'07070707070707070707070707070707', 1, zeroblob(32), x'00', 9790),
           (x'0303030303030303', 'site/275/visits/2026-10', zeroblob(16), 3, zeroblob(32), x'00', 9790)",
    )
    .unwrap();
    let found = one(&conn, "CNAF", october(None));
    // What two desks corrected differently counts, and another partner's requests are not its own.
    let apart = json!({ "requests": 1, "reasons": { "clock": 1 }, "refused_changes": 1, "pending_changes": 2 });
    assert_eq!((&found.object()["apart"], &found.object()["total"]["requests"]), (&apart, &json!(63)));
    let said = "à part : 1 demande, 1 changement refusé, 2 changements de postes à approuver";
    assert!(found.summary(Lang::Fr).ends_with(said), "{}", found.summary(Lang::Fr));
    let text = found.file(Form::Sheet(SheetFormat::CsvFr)).text;
    let head = "CNAF;CAF;10/2026;22/11/2026;non;";
    for row in [
        "à part;;;;;;;;;1;;;;",
        "à part;;;;;;;;;1;;;horloge fausse;",
        "changements refusés;;;;;;;;;;;;;1",
        "changements de postes à approuver;;;;;;;;;;;;;2",
    ] {
        assert!(text.lines().any(|line| line == format!("{head}{row}")), "{row}: {text}");
    }
    // Of a past day it is known how many, and not why.
    let then = one(&conn, "CNAF", october(Some("2026-11-10"))).object();
    let apart = json!({ "requests": 1, "reasons": null, "refused_changes": null, "pending_changes": null });
    assert_eq!(then["apart"], apart);
}

#[test]
fn json_tells_the_same() {
    let object = one(&few(), "CNAF", october(None)).object();
    assert_eq!((&object["as_of"], &object["completeness"]["rate"]), (&json!(TODAY), &json!(null)));
    assert_eq!(object["total"], json!({ "requests": 63, "sites": 2 }));
    assert_eq!(object["departments"][0]["help"]["online"], 23);
    assert_eq!(object["sites"][1]["houses"], json!([{ "site": "275", "site_name": "=Chemillé" }]));
    let nothing = one(&few(), "MSA", october(None)).object();
    assert_eq!((&nothing["total"]["requests"], &nothing["sites"]), (&json!(0), &json!([])));
}

#[test]
fn ages_are_those_that_were_released_to_the_partner_and_come_when_they_are() {
    let conn = few();
    let told = |day: &str| {
        let now = format!("{day}T10:00:00Z").parse().unwrap();
        of(&conn, &Pages::default(), &["CNAF".parse().unwrap()], october(None), now).unwrap().remove(0)
    };
    let early = told("2026-11-10");
    assert_eq!(
        (&early.object()["departments"][0]["age"], &early.object()["ages_released"]),
        (&json!(null), &json!(null))
    );
    let csv = String::from_utf8(early.sheet().write(SheetFormat::CsvFr)).unwrap();
    assert!(csv.contains(";âge;;;;;;;;;à partir du 15/11/2026;;"), "{csv}");

    let released = "2026-11-20T10:00:00Z".parse().unwrap();
    while let Some(due) = release::next(&conn, &Pages::default(), released).unwrap() {
        let (releases, note) = release::reckon(due, &|| false).unwrap();
        release::keep(&conn, &releases, &note, released).unwrap();
    }
    // What comes later is in the sums, and not in the ages.
    let late = day("2026-10-03");
    let late = Cell {
        site: "275",
        on: late,
        operator: "CNAF",
        help: "online",
        age: "0-17",
        received: late,
        apart: false,
        requests: 30,
    };
    put(&conn, &[late]);
    let object = told("2026-11-22").object();
    let of = &object["departments"][0];
    assert_eq!((&object["ages_released"], &of["requests"]), (&json!("2026-11-20"), &json!(93)));
    let hidden = |age: &Value| age["suppressed"] == json!(true);
    assert!(hidden(&of["age"]["70+"]), "three requests: {of}");
    let others = ["25-39", "unknown"].iter().filter(|age| hidden(&of["age"][**age])).count();
    assert!(others > 0, "or the sum tells the three: {of}");
    assert_eq!(of["age"]["0-17"], 0);
    let csv = String::from_utf8(told("2026-11-22").sheet().write(SheetFormat::CsvFr)).unwrap();
    assert!(csv.contains(";âge;49;;;;;;;70 et +;<11;;"), "{csv}");
}

#[test]
fn only_a_month_that_is_over_has_a_return_unless_a_provisional_one_is_asked_for() {
    let asked = |given: &[(&str, &str)]| {
        let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ask(&store(), &given, now()).map(|question| question.provisional).map_err(|error| error.to_string())
    };
    assert_eq!(asked(&[("month", "2026-10")]), Ok(false));
    assert_eq!(asked(&[("month", "2026-10"), ("so_far", "true")]), Ok(false));
    assert_eq!(asked(&[("month", "2026-10"), ("as_of", "2026-10-31")]), Ok(false));
    assert_eq!(asked(&[("month", "2026-10"), ("as_of", "2026-10-30"), ("so_far", "true")]), Ok(true));
    assert_eq!(asked(&[("month", "2026-11"), ("so_far", "true")]), Ok(true));
    for given in [
        &[][..],
        &[("month", "")],
        &[("month", "octobre")],
        &[("month", "2026-13")],
        &[("month", "2026-11")],
        &[("month", "2026-12"), ("so_far", "true")],
        &[("month", "2026-10"), ("as_of", "2026-10-30")],
        &[("month", "2026-10"), ("as_of", "2026-09-30"), ("so_far", "true")],
    ] {
        assert!(asked(given).unwrap_err().starts_with("month: "), "{given:?}");
    }
}

#[test]
fn what_was_received_before_the_epoch_is_not_made_up() {
    let conn = store();
    let question = Question { as_of: Some(day("2025-12-31")), ..october(None) };
    let found = of(&conn, &Pages::default(), &["CNAF".parse().unwrap()], question, now());
    assert!(matches!(found, Err(FigureError::HistoryLost(_))));
}

#[test]
fn a_site_that_was_to_report_and_sent_nothing_stands_in_the_return_with_its_days() {
    let conn = few();
    let from = day("2026-10-19").number();
    let joined = format!(
        "UPDATE site SET holiday_zone = 'metropole';
         INSERT INTO site_fact (site, field, from_day, value) VALUES
           ('275', 'reports_from', 0, '2026-01-01'), ('361', 'reports_from', {from}, '2026-10-19')"
    );
    conn.execute_batch(&joined).unwrap();
    reported::note_anew(&conn);
    let body = "device:5f1e0c9a|2024-01-05|09:00-12:00".to_owned();
    let hours = Facts::from([("hours|2024-01-01|every|fr|-".to_owned(), vec![body])]);
    let pages = Pages::default().with("275", &hours, &Facts::new()).with("361", &hours, &Facts::new());
    let made = of(&conn, &pages, &["CNAF".parse().unwrap()], october(None), now()).unwrap().remove(0);
    // Five Fridays, one of which has a visit; two of them since the other house reports.
    let object = made.object();
    assert_eq!((&object["completeness"]["expected"], &object["completeness"]["reported"]), (&json!(7), &json!(1)));
    let told = |list: &str, n: usize| {
        let row = &object[list][n];
        (row["department"].clone(), row["requests"].clone(), row["expected"].clone(), row["reported"].clone())
    };
    assert_eq!(told("departments", 0), (json!("49"), json!(63), json!(5), json!(1)));
    assert_eq!(told("departments", 1), (json!("61"), json!(0), json!(2), json!(0)));
    assert_eq!((&object["sites"][2]["site"], told("sites", 2)), (&json!("361"), told("departments", 1)));
    assert_eq!(object["total"], json!({ "requests": 63, "sites": 2 }), "it had no requests");
    let csv = String::from_utf8(made.sheet().write(SheetFormat::Csv)).unwrap();
    assert!(csv.lines().any(|line| line.ends_with("site,61,361,Perseigne,house,,,,,0,2,0,,")), "{csv}");
    assert!(!csv.contains(",help,61,"), "nothing is to be told apart where nothing came: {csv}");
}
