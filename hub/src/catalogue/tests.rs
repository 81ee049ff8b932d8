//! Imports into an empty hub, whose calendars are those built in.

use msap_shared::schedule::calendar::Known;

use super::*;
use crate::store::empty;

fn imported(conn: &Connection, text: &str) -> CatalogueReport {
    let file = CatalogueFile { name: "fichier.csv".to_owned(), text: text.to_owned() };
    let plan = plan(conn, &file, Lang::Fr).unwrap();
    plan.carry_out(conn, Timestamp::UNIX_EPOCH).unwrap();
    plan.report
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn problems(report: &CatalogueReport) -> Vec<(u64, &str)> {
    report.problems.iter().map(|problem| (problem.line, problem.field.as_str())).collect()
}

#[test]
fn the_files_built_in_change_nothing() {
    let conn = empty();
    for (text, subject) in [
        (include_str!("../../data/holidays.csv"), "public_holidays"),
        (include_str!("../../data/school_holidays.csv"), "school_holidays"),
    ] {
        let report = imported(&conn, text);
        assert_eq!(report.subject, subject);
        assert!(!report.changes_anything() && report.problems.is_empty(), "{report:?}");
        assert!(report.unchanged > 600, "{report:?}");
    }
    assert_eq!(calendars::imported(&conn).unwrap(), []);
    assert_eq!(journal::list(&conn, 0, 10).unwrap(), []);
}

#[test]
fn a_holiday_is_added_moved_and_taken_back_and_the_rest_of_the_year_stays() {
    let conn = empty();
    let header = "holiday_zone,date,name\n";
    let report = imported(&conn, &format!("{header}metropole,2027-06-21,Fête de la musique\n"));
    assert_eq!((report.added, report.removed), (1, 0));
    let is = |day_text: &str| {
        let calendar = calendar::in_force(&conn).unwrap();
        match calendar.public("metropole", day(day_text)) {
            Known::Yes(name) => name.map(str::to_owned),
            Known::Missing => panic!("{day_text} is missing"),
        }
    };
    assert_eq!(is("2027-06-21").as_deref(), Some("Fête de la musique"));
    assert_eq!(is("2027-07-14").as_deref(), Some("14 juillet"));
    // The file speaks of the days from its first to its last.
    let moved = format!("{header}metropole,2027-06-20,Fête\nmetropole,2027-06-22,Fête\n");
    let report = imported(&conn, &moved);
    assert_eq!((report.added, report.removed), (2, 1));
    assert_eq!((is("2027-06-21"), is("2027-06-22").as_deref()), (None, Some("Fête")));
    assert!(!imported(&conn, &moved).changes_anything());
    assert_eq!(calendars::imported(&conn).unwrap().len(), 1);
}

#[test]
fn two_holidays_of_one_day_have_both_names() {
    let calendar = calendar::in_force(&empty()).unwrap();
    let found = calendar.public("martinique", day("2031-05-22"));
    assert_eq!(found, Known::Yes(Some("Ascension et Abolition de l'esclavage")), "as the list has them");
}

#[test]
fn bad_rows_are_named_by_line_and_the_others_go_in() {
    let conn = empty();
    let report = imported(
        &conn,
        "name;date;holiday_zone\nFête;2027-02-30;metropole\nFête;2027-06-21;mars\n;2027-06-21;metropole\n\
         Fête;2027-06-21;metropole\nFête;2027-06-21;metropole\nNoël;2040-12-25;metropole\n",
    );
    let expected = [(2, "date"), (3, "holiday_zone"), (4, "name"), (6, "date"), (7, "date")];
    assert_eq!((problems(&report), report.added, report.rejected), (expected.to_vec(), 1, 5));
    assert!(report.problems[4].problem.contains("11"), "a year with one holiday is not a year: {report:?}");

    let report = imported(
        &conn,
        "school_zone,name,start,end_exclusive\nA,Été,2030-07-06,2030-07-06\nZ,Été,2030-07-06,2030-09-01\n",
    );
    assert_eq!(problems(&report), [(2, "end_exclusive"), (3, "school_zone")]);
}

#[test]
fn a_school_year_is_added_after_those_that_are_there() {
    let conn = empty();
    let text = "school_zone,name,start,end_exclusive,population\n\
                B,Vacances de la Toussaint,2028-10-21,2028-11-06,\nB,Vacances de Noël,2028-12-23,2029-01-08,\n";
    let before = calendar::in_force(&conn).unwrap();
    let report = imported(&conn, text);
    assert_eq!((report.added, report.removed), (2, 0));
    let after = calendar::in_force(&conn).unwrap();
    assert_eq!(before.school("B", "metropole", day("2028-10-25")), Known::Missing);
    assert_eq!(after.school("B", "metropole", day("2028-10-25")), Known::Yes(Some("Vacances de la Toussaint")));
    assert_eq!(after.school("B", "metropole", day("2029-01-02")), Known::Yes(Some("Vacances de Noël")));
    assert_eq!(after.school("B", "metropole", day("2026-11-25")), before.school("B", "metropole", day("2026-11-25")));
    assert!(!imported(&conn, text).changes_anything());
}

#[test]
fn closures_are_kept_under_their_id() {
    let conn = empty();
    let header = "from,to,reason,label,scope,id\n";
    let text = format!(
        "{header}2026-12-24,2026-12-26,holiday,Noël,national,noel-2026\n2026-11-23,2026-11-23,strike,Grève,department:49,\n"
    );
    assert_eq!(imported(&conn, &text).added, 2);
    assert!(!imported(&conn, &text).changes_anything());
    let ids = |closures: Vec<NetworkClosure>| closures.into_iter().map(|closure| closure.id).collect::<Vec<_>>();
    assert_eq!(ids(calendars::closures_of(&conn, "52", "49").unwrap()), ["department-49-2026-11-23", "noel-2026"]);
    assert_eq!(ids(calendars::closures_of(&conn, "28", "61").unwrap()), ["noel-2026"]);
    let report = imported(
        &conn,
        &format!(
            "{header}2026-12-24,2026-12-27,holiday,Noël,national,noel-2026\n2026-12-24,2026-12-20,holiday,X,national,b\n\
             2026-12-24,2026-12-24,sleep,X,national,c\n2026-12-24,2026-12-24,works,X,department:00,d\n\
             2026-12-24,2026-12-24,works,X,site:275,e\n2026-12-24,2026-12-24,works,,national,f\n"
        ),
    );
    assert_eq!(report.changed, 1);
    assert_eq!(problems(&report), [(3, "to"), (4, "reason"), (5, "scope"), (6, "scope"), (7, "label")]);
    assert_eq!(journal::list(&conn, 0, 10).unwrap().len(), 2);
}

#[test]
fn a_file_of_another_kind_is_refused_and_operators_are_compared() {
    let conn = empty();
    let file = |text: &str| CatalogueFile { name: String::new(), text: text.to_owned() };
    for text in ["", "a,b\n1,2\n", "\u{0}\u{1}", "id_fs,lib_fs\n1,Maison\n"] {
        assert!(matches!(plan(&conn, &file(text), Lang::Fr), Err(CatalogueError::Header)), "{text:?}");
    }
    let report = imported(&conn, "code,label_2024\nCNAF,CAF\nNOUVEAU,Nouveau\n");
    assert_eq!((report.unchanged, problems(&report)), (1, vec![(3, "code")]));
}
