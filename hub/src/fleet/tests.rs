//! Claims about the fleet, over a store in memory.

use super::*;
use crate::ask::AskError;
use crate::sheet::SheetFormat;

fn now() -> Timestamp {
    "2026-11-20T18:00:00Z".parse().unwrap()
}

/// One site in each state, in three departments.
fn network() -> Connection {
    let conn = crate::store::empty();
    let mut sql =
        "INSERT INTO site (id, name, kind, life, parent, department, region, bearer, timezone) VALUES
           ('1', 'À jour', 'house', 'open', NULL, '49', '52', 'mairie', 'Europe/Paris'),
           ('2', 'En retard', 'house', 'open', NULL, '49', '52', '', 'Europe/Paris'),
           ('3', 'Silencieuse', 'house', 'open', NULL, '61', '28', 'mairie', 'Europe/Paris'),
           ('4', 'Antenne', 'antenna', 'open', '3', '61', '28', '', 'Europe/Paris'),
           ('5', 'En attente', 'house', 'open', NULL, '61', '28', '', 'Europe/Paris'),
           ('6', 'Refusée', 'house', 'open', NULL, '974', '04', '', 'Indian/Reunion'),
           ('7', 'Fermée', 'house', 'retired', NULL, '974', '04', '', 'Indian/Reunion');
         INSERT INTO site_alias VALUES ('fs-3', '3');
         INSERT INTO device (id, fingerprint, site, label, standing, enrolled_day, last_contact, last_in_sync,
                             app_version, transport, clock_offset_ms, forked, waiting, oldest_waiting_day, turned_away)
         VALUES
           (x'0100000000000000', key01, '1', '=accueil', 'active', 9700, 1795190000, 1795190000, '0.2.0', 'quic', -40, 1,
            0, NULL, NULL),
           (x'0101000000000000', key11, '1', 'vol', 'revoked', 9700, 1790000000, NULL, '0.1.0', 'tcp', 0, 0,
            NULL, NULL, 1795190500),
           (x'0200000000000000', key02, '2', '', 'active', 9700, 1795190000, 1795017600, '0.1.0', 'tcp', 0, 0,
            12, 9818, NULL),
           (x'0300000000000000', key03, '3', '', 'active', 9700, 1793000000, 1793000000, '0.1.0', 'quic', 0, 0,
            NULL, NULL, NULL),
           (x'0500000000000000', key05, '5', '', 'pending', 9819, 1795190000, NULL, '0.2.0', 'quic', 0, 0,
            7, 9700, NULL),
           (x'0600000000000000', key06, '6', '', 'revoked', 9700, 1795000000, 1795000000, '0.2.0', 'quic', 0, 0,
            3, 9700, 1795190000);
         INSERT INTO document (id, name, site) VALUES (1, 'site/2/visits/2026-11', '2');
         INSERT INTO flagged (document, tap, reason, verdict) VALUES
           (1, x'0000000000000001', 'age', ''), (1, x'0000000000000001', 'operator', ''),
           (1, x'0000000000000002', 'age', 'count');
         INSERT INTO visits VALUES ('2', 9820, 'CNAF', 'online', '25-39', 9820, 0, -1, -1);
         INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day, settled) VALUES
           ('site/2/visits/2026-11', '2', x'0200000000000000', zeroblob(16), 1, zeroblob(32), 2, 9820, 0),
           ('site/2/visits/2026-11', '2', x'0200000000000000', zeroblob(16), 2, zeroblob(32), 2, 9820, 1);"
            .to_owned();
    for key in ["01", "11", "02", "03", "05", "06"] {
        sql = sql.replace(&format!("key{key}"), &format!("x'{}'", key.repeat(32)));
    }
    conn.execute_batch(&sql).unwrap();
    conn
}

fn asked(conn: &Connection, pairs: &[(&str, &str)]) -> Result<FleetObject, AskError> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(answer(conn, &Pages::default(), &FleetFilter::of(conn, &pairs)?, now())?)
}

fn ids(fleet: &FleetObject) -> Vec<&str> {
    fleet.sites.iter().map(|site| site.id.as_str()).collect()
}

#[test]
fn every_site_has_its_state_and_says_why() {
    let fleet = asked(&network(), &[]).unwrap();
    let told: Vec<_> =
        fleet.sites.iter().map(|site| (&*site.id, &*site.state, &*site.cause.fr, &*site.cause.en)).collect();
    for ((id, state, fr, en), expected) in told.iter().zip([
        ("1", "up_to_date", "tout est reçu, vu le 20 novembre 2026", "everything is here, seen on 2026-11-20"),
        ("2", "behind", "un poste est encore venu le 20 novembre 2026 sans tout remettre", "handing over all"),
        ("3", "silent", "cinq jours d’ouverture ont fini depuis ; aucun contact", "no contact since"),
        ("4", "never_connected", "msap-hub site invite 4", "no machine has joined"),
        ("5", "pending", "msap-hub device approve", "waits for an approval"),
        ("6", "refused", "msap-hub site invite 6", "turned away"),
        ("7", "retired", "fermé", "retired"),
    ]) {
        assert_eq!((*id, *state), (expected.0, expected.1));
        assert!(fr.contains(expected.2) && en.contains(expected.3), "{id}: {fr} / {en}");
    }
    assert_eq!(told.len(), 7);
    assert_eq!((fleet.check, fleet.next), (None, None));
}

