//! Certificates: the network's own authority, the hub's, the devices'.
//!
//! The hub makes them (`keys`, `enrol`), the agent makes a key and asks; both read them. What a
//! certificate says beyond «this key was enrolled for this site» decides nothing: identity is
//! the fingerprint's row in the hub's device table. Hence they are valid for a century: an
//! expiry would lock out a machine that was switched off for months and stop no thief.
//! Invariant: a device's certificate cannot stand for the hub, nor the hub's for a device.

use data_encoding::BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SigningKey as _, SubjectPublicKeyInfo, date_time_ymd,
};
use ring::hmac;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::id::{Fingerprint, SiteId};

/// The name in the hub's certificate: the same whatever address it is reached at.
pub const HUB_NAME: &str = "hub.msap.internal";

const SITE_URI: &str = "msap:site:";
/// An uncompressed P-256 point.
const P256_POINT_LEN: usize = 65;

/// Why a key or certificate was not made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The library refused while making one.
    #[error("cannot make {what}")]
    Make {
        /// What was being made.
        what: &'static str,
        /// The library's reason.
        #[source]
        source: rcgen::Error,
    },
    /// A private key that does not parse.
    #[error("the private key does not parse")]
    Key(#[source] rcgen::Error),
    /// A signing request that does not parse, is not signed by its own key, or is no P-256 key.
    #[error("the signing request is not acceptable")]
    Request(#[source] Option<rcgen::Error>),
    /// Bytes that are no certificate.
    #[error("not an X.509 certificate")]
    NotX509,
    /// A certificate that names no site, or several.
    #[error("the certificate does not name one site")]
    NoSite,
}

fn making(what: &'static str) -> impl Fn(rcgen::Error) -> CertificateError {
    move |source| CertificateError::Make { what, source }
}

/// A P-256 key, of an authority, a hub or a device.
pub struct Key(KeyPair);

impl Key {
    /// Draws a new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, CertificateError> {
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map(Self).map_err(making("a key"))
    }

    /// Reads a key in PKCS#8 PEM; text before it is skipped.
    ///
    /// # Errors
    /// When it is no P-256 key.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        KeyPair::from_pkcs8_pem_and_sign_algo(text, &rcgen::PKCS_ECDSA_P256_SHA256)
            .map(Self)
            .map_err(CertificateError::Key)
    }

    /// The key in PKCS#8 PEM: for a private file, nowhere else.
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// The key for rustls.
    pub fn to_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.serialize_der()))
    }

    /// The public key's SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// The identity this key stands for.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.spki())
    }

    /// A secret that follows from this key, another for each `label`.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0.serialize_der());
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&key, label.as_bytes()).as_ref());
        secret
    }

    /// A signing request: the public key, proved to be held. It asks for nothing else.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn signing_request(&self) -> Result<Vec<u8>, CertificateError> {
        let request = CertificateParams::default().serialize_request(&self.0).map_err(making("a signing request"))?;
        Ok(request.der().to_vec())
    }

    /// Signs a message: ECDSA over SHA-256. [`verifies`] is its counterpart.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CertificateError> {
        self.0.sign(message).map_err(making("a signature"))
    }
}

/// Whether the key of a certificate signed a message. Says nothing of whose certificate it is.
pub fn verifies(certificate: &CertificateDer<'_>, message: &[u8], signature: &[u8]) -> bool {
    parse(certificate).is_ok_and(|parsed| {
        let point = &parsed.public_key().subject_public_key.data;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
    })
}

/// What every certificate here has in common.
fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

