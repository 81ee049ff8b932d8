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
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SubjectPublicKeyInfo, date_time_ymd,
};
use ring::hmac;
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
mod tests {
    use super::*;

    fn site() -> SiteId {
        "361".parse().unwrap()
    }

    #[test]
    fn an_authority_is_the_same_each_time_its_key_is_taken_up() {
        let key = Key::generate().unwrap();
        let again = Key::from_pem(&format!("Invitation: 00\n{}", key.to_pem())).unwrap();
        let (one, other) = (Authority::new(key).unwrap(), Authority::new(again).unwrap());
        assert_eq!(one.hash(), other.hash());
        assert_eq!(spki_of(one.certificate()).unwrap(), spki_of(other.certificate()).unwrap());
        let both = [to_pem(one.certificate()), to_pem(other.certificate())].concat();
        assert_eq!(from_pem(both.as_bytes()).unwrap(), [one.certificate().clone(), other.certificate().clone()]);
        assert!(from_pem(b"").is_err() && from_pem(&both.as_bytes()[..300]).is_err());
        let names = [&one, &other].map(|a| parse(a.certificate()).unwrap().subject().to_string());
        assert_eq!(names[0], names[1]);
    }

    #[test]
    fn a_device_certificate_names_its_key_and_site() {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let certificate = authority.certify_device(&key.signing_request().unwrap(), &site()).unwrap();
        assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
        let parsed = parse(&certificate).unwrap();
        let usage = parsed.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !usage.any);
        assert!(!parsed.is_ca());
        // 2020-01-01 to 2120-01-01.
        assert_eq!(parsed.validity().not_before.timestamp(), 1_577_836_800);
        assert_eq!(parsed.validity().not_after.timestamp(), 4_733_510_400);
    }

    #[test]
    fn a_key_is_certified_anew_for_the_same_device() {
        let (old, new) =
            (Authority::new(Key::generate().unwrap()).unwrap(), Authority::new(Key::generate().unwrap()).unwrap());
        let key = Key::generate().unwrap();
        let certificate = new.certify_key(&key.spki(), &site()).unwrap();
        assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
        assert!(is_issued_by(&certificate, new.certificate()).unwrap());
        assert!(!is_issued_by(&certificate, old.certificate()).unwrap());
        assert_eq!(parse(&old.vouch_for(&new).unwrap()).unwrap().public_key().raw, new.spki);
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        for wrong in [Vec::new(), key.spki()[1..].to_vec(), other.subject_public_key_info(), b"key".to_vec()] {
            assert!(matches!(new.certify_key(&wrong, &site()), Err(CertificateError::Request(_))));
        }
    }

    #[test]
    fn nothing_but_the_key_of_a_request_is_used() {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let key = Key::generate().unwrap();
        let mut greedy = CertificateParams::default();
        greedy.distinguished_name.push(DnType::CommonName, HUB_NAME);
        greedy.subject_alt_names =
            vec![SanType::DnsName(HUB_NAME.try_into().unwrap()), SanType::URI("msap:site:999".try_into().unwrap())];
        greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let request = greedy.serialize_request(&key.0).unwrap().der().to_vec();
        let certificate = authority.certify_device(&request, &site()).unwrap();
        assert_eq!(read_device(&certificate).unwrap(), (key.fingerprint(), site()));
        let parsed = parse(&certificate).unwrap();
        assert!(!parsed.is_ca() && !parsed.extended_key_usage().unwrap().unwrap().value.server_auth);
        assert_eq!(parsed.subject().to_string(), "CN=361");
    }

    #[test]
    fn requests_that_prove_nothing_are_refused() {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let request = Key::generate().unwrap().signing_request().unwrap();
        let refused =
            |request: &[u8]| matches!(authority.certify_device(request, &site()), Err(CertificateError::Request(_)));
        let mut forged = request.clone();
        // The last byte belongs to the signature.
        *forged.last_mut().unwrap() ^= 1;
        assert!(refused(&forged));
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(refused(CertificateParams::default().serialize_request(&other).unwrap().der()));
        for len in 0..request.len() {
            assert!(refused(&request[..len]), "cut at {len}");
        }
    }

    #[test]
    fn certificates_without_a_site_are_no_devices() {
        let authority = Authority::new(Key::generate().unwrap()).unwrap();
        let hub = authority.certify_hub(&Key::generate().unwrap()).unwrap();
        assert!(matches!(read_device(&hub), Err(CertificateError::NoSite)));
        assert!(matches!(read_device(authority.certificate()), Err(CertificateError::NoSite)));
        assert!(matches!(read_device(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), Err(CertificateError::NotX509)));
    }
}
