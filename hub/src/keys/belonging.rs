//! Whether keys, their certificates and the database belong together.
//!
//! Asked at each opening and by the doctor. Certificates follow from keys, so one of another key
//! shows that files of two networks were mixed; the database notes with which keys it was used.

use std::path::Path;

use msap_shared::id::Fingerprint;
use msap_shared::io::certificate::{self, Authority};
use msap_shared::io::file::Access;
use rustls::pki_types::CertificateDer;

use super::{CA_CERTIFICATE, CA_KEY, HUB_CERTIFICATE, HUB_KEY, KeysError, Present, read, write};

/// Whether a database that was last opened with the keys `noted` goes with the keys `present` in
/// this directory: one in common is enough.
///
/// # Errors
/// [`KeysError::OtherNetwork`].
pub fn of_one_network(
    (database, noted): (&Path, &[Fingerprint]),
    (dir, present): (&Path, &[Fingerprint]),
) -> Result<(), KeysError> {
    if noted.is_empty() || noted.iter().any(|key| present.contains(key)) {
        return Ok(());
    }
    let told = |keys: &[Fingerprint]| keys.first().map(ToString::to_string).unwrap_or_default();
    let (noted, present) = (told(noted), told(present));
    Err(KeysError::OtherNetwork { database: database.into(), noted, dir: dir.into(), present })
}

/// Writes the certificates for people to see, unless they are there. One of a key that is none of
/// these shows that files of two networks were mixed.
pub(super) fn keep_certificates(dir: &Path, present: &Present) -> Result<(), KeysError> {
    let keys: Vec<_> = present.authorities().map(Authority::fingerprint).collect();
    keep_certificate(dir, (CA_CERTIFICATE, CA_KEY), present.authority.certificate(), &keys)?;
    let certificate = present.authority.certify_hub(&present.hub_key)?;
    keep_certificate(dir, (HUB_CERTIFICATE, HUB_KEY), &certificate, &[present.hub_key.fingerprint()])
}

/// Writes a certificate unless the one that is there is of the first of these keys; one of another
/// of them is replaced.
fn keep_certificate(
    dir: &Path,
    (name, key): (&str, &str),
    certificate: &CertificateDer<'_>,
    keys: &[Fingerprint],
) -> Result<(), KeysError> {
    match certificate_of(dir, name, key, keys)? {
        Some(0) => Ok(()),
        _ => write(&dir.join(name), certificate::to_pem(certificate).as_bytes(), Access::Directory),
    }
}

/// Which of these keys the certificate in this file is of; `None` when there is no file.
pub(super) fn certificate_of(
    dir: &Path,
    name: &str,
    key: &str,
    keys: &[Fingerprint],
) -> Result<Option<usize>, KeysError> {
    let path = dir.join(name);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let found = certificate::from_pem(&bytes).and_then(|found| certificate::spki_of(&found[0]));
    let found = found.map_err(|source| KeysError::Damaged { path: path.clone(), source })?;
    let found = Fingerprint::of_spki(&found);
    let place = keys.iter().position(|key| *key == found);
    place.map(Some).ok_or_else(|| KeysError::Mixed { path: dir.join(key), certificate: path })
}