fn authority_params(key: Fingerprint) -> CertificateParams {
    // The name carries the key: after a rotation, two authorities are two names.
    let mut params = params(&format!("msap authority {}", key.device()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// The network's certificate authority: its key signs the hub and every device.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    spki: Vec<u8>,
}

impl Authority {
    /// Takes up an authority's key. Its certificate follows from the key: the same names and
    /// dates each time, so that a lost certificate file is no loss.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(key: Key) -> Result<Self, CertificateError> {
        let params = authority_params(key.fingerprint());
        let certificate = params.self_signed(&key.0).map_err(making("the authority's certificate"))?.der().clone();
        let spki = key.spki();
        Ok(Self { issuer: Issuer::new(params, key.0), certificate, spki })
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the authority's public key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.spki)
    }

    /// What an invitation carries: the first half of the fingerprint.
    pub fn hash(&self) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&self.fingerprint().as_bytes()[..16]);
        half
    }

    /// Vouches for another authority: whoever trusts this one comes to trust what that one signs,
    /// for as long as this certificate is shown.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn vouch_for(&self, other: &Self) -> Result<CertificateDer<'static>, CertificateError> {
        let params = authority_params(other.fingerprint());
        let vouched = params.signed_by(other.issuer.key(), &self.issuer);
        Ok(vouched.map_err(making("the certificate of another authority"))?.der().clone())
    }

    /// Certifies the hub's key: for serving only, under [`HUB_NAME`].
    ///
    /// # Errors
    /// When the library refuses.
    pub fn certify_hub(&self, key: &Key) -> Result<CertificateDer<'static>, CertificateError> {
        let failed = making("the hub's certificate");
        let mut params = params(HUB_NAME);
        params.subject_alt_names = vec![SanType::DnsName(HUB_NAME.try_into().map_err(&failed)?)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Ok(params.signed_by(&key.0, &self.issuer).map_err(&failed)?.der().clone())
    }

    /// Certifies a device of `site`. Of the request only the public key is used, once its
    /// signature shows that the asker holds the private one.
    ///
    /// # Errors
    /// [`CertificateError::Request`] for a request that is not acceptable.
    pub fn certify_device(&self, request: &[u8], site: &SiteId) -> Result<CertificateDer<'static>, CertificateError> {
        let failed = making("the device's certificate");
        let mut request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
            .map_err(|error| CertificateError::Request(Some(error)))?;
        if !is_p256(&request.public_key) {
            return Err(CertificateError::Request(None));
        }
        request.params = device_params(site)?;
        Ok(request.signed_by(&self.issuer).map_err(&failed)?.der().clone())
    }

    /// Certifies a public key, as SubjectPublicKeyInfo, whose holder has proved to hold it.
    ///
    /// # Errors
    /// [`CertificateError::Request`] for what is no P-256 key.
    pub fn certify_key(&self, spki: &[u8], site: &SiteId) -> Result<CertificateDer<'static>, CertificateError> {
        let key = SubjectPublicKeyInfo::from_der(spki).map_err(|error| CertificateError::Request(Some(error)))?;
        if !is_p256(&key) {
            return Err(CertificateError::Request(None));
        }
        let certificate = device_params(site)?.signed_by(&key, &self.issuer);
        Ok(certificate.map_err(making("the device's certificate"))?.der().clone())
    }
}

fn is_p256(key: &impl PublicKeyData) -> bool {
    key.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256 && key.der_bytes().len() == P256_POINT_LEN
}

/// What a certificate says of a device.
fn device_params(site: &SiteId) -> Result<CertificateParams, CertificateError> {
    let mut params = params(site.as_str());
    let uri = format!("{SITE_URI}{site}").as_str().try_into().map_err(making("the device's certificate"))?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// A certificate in PEM, for people and their tools.
pub fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in BASE64.encode(certificate).as_bytes().chunks(64) {
        text.extend(line.iter().map(|&symbol| char::from(symbol)));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// All certificates of a PEM text, in order.
///
/// # Errors
/// [`CertificateError::NotX509`] when there is none, or one that does not parse.
pub fn from_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|_| CertificateError::NotX509)?;
    if found.is_empty() || found.iter().any(|certificate| parse(certificate).is_err()) {
        return Err(CertificateError::NotX509);
    }
    Ok(found)
}

/// The SubjectPublicKeyInfo of a certificate.
///
/// # Errors
/// [`CertificateError::NotX509`].
pub fn spki_of(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, CertificateError> {
    Ok(parse(certificate)?.public_key().raw.to_vec())
}

/// Whether a certificate names this authority as the one that signed it.
///
/// # Errors
/// [`CertificateError::NotX509`].
pub fn is_issued_by(
    certificate: &CertificateDer<'_>,
    authority: &CertificateDer<'_>,
) -> Result<bool, CertificateError> {
    Ok(parse(certificate)?.issuer().as_raw() == parse(authority)?.subject().as_raw())
}

/// Reads a device's certificate: its identity, and the site it was enrolled for.
///
/// # Errors
/// When it is no certificate of a device.
pub fn read_device(certificate: &CertificateDer<'_>) -> Result<(Fingerprint, SiteId), CertificateError> {
    let parsed = parse(certificate)?;
    let names =
        parsed.subject_alternative_name().map_err(|_| CertificateError::NotX509)?.ok_or(CertificateError::NoSite)?;
    let mut sites = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(SITE_URI),
        _ => None,
    });
    let (Some(site), None) = (sites.next(), sites.next()) else { return Err(CertificateError::NoSite) };
    let site = site.parse().map_err(|_| CertificateError::NoSite)?;
    Ok((Fingerprint::of_spki(parsed.public_key().raw), site))
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(CertificateError::NotX509),
    }
}

#[cfg(test)]
mod tests;
