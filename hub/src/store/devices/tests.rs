//! The rules of enrolment and standing, on a database in memory.

use jiff::Timestamp;

use super::*;

const NOW: i64 = 1_800_000_000;
const SECRET: [u8; 32] = [9; 32];

fn today() -> Day {
    "2026-11-20".parse().unwrap()
}

fn site(id: &str) -> SiteId {
    id.parse().unwrap()
}

fn key(n: u8) -> Fingerprint {
    Fingerprint::new([n; 32])
}

/// Two sites and an invitation of the first, valid for a minute.
fn store() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    crate::store::MIGRATIONS.iter().for_each(|sql| conn.execute_batch(sql).unwrap());
    conn.execute_batch(
        "INSERT INTO site (id, name, kind, timezone, commune, department)
         VALUES ('361', 'Perseigne', 'house', 'Europe/Paris', 'Alençon', '61'),
                ('597', 'Courteille', 'antenna', 'Europe/Paris', 'Alençon', '61')",
    )
    .unwrap();
    invite(&conn, &site("361"), SECRET, NOW + 60, None).unwrap();
    conn
}

fn enrol_at(conn: &Connection, n: u8, now: i64) -> Result<SiteId, EnrolError> {
    let applicant =
        Applicant { fingerprint: key(n), label: "accueil", app_version: "0.1.0", counts_for: None, previous: None };
    enrol(conn, &SECRET, &applicant, now, today())
}

#[test]
fn a_code_enrols_one_key_again_and_again_until_it_expires() {
    let conn = store();
    for now in [NOW, NOW + 1, NOW + 59] {
        assert_eq!(enrol_at(&conn, 1, now).unwrap(), site("361"));
    }
    assert_eq!(list(&conn, None).unwrap().len(), 1);
    let device = show(&conn, key(1).device()).unwrap().unwrap();
    assert_eq!((device.standing, device.label.as_str(), device.enrolled), (Standing::Active, "accueil", today()));
    assert!(matches!(enrol_at(&conn, 2, NOW), Err(EnrolError::Used)));
    assert!(matches!(enrol_at(&conn, 1, NOW + 60), Err(EnrolError::Expired)));
    assert_eq!(list(&conn, None).unwrap().len(), 1);
}

#[test]
fn an_unknown_code_enrols_nobody() {
    let conn = store();
    let applicant = Applicant { fingerprint: key(1), label: "", app_version: "", counts_for: None, previous: None };
    assert!(matches!(enrol(&conn, &[8; 32], &applicant, NOW, today()), Err(EnrolError::Unknown)));
    assert_eq!(list(&conn, None).unwrap(), []);
}

#[test]
fn a_revoked_row_is_never_revived() {
    let conn = store();
    enrol_at(&conn, 1, NOW).unwrap();
    assert!(revoke(&conn, key(1).device(), "volé").unwrap());
    assert!(!revoke(&conn, key(1).device(), "again").unwrap());
    assert!(matches!(enrol_at(&conn, 1, NOW), Err(EnrolError::Revoked)));
    assert_eq!(pending(&conn).unwrap(), []);
    assert!(!approve(&conn, key(1).device()).unwrap());
    let device = find(&conn, &key(1)).unwrap().unwrap();
    assert_eq!((device.standing, device.reason.as_str()), (Standing::Revoked, "volé"));
    assert!(!revoke(&conn, key(7).device(), "nobody").unwrap());
}

#[test]
fn visits_never_change_houses_by_an_invitation() {
    let conn = store();
    invite(&conn, &site("597"), [7; 32], NOW + 60, None).unwrap();
    enrol_at(&conn, 1, NOW).unwrap();
    // The same key at another site, whatever it says of itself.
    for counts_for in [None, Some("361"), Some("597")] {
        let applicant = Applicant { fingerprint: key(1), label: "", app_version: "", counts_for, previous: None };
        assert!(matches!(enrol(&conn, &[7; 32], &applicant, NOW, today()), Err(EnrolError::OtherSite)));
    }
    // A new key on a machine that counts for another site: the code is not used up.
    let applicant =
        Applicant { fingerprint: key(2), label: "", app_version: "", counts_for: Some("361"), previous: None };
    assert!(matches!(enrol(&conn, &[7; 32], &applicant, NOW, today()), Err(EnrolError::OtherSite)));
    assert_eq!(invitation(&conn, &[7; 32]).unwrap().unwrap().device, None);
    let applicant = Applicant { counts_for: Some("597"), ..applicant };
    assert_eq!(enrol(&conn, &[7; 32], &applicant, NOW, today()).unwrap(), site("597"));
}

#[test]
fn approval_makes_the_pending_active_and_no_others() {
    let conn = store();
    readmit(&conn, &key(1), &site("361"), Standing::Pending, today()).unwrap();
    readmit(&conn, &key(2), &site("361"), Standing::Returned, today()).unwrap();
    assert_eq!(pending(&conn).unwrap(), [(site("361"), key(1).device())]);
    assert!(approve(&conn, key(1).device()).unwrap() && !approve(&conn, key(2).device()).unwrap());
    let standings: Vec<Standing> = list(&conn, None).unwrap().into_iter().map(|device| device.standing).collect();
    assert_eq!(standings, [Standing::Active, Standing::Returned]);
    assert_eq!(list(&conn, Some(&site("597"))).unwrap(), []);
    assert!(readmit(&conn, &key(3), &site("nowhere"), Standing::Returned, today()).is_err());
}

