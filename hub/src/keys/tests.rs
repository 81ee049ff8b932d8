//! Claims about the keys directory.

use super::*;

fn open(dir: &Path, database_exists: bool) -> Result<Keys, KeysError> {
    Keys::open_or_create(dir, database_exists)
}

#[test]
fn the_first_start_makes_keys_and_later_ones_take_them_up() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("clés");
    let first = open(&dir, false).unwrap();
    for database_exists in [true, false] {
        let again = open(&dir, database_exists).unwrap();
        assert_eq!(again.ca_hash(), first.ca_hash());
        assert!(!again.created() && again.tls().is_ok());
    }
    assert!(first.created() && first.tls().is_ok());
    #[cfg(unix)]
    for (name, mode) in [(CA_KEY, 0o600), (HUB_KEY, 0o600), (REVOCATIONS, 0o600), (CA_CERTIFICATE, 0o644)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn no_authority_is_made_beside_an_existing_database() {
    let dir = tempfile::tempdir().unwrap();
    let error = open(dir.path(), true).err().unwrap();
    assert!(matches!(error, KeysError::Lost { .. }));
    assert_eq!(error.exit_code(), 9);
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn no_authority_is_made_beside_traces_of_another() {
    for left in [CA_CERTIFICATE, HUB_KEY, HUB_CERTIFICATE, WITNESS, REVOCATIONS] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(left), "anything").unwrap();
        let error = open(dir.path(), false).err().unwrap();
        assert!(matches!(error, KeysError::Incomplete { found, .. } if found == left), "{left}");
    }
}

#[test]
fn a_first_start_that_was_cut_off_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let hash = open(dir.path(), false).unwrap().ca_hash();
    for lost in [HUB_CERTIFICATE, HUB_KEY, CA_CERTIFICATE] {
        std::fs::remove_file(dir.path().join(lost)).unwrap();
        assert_eq!(open(dir.path(), false).unwrap().ca_hash(), hash, "{lost}");
        std::fs::remove_file(dir.path().join(HUB_CERTIFICATE)).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(REVOCATIONS), revocations::HEADER).unwrap();
    assert!(open(dir.path(), false).is_ok());
}

#[test]
fn damaged_or_mixed_keys_are_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(dir.path(), false).unwrap();
    open(other.path(), false).unwrap();
    std::fs::copy(other.path().join(CA_CERTIFICATE), dir.path().join(CA_CERTIFICATE)).unwrap();
    for error in [open(dir.path(), true).err().unwrap(), Keys::examine(dir.path()).unwrap_err()] {
        assert!(matches!(error, KeysError::Mixed { .. }), "{error}");
        // The key is what a person puts there; the certificate follows from it.
        assert!(error.to_string().starts_with(dir.path().join(CA_KEY).to_str().unwrap()), "{error}");
    }
    std::fs::write(dir.path().join(CA_KEY), "-----BEGIN PRIVATE KEY-----\nAAAA").unwrap();
    assert!(matches!(open(dir.path(), true), Err(KeysError::Damaged { .. })));
}
