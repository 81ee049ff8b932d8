//! Claims about what is told of figures beside the figures themselves.

use super::*;
use crate::query::Compare;
use crate::store::{meta, rollups};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn filled() -> Connection {
    let conn = crate::store::empty();
    let (on, late) = (day("2020-11-20").number(), day("2020-11-25").number());
    conn.execute_batch(&format!(
        "INSERT INTO site (id, name, kind, department, region, timezone)
            VALUES ('275', 'Chemillé', 'house', '49', '52', 'Europe/Paris');
         INSERT INTO visits VALUES ('275', {on}, 'CNAF', 'online', '70+', {on}, 0, 2, 2),
                                   ('275', {on}, 'CNAF', 'online', '70+', {late}, 0, -5, -5);
         INSERT INTO revision VALUES ('275', {on}, 'CNAF', 'online', '70+', {late}, 'correction', -5, -5);"
    ))
    .unwrap();
    meta::date_epoch(&conn, day("2020-11-20")).unwrap();
    rollups::sum_anew(&conn);
    conn
}

fn november() -> Query {
    Query::of(day("2020-11-01"), day("2020-11-30"))
}

#[test]
fn what_a_figure_below_zero_holds_back_is_told_apart() {
    let query = Query { as_of: Some(day("2020-11-20")), ..november() };
    let told = answer(&filled(), &Pages::default(), query, noon("2020-12-01")).unwrap();
    let object = told.object();
    assert_eq!(object["total"], json!({ "visits": 2, "requests": 2 }));
    assert_eq!(object["since"]["visits"], -2);
    assert_eq!(object["since"]["correction"], json!({ "visits": -5, "requests": -5 }));
    assert_eq!(object["since"]["negative"], json!({ "visits": 3, "requests": 3 }));
    let text = told.summary(Lang::Fr);
    assert!(text.ends_with("depuis : -2 visites, -2 demandes\n  corrections : -5 visites, -5 demandes"), "{text}");
}

#[test]
fn today_needs_no_history() {
    let (conn, today) = (filled(), day("2020-11-19"));
    let asked =
        |as_of| answer(&conn, &Pages::default(), Query { as_of: Some(as_of), ..november() }, noon("2020-11-19"));
    assert!(asked(today).is_ok());
    assert!(matches!(asked(day("2020-11-18")), Err(FigureError::HistoryLost(first)) if first == day("2020-11-20")));
}

#[test]
fn an_epoch_that_has_received_nothing_knows_no_day_before() {
    let (conn, today) = (filled(), day("2020-12-01"));
    conn.execute_batch("INSERT INTO document (name, site) VALUES ('site/275/visits/2020-11', '275')").unwrap();
    meta::set_epoch(&conn, msap_shared::id::Epoch::new([1; 16])).unwrap();
    let query = Query { as_of: Some(day("2020-11-25")), ..november() };
    let asked = || answer(&conn, &Pages::default(), query.clone(), noon("2020-12-01"));
    assert!(matches!(asked(), Err(FigureError::HistoryLost(first)) if first == today));
    meta::date_epoch(&conn, day("2020-11-25")).unwrap();
    assert!(asked().is_ok());
}

#[test]
fn nothing_to_compare_with_is_said_in_words() {
    let conn = filled();
    let told = |query: Query, compare| {
        answer(&conn, &Pages::default(), Query { compare: Some(compare), ..query }, noon("2020-12-01"))
            .unwrap()
            .summary(Lang::Fr)
    };
    assert!(
        told(november(), Compare::Year)
            .ends_with("du 1er novembre 2019 au 30 novembre 2019 : rien de reçu, rien à comparer")
    );
    let first = Query::of(day("2000-01-01"), day("2000-01-31"));
    assert!(told(first, Compare::Previous).ends_with("avant le calendrier : rien de reçu, rien à comparer"));
}