#[test]
fn sessions_are_noted_and_a_gap_in_one_keeps_what_was_known() {
    let conn = store();
    enrol_at(&conn, 1, NOW).unwrap();
    let id = key(1).device();
    let full = Contact {
        at: Some(NOW),
        in_sync: Some(NOW),
        app_version: "0.2.0".to_owned(),
        transport: "quic".to_owned(),
        clock_offset_ms: Some(-250),
        tried: "quic silent".to_owned(),
        waiting: Some(3),
        oldest_waiting_day: Some(today()),
        turned_away: None,
    };
    set_turned_away(&conn, id, NOW).unwrap();
    assert_eq!(show(&conn, id).unwrap().unwrap().contact.turned_away, Some(NOW));
    set_contact(&conn, id, &full).unwrap();
    set_contact(&conn, id, &Contact { at: Some(NOW + 5), in_sync: None, ..full.clone() }).unwrap();
    set_token(&conn, id, Some(SessionToken::new([4; 16])), true).unwrap();
    let device = show(&conn, id).unwrap().unwrap();
    assert_eq!(device.contact, Contact { at: Some(NOW + 5), ..full.clone() });
    set_in_sync(&conn, id, NOW + 6).unwrap();
    let contact = show(&conn, id).unwrap().unwrap().contact;
    assert_eq!((contact.waiting, contact.oldest_waiting_day), (Some(0), None), "nothing waits any more");
    // What an older program does not tell is not known, and not nothing.
    set_contact(&conn, id, &Contact { waiting: None, oldest_waiting_day: None, ..full }).unwrap();
    set_in_sync(&conn, id, NOW + 7).unwrap();
    assert_eq!(show(&conn, id).unwrap().unwrap().contact.waiting, None);
    assert_eq!((device.token, device.forked), (Some(SessionToken::new([4; 16])), true));
    forget_tokens(&conn).unwrap();
    assert_eq!(show(&conn, id).unwrap().unwrap().token, None);
}

#[test]
fn retired_sites_have_no_profile() {
    let conn = store();
    let profile_of = |id: &str| profile(&conn, &site(id)).unwrap();
    assert_eq!(profile_of("361").unwrap().name, "Perseigne");
    conn.execute_batch("UPDATE site SET life = 'retired' WHERE id = '361'").unwrap();
    assert_eq!((profile_of("361"), profile_of("nowhere")), (None, None));
}

#[test]
fn a_machine_that_joins_anew_replaces_what_it_was() {
    let conn = store();
    enrol_at(&conn, 1, NOW).unwrap();
    let again = |secret: u8, n: u8, site: &str, previous: DeviceId| {
        invite(&conn, &site.parse().unwrap(), [secret; 32], NOW + 60, None).unwrap();
        let previous = Some(previous);
        let applicant = Applicant { fingerprint: key(n), label: "", app_version: "", counts_for: None, previous };
        enrol(&conn, &[secret; 32], &applicant, NOW, today()).unwrap();
    };
    let replaced_by = |n: u8| show(&conn, key(n).device()).unwrap().unwrap().replaced_by;
    // A device of another site, one that is two machines, or itself: none of them.
    again(20, 2, "597", key(1).device());
    assert_eq!(replaced_by(1), None);
    conn.execute("UPDATE device SET forked = 1", []).unwrap();
    again(21, 3, "361", key(1).device());
    assert_eq!(replaced_by(1), None);
    conn.execute("UPDATE device SET forked = 0", []).unwrap();
    again(22, 1, "361", key(1).device());
    assert_eq!(replaced_by(1), None);
    again(23, 4, "361", key(1).device());
    assert_eq!(replaced_by(1), Some(key(4).device()));
    assert_eq!(show(&conn, key(1).device()).unwrap().unwrap().standing, Standing::Active);
}

#[test]
fn whom_an_invitation_replaces_tells_by_whom() {
    let conn = store();
    enrol_at(&conn, 1, NOW).unwrap();
    // Also when it was revoked before, or exists twice.
    conn.execute("UPDATE device SET forked = 1", []).unwrap();
    revoke(&conn, key(1).device(), "volé").unwrap();
    invite(&conn, &site("361"), [30; 32], NOW + 60, Some(key(1).device())).unwrap();
    let applicant = Applicant { fingerprint: key(2), label: "", app_version: "", counts_for: None, previous: None };
    enrol(&conn, &[30; 32], &applicant, NOW, today()).unwrap();
    let old = show(&conn, key(1).device()).unwrap().unwrap();
    assert_eq!((old.replaced_by, old.standing), (Some(key(2).device()), Standing::Revoked));
    // The same machine asks again with its code: it does not replace itself.
    enrol(&conn, &[30; 32], &applicant, NOW, today()).unwrap();
    assert_eq!(show(&conn, key(2).device()).unwrap().unwrap().replaced_by, None);
}

#[test]
fn clocks_agree_when_most_machines_of_the_last_hour_say_so() {
    let conn = store();
    let since = |seconds: i64| clocks_agree(&conn, Timestamp::from_second(NOW + seconds).unwrap()).unwrap();
    assert!(!since(0), "nobody was heard");
    let day_ms = 86_400_000_i64;
    for (n, at, offset) in [(1, 0, Some(90 * day_ms)), (2, 10, Some(-40)), (3, 20, Some(day_ms - 1)), (4, 30, None)] {
        let sql = "INSERT INTO device (id, fingerprint, site, standing, enrolled_day, last_contact, clock_offset_ms)
                   VALUES (?1, ?1, '361', 'active', 9000, ?2, ?3)";
        conn.execute(sql, (vec![n; 8], NOW + at, offset)).unwrap();
    }
    assert_eq!([0, 10, 20, 21].map(since), [true, true, true, false], "two of three, and then nobody that tells");
    conn.execute_batch("UPDATE device SET clock_offset_ms = -86400001 WHERE clock_offset_ms = -40").unwrap();
    assert_eq!([0, 10, 20].map(since), [false, false, true], "half is not most");
}
