//! The hub's keys, apart from its database.
//!
//! Called by `app` at the start and by the core. The directory holds the authority's key, which
//! every site trusts, the hub's own key, the witness of the last commit and the revocations; it
//! is backed up apart from the database, so that a lost database is not a lost network.
//! Certificates follow from keys: their files are there for people.
//!
//! Invariants: no authority is ever made beside an existing database or beside traces of an
//! earlier one; private files are readable by their owner alone and never half written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use msap_shared::id::{Fingerprint, SiteId};
use msap_shared::io::certificate::{self, Authority, CertificateError, Key};
use msap_shared::io::file::{Access, create_private_directory, read_optional, write_atomic};
use msap_shared::io::tls::{self, TlsError};
use rustls::pki_types::CertificateDer;

mod revocations;
mod witness;

pub use revocations::{Damage, NotIntact};
pub use witness::Witness;

const CA_KEY: &str = "ca.key";
const CA_CERTIFICATE: &str = "ca.pem";
const HUB_KEY: &str = "hub.key";
const HUB_CERTIFICATE: &str = "hub.pem";
const WITNESS: &str = "witness";
const REVOCATIONS: &str = "revocations";

/// Why the keys cannot be used. The messages are in French: an operator reads them.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A database without its authority.
    #[error(
        "la base existe mais la clé de l’autorité ({path}) est absente : restaurez le dossier des clés depuis sa \
         sauvegarde ; si elle est perdue, repartez d’un dossier de données vide et invitez à nouveau chaque site"
    )]
    Lost {
        /// Where the key should be.
        path: PathBuf,
    },
    /// Other files of a keys directory, without the authority.
    #[error(
        "le dossier des clés contient {found} mais pas {path} : restaurez-le entier depuis sa sauvegarde, ou donnez un \
         dossier vide pour un nouveau réseau"
    )]
    Incomplete {
        /// Where the key should be.
        path: PathBuf,
        /// A file that shows an earlier authority.
        found: &'static str,
    },
    /// A key that does not parse, or a certificate of another key.
    #[error(
        "{path} est endommagé ou n’appartient pas aux autres clés : restaurez le dossier des clés depuis sa sauvegarde"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it does not parse; `None` when it belongs to another key.
        #[source]
        source: Option<CertificateError>,
    },
    /// A key or certificate that could not be made.
    #[error("impossible de créer les clés du hub")]
    Make(#[from] CertificateError),
    /// TLS refuses the keys.
    #[error("les clés du hub ne conviennent pas à TLS")]
    Tls(#[from] TlsError),
    /// The file system failed.
    #[error("accès impossible à {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl KeysError {
    /// The exit code of a command that ends with this: 9 where storage is damaged, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lost { .. } | Self::Incomplete { .. } | Self::Damaged { .. } => 9,
            Self::Make(_) | Self::Tls(_) | Self::Io { .. } => 1,
        }
    }
}

/// The keys of one network.
pub struct Keys {
    dir: PathBuf,
    authority: Authority,
    hub_key: Key,
    hub_certificate: CertificateDer<'static>,
    created: bool,
    /// Revocations ever written, as far as files and witness tell.
    revoked: AtomicU64,
}

impl Keys {
    /// Takes up the keys in `dir`; makes them when there is neither a database nor a trace of
    /// earlier keys.
    ///
    /// # Errors
    /// When keys that should be there are missing or damaged.
    pub fn open_or_create(dir: &Path, database_exists: bool) -> Result<Self, KeysError> {
        let path = dir.join(CA_KEY);
        let ca_key = read_key(&path)?;
        let created = ca_key.is_none();
        let ca_key = match ca_key {
            Some(key) => key,
            None if database_exists => return Err(KeysError::Lost { path }),
            None => {
                if let Some(found) = trace(dir)? {
                    return Err(KeysError::Incomplete { path, found });
                }
                create_private_directory(dir).map_err(|source| KeysError::Io { path: dir.into(), source })?;
                // The authority's key comes last of what tells an old directory from a new one:
                // with it, a missing list of revocations is damage.
                write(&dir.join(REVOCATIONS), revocations::HEADER.as_bytes(), Access::Owner)?;
                make_key(&path)?
            }
        };
        let authority = Authority::new(ca_key)?;
        let ca_spki = certificate::spki_of(authority.certificate())?;
        keep_certificate(&dir.join(CA_CERTIFICATE), authority.certificate(), &ca_spki)?;
        let path = dir.join(HUB_KEY);
        let hub_key = match read_key(&path)? {
            Some(key) => key,
            // The sites trust the authority, not this key: a new one serves as well.
            None => make_key(&path)?,
        };
        let hub_certificate = authority.certify_hub(&hub_key)?;
        keep_certificate(&dir.join(HUB_CERTIFICATE), &hub_certificate, &hub_key.spki())?;
        let keys = Self { dir: dir.into(), authority, hub_key, hub_certificate, created, revoked: AtomicU64::new(0) };
        keys.count_revocations()?;
        Ok(keys)
    }

