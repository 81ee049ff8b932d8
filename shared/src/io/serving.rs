//! What the hub shows and whom it admits, replaceable while it serves.
//!
//! Made by the hub's keys, used by every TLS port of it: a rotation of the authority takes effect
//! at the next handshake, whatever carries it. Devices have their authorities and are shown the
//! chain alone; a machine that joins looks for the authority that its code names, and is shown
//! that too.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::tls::{ALPN_ENROL, TlsError, provider, roots};

/// What a hub shows and trusts at a time.
pub struct Shown {
    /// Its certificate, and what leads from there to every authority that devices trust.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// The authorities: shown to machines that join, and whose devices are admitted.
    pub authorities: Vec<CertificateDer<'static>>,
}

struct Current {
    devices: Arc<CertifiedKey>,
    joining: Arc<CertifiedKey>,
    clients: Arc<dyn ClientCertVerifier>,
}

/// The present [`Shown`], for TLS.
pub struct Serving(RwLock<Arc<Current>>);

impl Serving {
    /// Begins with this.
    ///
    /// # Errors
    /// When rustls refuses the certificates or the key.
    pub fn new(shown: Shown) -> Result<Self, TlsError> {
        Ok(Self(RwLock::new(Arc::new(current(shown)?))))
    }

    /// Goes on with this, from the next handshake on.
    ///
    /// # Errors
    /// When rustls refuses it: what was shown before stays.
    pub fn replace(&self, shown: Shown) -> Result<(), TlsError> {
        let next = Arc::new(current(shown)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn current(shown: Shown) -> Result<Current, TlsError> {
    let Shown { chain, key, authorities } = shown;
    let whole = chain.iter().chain(&authorities).cloned().collect();
    let joining = CertifiedKey::from_der(whole, key.clone_key(), &provider())?;
    let devices = CertifiedKey::from_der(chain, key, &provider())?;
    let clients = WebPkiClientVerifier::builder_with_provider(roots(&authorities)?, provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsError::Authorities(Some(error)))?;
    Ok(Current { devices: Arc::new(devices), joining: Arc::new(joining), clients })
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let joins = hello.alpn().is_some_and(|mut offered| offered.any(|alpn| alpn == ALPN_ENROL));
        let current = self.current();
        Some(if joins { current.joining.clone() } else { current.devices.clone() })
    }
}

impl ClientCertVerifier for Serving {
    fn client_auth_mandatory(&self) -> bool {
        self.current().clients.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A device has one certificate: hints would only cost bytes.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.current().clients.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current().clients.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current().clients.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().clients.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate::{Authority, Key};
    use super::*;

    #[test]
    fn authorities_are_shown_to_whoever_enrols_and_to_nobody_else() {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let chain = vec![authority.certify_hub(&key).unwrap()];
        let authorities = vec![authority.certificate().clone()];
        let whole = [chain.clone(), authorities.clone()].concat();
        let current = current(Shown { chain: chain.clone(), key: key.to_der(), authorities }).unwrap();
        assert_eq!((&current.joining.cert, &current.devices.cert), (&whole, &chain));
    }
}
