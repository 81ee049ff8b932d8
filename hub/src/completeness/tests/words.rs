//! Claims about each word: expected, reported, late, missing, unexpected, and why nothing is expected.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::completeness::told;
use crate::lang::Lang;
use crate::sheet::{SheetFormat, Table as _};
use crate::store::{rollups, site_facts};

/// Monday to Friday mornings.
const WEEK: &[(&str, &str)] = &[
    ("hours|2026-01-01|every|mo|-", "09:00-12:00"),
    ("hours|2026-01-01|every|tu|-", "09:00-12:00"),
    ("hours|2026-01-01|every|we|-", "09:00-12:00"),
    ("hours|2026-01-01|every|th|-", "09:00-12:00"),
    ("hours|2026-01-01|every|fr|-", "09:00-12:00"),
];

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Sites that joined on the 1st of June 2026, of which nothing is received.
fn network(sites: &[(&str, &str, &str)]) -> Connection {
    let conn = crate::store::empty();
    for (id, parent, zone) in sites {
        let kind = if parent.is_empty() { "house" } else { "antenna" };
        let sql = "INSERT INTO site (id, name, kind, parent, department, region, timezone, holiday_zone)
                   VALUES (?1, 'Maison ' || ?1, ?2, nullif(?3, ''), '49', '52', ?4, 'metropole')";
        conn.execute(sql, (id, kind, parent, zone)).unwrap();
        join(&conn, id, "2026-06-01");
    }
    conn
}

fn join(conn: &Connection, site: &str, on: &str) {
    let sql = "INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES (?1, ?1, ?2, 'active', ?3)";
    conn.execute(sql, (format!("{site}{on}").into_bytes(), site, day(on).number())).unwrap();
}

/// What was received of a day of a site, on a day of the hub.
fn receive(conn: &Connection, site: &str, on: &str, received: &str, people: i64) {
    let sql = "INSERT INTO visits VALUES (?1, ?2, 'CNAF', 'online', '70+', ?3, 0, ?4, ?4)";
    conn.execute(sql, (site, day(on).number(), day(received).number(), people)).unwrap();
    rollups::sum_anew(conn);
    reported::note_anew(conn);
}

fn close(conn: &Connection, site: &str, on: &str, received: &str, by: i64) {
    reported::close(conn, site, day(on), day(received), by).unwrap();
    reported::note_anew(conn);
}

fn pages(sites: &[&str]) -> Pages {
    Pages::of_all(sites.iter().map(|site| (id(site), facts(WEEK))), Rules::default())
}

fn asked(conn: &Connection, pages: &Pages, query: &Query, now: &str) -> Completeness {
    answer(conn, pages, query, now.parse().unwrap(), Rows::All).unwrap()
}

fn numbers(found: &Completeness) -> [u32; 5] {
    let Tally { expected, reported, late, unexpected, .. } = found.total;
    [expected, reported, late, found.total.missing(), unexpected]
}

/// The first week of June 2026 begins on a Monday.
fn week() -> Query {
    Query::of(day("2026-06-01"), day("2026-06-07"))
}

#[test]
fn a_day_is_expected_once_it_is_over_at_the_site() {
    let sites = [("275", "", "Europe/Paris"), ("974", "", "Indian/Reunion"), ("987", "", "Pacific/Tahiti")];
    let conn = network(&sites);
    let pages = pages(&["275", "974", "987"]);
    for (now, expected) in [
        ("2026-06-01T09:00:00Z", 0),
        // Midnight in La Réunion, then in Paris, then in Tahiti.
        ("2026-06-01T19:59:59Z", 0),
        ("2026-06-01T20:00:00Z", 1),
        ("2026-06-01T22:00:00Z", 2),
        ("2026-06-02T10:00:00Z", 3),
        ("2026-07-01T10:00:00Z", 15),
    ] {
        assert_eq!(asked(&conn, &pages, &week(), now).total.expected, expected, "{now}");
    }
}

