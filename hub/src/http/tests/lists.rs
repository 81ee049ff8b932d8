//! Lists: pages while others write, and tables.

use std::collections::BTreeSet;

use super::*;

/// Reads a list to its end, one row at a time, with a write after each page.
async fn walked(hub: &Hub, address: &str, rows: &str, key: &str, writes: &[&str]) -> Vec<String> {
    let mut writes = writes.iter();
    let (mut told, mut next) = (Vec::new(), String::new());
    for _ in 0..20 {
        let join = if address.contains('?') { '&' } else { '?' };
        let (status, body) = hub.get("admin", &format!("{address}{join}limit=1{next}")).await;
        assert_eq!(status, 200, "{address}: {body}");
        for row in body[rows].as_array().unwrap() {
            let key = &row[key];
            told.push(key.as_str().map_or_else(|| key.to_string(), str::to_owned));
        }
        if let Some(sql) = writes.next() {
            hub.write(sql);
        }
        match body["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return told,
        }
    }
    panic!("{address} does not end: {told:?}");
}

pub(super) const FLAGGED: &str = "
    INSERT INTO fact (document, tap, rev, day, value, contested) VALUES
      (1, x'0000000000000001', 0, 20, '1|ODD|online|70+|1', 0), (1, x'0000000000000003', 0, 20, '1|ODD|online|70+|1', 0),
      (1, x'0000000000000005', 0, 20, '1|ODD|online|70+|1', 0);
    INSERT INTO flagged (document, tap, reason, verdict) VALUES
      (1, x'0000000000000001', 'operator', ''), (1, x'0000000000000003', 'operator', ''),
      (1, x'0000000000000005', 'operator', '');";

pub(super) const REFUSED: &str = "
    INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day) VALUES
      ('site/275/visits/2026-11', '275', x'0102030405060708', zeroblob(16), 1, randomblob(32), 1, 9821),
      ('site/275/visits/2026-11', '275', x'0102030405060708', zeroblob(16), 2, randomblob(32), 1, 9821),
      ('site/275/visits/2026-11', '275', x'0102030405060708', zeroblob(16), 3, randomblob(32), 1, 9821);";

#[tokio::test]
async fn pages_neither_skip_nor_repeat_what_stays_whatever_is_written_between_them() {
    let site = |id: &str, department: &str| {
        format!(
            "INSERT INTO site (id, name, kind, parent, department, region, bearer, timezone) VALUES
             ('{id}', 'x', 'house', NULL, '{department}', '52', '', 'Europe/Paris')"
        )
    };
    // Before and behind the place of the reader, and rows that move or go.
    let sites = [site("100", "49"), site("900", "01"), "UPDATE site SET department = '01' WHERE id = '597'".to_owned()];
    let sites: Vec<_> = sites.iter().map(String::as_str).collect();
    let back =
        ["UPDATE site SET department = '99' WHERE id = '275'", "UPDATE site SET department = '01' WHERE id = '597'"];
    let line = "INSERT INTO journal (at, who, action, subject, detail) VALUES (1, 'hub', 'site.set', '9', '')";
    let lines = "INSERT INTO journal (at, who, action, subject, detail) VALUES
        (5, 'hub', 'site.set', '1', ''), (3, 'hub', 'site.set', '2', ''), (4, 'hub', 'site.set', '3', '')";
    let document = |id: u8, name: &str| format!("INSERT INTO document (id, name, site) VALUES ({id}, '{name}', '275')");
    let documents = format!("{};{}", document(8, "site/275/visits/2026-12"), document(9, "site/275/visits/2027-01"));
    let earlier = document(10, "site/100/visits/2026-10");
    let refusal = "INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day) VALUES
        ('x', '275', x'0102030405060708', zeroblob(16), 9, randomblob(32), 1, 9821)";
    for (setup, address, rows, key, writes, expected) in [
        ("", "/v1/sites", "sites", "id", sites, vec!["275", "361", "597", "900"]),
        ("", "/v1/fleet", "sites", "id", back.to_vec(), vec!["275", "361", "597"]),
        ("", "/v1/label", "sites", "site", back.to_vec(), vec!["275", "361"]),
        (lines, "/v1/journal?kind=site", "journal", "subject", vec![line], vec!["1", "2", "3", "9"]),
        (
            &documents,
            "/v1/documents",
            "documents",
            "id",
            vec![&earlier],
            vec!["site/275/visits/2026-11", "site/275/visits/2026-12", "site/275/visits/2027-01"],
        ),
        (
            FLAGGED,
            "/v1/flagged",
            "flagged",
            "tap",
            vec![
                "INSERT INTO flagged (document, tap, reason, verdict) VALUES (1, x'0000000000000000', 'operator', '')",
                "UPDATE flagged SET verdict = 'count' WHERE tap = x'0000000000000001'",
            ],
            vec!["AAAAAAAAAAE", "AAAAAAAAAAM", "AAAAAAAAAAU"],
        ),
        (
            REFUSED,
            "/v1/refused",
            "refused",
            "seq",
            vec![refusal, "UPDATE refusal SET settled = 1 WHERE seq = 3"],
            vec!["3", "2", "1"],
        ),
    ] {
        let hub = hub();
        if !setup.is_empty() {
            hub.write(setup);
        }
        assert_eq!(walked(&hub, address, rows, key, &writes).await, expected, "{address}");
    }
}

