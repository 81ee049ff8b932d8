//! Claims about what anybody may read, and what a partner may of ages.

use super::*;
use crate::almanac::Pages;
use crate::privacy::{Rule, Year};
use crate::release;
use crate::store::{journal, meta};

/// A hub that has released October 2025: of department 49 there are 3 visits at 70+ and 40 others,
/// of 61 as many, and 50 of each age.
pub(super) fn released() -> (Hub, std::path::PathBuf) {
    let hub = hub();
    let path = hub._dir.path().join("hub.db");
    let conn = Connection::open(&path).unwrap();
    meta::date_epoch(&conn, "2025-10-20".parse().unwrap()).unwrap();
    add(&conn, &[("49", "70+", 3), ("49", "25-39", 40), ("61", "70+", 50), ("61", "25-39", 50), ("44", "70+", 60)]);
    add(&conn, &[("44", "25-39", 70)]);
    release(&conn, "2025-11-20");
    (hub, path)
}

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn add(conn: &Connection, figures: &[(&str, &str, i64)]) {
    let month = 2025 * 12 + 9;
    for (department, age, visits) in figures {
        for (help, age) in [("online", *age), ("", "")] {
            let sql = "INSERT INTO department_month VALUES (?1, 'CNAF', ?2, ?3, ?4, ?5, ?5, 0, 0) ON CONFLICT DO
                       UPDATE SET people = people + excluded.people, requests = requests + excluded.requests";
            conn.execute(sql, rusqlite::params![department, month, help, age, visits]).unwrap();
        }
    }
}

fn release(conn: &Connection, today: &str) {
    while let Some(due) = release::next(conn, &Pages::default(), noon(today)).unwrap() {
        let (releases, note) = release::reckon(due, &|| false).unwrap();
        release::keep(conn, &releases, &note, "2025-11-20T12:00:00Z".parse().unwrap()).unwrap();
    }
}

impl Hub {
    /// Asks without a token.
    async fn anybody(&self, address: &str) -> (u16, axum::http::HeaderMap, Vec<u8>) {
        let (status, headers, body) = self.send(Request::get(address).body(Body::empty()).unwrap()).await;
        (status.as_u16(), headers, body)
    }
}

fn object(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn row<'a>(table: &'a Value, names: &[(&str, &str)]) -> &'a Value {
    let mut rows = table["rows"].as_array().unwrap().iter();
    rows.find(|row| names.iter().all(|(name, value)| row[name] == *value)).unwrap()
}

const AGES: &str = "/v1/public/department_ages?period=2025-10";

#[tokio::test]
async fn anybody_reads_released_tables_without_small_figures() {
    let (hub, _) = released();
    let (status, headers, body) = hub.anybody("/v1/public").await;
    assert_eq!((status, &headers["cache-control"]), (200, &"private, no-cache".parse().unwrap()));
    let list = object(&body);
    assert_eq!(list["periods"], serde_json::json!([{ "period": "2025-10", "as_of": "2025-11-20" }]));
    assert_eq!(list["tables"].as_array().unwrap().len(), 11);
    let (status, _, body) = hub.anybody(AGES).await;
    let table = object(&body);
    assert_eq!((status, &table["as_of"], &table["min_cell"]), (200, &"2025-11-20".into(), &11.into()));
    assert_eq!(table["total"], serde_json::json!({ "visits": 273, "requests": null }));
    let small = row(&table, &[("department", "49"), ("age", "70+")]);
    assert_eq!(small["visits"], serde_json::json!({ "suppressed": true, "lt": 11 }));
    let beside = row(&table, &[("department", "49"), ("age", "25-39")]);
    assert_eq!(beside["visits"], serde_json::json!({ "suppressed": true }));
    let (_, headers, body) = hub.anybody(&format!("{AGES}&format=csv")).await;
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("49,70+,<11\r\n") && text.contains("49,25-39,secret\r\n"), "{text}");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"department_ages-2025-10.csv\"");
}

#[tokio::test]
async fn what_was_released_never_changes() {
    let (hub, path) = released();
    let (_, _, before) = hub.anybody(AGES).await;
    let conn = Connection::open(&path).unwrap();
    add(&conn, &[("49", "70+", 30), ("2A", "0-17", 5)]);
    release(&conn, "2025-11-30");
    assert_eq!(hub.anybody(AGES).await.2, before);
    for sql in ["UPDATE release_cell SET value = 1", "DELETE FROM release", "DELETE FROM release_cell"] {
        assert!(conn.execute(sql, []).unwrap_err().to_string().contains("what was released stays"), "{sql}");
    }
}