    /// Whether the keys were made by this start.
    pub fn created(&self) -> bool {
        self.created
    }

    /// What an invitation carries of the authority.
    pub fn ca_hash(&self) -> [u8; 16] {
        self.authority.hash()
    }

    /// The authorities that sites are to trust.
    pub fn authorities(&self) -> Vec<CertificateDer<'static>> {
        vec![self.authority.certificate().clone()]
    }

    /// Certifies a device's key for `site`.
    ///
    /// # Errors
    /// [`CertificateError::Request`] for a request that is not acceptable.
    pub fn certify_device(&self, request: &[u8], site: &SiteId) -> Result<CertificateDer<'static>, CertificateError> {
        self.authority.certify_device(request, site)
    }

    /// TLS settings of the port that the sites connect to.
    ///
    /// # Errors
    /// When rustls refuses the keys.
    pub fn tls(&self) -> Result<rustls::ServerConfig, KeysError> {
        let authorities = self.authorities();
        let mut chain = vec![self.hub_certificate.clone()];
        chain.extend(authorities.iter().cloned());
        Ok(tls::hub(chain, self.hub_key.to_der(), &authorities)?)
    }

    /// What QUIC's resets are made from: the same after a restart, so that devices learn at once
    /// that a connection of before is gone.
    pub fn transport_secret(&self) -> [u8; 32] {
        self.hub_key.derive("msap transport 1")
    }

    /// Whether a device is on the list of revocations, as far as it is readable.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn is_revoked(&self, device: &Fingerprint) -> Result<bool, KeysError> {
        Ok(self.read_revocations()?.devices.contains(device))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A file that shows that an authority was here before. A list of revocations without one is
/// what a first start leaves that was cut off.
fn trace(dir: &Path) -> Result<Option<&'static str>, KeysError> {
    for name in [CA_CERTIFICATE, HUB_KEY, HUB_CERTIFICATE, WITNESS] {
        if read(&dir.join(name))?.is_some() {
            return Ok(Some(name));
        }
    }
    let revocations = read(&dir.join(REVOCATIONS))?;
    let cut_off = revocations.is_none_or(|bytes| bytes == revocations::HEADER.as_bytes());
    Ok(if cut_off { None } else { Some(REVOCATIONS) })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeysError> {
    read_optional(path).map_err(|source| KeysError::Io { path: path.into(), source })
}

fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), KeysError> {
    write_atomic(path, bytes, access).map_err(|source| KeysError::Io { path: path.into(), source })
}

fn read_key(path: &Path) -> Result<Option<Key>, KeysError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    Key::from_pem(&text).map(Some).map_err(|source| KeysError::Damaged { path: path.into(), source: Some(source) })
}

fn make_key(path: &Path) -> Result<Key, KeysError> {
    let key = Key::generate()?;
    write(path, key.to_pem().as_bytes(), Access::Owner)?;
    Ok(key)
}

/// Writes a certificate for people to see, unless one of the same key is there. One of another
/// key shows that files of two networks were mixed.
fn keep_certificate(path: &Path, certificate: &CertificateDer<'_>, spki: &[u8]) -> Result<(), KeysError> {
    let Some(bytes) = read(path)? else {
        return write(path, certificate::to_pem(certificate).as_bytes(), Access::Directory);
    };
    let found = certificate::from_pem(&bytes).and_then(|found| certificate::spki_of(&found[0]));
    match found {
        Ok(found) if found == spki => Ok(()),
        Ok(_) => Err(KeysError::Damaged { path: path.into(), source: None }),
        Err(source) => Err(KeysError::Damaged { path: path.into(), source: Some(source) }),
    }
}

#[cfg(test)]
mod tests {
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
        assert!(matches!(open(dir.path(), true), Err(KeysError::Damaged { source: None, .. })));
        std::fs::write(dir.path().join(CA_KEY), "-----BEGIN PRIVATE KEY-----\nAAAA").unwrap();
        assert!(matches!(open(dir.path(), true), Err(KeysError::Damaged { source: Some(_), .. })));
    }
}
