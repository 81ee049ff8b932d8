//! Sync by file at the rim: files of devices and of machines that join, and the answers to them.
//!
//! Called by operators' requests, whether the hub runs or not; the command itself reads and
//! writes the files. Invariant: nothing in a file counts before it is known to be signed by a
//! device of this network, or proved by the secret of an invitation.

use data_encoding::BASE64;
use jiff::Timestamp;
use msap_shared::frame::DeviceStanding;
use msap_shared::id::DeviceId;
use msap_shared::io::bundle::join::{JoinAnswer, JoinRequest, bytes_of, read};
use msap_shared::io::bundle::{Bundle, BundleError, Header, Kind};
use msap_shared::time::Month;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::core::file::{FileRefused, FromDevice, Tally};
use crate::enrol::{Applying, EnrolDenied, enrol, exclude_replaced};
use crate::exit::{Exit, with_causes};
use crate::keys::Keys;
use crate::lang::Lang;
use crate::store::devices::{self, EnrolError};

/// Why a file is not taken, or not made. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file itself.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It goes to a device.
    #[error("this file goes from the hub to a machine: import it there, with msap-agent bundle import")]
    WrongWay,
    /// Its device was excluded.
    #[error("device {0} is revoked: it needs a new invitation")]
    Revoked(String),
    /// Frames that make no session.
    #[error("the file holds what no device of this version sends: {0}")]
    Protocol(&'static str),
    /// A request to join, and nowhere to write the answer.
    #[error("this is a request to join: name the file for the answer with --answer FILE")]
    AnswerWanted,
    /// The code of a request to join does not serve.
    #[error("the machine cannot join")]
    Enrol(#[from] EnrolDenied),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl FileError {
    /// The exit code of a command that ends with this.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bundle(BundleError::Stranger) | Self::WrongWay | Self::Revoked(_) => Exit::Refused,
            Self::Bundle(BundleError::Sign(_)) => Exit::Failure,
            Self::Bundle(_) | Self::Protocol(_) => Exit::Invalid,
            Self::AnswerWanted => Exit::Usage,
            Self::Enrol(EnrolDenied::Code(EnrolError::Store(error))) | Self::Store(error) => {
                if error.is_damage() {
                    Exit::Damaged
                } else {
                    Exit::Failure
                }
            }
            Self::Enrol(EnrolDenied::Keys(_) | EnrolDenied::Unavailable) => Exit::Failure,
            Self::Enrol(_) => Exit::Refused,
        }
    }

    /// The error as people read it.
    pub fn say(&self, lang: Lang) -> String {
        let french = match self {
            Self::Bundle(error) => error.french().to_owned(),
            Self::WrongWay => {
                "ce fichier va du hub vers un poste : il s’y importe par msap-agent bundle import".to_owned()
            }
            Self::Revoked(device) => {
                format!("le poste {device} est exclu du réseau : il lui faut une nouvelle invitation")
            }
            Self::Protocol(why) => format!("le fichier contient ce qu’aucun poste de cette version n’envoie : {why}"),
            Self::AnswerWanted => {
                "c’est une demande de rattachement : nommez le fichier de la réponse par --answer FICHIER".to_owned()
            }
            Self::Enrol(denied) => format!("{} : donnez au poste un nouveau code", denied.message()),
            Self::Store(error) => format!("la base du hub a échoué : {}", with_causes(error)),
        };
        lang.of(french, with_causes(self))
    }

    fn of(refused: FileRefused, device: DeviceId) -> Self {
        match refused {
            FileRefused::Revoked => Self::Revoked(device.to_string()),
            FileRefused::Protocol(why) => Self::Protocol(why),
            FileRefused::Bundle(error) => Self::Bundle(error),
            FileRefused::Store(error) => Self::Store(error),
        }
    }
}

/// What came of a file, as operators are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct BundleObject {
    /// `visits` or `join`.
    pub kind: String,
    pub site: String,
    pub device: String,
    pub standing: String,
    /// The day on which the file was made, as it says.
    pub created: String,
    /// Whether anything is different now.
    pub changed: bool,
    /// Whether the hub was emptied or restored since: the machine is to export once more, with --all.
    pub export_all: bool,
    pub documents: Vec<DocumentTally>,
    pub answer: Option<AnswerObject>,
}

/// What became of one document's changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as core::file::Tally")]
pub struct DocumentTally {
    pub document: String,
    pub taken: u64,
    pub known: u64,
    pub refused: u64,
    pub missing: u64,
    pub forked: u64,
    pub apart: u64,
}

/// A file to carry to a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerObject {
    /// The site.
    pub site: String,
    /// The machine that it is for.
    pub device: String,
    /// Changes in it.
    pub changes: u64,
    /// Whether everything found room.
    pub whole: bool,
    /// Whether it answers a file of the machine. Otherwise it counts only on a machine that has
    /// never heard the hub.
    pub answers: bool,
    /// The file, in base 64.
    pub file: String,
}

