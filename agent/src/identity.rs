//! This machine's key and certificate, and the authorities it trusts.
//!
//! Written by `join`, read by `dial`. Three files in the data directory: `device.key`, which
//! never leaves the machine, `device.pem` and `ca.pem`. The key's file begins with a line that
//! says for which invitation it was made: the same code tried again, after an answer that was
//! lost, finds the same key. While a machine joins, its new key stands in `device.key.new` and
//! the old identity goes on.
//!
//! Invariant: key and certificate that are used belong together.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use msap_shared::id::{DeviceId, Digest32, Fingerprint, SiteId};
use msap_shared::io::certificate::{self, CertificateError, Key};
use msap_shared::io::file::{self, Access};
use msap_shared::io::quic::QuicError;
use msap_shared::io::reach::Client;
use msap_shared::io::tls::{self, Conversation, TlsError};
use msap_shared::reference::{AUTHORITIES_MAX, Authorities, authorities_hash};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;

use crate::replica::Credentials;

/// The device's private key.
pub const KEY_FILE: &str = "device.key";
/// The device's certificate.
pub const CERTIFICATE_FILE: &str = "device.pem";
/// The authorities to trust the hub by.
pub const AUTHORITIES_FILE: &str = "ca.pem";
/// The key of a join that is under way.
const NEW_KEY_FILE: &str = "device.key.new";
const INVITATION: &str = "Invitation: ";
/// 2030-01-01, in seconds since 1970.
const CERTAIN_DAY: Duration = Duration::from_secs(1_893_456_000);

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The machine has not joined.
    #[error("{path} is missing: this machine has not joined")]
    NotJoined {
        /// The missing file.
        path: PathBuf,
    },
    /// A file that does not parse, or does not belong to the others.
    #[error("{path} is damaged: join again with a new invitation")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it does not parse; `None` when it belongs to another key.
        #[source]
        source: Option<CertificateError>,
    },
    /// A certificate that no authority of this machine signed.
    #[error("{path} is not signed by any authority of {AUTHORITIES_FILE}")]
    Stranger {
        /// The certificate.
        path: PathBuf,
    },
    /// A key could not be made.
    #[error("no key could be made")]
    Make(#[source] CertificateError),
    /// The file system failed.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// TLS refuses what is there.
    #[error("TLS refuses this machine's key or certificate")]
    Tls(#[from] TlsError),
    /// QUIC refuses the settings.
    #[error(transparent)]
    Quic(#[from] QuicError),
}

/// Who this machine is.
pub struct Identity {
    key: Key,
    certificate: CertificateDer<'static>,
    authorities: Vec<CertificateDer<'static>>,
    fingerprint: Fingerprint,
    site: SiteId,
}

impl Identity {
    /// Reads the identity in `dir`, and finishes a join that was cut off at its very end.
    ///
    /// # Errors
    /// When the machine has not joined, or a file is damaged.
    pub fn load(dir: &Path) -> Result<Self, IdentityError> {
        let path = dir.join(CERTIFICATE_FILE);
        let damaged = |path: PathBuf, source| IdentityError::Damaged { path, source };
        let certificate = certificate::from_pem(&required(&path)?)
            .map(|mut found| found.swap_remove(0))
            .map_err(|error| damaged(path.clone(), Some(error)))?;
        let (fingerprint, site) =
            certificate::read_device(&certificate).map_err(|error| damaged(path.clone(), Some(error)))?;
        let key = match read_key(&dir.join(KEY_FILE))? {
            Some(found) if found.key.fingerprint() == fingerprint => found.key,
            _ => {
                // The certificate is written before its key takes its name.
                let new_path = dir.join(NEW_KEY_FILE);
                let new = read_key(&new_path)?.filter(|new| new.key.fingerprint() == fingerprint);
                let new = new.ok_or_else(|| damaged(dir.join(KEY_FILE), None))?;
                rename(&new_path, &dir.join(KEY_FILE))?;
                new.key
            }
        };
        let path = dir.join(AUTHORITIES_FILE);
        let authorities = certificate::from_pem(&required(&path)?).map_err(|error| damaged(path, Some(error)))?;
        Ok(Self { key, certificate, authorities, fingerprint, site })
    }

    /// The device's identity.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The site in the certificate.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// Whether an authority of this machine certified it, as the hub will ask: a matter for a
    /// person to look at, and no reason not to try.
    ///
    /// # Errors
    /// [`IdentityError::Stranger`], or what is wrong with the authorities.
    pub fn verify(&self, dir: &Path) -> Result<(), IdentityError> {
        let refused = |source: rustls::Error| IdentityError::Tls(TlsError::Rustls(source));
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            roots.add(authority.clone()).map_err(refused)?;
        }
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider());
        let clients = clients.build().map_err(|error| TlsError::Authorities(Some(error)))?;
        // No certificate here is meant to expire: a day inside every one's validity.
        let day = UnixTime::since_unix_epoch(CERTAIN_DAY);
        let stranger = |_| IdentityError::Stranger { path: dir.join(CERTIFICATE_FILE) };
        clients.verify_client_cert(&self.certificate, &[], day).map(drop).map_err(stranger)
    }

    /// What a session with the hub needs.
    ///
    /// # Errors
    /// When TLS refuses the files.
    pub fn client(&self) -> Result<Client, IdentityError> {
        let tls = tls::device(&self.authorities, vec![self.certificate.clone()], self.key.to_der())?;
        Ok(Client::new(tls, Conversation::Sync)?)
    }
}

/// The device that the certificate in `dir` names; none when there is none that reads.
pub fn device_in(dir: &Path) -> Option<DeviceId> {
    let pem = read(&dir.join(CERTIFICATE_FILE)).ok()??;
    let certificate = certificate::from_pem(&pem).ok()?.swap_remove(0);
    Some(certificate::read_device(&certificate).ok()?.0.device())
}