#[tokio::test]
async fn one_decision_is_told_at_every_address() {
    let (hub, _) = released();
    for table in crate::privacy::table::TABLES {
        let by = table.by.iter().map(|key| key.name()).collect::<Vec<_>>().join(",");
        let by = if by.is_empty() { by } else { format!("&by={by}") };
        let question = format!("/v1/visits?public=true&from=2025-10-01&to=2025-10-31{by}");
        let (status, beside) = hub.get("department", &question).await;
        let (_, _, body) = hub.anybody(&format!("/v1/public/{}?period=2025-10", table.name)).await;
        assert_eq!((status, beside), (200, object(&body)), "{}", table.name);
    }
}

#[tokio::test]
async fn only_the_list_and_closed_periods_are_public() {
    let (hub, _) = released();
    let october = "from=2025-10-01&to=2025-10-31";
    for question in [
        "from=2025-10-02&to=2025-10-31",
        "from=2025-10-02&to=2025-11-01",
        "from=2025-09-30&to=2025-10-31",
        "from=2025-10-01&to=2025-11-30",
        &format!("{october}&by=site"),
        &format!("{october}&by=day"),
        &format!("{october}&by=month"),
        &format!("{october}&by=department,operator,age"),
        &format!("{october}&by=department&department=49"),
        &format!("{october}&by=age&operator=CNAF"),
        &format!("{october}&antennas=apart"),
        &format!("{october}&compare=previous"),
        &format!("{october}&as_of=2025-11-20"),
    ] {
        let (status, body) = hub.get("national", &format!("/v1/visits?public=true&{question}")).await;
        assert_eq!((status, &body["parameter"]), (400, &"public".into()), "{question}: {body}");
        assert!(body["detail"].as_str().unwrap().contains("by=department,age"), "{body}");
    }
    for (address, expected) in [
        ("/v1/public/sites?period=2025-10", 404),
        ("/v1/public/ages", 422),
        ("/v1/public/ages?period=2025-10-01", 422),
        ("/v1/public/ages?period=2025-10&department=49", 400),
        ("/v1/public/ages?period=2099-12", 404),
        ("/v1/public/ages?period=2025-07", 404),
    ] {
        assert_eq!(hub.anybody(address).await.0, expected, "{address}");
    }
    let (_, _, body) = hub.anybody("/v1/public/ages?period=2099-12").await;
    let why = object(&body)["detail"].to_string();
    assert!(why.contains("31 décembre 2099"), "the calendar ends there: {why}");
    let (_, _, body) = hub.anybody("/v1/public/ages?period=2025-07").await;
    assert!(object(&body)["detail"].to_string().contains("terminées depuis qu’elle existe"));
}

#[tokio::test]
async fn a_database_from_another_time_releases_nothing_twice() {
    let (_hub, path) = released();
    let conn = Connection::open(&path).unwrap();
    let due = |conn: &Connection, today: &str| {
        release::next(conn, &Pages::default(), noon(today)).unwrap().map(|due| format!("{due:?}"))
    };
    assert!(due(&conn, "2025-12-15").unwrap().contains("Month(11)"));
    // Put back after November was over: it may have been released before, and is not all here again.
    for (first, is_due) in [("2025-11-30", true), ("2025-12-01", false), ("2025-12-20", false)] {
        meta::set_epoch(&conn, msap_shared::id::Epoch::new([7; 16])).unwrap();
        assert_eq!(due(&conn, "2025-12-31"), None);
        meta::date_epoch(&conn, first.parse().unwrap()).unwrap();
        assert_eq!(due(&conn, "2025-12-31").is_some(), is_due, "{first}");
    }
}

