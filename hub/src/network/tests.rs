//! Claims about the network's size, on a store filled by hand.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const TODAY: &str = "2026-11-22";

/// What one site was: from which day on, at what step, in which department, run by whom.
type Story = Vec<(&'static str, Life, &'static str, &'static str)>;

fn stories() -> impl Strategy<Value = Vec<(Kind, Story)>> {
    let days = ["2026-08-31", "2026-09-01", "2026-09-30", "2026-10-15", "2026-11-22", "2026-11-23"];
    let step = (select(LIVES.map(|(life, _)| life).to_vec()), select(vec!["49", "61"]), select(vec!["a", ""]));
    let story = (subsequence(days.to_vec(), 0..4), prop::collection::vec(step, 4)).prop_map(|(days, steps)| {
        let days = ["2000-01-01"].into_iter().chain(days);
        days.zip(steps).map(|(day, (life, department, bearer))| (day, life, department, bearer)).collect()
    });
    prop::collection::vec((select(vec![Kind::House, Kind::Antenna]), story), 0..6)
}

fn store(stories: &[(Kind, Story)]) -> Connection {
    let conn = crate::store::empty();
    for (n, (kind, story)) in stories.iter().enumerate() {
        let sql = "INSERT INTO site (id, name, kind, department, region, timezone)
                   VALUES (?1, '', ?2, '49', '52', 'Europe/Paris')";
        conn.execute(sql, (n.to_string(), kind.as_str())).unwrap();
        conn.execute("DELETE FROM site_span WHERE site = ?1", [n.to_string()]).unwrap();
        for (at, (from, life, department, bearer)) in story.iter().enumerate() {
            let to = story.get(at + 1).map_or(36_524, |next| day(next.0).number() - 1);
            let region = crate::site::department_region(department).unwrap();
            let values = (n.to_string(), day(from).number(), to, life.as_str(), department, region, bearer);
            conn.execute("INSERT INTO site_span VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7)", values).unwrap();
        }
    }
    conn
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn each_month_end_has_what_a_naive_reckoning_finds(
        stories in stories(),
        by in subsequence(vec!["department", "region", "bearer", "month"], 0..4).prop_shuffle(),
        within in select(vec![None, Some("49")]),
    ) {
        let conn = store(&stories);
        let mut given = vec![("by", by.join(","))];
        given.retain(|(_, value)| !value.is_empty());
        given.extend(within.map(|code| ("department", code.to_owned())));
        if by.contains(&"month") {
            given.extend([("from", "2026-08-20".to_owned()), ("to", "2026-11-02".to_owned())]);
        }
        let given: Vec<_> = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let found = answer(&conn, ask(&conn, &given, day(TODAY)).unwrap()).unwrap();
        let days = match by.contains(&"month") {
            true => ["2026-08-31", "2026-09-30", "2026-10-31", TODAY].to_vec(),
            false => vec![TODAY],
        };
        let mut sums = BTreeMap::<(Vec<String>, Day, Kind0, &str), u32>::new();
        for on in days.iter().map(|text| day(text)) {
            for (kind, story) in &stories {
                let (_, life, department, bearer) = story.iter().rfind(|step| day(step.0) <= on).unwrap();
                if within.is_some_and(|within| within != *department) {
                    continue;
                }
                let key = |key: &&str| match *key {
                    "department" => (*department).to_owned(),
                    "region" => if *department == "49" { "52" } else { "28" }.to_owned(),
                    "bearer" => (*bearer).to_owned(),
                    _ => on.to_string()[..7].to_owned(),
                };
                let keys: Vec<_> = by.iter().map(key).collect();
                *sums.entry((keys, on, Kind0(*kind == Kind::House), life.as_str())).or_insert(0) += 1;
            }
        }
        let mut told = BTreeMap::new();
        let whole = [(Vec::new(), day(TODAY), found.total.clone())];
        let rows = if by.is_empty() { &whole[..] } else { &found.rows[..] };
        for (keys, on, size) in rows {
            for (is_house, lives) in [(true, &size.houses), (false, &size.antennas)] {
                for ((life, _), sum) in LIVES.iter().zip(lives).filter(|(_, sum)| **sum > 0) {
                    told.insert((keys.clone(), *on, Kind0(is_house), life.as_str()), *sum);
                }
            }
        }
        prop_assert_eq!(told, sums);
    }
}

/// Whether it is a house, in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind0(bool);

fn some() -> Connection {
    use Kind::{Antenna, House};
    use Life::{Labelled, Open, Project, Retired};
    store(&[
        (House, vec![("2000-01-01", Project, "49", "a"), ("2026-09-15", Open, "49", "a")]),
        (House, vec![("2000-01-01", Labelled, "61", ""), ("2026-11-01", Retired, "61", "")]),
        (Antenna, vec![("2000-01-01", Open, "49", "a")]),
    ])
}

#[test]
fn projects_and_what_has_closed_are_not_in_service() {
    let conn = some();
    let given = pairs(&[("by", "month"), ("from", "2026-08-01"), ("to", "2026-11-30")]);
    let found = answer(&conn, ask(&conn, &given, day(TODAY)).unwrap()).unwrap();
    let csv = String::from_utf8(found.sheet().write(crate::sheet::SheetFormat::Csv)).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines,
        [
            "month,day,houses_candidate,houses_project,houses_open,houses_labelled,houses_retired,houses_serving,\
             antennas_candidate,antennas_project,antennas_open,antennas_labelled,antennas_retired,antennas_serving,\
             departments",
            "2026-08,2026-08-31,0,1,0,1,0,1,0,0,1,0,0,1,1",
            "2026-09,2026-09-30,0,0,1,1,0,2,0,0,1,0,0,1,2",
            "2026-10,2026-10-31,0,0,1,1,0,2,0,0,1,0,0,1,2",
            "2026-11,2026-11-22,0,0,1,0,1,1,0,0,1,0,0,1,1",
        ]
    );
    assert_eq!(found.object()["total"]["houses"]["serving"], 1);
    assert_eq!(found.summary(Lang::Fr), "au 22 novembre 2026 : 1 maison et 1 antenne en service, dans 1 département");
    let default = ask(&conn, &pairs(&[("by", "month")]), day(TODAY)).unwrap();
    let days: Vec<_> = default.days.iter().map(Day::to_string).collect();
    assert_eq!((days.len(), &*days[0], &*days[11]), (12, "2025-12-31", TODAY));
}