/// Whether a join is under way in `dir`, or was cut off.
pub fn is_joining(dir: &Path) -> bool {
    dir.join(NEW_KEY_FILE).exists()
}

/// Throws away the key of a join that the hub refused for good.
///
/// # Errors
/// When the key is there and cannot be removed.
pub fn forget_joining(dir: &Path) -> io::Result<()> {
    std::fs::remove_file(dir.join(NEW_KEY_FILE))
}

/// The identity's files, as the hub's word on authorities changes them.
pub(crate) struct IdentityFiles {
    dir: PathBuf,
}

impl IdentityFiles {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// Keeps the authorities, and the certificate if one came. The authorities first: a
    /// certificate by one that is trusted is the least that must hold.
    fn keep(&self, told: &Authorities) -> Result<Vec<u8>, IdentityError> {
        let path = self.dir.join(AUTHORITIES_FILE);
        let damaged = |source| IdentityError::Damaged { path: path.clone(), source };
        let identity = Identity::load(&self.dir)?;
        let authorities: Vec<_> = told.authorities.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        if !(1..=AUTHORITIES_MAX).contains(&authorities.len()) {
            return Err(damaged(None));
        }
        let pem: String = authorities.iter().map(certificate::to_pem).collect();
        certificate::from_pem(pem.as_bytes()).map_err(|error| damaged(Some(error)))?;
        let certificate = told.certificate.as_ref().map(|der| CertificateDer::from(der.to_vec()));
        if let Some(certificate) = &certificate {
            let named = certificate::read_device(certificate).map_err(|error| damaged(Some(error)))?;
            if named != (identity.fingerprint, identity.site.clone()) {
                return Err(damaged(None));
            }
        }
        write(&path, pem.as_bytes(), Access::Directory)?;
        if let Some(certificate) = certificate {
            let pem = certificate::to_pem(&certificate);
            write(&self.dir.join(CERTIFICATE_FILE), pem.as_bytes(), Access::Directory)?;
        }
        Ok(identity.key.spki())
    }
}

impl Credentials for IdentityFiles {
    fn held(&self) -> Option<Digest32> {
        let identity = Identity::load(&self.dir).ok()?;
        let certified = certificate::is_issued_by(&identity.certificate, identity.authorities.first()?).ok()?;
        let keys: Result<Vec<_>, _> = identity.authorities.iter().map(certificate::spki_of).collect();
        let keys = keys.ok()?.into_iter().map(|spki| Fingerprint::of_spki(&spki));
        certified.then(|| authorities_hash(keys))
    }

    fn take_up(&mut self, told: &Authorities) -> Option<Vec<u8>> {
        match self.keep(told) {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the hub's authorities were not taken up");
                None
            }
        }
    }
}

/// The key of a machine that joins.
pub(crate) struct Joining {
    pub(crate) key: Key,
    /// Whether it stands in [`NEW_KEY_FILE`], to take the other's place.
    new: bool,
}

impl Joining {
    /// The key made for the invitation with this hash, or a new one, on disk.
    pub(crate) fn for_invitation(dir: &Path, secret_hash: &[u8; 32]) -> Result<Self, IdentityError> {
        let invitation = hex(secret_hash);
        for (name, new) in [(NEW_KEY_FILE, true), (KEY_FILE, false)] {
            // A damaged key is no reason not to make a new one.
            if let Ok(Some(found)) = read_key(&dir.join(name))
                && found.invitation.as_deref() == Some(invitation.as_str())
            {
                return Ok(Self { key: found.key, new });
            }
        }
        let key = Key::generate().map_err(IdentityError::Make)?;
        let path = dir.join(NEW_KEY_FILE);
        let text = format!("{INVITATION}{invitation}\n{}", key.to_pem());
        write(&path, text.as_bytes(), Access::Owner)?;
        Ok(Self { key, new: true })
    }

    /// Keeps what the hub answered: from here on the machine is who the certificate says.
    pub(crate) fn keep(
        &self,
        dir: &Path,
        certificate: &CertificateDer<'_>,
        authorities: &[CertificateDer<'_>],
    ) -> Result<(), IdentityError> {
        let roots: String = authorities.iter().map(certificate::to_pem).collect();
        write(&dir.join(AUTHORITIES_FILE), roots.as_bytes(), Access::Directory)?;
        write(&dir.join(CERTIFICATE_FILE), certificate::to_pem(certificate).as_bytes(), Access::Directory)?;
        if self.new {
            rename(&dir.join(NEW_KEY_FILE), &dir.join(KEY_FILE))?;
        }
        Ok(())
    }
}

struct KeyFile {
    key: Key,
    invitation: Option<String>,
}

fn read_key(path: &Path) -> Result<Option<KeyFile>, IdentityError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let invitation = text.lines().next().and_then(|line| line.strip_prefix(INVITATION)).map(str::to_owned);
    let key =
        Key::from_pem(&text).map_err(|error| IdentityError::Damaged { path: path.into(), source: Some(error) })?;
    Ok(Some(KeyFile { key, invitation }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, IdentityError> {
    file::read_optional(path).map_err(|source| IdentityError::Io { path: path.into(), source })
}

fn required(path: &Path) -> Result<Vec<u8>, IdentityError> {
    read(path)?.ok_or_else(|| IdentityError::NotJoined { path: path.into() })
}

fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), IdentityError> {
    file::write_atomic(path, bytes, access).map_err(|source| IdentityError::Io { path: path.into(), source })
}

fn rename(from: &Path, to: &Path) -> Result<(), IdentityError> {
    file::rename(from, to).map_err(|source| IdentityError::Io { path: to.into(), source })
}

#[cfg(test)]
mod tests {
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
}