#[test]
fn a_part_that_was_never_released_holds_up_no_other_period() {
    let hub = hub();
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    // July was over before the database began: neither its quarter nor its year ever is released.
    meta::date_epoch(&conn, "2025-08-10".parse().unwrap()).unwrap();
    release(&conn, "2026-02-20");
    let sql = "SELECT period FROM release WHERE kind = 'visits' AND length(period) <> 7 OR period LIKE '%Q%'
               GROUP BY period ORDER BY period";
    let mut statement = conn.prepare(sql).unwrap();
    let sums: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(sums, ["2025-Q4"]);
    let months: u32 = conn
        .query_row("SELECT count(*) FROM release WHERE kind = 'visits' AND period NOT LIKE '%Q%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(months, 6, "August 2025 to January 2026");
}

#[test]
fn a_reckoning_ends_wherever_it_is_stopped() {
    let hub = hub();
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    meta::date_epoch(&conn, "2025-10-20".parse().unwrap()).unwrap();
    add(&conn, &[("49", "70+", 3), ("49", "25-39", 40), ("61", "70+", 50), ("44", "25-39", 60)]);
    let reckon = |most: usize| {
        let due = release::next(&conn, &Pages::default(), noon("2025-11-20")).unwrap().unwrap();
        let asked = std::cell::Cell::new(0);
        let stops = || asked.replace(asked.get() + 1) >= most;
        (release::reckon(due, &stops).is_ok(), asked.get())
    };
    let (done, all) = reckon(usize::MAX);
    // Not only between kinds of figures.
    assert!(done && all > Year::new(2025, Rule { min_cell: 11 }).kinds().count(), "{all}");
    for most in [0, 1, all / 2, all - 1] {
        assert_eq!(reckon(most), (false, most + 1));
    }
}

#[tokio::test]
async fn a_partner_reads_ages_as_they_were_released_and_no_others() {
    let (hub, _) = released();
    let october = "operator=CNAF&from=2025-10-01&to=2025-10-31";
    let (status, table) = hub.get("operator", &format!("/v1/visits?{october}&by=department,age")).await;
    assert_eq!((status, &table["operator"]), (200, &"CNAF".into()));
    let small = row(&table, &[("department", "49"), ("age", "70+")]);
    assert_eq!(small["requests"], serde_json::json!({ "suppressed": true, "lt": 11 }));
    assert_eq!(table["total"], serde_json::json!({ "visits": null, "requests": 273 }));
    for question in [
        "operator=CNAF&from=2025-10-01&to=2025-11-30&by=age",
        "operator=CNAF&from=2025-10-02&to=2025-10-31&by=age",
        &format!("{october}&by=site,age"),
        &format!("{october}&by=age,help"),
        &format!("{october}&by=age&department=49"),
        &format!("{october}&by=age&age=70%2B"),
        &format!("{october}&age=70%2B"),
        "by=age&from=2025-10-01&to=2025-10-31",
        "operator=MSA&by=age&from=2025-10-01&to=2025-10-31",
    ] {
        assert_eq!(hub.get("operator", &format!("/v1/visits?{question}")).await.0, 403, "{question}");
    }
}

#[tokio::test]
async fn small_figures_are_read_once_the_journal_says_by_whom() {
    let hub = hub();
    let path = hub._dir.path().join("hub.db");
    let lines = || {
        let lines = journal::list(&Connection::open(&path).unwrap(), 0, 100).unwrap();
        lines.into_iter().filter(|line| line.action == journal::READ_SMALL_CELLS).collect::<Vec<_>>()
    };
    let fine = "by=day,age&department=49";
    for question in ["by=month,site", "by=month,age", "by=department,operator", "by=day,site"] {
        assert_eq!(hub.get("national", &format!("/v1/visits?{NOVEMBER}&{question}")).await.0, 200);
    }
    assert_eq!(lines(), []);
    for _ in 0..3 {
        assert_eq!(hub.get("department", &format!("/v1/visits?{NOVEMBER}&{fine}")).await.0, 200);
    }
    let [line] = &lines()[..] else { panic!("{:?}", lines()) };
    assert_eq!((&*line.who, &*line.subject), ("token:department", "visits"));
    assert_eq!(line.detail, format!("scope=department:49 {NOVEMBER}&{fine}"));
    // The same names with other values are the same question; another caller's is another line.
    hub.get("department", "/v1/visits?from=2026-10-01&to=2026-11-30&by=age,day&department=49").await;
    hub.get("national", &format!("/v1/visits?{NOVEMBER}&{fine}")).await;
    hub.get("national", &format!("/v1/visits?{NOVEMBER}&by=operator,age")).await;
    assert_eq!(lines().len(), 3);
    // A disk that takes no line: nothing leaves, and the rest goes on.
    let conn = Connection::open(&path).unwrap();
    for table in ["journal", "small_read"] {
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END;
             DELETE FROM small_read"
        );
        conn.execute_batch(&refuse).unwrap();
        for (view, question) in [("visits", fine), ("exports/visits.csv", "department=49")] {
            let request = Request::get(format!("/v1/{view}?{NOVEMBER}&{question}"));
            let request = request.header("authorization", "Bearer department").body(Body::empty()).unwrap();
            let (status, headers, body) = hub.send(request).await;
            assert_eq!(
                (status.as_u16(), &headers["content-type"]),
                (503, &"application/problem+json".parse().unwrap())
            );
            let problem = object(&body);
            assert_eq!((&problem["type"], &problem["rows"]), (&"urn:msap:problem:unavailable".into(), &Value::Null));
        }
        assert_eq!(hub.get("department", &format!("/v1/visits?{NOVEMBER}&by=month&department=49")).await.0, 200);
        conn.execute_batch("DROP TRIGGER refuse").unwrap();
    }
    assert_eq!(lines().len(), 3);
    assert_eq!(hub.get("department", &format!("/v1/visits?{NOVEMBER}&{fine}")).await.0, 200);
    assert_eq!(lines().len(), 4, "it had been forgotten that this was noted today");
    // No small figure, no line.
    hub.get("national", "/v1/visits?from=2025-01-01&to=2025-01-31&by=day,age,site").await;
    assert_eq!(lines().len(), 4);
}
