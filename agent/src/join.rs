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

use jiff::Timestamp;
use msap_shared::id::{DeviceId, SiteId};
use msap_shared::io::bundle::BundleError;
use msap_shared::io::certificate::read_device;
use msap_shared::io::enrol::{Answer, Denial, Enrolled, LABEL_LEN_MAX, Request, read, write};
use msap_shared::io::file::create_private_directory;
use msap_shared::io::join_code::{JoinCode, JoinCodeError, check_address};
use msap_shared::io::link::{CloseCode, CloseReason, Transport};
use msap_shared::io::pump::End;
use msap_shared::io::reach::{self, Client};
use msap_shared::io::tls::{self, Conversation};
use msap_shared::time::SiteZone;
use rustls::pki_types::CertificateDer;
use tracing::debug;

use crate::dial::ladder::{Attempt, CONNECT_HASTY, Ladder, Network, Networks, Preference, Rung};
use crate::identity::{IdentityError, Joining};
use crate::store::{self, Profile, StoreError, meta};

pub mod file;
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
        "le hub {address} ne répond pas ({}). Vérifiez la connexion et que le pare-feu laisse sortir ce port, en UDP \
         ou en TCP, puis relancez la même commande : le code reste valable.", why.as_str()
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
    /// The file with the hub's answer.
    #[error("{}", .0.french())]
    File(#[from] BundleError),
    /// Another kind of file.
    #[error(
        "ce fichier n’est pas la réponse du hub à une demande de rattachement : prenez celui que « msap-hub import-bundle \
         DEMANDE --answer RÉPONSE » a écrit"
    )]
    WrongFile,
    /// An answer to somebody else, or for another code.
    #[error(
        "cette réponse n’est pas celle à la demande de ce poste avec ce code. Refaites la demande : msap-agent join CODE \
         --request FICHIER"
    )]
    OtherAnswer,
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
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
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
            Self::WrongFile | Self::OtherAnswer | Self::File(BundleError::Stranger) => 6,
            Self::File(_) => 5,
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
    let started = Started::new(dir, code)?;
    let label = plain(label);
    let request = Request {
        secret: started.code.secret,
        signing_request: started.joining.key.signing_request().map_err(IdentityError::Make)?,
        label: label.clone(),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        site: started.counts_for.as_ref().map(SiteId::to_string),
        previous: started.previous.as_ref().map(DeviceId::to_string),
    };
    let (answer, networks) = converse(&started.code, &request).await?;
    match answer {
        Answer::Enrolled(enrolled) => {
            let joined = started.finish(enrolled, &label)?;
            meta::set_networks(&store::open(dir)?, &networks.to_string())?;
            Ok(joined)
        }
        Answer::Denied(said) => {
            Err(JoinError::Denied { denial: Denial::from_number(said.code), message: said.message })
        }
    }
}

/// A bounded text on one line.
fn plain(label: &str) -> String {
    label.trim().chars().filter(|c| !c.is_control()).take(LABEL_LEN_MAX).collect()
}

/// A join under way: the code is read, the key is on disk.
struct Started<'a> {
    dir: &'a Path,
    code: JoinCode,
    /// The site whose visits are kept here already.
    counts_for: Option<SiteId>,
    /// The device that this machine was until now.
    previous: Option<DeviceId>,
    joining: Joining,
}

impl<'a> Started<'a> {
    fn new(dir: &'a Path, code: &str) -> Result<Self, JoinError> {
        let code: JoinCode = code.parse()?;
        create_private_directory(dir).map_err(|error| JoinError::Directory { path: dir.into(), error })?;
        let (counts_for, previous) = counts_for(dir)?.unzip();
        let joining = Joining::for_invitation(dir, &JoinCode::secret_hash(&code.secret))?;
        Ok(Self { dir, code, counts_for, previous, joining })
    }

    /// Keeps what the hub answered: from here on the machine counts.
    fn finish(self, enrolled: Enrolled, label: &str) -> Result<Joined, JoinError> {
        let Self { dir, code, counts_for, joining, .. } = self;
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
        let (device, label) = (ours.0.device(), label.to_owned());
        let profile = Profile { site, site_name: profile.name, timezone, device, label, hub };
        store::create(dir, &profile)?;
        Ok(Joined::of(&profile))
    }
}

impl Joined {
    fn of(profile: &Profile) -> Self {
        let Profile { site, site_name, timezone, device, .. } = profile;
        Self { site: site.clone(), name: site_name.clone(), timezone: timezone.clone(), device: *device }
    }
}

/// Whether a machine can be reached at what the hub calls its address. A hub that nobody has told
/// its name says nothing, or that it listens everywhere; the code's address has just served.
pub(crate) fn is_reachable(address: &str) -> bool {
    let unspecified = address.parse::<SocketAddr>().is_ok_and(|socket| socket.ip().to_canonical().is_unspecified());
    check_address(address).is_ok() && !unspecified
}

/// The site whose visits are kept here already, and the device that this machine is till now.
fn counts_for(dir: &Path) -> Result<Option<(SiteId, DeviceId)>, JoinError> {
    let conn = match store::open(dir) {
        Ok(conn) => conn,
        Err(StoreError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match meta::profile(&conn) {
        Ok(profile) => Ok(Some((profile.site, profile.device))),
        // A join that was cut off between the database's file and its profile.
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Shows the code's secret to the hub that the code names, and to nobody else. Over the same
/// ladder as the sessions, but at once: a person waits.
async fn converse(code: &JoinCode, request: &Request) -> Result<(Answer, Networks), JoinError> {
    let address = || code.address.clone();
    let tls = tls::enrolling(code.ca_hash).map_err(IdentityError::Tls)?;
    let client = Client::new(tls, Conversation::Enrol).map_err(IdentityError::Quic)?;
    let addresses = reach::resolve(&code.address).await;
    let network = reach::own_address(&addresses).map(Network::of);
    let mut ladder = Ladder::new(Preference::Auto, Networks::default());
    // When this returns, the handshake is over and the hub's certificate verified.
    let mut link = loop {
        let now_s = Timestamp::now().as_second();
        let Rung { transport, limit } = ladder.next(network, now_s);
        let limit = if transport == Transport::Quic { CONNECT_HASTY } else { limit };
        match client.connect(&addresses, transport, limit).await {
            Ok(link) => break link,
            Err(CloseReason::Untrusted) => return Err(JoinError::NotTheHub { address: address() }),
            Err(why) if transport == Transport::Tcp || !why.could_be_the_path() => {
                return Err(JoinError::Unreachable { address: address(), why });
            }
            Err(why) => ladder.ended(&Attempt { transport, why, heard: None }, now_s),
        }
    };
    let transport = link.transport();
    let conversation = async {
        let (receive, send) = link.streams();
        write(send, request).await.map_err(io::Error::other)?;
        read::<Answer>(receive).await.map_err(io::Error::other)
    };
    let answer: Result<Answer, io::Error> = match tokio::time::timeout(ANSWER_MAX, conversation).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    // Whoever received last closes.
    let why = link.end(End::Ours(CloseCode::Normal)).await;
    ladder.ended(
        &Attempt { transport, why, heard: answer.is_ok().then_some(Duration::ZERO) },
        Timestamp::now().as_second(),
    );
    let answer = answer.map_err(|error| {
        debug!(error = &error as &dyn std::error::Error, "no answer to the enrolment");
        JoinError::Interrupted { address: address() }
    })?;
    Ok((answer, ladder.networks().clone()))
}
