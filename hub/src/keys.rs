//! The hub's keys, apart from its database.
//!
//! Called by `app` at the start and by the core. The directory holds the authority's key, which
//! every site trusts, the hub's own key, the witness of the last commit and the revocations; it
//! is backed up apart from the database, so that a lost database is not a lost network.
//! Certificates follow from keys: their files are there for people.
//!
//! During a rotation there are two authorities: the one that certifies, and the one before, which
//! vouches for it (`rotation`).
//!
//! Invariants: no authority is ever made beside an existing database or beside traces of an
//! earlier one; private files are readable by their owner alone and never half written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use msap_shared::id::{Digest32, Fingerprint, SiteId};
use msap_shared::io::bundle::{self, BundleError, Header};
use msap_shared::io::certificate::{Authority, CertificateError, Key};
use msap_shared::io::file::{Access, create_private_directory, read_optional, write_atomic};
use msap_shared::io::serving::{Serving, Shown};
use msap_shared::io::tls::{self, TlsError};
use msap_shared::reference::{Authorities, authorities_hash};
use rustls::pki_types::CertificateDer;

mod belonging;
mod revocations;
mod rotation;
#[cfg(test)]
mod tests;
mod witness;

use belonging::{certificate_of, keep_certificates};

pub use belonging::of_one_network;
pub use revocations::{Damage, Listed, Named, NotIntact, read_list};
pub use witness::{Witness, has_witness, read_witness};

const CA_KEY: &str = "ca.key";
/// The authority before, during a rotation.
const CA_OLD_KEY: &str = "ca.old.key";
/// The authority to come, until it has its name.
const CA_NEXT_KEY: &str = "ca.next.key";
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
    /// A key or a certificate that does not parse.
    #[error("{path} est endommagé : restaurez le dossier des clés depuis sa sauvegarde")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it does not parse.
        #[source]
        source: CertificateError,
    },
    /// The key of one network beside the certificate of another.
    #[error(
        "{path} n’est pas la clé du certificat {certificate} : l’un des deux vient d’un autre réseau. Remettez les \
         fichiers de ce hub depuis la sauvegarde du dossier des clés ; ne supprimez aucune clé"
    )]
    Mixed {
        /// The key.
        path: PathBuf,
        /// The certificate beside it.
        certificate: PathBuf,
    },
    /// A database that other keys have served.
    #[error(
        "la base {database} est celle du hub de clé {noted}, et {dir} contient la clé {present} : donnez le bon dossier \
         par --keys ou --data, ou remettez-y les clés de ce hub depuis leur sauvegarde"
    )]
    OtherNetwork {
        /// The database.
        database: PathBuf,
        /// Whose it is.
        noted: String,
        /// The directory of keys.
        dir: PathBuf,
        /// Whose that is.
        present: String,
    },
    /// A key or certificate that could not be made.
    #[error("impossible de créer les clés du hub")]
    Make(#[from] CertificateError),
    /// A rotation is under way.
    #[error("une rotation est déjà en cours : terminez-la d’abord par msap-hub ca rotate --finish")]
    Rotating,
    /// None is.
    #[error("aucune rotation n’est en cours : msap-hub ca rotate en commence une")]
    NotRotating,
    /// A rotation happened on the disk and failed after it.
    #[error("a rotation of the authority failed half-way: restart the hub, which completes it")]
    HalfRotated,
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
            Self::Lost { .. }
            | Self::Incomplete { .. }
            | Self::Damaged { .. }
            | Self::Mixed { .. }
            | Self::OtherNetwork { .. } => 9,
            Self::Rotating | Self::NotRotating | Self::HalfRotated => 5,
            Self::Make(_) | Self::Tls(_) | Self::Io { .. } => 1,
        }
    }
}

/// The keys of one network.
pub struct Keys {
    dir: PathBuf,
    present: RwLock<Present>,
    serving: Arc<Serving>,
    created: bool,
    /// Revocations ever written, as far as files and witness tell.
    revoked: AtomicU64,
}

/// The keys as they are between two steps of a rotation.
struct Present {
    /// Certifies the hub and its devices.
    authority: Authority,
    /// During a rotation, the one that did before.
    before: Option<Authority>,
    hub_key: Key,
}

impl Present {
    fn authorities(&self) -> impl Iterator<Item = &Authority> {
        std::iter::once(&self.authority).chain(&self.before)
    }

    /// What TLS shows: one chain leads to both authorities.
    fn shown(&self) -> Result<Shown, CertificateError> {
        let mut chain = vec![self.authority.certify_hub(&self.hub_key)?];
        if let Some(before) = &self.before {
            chain.push(before.vouch_for(&self.authority)?);
        }
        let authorities = self.authorities().map(|authority| authority.certificate().clone()).collect();
        Ok(Shown { chain, key: self.hub_key.to_der(), authorities })
    }
}

impl Keys {
    /// Takes up the keys in `dir`; makes them when there is neither a database nor a trace of
    /// earlier keys.
    ///
    /// # Errors
    /// When keys that should be there are missing or damaged.
    pub fn open_or_create(dir: &Path, database_exists: bool) -> Result<Self, KeysError> {
        rotation::settle(dir)?;
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
        let before = read_key(&dir.join(CA_OLD_KEY))?.map(Authority::new).transpose()?;
        let path = dir.join(HUB_KEY);
        let hub_key = match read_key(&path)? {
            Some(key) => key,
            // The sites trust the authority, not this key: a new one serves as well.
            None => {
                rotation::remove(&dir.join(HUB_CERTIFICATE))?;
                make_key(&path)?
            }
        };
        let present = Present { authority, before, hub_key };
        keep_certificates(dir, &present)?;
        let serving = Arc::new(Serving::new(present.shown()?)?);
        let present = RwLock::new(present);
        let keys = Self { dir: dir.into(), present, serving, created, revoked: AtomicU64::new(0) };
        keys.count_revocations()?;
        Ok(keys)
    }

