//! Claims about what holds of a site on which day.

use super::*;
use crate::query::{Filters, Key, Query};
use crate::site::{Kind, Life, Site};
use crate::store::figures::answer;
use crate::store::sites;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn id(text: &str) -> SiteId {
    text.parse().unwrap()
}

const TODAY: &str = "2026-11-20";

/// Houses 361 and 275 in two departments, and an antenna of the first.
fn network() -> Connection {
    let conn = crate::store::empty();
    for (name, kind, parent, department) in
        [("361", Kind::House, None, "61"), ("275", Kind::House, None, "49"), ("597", Kind::Antenna, Some("361"), "61")]
    {
        let mut site = Site::new(id(name), name.to_owned(), kind, "Europe/Paris".parse().unwrap());
        (site.parent, site.department) = (parent.map(id), department.to_owned());
        site.region = department_region(department).unwrap().to_owned();
        sites::put(&conn, &site, Since::learnt(day(TODAY)), day(TODAY)).unwrap();
    }
    for (site, on, people) in [("361", "2026-03-10", 1), ("597", "2026-03-10", 10), ("597", "2026-06-10", 100)] {
        let sql = "INSERT INTO visits VALUES (?1, ?2, 'CNAF', 'online', '70+', 0, 0, ?3, ?3)";
        conn.execute(sql, (site, day(on).number(), people)).unwrap();
    }
    rollups::sum_anew(&conn);
    conn
}

fn change(conn: &Connection, name: &str, since: Since, with: impl FnOnce(&mut Site)) {
    let mut site = sites::find(conn, &id(name)).unwrap().unwrap().0;
    with(&mut site);
    sites::put(conn, &site, since, day(TODAY)).unwrap();
}

fn rows(conn: &Connection, by: Key, sites: &[&str]) -> Vec<(String, i64)> {
    let filters = Filters { sites: sites.iter().map(|name| id(name)).collect(), ..Filters::default() };
    let (from, to) = (day("2026-01-01"), day("2026-12-31"));
    let query = Query { by: vec![by], filters, ..Query::of(from, to) };
    let told = |query: &Query| -> Vec<(String, i64)> {
        let rows = answer(conn, query).unwrap().rows;
        rows.into_iter().map(|row| (row.keys.join(" "), row.count.requests)).collect()
    };
    // Sums that moved with their sites, and cells.
    let rows = told(&query);
    assert_eq!(told(&Query { as_of: Some(to), ..query }), rows);
    rows
}

fn told(conn: &Connection, name: &str) -> Vec<(String, Option<String>, String)> {
    let lines = of_site(conn, &id(name)).unwrap();
    lines.into_iter().map(|held| (held.field, held.from.map(|day| day.to_string()), held.value)).collect()
}

#[test]
fn a_visit_counts_for_the_house_department_and_bearer_of_its_day() {
    let conn = network();
    let before = [("361".to_owned(), 111)];
    assert_eq!(rows(&conn, Key::Site, &[]), before);
    let may = Since::named(day("2026-05-01"));
    change(&conn, "597", may, |site| site.parent = Some(id("275")));
    assert_eq!(rows(&conn, Key::Site, &[]), [("275".to_owned(), 100), ("361".to_owned(), 11)]);
    assert_eq!(rows(&conn, Key::Site, &["361"]), [("361".to_owned(), 11)]);
    assert_eq!(rows(&conn, Key::Site, &["275"]), [("275".to_owned(), 100)]);
    assert_eq!(rows(&conn, Key::Site, &["597"]), [("597".to_owned(), 110)]);
    assert_eq!(rows(&conn, Key::Department, &[]), [("61".to_owned(), 111)]);
    change(&conn, "597", may, |site| (site.department, site.bearer) = ("49".to_owned(), "mairie".to_owned()));
    assert_eq!(rows(&conn, Key::Department, &[]), [("49".to_owned(), 100), ("61".to_owned(), 11)]);
    assert_eq!(rows(&conn, Key::Region, &[]), [("28".to_owned(), 11), ("52".to_owned(), 100)]);
    assert_eq!(rows(&conn, Key::Bearer, &[]), [(String::new(), 11), ("mairie".to_owned(), 100)]);
    assert_eq!(rows(&conn, Key::Month, &["361"]), [("2026-03".to_owned(), 11)]);
    let parent = |from: Option<&str>, value: &str| ("parent".to_owned(), from.map(str::to_owned), value.to_owned());
    let of_parent: Vec<_> = told(&conn, "597").into_iter().filter(|line| line.0 == "parent").collect();
    assert_eq!(of_parent, [parent(None, "361"), parent(Some("2026-05-01"), "275")]);
    // Said otherwise for the same day, as before: nothing has ever changed.
    for since in [Since::named(day("2026-05-01")), Since::named(day("2026-05-01"))] {
        change(&conn, "597", since, |site| {
            (site.parent, site.department, site.bearer) = (Some(id("361")), "61".to_owned(), String::new());
        });
        assert_eq!((told(&conn, "597"), rows(&conn, Key::Site, &[])), (Vec::new(), before.to_vec()));
    }
}

