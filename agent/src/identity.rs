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

use msap_shared::id::{DeviceId, Digest32, Fingerprint, SiteId};
use msap_shared::io::bundle::{self, BundleError, Header};
use msap_shared::io::certificate::{self, CertificateError, Key};
use msap_shared::io::file::{self, Access};
use msap_shared::io::quic::QuicError;
use msap_shared::io::reach::Client;
use msap_shared::io::tls::{self, Conversation, TlsError};
use msap_shared::reference::{AUTHORITIES_MAX, Authorities, authorities_hash};
use rustls::pki_types::CertificateDer;

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

    /// A file to the hub, signed by this machine.
    ///
    /// # Errors
    /// When it would be too long.
    pub fn seal(&self, header: Header, body: &[u8]) -> Result<Vec<u8>, BundleError> {
        let header = Header { certificates: vec![self.certificate.to_vec().into()], ..header };
        bundle::seal(&header, body, &self.key)
    }

    /// The authorities to trust the hub by.
    pub fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    /// Whether an authority of this machine certified it, as the hub will ask: a matter for a
    /// person to look at, and no reason not to try.
    ///
    /// # Errors
    /// [`IdentityError::Stranger`], or what is wrong with the authorities.
    pub fn verify(&self, dir: &Path) -> Result<(), IdentityError> {
        match tls::verify_device(&self.authorities, &self.certificate) {
            Err(TlsError::Rustls(_)) => Err(IdentityError::Stranger { path: dir.join(CERTIFICATE_FILE) }),
            verified => Ok(verified?),
        }
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
mod tests;
