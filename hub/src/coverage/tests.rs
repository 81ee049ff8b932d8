//! Claims about coverage, against a naive reckoning.

use msap_shared::document::register::Facts;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::lang::Lang;
use crate::sheet::SheetFormat;
use crate::sheet::Table;

/// A Tuesday of an even week; the window is 2026-11-02 to 2026-11-29, without a public holiday
/// on the weekdays below.
const DAY: &str = "2026-11-03";

#[derive(Clone, Debug)]
struct House {
    department: &'static str,
    commune: &'static str,
    life: &'static str,
    /// Variant and weekday.
    comes: Option<(&'static str, &'static str)>,
    /// Mode, contact, days since it was confirmed.
    said: Option<(&'static str, &'static str, i32)>,
    /// Whether the second visit of the window is cancelled.
    cancelled: bool,
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn houses() -> impl Strategy<Value = Vec<House>> {
    let comes = (select(vec!["every", "odd", "even"]), select(vec!["mo", "th"]));
    let mode = select(vec!["permanence", "partial", "reachable", "absent"]);
    let said = (mode, select(vec!["", "3230"]), select(vec![0, 45, 46, 200]));
    let house = (
        select(vec!["49", "61"]),
        select(vec!["Chemillé", "Alençon"]),
        select(vec!["open", "labelled", "labelled", "project", "retired"]),
        prop::option::of(comes),
        prop::option::of(said),
        any::<bool>(),
    );
    let house = house.prop_map(|(department, commune, life, comes, said, cancelled)| House {
        department,
        commune,
        life,
        comes,
        said,
        cancelled,
    });
    prop::collection::vec(house, 1..7)
}

/// The days of the window on which somebody comes by the rule, by the calendar on the wall.
fn comings(house: &House) -> Vec<Day> {
    let Some((variant, weekday)) = house.comes else { return Vec::new() };
    // 2 November 2026 is the Monday of week 45.
    let weeks: Vec<i32> = match variant {
        "odd" => vec![0, 2],
        "even" => vec![1, 3],
        _ => vec![0, 1, 2, 3],
    };
    let offset = if weekday == "mo" { 0 } else { 3 };
    weeks.into_iter().map(|week| day("2026-11-02").plus_days(week * 7 + offset)).collect()
}

fn filled(houses: &[House]) -> (Connection, Pages) {
    let conn = crate::store::empty();
    let mut pages = Pages::default();
    for (n, house) in houses.iter().enumerate() {
        let House { department, commune, life, comes, said, cancelled } = house;
        let region = crate::site::department_region(department).unwrap();
        let kind = if n % 3 == 2 { "antenna" } else { "house" };
        let sql = "INSERT INTO site (id, name, kind, life, department, region, commune, timezone, holiday_zone)
                   VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, 'Europe/Paris', 'metropole')";
        conn.execute(sql, (n.to_string(), kind, life, department, region, commune)).unwrap();
        let (mut schedule, mut partners) = (Facts::new(), Facts::new());
        let fact = |body: &str| vec![format!("device:5f1e0c9a|2026-01-05|{body}")];
        if let Some((variant, weekday)) = comes {
            let key = format!("permanence|2026-01-05|CNAF|{variant}|{weekday}|-");
            schedule.insert(key, fact("09:00-10:00,10:00-11:30"));
        }
        if let Some(off) = comings(house).get(1).filter(|_| *cancelled) {
            schedule.insert(format!("off|{off}|CNAF|-"), fact("cancelled|strike"));
        }
        if let Some((mode, contact, ago)) = said {
            let checked = day(DAY).plus_days(-ago);
            partners.insert("presence|CNAF".to_owned(), fact(&format!("{mode}|{contact}||{checked}")));
        }
        pages = pages.with(&n.to_string(), &schedule, &partners);
    }
    (conn, pages)
}

/// State and days, as a person would work them out.
fn reckoned(house: &House) -> (Cover, u32) {
    let fresh = house.said.filter(|(.., ago)| *ago <= 45);
    if fresh.is_some_and(|(mode, ..)| mode == "absent") {
        return (Cover::Absent, 0);
    }
    let days = comings(house).len() - usize::from(house.cancelled && house.comes.is_some());
    let cover = match fresh {
        _ if days > 0 => Cover::Present,
        Some(("partial", ..)) => Cover::Partial,
        Some(("reachable", ..)) => Cover::Reachable,
        _ => Cover::Unknown,
    };
    (cover, u32::try_from(days).unwrap())
}

