//! Names of things, valid by construction.
//!
//! Ids are parsed once, at the door; inside, a value that exists is valid. The byte ids
//! (writers, epochs, hashes…) share one textual form: lower-case hexadecimal.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

/// Longest site id, in bytes.
pub const SITE_ID_LEN_MAX: usize = 32;

/// A place that runs an agent, as its certificate names it: `[a-z0-9_-]{1,32}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(Box<str>);

/// Why a text is not a site id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SiteIdError {
    /// Empty or longer than [`SITE_ID_LEN_MAX`].
    #[error("a site id has 1 to {SITE_ID_LEN_MAX} characters, this one has {0}")]
    Length(usize),
    /// A character outside `[a-z0-9_-]`.
    #[error("a site id is made of a-z, 0-9, '_' and '-': found {0:?}")]
    Character(char),
}

impl FromStr for SiteId {
    type Err = SiteIdError;

    fn from_str(text: &str) -> Result<Self, SiteIdError> {
        if !(1..=SITE_ID_LEN_MAX).contains(&text.len()) {
            return Err(SiteIdError::Length(text.len()));
        }
        match text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')) {
            Some(found) => Err(SiteIdError::Character(found)),
            None => Ok(Self(text.into())),
        }
    }
}

impl SiteId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a byte id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected} bytes in lower-case hexadecimal")]
pub struct HexError {
    expected: usize,
}

/// Makes a newtype over a byte array with hexadecimal text.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps raw bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = HexError;

            fn try_from(bytes: &[u8]) -> Result<Self, HexError> {
                bytes.try_into().map(Self).map_err(|_| HexError { expected: $len })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                let wrong = HexError { expected: $len };
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HexError { expected: $len })?;
                bytes.try_into().map(Self).map_err(|_| wrong)
            }
        }
    };
}

byte_id! {
    /// SHA-256 of a device key's SubjectPublicKeyInfo: a device's identity.
    Fingerprint, 32
}
byte_id! {
    /// The short name of a device: the first 8 bytes of its fingerprint, so that it is the same
    /// after a lost hub database.
    DeviceId, 8
}
byte_id! {
    /// One in-memory load of one agent: an Automerge actor with a hash chain of its own in each
    /// document it writes. Never reused by another load.
    WriterId, 16
}
byte_id! {
    /// An Automerge change hash: SHA-256 over the chunk's type, length and contents.
    ChangeHash, 32
}
byte_id! {
    /// One life of a hub database: 128 random bits, new at first start, restore and wipe.
    Epoch, 16
}
byte_id! {
    /// A device's place in its own line of sessions, for the clone alarm.
    SessionToken, 16
}
byte_id! {
    /// A set of chain tips in 32 bytes: the exclusive or of one SHA-256 per tip.
    Digest32, 32
}
byte_id! {
    /// The UUID that the page or the command line drew for one tap.
    TapId, 16
}

impl Fingerprint {
    /// The identity of the key with this DER-encoded SubjectPublicKeyInfo.
    pub fn of_spki(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The short name of the same device.
    pub fn device(&self) -> DeviceId {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        DeviceId(short)
    }
}

impl TapId {
    /// Reads a UUID in any of its usual spellings.
    ///
    /// # Errors
    /// When the text is no UUID.
    pub fn parse_uuid(text: &str) -> Result<Self, uuid::Error> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes()))
    }

    /// The UUID in its hyphenated spelling.
    pub fn to_uuid(self) -> String {
        uuid::Uuid::from_bytes(self.0).hyphenated().to_string()
    }

    /// The name under which this tap's facts stand in the document. A hash, because a version-7
    /// UUID carries the time of the tap and nothing finer than the day leaves the site.
    pub fn name(&self) -> TapName {
        let digest = Sha256::digest(self.0);
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        TapName(short)
    }
}

/// The name of a tap in documents: 8 bytes, written as 11 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapName([u8; 8]);

/// A text that is not the canonical name of a tap.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a tap's name is 11 characters of base64url")]
pub struct TapNameError;

impl TapName {
    /// Wraps raw bytes.
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for TapName {
    type Err = TapNameError;

    /// Strict: a text whose unused bits are set, and which would print otherwise, is refused.
    fn from_str(text: &str) -> Result<Self, TapNameError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TapNameError)?;
        bytes.try_into().map(Self).map_err(|_| TapNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_site_ids_are_refused() {
        let long = "a".repeat(SITE_ID_LEN_MAX + 1);
        for (text, why) in [("", "has 0"), ("Lyon", "'L'"), ("a/b", "'/'"), ("é", "'é'"), (long.as_str(), "has 33")] {
            let error = text.parse::<SiteId>().unwrap_err().to_string();
            assert!(error.contains(why), "{text:?} gave {error}");
        }
        for text in ["275", "temp_12", "a", &"a".repeat(SITE_ID_LEN_MAX)] {
            assert_eq!(text.parse::<SiteId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn tap_names_are_pinned_and_canonical() {
        let tap = TapId::parse_uuid("01931f2a-7a00-7000-8000-000000000001").unwrap();
        assert_eq!(tap.name().to_string().len(), 11);
        assert_eq!(tap.name().to_string().parse(), Ok(tap.name()));
        assert_eq!(TapName::new([0; 8]).to_string(), "AAAAAAAAAAA");
        // The last character carries two unused bits: they must be zero.
        assert_eq!("AAAAAAAAAAB".parse::<TapName>(), Err(TapNameError));
        assert_eq!("AAAAAAAAAA".parse::<TapName>(), Err(TapNameError));
        assert_eq!("close".parse::<TapName>(), Err(TapNameError));
    }

    #[test]
    fn byte_ids_print_and_parse_as_lower_hex() {
        let epoch = Epoch::new([0xab; 16]);
        assert_eq!(epoch.to_string(), "ab".repeat(16));
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
        assert!("AB".repeat(16).parse::<Epoch>().is_err());
        assert!("ab".repeat(15).parse::<Epoch>().is_err());
    }
}
