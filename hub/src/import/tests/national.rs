//! Claims about the layouts in which the list is published, and about lists that follow each other.

use super::*;
use crate::almanac::Pages;
use crate::published;

const OLD: &str = "anct_liste_2022_sample.csv";
const NEW: &str = "anct_liste_2024_sample.csv";

fn list_of(name: &str, date: &str) -> ListFile {
    ListFile { date: Some(date.to_owned()), ..ListFile::read(&data(name), name.to_owned()) }
}

fn old() -> ListFile {
    list_of(OLD, "2022-12-01")
}

fn new() -> ListFile {
    list_of(NEW, "2024-08-01")
}

fn tidy() -> ListFile {
    list_of("sites.csv", "2024-08-01")
}

#[test]
fn both_published_layouts_go_in_and_every_defect_is_named() {
    for (list, added, defects) in [
        (
            old(),
            154,
            vec![("insee_missing", 1), ("insee_not_current_commune", 1), ("no_coordinates", 2), ("provisional_id", 5)],
        ),
        (new(), 175, vec![("dep_insee_mismatch", 1), ("insee_not_current_commune", 1)]),
    ] {
        let conn = store();
        let report = import_file(&conn, &list);
        assert_eq!(numbers(&report), [added, 0, 0, 0]);
        assert_eq!(report.layout, "national");
        for (code, count) in defects {
            assert_eq!(report.defects.get(code), Some(&count), "{code}: {:?}", report.defects);
        }
        assert!(report.defects["zero_slot"] > 0 && report.defects["overlap_merged"] > 0, "{:?}", report.defects);
        assert!(report.ignored_columns.iter().any(|column| column == "mail"), "{:?}", report.ignored_columns);
        let again = import_file(&conn, &list);
        assert_eq!((numbers(&again), again.changes_anything()), ([0, 0, added, 0], false));
        let house = site(&conn, "275");
        assert_eq!((house.timezone.name(), house.region.as_str(), house.life), ("Europe/Paris", "52", Life::Labelled));
        assert_eq!(site(&conn, "597").parent, Some("361".parse().unwrap()));
    }
}

#[test]
fn a_defect_is_at_the_line_of_its_row_however_lines_end() {
    let rows = ["id_fs;lib_fs;insee_dep;latitude;longitude", "1;A;49;47,2;-0,7", "", "2;B;49;;", "3;\"C", "c\";49;;"];
    for end in ["\n", "\r\n"] {
        let report = import(&store(), &rows.join(end));
        assert_eq!(numbers(&report), [3, 0, 0, 0]);
        let expected = [(4, "no_coordinates"), (5, "line_break"), (5, "no_coordinates"), (5, "value")];
        let mut found = told(&report);
        found.sort_unstable();
        assert_eq!(found, expected, "{end:?}");
    }
}

#[test]
fn however_the_file_is_written_it_is_the_same_list() {
    let rows = |text: &str| text.replace("\",\"", "\";\"").replace('\n', "\r\n");
    let text = String::from_utf8(data(NEW)).unwrap();
    let (latin, _, lossy) = encoding_rs::WINDOWS_1252.encode(&text);
    assert!(!lossy);
    let (columns, reversed) = reversed(&text);
    assert_eq!(columns, 24);
    let conn = store();
    import_file(&conn, &new());
    for (how, bytes) in [
        ("Latin", latin.into_owned()),
        ("BOM", format!("\u{feff}{text}").into_bytes()),
        ("semicolons and CRLF", rows(&text).into_bytes()),
        ("other order", reversed.into_bytes()),
    ] {
        let list = ListFile { date: Some("2024-08-01".to_owned()), ..ListFile::read(&bytes, String::new()) };
        let report = import_file(&conn, &list);
        assert_eq!((numbers(&report), &report.changes[..]), ([0, 0, 175, 0], &[][..]), "{how}");
    }
}