#[tokio::test]
async fn pages_of_partners_and_contradictions_go_by_sites() {
    let hub = hub();
    let absent = |site: &str| {
        let address = format!("/v1/sites/{site}/partners/CNAF");
        let request = Request::patch(address).header("authorization", "Bearer admin");
        request.body(Body::from(r#"{"mode":"absent"}"#)).unwrap()
    };
    for site in ["275", "361", "597"] {
        assert_eq!(hub.send(absent(site)).await.0, 200);
    }
    let moves =
        ["UPDATE site SET department = '01' WHERE id = '597'", "UPDATE site SET department = '99' WHERE id = '275'"];
    assert_eq!(walked(&hub, "/v1/partners", "partners", "site", &moves).await, ["275", "361", "597"]);
    assert!(walked(&hub, "/v1/conflicts", "conflicts", "site", &[]).await.is_empty());
}

#[tokio::test]
async fn a_cursor_of_another_list_or_question_is_refused_by_name() {
    let hub = hub();
    let (_, body) = hub.get("admin", "/v1/sites?limit=1").await;
    let cursor = body["next"].as_str().unwrap();
    for address in [
        "/v1/sites?department=49&",
        "/v1/fleet?",
        "/v1/label?",
        "/v1/flagged?",
        "/v1/refused?",
        "/v1/journal?",
        "/v1/documents?",
        "/v1/conflicts?",
        "/v1/partners?",
    ] {
        for text in [cursor, "x", "%21", ""] {
            let (status, body) = hub.get("admin", &format!("{address}cursor={text}")).await;
            assert_eq!((status, body["parameter"].as_str()), (400, Some("cursor")), "{address}{text}");
        }
    }
    for more in ["A", "AA", "AAA", "AAAA", "="] {
        let (status, body) = hub.get("admin", &format!("/v1/sites?cursor={cursor}{more}")).await;
        assert_eq!((status, body["parameter"].as_str()), (400, Some("cursor")), "{more}");
    }
}

#[tokio::test]
async fn every_list_is_a_table_with_stable_columns_and_leads_on() {
    let hub = hub();
    hub.write("UPDATE site SET name = '=1+1', lat = 47.21, lon = -0.7295 WHERE id = '275'");
    let table = async |address: &str, accept: &str| {
        let request = Request::get(address).header("authorization", "Bearer admin").header("accept", accept);
        let (status, headers, body) = hub.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 200, "{address}");
        assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present", "{address}");
        let link = headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        (String::from_utf8(body).unwrap(), link)
    };
    let mut columns = BTreeSet::new();
    for (list, expected) in [
        (
            "sites",
            "id,name,kind,life,parent,format,commune,insee,department,region,bearer,lat,lon,timezone,holiday_zone,\
                   school_zone,osm_opening_hours,weekly_minutes,label_date,open_now,state,last_contact,waiting,version,quality",
        ),
        (
            "fleet",
            "department,region,site,name,kind,parent,bearer,state,cause,flagged,site_refused,device,label,standing,\
                   device_state,last_contact,last_in_sync,waiting,oldest_waiting_day,version,transport,clock_offset_ms,forked,refused,machines",
        ),
        (
            "partners",
            "site,name,commune,department,day,operator,label,availability,stale,agreement_status,agreement_day,\
                      training_agents,training_trained_on",
        ),
        ("conflicts", "id,site,name,document,key,subject,versions_0_words,versions_1_words"),
        ("flagged", "id,site,document,tap,reason,date,value"),
        ("refused", "id,site,document,device,writer,seq,reason,day"),
        ("journal", "n,at,who,action,subject,detail"),
        ("documents", "id,changes"),
        ("exports/visits.csv", "day,site,site_name,operator,help,age,visits,requests,expected,reported"),
    ] {
        let (body, _) = table(&format!("/v1/{list}"), "text/csv").await;
        assert_eq!(body.split("\r\n").next(), Some(expected), "{list}");
        let (french, _) = table(&format!("/v1/{list}?format=csv-fr"), "text/csv").await;
        let header = french.strip_prefix('\u{feff}').unwrap().split("\r\n").next().unwrap();
        // A file for people also says what a partner is called.
        let named = header.split(';').filter(|column| *column == "nom du partenaire").count();
        assert_eq!(header.split(';').count(), expected.split(',').count() + named, "{list}: {header}");
        columns.insert(list);
    }
    // Of the first page, with where the next one is.
    let (body, link) = table("/v1/sites?limit=1&format=csv-fr", "*/*").await;
    let row = body.split("\r\n").nth(1).unwrap();
    assert!(row.starts_with("275;'=1+1;") && row.contains(";47,21;-0,7295;"), "{row}");
    let link = link.unwrap();
    let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
    assert!(target.starts_with("?limit=1&format=csv-fr&cursor="), "{target}");
    let (body, _) = table(&format!("/v1/sites{target}"), "*/*").await;
    assert!(body.split("\r\n").nth(1).unwrap().starts_with("361;"), "{body}");
}

#[tokio::test]
async fn the_file_of_figures_has_a_row_for_each_cell_and_keeps_to_the_scope() {
    let hub = hub();
    let export = async |token: &str, query: &str| {
        let request = Request::get(format!("/v1/exports/visits.csv?{NOVEMBER}{query}"));
        let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        let (status, headers, body) = hub.send(request).await;
        let name = headers.get("content-disposition").map(|name| name.to_str().unwrap().to_owned());
        (status.as_u16(), name, String::from_utf8(body).unwrap())
    };
    let (status, name, body) = export("national", "").await;
    assert_eq!(
        (status, name.as_deref()),
        (200, Some("attachment; filename=\"visites-detail-2026-11-01-2026-11-30.csv\""))
    );
    let expected = "day,site,site_name,operator,help,age,visits,requests,expected,reported\r\n\
                    2026-11-20,361,Perseigne,CNAF,online,25-39,,4,0,0\r\n2026-11-20,597,Courteille,MSA,online,70+,,1,0,0\r\n\
                    2026-11-21,275,Chemillé,CNAF,online,70+,,2,0,0\r\n";
    assert_eq!(body, expected);
    let (_, _, french) = export("department", "&department=49&format=csv-fr").await;
    assert!(french.ends_with("\r\n21/11/2026;275;Chemillé;CNAF;CAF;Démarche en ligne;70 et +;;2;0;0\r\n"), "{french}");
    assert_eq!(export("department", "").await.0, 403);
    assert_eq!(export("operator", "&operator=CNAF").await.0, 403);
    assert_eq!(export("national", "&format=json").await.0, 422);
}
