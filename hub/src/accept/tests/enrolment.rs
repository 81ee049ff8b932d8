//! A code becomes a certificate, or does not.

use super::*;

over_both!(
    a_code_becomes_a_certificate_and_again_for_the_same_key,
    a_machine_has_joined_on_the_day_at_its_site,
    codes_that_do_not_serve_are_denied_and_leave_nothing,
    a_key_on_the_list_of_revocations_is_never_enrolled,
);

async fn a_code_becomes_a_certificate_and_again_for_the_same_key(transport: Transport) {
    let world = World::over(transport, Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let key = Key::generate().unwrap();
    for _ in 0..2 {
        let Answer::Enrolled(enrolled) = world.enrol(&request(&key, SECRET)).await else { panic!("denied") };
        let (fingerprint, site) = certificate::read_device(&enrolled.certificate.into()).unwrap();
        assert_eq!((fingerprint, site.as_str()), (key.fingerprint(), "361"));
        let profile = SiteProfile {
            site: "361".to_owned(),
            name: "Perseigne".to_owned(),
            kind: "house".to_owned(),
            timezone: "Europe/Paris".to_owned(),
            commune: String::new(),
            department: String::new(),
        };
        assert_eq!((enrolled.profile, enrolled.address.as_str()), (profile, "hub.example.fr:4433"));
        assert_eq!(enrolled.authorities.len(), 1);
    }
    assert_eq!(world.rows(), 1);
    let device = devices::find(&world.desk.database.lock().unwrap(), &key.fingerprint()).unwrap().unwrap();
    assert_eq!(device.label, "accueil1");
}

async fn a_machine_has_joined_on_the_day_at_its_site(transport: Transport) {
    let world = World::over(transport, Limits::default(), None);
    let joined = async |n: u8, zone: &str| {
        world.desk.database.lock().unwrap().execute("UPDATE site SET timezone = ?1 WHERE id = '361'", [zone]).unwrap();
        world.invite([n; 16], "2026-11-27T09:00:00Z");
        let key = Key::generate().unwrap();
        assert!(matches!(world.enrol(&request(&key, [n; 16])).await, Answer::Enrolled(_)));
        devices::find(&world.desk.database.lock().unwrap(), &key.fingerprint()).unwrap().unwrap().enrolled.to_string()
    };
    // Nine in the morning at the hub's server, eleven at night in Tahiti.
    assert_eq!(joined(1, "Europe/Paris").await, "2026-11-20");
    assert_eq!(joined(2, "Pacific/Tahiti").await, "2026-11-19");
}

async fn codes_that_do_not_serve_are_denied_and_leave_nothing(transport: Transport) {
    let world = World::over(transport, Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    world.invite([6; 16], "2026-11-20T09:00:00Z");
    let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
    // Nobody can tell a wrong secret from an expired one.
    assert_eq!(world.denial(&request(&key, [6; 16])).await, Denial::InvalidCode);
    assert_eq!(world.denial(&request(&key, [7; 16])).await, Denial::InvalidCode);
    let elsewhere = Request { site: Some("597".to_owned()), ..request(&key, SECRET) };
    assert_eq!(world.denial(&elsewhere).await, Denial::OtherSite);
    let forged = Request { signing_request: vec![0x30; 40], ..request(&key, SECRET) };
    assert_eq!(world.denial(&forged).await, Denial::BadRequest);
    assert_eq!(world.rows(), 0);
    // None of these used the code up; this does.
    assert!(matches!(world.enrol(&request(&key, SECRET)).await, Answer::Enrolled(_)));
    assert_eq!(world.denial(&request(&other, SECRET)).await, Denial::CodeUsed);
    assert_eq!(world.rows(), 1);
}

async fn a_key_on_the_list_of_revocations_is_never_enrolled(transport: Transport) {
    let world = World::over(transport, Limits::default(), None);
    world.invite(SECRET, "2026-11-27T09:00:00Z");
    let key = Key::generate().unwrap();
    world.keys.append_revocation(&key.fingerprint(), "2026-11-01".parse().unwrap(), "volé").unwrap();
    assert_eq!(world.denial(&request(&key, SECRET)).await, Denial::Revoked);
    assert_eq!(world.rows(), 0);
}
