//! Claims about what operators' changes do.

use std::path::Path;
use std::sync::Arc;

use msap_shared::document::DocId;
use msap_shared::id::Fingerprint;
use msap_shared::io::link::CloseCode;
use msap_shared::schedule::Schedule;

use super::super::opening::{open, witness};
use super::*;
use crate::accept::ConnId;
use crate::admin::Change;
use crate::almanac;
use crate::core::{Input, Output};
use crate::import::ListFile;
use crate::store::devices::Standing;

fn now() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn opened(conn: u64, device: Fingerprint) -> Vec<Input> {
    let site = "275".parse().unwrap();
    vec![Input::Opened { conn: ConnId::new(conn), fingerprint: device, site, transport: "quic" }]
}

fn is_turned_away(outputs: &[Output]) -> bool {
    matches!(outputs, [Output::Close(_, CloseCode::Revoked)])
}

/// A hub with two devices in session.
fn hub(data: &Path, keys: &Path) -> (Core, Arc<Keys>, [Fingerprint; 2]) {
    let (mut core, keys) = open(data, keys, Lang::Fr).unwrap();
    witness(&core, &keys).unwrap();
    let devices = [Fingerprint::new([1; 32]), Fingerprint::new([2; 32])];
    for (conn, device) in (1..).zip(devices) {
        assert!(core.turn(opened(conn, device), now()).unwrap().is_empty());
    }
    (core, keys, devices)
}

#[test]
fn hours_of_a_list_are_kept_word_for_word_and_none_is_dropped_in_silence() {
    let data = tempfile::tempdir().unwrap();
    let (mut core, keys, _) = hub(data.path(), &data.path().join("keys"));
    let mut engine = Engine { core: &mut core, keys: &keys };
    let context = admin::Context { ca_hash: [0; 16], advertise: None, sync: "127.0.0.1:1".parse().unwrap() };
    let text = "site_id,kind,name,timezone,dep_code,h_mon,h_tue\n3,principal,A,Europe/Paris,49,matin,9h à 12h\n";
    let list = || ListFile::read(text.as_bytes(), "liste-fs-20261122.csv".to_owned());
    let mut import = || {
        let asked = admin::Change::SiteImport { list: list() };
        match admin::change(&mut engine, &asked, &context, Lang::Fr, now()).unwrap() {
            admin::Reply::Imported(report) => report.hours_changed,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([import(), import()], [1, 0], "the same list again changes nothing");
    let document = DocId::registers("3".parse().unwrap(), DocKind::Schedule).unwrap();
    let held = Schedule::read(&almanac::facts(engine.core.connection(), &document).unwrap());
    let said = held.text().unwrap().agreed().unwrap().body.as_ref().unwrap();
    assert_eq!(said.as_str(), "lundi : matin\nmardi : 9h à 12h");

    let refused = vec![("text".to_owned(), "list|2026-11-22|matin\u{7}".to_owned())];
    let hours = [("3".parse().unwrap(), refused), ("99".parse().unwrap(), Edits::new())];
    let error = engine.set_hours(&hours, now()).unwrap_err();
    assert!(matches!(&error, AdminError::HoursRefused(sites) if sites[..] == ["3", "99"]), "{error:?}");
}

#[test]
fn revocations_that_keys_from_an_old_backup_lack_are_added_from_the_database() {
    let (data, old, lost) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut core, keys, [first, second]) = hub(data.path(), &data.path().join("keys"));
    Engine { core: &mut core, keys: &keys }.revoke((&first).into(), "volé", now()).unwrap();
    witness(&core, &keys).unwrap();
    for entry in std::fs::read_dir(data.path().join("keys")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), old.path().join(entry.file_name())).unwrap();
    }
    Engine { core: &mut core, keys: &keys }.revoke((&second).into(), "vendu", now()).unwrap();
    witness(&core, &keys).unwrap();
    drop((core, keys));

    let (core, keys) = open(data.path(), old.path(), Lang::Fr).unwrap();
    assert_eq!(keys.revocations().unwrap(), [first.device(), second.device()]);
    witness(&core, &keys).unwrap();
    drop((core, keys));
    // The database is lost later on: the list is whole and turns both away.
    let (mut core, keys) = open(lost.path(), old.path(), Lang::Fr).unwrap();
    assert_eq!(keys.revocations().unwrap().len(), 2);
    for (conn, device) in (3..).zip([first, second]) {
        assert!(is_turned_away(&core.turn(opened(conn, device), now()).unwrap()));
    }
}

