//! The real sites of the national list, over years.

use std::collections::BTreeMap;

use super::{around, assert_told, calendar, day, days, judge, no_holidays, open_on, public_days, scheduled};
use crate::io::hours::write;
use crate::schedule::plan::{Surroundings, plan};
use crate::schedule::weekly_minutes;

/// What is needed of a site.
struct Site {
    id: String,
    text: String,
    minutes: u32,
    holiday_zone: String,
    school_zone: String,
}

/// The sites that have hours.
fn sites() -> Vec<Site> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sites.csv");
    let mut file = csv::Reader::from_path(path).unwrap();
    let header = file.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|known| known == name).unwrap();
    let [id, text, minutes, holiday, school] =
        ["site_id", "osm_opening_hours", "weekly_minutes", "holiday_zone", "school_zone"].map(column);
    let rows = file.into_records().map(Result::unwrap).filter(|row| !row[text].is_empty());
    let sites: Vec<Site> = rows
        .map(|row| Site {
            id: row[id].to_owned(),
            text: row[text].to_owned(),
            minutes: row[minutes].parse().unwrap(),
            holiday_zone: row[holiday].to_owned(),
            school_zone: row[school].to_owned(),
        })
        .collect();
    assert_eq!(sites.len(), 2_797);
    sites
}

/// Sites of one text and one zone have one answer.
fn distinct(sites: Vec<Site>) -> Vec<Site> {
    let by_what = sites.into_iter().map(|site| ((site.text.clone(), site.holiday_zone.clone()), site));
    by_what.collect::<BTreeMap<_, _>>().into_values().collect()
}

#[test]
fn every_real_text_gives_the_published_minutes_and_the_same_two_years() {
    let (from, count) = (day("2026-01-01"), 730);
    let ordinary = no_holidays(2026..=2027);
    let without = around(&ordinary, "none", "A");
    for site in &sites() {
        let schedule = scheduled(&site.text, day("2024-08-01"));
        assert_eq!(weekly_minutes(&schedule, from), Some(site.minutes), "site {}", site.id);
    }
    for site in distinct(sites()) {
        let schedule = scheduled(&site.text, day("2024-08-01"));
        let judged = judge(&site.text, &[], &[]);
        for day in days(from, count) {
            let planned = plan(&schedule, day, &without).intervals();
            assert_eq!(open_on(&judged, day), planned, "site {} on {day}", site.id);
        }
    }
}

#[test]
fn every_real_text_gives_the_same_two_years_with_the_holidays_of_its_zone() {
    let (from, count) = (day("2026-01-01"), 730);
    let calendar = calendar();
    for site in distinct(sites()) {
        let around: Surroundings<'_> = around(&calendar, &site.holiday_zone, &site.school_zone);
        let public = public_days(&calendar, &site.holiday_zone, from, count);
        assert!(public.len() >= 22, "{} of {}", public.len(), site.holiday_zone);
        let text = format!("{}; PH off", site.text);
        for text in [&site.text, &text] {
            let schedule = scheduled(text, day("2024-08-01"));
            let judged = judge(&format!("{}; PH off", site.text), &public, &[]);
            for day in days(from, count) {
                let planned = plan(&schedule, day, &around).intervals();
                assert_eq!(open_on(&judged, day), planned, "site {} on {day}", site.id);
            }
        }
    }
}

#[test]
fn every_real_site_is_written_so_that_it_reads_as_planned() {
    let calendar = calendar();
    let from = day("2026-03-10");
    let (mut bytes, mut longest) = (0, 0);
    let sites = distinct(sites());
    for site in &sites {
        let around = around(&calendar, &site.holiday_zone, &site.school_zone);
        let schedule = scheduled(&site.text, day("2024-08-01"));
        let text = write(&schedule, from, &around);
        bytes += text.len();
        longest = longest.max(text.len());
        assert!(text.starts_with(&site.text) || text.len() < 600, "site {}: {text}", site.id);
        assert_told(&text, &schedule, from, &around);
    }
    println!("{} texts of {} bytes on average, at most {longest}", sites.len(), bytes / sites.len());
}
