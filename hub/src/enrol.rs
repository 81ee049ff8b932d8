//! Enrolment at the hub: a one-time code becomes a certificate.
//!
//! Called by `accept` for connections with the ALPN of enrolment, and by the core, which runs
//! [`enrol_in`] in a transaction of the writer thread. Invariants: the code, the device's row
//! and the certificate change together; a wrong secret answers like an expired one, and slowly.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use msap_shared::io::certificate::{self, CertificateError};
use msap_shared::io::enrol::{Answer, Denial, Denied, Enrolled, LABEL_LEN_MAX, MessageError, Request, read, write};
use msap_shared::io::join_code::JoinCode;
use msap_shared::io::link::{CloseCode, CloseReason, Link};
use msap_shared::io::pump::End;
use msap_shared::reference::AUTHORITIES;
use rusqlite::Connection;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

use crate::core::Core;
use crate::keys::{Keys, KeysError};
use crate::store::devices::{self, Applicant, EnrolError, Standing};
use crate::store::{StoreError, journal, references, sites};

/// Time for a request, which its sender has at hand: nobody waits for a person here.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(3);
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

    /// Why, in French.
    pub(crate) fn message(&self) -> &'static str {
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

/// Where devices that enrol are told to sync; empty when nobody has said what address they reach
/// this hub by: then the one in their code stays.
pub fn advertised(setting: Option<&str>, sync: SocketAddr) -> String {
    match setting {
        Some(address) => address.to_owned(),
        None if sync.ip().is_unspecified() => String::new(),
        None => sync.to_string(),
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
) -> Result<Enrolled, EnrolDenied> {
    let applying = Applying {
        secret_hash: JoinCode::secret_hash(&request.secret),
        signing_request: &request.signing_request,
        label: &request.label,
        app: &request.app,
        counts_for: request.site.as_deref(),
        previous: request.previous.as_deref(),
    };
    enrol(tx, keys, &applying, address, now)
}

/// What a machine shows to be enrolled, however it was carried here.
pub(crate) struct Applying<'a> {
    /// SHA-256 of the code's secret, which it showed or proved to know.
    pub(crate) secret_hash: [u8; 32],
    /// Its signing request, DER.
    pub(crate) signing_request: &'a [u8],
    /// What people call it.
    pub(crate) label: &'a str,
    /// The agent's version.
    pub(crate) app: &'a str,
    /// The site whose visits are kept on it already.
    pub(crate) counts_for: Option<&'a str>,
    /// The device that it was until now.
    pub(crate) previous: Option<&'a str>,
}

pub(crate) fn enrol(
    tx: &Connection,
    keys: &Keys,
    applying: &Applying<'_>,
    address: &str,
    now: Timestamp,
) -> Result<Enrolled, EnrolDenied> {
    let Applying { secret_hash, signing_request, label, app, counts_for, previous } = *applying;
    // The code first: only whoever was invited may have a signing request parsed.
    let site = devices::valid_for(tx, &secret_hash, counts_for, now.as_second())?;
    let profile = devices::profile(tx, &site)?.ok_or(EnrolDenied::Retired)?;
    let certificate = keys.certify_device(signing_request, &site)?;
    let (fingerprint, _) = certificate::read_device(&certificate)?;
    // The list outlives the database: a key that it names has no row after a lost one.
    if keys.is_revoked(&fingerprint)? {
        return Err(EnrolError::Revoked.into());
    }
    let label = plain(label, LABEL_LEN_MAX);
    let app_version = plain(app, VERSION_LEN_MAX);
    let previous = previous.and_then(|id| id.parse().ok());
    // A site reports from its own day on, which may be another one than the hub's.
    let today = sites::day_at(tx, &site, now)?;
    let applicant = Applicant { fingerprint, label: &label, app_version: &app_version, counts_for, previous };
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

/// Turns away the device whose place this invitation was made to give to another, which has just
/// taken it.
pub fn exclude_replaced(core: &mut Core, keys: &Keys, secret_hash: &[u8; 32], now: Timestamp) {
    let mut exclude = || -> Result<(), EnrolDenied> {
        let invitation = devices::invitation(core.connection(), secret_hash)?;
        let Some((old, new)) = invitation.and_then(|made| made.replaces.zip(made.device)) else { return Ok(()) };
        let row = devices::show(core.connection(), old)?.filter(|row| old != new && row.standing != Standing::Revoked);
        let Some(row) = row else { return Ok(()) };
        let reason = format!("remplacé par {new}");
        // The list beside the keys comes first: it must hold whatever happens to the database.
        keys.append_revocation(&row.fingerprint, core.day(now), &reason)?;
        core.revoke(old, &reason, now)?;
        Ok(())
    };
    if let Err(error) = exclude() {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a replaced device could not be turned away: revoke it by hand"
        );
    }
}

/// A bounded text without line breaks or other control characters: it is shown in tables.
fn plain(text: &str, len_max: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(len_max).collect()
}

/// Runs the conversation on a link: one request, there by `asked_by`, and one answer.
pub(crate) async fn converse(link: &mut Link, asked_by: Instant, registrar: &dyn Registrar) -> End {
    let (receive, send) = link.streams();
    let request = match timeout_at(asked_by, read::<Request>(receive)).await {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => {
            debug!(error = &error as &dyn std::error::Error, "an enrolment without a request");
            return End::Ours(match error {
                MessageError::Io(_) | MessageError::Malformed(_) | MessageError::Unencodable => CloseCode::Protocol,
                MessageError::TooLong => CloseCode::TooLarge,
            });
        }
        Err(_) => return End::Ours(CloseCode::Timeout),
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
    match write(send, &answer).await {
        Ok(()) => End::Ours(CloseCode::Normal),
        Err(_) => End::Broken(CloseReason::Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_nobody_can_reach_is_not_given_to_devices() {
        let bound = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(advertised(None, bound("[::]:4433")), "");
        assert_eq!(advertised(None, bound("0.0.0.0:4433")), "");
        assert_eq!(advertised(None, bound("192.0.2.1:4433")), "192.0.2.1:4433");
        assert_eq!(advertised(Some("hub.exemple.fr:4433"), bound("[::]:4433")), "hub.exemple.fr:4433");
    }
}
