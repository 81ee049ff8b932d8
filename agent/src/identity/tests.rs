//! This machine’s identity, made, replaced and taken up.

use msap_shared::io::certificate::Authority;

use super::*;

fn authority() -> Authority {
    Authority::new(Key::generate().unwrap()).unwrap()
}

fn certify(authority: &Authority, joining: &Joining) -> CertificateDer<'static> {
    let request = joining.key.signing_request().unwrap();
    authority.certify_device(&request, &"361".parse().unwrap()).unwrap()
}

fn join(dir: &Path, authority: &Authority, invitation: u8) -> Fingerprint {
    let joining = Joining::for_invitation(dir, &[invitation; 32]).unwrap();
    joining.keep(dir, &certify(authority, &joining), &[authority.certificate().clone()]).unwrap();
    joining.key.fingerprint()
}

#[test]
fn one_invitation_is_one_key_and_another_one_a_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority();
    assert!(matches!(Identity::load(dir.path()), Err(IdentityError::NotJoined { .. })));
    // The answer is lost twice.
    let lost = [1, 1].map(|n| Joining::for_invitation(dir.path(), &[n; 32]).unwrap().key.fingerprint());
    let joined = join(dir.path(), &authority, 1);
    assert_eq!(lost, [joined; 2]);
    assert_eq!(join(dir.path(), &authority, 1), joined);
    let identity = Identity::load(dir.path()).unwrap();
    assert_eq!((identity.fingerprint(), identity.site().as_str()), (joined, "361"));
    assert!(identity.client().is_ok());
    // A rotation under way leaves the old identity in place.
    Joining::for_invitation(dir.path(), &[2; 32]).unwrap();
    assert_eq!(Identity::load(dir.path()).unwrap().fingerprint(), joined);
    let rotated = join(dir.path(), &authority, 2);
    assert_ne!(rotated, joined);
    assert_eq!(Identity::load(dir.path()).unwrap().fingerprint(), rotated);
    assert!(!dir.path().join(NEW_KEY_FILE).exists());
}

#[test]
fn a_join_cut_off_before_its_last_rename_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority();
    join(dir.path(), &authority, 1);
    let joining = Joining::for_invitation(dir.path(), &[2; 32]).unwrap();
    let certificate = certify(&authority, &joining);
    std::fs::write(dir.path().join(CERTIFICATE_FILE), certificate::to_pem(&certificate)).unwrap();
    for _ in 0..2 {
        assert_eq!(Identity::load(dir.path()).unwrap().fingerprint(), joining.key.fingerprint());
    }
}

#[test]
fn files_that_do_not_belong_together_are_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority();
    join(dir.path(), &authority, 1);
    let stranger = Key::generate().unwrap();
    std::fs::write(dir.path().join(KEY_FILE), stranger.to_pem()).unwrap();
    assert!(matches!(Identity::load(dir.path()), Err(IdentityError::Damaged { source: None, .. })));
    std::fs::write(dir.path().join(KEY_FILE), "nonsense").unwrap();
    assert!(matches!(Identity::load(dir.path()), Err(IdentityError::Damaged { source: Some(_), .. })));
    // A new invitation mends it.
    let mended = join(dir.path(), &authority, 3);
    assert_eq!(Identity::load(dir.path()).unwrap().fingerprint(), mended);
}

#[test]
fn a_certificate_of_another_authority_is_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), authority());
    join(dir.path(), &authority, 1);
    assert!(Identity::load(dir.path()).unwrap().verify(dir.path()).is_ok());
    let other = self::authority();
    std::fs::write(dir.path().join(AUTHORITIES_FILE), certificate::to_pem(other.certificate())).unwrap();
    let verified = Identity::load(dir.path()).unwrap().verify(dir.path());
    assert!(matches!(verified, Err(IdentityError::Stranger { .. })));
    // Both are there while the network changes its authority.
    let both = [other.certificate(), authority.certificate()].map(certificate::to_pem).concat();
    std::fs::write(dir.path().join(AUTHORITIES_FILE), both).unwrap();
    assert!(Identity::load(dir.path()).unwrap().verify(dir.path()).is_ok());
}

fn told(authorities: &[&Authority], certificate: Option<CertificateDer<'_>>) -> Authorities {
    let authorities = authorities.iter().map(|authority| authority.certificate().to_vec().into()).collect();
    Authorities { authorities, certificate: certificate.map(|certificate| certificate.to_vec().into()) }
}

#[test]
fn authorities_are_taken_up_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (authority(), authority());
    let device = join(dir.path(), &old, 1);
    let mut files = IdentityFiles::new(dir.path());
    let hash = |authorities: &[&Authority]| Some(authorities_hash(authorities.iter().map(|one| one.fingerprint())));
    assert_eq!(files.held(), hash(&[&old]));
    let site = "361".parse().unwrap();
    let key = Identity::load(dir.path()).unwrap().key.spki();
    let before = std::fs::read(dir.path().join(AUTHORITIES_FILE)).unwrap();
    for wrong in [
        told(&[], None),
        Authorities { authorities: vec![vec![1, 2, 3].into()], certificate: None },
        told(&[&new, &old], Some(new.certify_key(&Key::generate().unwrap().spki(), &site).unwrap())),
        told(&[&new, &old], Some(new.certify_key(&key, &"275".parse().unwrap()).unwrap())),
        told(&[&old; 5], None),
    ] {
        assert_eq!(files.take_up(&wrong), None);
        assert_eq!(std::fs::read(dir.path().join(AUTHORITIES_FILE)).unwrap(), before);
    }
    // The list alone is not all of it.
    assert_eq!(files.take_up(&told(&[&new, &old], None)), Some(key.clone()));
    assert_eq!(files.held(), None);
    files.take_up(&told(&[&new, &old], Some(new.certify_key(&key, &site).unwrap()))).unwrap();
    assert_eq!(files.held(), hash(&[&new, &old]));
    files.take_up(&told(&[&new], None)).unwrap();
    assert_eq!(files.held(), hash(&[&new]));
    let identity = Identity::load(dir.path()).unwrap();
    assert_eq!(identity.fingerprint(), device);
    assert!(identity.client().is_ok());
}

#[cfg(unix)]
#[test]
fn the_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    join(dir.path(), &authority(), 1);
    let mode = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