#[test]
fn a_revocation_holds_though_the_database_cannot_be_written() {
    let data = tempfile::tempdir().unwrap();
    let (mut core, keys, [first, _]) = hub(data.path(), &data.path().join("keys"));
    core.connection().execute_batch("PRAGMA query_only = ON").unwrap();
    let context = crate::admin::Context { ca_hash: [0; 16], advertise: None, sync: "127.0.0.1:1".parse().unwrap() };
    let asked = crate::admin::Change::DeviceRevoke { device: first.device().to_string(), reason: "volé".to_owned() };
    let mut engine = Engine { core: &mut core, keys: &keys };
    assert!(crate::admin::change(&mut engine, &asked, &context, Lang::Fr, now()).is_err());
    assert!(is_turned_away(&core.drain_outputs()));
    assert_eq!(keys.revocations().unwrap(), [first.device()]);
    core.connection().execute_batch("PRAGMA query_only = OFF").unwrap();
    assert!(is_turned_away(&core.turn(opened(9, first), now()).unwrap()));
    // Asked again, the row follows.
    let mut engine = Engine { core: &mut core, keys: &keys };
    crate::admin::change(&mut engine, &asked, &context, Lang::Fr, now()).unwrap();
    let row = devices::show(core.connection(), first.device()).unwrap().unwrap();
    assert_eq!(row.standing, Standing::Revoked);
}

#[test]
fn a_device_that_the_database_does_not_know_is_revoked_and_listed() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("keys");
    let (mut core, keys) = open(data.path(), &path, Lang::Fr).unwrap();
    let [by_id, by_key] = [Fingerprint::new([1; 32]), Fingerprint::new([2; 32])];
    for named in [by_id.device().to_string(), by_key.to_string()] {
        let named: Named = named.parse().unwrap();
        assert!(!Engine { core: &mut core, keys: &keys }.revoke(named, "volé", now()).unwrap());
    }
    // Also after a restart with another database.
    let lost = tempfile::tempdir().unwrap();
    witness(&core, &keys).unwrap();
    let (mut other, _) = open(lost.path(), &path, Lang::Fr).unwrap();
    for core in [&mut core, &mut other] {
        for (conn, device) in (3..).zip([by_id, by_key]) {
            assert!(is_turned_away(&core.turn(opened(conn, device), now()).unwrap()));
        }
        let look = admin::Look::Devices { site: None };
        let reply = admin::look_beside_list(
            core.connection(),
            &crate::almanac::Almanac::default(),
            &look,
            || keys.listed(),
            Lang::Fr,
            now(),
        )
        .unwrap();
        let admin::Reply::Devices(rows) = reply else { panic!() };
        let told: Vec<_> = rows.iter().map(|row| (row.id.clone(), &*row.standing, &*row.reason)).collect();
        assert_eq!(told, [by_id, by_key].map(|key| (key.device().to_string(), "revoked", "volé")));
    }
    let lines = journal::list(core.connection(), 0, 10).unwrap();
    assert_eq!(lines.iter().filter(|line| line.action == "device.revoke").count(), 2);
    assert_eq!(keys.revocations().unwrap().len(), 2, "the list is whole");
}