#[test]
fn a_question_that_makes_no_sense_is_named() {
    let conn = some();
    for (given, parameter) in [
        (&[("by", "day")][..], "by"),
        (&[("by", "month,month")], "by"),
        (&[("from", "2026-01-01"), ("to", "2026-02-01")], "from"),
        (&[("by", "month"), ("day", "2026-01-01")], "day"),
        (&[("by", "month"), ("from", "2026-01-01"), ("to", "2026-12-01")], "to"),
        (&[("by", "month"), ("from", "2010-01-01"), ("to", "2026-01-01")], "to"),
        (&[("day", "2026-11-23")], "day"),
        (&[("bearer", "nobody")], "bearer"),
        (&[("department", "00")], "department"),
    ] {
        let error = ask(&conn, &pairs(given), day(TODAY)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{parameter}: ")), "{given:?}: {error}");
    }
}

#[test]
fn a_label_that_only_the_list_dates_is_not_counted_before_its_day() {
    let ever = vec![("2000-01-01", Life::Labelled, "49", ""), ("2026-09-01", Life::Labelled, "49", "a")];
    let named = vec![("2000-01-01", Life::Project, "49", ""), ("2020-01-01", Life::Labelled, "49", "")];
    let conn = store(&[(Kind::House, ever), (Kind::House, named)]);
    conn.execute_batch("UPDATE site SET label_date = '2026-10-01'").unwrap();
    let houses = |on: &str| {
        let asked = ask(&conn, &pairs(&[("day", on)]), day(TODAY)).unwrap();
        let total = answer(&conn, asked).unwrap().object()["total"]["houses"].clone();
        ["open", "labelled", "serving"].map(|life| total[life].as_u64().unwrap())
    };
    assert_eq!(houses("2019-12-31"), [1, 0, 1]);
    // Whoever says from when a site is labelled knows better than the list.
    assert_eq!(houses("2026-09-30"), [1, 1, 2]);
    assert_eq!(houses("2026-10-01"), [0, 2, 2]);
}
