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
/// The network's closures that concern the site: [`Closures`](crate::schedule::closures::Closures).
pub const CLOSURES: u32 = 3;
/// The hub's settings that machines go by: [`Terms`].
pub const TERMS: u32 = 4;
/// The public holidays of the site's legal zone, a kind for each year:
/// [`PublicYear`](crate::schedule::calendar::PublicYear). 1000 is 2000, 1099 is 2099.
pub const PUBLIC_HOLIDAYS: u32 = 1_000;
/// The school holidays of the site's zone, a kind for each year:
/// [`SchoolYear`](crate::schedule::calendar::SchoolYear). 1100 is 2000, 1199 is 2099.
pub const SCHOOL_HOLIDAYS: u32 = 1_100;
/// Years that calendars have kinds for.
const CALENDAR_YEARS: u32 = 100;
/// The year of the first of them.
const CALENDAR_BEGIN: i16 = 2_000;

/// Most references that one Hello names.
pub const REFERENCES_MAX: usize = 64;
/// Most authorities at a time: two during a rotation.
pub const AUTHORITIES_MAX: usize = 4;

/// What a machine holds: kind and hash.
pub type Held = (u32, Digest32);

/// The kind of a calendar, [`PUBLIC_HOLIDAYS`] or [`SCHOOL_HOLIDAYS`], in one year; `None` for a
/// year that has none.
pub fn calendar_kind(calendar: u32, year: i16) -> Option<u32> {
    let place = u32::try_from(year.checked_sub(CALENDAR_BEGIN)?).ok()?;
    (place < CALENDAR_YEARS).then_some(calendar + place)
}

/// Whether a kind is one year of this calendar.
pub fn is_calendar(calendar: u32, kind: u32) -> bool {
    (calendar..calendar + CALENDAR_YEARS).contains(&kind)
}

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

/// The value of [`TERMS`]. A machine whose hub sends none goes by the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Terms {
    /// After how many days nothing is believed of a partner that nobody confirmed.
    #[n(0)]
    pub partners_stale_after_days: u16,
}

impl Default for Terms {
    fn default() -> Self {
        Self { partners_stale_after_days: 45 }
    }
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
    fn calendars_have_a_kind_for_each_year() {
        for (calendar, year, kind) in [
            (PUBLIC_HOLIDAYS, 2_026, Some(1_026)),
            (SCHOOL_HOLIDAYS, 2_000, Some(1_100)),
            (SCHOOL_HOLIDAYS, 2_099, Some(1_199)),
            (PUBLIC_HOLIDAYS, 1_999, None),
            (PUBLIC_HOLIDAYS, 2_100, None),
        ] {
            assert_eq!(calendar_kind(calendar, year), kind, "{calendar} {year}");
        }
        assert!(is_calendar(PUBLIC_HOLIDAYS, 1_099) && !is_calendar(PUBLIC_HOLIDAYS, 1_100));
        assert!(!is_calendar(SCHOOL_HOLIDAYS, PROFILE));
    }

    #[test]
    fn the_order_of_authorities_matters() {
        let keys = [Fingerprint::new([1; 32]), Fingerprint::new([2; 32])];
        assert_ne!(authorities_hash(keys), authorities_hash(keys.into_iter().rev()));
        assert_ne!(authorities_hash(keys), authorities_hash([keys[0]]));
    }
}
