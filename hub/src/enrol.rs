//! Enrolment at the hub: a one-time code becomes a certificate.
//!
//! Called by `accept` for connections with the ALPN of enrolment, and by the core, which runs
//! [`enrol_in`] in a transaction of the writer thread. Invariants: the code, the device's row
//! and the certificate change together; a wrong secret answers like an expired one, and slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use msap_shared::io::certificate::{self, CertificateError};
use msap_shared::io::enrol::{Answer, Denial, Denied, Enrolled, LABEL_LEN_MAX, MessageError, Request, read, write};
use msap_shared::io::join_code::JoinCode;
use msap_shared::io::link::{CloseCode, CloseReason};
use msap_shared::io::pump::End;
use msap_shared::io::quic;
use msap_shared::reference::AUTHORITIES;
use msap_shared::time::Day;
use quinn::Connection as QuicConnection;
use rusqlite::Connection;
use tracing::{debug, info, warn};

use crate::keys::{Keys, KeysError};
use crate::store::devices::{self, Applicant, EnrolError};
use crate::store::{StoreError, journal, references};

/// Time for a request, which its sender has at hand: nobody waits for a person here.
const REQUEST_MAX: Duration = Duration::from_secs(3);
/// Time for the answer to be taken.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// What a wrong secret costs whoever tries them.
const WRONG_SECRET_DELAY: Duration = Duration::from_millis(200);
/// Longest version noted, in characters.
const VERSION_LEN_MAX: usize = 32;

/// A future that can be named.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whoever can enrol a device: the core's handle, which calls [`enrol_in`].
pub trait Registrar: Send + Sync {
    /// Enrols a device, kept when this returns.
    fn enrol(&self, request: Request) -> BoxFuture<'_, Result<Enrolled, EnrolDenied>>;
}

