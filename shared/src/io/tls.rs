//! TLS settings of both programs, one place for what is allowed.
//!
//! Called by the hub's `accept` and the agent's `dial` and `join`. TLS 1.3 only, one explicit
//! cryptographic provider, no session tickets and no early data: a resumed session would skip
//! the check of the client's certificate. Two conversations, told apart by ALPN: enrolment,
//! where the client has no certificate yet, and sync, where it must show one — the handshake
//! leaves that open because one port serves both; whoever accepts a sync connection refuses it
//! without a certificate.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore,
    ServerConfig, SignatureScheme,
};

use super::certificate::{HUB_NAME, spki_of};
use super::join_code::JoinCode;
use super::serving::Serving;

/// ALPN of enrolment.
pub const ALPN_ENROL: &[u8] = b"msap-enrol/1";
/// ALPN of sync.
pub const ALPN_SYNC: &[u8] = b"msap-sync/1";

/// What a connection is for, as its ALPN says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A machine joins.
    Enrol,
    /// A device syncs.
    Sync,
}

impl Conversation {
    /// By the protocol that the handshake agreed on.
    pub fn of_alpn(protocol: &[u8]) -> Option<Self> {
        match protocol {
            ALPN_ENROL => Some(Self::Enrol),
            ALPN_SYNC => Some(Self::Sync),
            _ => None,
        }
    }
}

/// 2025-01-01 and 2100-01-01, in seconds since 1970: well inside every certificate's validity.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);
const LATEST: Duration = Duration::from_secs(4_102_444_800);
/// Beside its own certificate a hub shows its authority; during a rotation also the one before and
/// the certificate by which that one vouches for the new one.
const CHAIN_LEN_MAX: usize = 4;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate, key or setting that rustls refuses.
    #[error("TLS cannot be set up")]
    Rustls(#[from] Error),
    /// The client verifier has no usable authority.
    #[error("no usable authority to verify peers with")]
    Authorities(#[source] Option<rustls::server::VerifierBuilderError>),
}

/// The one cryptographic provider.
pub fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    // The other suite with AES derives its keys with SHA-384, which processors do not help with:
    // slower, for a strength that P-256 certificates do not have.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// The wall clock, held between two dates inside every certificate's validity: a machine whose
/// clock says 1970 or 2131 must still reach its hub. It costs nothing, since no certificate here
/// is meant to expire.
#[derive(Debug)]
struct HeldClock;

impl TimeProvider for HeldClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(hold(UnixTime::now()))
    }
}

fn hold(time: UnixTime) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(time.as_secs()).clamp(EARLIEST, LATEST))
}

pub(super) fn roots(authorities: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    if roots.is_empty() {
        return Err(TlsError::Authorities(None));
    }
    Ok(Arc::new(roots))
}

/// The hub's side, for both conversations: what it shows and whom it admits may change while it
/// serves.
///
/// # Errors
/// When rustls refuses the settings.
pub fn hub(serving: Arc<Serving>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(HeldClock))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(serving.clone())
        .with_cert_resolver(serving);
    config.alpn_protocols = vec![ALPN_SYNC.to_vec(), ALPN_ENROL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// A device's side of sync: shows its certificate, trusts any of `authorities`.
///
/// # Errors
/// When rustls refuses the certificates or the key.
pub fn device(
    authorities: &[CertificateDer<'static>],
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, TlsError> {
    let config = ClientConfig::builder_with_details(provider(), Arc::new(HeldClock))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(authorities)?)
        .with_client_auth_cert(chain, key)?;
    Ok(finished(config, ALPN_SYNC))
}

/// An enrolling machine's side: trusts the authority whose key the join code names, if the hub
/// shows it.
///
/// # Errors
/// When rustls refuses the settings.
pub fn enrolling(ca_hash: [u8; 16]) -> Result<ClientConfig, TlsError> {
    let config = ClientConfig::builder_with_details(provider(), Arc::new(HeldClock))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamedAuthority { ca_hash, provider: provider() }))
        .with_no_client_auth();
    Ok(finished(config, ALPN_ENROL))
}

fn finished(mut config: ClientConfig, alpn: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config
}

