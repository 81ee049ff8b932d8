//! Claims about the import, on the real list and on small bad ones.

use jiff::Timestamp;

use super::*;

fn store() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(include_str!("../store/migration_1.sql")).unwrap();
    conn
}

fn import(conn: &Connection, text: &str) -> ImportReport {
    let plan = plan(conn, text, Lang::Fr).unwrap();
    plan.carry_out(conn).unwrap();
    plan.report
}

fn site(conn: &Connection, id: &str) -> Site {
    sites::find(conn, &id.parse().unwrap()).unwrap().unwrap().0
}

fn numbers(report: &ImportReport) -> [u64; 4] {
    [report.added, report.changed, report.unchanged, report.rejected]
}

const HEADER: &str = "site_id,kind,name,timezone,parent_id,dep_code,lat,label_date,quality_flags,h_mon";

fn small(rows: &[&str]) -> String {
    format!("\u{feff}{HEADER}\n{}\n", rows.join("\n"))
}

#[test]
fn the_whole_network_goes_in_once() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/sites.csv")).unwrap();
    let conn = store();
    let report = import(&conn, &text);
    assert_eq!((numbers(&report), &report.problems[..]), ([2_845, 0, 0, 0], &[][..]));
    let house = site(&conn, "361");
    assert_eq!(
        (house.kind, house.life, house.department.as_str(), house.region.as_str()),
        (Kind::House, Life::Labelled, "61", "28")
    );
    assert!(house.hours_verbatim.contains("\"h_mon\""), "{}", house.hours_verbatim);
    let antenna = site(&conn, "597");
    assert_eq!((antenna.kind, antenna.parent), (Kind::Antenna, Some("361".parse().unwrap())));
    let again = import(&conn, &text);
    assert_eq!((numbers(&again), again.problems.len()), ([0, 0, 2_845, 0], 0));
}

#[test]
fn a_bad_row_is_named_and_the_others_go_in() {
    let conn = store();
    let report = import(
        &conn,
        &small(&[
            "1,principal,A,Europe/Paris,,49,47.1,2020-01-01,zero_slot|over_50h,09:00 - 12:00",
            "2,principal,B,Europe/Nowhere,,49,,,,",
            "3,bureau,C,Europe/Paris,,49,,,,",
            "Lyon,principal,D,Europe/Paris,,49,,,,",
            "5,principal,,Europe/Paris,,49,,,,",
            "6,principal,F,Europe/Paris,,00,,,,",
            "7,principal,G,Europe/Paris,,49,north,,,",
            "1,principal,H,Europe/Paris,,49,,,,",
            "9,principal",
            "10,principal,J,America/Cayenne,,973,,,,",
        ]),
    );
    assert_eq!(numbers(&report), [2, 0, 0, 8]);
    let told: Vec<_> = report.problems.iter().map(|problem| (problem.line, problem.field.as_str())).collect();
    let expected = [
        (3, "timezone"),
        (4, "kind"),
        (5, "site_id"),
        (6, "name"),
        (7, "dep_code"),
        (8, "lat"),
        (9, "site_id"),
        (10, "timezone"),
    ];
    assert_eq!(told, expected);
    assert_eq!(site(&conn, "1").quality, "zero_slot,over_50h");
    assert_eq!(site(&conn, "10").life, Life::Open);
}

#[test]
fn a_parent_may_come_later_and_must_be_a_house() {
    let conn = store();
    let report = import(
        &conn,
        &small(&[
            "1,antenne,A,Europe/Paris,2,,,,,",
            "2,principal,B,Europe/Paris,,,,,,",
            "3,antenne,C,Europe/Paris,99,,,,,",
            "4,antenne,D,Europe/Paris,1,,,,,",
            "5,principal,E,Europe/Paris,2,,,,,",
        ]),
    );
    assert_eq!(numbers(&report), [5, 0, 0, 0]);
    let told: Vec<_> = report.problems.iter().map(|problem| (problem.line, problem.rejected)).collect();
    assert_eq!(told, [(4, false), (5, false), (6, false)]);
    assert_eq!(site(&conn, "1").parent, Some("2".parse().unwrap()));
    for id in ["3", "4", "5"] {
        assert_eq!(site(&conn, id).parent, None, "{id}");
    }
}

