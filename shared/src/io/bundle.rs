//! Bundles: the frames of a session in one signed file, for a machine without any network.
//!
//! Written and read by the hub's and the agent's modules of that name. A file is a line that says
//! what it is, the format's version, a header in CBOR behind its length, a body, the signature of
//! everything before it, and the signature's length in one byte. The body of an exchange is the
//! frames as a session would send them; that of a join is one message.
//!
//! Invariants: nothing of a body is believed before the signature holds and the certificate in
//! the header is one of this network's; a file is at most [`LEN_MAX`] bytes and
//! [`FRAMES_MAX`] frames, written or read; no bytes panic.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use rustls::pki_types::CertificateDer;

use super::certificate::{self, CertificateError, Key};
use super::tls;
use crate::frame::{self, BODY_LEN_MAX, Frame, FrameError, HEADER_LEN};
use crate::id::{Epoch, Fingerprint, SessionToken, SiteId};

pub mod join;
#[cfg(test)]
mod tests;

/// Longest file: what a site counts in many years.
pub const LEN_MAX: usize = 8 * 1024 * 1024;
/// Most frames in one file: bounds what a short file can cost once it is expanded.
pub const FRAMES_MAX: usize = 16_384;

const MAGIC: &[u8; 12] = b"msap-bundle\n";
const VERSION: u8 = 1;
const HEADER_LEN_MAX: usize = 16 * 1024;
/// Room that a builder leaves for header and signature.
const FRAMES_LEN_MAX: usize = LEN_MAX - HEADER_LEN_MAX - 1024;

/// Which way a file goes, and what its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Device → hub: frames.
    #[n(0)]
    ToHub,
    /// Hub → device: frames.
    #[n(1)]
    ToDevice,
    /// New machine → hub: see [`join`].
    #[n(2)]
    JoinRequest,
    /// Hub → new machine: see [`join`].
    #[n(3)]
    JoinAnswer,
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// Which way it goes.
    #[n(0)]
    pub kind: Kind,
    /// The site; empty in a request to join.
    #[n(1)]
    pub site: String,
    /// The device that wrote it, or that it is for.
    #[n(2)]
    pub device: String,
    /// The day on which it was made, by its maker's calendar. Shown, never trusted.
    #[n(3)]
    pub created: String,
    /// The epoch that its maker knew.
    #[n(4)]
    pub epoch: Option<Epoch>,
    /// To the hub: what an answer must carry to count. To the device: what it answers; nothing
    /// when the hub has had no file of the device.
    #[n(5)]
    pub token: Option<SessionToken>,
    /// The signer's certificate, and the authorities that a new machine looks for.
    #[n(6)]
    pub certificates: Vec<ByteVec>,
}

/// Why a file is not taken. Nothing of it has been.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Another kind of file.
    #[error("this is not a file made by msap-agent or msap-hub: check which file was copied")]
    NotABundle,
    /// A version of later on.
    #[error("the file was made by a newer version ({0}): update this program")]
    Newer(u8),
    /// Cut, or changed on the way.
    #[error("the file is damaged or incomplete: copy it again, or make it anew")]
    Damaged,
    /// Beyond [`LEN_MAX`] or [`FRAMES_MAX`].
    #[error("the file is larger than any that these programs make")]
    TooLong,
    /// A frame in it that no session would send.
    #[error("the file holds what this version does not understand: update this program, or make the file anew")]
    Frame(#[source] FrameError),
    /// Signed by nobody of this network.
    #[error("the file does not come from this network")]
    Stranger,
    /// It could not be signed.
    #[error("the file cannot be signed")]
    Sign(#[source] CertificateError),
}

impl BundleError {
    /// The same, as people read it in French.
    pub fn french(&self) -> &'static str {
        match self {
            Self::NotABundle => {
                "ce n’est pas un fichier fait par msap-agent ou msap-hub : vérifiez quel fichier a été copié"
            }
            Self::Newer(_) => "le fichier vient d’une version plus récente : mettez ce programme à jour",
            Self::Damaged => "le fichier est abîmé ou incomplet : recopiez-le, ou refaites-le",
            Self::TooLong => "le fichier est plus gros que tous ceux que font ces programmes",
            Self::Frame(_) => {
                "le fichier contient ce que cette version ne comprend pas : mettez ce programme à jour, ou refaites le \
                 fichier"
            }
            Self::Stranger => "le fichier ne vient pas de ce réseau",
            Self::Sign(_) => "le fichier ne peut pas être signé : lancez doctor",
        }
    }
}

