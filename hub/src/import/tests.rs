//! Claims about the import, on the real lists and on small bad ones.

use super::*;

mod national;

fn store() -> Connection {
    crate::store::empty()
}

fn today() -> Day {
    "2026-11-20".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn file(text: &str) -> ListFile {
    ListFile::read(text.as_bytes(), "liste.csv".to_owned())
}

fn import_file(conn: &Connection, file: &ListFile) -> ImportReport {
    let plan = plan(conn, file, today(), Lang::Fr).unwrap();
    plan.carry_out(conn, now()).unwrap();
    plan.report
}

fn import(conn: &Connection, text: &str) -> ImportReport {
    import_file(conn, &file(text))
}

fn site(conn: &Connection, id: &str) -> Site {
    sites::find(conn, &id.parse().unwrap()).unwrap().unwrap().0
}

fn numbers(report: &ImportReport) -> [u64; 4] {
    [report.added, report.changed, report.unchanged, report.rejected]
}

/// Line and code of each problem.
fn told(report: &ImportReport) -> Vec<(u64, &str)> {
    report.problems.iter().map(|problem| (problem.line, problem.code.as_str())).collect()
}

const HEADER: &str = "site_id,kind,name,timezone,parent_id,dep_code,lat,lon,label_date,quality_flags,h_mon";

fn small(rows: &[&str]) -> String {
    format!("\u{feff}{HEADER}\n{}\n", rows.join("\n"))
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_whole_network_goes_in_once() {
    let list = ListFile::read(&data("sites.csv"), "sites.csv".to_owned());
    let conn = store();
    let report = import_file(&conn, &list);
    assert_eq!(numbers(&report), [2_845, 0, 0, 0]);
    assert_eq!((report.layout.as_str(), report.list_date_from.as_str()), ("tidy", "labels"));
    assert!(report.problems.iter().all(|problem| !problem.rejected));
    let house = site(&conn, "361");
    assert_eq!(
        (house.kind, house.life, house.department.as_str(), house.region.as_str()),
        (Kind::House, Life::Labelled, "61", "28")
    );
    assert!(house.hours_verbatim.contains("\"h_mon\""), "{}", house.hours_verbatim);
    let antenna = site(&conn, "597");
    assert_eq!((antenna.kind, antenna.parent), (Kind::Antenna, Some("361".parse().unwrap())));
    let again = import_file(&conn, &list);
    assert_eq!((numbers(&again), again.changes_anything()), ([0, 0, 2_845, 0], false));
    let lines = journal::list(&conn, 0, 1_000).unwrap();
    assert_eq!(lines.iter().filter(|line| line.action == "site.import").count(), 1);
}

#[test]
fn a_bad_row_is_named_and_the_others_go_in() {
    let conn = store();
    let report = import(
        &conn,
        &small(&[
            "1,principal,A,Europe/Paris,,49,47.1,-0.7,2020-01-01,zero_slot|over_50h,09:00 - 12:00",
            "2,principal,B,Europe/Nowhere,,49,,,,,",
            "3,bureau,C,Europe/Paris,,49,47.1,-0.7,,,",
            "Orléans,principal,D,Europe/Paris,,49,,,,,",
            "5,principal,,Europe/Paris,,49,47.1,-0.7,,,",
            "6,principal,F,Europe/Paris,,00,47.1,-0.7,,,",
            "7,principal,G,Europe/Paris,,49,north,-0.7,,,",
            "1,principal,H,Europe/Paris,,49,,,,,",
            "9,principal",
            "10,principal,J,America/Cayenne,,973,4.9,-52.3,2020-31-01,,09:00 - 08:00",
            "11,principal,K,Europe/Paris,,49,-0.7,47.1,,,00:00 - 00:00",
        ]),
    );
    assert_eq!(numbers(&report), [7, 0, 0, 4]);
    let expected = [
        (3, "timezone"),
        (4, "kind"),
        (5, "id"),
        (6, "empty_name"),
        (7, "department"),
        (8, "coordinates"),
        (9, "duplicate_id"),
        (10, "fields"),
        (11, "label_date"),
        (11, "hours_unreadable"),
        (12, "coordinates"),
        (12, "zero_slot"),
    ];
    assert_eq!(told(&report), expected);
    assert_eq!(site(&conn, "1").quality, "zero_slot,over_50h");
    assert_eq!(site(&conn, "10").quality, "hours_unreadable", "as the report says");
    assert_eq!(site(&conn, "10").life, Life::Open);
    assert_eq!((site(&conn, "5").name.as_str(), site(&conn, "7").lat), ("5", None));
    assert!(site(&conn, "10").hours_verbatim.contains("09:00 - 08:00"));
    let first = &report.problems[0];
    assert_eq!((first.field.as_str(), first.found.as_str(), first.rejected), ("timezone", "Europe/Nowhere", true));
    assert_eq!(report.defects["coordinates"], 2);
}

#[test]
fn a_zone_that_no_calendar_has_is_told_and_never_taken() {
    let conn = store();
    let header = "site_id,kind,name,timezone,dep_code,holiday_zone,school_zone\n";
    let report = import(
        &conn,
        &format!("{header}1,principal,A,Europe/Paris,67,lune,Z\n2,principal,B,Europe/Paris,49,metropole,B\n"),
    );
    assert_eq!(told(&report), [(2, "calendar_zone"), (2, "calendar_zone")]);
    let zones = |id: &str| (site(&conn, id).holiday_zone, site(&conn, id).school_zone);
    assert_eq!(zones("1"), ("alsace-moselle".to_owned(), "B".to_owned()), "those of its department");
    let report = import(&conn, &format!("{header}2,principal,B,Mars/Olympus,49,mars,C\n"));
    assert_eq!(told(&report), [(2, "timezone"), (2, "calendar_zone")]);
    assert_eq!(
        (zones("2"), site(&conn, "2").timezone.name()),
        (("metropole".to_owned(), "C".to_owned()), "Europe/Paris")
    );
}

#[test]
fn a_parent_may_come_later_and_must_be_a_house() {
    let conn = store();
    let report = import(
        &conn,
        &small(&[
            "1,antenne,A,Europe/Paris,2,,47.1,-0.7,,,",
            "2,principal,B,Europe/Paris,,49,47.1,-0.7,,,",
            "3,antenne,C,Europe/Paris,99,49,47.1,-0.7,,,",
            "4,antenne,D,Europe/Paris,1,49,47.1,-0.7,,,",
            "5,principal,E,Europe/Paris,2,49,47.1,-0.7,,,",
        ]),
    );
    assert_eq!(numbers(&report), [5, 0, 0, 0]);
    let expected = [(2, "department"), (4, "parent_unknown"), (5, "parent_antenna"), (6, "parent_of_house")];
    assert_eq!(told(&report), expected);
    assert_eq!(site(&conn, "1").parent, Some("2".parse().unwrap()));
    for id in ["3", "4", "5"] {
        assert_eq!(site(&conn, id).parent, None, "{id}");
    }
}

#[test]
fn what_a_person_set_by_hand_stays() {
    let conn = store();
    import(&conn, &small(&["1,principal,A,Europe/Paris,,49,,,,,", "2,principal,B,Europe/Paris,,,,,,,"]));
    let mut changed = site(&conn, "1");
    (changed.name, changed.life) = ("La Maison".to_owned(), Life::Retired);
    sites::put(&conn, &changed, Since::learnt(today()), today()).unwrap();
    for field in ["name", "life"] {
        sites::note_hand(&conn, &changed.id, field).unwrap();
    }
    let report = import(&conn, &small(&["1,principal,A,Europe/Paris,,61,,,2020-01-01,,"]));
    let after = site(&conn, "1");
    // An older list than the first.
    assert_eq!((numbers(&report), report.older, after.department.as_str()), ([0, 0, 0, 0], 1, "49"));
    let report = import(&conn, &small(&["1,principal,A,Europe/Paris,,61,,,,,"]));
    let after = site(&conn, "1");
    assert!(told(&report).contains(&(2, "retired_by_hand")));
    assert_eq!((after.name.as_str(), after.life), ("La Maison", Life::Retired));
    assert_eq!((numbers(&report), after.department.as_str(), after.region.as_str()), ([0, 1, 0, 0], "61", "28"));
    let change = &report.changes[0];
    assert_eq!((change.field.as_str(), change.old.as_str(), change.new.as_str()), ("department", "49", "61"));
}

#[test]
fn an_alias_leads_to_the_known_site() {
    let conn = store();
    import(&conn, &small(&["1,principal,A,Europe/Paris,,,,,,,"]));
    sites::add_alias(&conn, "9001", &"1".parse().unwrap()).unwrap();
    let report = import(&conn, &small(&["9001,principal,B,Europe/Paris,,,,,,,"]));
    assert_eq!((numbers(&report), site(&conn, "1").name.as_str()), ([0, 1, 0, 0], "B"));
}

#[test]
fn a_foreign_file_is_refused_whole() {
    let missing = |bytes: &[u8]| {
        let list = ListFile::read(bytes, String::new());
        match plan(&store(), &list, today(), Lang::Fr) {
            Err(ImportError::Header(missing)) => missing.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(missing(b"a,b\n1,2\n"), 4);
    assert_eq!(missing(b""), 4);
    assert_eq!(missing(b"\x00\x01\"\"\"\n"), 4);
    assert_eq!(missing(b"%PDF-1.7\xe2\xe3\xcf\xd3"), 4);
    assert_eq!(missing(b"id_fs;adresse\n"), 1);
    let typed = ListFile { date: Some("hier".to_owned()), ..file(&small(&[])) };
    assert!(matches!(plan(&store(), &typed, today(), Lang::Fr), Err(ImportError::Date(_))));
}

#[test]
fn a_site_that_only_a_device_named_is_imported_like_a_new_one() {
    let conn = store();
    sites::insert_unknown(&conn, &"1".parse().unwrap()).unwrap();
    let report = import(&conn, &small(&["1,principal,A,Indian/Reunion,,974,,,2020-01-01,,"]));
    assert_eq!((numbers(&report), site(&conn, "1").life), ([1, 0, 0, 0], Life::Labelled));
    assert_eq!(site(&conn, "1").timezone.name(), "Indian/Reunion");
}

#[test]
fn an_antenna_that_becomes_a_house_leaves_its_parent() {
    let both = ["1,antenne,A,Europe/Paris,2,49,47.1,-0.7,,,", "2,principal,B,Europe/Paris,,49,47.1,-0.7,,,"];
    for (now_a_house, by_hand, problems) in [
        ("1,principal,A,Europe/Paris,,49,47.1,-0.7,,,", false, 0),
        ("1,principal,A,Europe/Paris,2,49,47.1,-0.7,,,", false, 1),
        ("1,principal,A,Europe/Paris,2,49,47.1,-0.7,,,", true, 0),
    ] {
        let conn = store();
        import(&conn, &small(&both));
        if by_hand {
            sites::note_hand(&conn, &"1".parse().unwrap(), "parent").unwrap();
        }
        let report = import(&conn, &small(&[now_a_house]));
        assert_eq!((numbers(&report), report.problems.len()), ([0, 1, 0, 0], problems), "{now_a_house} {by_hand}");
        assert_eq!((site(&conn, "1").kind, site(&conn, "1").parent), (Kind::House, None), "{now_a_house} {by_hand}");
    }
}

#[test]
fn a_row_with_bytes_that_are_no_text_is_named_and_the_others_go_in() {
    let conn = store();
    let rows = ["1,principal,Orléans,Europe/Paris,,45,,,,,", "2,principal,Chemill#,Europe/Paris,,49,,,,,"];
    let mut bytes = small(&rows).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'#').unwrap();
    bytes[at] = 0xe9;
    let report = import_file(&conn, &ListFile::read(&bytes, String::new()));
    assert_eq!(numbers(&report), [1, 0, 0, 1]);
    let problem = report.problems.iter().find(|problem| problem.rejected).unwrap();
    assert_eq!((problem.line, problem.site.as_str(), problem.field.as_str()), (3, "2", "name"));
}

#[test]
fn the_date_of_a_list_is_typed_or_in_its_name_or_in_its_labels() {
    let rows =
        small(&["1,principal,A,Europe/Paris,,49,,,2022-03-01,,", "2,principal,B,Europe/Paris,,49,,,2027-01-01,,"]);
    for (date, name, expected, from) in [
        (Some("2024-01-02"), "liste-fs-20240801.csv", "2024-01-02", "option"),
        (None, "liste-fs-20240801.csv", "2024-08-01", "name"),
        (None, "liste-fs-20241301.csv", "2022-03-01", "labels"),
        (None, "20240801-20240901.csv", "2022-03-01", "labels"),
    ] {
        let list = ListFile { name: name.to_owned(), date: date.map(str::to_owned), ..file(&rows) };
        let report = plan(&store(), &list, today(), Lang::Fr).unwrap().report;
        assert_eq!((report.list_date.as_str(), report.list_date_from.as_str()), (expected, from), "{name}");
    }
    assert_eq!(plan(&store(), &file(&rows_of(1..=1)), today(), Lang::Fr).unwrap().report.list_date_from, "today");
    // A list that only its labels date may name a new site after a newer one.
    let conn = store();
    import(&conn, &rows);
    assert_eq!(numbers(&import(&conn, &small(&["3,principal,C,Europe/Paris,,49,,,2020-01-01,,"]))), [1, 0, 0, 0]);
    let typed = ListFile {
        date: Some("2020-01-01".to_owned()),
        ..file(&small(&["4,principal,D,Europe/Paris,,49,,,2020-01-01,,"]))
    };
    let report = import_file(&conn, &typed);
    assert_eq!((numbers(&report), report.older, report.defects["older_list"]), ([0, 0, 0, 0], 1, 1));
}

#[test]
fn a_header_alone_is_no_list_and_retires_nobody() {
    let conn = store();
    import(&conn, &small(&["1,principal,A,Europe/Paris,,49,47.1,-0.7,,,"]));
    for text in [HEADER.to_owned(), format!("{HEADER}\n\n")] {
        let list = ListFile { retire_missing: true, even_most: true, ..file(&text) };
        assert!(matches!(plan(&conn, &list, today(), Lang::Fr), Err(ImportError::Empty)), "{text:?}");
    }
}

fn rows_of(ids: impl IntoIterator<Item = u32>) -> String {
    let row = |id: u32| format!("{id},principal,N{id},Europe/Paris,,49,47.1,-0.7,,,");
    small(&ids.into_iter().map(row).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_list_that_would_retire_more_than_a_quarter_is_refused_with_both_numbers() {
    let conn = store();
    let dated = |text: &str, date: &str| ListFile { date: Some(date.to_owned()), retire_missing: true, ..file(text) };
    import_file(&conn, &dated(&rows_of(1..=8), "2026-01-01"));
    let refused = plan(&conn, &dated(&rows_of(1..=5), "2026-02-01"), today(), Lang::Fr).unwrap_err();
    assert!(matches!(refused, ImportError::Most { gone: 3, serving: 8 }), "{refused}");
    assert_eq!(site(&conn, "8").life, Life::Open);
    // A quarter is not more than a quarter.
    let report = import_file(&conn, &dated(&rows_of(1..=6), "2026-02-01"));
    assert_eq!(report.missing.iter().filter(|site| site.retired).count(), 2);
    let even = ListFile { even_most: true, ..dated(&rows_of(1..=1), "2026-03-01") };
    assert_eq!(import_file(&conn, &even).missing.len(), 5);
    assert_eq!(site(&conn, "2").life, Life::Retired);
}

#[test]
fn a_row_that_is_left_out_still_names_its_site() {
    let conn = store();
    let dated = |text: &str, date: &str| ListFile { date: Some(date.to_owned()), retire_missing: true, ..file(text) };
    import_file(&conn, &dated(&rows_of(1..=8), "2026-01-01"));
    let short = rows_of(1..=8).replace("8,principal,N8,Europe/Paris,,49,47.1,-0.7,,,", "8,principal");
    let report = import_file(&conn, &dated(&short, "2026-02-01"));
    assert_eq!((told(&report), report.missing.len()), (vec![(9, "fields")], 0));
}

#[test]
fn rows_of_another_shape_are_named_and_become_no_site() {
    let conn = store();
    let row = |id: u32, name: &str| format!("{id},principal,{name},Europe/Paris,,49,47.1,-0.7,,,");
    let lines = [
        row(1, "A"),
        // A separator that is not quoted shifts what follows.
        row(2, "Maison, la grande"),
        "3,principal,C".to_owned(),
        // Empty ones at the end may be what a shift has left.
        format!("{},,", row(4, "D")),
        // A quotation mark that is closed two rows later, in the same column: as many fields.
        row(5, "\"E"),
        row(6, "F"),
        row(7, "\"G"),
        row(8, "H"),
        // One that is never closed.
        row(9, "\"I"),
        row(10, "J"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let report = import(&conn, &small(&lines));
    let shifted = [(3, "fields"), (4, "fields"), (5, "fields")];
    let swallowed = [(6, "swallowed_rows"), (10, "swallowed_rows")];
    assert_eq!(told(&report), [&shifted[..], &swallowed].concat(), "{:?}", report.problems);
    let found: Vec<_> = report.problems.iter().map(|problem| problem.found.as_str()).collect();
    assert_eq!(found[..3], ["12 / 11", "3 / 11", "13 / 11"]);
    assert!(found[3].starts_with("6–8 : ") && found[4].starts_with("10–"), "{found:?}");
    assert_eq!(numbers(&report), [2, 0, 0, 5]);
    let known: Vec<_> = sites::list(&conn, &SiteFilter::default()).unwrap();
    assert_eq!(known.iter().map(|(site, _)| site.id.as_str()).collect::<Vec<_>>(), ["1", "8"]);
}

#[test]
fn separators_that_end_every_row_are_no_defect() {
    let conn = store();
    let text = rows_of(1..=3).replace(",,,\n", ",,,,,\n");
    assert_eq!(numbers(&import(&conn, &text)), [3, 0, 0, 0]);
}

#[test]
fn a_comment_of_two_lines_is_kept_and_told() {
    let conn = store();
    let text = format!("{HEADER},comment\n1,principal,A,Europe/Paris,,49,47.1,-0.7,,,,\"sur\r\nrendez-vous\"\n");
    let report = import(&conn, &text);
    assert_eq!((told(&report), numbers(&report)), (vec![(2, "line_break")], [1, 0, 0, 0]));
    assert!(report.problems[0].found.starts_with("2–3 : sur"), "{:?}", report.problems);
    assert_eq!(site(&conn, "1").comment, "sur\nrendez-vous");
}

#[test]
fn columns_that_are_missing_are_named_once_with_what_that_means() {
    let conn = store();
    let report = import(&conn, "id_fs;lib_fs;latitude;insee_com;h_lundi\n1;A;47.1;49092;\n");
    let told: Vec<_> = report.missing_columns.iter().map(|missing| missing.column.as_str()).collect();
    assert!(told.contains(&"longitude") && told.contains(&"h_mardi"), "{told:?}");
    assert!(!told.contains(&"latitude") && !told.contains(&"h_lundi"), "{told:?}");
    let means = &report.missing_columns[0].means;
    assert!(means.contains("sans coordonnées"), "{means}");
    let whole = import_file(&store(), &ListFile::read(&data("anct_liste_2024_sample.csv"), "liste.csv".to_owned()));
    assert_eq!(whole.missing_columns, []);
}