/// Takes in a file of a device, or of a machine that joins; with the answer, when it is wanted.
/// `address` is where a machine that joins is to sync.
///
/// # Errors
/// [`FileError`]; nothing has changed then.
pub fn import(
    core: &mut Core,
    keys: &Keys,
    bytes: &[u8],
    address: &str,
    wants_answer: bool,
    now: Timestamp,
) -> Result<BundleObject, FileError> {
    let bundle = Bundle::parse(bytes)?;
    match bundle.header.kind {
        Kind::ToHub => {}
        Kind::JoinRequest if wants_answer => return join(core, keys, &bundle, address, now),
        Kind::JoinRequest => return Err(FileError::AnswerWanted),
        Kind::ToDevice | Kind::JoinAnswer => return Err(FileError::WrongWay),
    }
    let (fingerprint, site) = bundle.signing_device(&keys.authorities())?;
    let device = fingerprint.device();
    let frames = msap_shared::io::bundle::Frames::read(bundle.body)?;
    let spki = bundle.signer_key()?;
    let file = FromDevice { fingerprint, site: &site, spki: &spki, token: bundle.header.token, frames: &frames };
    let taken = core.take_in(file, now).map_err(|refused| FileError::of(refused, device))?;
    let answer = if wants_answer { answer(core, keys, device, None, now)? } else { None };
    let documents = taken.documents.into_iter().map(|(document, tally)| {
        let Tally { taken, known, refused, missing, forked, apart } = tally;
        DocumentTally { document: document.to_string(), taken, known, refused, missing, forked, apart }
    });
    Ok(BundleObject {
        kind: "visits".to_owned(),
        site: taken.site.to_string(),
        device: device.to_string(),
        standing: match taken.standing {
            DeviceStanding::Active => "active",
            DeviceStanding::Pending => "pending",
        }
        .to_owned(),
        created: plain(&bundle.header.created),
        changed: taken.changed,
        export_all: taken.outdated,
        documents: documents.collect(),
        answer,
    })
}

/// The file that answers a device; `None` when there is no such device.
///
/// # Errors
/// [`FileError`].
pub fn answer(
    core: &mut Core,
    keys: &Keys,
    device: DeviceId,
    from: Option<Month>,
    now: Timestamp,
) -> Result<Option<AnswerObject>, FileError> {
    let Some(answer) = core.answer(device, from, now).map_err(|refused| FileError::of(refused, device))? else {
        return Ok(None);
    };
    let header = Header {
        kind: Kind::ToDevice,
        site: answer.site.to_string(),
        device: device.to_string(),
        created: core.day(now).to_string(),
        epoch: Some(answer.epoch),
        token: answer.token,
        certificates: Vec::new(),
    };
    let file = keys.seal(header, answer.frames.as_bytes())?;
    Ok(Some(AnswerObject {
        site: answer.site.to_string(),
        device: device.to_string(),
        changes: answer.changes,
        whole: answer.whole,
        answers: answer.token.is_some(),
        file: BASE64.encode(&file),
    }))
}

/// Enrols a machine by its request, as over the network.
fn join(
    core: &mut Core,
    keys: &Keys,
    bundle: &Bundle<'_>,
    address: &str,
    now: Timestamp,
) -> Result<BundleObject, FileError> {
    let request: JoinRequest = read(bundle.body)?;
    let today = core.day(now);
    let (enrolled, secret_hash) = core.store().write(|conn, _| {
        // The request does not say whose it is: the proof fits one invitation, or none.
        let open = devices::invitations(conn, now.as_second())?;
        let proved = open.into_iter().find(|hash| request.is_proved(hash));
        let secret_hash = proved.ok_or(EnrolDenied::Code(EnrolError::Unknown))?;
        let applying = Applying {
            secret_hash,
            signing_request: &request.signing_request,
            label: &request.label,
            app: &request.app,
            counts_for: request.site.as_deref(),
            previous: request.previous.as_deref(),
        };
        let enrolled = enrol(conn, keys, &applying, address, now)?;
        bundle.check_signature(&CertificateDer::from(enrolled.certificate.as_slice()))?;
        Ok::<_, FileError>((enrolled, secret_hash))
    })?;
    exclude_replaced(core, keys, &secret_hash, now);
    let (site, device) = (enrolled.profile.site.clone(), plain(&bundle.header.device));
    let header = Header {
        kind: Kind::JoinAnswer,
        site: site.clone(),
        device: device.clone(),
        created: today.to_string(),
        epoch: None,
        token: None,
        certificates: Vec::new(),
    };
    let answer = JoinAnswer { enrolled, label: request.label };
    let file = keys.seal(header, &bytes_of(&answer))?;
    let answer = AnswerObject {
        site: site.clone(),
        device: device.clone(),
        changes: 0,
        whole: true,
        answers: true,
        file: BASE64.encode(&file),
    };
    Ok(BundleObject {
        kind: "join".to_owned(),
        site,
        device,
        standing: "active".to_owned(),
        created: today.to_string(),
        changed: true,
        export_all: false,
        documents: Vec::new(),
        answer: Some(answer),
    })
}

/// A bounded text on one line: it is shown.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
