//! Claims about figures, on a store filled by hand.

use super::compose::MONTH_SQL;
use super::*;
use crate::query::{Antennas, Filters, Key};
use crate::store::rollups;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn store() -> Connection {
    let conn = crate::store::empty();
    conn.execute_batch(
        "INSERT INTO site (id, name, kind, parent, department, region, bearer, timezone) VALUES
           ('361', 'Perseigne', 'house', NULL, '61', '28', 'mairie', 'Europe/Paris'),
           ('597', 'Courteille', 'antenna', '361', '61', '28', 'mairie', 'Europe/Paris'),
           ('275', 'Chemillé', 'house', NULL, '49', '52', '', 'Europe/Paris')",
    )
    .unwrap();
    conn
}

#[expect(clippy::too_many_arguments, reason = "a test's row, column by column")]
fn put(conn: &Connection, site: &str, on: &str, operator: &str, age: &str, apart: i64, people: i64, requests: i64) {
    let received: i64 = conn.query_row("SELECT count(*) FROM visits", [], |row| row.get(0)).unwrap();
    conn.execute(
        "INSERT INTO visits VALUES (?1, ?2, ?3, 'online', ?4, ?5, ?6, ?7, ?8)",
        rusqlite::params![site, day(on).number(), operator, age, received, apart, people, requests],
    )
    .unwrap();
}

fn ask(by: &[Key]) -> Query {
    // Not whole months: from the cells, or from the sums by site and day.
    Query { by: by.to_vec(), ..Query::of(day("2026-01-02"), day("2026-12-31")) }
}

fn count(visits: i64, requests: i64) -> Count {
    Count { visits: Some(visits), requests }
}

fn rows(conn: &Connection, query: &Query) -> Vec<(String, Option<i64>, i64)> {
    let rows = answer(conn, query).unwrap().rows;
    rows.into_iter().map(|row| (row.keys.join(" "), row.count.visits, row.count.requests)).collect()
}

fn filled() -> Connection {
    let conn = store();
    put(&conn, "361", "2026-11-20", "CNAF", "25-39", 0, 3, 4);
    put(&conn, "361", "2026-11-20", "CNAF", "25-39", 0, -1, -1); // a correction received later
    put(&conn, "361", "2026-02-28", "MSA", "70+", 0, 1, 1);
    put(&conn, "597", "2026-11-20", "CNAF", "unknown", 0, 5, 5);
    put(&conn, "275", "2026-11-21", "DGFIP", "unknown", 0, 2, 3);
    put(&conn, "275", "2026-11-21", "CNAF", "unknown", 0, -4, -4); // negative after a merge: counts as 0
    put(&conn, "275", "2026-11-21", "NEWCODE", "unknown", 1, 9, 9); // waits for a person
    rollups::sum_anew(&conn);
    conn
}

#[test]
fn a_house_holds_its_antennas_unless_apart() {
    let conn = filled();
    let mut query = ask(&[Key::Site]);
    assert_eq!(rows(&conn, &query), [("275".into(), Some(2), 3), ("361".into(), Some(8), 9)]);
    query.filters.sites = vec!["361".parse().unwrap()];
    assert_eq!(rows(&conn, &query), [("361".into(), Some(8), 9)]);
    query.antennas = Antennas::Apart;
    assert_eq!(rows(&conn, &query), [("361".into(), Some(3), 4)]);
    query.filters.sites.clear();
    assert_eq!(
        rows(&conn, &query),
        [("275".into(), Some(2), 3), ("361".into(), Some(3), 4), ("597".into(), Some(5), 5)]
    );
}

#[test]
fn an_antenna_named_alone_has_its_own_row() {
    let conn = filled();
    let mut query = ask(&[Key::Site]);
    query.filters.sites = vec!["597".parse().unwrap()];
    assert_eq!(rows(&conn, &query), [("597".into(), Some(5), 5)]);
    query.filters.sites.push("361".parse().unwrap());
    assert_eq!(rows(&conn, &query), [("361".into(), Some(8), 9)]);
}

#[test]
fn a_negative_cell_counts_as_zero_and_flagged_figures_stay_apart() {
    let figures = answer(&filled(), &ask(&[])).unwrap();
    assert_eq!(figures, Figures { total: count(10, 12), rows: vec![], flagged: count(9, 9), known: true });
}

#[test]
fn visits_are_null_where_matters_are_told_apart() {
    let conn = filled();
    let by_operator = answer(&conn, &ask(&[Key::Operator])).unwrap();
    assert_eq!(by_operator.total, Count { visits: None, requests: 12 });
    assert!(by_operator.rows.iter().all(|row| row.count.visits.is_none()));
    assert_eq!(by_operator.flagged.visits, None);
    let mut filtered = ask(&[Key::Age]);
    assert_eq!(rows(&conn, &filtered)[0], ("25-39".into(), Some(2), 3));
    filtered.filters.operators = vec!["CNAF".parse().unwrap()];
    assert_eq!(rows(&conn, &filtered), [("25-39".into(), None, 3), ("unknown".into(), None, 5)]);
    filtered.filters = Filters { helps: vec!["online".parse().unwrap()], ..Filters::default() };
    assert_eq!(answer(&conn, &filtered).unwrap().total, Count { visits: None, requests: 12 });
}