#[test]
fn an_approval_says_that_the_list_of_revocations_is_not_whole() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("keys");
    let (mut core, keys, _) = hub(data.path(), &path);
    let approve = |core: &mut Core| Engine { core, keys: &keys }.approve(None, now()).unwrap();
    assert_eq!(approve(&mut core).revocations_incomplete, None);
    std::fs::remove_file(path.join("revocations")).unwrap();
    assert!(approve(&mut core).revocations_incomplete.unwrap().contains("missing"));
}

/// Every value that stands, by document and key, and how many edits made them.
fn standing(core: &Core) -> (Vec<(String, String, String)>, i64) {
    let conn = core.connection();
    let sql = "SELECT d.name, r.key, r.value FROM register r JOIN document d ON d.id = r.document ORDER BY 1, 2, 3";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let edits = conn.query_row("SELECT count(*) FROM edit", [], |row| row.get(0)).unwrap();
    (rows.map(Result::unwrap).collect(), edits)
}

#[test]
fn an_import_that_is_cut_before_its_hours_is_completed_by_running_it_again() {
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/anct_liste_2024_sample.csv");
    let list = ListFile::read(&std::fs::read(list).unwrap(), "liste-fs-20240801.csv".to_owned());
    let import = Change::SiteImport { list };
    let context = crate::admin::Context { ca_hash: [0; 16], advertise: None, sync: "127.0.0.1:1".parse().unwrap() };
    let run = |core: &mut Core, keys: &Keys| match crate::admin::change(
        &mut Engine { core, keys },
        &import,
        &context,
        Lang::Fr,
        now(),
    ) {
        Ok(admin::Reply::Imported(report)) => Ok((report.added, report.unchanged, report.hours_changed)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let whole = tempfile::tempdir().unwrap();
    let (mut core, keys) = open(whole.path(), &whole.path().join("keys"), Lang::Fr).unwrap();
    let (added, unchanged, hours) = run(&mut core, &keys).unwrap();
    assert!(added > 150 && unchanged == 0 && hours > 100);
    let expected = standing(&core);
    assert_eq!(expected.1, i64::try_from(hours).unwrap(), "one edit a schedule");
    let duplicates = expected.0.windows(2).filter(|two| (&two[0].0, &two[0].1) == (&two[1].0, &two[1].1));
    assert_eq!(duplicates.count(), 0);

    // At the first schedule, in the midst of them, and when all are written but their line in the journal.
    let cuts = [
        "BEFORE INSERT ON change",
        "BEFORE INSERT ON change WHEN (SELECT count(*) FROM change) = 60",
        "BEFORE INSERT ON journal WHEN NEW.subject = 'hours'",
    ];
    for (n, cut) in cuts.into_iter().enumerate() {
        let data = tempfile::tempdir().unwrap();
        let (mut core, keys) = open(data.path(), &data.path().join("keys"), Lang::Fr).unwrap();
        let trigger = format!("CREATE TEMP TRIGGER cut {cut} BEGIN SELECT RAISE(ABORT, 'cut'); END");
        core.connection().execute_batch(&trigger).unwrap();
        assert!(run(&mut core, &keys).is_err(), "{cut}");
        let sites: u64 = core.connection().query_row("SELECT count(*) FROM site", [], |row| row.get(0)).unwrap();
        assert_eq!(sites, added, "the sites are kept");
        let kept = if n == 2 { expected.clone() } else { (Vec::new(), 0) };
        assert_eq!(standing(&core), kept, "all of the hours or none: {cut}");
        // The process is gone, and started again.
        drop((core, keys));
        let (mut core, keys) = open(data.path(), &data.path().join("keys"), Lang::Fr).unwrap();
        let missing = if n == 2 { 0 } else { hours };
        assert_eq!(run(&mut core, &keys).unwrap(), (0, added, missing), "{cut}");
        assert_eq!(standing(&core), expected, "{cut}");
        assert_eq!(run(&mut core, &keys).unwrap(), (0, added, 0), "and a third time changes nothing");
        assert_eq!(standing(&core), expected);
    }
}