/// Why a device is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolDenied {
    /// The code does not serve.
    #[error(transparent)]
    Code(#[from] EnrolError),
    /// The site of the code has retired since.
    #[error("the site has retired")]
    Retired,
    /// The signing request is not acceptable, or no certificate could be made.
    #[error("no certificate")]
    Certificate(#[from] CertificateError),
    /// The list of revocations could not be read.
    #[error("no list of revocations")]
    Keys(#[from] KeysError),
    /// The hub stops, or has too much to do.
    #[error("the hub cannot answer now")]
    Unavailable,
}

/// What a transaction needs to roll back by.
impl From<StoreError> for EnrolDenied {
    fn from(error: StoreError) -> Self {
        Self::Code(EnrolError::Store(error))
    }
}

impl EnrolDenied {
    /// What the agent is told.
    pub fn denial(&self) -> Denial {
        match self {
            Self::Code(EnrolError::Unknown | EnrolError::Expired) | Self::Retired => Denial::InvalidCode,
            Self::Code(EnrolError::Used) => Denial::CodeUsed,
            Self::Code(EnrolError::Revoked) => Denial::Revoked,
            Self::Code(EnrolError::OtherSite) => Denial::OtherSite,
            Self::Certificate(CertificateError::Request(_)) => Denial::BadRequest,
            Self::Code(EnrolError::Store(_)) | Self::Certificate(_) | Self::Keys(_) | Self::Unavailable => Denial::Busy,
        }
    }

    fn message(&self) -> &'static str {
        match self.denial() {
            Denial::InvalidCode => "ce code n’est pas ou plus valable",
            Denial::CodeUsed => "ce code a déjà servi à un autre poste",
            Denial::Revoked => "ce poste a été exclu du réseau",
            Denial::OtherSite => "ce code est celui d’un autre lieu",
            Denial::BadRequest => "la demande du poste est mal formée",
            Denial::Busy | Denial::Other => "le hub ne peut pas répondre pour l’instant",
        }
    }
}

/// Enrols a device within the caller's transaction: uses up the code, writes the row and the
/// journal, signs the certificate. `address` is where the device is to sync.
///
/// # Errors
/// [`EnrolDenied`]: the transaction is to be rolled back.
pub fn enrol_in(
    tx: &Connection,
    keys: &Keys,
    request: &Request,
    address: &str,
    now: Timestamp,
    today: Day,
) -> Result<Enrolled, EnrolDenied> {
    let secret_hash = JoinCode::secret_hash(&request.secret);
    let counts_for = request.site.as_deref();
    // The code first: only whoever was invited may have a signing request parsed.
    let site = devices::valid_for(tx, &secret_hash, counts_for, now.as_second())?;
    let profile = devices::profile(tx, &site)?.ok_or(EnrolDenied::Retired)?;
    let certificate = keys.certify_device(&request.signing_request, &site)?;
    let (fingerprint, _) = certificate::read_device(&certificate)?;
    // The list outlives the database: a key that it names has no row after a lost one.
    if keys.is_revoked(&fingerprint)? {
        return Err(EnrolError::Revoked.into());
    }
    let label = plain(&request.label, LABEL_LEN_MAX);
    let app_version = plain(&request.app, VERSION_LEN_MAX);
    let applicant = Applicant { fingerprint, label: &label, app_version: &app_version, counts_for };
    devices::enrol(tx, &secret_hash, &applicant, now.as_second(), today)?;
    // The answer brings the authorities: from now on the device holds them.
    references::set_held(tx, fingerprint.device(), AUTHORITIES, &keys.authorities_hash())?;
    journal::record(tx, now, "device.enrol", &fingerprint.device().to_string(), &format!("site {site}"))?;
    Ok(Enrolled {
        certificate: certificate.to_vec(),
        authorities: keys.authorities().iter().map(|authority| authority.to_vec().into()).collect(),
        profile,
        address: address.to_owned(),
    })
}

/// A bounded text without line breaks or other control characters: it is shown in tables.
fn plain(text: &str, len_max: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(len_max).collect()
}

/// Runs the conversation on a connection: one request, one answer.
pub(crate) async fn converse(connection: &QuicConnection, registrar: Arc<dyn Registrar>) -> CloseReason {
    let Ok(streams) = tokio::time::timeout(REQUEST_MAX, async {
        let (send, mut receive) = connection.accept_bi().await?;
        let request = read::<Request>(&mut receive).await;
        Ok::<_, quinn::ConnectionError>((send, request))
    })
    .await
    else {
        return quic::close(connection, CloseCode::Timeout);
    };
    let (mut send, request) = match streams {
        Ok((send, Ok(request))) => (send, request),
        Ok((mut send, Err(error))) => {
            debug!(error = &error as &dyn std::error::Error, "an enrolment without a request");
            let code = match error {
                MessageError::Io(_) | MessageError::Malformed(_) | MessageError::Unencodable => CloseCode::Protocol,
                MessageError::TooLong => CloseCode::TooLarge,
            };
            return quic::end(connection, &mut send, End::Ours(code)).await;
        }
        Err(error) => return quic::reason(&error),
    };
    let answer = match registrar.enrol(request).await {
        Ok(enrolled) => {
            info!(site.id = enrolled.profile.site, "enrolled a device");
            Answer::Enrolled(enrolled)
        }
        Err(denied) => {
            let denial = denied.denial();
            if denial == Denial::Busy {
                warn!(error = &denied as &dyn std::error::Error, "a device could not be enrolled");
            } else {
                info!(error = &denied as &dyn std::error::Error, "denied an enrolment");
            }
            if denial == Denial::InvalidCode {
                tokio::time::sleep(WRONG_SECRET_DELAY).await;
            }
            Answer::Denied(Denied { code: denial.number(), message: denied.message().to_owned() })
        }
    };
    let end = match tokio::time::timeout(ANSWER_MAX, write(&mut send, &answer)).await {
        Ok(Ok(())) => End::Ours(CloseCode::Normal),
        Ok(Err(_)) => End::Broken,
        Err(_) => End::Ours(CloseCode::Timeout),
    };
    quic::end(connection, &mut send, end).await
}