#[test]
fn days_are_inclusive_and_filters_meet() {
    let conn = filled();
    let mut query = ask(&[Key::Day]);
    (query.from, query.to) = (day("2026-11-20"), day("2026-11-20"));
    assert_eq!(rows(&conn, &query), [("2026-11-20".into(), Some(7), 8)]);
    query.to = day("2026-11-21");
    query.filters.departments = vec!["49".into()];
    assert_eq!(rows(&conn, &query), [("2026-11-21".into(), Some(2), 3)]);
    query.filters.regions = vec!["28".into()];
    assert_eq!(rows(&conn, &query), []);
    query.filters =
        Filters { bearers: vec!["mairie".into()], ages: vec!["unknown".parse().unwrap()], ..Filters::default() };
    assert_eq!(rows(&conn, &query), [("2026-11-20".into(), Some(5), 5)]);
}

#[test]
fn every_day_of_the_calendar_falls_in_its_month_quarter_and_year() {
    let conn = store();
    let mut statement = conn
        .prepare(&format!(
            "WITH RECURSIVE days(day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM days WHERE day < 36524) \
             SELECT day, {MONTH_SQL}, {MONTH_SQL} / 3, {MONTH_SQL} / 12 FROM days"
        ))
        .unwrap();
    let mut found = statement.query([]).unwrap();
    let mut seen = 0;
    while let Some(row) = found.next().unwrap() {
        let date = Day::from_number(row.get(0).unwrap()).unwrap().date();
        let text = |key: Key, place: usize| super::text(key, row.get_ref(place).unwrap()).unwrap();
        assert_eq!(text(Key::Month, 1), format!("{:04}-{:02}", date.year(), date.month()));
        assert_eq!(text(Key::Quarter, 2), format!("{:04}-Q{}", date.year(), (date.month() - 1) / 3 + 1));
        assert_eq!(text(Key::Year, 3), format!("{:04}", date.year()));
        seen += 1;
    }
    assert_eq!(seen, 36_525);
}

#[test]
fn every_pair_of_keys_sums_to_the_same_total() {
    let conn = filled();
    for first in Key::ALL {
        for second in Key::ALL {
            if first != second {
                assert_eq!(answer(&conn, &ask(&[first, second])).unwrap().total.requests, 12, "{first:?} {second:?}");
            }
        }
    }
}

#[test]
fn sums_equal_those_of_a_cell_by_cell_reckoning() {
    use std::collections::BTreeMap;
    let conn = store();
    let mut state = 7_u64;
    let mut draw = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut cells = BTreeMap::<_, [i64; 2]>::new();
    for _ in 0..600 {
        let (site, on) = (["361", "597", "275"][draw(3)], ["2026-01-05", "2026-02-06", "2026-02-07"][draw(3)]);
        let (operator, age, apart) = (["CNAF", "MSA"][draw(2)], ["70+", "unknown"][draw(2)], draw(2) as i64);
        let (people, requests) = (draw(9) as i64 - 4, draw(9) as i64 - 4);
        put(&conn, site, on, operator, age, apart, people, requests);
        let cell = cells.entry((site, on, operator, age, apart)).or_default();
        *cell = [cell[0] + people, cell[1] + requests];
    }
    rollups::sum_anew(&conn);
    let sum = |apart: i64, of: usize, wanted: &dyn Fn(&str, &str, &str) -> bool| -> i64 {
        let cells = cells.iter().filter(|((site, on, _, age, part), _)| *part == apart && wanted(site, on, age));
        cells.map(|(_, sums)| sums[of].max(0)).sum()
    };
    let all = |_: &str, _: &str, _: &str| true;
    for by in [vec![], vec![Key::Month], vec![Key::Site, Key::Age], vec![Key::Day], vec![Key::Year, Key::Age]] {
        let figures = answer(&conn, &ask(&by)).unwrap();
        assert_eq!(figures.total, count(sum(0, 0, &all), sum(0, 1, &all)), "{by:?}");
        assert_eq!(figures.flagged, count(sum(1, 0, &all), sum(1, 1, &all)), "{by:?}");
    }
    let february = |site: &str, on: &str, age: &str| site != "275" && on.starts_with("2026-02") && age == "70+";
    let found = rows(&conn, &ask(&[Key::Department, Key::Month, Key::Age]));
    let expected = ("61 2026-02 70+".to_owned(), Some(sum(0, 0, &february)), sum(0, 1, &february));
    assert!(found.contains(&expected), "{found:?} lacks {expected:?}");
}