/// The same table with its columns from last to first, and their number.
fn reversed(text: &str) -> (usize, String) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut columns = 0;
    for record in reader.records().map(Result::unwrap) {
        columns = record.len();
        writer.write_record(record.iter().rev()).unwrap();
    }
    (columns, String::from_utf8(writer.into_inner().unwrap()).unwrap())
}

#[test]
fn what_the_published_list_says_of_hours_is_what_the_tidy_one_says() {
    let conn = store();
    import_file(&conn, &tidy());
    let report = import_file(&conn, &new());
    let of = |field: &str| report.changes.iter().filter(|change| change.field == field).collect::<Vec<_>>();
    assert_eq!(of("osm_opening_hours"), Vec::<&FieldChange>::new());
    assert_eq!(of("weekly_minutes").len(), 0, "{:?}", of("weekly_minutes"));
    for field in ["department", "parent", "life", "kind", "format", "lat", "timezone", "holiday_zone", "school_zone"] {
        assert_eq!(of(field), Vec::<&FieldChange>::new(), "{field}");
    }
}

#[test]
fn the_whole_network_as_it_is_published_reads_back_and_changes_nothing() {
    let conn = store();
    import_file(&conn, &tidy());
    let sites: Vec<_> = sites::list(&conn, &SiteFilter::default()).unwrap().into_iter().map(|(site, _)| site).collect();
    let written = published::list(&sites, &Pages::default(), "2024-08-02".parse().unwrap()).unwrap();
    let report = import_file(&conn, &ListFile::read(&written, "liste-fs-20240802.csv".to_owned()));
    let changed: Vec<_> = report.changes.iter().map(|change| (&change.site, &change.field, &change.new)).collect();
    assert_eq!(changed, [], "{} changes", changed.len());
}

#[test]
fn a_lists_hours_become_rules_with_the_published_minutes() {
    use msap_shared::document::register::Facts;
    use msap_shared::schedule::{Schedule, weekly_minutes};

    for (list, expected) in [(tidy(), [2_797, 48]), (old(), [146, 8]), (new(), [174, 1])] {
        let conn = store();
        import_file(&conn, &list);
        let mut found = [0, 0];
        for (site, _) in sites::list(&conn, &SiteFilter::default()).unwrap() {
            let day = site.list_day.unwrap();
            let listed = hours::schedule::facts(&Schedule::default(), day, &site.hours_verbatim).unwrap();
            let facts: Facts = listed.edits.into_iter().map(|(key, value)| (key, vec![value])).collect();
            let schedule = Schedule::read(&facts);
            let minutes = weekly_minutes(&schedule, day);
            assert_eq!(minutes, site.weekly_minutes.filter(|minutes| *minutes > 0), "site {}", site.id);
            found[usize::from(minutes.is_none())] += 1;
            let again = hours::schedule::facts(&schedule, day.plus_days(30), &site.hours_verbatim).unwrap();
            assert_eq!(again, hours::schedule::ListedHours::default(), "site {}", site.id);
        }
        assert_eq!(found, expected, "{}", list.name);
    }
}

#[test]
fn a_provisional_id_becomes_another_name_of_its_place() {
    let places = [("temp_37", "2994"), ("temp_104", "2955"), ("temp_117", "3059"), ("temp_157", "3041")];
    for older_first in [true, false] {
        let conn = store();
        let lists = if older_first { [old(), tidy()] } else { [tidy(), old()] };
        let reports = lists.map(|list| import_file(&conn, &list));
        let count: i64 = conn.query_row("SELECT count(*) FROM site", [], |row| row.get(0)).unwrap();
        assert_eq!(reports[1].aliases.len(), 4, "{:?}", reports[1].aliases);
        for (temp, own) in places {
            assert_eq!(sites::resolve(&conn, temp).unwrap(), Some(own.parse().unwrap()), "{temp}");
            assert_eq!(sites::aliases(&conn, &own.parse().unwrap()).unwrap(), [temp]);
        }
        // The fifth has another address: a person is told, and it stays a site if nothing newer denies it.
        let fifth = reports
            .iter()
            .flat_map(|report| &report.problems)
            .any(|problem| problem.site == "temp_77" && matches!(problem.code.as_str(), "same_place" | "older_list"));
        assert!(fifth || older_first, "{older_first}");
        assert_eq!(sites::resolve(&conn, "temp_77").unwrap().is_some(), older_first);
        let again = import_file(&conn, &old());
        assert_eq!((again.added, again.aliases.len()), (0, 0));
        assert_eq!(count, conn.query_row("SELECT count(*) FROM site", [], |row| row.get::<_, i64>(0)).unwrap());
    }
}