/// Checks a device's certificate as a handshake would: for what it signed without one.
///
/// # Errors
/// When none of `authorities` certified it as a device's.
pub fn verify_device(
    authorities: &[CertificateDer<'static>],
    certificate: &CertificateDer<'_>,
) -> Result<(), TlsError> {
    WebPkiClientVerifier::builder_with_provider(roots(authorities)?, provider())
        .build()
        .map_err(|error| TlsError::Authorities(Some(error)))?
        .verify_client_cert(certificate, &[], hold(UnixTime::now()))?;
    Ok(())
}

/// Checks the hub's certificate as a handshake would; `shown` came beside it and may lead from
/// there to an authority.
///
/// # Errors
/// When none of `authorities` certified it as the hub's.
pub fn verify_hub(
    authorities: &[CertificateDer<'static>],
    certificate: &CertificateDer<'_>,
    shown: &[CertificateDer<'_>],
) -> Result<(), TlsError> {
    WebPkiServerVerifier::builder_with_provider(roots(authorities)?, provider())
        .build()
        .map_err(|error| TlsError::Authorities(Some(error)))?
        .verify_server_cert(certificate, shown, &hub_name()?, &[], hold(UnixTime::now()))?;
    Ok(())
}

/// Checks the hub's certificate, shown beside its authorities, by what a join code says.
///
/// # Errors
/// When none of `shown` has the named key, or it did not certify the hub.
pub fn verify_named_hub(
    ca_hash: [u8; 16],
    certificate: &CertificateDer<'_>,
    shown: &[CertificateDer<'_>],
) -> Result<(), TlsError> {
    let verifier = NamedAuthority { ca_hash, provider: provider() };
    verifier.verify_server_cert(certificate, shown, &hub_name()?, &[], hold(UnixTime::now()))?;
    Ok(())
}

fn hub_name() -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(HUB_NAME).map_err(|_| Error::UnsupportedNameType.into())
}

/// Verifies a hub by the hash of its authority's key, then like any certificate.
#[derive(Debug)]
struct NamedAuthority {
    ca_hash: [u8; 16],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for NamedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let named = intermediates
            .iter()
            .take(CHAIN_LEN_MAX)
            .find(|shown| spki_of(shown).is_ok_and(|spki| JoinCode::names_ca(&self.ca_hash, &spki)))
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let between = intermediates.get(..CHAIN_LEN_MAX).unwrap_or(intermediates);
        let mut roots = RootCertStore::empty();
        roots.add(named.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?
            .verify_server_cert(end_entity, between, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Only TLS 1.3 is offered.
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate::{Authority, Key};
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(secs))
    }

    fn verify(ca_hash: [u8; 16], leaf: &CertificateDer<'_>, shown: &[CertificateDer<'_>], name: &str) -> bool {
        let verifier = NamedAuthority { ca_hash, provider: provider() };
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(leaf, shown, &name, &[], hold(at(0))).is_ok()
    }

    #[test]
    fn a_wrong_clock_is_held_inside_every_certificates_validity() {
        for (clock, held) in [(0, EARLIEST), (u64::MAX, LATEST), (1_800_000_000, Duration::from_secs(1_800_000_000))] {
            assert_eq!(hold(at(clock)).as_secs(), held.as_secs());
        }
    }

    #[test]
    fn the_suite_that_processors_help_with_comes_first_and_none_is_lost() {
        let suites: Vec<_> = provider().cipher_suites.iter().map(|suite| suite.suite()).collect();
        assert_eq!(suites.first(), Some(&CipherSuite::TLS13_AES_128_GCM_SHA256));
        let known = rustls::crypto::ring::default_provider().cipher_suites;
        assert!(known.iter().all(|suite| suites.contains(&suite.suite())) && known.len() == suites.len());
    }

    #[test]
    fn only_the_hub_of_the_named_authority_is_trusted() {
        let ours = Authority::new(Key::generate().unwrap()).unwrap();
        let theirs = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let hub = ours.certify_hub(&key).unwrap();
        let shown = [ours.certificate().clone()];
        assert!(verify(ours.hash(), &hub, &shown, HUB_NAME));
        // During a rotation the named authority may be the second one.
        assert!(verify(ours.hash(), &hub, &[theirs.certificate().clone(), shown[0].clone()], HUB_NAME));
        assert!(!verify(ours.hash(), &hub, &shown, "hub.example.fr"));
        assert!(!verify(ours.hash(), &hub, &[], HUB_NAME));
        assert!(!verify(theirs.hash(), &hub, &shown, HUB_NAME));
        // The right authority shown beside a leaf that it did not sign.
        assert!(!verify(ours.hash(), &theirs.certify_hub(&key).unwrap(), &shown, HUB_NAME));
        // The named authority vouches for the one that signed.
        let cross = ours.vouch_for(&theirs).unwrap();
        let new = theirs.certify_hub(&key).unwrap();
        let both = [cross.clone(), theirs.certificate().clone(), shown[0].clone()];
        assert!(verify(ours.hash(), &new, &both, HUB_NAME) && verify(theirs.hash(), &new, &both, HUB_NAME));
        assert!(!verify(ours.hash(), &new, &both[1..], HUB_NAME));
        assert!(!verify(ours.hash(), &new, &[theirs.vouch_for(&ours).unwrap(), shown[0].clone()], HUB_NAME));
        // A device of the network that plays the hub.
        let device = ours.certify_device(&key.signing_request().unwrap(), &"361".parse().unwrap()).unwrap();
        assert!(!verify(ours.hash(), &device, &shown, HUB_NAME));
    }
}
