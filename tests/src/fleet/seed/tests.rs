//! Claims about made-up networks, small ones.

use std::path::Path;

use msap_hub::store::{StoreError, check, reader};

use super::*;

/// The views that figures and completeness are read from.
const VIEWS: [(&str, &str); 5] = [
    ("visits", "site, day, operator, help, age, received_day, apart, people, requests"),
    ("site_day", "site, day, people, requests, people_apart, requests_apart"),
    ("department_month", "department, operator, month, help, age, people, requests, people_apart, requests_apart"),
    ("closed_day", "site, day, received_day, closed"),
    ("site_month", "site, month, visited, lag"),
];

fn options(data: &Path, until: &str, months: u32, real: u32) -> SeedOptions {
    let until = Some(until.parse().unwrap());
    SeedOptions { data: data.to_owned(), sites: Some(12), months, real, until, seed: 7, json: false }
}

fn rows(data: &Path, sql: &str) -> Vec<String> {
    let conn = reader(&data.join(FILE_NAME)).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let count = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        (0..count).map(|n| row.get_ref(n).map(|value| format!("{value:?}"))).collect::<Result<Vec<_>, _>>()
    };
    let found = statement.query_map([], row).unwrap();
    found.map(|row| row.unwrap().join(" ")).collect()
}

#[test]
fn what_is_written_straight_into_views_is_what_its_changes_would_have_made() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    // In May some days are closed without a visit.
    let straight = seed(&options(&one, "2026-05", 2, 0)).unwrap();
    let folded = seed(&options(&two, "2026-05", 2, 2)).unwrap();
    assert_eq!((straight.sums, straight.changes > 0), (folded.sums, false));
    for (table, columns) in VIEWS {
        let sql = format!("SELECT {columns} FROM {table} ORDER BY {columns}");
        let [straight, folded] = [&one, &two].map(|data| rows(data, &sql));
        assert!(straight.len() > 5, "{table} has {} rows", straight.len());
        assert_eq!(straight, folded, "{table}");
    }
}

#[test]
fn a_month_of_real_changes_passes_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("hub");
    let seeded = seed(&options(&data, "2026-03", 1, 1)).unwrap();
    assert!(seeded.changes > 500, "{seeded:?}");
    let report = check::look::<StoreError>(&reader(&data.join(FILE_NAME)).unwrap(), &mut |_, _| Ok(())).unwrap();
    assert_eq!((report.problems, report.registry, report.differences), (vec![], vec![], vec![]));
    assert_eq!(report.changes, seeded.changes + u64::try_from(rows(&data, "SELECT 1 FROM edit").len()).unwrap());
}

#[test]
fn a_directory_that_holds_anything_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("note"), "mine").unwrap();
    let told = seed(&options(dir.path(), "2026-03", 1, 1)).unwrap_err().to_string();
    assert!(told.contains("n’est pas vide"), "{told}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