#[test]
fn a_place_with_machines_keeps_the_id_of_its_visits() {
    let conn = store();
    import_file(&conn, &old());
    let document = "INSERT INTO document (name, site) VALUES ('site/temp_37/visits/2026-11', 'temp_37')";
    conn.execute(document, []).unwrap();
    let report = import_file(&conn, &tidy());
    assert!(report.aliases.contains(&NewAlias { alias: "2994".to_owned(), site: "temp_37".to_owned() }));
    assert_eq!(sites::resolve(&conn, "2994").unwrap(), Some("temp_37".parse().unwrap()));
    assert_eq!(site(&conn, "temp_37").commune, "Périgueux");
    assert!(sites::find(&conn, &"2994".parse().unwrap()).unwrap().is_none());
    let again = import_file(&conn, &tidy());
    assert_eq!((numbers(&again)[0], again.changes_anything()), (0, false));
}

#[test]
fn an_older_list_changes_nothing_and_retires_nobody() {
    let conn = store();
    import_file(&conn, &new());
    let before = sites::list(&conn, &SiteFilter::default()).unwrap();
    let report = import_file(&conn, &ListFile { retire_missing: true, ..old() });
    // A provisional id of then is another name of a site of now.
    assert_eq!((numbers(&report), report.missing.len(), report.aliases.len()), ([0, 0, 1, 0], 0, 1));
    assert_eq!(report.older, 153);
    assert_eq!(sites::list(&conn, &SiteFilter::default()).unwrap(), before);
}

#[test]
fn sites_that_a_newer_list_lacks_are_told_and_retired_when_asked() {
    let conn = store();
    import_file(&conn, &old());
    let told = import_file(&conn, &new()).missing;
    assert!(!told.is_empty() && told.iter().all(|site| !site.retired));
    let gone = told[0].site.clone();
    assert_eq!(site(&conn, &gone).life, Life::Labelled);
    let report = import_file(&conn, &ListFile { retire_missing: true, even_most: true, ..new() });
    assert_eq!(report.missing.iter().filter(|site| site.retired).count(), told.len());
    assert_eq!(site(&conn, &gone).life, Life::Retired);
    let history = crate::store::history::of_site(&conn, &gone.parse().unwrap()).unwrap();
    let last = history.last().unwrap();
    assert_eq!((last.value.as_str(), last.from), ("retired", Some("2024-08-01".parse().unwrap())));
    // Neither the same list nor an older one brings it back; a newer one that names it does.
    for list in [new(), old()] {
        import_file(&conn, &list);
        assert_eq!(site(&conn, &gone).life, Life::Retired);
    }
    import_file(&conn, &list_of(OLD, "2025-06-01"));
    assert_eq!(site(&conn, &gone).life, Life::Labelled);
}

#[test]
fn a_rehearsal_tells_what_the_import_does_and_changes_nothing() {
    let conn = store();
    import_file(&conn, &old());
    let before = sites::list(&conn, &SiteFilter::default()).unwrap();
    let rehearsed = plan(&conn, &new(), today(), Lang::Fr).unwrap().report;
    assert_eq!(sites::list(&conn, &SiteFilter::default()).unwrap(), before);
    let name = rehearsed.changes.iter().find(|change| change.site == "2" && change.field == "name").unwrap();
    let expected =
        ["France services de Saint-Trivier-de-Courtes", "France services La Poste de Saint-Trivier-de-Courtes"];
    assert_eq!([name.old.as_str(), name.new.as_str()], expected);
    assert_eq!(import_file(&conn, &new()), rehearsed);
}
