//! Sync by file, at the rim: signing what the core drafted, and opening what the hub sent.
//!
//! Called by the loopback API while the agent runs and by the command line while it does not, so
//! that the key is read by whoever may read it. What a file means is the desk's affair
//! (`desk::file`). Invariant: an [`Answer`] was signed by this network's hub for this machine.

use std::path::Path;

use msap_shared::id::SessionToken;
use msap_shared::io::bundle::{Bundle, BundleError, Frames, Header, Kind};
use sha2::{Digest as _, Sha256};

use crate::exit::Exit;
use crate::identity::{Identity, IdentityError};

/// A file for the hub, as the core drafts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it says of itself; certificates are added when it is signed.
    pub header: Header,
    /// What a session would send.
    pub frames: Frames,
    /// Changes in it.
    pub changes: u64,
    /// Whether everything found room.
    pub whole: bool,
}

/// The hub's answer, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The token of the file that it answers.
    pub token: Option<SessionToken>,
    /// The day on which it was made.
    pub created: String,
    /// Tells it from others.
    pub hash: String,
    /// What a session would have brought.
    pub frames: Frames,
}

/// What an answer brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The day on which it was made.
    pub created: String,
    /// The same file was taken before: nothing changed.
    pub again: bool,
    /// The hub waits for somebody to approve this machine, and confirms nothing meanwhile.
    pub pending: bool,
    /// Changes that were not known to be held before.
    pub newly_confirmed: u64,
    /// Changes kept now.
    pub kept: u64,
    /// Of these, confirmed.
    pub confirmed: u64,
    /// Facts set aside after three refusals.
    pub refused: u64,
}

/// Why a file was not made or taken. Nothing has changed then. In French: read at the desk.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file itself.
    #[error("{}", .0.french())]
    Bundle(#[from] BundleError),
    /// It goes to the hub, or is for a join.
    #[error("{0}")]
    WrongWay(&'static str),
    /// It is for somebody else.
    #[error("ce fichier est pour le poste {device} du lieu {site}, pas pour celui-ci : importez-le là-bas")]
    OtherMachine {
        /// Whose it is.
        device: String,
        /// Where that is.
        site: String,
    },
    /// This machine's key or certificate.
    #[error("l’identité de ce poste ne se lit pas ({0}) : lancez msap-agent doctor")]
    Identity(#[from] IdentityError),
}

impl FileError {
    /// The exit code of a command that ends with this.
    pub fn exit(&self) -> Exit {
        match self {
            Self::WrongWay(_) | Self::OtherMachine { .. } | Self::Bundle(BundleError::Stranger) => Exit::Refused,
            Self::Bundle(BundleError::Sign(_)) | Self::Identity(_) => Exit::Failure,
            Self::Bundle(_) => Exit::Invalid,
        }
    }
}

/// Signs a draft with the key in `dir`.
///
/// # Errors
/// When the machine has no usable identity.
pub fn seal(dir: &Path, draft: &Draft) -> Result<Vec<u8>, FileError> {
    Ok(Identity::load(dir)?.seal(draft.header.clone(), draft.frames.as_bytes())?)
}

/// Opens a file from the hub, for the machine whose identity is in `dir`.
///
/// # Errors
/// When it is not of this network's hub, or not for this machine.
pub fn open(dir: &Path, bytes: &[u8]) -> Result<Answer, FileError> {
    let bundle = Bundle::parse(bytes)?;
    match bundle.header.kind {
        Kind::ToDevice => {}
        Kind::ToHub => {
            return Err(FileError::WrongWay(
                "ce fichier va d’un poste vers le hub : il s’importe au hub, qui en donne un autre en réponse",
            ));
        }
        Kind::JoinRequest | Kind::JoinAnswer => {
            return Err(FileError::WrongWay(
                "ce fichier sert à rattacher un poste : utilisez msap-agent join CODE --answer FICHIER",
            ));
        }
    }
    let identity = Identity::load(dir)?;
    bundle.check_hub(identity.authorities())?;
    let Header { site, device, created, token, .. } = bundle.header;
    if device != identity.fingerprint().device().to_string() {
        return Err(FileError::OtherMachine { device, site });
    }
    let hash = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Answer { token, created, hash, frames: Frames::read(bundle.body)? })
}