#[test]
fn what_a_person_set_by_hand_stays() {
    let conn = store();
    let row = "1,principal,A,Europe/Paris,,49,,,,";
    import(&conn, &small(&[row, "2,principal,B,Europe/Paris,,,,,,"]));
    let mut changed = site(&conn, "1");
    changed.name = "La Maison".to_owned();
    changed.life = Life::Retired;
    sites::put(&conn, &changed).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    journal::record(&conn, now, journal::SITE_SET, "1", "name=La Maison").unwrap();
    let report = import(&conn, &small(&["1,principal,A,Europe/Paris,,61,,2020-01-01,,"]));
    assert_eq!(numbers(&report), [0, 1, 0, 0]);
    let after = site(&conn, "1");
    assert_eq!((after.name.as_str(), after.life, after.department.as_str()), ("La Maison", Life::Retired, "61"));
}

#[test]
fn an_alias_leads_to_the_known_site() {
    let conn = store();
    import(&conn, &small(&["1,principal,A,Europe/Paris,,,,,,"]));
    sites::add_alias(&conn, "9001", &"1".parse().unwrap()).unwrap();
    let report = import(&conn, &small(&["9001,principal,B,Europe/Paris,,,,,,"]));
    assert_eq!((numbers(&report), site(&conn, "1").name.as_str()), ([0, 1, 0, 0], "B"));
}

#[test]
fn a_foreign_file_is_refused_whole() {
    let missing = |text: &str| match plan(&store(), text, Lang::Fr) {
        Err(ImportError::Header(missing)) => missing.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(missing("a,b\n1,2\n"), 4);
    assert_eq!(missing(""), 4);
    assert_eq!(missing("\u{0}\u{1}\"\"\"\n"), 4);
    assert_eq!(missing("id_fs,kind,name\n"), 2);
}

#[test]
fn a_site_that_only_a_device_named_is_imported_like_a_new_one() {
    let conn = store();
    sites::insert_unknown(&conn, &"1".parse().unwrap()).unwrap();
    let report = import(&conn, &small(&["1,principal,A,Indian/Reunion,,974,,2020-01-01,,"]));
    assert_eq!((numbers(&report), site(&conn, "1").life), ([1, 0, 0, 0], Life::Labelled));
    assert_eq!(site(&conn, "1").timezone.name(), "Indian/Reunion");
}

#[test]
fn an_antenna_that_becomes_a_house_leaves_its_parent() {
    let both = ["1,antenne,A,Europe/Paris,2,,,,,", "2,principal,B,Europe/Paris,,,,,,"];
    for (now_a_house, by_hand, problems) in [
        ("1,principal,A,Europe/Paris,,,,,,", false, 0),
        ("1,principal,A,Europe/Paris,2,,,,,", false, 1),
        ("1,principal,A,Europe/Paris,2,,,,,", true, 0),
    ] {
        let conn = store();
        import(&conn, &small(&both));
        if by_hand {
            journal::record(&conn, Timestamp::UNIX_EPOCH, journal::SITE_SET, "1", "parent=2").unwrap();
        }
        let report = import(&conn, &small(&[now_a_house]));
        assert_eq!((numbers(&report), report.problems.len()), ([0, 1, 0, 0], problems), "{now_a_house} {by_hand}");
        assert_eq!((site(&conn, "1").kind, site(&conn, "1").parent), (Kind::House, None), "{now_a_house} {by_hand}");
    }
}

#[test]
fn a_row_with_bytes_that_are_no_text_is_named_and_the_others_go_in() {
    let conn = store();
    let mut file =
        small(&["1,principal,A,Europe/Paris,,49,,,,", "2,principal,Chemill#,Europe/Paris,,49,,,,"]).into_bytes();
    let at = file.iter().position(|byte| *byte == b'#').unwrap();
    file[at] = 0xe9;
    let report = import(&conn, &String::from_utf8_lossy(&file));
    assert_eq!(numbers(&report), [1, 0, 0, 1]);
    let problem = &report.problems[0];
    assert_eq!((problem.line, problem.site.as_str(), problem.field.as_str()), (3, "2", "name"));
}
