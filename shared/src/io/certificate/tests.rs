//! What is certified, and what is not.

use super::*;

fn site() -> SiteId {
    "361".parse().unwrap()
}

#[test]
fn an_authority_is_the_same_each_time_its_key_is_taken_up() {
    let key = Key::generate().unwrap();
    let again = Key::from_pem(&format!("Invitation: 00\n{}", key.to_pem())).unwrap();
    let (one, other) = (Authority::new(key).unwrap(), Authority::new(again).unwrap());
    assert_eq!(one.hash(), other.hash());
    assert_eq!(spki_of(one.certificate()).unwrap(), spki_of(other.certificate()).unwrap());
    let both = [to_pem(one.certificate()), to_pem(other.certificate())].concat();
    assert_eq!(from_pem(both.as_bytes()).unwrap(), [one.certificate().clone(), other.certificate().clone()]);
    assert!(from_pem(b"").is_err() && from_pem(&both.as_bytes()[..300]).is_err());
    let names = [&one, &other].map(|a| parse(a.certificate()).unwrap().subject().to_string());
    assert_eq!(names[0], names[1]);
}

#[test]
fn a_device_certificate_names_its_key_and_site() {
    let authority = Authority::new(Key::generate().unwrap()).unwrap();
    let key = Key::generate().unwrap();
    let certificate = authority.certify_device(&key.signing_request().unwrap(), &site()).unwrap();
    assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
    let parsed = parse(&certificate).unwrap();
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(!parsed.is_ca());
    // 2020-01-01 to 2120-01-01.
    assert_eq!(parsed.validity().not_before.timestamp(), 1_577_836_800);
    assert_eq!(parsed.validity().not_after.timestamp(), 4_733_510_400);
}

#[test]
fn a_key_is_certified_anew_for_the_same_device() {
    let (old, new) =
        (Authority::new(Key::generate().unwrap()).unwrap(), Authority::new(Key::generate().unwrap()).unwrap());
    let key = Key::generate().unwrap();
    let certificate = new.certify_key(&key.spki(), &site()).unwrap();
    assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
    assert!(is_issued_by(&certificate, new.certificate()).unwrap());
    assert!(!is_issued_by(&certificate, old.certificate()).unwrap());
    assert_eq!(parse(&old.vouch_for(&new).unwrap()).unwrap().public_key().raw, new.spki);
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    for wrong in [Vec::new(), key.spki()[1..].to_vec(), other.subject_public_key_info(), b"key".to_vec()] {
        assert!(matches!(new.certify_key(&wrong, &site()), Err(CertificateError::Request(_))));
    }
}

#[test]
fn nothing_but_the_key_of_a_request_is_used() {
    let authority = Authority::new(Key::generate().unwrap()).unwrap();
    let key = Key::generate().unwrap();
    let mut greedy = CertificateParams::default();
    greedy.distinguished_name.push(DnType::CommonName, HUB_NAME);
    greedy.subject_alt_names =
        vec![SanType::DnsName(HUB_NAME.try_into().unwrap()), SanType::URI("msap:site:999".try_into().unwrap())];
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let request = greedy.serialize_request(&key.0).unwrap().der().to_vec();
    let certificate = authority.certify_device(&request, &site()).unwrap();
    assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
    let parsed = parse(&certificate).unwrap();
    assert!(!parsed.is_ca() && !parsed.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert_eq!(parsed.subject().to_string(), "CN=361");
}

#[test]
fn requests_that_prove_nothing_are_refused() {
    let authority = Authority::new(Key::generate().unwrap()).unwrap();
    let request = Key::generate().unwrap().signing_request().unwrap();
    let refused =
        |request: &[u8]| matches!(authority.certify_device(request, &site()), Err(CertificateError::Request(_)));
    let mut forged = request.clone();
    // The last byte belongs to the signature.
    *forged.last_mut().unwrap() ^= 1;
    assert!(refused(&forged));
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(refused(CertificateParams::default().serialize_request(&other).unwrap().der()));
    for len in 0..request.len() {
        assert!(refused(&request[..len]), "cut at {len}");
    }
}

#[test]
fn certificates_without_a_site_are_no_devices() {
    let authority = Authority::new(Key::generate().unwrap()).unwrap();
    let hub = authority.certify_hub(&Key::generate().unwrap()).unwrap();
    assert!(matches!(read_device(&hub), Err(CertificateError::NoSite)));
    assert!(matches!(read_device(authority.certificate()), Err(CertificateError::NoSite)));
    assert!(matches!(read_device(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), Err(CertificateError::NotX509)));
}