#[test]
fn a_closed_day_is_reported_until_it_is_reopened_and_an_undone_visit_reports_nothing() {
    let conn = network(&[("275", "", "Europe/Paris")]);
    let pages = pages(&["275"]);
    let numbers = |conn: &Connection| numbers(&asked(conn, &pages, &week(), "2026-06-20T10:00:00Z"));
    assert_eq!(numbers(&conn), [5, 0, 0, 5, 0]);
    close(&conn, "275", "2026-06-01", "2026-06-01", 1);
    receive(&conn, "275", "2026-06-02", "2026-06-05", 1);
    receive(&conn, "275", "2026-06-03", "2026-06-07", 1);
    assert_eq!(numbers(&conn), [5, 3, 1, 2, 0], "four days after is late, three are not");
    close(&conn, "275", "2026-06-01", "2026-06-10", -1);
    assert_eq!(numbers(&conn), [5, 2, 1, 3, 0], "reopened without a visit");
    receive(&conn, "275", "2026-06-02", "2026-06-09", -1);
    assert_eq!(numbers(&conn), [5, 1, 1, 4, 0], "undone");
    close(&conn, "275", "2026-06-02", "2026-06-12", 1);
    assert_eq!(numbers(&conn), [5, 2, 1, 3, 0], "undone, then closed: its first word came in time");
    let by_then = |as_of: &str| {
        let query = Query { as_of: Some(day(as_of)), ..week() };
        super::words::numbers(&asked(&conn, &pages, &query, "2026-06-20T10:00:00Z"))
    };
    assert_eq!(by_then("2026-06-01"), [0, 0, 0, 0, 0]);
    assert_eq!(by_then("2026-06-06"), [5, 2, 0, 3, 0]);
    assert_eq!(by_then("2026-06-09"), [5, 2, 1, 3, 0]);
    assert_eq!(by_then("2026-06-10"), [5, 1, 1, 4, 0]);
}

#[test]
fn a_visit_on_a_shut_day_is_unexpected_and_a_closed_one_is_nothing() {
    let conn = network(&[("275", "", "Europe/Paris")]);
    receive(&conn, "275", "2026-06-06", "2026-06-06", 1);
    close(&conn, "275", "2026-06-07", "2026-06-07", 1);
    for (on, people) in [("2026-06-01", 1), ("2026-06-02", 1), ("2026-06-03", 1), ("2026-06-04", 1), ("2026-06-05", 1)]
    {
        receive(&conn, "275", on, on, people);
    }
    let found = asked(&conn, &pages(&["275"]), &week(), "2026-06-20T10:00:00Z");
    assert_eq!((numbers(&found), found.total.rate()), ([5, 5, 0, 0, 1], Some(1.0)));
}

#[test]
fn where_nothing_can_be_expected_it_is_said_why_and_when() {
    let conn = network(&[
        ("1", "", "Europe/Paris"),
        ("2", "", "Europe/Paris"),
        ("3", "", "Europe/Paris"),
        ("4", "", "Europe/Paris"),
    ]);
    conn.execute_batch(
        "UPDATE site SET format = 'bus' WHERE id = '2';
         INSERT INTO site (id, name, kind, timezone, life) VALUES
            ('5', 'Sans poste', 'house', 'Europe/Paris', 'open'), ('6', 'Projet', 'house', 'Europe/Paris', 'project'),
            ('7', 'Fermée', 'house', 'Europe/Paris', 'retired');
         INSERT INTO device (id, fingerprint, site, standing, enrolled_day)
            VALUES (x'ff', x'ff', '5', 'pending', 0), (x'fe', x'fe', '6', 'active', 0), (x'fd', x'fd', '7', 'active', 0);",
    )
    .unwrap();
    // Site 4 was open till the 2nd, and begins on the 2nd, whatever its machine says.
    let span = "UPDATE site_span SET to_day = ?1 WHERE site = '4'";
    conn.execute(span, [day("2026-06-02").number()]).unwrap();
    let span = "INSERT INTO site_span SELECT site, ?1, 36524, 'retired', parent, department, region, bearer
                FROM site_span WHERE site = '4'";
    conn.execute(span, [day("2026-06-03").number()]).unwrap();
    site_facts::set(&conn, &id("4"), "reports_from", Day::FIRST, "2026-06-02").unwrap();
    let contradicted = [WEEK, &[("hours|2026-01-01|every|th|-", "closed")]].concat();
    let read =
        [(id("3"), facts(&contradicted)), (id("4"), facts(WEEK)), (id("5"), facts(WEEK)), (id("6"), facts(WEEK))];
    let pages = Pages::of_all(read, Rules::default());
    let found = asked(&conn, &pages, &week(), "2026-06-20T10:00:00Z");
    let told: Vec<_> = found
        .not_expected
        .iter()
        .map(|(why, named)| format!("{} {} {:?}", named.site, why.as_str(), named.days))
        .collect();
    let all = format!("{:?}", [(day("2026-06-01"), day("2026-06-07"))]);
    let days = |from, to| format!("{:?}", [(day(from), day(to))]);
    assert_eq!(
        told,
        [
            format!("1 no_hours {all}"),
            format!("2 itinerant {all}"),
            format!("3 conflict {}", days("2026-06-04", "2026-06-04")),
            format!("4 retired {}", days("2026-06-03", "2026-06-07")),
            format!("4 before_reports_from {}", days("2026-06-01", "2026-06-01")),
            format!("5 never_enrolled {all}"),
            format!("6 project {all}"),
            format!("7 retired {all}"),
        ]
    );
    assert_eq!((numbers(&found), found.total.not_expected), ([5, 0, 0, 5, 0], 7));
}

