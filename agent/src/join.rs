//! Joining: a one-time code becomes this machine's identity and its site's profile.
//!
//! Called by the command `join`; no daemon is needed, and one that runs takes up a new identity
//! at its next connection. Invariants: the hub is authenticated before it is shown the secret;
//! the same code with the same key may be tried again after any failure; the database, whose
//! existence means «joined», comes last.
//!
//! The messages are in French and say what to do next: they are read at the desk.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use msap_shared::id::{DeviceId, SiteId};
use msap_shared::io::certificate::read_device;
use msap_shared::io::enrol::{Answer, Denial, Enrolled, LABEL_LEN_MAX, Request, read, write};
use msap_shared::io::file::create_private_directory;
use msap_shared::io::join_code::{JoinCode, JoinCodeError, check_address};
use msap_shared::io::link::{CloseCode, CloseReason};
use msap_shared::io::{quic, tls};
use msap_shared::time::SiteZone;
use rustls::pki_types::CertificateDer;
use tracing::debug;

use crate::identity::{IdentityError, Joining};
use crate::store::{self, Profile, StoreError, meta};

#[cfg(test)]
mod tests;

/// Time for the hub to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// What joining made of this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The site it counts for.
    pub site: SiteId,
    /// The site's name.
    pub name: String,
    /// The site's legal clock.
    pub timezone: SiteZone,
    /// The machine's own id.
    pub device: DeviceId,
}

/// Why the machine did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The text is no code.
    #[error("{0}. Copiez le code en entier, tel que le hub l’a donné.")]
    Code(#[from] JoinCodeError),
    /// Nobody answers at the code's address.
    #[error(
        "le hub {address} ne répond pas ({}). Vérifiez la connexion et que le pare-feu laisse sortir l’UDP, puis \
         relancez la même commande : le code reste valable.", why.as_str()
    )]
    Unreachable {
        /// The address of the code.
        address: String,
        /// How the attempts ended.
        why: CloseReason,
    },
    /// The hub was reached and did not answer to the end.
    #[error("la réponse du hub {address} s’est perdue. Relancez la même commande : le code reste valable.")]
    Interrupted {
        /// The address of the code.
        address: String,
    },
    /// Whoever answers is not the hub that the code names.
    #[error(
        "ce qui répond à {address} n’est pas le hub de ce code : rien ne lui a été montré. Vérifiez le code auprès de \
         l’équipe du hub."
    )]
    NotTheHub {
        /// The address of the code.
        address: String,
    },
    /// The hub says no.
    #[error("{}", denied(*denial, message))]
    Denied {
        /// Why.
        denial: Denial,
        /// The hub's own words.
        message: String,
    },
    /// The hub answered something that makes no sense.
    #[error("la réponse du hub est incompréhensible ({0}). Mettez l’agent à jour, puis relancez la même commande.")]
    Answer(&'static str),
    /// The data directory cannot be made.
    #[error("impossible d’utiliser le dossier {} : {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Key or certificate could not be kept.
    #[error("impossible de garder l’identité du poste : {}. Relancez la même commande.", chain(.0))]
    Identity(#[from] IdentityError),
    /// The database could not be made.
    #[error("impossible de préparer la base du poste : {}. Relancez la même commande.", chain(.0))]
    Store(#[from] StoreError),
}

/// The words for a denial, with the next step.
fn denied(denial: Denial, message: &str) -> String {
    match denial {
        Denial::InvalidCode => {
            "ce code n’est pas ou plus valable. Demandez un nouveau code à l’équipe du hub.".to_owned()
        }
        Denial::CodeUsed => {
            "ce code a déjà servi à un autre poste. Chaque poste a le sien : demandez un nouveau code.".to_owned()
        }
        Denial::Revoked => {
            "ce poste a été exclu du réseau ; un ancien code ne le ramène pas. Demandez un nouveau code.".to_owned()
        }
        Denial::OtherSite => {
            "ce code est celui d’un autre lieu que celui pour lequel ce poste compte. Demandez un code \
                              de ce lieu, ou utilisez un dossier de données vide (--data)."
                .to_owned()
        }
        Denial::BadRequest => "le hub ne comprend pas la demande. Mettez l’agent à jour.".to_owned(),
        Denial::Busy => {
            "le hub ne peut pas répondre pour l’instant. Relancez la même commande dans quelques minutes.".to_owned()
        }
        // The hub's words, bounded and on one line: it may be newer than this program.
        Denial::Other => message.chars().filter(|c| !c.is_control()).take(200).collect(),
    }
}

/// An error and its causes on one line: the command prints no other.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(" : ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl JoinError {
    /// The exit code of the command.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Code(_) | Self::Denied { denial: Denial::OtherSite, .. } => 5,
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::Denied { denial: Denial::Busy, .. } => 7,
            Self::NotTheHub { .. } | Self::Denied { .. } => 6,
            Self::Store(error) if error.is_damage() => 9,
            Self::Answer(_) | Self::Directory { .. } | Self::Identity(_) | Self::Store(_) => 1,
        }
    }
}

