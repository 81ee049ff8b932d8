//! What the hub alone decides and sends to machines: values that are replaced whole.
//!
//! A reference has a kind, a hash by which both sides tell whether the device holds what the hub
//! holds, and a value whose form depends on the kind. It has one writer, so there is nothing to
//! merge. A machine says in its Hello what it holds; the hub sends what differs; the machine
//! answers what it holds now. Kinds that one side does not know are ignored.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::id::{Digest32, Fingerprint};

/// The authorities to trust the hub by, and the device's own certificate: [`Authorities`].
pub const AUTHORITIES: u32 = 1;
/// The site, and where its machines sync: [`Profile`].
pub const PROFILE: u32 = 2;

/// Most references that one Hello names.
pub const REFERENCES_MAX: usize = 64;
/// Most authorities at a time: two during a rotation.
pub const AUTHORITIES_MAX: usize = 4;

/// What a machine holds: kind and hash.
pub type Held = (u32, Digest32);

/// What an agent must know of its site to count the first visit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SiteProfile {
    /// The site's id.
    #[n(0)]
    pub site: String,
    /// Its name.
    #[n(1)]
    pub name: String,
    /// `house` or `antenna`.
    #[n(2)]
    pub kind: String,
    /// IANA name of its legal clock.
    #[n(3)]
    pub timezone: String,
    /// Its commune.
    #[n(4)]
    pub commune: String,
    /// Its department's code.
    #[n(5)]
    pub department: String,
}

/// The value of [`PROFILE`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Profile {
    /// The site.
    #[n(0)]
    pub site: SiteProfile,
    /// Where to sync, `host:port`; empty when the hub does not know how it is reached.
    #[n(1)]
    pub address: String,
}

/// The value of [`AUTHORITIES`]. Its hash is that of the list alone ([`authorities_hash`]): a
/// device holds it when it has the list and a certificate by the first of them. Until then it
/// answers with its public key, for which the hub sends the value again with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Authorities {
    /// DER; the first one certifies from now on.
    #[n(0)]
    pub authorities: Vec<ByteVec>,
    /// The device's own, DER.
    #[n(1)]
    pub certificate: Option<ByteVec>,
}

/// The hash of a list of authorities, in its order.
pub fn authorities_hash(keys: impl IntoIterator<Item = Fingerprint>) -> Digest32 {
    let mut hasher = Sha256::new();
    for key in keys {
        hasher.update(key.as_bytes());
    }
    Digest32::new(hasher.finalize().into())
}

/// The hash of a value.
pub fn value_hash(value: &[u8]) -> Digest32 {
    Digest32::new(Sha256::digest(value).into())
}

/// A value's bytes.
pub fn to_bytes<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    match minicbor::encode(value, &mut bytes) {
        Ok(()) => bytes,
        Err(error) => match error.into_write() {
            // A vector takes every byte, and no field's encoder refuses a value.
            Some(never) => match never {},
            None => bytes,
        },
    }
}

/// A value from its bytes; `None` when they are not of its form.
pub fn from_bytes<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Option<T> {
    minicbor::decode(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back_and_skip_what_is_newer() {
        let authorities = Authorities { authorities: vec![vec![1, 2].into()], certificate: None };
        assert_eq!(from_bytes::<Authorities>(&to_bytes(&authorities)), Some(authorities));
        let mut newer = Vec::new();
        let mut e = minicbor::Encoder::new(&mut newer);
        e.array(3).unwrap().array(0).unwrap().bytes(&[3]).unwrap().str("later").unwrap();
        let read: Authorities = from_bytes(&newer).unwrap();
        assert_eq!(read, Authorities { authorities: Vec::new(), certificate: Some(vec![3].into()) });
        assert_eq!(from_bytes::<Profile>(&newer), None);
    }

    #[test]
    fn the_order_of_authorities_matters() {
        let keys = [Fingerprint::new([1; 32]), Fingerprint::new([2; 32])];
        assert_ne!(authorities_hash(keys), authorities_hash(keys.into_iter().rev()));
        assert_ne!(authorities_hash(keys), authorities_hash([keys[0]]));
    }
}
