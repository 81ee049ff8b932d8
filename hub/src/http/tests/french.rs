//! A file for a French spreadsheet says nothing in codes, whatever the hub holds.

use msap_shared::document::DocKind;

use super::*;
use crate::http::api::{addresses, of_anybody};
use crate::http::nowhere::Nowhere;
use crate::words;

/// Columns that identify: a code stands there beside its name, or is what has to be asked for.
const IDENTIFYING: [&str; 2] = ["partenaire", "objet"];

/// What has to be given besides, by address.
const ASKED: [(&str, &[&str]); 13] = [
    (
        "/visits",
        &["by=day,site,age", "by=department,region,operator", "by=month,help", "by=bearer", "by=quarter&compare=year"],
    ),
    ("/completeness", &["by=month,site", "by=region,department"]),
    ("/fleet", &[""]),
    ("/label", &[""]),
    ("/network", &["by=month,department", "by=region,bearer"]),
    ("/coverage", &["", "by=department", "by=operator"]),
    ("/operators/CNAF/return", &["month=2026-10", "month=2026-11&so_far=true", "month=2025-10"]),
    ("/sites/361/report", &["from=2026-11-01&to=2026-11-21&antennas=apart"]),
    ("/public/department_ages", &["period=2025-10"]),
    ("/public/operator_helps", &["period=2025-10"]),
    ("/public/region_operators", &["period=2025-10"]),
    ("/partners", &["", "day=2026-12-03"]),
    ("/exports/visits.csv", &["from=2026-11-01&to=2026-11-30"]),
];

/// One of everything that lists have.
fn loaded() -> Hub {
    let (hub, _) = public::released();
    hub.write(&format!("{}{}", lists::FLAGGED, lists::REFUSED));
    let conn = Connection::open(hub._dir.path().join("hub.db")).unwrap();
    let vocabulary = words::tests::codes();
    for reason in ["help", "age", "count", "day", "clock", "contested", "retired"] {
        let sql = "INSERT INTO flagged (document, tap, reason, verdict) VALUES (1, x'0000000000000001', ?1, '')";
        conn.execute(sql, [reason]).unwrap();
    }
    for (seq, reason) in (10..).zip(1..=9) {
        let sql = "INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
                   VALUES ('site/275/visits/2026-11', '275', x'0102030405060708', zeroblob(16), ?1, randomblob(32), ?2, 9821)";
        conn.execute(sql, [seq, reason]).unwrap();
    }
    for action in vocabulary.iter().filter(|code| code.contains('.')) {
        let sql =
            "INSERT INTO journal (at, who, action, subject, detail) VALUES (1795000000, 'operator', ?1, '275', '')";
        conn.execute(sql, [action]).unwrap();
    }
    conn.execute_batch(
        "UPDATE site SET format = 'fixe_antennes', holiday_zone = 'alsace-moselle', school_zone = 'B',
                         quality = 'no_hours,zero_slot', label_date = '2024-08-01' WHERE id = '275';
         UPDATE site SET life = 'labelled', format = 'itinerante' WHERE id = '361';
         UPDATE device SET transport = 'quic', last_in_sync = 1795000000, oldest_waiting_day = 9820;
         INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES
           (x'0202030405060708', randomblob(32), '275', 'revoked', 9800),
           (x'0302030405060708', randomblob(32), '361', 'pending', 9800);",
    )
    .unwrap();
    schedules::open_house(&hub, "275");
    hub.say(
        "275",
        DocKind::Partners,
        &[
            ("presence|CNAF", "reachable|3230||2026-11-02"),
            ("presence|MSA", "absent|||2026-11-02"),
            ("presence|DGFIP", "partial|||2025-11-02"),
            ("agreement|CNAF", "in_progress|2026-01-05"),
            ("training|CNAF", "2|2026-01-05"),
        ],
    );
    hub.say("361", DocKind::Schedule, &[("on|2026-11-05..2026-11-06|*", "closed|staff_absence")]);
    hub.contradict(
        "361",
        DocKind::Partners,
        "presence|CNAF",
        ["device:5f1e0c9a|2026-11-02|absent|||2026-11-02", "national|2026-11-03|partial|||2026-11-03"],
    );
    hub
}

/// What a cell says that a French reader cannot know; none if it is fine.
fn foreign(cell: &str, codes: &std::collections::BTreeSet<&str>) -> Option<String> {
    let is_number = cell.parse::<f64>().is_ok() && cell.contains('.');
    let is_day = |text: &str| text.parse::<msap_shared::time::Day>().is_ok();
    let of_code = cell.split(", ").chain([cell]).find(|part| codes.contains(part.trim_start_matches('\'')));
    let of_time = cell.split([' ', 'T']).find(|part| is_day(part));
    of_code.or(of_time).map(str::to_owned).or(is_number.then(|| cell.to_owned()))
}

#[tokio::test]
async fn no_cell_of_any_french_file_is_a_code() {
    let (hub, codes) = (loaded(), words::tests::codes());
    let (mut found, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    let addresses = addresses::<Nowhere>().into_iter().chain(of_anybody());
    for address in addresses.filter(|address| address.operation.parameters.iter().any(|given| given.name == "format")) {
        let is_of = |path: &str| {
            let fits = |(own, asked): (&str, &str)| own == asked || own.starts_with('{');
            let (own, asked) = (address.path.split('/'), path.split('/'));
            own.clone().count() == asked.clone().count() && own.zip(asked).all(fits)
        };
        let of_table: Vec<_> = ASKED.iter().filter(|(path, _)| is_of(path)).collect();
        let plain = [(address.path, &[""][..])];
        for (path, questions) in if of_table.is_empty() { plain.iter().collect() } else { of_table } {
            for question in *questions {
                let address = format!("/v1{path}?{question}&format=csv-fr").replace("?&", "?");
                let request = Request::get(&address).header("authorization", "Bearer admin");
                let (status, _, body) = hub.send(request.body(Body::empty()).unwrap()).await;
                let text = String::from_utf8(body).unwrap();
                assert_eq!(status, 200, "{address}: {text}");
                let text = text.strip_prefix('\u{feff}').unwrap();
                let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
                let header = reader.headers().unwrap().clone();
                for row in reader.records().map(Result::unwrap) {
                    seen.insert(*path);
                    for (column, cell) in header.iter().zip(&row).filter(|(column, _)| !IDENTIFYING.contains(column)) {
                        found.extend(foreign(cell, &codes).map(|word| format!("{address}, {column}: {word}")));
                    }
                }
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{found:#?}");
    for path in ["/sites", "/journal", "/flagged", "/refused", "/conflicts", "/documents"] {
        assert!(seen.contains(path), "{path} has no row");
    }
    for (path, _) in ASKED {
        assert!(seen.contains(path), "{path} has no row");
    }
}

#[tokio::test]
async fn a_moment_of_a_french_file_is_by_the_clock_that_its_heading_names() {
    let hub = loaded();
    for (address, heading) in [
        ("/v1/sites?format=csv-fr", "dernier contact (heure de Paris)"),
        ("/v1/fleet?format=csv-fr", "tout reçu (heure de Paris)"),
        ("/v1/journal?format=csv-fr", "quand (heure de Paris)"),
    ] {
        let request = Request::get(address).header("authorization", "Bearer admin");
        let (_, _, body) = hub.send(request.body(Body::empty()).unwrap()).await;
        let text = String::from_utf8(body).unwrap();
        assert!(text.lines().next().unwrap().contains(heading), "{text}");
        assert!(text.contains("18/11/2026 12:06"), "{address}: {text}");
    }
}