#[test]
fn what_becomes_known_holds_ever_since_and_what_changes_holds_from_its_day() {
    let conn = network();
    let learnt = Since::learnt(day("2026-05-01"));
    change(&conn, "597", learnt, |site| site.bearer = "mairie".to_owned());
    assert_eq!(told(&conn, "597"), []);
    assert_eq!(rows(&conn, Key::Bearer, &["597"]), [("mairie".to_owned(), 110)]);
    change(&conn, "597", learnt, |site| site.bearer = "la_poste".to_owned());
    assert_eq!(rows(&conn, Key::Bearer, &["597"]), [("la_poste".to_owned(), 100), ("mairie".to_owned(), 10)]);
    // The rest of the record has no history.
    change(&conn, "597", learnt, |site| site.name = "Courteille".to_owned());
    assert_eq!(told(&conn, "597").len(), 2);
}

#[test]
fn a_change_dated_ahead_waits_for_its_day() {
    let conn = network();
    change(&conn, "597", Since::named(day("2027-01-01")), |site| site.life = Life::Retired);
    let life = || sites::find(&conn, &id("597")).unwrap().unwrap().0.life;
    for (today, expected) in [(TODAY, Life::Open), ("2026-12-31", Life::Open), ("2027-01-01", Life::Retired)] {
        bring_forward(&conn, day(today)).unwrap();
        assert_eq!(life(), expected, "{today}");
    }
    assert_eq!(retired(&conn, &id("597")).unwrap(), [(day("2027-01-01").number(), CALENDAR.1)]);
}

#[test]
fn every_day_lies_in_one_span() {
    let conn = network();
    for (from, bearer) in [("2026-05-01", "a"), ("2025-05-01", "b"), ("2000-01-01", "c"), ("2099-12-31", "d")] {
        change(&conn, "597", Since::named(day(from)), |site| site.bearer = bearer.to_owned());
    }
    change(&conn, "597", Since::named(day("2026-05-02")), |site| site.life = Life::Labelled);
    let sql = "SELECT from_day, to_day FROM site_span WHERE site = '597' ORDER BY from_day";
    let spans = sql::rows(&conn, "", sql, [], |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?))).unwrap();
    assert_eq!((spans[0].0, spans[spans.len() - 1].1), CALENDAR);
    assert!(spans.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{spans:?}");
    assert!(spans.iter().all(|(from, to)| from <= to));
}

#[test]
fn an_alias_never_shadows_an_id() {
    let conn = network();
    assert!(sites::add_alias(&conn, "275", &id("361")).is_err());
    sites::add_alias(&conn, "fs-1", &id("361")).unwrap();
    // A device with a certificate of that name comes back: the site takes its name.
    sites::insert_unknown(&conn, &id("fs-1")).unwrap();
    assert_eq!(sites::resolve(&conn, "fs-1").unwrap(), Some(id("fs-1")));
    assert_eq!(sites::aliases(&conn, &id("361")).unwrap(), Vec::<String>::new());
}