#[test]
fn a_house_and_its_antenna_are_each_expected_and_one_row_unless_apart() {
    let conn = network(&[("361", "", "Europe/Paris"), ("597", "361", "Europe/Paris")]);
    receive(&conn, "361", "2026-06-01", "2026-06-01", 1);
    let pages = pages(&["361", "597"]);
    let rows = |antennas, sites: &[&str]| {
        let filters = Filters { sites: sites.iter().map(|site| id(site)).collect(), ..Filters::default() };
        let query = Query { by: vec![Key::Site], antennas, filters, ..week() };
        let found = asked(&conn, &pages, &query, "2026-06-20T10:00:00Z");
        found.rows.into_iter().map(|(key, tally)| (key.concat(), tally.expected, tally.reported)).collect::<Vec<_>>()
    };
    let row = |site: &str, expected, reported| (site.to_owned(), expected, reported);
    assert_eq!(rows(Antennas::Together, &[]), [row("361", 10, 1)]);
    assert_eq!(rows(Antennas::Apart, &[]), [row("361", 5, 1), row("597", 5, 0)]);
    assert_eq!(rows(Antennas::Together, &["361"]), [row("361", 10, 1)]);
    assert_eq!(rows(Antennas::Apart, &["361"]), [row("361", 5, 1)]);
    assert_eq!(rows(Antennas::Together, &["597"]), [row("597", 5, 0)]);
}

#[test]
fn completeness_is_told_with_stable_names_and_no_rate_of_nothing() {
    let conn = network(&[("275", "", "Europe/Paris"), ("276", "", "Europe/Paris")]);
    receive(&conn, "275", "2026-06-03", "2026-06-03", 1);
    let now: Timestamp = "2026-06-20T10:00:00Z".parse().unwrap();
    let query = Query { by: vec![Key::Month, Key::Site], ..week() };
    let told = told::answer(&conn, &pages(&["275"]), query, now).unwrap();
    let object = told.object();
    let expected = json!({
        "as_of": "2026-06-20", "from": "2026-06-01", "to": "2026-06-07", "by": ["month", "site"],
        "total": { "expected": 5, "reported": 1, "late": 0, "missing": 4, "unexpected": 0, "rate": 0.2,
                   "not_expected": 1 },
        "rows": [
            { "month": "2026-06", "site": "275", "site_name": "Maison 275", "expected": 5, "reported": 1, "late": 0,
              "missing": 4, "unexpected": 0, "rate": 0.2, "not_expected": 0 },
            { "month": "2026-06", "site": "276", "site_name": "Maison 276", "expected": 0, "reported": 0, "late": 0,
              "missing": 0, "unexpected": 0, "rate": null, "not_expected": 1 },
        ],
        "missing_sites": [
            { "site": "275", "name": "Maison 275", "count": 4, "days": ["2026-06-01/2026-06-02", "2026-06-04/2026-06-05"] },
        ],
        "not_expected": [
            { "site": "276", "name": "Maison 276", "count": 7, "days": ["2026-06-01/2026-06-07"], "reason": "no_hours" },
        ],
    });
    assert_eq!(object, expected);
    let csv = "month,site,site_name,expected,reported,late,missing,unexpected,rate,not_expected\r\n\
               2026-06,275,Maison 275,5,1,0,4,0,0.2000,0\r\n2026-06,276,Maison 276,0,0,0,0,0,,1\r\n";
    assert_eq!(String::from_utf8(told.sheet().write(SheetFormat::Csv)).unwrap(), csv);
    let french = String::from_utf8(told.sheet().write(SheetFormat::CsvFr)).unwrap();
    assert!(french.contains("06/2026;275;Maison 275;5;1;0;4;0;0,2000;0\r\n"), "{french}");
    let said = told.summary(Lang::Fr);
    let expected = "du 1er juin 2026 au 7 juin 2026 : 1 jour reçu sur 5 attendus (20,0 %), dont 0 en retard ; 1 lieu a des \
                    jours manquants ; 0 jour imprévu ; 1 lieu non attendu";
    assert_eq!(said, expected);
    // Another question of the same days: nothing was expected of that site, so no rate.
    let filters = Filters { sites: vec![id("276")], ..Filters::default() };
    let alone = told::answer(&conn, &pages(&["275"]), Query { filters, ..week() }, now).unwrap();
    assert_eq!(alone.object()["total"]["rate"], Value::Null);
}

#[test]
fn nearly_all_is_never_told_as_all() {
    let tally = Tally { expected: 100_000, reported: 99_999, ..Tally::default() };
    assert_eq!(told::fields(&tally)["rate"], json!(0.9999));
}
