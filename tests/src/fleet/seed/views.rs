//! A month of a site straight into the hub's views, as the changes of it would have left them.
//!
//! The only place outside the hub that writes its tables; the test compares them with those that
//! changes make.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use msap_hub::query::month_number;
use msap_shared::time::{Day, Month};
use rusqlite::{Connection, params};

use super::months::{Said, Spoken, counted};
use super::network::Place;

const VISITS: &str = "INSERT INTO visits (site, day, operator, help, age, received_day, apart, people, requests) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)";
const SITE_DAY: &str = "INSERT INTO site_day (site, day, people, requests, people_apart, requests_apart) \
    VALUES (?1, ?2, ?3, ?4, 0, 0)";
const CLOSED_DAY: &str = "INSERT INTO closed_day (site, day, received_day, closed) VALUES (?1, ?2, ?3, 1)";
const SITE_MONTH: &str = "INSERT INTO site_month (site, month, visited, lag) VALUES (?1, ?2, ?3, ?4)";
const DEPARTMENT_MONTH: &str = "INSERT INTO department_month \
    (department, operator, month, help, age, people, requests, people_apart, requests_apart) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0) ON CONFLICT DO UPDATE SET \
    people = people + excluded.people, requests = requests + excluded.requests";

/// Operator, help, age.
type Matter<'a> = (&'a str, &'a str, &'a str);

/// Writes what was said.
pub(super) fn put(conn: &Connection, place: &Place, month: Month, spoken: &Spoken) -> Result<()> {
    let site = place.site.id.as_str();
    let number = month_number(month.first_day());
    let mut matters = BTreeMap::<Matter<'_>, [i64; 2]>::new();
    let (mut visited, mut lag) = (0_u32, [u8::MAX; 31]);
    for (day, said) in &spoken.0 {
        let bit = usize::from(day.day_of_month() - 1);
        lag[bit] = u8::try_from(said.received.number() - day.number()).context("a day received before it began")?;
        if said.taps.is_empty() {
            conn.prepare_cached(CLOSED_DAY)?.execute(params![site, day.number(), said.received.number()])?;
            continue;
        }
        visited |= 1 << bit;
        put_day(conn, site, *day, said, &mut matters)?;
    }
    if !spoken.0.is_empty() {
        conn.prepare_cached(SITE_MONTH)?.execute(params![site, number, visited, lag])?;
    }
    // Under no help and no age, the sum over all of them.
    let mut sums = BTreeMap::<Matter<'_>, [i64; 2]>::new();
    for ((operator, ..), by) in &matters {
        add(&mut sums, (operator, "", ""), *by);
    }
    for ((operator, help, age), [people, requests]) in sums.into_iter().chain(matters) {
        let row = params![place.department, operator, number, help, age, people, requests];
        conn.prepare_cached(DEPARTMENT_MONTH)?.execute(row)?;
    }
    Ok(())
}

fn put_day<'a>(
    conn: &Connection,
    site: &str,
    day: Day,
    said: &'a Said,
    matters: &mut BTreeMap<Matter<'a>, [i64; 2]>,
) -> Result<()> {
    let mut cells = BTreeMap::<Matter<'a>, [i64; 2]>::new();
    for tap in &said.taps {
        let (people, requests) = counted(tap);
        add(&mut cells, (tap.operator.as_str(), tap.help.as_str(), tap.age.as_str()), [people, requests]);
    }
    let (mut people_all, mut requests_all) = (0, 0);
    for ((operator, help, age), [people, requests]) in cells {
        let row = params![site, day.number(), operator, help, age, said.received.number(), people, requests];
        conn.prepare_cached(VISITS)?.execute(row)?;
        (people_all, requests_all) = (people_all + people, requests_all + requests);
        add(matters, (operator, help, age), [people, requests]);
    }
    conn.prepare_cached(SITE_DAY)?.execute(params![site, day.number(), people_all, requests_all])?;
    Ok(())
}

fn add<'a>(sums: &mut BTreeMap<Matter<'a>, [i64; 2]>, matter: Matter<'a>, [people, requests]: [i64; 2]) {
    let sum = sums.entry(matter).or_default();
    *sum = [sum[0] + people, sum[1] + requests];
}
