//! What the views of a network may cost, in SQLite's own steps and in bytes: neither hangs on how busy a
//! machine is. Each bound is about three times what is needed; reading cells where sums are kept, or all
//! months where one is asked for, costs ten times as much.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use msap_hub::almanac::Almanac;
use msap_hub::label::LabelQuestion;
use msap_hub::query::{Filters, Key, Query};
use msap_hub::store::reader;
use msap_hub::{counts, label, returns};
use rusqlite::Connection;

use super::*;

/// Steps that SQLite takes meanwhile.
fn steps<T>(conn: &Connection, work: impl FnOnce() -> T) -> u64 {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = taken.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    conn.progress_handler(1, Some(count)).unwrap();
    work();
    conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    taken.load(Ordering::Relaxed)
}

#[test]
fn each_view_of_the_network_costs_no_more_steps_than_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("hub");
    let until = Some("2026-03".parse().unwrap());
    let options = SeedOptions { data: data.clone(), sites: Some(60), months: 24, real: 1, until, seed: 7, json: false };
    let seeded = seed(&options).unwrap();
    let conn = reader(&data.join(FILE_NAME)).unwrap();
    let (almanac, now) = (Almanac::default(), "2026-04-02T10:00:00Z".parse::<Timestamp>().unwrap());
    let pages = almanac.open(&conn).unwrap();
    let day = |text: &str| text.parse::<Day>().unwrap();
    let figures = |query: Query| counts::answer(&conn, &pages, query, now).unwrap();
    let year =
        |from: &str, to: &str| Query { by: vec![Key::Department, Key::Operator], ..Query::of(day(from), day(to)) };
    // What is read once, and kept.
    let first = steps(&conn, || figures(year("2024-05-01", "2025-04-30")));
    let national = steps(&conn, || figures(year("2025-04-01", "2026-03-31")));
    let site = Query {
        by: vec![Key::Day],
        filters: Filters { sites: vec!["1".parse().unwrap()], ..Filters::default() },
        ..Query::of(day("2026-02-01"), day("2026-02-28"))
    };
    let month = steps(&conn, || figures(site));
    let asked = returns::ask(&conn, &[("month".to_owned(), "2026-02".to_owned())], now).unwrap();
    let cnaf = || ["CNAF".parse().unwrap()];
    let returned = steps(&conn, || returns::of(&conn, &pages, &cnaf(), asked, now).unwrap());
    let labels = steps(&conn, || label::answer(&conn, &pages, LabelQuestion::default(), now).unwrap());
    let bytes = seeded.bytes_per_site_month();
    let over = [
        ("the first question", first, 300_000),
        ("a national year by department and operator", national, 250_000),
        ("a site's month by day", month, 7_000),
        ("a partner's return", returned, 320_000),
        ("the label of the network", labels, 32_000),
        ("bytes of a site's month", bytes, 32_000),
    ];
    let over: Vec<_> = over.into_iter().filter(|(_, found, most)| found > most).collect();
    assert!(over.is_empty(), "more than they need: {over:?}");
}