#[test]
fn a_department_shows_its_worst_state_and_the_sums_of_its_sites() {
    let fleet = asked(&network(), &[]).unwrap();
    let worst: Vec<_> = fleet
        .departments
        .iter()
        .map(|group| (group.department.as_deref().unwrap(), group.state.as_deref().unwrap(), group.sites))
        .collect();
    assert_eq!(worst, [("49", "behind", 2), ("61", "silent", 3), ("974", "refused", 2)]);
    let first = &fleet.departments[0];
    assert_eq!((first.waiting, first.forked, first.refused, first.flagged), (12, 1, 1, 2));
    assert_eq!((first.states["up_to_date"], first.states["behind"]), (1, 1));
    let GroupObject { department, state, sites, waiting, .. } = &fleet.total;
    assert_eq!((department, state.as_deref(), *sites, *waiting), (&None, Some("refused"), 7, 19));
    assert_eq!(by_state(&sites::list(&network(), &Default::default()).unwrap(), &Pages::default(), now()), [1; 7]);
}

#[test]
fn each_machine_is_told_with_what_it_said_last() {
    let fleet = asked(&network(), &[("site", "1,2,6")]).unwrap();
    let devices: Vec<_> = fleet.sites.iter().flat_map(|site| site.devices.iter().flatten()).collect();
    let told: Vec<_> = devices
        .iter()
        .map(|of| {
            let FleetDevice { device, state, refused } = of;
            let DeviceObject { id, standing, waiting, oldest_waiting_day, forked, .. } = device;
            let (oldest, forked) = (oldest_waiting_day.as_deref(), *forked);
            (&id[..2], &**standing, state.as_deref(), *waiting, oldest, forked, *refused)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("01", "active", Some("up_to_date"), Some(0), None, true, 0),
            // Somebody has it, and tries.
            ("01", "revoked", Some("refused"), None, None, false, 0),
            ("02", "active", Some("behind"), Some(12), Some("2026-11-18"), false, 1),
            ("06", "revoked", Some("refused"), Some(3), Some("2026-07-23"), false, 0),
        ]
    );
    assert_eq!(fleet.sites[1].oldest_waiting_day.as_deref(), Some("2026-11-18"));
    assert_eq!((fleet.sites[2].waiting, &fleet.sites[2].oldest_waiting_day), (None, &None), "it is not awaited");
}

#[test]
fn filters_mean_what_they_mean_elsewhere() {
    let conn = network();
    for (pairs, expected) in [
        (vec![("department", "49,974")], vec!["1", "2", "6", "7"]),
        (vec![("region", "28")], vec!["3", "4", "5"]),
        (vec![("bearer", "mairie")], vec!["1", "3"]),
        (vec![("kind", "antenna")], vec!["4"]),
        (vec![("site", "fs-3")], vec!["3", "4"]),
        (vec![("state", "silent,refused")], vec!["3", "6"]),
        // One that is turned away does not count.
        (vec![("version", "0.2.0")], vec!["1", "5"]),
        (vec![("version", "0.1.0"), ("department", "49")], vec!["2"]),
        (vec![("version", "9.9")], vec![]),
    ] {
        assert_eq!(ids(&asked(&conn, &pairs).unwrap()), expected, "{pairs:?}");
    }
    for (name, value) in [
        ("departement", "49"),
        ("department", "00"),
        ("region", "999"),
        ("bearer", "personne"),
        ("kind", "bus"),
        ("site", "999"),
        ("state", "late"),
        ("state", ""),
        ("version", "0.1.0 "),
        ("limit", "0"),
        ("limit", "5001"),
        ("cursor", "!"),
    ] {
        assert!(asked(&conn, &[(name, value)]).is_err(), "{name}={value}");
    }
}

#[test]
fn pages_neither_skip_nor_repeat_and_all_of_them_have_the_same_totals() {
    let conn = network();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let mut pairs = vec![("limit", "2")];
        pairs.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = asked(&conn, &pairs).unwrap();
        assert_eq!((page.total.sites, page.departments.len()), (7, 3));
        seen.extend(page.sites.iter().map(|site| site.id.clone()));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn a_file_has_a_row_for_each_machine_and_for_each_site_without_one() {
    let sheet = asked(&network(), &[]).unwrap().sheet();
    assert_eq!(sheet.rows.len(), 8);
    let text = String::from_utf8(sheet.write(SheetFormat::CsvFr)).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("\u{feff}département;région;lieu;nom;sorte;maison;porteur;état;cause;"), "{text}");
    assert!(lines[1].contains(";'=accueil;"), "no label is a formula: {text}");
    assert!(lines[3].contains(";12;18/11/2026;0.1.0;TCP;0;0;1"), "{text}");
    assert!(text.contains("61;28;4;Antenne;antenne;3;;jamais connecté;"), "{text}");
    let columns = String::from_utf8(asked(&network(), &[]).unwrap().sheet().write(SheetFormat::Csv)).unwrap();
    let pinned = "department,region,site,name,kind,parent,bearer,state,cause,flagged,site_refused,device,label,standing,\
                  device_state,last_contact,last_in_sync,waiting,oldest_waiting_day,version,transport,clock_offset_ms,\
                  forked,refused,machines\r\n";
    assert!(columns.starts_with(pinned), "columns are added at the end and not renamed: {columns}");
}