/// Makes this machine a device of the site that the code is for: a new one, or the same one
/// with a new key.
///
/// # Errors
/// [`JoinError`]; the machine is what it was before, and the same call may be made again.
pub async fn join(dir: &Path, code: &str, label: &str) -> Result<Joined, JoinError> {
    let code: JoinCode = code.parse()?;
    create_private_directory(dir).map_err(|error| JoinError::Directory { path: dir.into(), error })?;
    let counts_for = counts_for(dir)?;
    let joining = Joining::for_invitation(dir, &JoinCode::secret_hash(&code.secret))?;
    let label: String = label.trim().chars().filter(|c| !c.is_control()).take(LABEL_LEN_MAX).collect();
    let request = Request {
        secret: code.secret,
        signing_request: joining.key.signing_request().map_err(IdentityError::Make)?,
        label: label.clone(),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        site: counts_for.as_ref().map(SiteId::to_string),
    };
    let enrolled = match converse(&code, &request).await? {
        Answer::Enrolled(enrolled) => enrolled,
        Answer::Denied(said) => {
            return Err(JoinError::Denied { denial: Denial::from_number(said.code), message: said.message });
        }
    };
    let Enrolled { certificate, authorities, profile, address } = enrolled;
    let certificate = CertificateDer::from(certificate);
    let authorities: Vec<_> = authorities.into_iter().map(|der| CertificateDer::from(Vec::from(der))).collect();
    let site: SiteId = profile.site.parse().map_err(|_| JoinError::Answer("lieu"))?;
    let timezone: SiteZone = profile.timezone.parse().map_err(|_| JoinError::Answer("fuseau horaire"))?;
    let ours = (joining.key.fingerprint(), site.clone());
    if read_device(&certificate).ok().as_ref() != Some(&ours) {
        return Err(JoinError::Answer("certificat"));
    }
    if authorities.is_empty() || authorities.iter().any(|a| msap_shared::io::certificate::spki_of(a).is_err()) {
        return Err(JoinError::Answer("autorité"));
    }
    if counts_for.is_some_and(|before| before != site) {
        return Err(JoinError::Denied { denial: Denial::OtherSite, message: String::new() });
    }
    let hub = if is_reachable(&address) { address } else { code.address };
    joining.keep(dir, &certificate, &authorities)?;
    let device = ours.0.device();
    let profile = Profile { site: site.clone(), site_name: profile.name.clone(), timezone, device, label, hub };
    store::create(dir, &profile)?;
    Ok(Joined { site, name: profile.site_name, timezone: profile.timezone, device })
}

/// Whether a machine can be reached at what the hub calls its address. A hub that nobody has told
/// its name says nothing, or that it listens everywhere; the code's address has just served.
pub(crate) fn is_reachable(address: &str) -> bool {
    let unspecified = address.parse::<SocketAddr>().is_ok_and(|socket| socket.ip().to_canonical().is_unspecified());
    check_address(address).is_ok() && !unspecified
}

/// The site whose visits are kept here already.
fn counts_for(dir: &Path) -> Result<Option<SiteId>, JoinError> {
    let conn = match store::open(dir) {
        Ok(conn) => conn,
        Err(StoreError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match meta::profile(&conn) {
        Ok(profile) => Ok(Some(profile.site)),
        // A join that was cut off between the database's file and its profile.
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Shows the code's secret to the hub that the code names, and to nobody else.
async fn converse(code: &JoinCode, request: &Request) -> Result<Answer, JoinError> {
    let address = || code.address.clone();
    let tls = tls::enrolling(code.ca_hash).map_err(IdentityError::Tls)?;
    let config = quic::client(tls).map_err(IdentityError::Quic)?;
    // When this returns, the handshake is over and the hub's certificate verified.
    let (endpoint, connection) = quic::connect(&code.address, &config).await.map_err(|why| match why {
        CloseReason::Untrusted => JoinError::NotTheHub { address: address() },
        why => JoinError::Unreachable { address: address(), why },
    })?;
    let conversation = async {
        let (mut send, mut receive) = connection.open_bi().await?;
        write(&mut send, request).await.map_err(io::Error::other)?;
        read::<Answer>(&mut receive).await.map_err(io::Error::other)
    };
    let answer: Result<Answer, io::Error> = match tokio::time::timeout(ANSWER_MAX, conversation).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    // Whoever received last closes.
    quic::close(&connection, CloseCode::Normal);
    drop(tokio::time::timeout(Duration::from_secs(1), endpoint.wait_idle()).await);
    answer.map_err(|error| {
        debug!(error = &error as &dyn std::error::Error, "no answer to the enrolment");
        JoinError::Interrupted { address: address() }
    })
}
