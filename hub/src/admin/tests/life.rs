//! Claims about the dated commands on sites, and about settling.

use super::*;

fn dated(from: Option<&str>, site: &str, fields: &[(&str, &str)]) -> Change {
    Change::SiteSet { site: site.to_owned(), fields: pairs(fields), from: from.map(str::to_owned) }
}

fn history(desk: &Desk, site: &str) -> Vec<(String, Option<String>, String)> {
    let Reply::Site { history, .. } = desk.look(&Look::Site { site: site.to_owned() }) else { panic!() };
    history.into_iter().map(|held| (held.field, held.from, held.value)).collect()
}

fn held(field: &str, from: Option<&str>, value: &str) -> (String, Option<String>, String) {
    (field.to_owned(), from.map(str::to_owned), value.to_owned())
}

#[test]
fn life_house_department_and_bearer_are_dated_and_shown() {
    let mut desk = Desk::new();
    desk.change(&dated(Some("2026-03-01"), "275", &[("department", "44"), ("name", "Autre")])).unwrap();
    assert_eq!((desk.site("275").region.as_str(), desk.site("275").name.as_str()), ("52", "Autre"));
    desk.change(&dated(None, "275", &[("life", "labelled")])).unwrap();
    let retire = Change::SiteRetire { site: "275".to_owned(), from: Some("2027-01-01".to_owned()) };
    desk.change(&retire).unwrap();
    let expected = [
        held("department", None, "49"),
        held("department", Some("2026-03-01"), "44"),
        held("life", None, "open"),
        held("life", Some("2026-11-20"), "labelled"),
        held("life", Some("2027-01-01"), "retired"),
    ];
    assert_eq!(history(&desk, "275"), expected);
    assert_eq!(desk.site("275").life, crate::site::Life::Labelled, "not before its day");
    let parent =
        Change::SiteSetParent { site: "597".to_owned(), parent: "275".to_owned(), from: Some("2026-05-01".to_owned()) };
    desk.change(&parent).unwrap();
    assert_eq!(history(&desk, "597"), [held("parent", None, "361"), held("parent", Some("2026-05-01"), "275")]);
    let lines = journal::list(&desk.0, 0, 1_000).unwrap();
    assert_eq!(lines.last().unwrap().detail, "parent=275 from=2026-05-01");
    let (exit, message) = desk.refused(&dated(Some("2026-03-01"), "275", &[("name", "x")]));
    assert!(exit == Exit::Usage && message.contains("--from"), "{message}");
    assert_eq!(desk.refused(&dated(Some("hier"), "275", &[("life", "open")])).0, Exit::Invalid);
}

#[test]
fn what_is_dated_of_one_field_moves_no_other() {
    let mut desk = Desk::new();
    let retire = Change::SiteRetire { site: "275".to_owned(), from: Some("2027-01-01".to_owned()) };
    desk.change(&retire).unwrap();
    desk.change(&dated(Some("2027-03-01"), "275", &[("bearer", "commune")])).unwrap();
    let expected = [
        held("bearer", None, ""),
        held("bearer", Some("2027-03-01"), "commune"),
        held("life", None, "open"),
        held("life", Some("2027-01-01"), "retired"),
    ];
    assert_eq!(history(&desk, "275"), expected, "it stays closed");
    // Said of the field itself, the value of today holds from that day on again.
    desk.change(&dated(Some("2027-06-01"), "275", &[("life", "open")])).unwrap();
    assert_eq!(history(&desk, "275").last(), Some(&held("life", Some("2027-06-01"), "open")));
}

#[test]
fn an_invitation_replaces_a_device_of_its_own_site_only() {
    let mut desk = Desk::new();
    let fingerprint = Fingerprint::new([3; 32]);
    let sql =
        "INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES (?1, ?2, '275', 'active', 9000)";
    desk.0.execute(sql, (fingerprint.device().as_bytes(), fingerprint.as_bytes())).unwrap();
    let invite = |site: &str, device: &str| Change::SiteInvite {
        site: site.to_owned(),
        valid_s: 3_600,
        replaces: Some(device.to_owned()),
    };
    let id = fingerprint.device().to_string();
    let Reply::Invitation(made) = desk.change(&invite("275", &id)).unwrap() else { panic!() };
    let code: JoinCode = made.code.parse().unwrap();
    let kept = devices::invitation(&desk.0, &JoinCode::secret_hash(&code.secret)).unwrap().unwrap();
    assert_eq!(kept.replaces, Some(fingerprint.device()));
    assert_eq!(desk.refused(&invite("361", &id)).0, Exit::Invalid);
    assert_eq!(desk.refused(&invite("275", "0000000000000000")).0, Exit::NotFound);
}

#[test]
fn what_is_settled_is_journalled_once_without_its_value() {
    let mut desk = Desk::new();
    desk.0
        .execute_batch(
            "INSERT INTO document (id, name, site) VALUES (1, 'site/275/visits/2026-11', '275');
             INSERT INTO fact VALUES (1, x'0000000000000001', 0, 20, '1|ODD|online|70+|1', 0);
             INSERT INTO flagged VALUES (1, x'0000000000000001', 'operator', '');
             INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
               VALUES ('site/275/visits/2026-11', '275', zeroblob(8), zeroblob(16), 1, x'00', 4, 9821)",
        )
        .unwrap();
    let Reply::Flagged(rows) = desk.look(&Look::Flagged { filters: pairs(&[("site", "275")]) }) else { panic!() };
    let id = rows[0].id.clone();
    let settle = |id: &str, verdict: &str, reason: &str| Change::FlaggedSettle {
        id: id.to_owned(),
        verdict: verdict.to_owned(),
        reason: reason.to_owned(),
    };
    for (asked, exit) in [
        (settle("xxxxx-xxxxx", "count", "vu"), Exit::NotFound),
        (settle(&id, "perhaps", "vu"), Exit::Invalid),
        (settle(&id, "count", " "), Exit::Invalid),
        (settle(&id, "count", "a\nb"), Exit::Invalid),
        (Change::RefusedSettle { id: "2".to_owned(), reason: "vu".to_owned() }, Exit::NotFound),
        (Change::RefusedSettle { id: "un".to_owned(), reason: "vu".to_owned() }, Exit::NotFound),
        (Change::RefusedSettle { id: "1".to_owned(), reason: String::new() }, Exit::Invalid),
    ] {
        assert_eq!(desk.refused(&asked).0, exit, "{asked:?}");
    }
    desk.change(&settle(&id, "leave_out", "doublon du registre")).unwrap();
    for _ in 0..2 {
        desk.change(&Change::RefusedSettle { id: "1".to_owned(), reason: "ancien agent".to_owned() }).unwrap();
    }
    let Reply::Refused(rows) = desk.look(&Look::Refused) else { panic!() };
    assert_eq!(rows, []);
    let lines = journal::list(&desk.0, 0, 1_000).unwrap();
    let lines: Vec<_> = lines.iter().filter(|line| line.action.ends_with(".settle")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].subject == id && lines[0].detail.contains("doublon") && !lines[0].detail.contains("70+"));
    assert_eq!((lines[1].subject.as_str(), lines[1].action.as_str()), ("1", "refused.settle"));
}