fn asked(conn: &Connection, given: &[(&str, &str)]) -> Question {
    let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ask(conn, &given, day(DAY)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn each_site_and_department_has_what_a_naive_reckoning_finds(
        houses in houses(), within in select(vec![None, Some("49")]),
    ) {
        let (conn, pages) = filled(&houses);
        let mut given = vec![("operator", "CNAF"), ("day", DAY)];
        given.extend(within.map(|code| ("department", code)));
        let found = answer(&conn, &pages, asked(&conn, &given)).unwrap();
        let mut sites = Vec::new();
        let mut sums = BTreeMap::<&str, Sums>::new();
        for (n, house) in houses.iter().enumerate() {
            if !["open", "labelled"].contains(&house.life) || within.is_some_and(|within| within != house.department) {
                continue;
            }
            let (cover, days) = reckoned(house);
            sites.push((n.to_string(), cover, days, days * 150));
            let of = sums.entry(house.department).or_default();
            let place = Cover::ALL.iter().position(|known| *known == cover).unwrap();
            if n % 3 == 2 { of.antennas[place] += 1 } else { of.houses[place] += 1 }
            (of.days, of.minutes) = (of.days + days, of.minutes + days * 150);
            if !matches!(cover, Cover::Absent | Cover::Unknown) {
                of.communes.insert((house.department.to_owned(), house.commune.to_owned()));
            }
        }
        let told: Vec<_> = found.sites.iter().map(|line| (line.site.clone(), line.cover, line.days, line.minutes)).collect();
        prop_assert_eq!(told, sites);
        let told: BTreeMap<_, _> = found.departments.iter().map(|((_, code), sums)| (code.as_str(), sums.clone())).collect();
        prop_assert_eq!(told, sums);
        let all = |sums: &Sums| sums.houses.iter().chain(&sums.antennas).sum::<u32>();
        prop_assert_eq!(found.total.values().map(all).sum::<u32>() as usize, found.sites.len());
    }
}

fn three() -> (Connection, Pages) {
    let house = |commune, comes, said| House { department: "49", commune, life: "open", comes, said, cancelled: true };
    filled(&[
        house("Chemillé", Some(("odd", "th")), Some(("permanence", "3230", 10))),
        house("Segré", None, Some(("reachable", "", 46))),
        house("Segré", None, Some(("partial", "", 1))),
    ])
}

#[test]
fn a_table_tells_how_often_a_partner_comes_and_what_is_too_old_to_be_believed() {
    let (conn, pages) = three();
    let csv = |by| {
        let given = [("operator", "CNAF"), ("day", DAY), ("by", by)];
        let found = answer(&conn, &pages, asked(&conn, &given)).unwrap();
        (String::from_utf8(found.sheet().write(SheetFormat::CsvFr)).unwrap(), found)
    };
    let (sites, found) = csv("site");
    assert_eq!(
        sites.lines().collect::<Vec<_>>(),
        [
            "\u{feff}partenaire;nom du partenaire;département;lieu;nom du lieu;sorte;maison;commune;état;jours par semaine;\
             heures par semaine;confirmé le;confirmation trop ancienne",
            "CNAF;CAF;49;0;0;maison;;Chemillé;présent;0,2;0,6;24/10/2026;non",
            "CNAF;CAF;49;1;1;maison;;Segré;inconnu;0,0;0,0;18/09/2026;oui",
            "CNAF;CAF;49;2;2;antenne;;Segré;partiel;0,0;0,0;02/11/2026;non",
        ]
    );
    assert_eq!(
        found.summary(Lang::Fr),
        "CAF, au 3 novembre 2026 : présent dans 1 maison, partiel 0, joignable 0, absent 0, inconnu 1 ; 2 communes \
         desservies"
    );
    let object = found.object();
    assert_eq!((&object["sites"][0]["minutes_per_week"], &object["weeks"]["to"]), (&37.5.into(), &"2026-11-29".into()));
    assert_eq!((&object["total"][0]["houses"]["without"], &object["total"][0]["communes"]), (&1.into(), &2.into()));
    let (departments, found) = csv("department");
    assert_eq!(departments.lines().nth(1), Some("CNAF;CAF;49;1;0;0;0;1;1;0;1;0;0;0;0;2;0,2;0,6"));
    assert!(found.object()["sites"].is_null());
}

#[test]
fn what_is_believed_on_the_day_is_believed_of_its_weeks() {
    let absent = |ago| House {
        department: "49",
        commune: "Chemillé",
        life: "open",
        comes: Some(("every", "mo")),
        said: Some(("absent", "", ago)),
        cancelled: false,
    };
    // On the Monday before, it had been confirmed 45 days ago, and was still believed.
    let (conn, pages) = filled(&[absent(45), absent(46)]);
    let found = answer(&conn, &pages, asked(&conn, &[("day", DAY)])).unwrap();
    let told: Vec<_> = found.sites.iter().map(|line| (line.cover, line.days)).collect();
    assert_eq!(told, [(Cover::Absent, 0), (Cover::Present, 4)]);
}

#[test]
fn without_a_partner_named_all_are_told_of_that_the_sites_speak_of() {
    let (conn, pages) = three();
    let found = answer(&conn, &pages, asked(&conn, &[("day", DAY)])).unwrap();
    assert_eq!(found.total.keys().map(OperatorCode::as_str).collect::<Vec<_>>(), ["CNAF"]);
    let silent = answer(&conn, &pages, asked(&conn, &[("day", DAY), ("operator", "MSA")])).unwrap();
    assert!(silent.sites.iter().all(|line| line.cover == Cover::Unknown), "nobody said that it is absent");
    assert_eq!(silent.sites.len(), 3);
}