/// A file taken apart: nothing in it is believed yet.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// What it says of itself.
    pub header: Header,
    /// Its body.
    pub body: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Takes a file apart.
    ///
    /// # Errors
    /// When it is not of this form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BundleError> {
        if bytes.len() > LEN_MAX {
            return Err(BundleError::TooLong);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(BundleError::NotABundle)?;
        let (&version, rest) = rest.split_first().ok_or(BundleError::Damaged)?;
        if version != VERSION {
            return Err(BundleError::Newer(version));
        }
        let (&signature_len, before) = bytes.split_last().ok_or(BundleError::Damaged)?;
        let signed_len = before.len().checked_sub(usize::from(signature_len)).ok_or(BundleError::Damaged)?;
        let (signed, signature) = before.split_at(signed_len);
        let (len, rest) = rest.split_first_chunk().ok_or(BundleError::Damaged)?;
        let header_len = u32::from_be_bytes(*len) as usize;
        let body_from = bytes.len() - rest.len() + header_len.min(HEADER_LEN_MAX + 1);
        let header = rest.get(..header_len).filter(|_| header_len <= HEADER_LEN_MAX).ok_or(BundleError::Damaged)?;
        let body = signed.get(body_from..).ok_or(BundleError::Damaged)?;
        let header = minicbor::decode(header).map_err(|_| BundleError::Damaged)?;
        Ok(Self { header, body, signed, signature })
    }

    /// Whether the holder of a certificate's key signed all of it.
    ///
    /// # Errors
    /// [`BundleError::Damaged`].
    pub fn check_signature(&self, certificate: &CertificateDer<'_>) -> Result<(), BundleError> {
        match certificate::verifies(certificate, self.signed, self.signature) {
            true => Ok(()),
            false => Err(BundleError::Damaged),
        }
    }

    /// The device that signed it, certified by one of these authorities.
    ///
    /// # Errors
    /// When it was signed by nobody of this network, or changed since.
    pub fn signing_device(
        &self,
        authorities: &[CertificateDer<'static>],
    ) -> Result<(Fingerprint, SiteId), BundleError> {
        let certificate = self.certificate()?;
        self.check_signature(&certificate)?;
        tls::verify_device(authorities, &certificate).map_err(|_| BundleError::Stranger)?;
        certificate::read_device(&certificate).map_err(|_| BundleError::Stranger)
    }

    /// The public key of the certificate that it names as its signer's.
    ///
    /// # Errors
    /// When there is none.
    pub fn signer_key(&self) -> Result<Vec<u8>, BundleError> {
        certificate::spki_of(&self.certificate()?).map_err(|_| BundleError::Damaged)
    }

    /// Checks that a hub certified by one of these authorities signed it.
    ///
    /// # Errors
    /// When it was signed by nobody of this network, or changed since.
    pub fn check_hub(&self, authorities: &[CertificateDer<'static>]) -> Result<(), BundleError> {
        let certificate = self.certificate()?;
        self.check_signature(&certificate)?;
        tls::verify_hub(authorities, &certificate, &self.shown()).map_err(|_| BundleError::Stranger)
    }

    /// Checks that the hub signed it that a join code names by its authority's hash.
    ///
    /// # Errors
    /// When another did, or it was changed since.
    pub fn check_named_hub(&self, ca_hash: [u8; 16]) -> Result<(), BundleError> {
        let certificate = self.certificate()?;
        self.check_signature(&certificate)?;
        tls::verify_named_hub(ca_hash, &certificate, &self.shown()).map_err(|_| BundleError::Stranger)
    }

    /// What came beside the signer's certificate.
    fn shown(&self) -> Vec<CertificateDer<'static>> {
        self.header.certificates.iter().skip(1).map(owned).collect()
    }

    fn certificate(&self) -> Result<CertificateDer<'static>, BundleError> {
        self.header.certificates.first().map(owned).ok_or(BundleError::Damaged)
    }
}

fn owned(der: &ByteVec) -> CertificateDer<'static> {
    CertificateDer::from(der.to_vec())
}

/// Makes a file: header and body, signed.
///
/// # Errors
/// When it would be too long, or the key does not sign.
pub fn seal(header: &Header, body: &[u8], key: &Key) -> Result<Vec<u8>, BundleError> {
    let header = minicbor::to_vec(header).map_err(|_| BundleError::TooLong)?;
    if header.len() > HEADER_LEN_MAX || body.len() > FRAMES_LEN_MAX {
        return Err(BundleError::TooLong);
    }
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    // At most 2^14.
    file.extend_from_slice(&(header.len() as u32).to_be_bytes());
    file.extend_from_slice(&header);
    file.extend_from_slice(body);
    let signature = key.sign(&file).map_err(BundleError::Sign)?;
    let len = u8::try_from(signature.len()).map_err(|_| BundleError::TooLong)?;
    file.extend_from_slice(&signature);
    file.push(len);
    Ok(file)
}

/// The frames of a file: each of them reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    bytes: Vec<u8>,
    count: usize,
}

impl Frames {
    /// Reads every frame of a body once, so that what follows cannot end half-way.
    ///
    /// # Errors
    /// When the body is cut or holds what is no frame.
    pub fn read(body: &[u8]) -> Result<Self, BundleError> {
        let (mut rest, mut count) = (body, 0);
        while !rest.is_empty() {
            if count == FRAMES_MAX {
                return Err(BundleError::TooLong);
            }
            (_, rest) = next(rest)?;
            count += 1;
        }
        Ok(Self { bytes: body.to_vec(), count })
    }

    /// Adds a frame, if there is room. `false` when there is none: what is left goes into the
    /// next file.
    ///
    /// # Errors
    /// When the frame itself is too long.
    pub fn push(&mut self, frame: &Frame) -> Result<bool, BundleError> {
        if self.count == FRAMES_MAX || self.bytes.len() + HEADER_LEN + BODY_LEN_MAX > FRAMES_LEN_MAX {
            return Ok(false);
        }
        frame::encode(frame, &mut self.bytes).map_err(BundleError::Frame)?;
        self.count += 1;
        Ok(true)
    }

    /// The body of the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One frame after the other; those of a newer version are skipped.
    pub fn iter(&self) -> impl Iterator<Item = Frame> + '_ {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            // Every frame was read or written here before.
            let (frame, after) = next(rest).ok()?;
            rest = after;
            Some(frame)
        })
        .flatten()
    }
}

/// The first frame, and what follows it. The inner `None` is a type that this version skips.
fn next(bytes: &[u8]) -> Result<(Option<Frame>, &[u8]), BundleError> {
    let (head, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(BundleError::Damaged)?;
    let header = frame::header(*head).map_err(BundleError::Frame)?;
    let (body, rest) = rest.split_at_checked(header.body_len).ok_or(BundleError::Damaged)?;
    Ok((frame::decode(header, body).map_err(BundleError::Frame)?, rest))
}