    /// Whether the keys in `dir` are there, read and belong together, for a hub that has a
    /// database. Which ones they are, as [`Self::identity`]. Nothing is written.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn examine(dir: &Path) -> Result<Vec<Fingerprint>, KeysError> {
        let [hub, old, next] = [HUB_KEY, CA_OLD_KEY, CA_NEXT_KEY].map(|name| read_key(&dir.join(name)));
        let path = dir.join(CA_KEY);
        let ca = read_key(&path)?.ok_or(KeysError::Lost { path })?;
        let hub = hub?.map(|key| key.fingerprint());
        let authorities: Vec<_> = std::iter::once(ca).chain(old?).map(|key| key.fingerprint()).collect();
        // Cut off in a rotation, it may be of the one to come.
        let certified: Vec<_> = authorities.iter().copied().chain(next?.map(|key| key.fingerprint())).collect();
        certificate_of(dir, CA_CERTIFICATE, CA_KEY, &certified)?;
        // One that is missing is made anew, with its certificate.
        if hub.is_some() {
            certificate_of(dir, HUB_CERTIFICATE, HUB_KEY, hub.as_slice())?;
        }
        Ok(hub.into_iter().chain(authorities).collect())
    }

    /// The fingerprints of the hub's own key, which no rotation changes, and of the authorities.
    pub fn identity(&self) -> Vec<Fingerprint> {
        let present = self.present();
        std::iter::once(present.hub_key.fingerprint())
            .chain(present.authorities().map(Authority::fingerprint))
            .collect()
    }

    /// The directory that they are in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn present(&self) -> RwLockReadGuard<'_, Present> {
        self.present.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the keys were made by this start.
    pub fn created(&self) -> bool {
        self.created
    }

    /// What an invitation carries of the authority.
    pub fn ca_hash(&self) -> [u8; 16] {
        self.present().authority.hash()
    }

    /// The authorities that sites are to trust; the first one certifies.
    pub fn authorities(&self) -> Vec<CertificateDer<'static>> {
        self.present().authorities().map(|authority| authority.certificate().clone()).collect()
    }

    /// The fingerprints of the authorities' keys, in the same order.
    pub fn authority_keys(&self) -> Vec<Fingerprint> {
        self.present().authorities().map(Authority::fingerprint).collect()
    }

    /// What tells this list of authorities from others.
    pub fn authorities_hash(&self) -> Digest32 {
        authorities_hash(self.authority_keys())
    }

    /// What a device is told of the authorities, with its own certificate if it is made anew.
    pub fn told(&self, certificate: Option<CertificateDer<'_>>) -> Authorities {
        let authorities = self.authorities().iter().map(|authority| authority.to_vec().into()).collect();
        Authorities { authorities, certificate: certificate.map(|certificate| certificate.to_vec().into()) }
    }

    /// Certifies a device's key for `site`.
    ///
    /// # Errors
    /// [`CertificateError::Request`] for a request that is not acceptable.
    pub fn certify_device(&self, request: &[u8], site: &SiteId) -> Result<CertificateDer<'static>, CertificateError> {
        self.present().authority.certify_device(request, site)
    }

    /// A file to a device, signed by the hub.
    ///
    /// # Errors
    /// When it would be too long.
    pub fn seal(&self, header: Header, body: &[u8]) -> Result<Vec<u8>, BundleError> {
        let present = self.present();
        let Shown { chain, authorities, .. } = present.shown().map_err(BundleError::Sign)?;
        let certificates = chain.iter().chain(&authorities).map(|der| der.to_vec().into()).collect();
        bundle::seal(&Header { certificates, ..header }, body, &present.hub_key)
    }

    /// Certifies the key of a device that has proved to hold it.
    ///
    /// # Errors
    /// [`CertificateError::Request`] for a key that is not acceptable.
    pub fn certify_key(&self, spki: &[u8], site: &SiteId) -> Result<CertificateDer<'static>, CertificateError> {
        self.present().authority.certify_key(spki, site)
    }

    /// TLS settings of the port that the sites connect to. They follow the keys.
    ///
    /// # Errors
    /// When rustls refuses the settings.
    pub fn tls(&self) -> Result<rustls::ServerConfig, KeysError> {
        Ok(tls::hub(self.serving.clone())?)
    }

    /// What QUIC's resets are made from: the same after a restart, so that devices learn at once
    /// that a connection of before is gone.
    pub fn transport_secret(&self) -> [u8; 32] {
        self.present().hub_key.derive("msap transport 1")
    }

    /// Whether a device is on the list of revocations, as far as it is readable.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn is_revoked(&self, device: &Fingerprint) -> Result<bool, KeysError> {
        Ok(self.read_revocations()?.devices().any(|listed| listed == device.device()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A file that shows that an authority was here before. A list of revocations without one is
/// what a first start leaves that was cut off.
fn trace(dir: &Path) -> Result<Option<&'static str>, KeysError> {
    for name in [CA_CERTIFICATE, CA_OLD_KEY, CA_NEXT_KEY, HUB_KEY, HUB_CERTIFICATE, WITNESS] {
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
    Key::from_pem(&text).map(Some).map_err(|source| KeysError::Damaged { path: path.into(), source })
}

fn make_key(path: &Path) -> Result<Key, KeysError> {
    let key = Key::generate()?;
    write(path, key.to_pem().as_bytes(), Access::Owner)?;
    Ok(key)
}
