//! The list of revoked devices, kept beside the keys so that it outlives the database.
//!
//! One line per revocation: number, fingerprint, day, a hash over the line and the one before,
//! reason. The core appends to it, flushed, *before* it changes the device's row: a revocation
//! that was answered is on the list. When the database is lost, devices that this list does not
//! name come back, so it must be known to be whole:
//!
//! * each line's hash follows from the line before: a line changed or cut out breaks the chain;
//! * the witness knows how many there were: a list cut at its end is too short;
//! * a line's number is one more than what list *and witness* know: a line appended to a list
//!   that was cut does not hide the cut;
//! * no witness, and no proof that nothing is missing.
//!
//! A list that is not whole stays so until a person has gone through the machines and calls it
//! whole: then it is written anew from what can be read.
//!
//! What this cannot see is a whole keys directory put back from an old backup. While the
//! database is there, its rows tell: whoever opens it adds the revoked devices that the list
//! lacks, before the next witness. Once it is lost, the commits tell that devices have seen and
//! the witness has not.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::Ordering;

use data_encoding::HEXLOWER;
use msap_shared::id::{DeviceId, Fingerprint, HexError};
use msap_shared::io::file::Access;
use msap_shared::time::Day;
use sha2::{Digest, Sha256};

use super::{Keys, KeysError, REVOCATIONS, Witness, read, write};

#[cfg(test)]
mod tests;

/// First line of the file.
pub(super) const HEADER: &str = "msap-revocations 1\n";
/// Longest reason kept, in characters.
const REASON_LEN_MAX: usize = 200;

/// What does not hold of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// There is no file.
    #[error("the file is missing")]
    Missing,
    /// A line that does not follow from the one before.
    #[error("line {0} does not follow from the line before")]
    Broken(u64),
    /// Fewer lines than the witness knows of.
    #[error("{found} revocations, {witnessed} were written")]
    Short {
        /// Lines found.
        found: u64,
        /// Lines that the witness knows of.
        witnessed: u64,
    },
    /// No witness tells how many there should be.
    #[error("no witness tells how many there should be")]
    NoWitness,
}

impl Damage {
    /// The same for people.
    pub fn french(self) -> String {
        match self {
            Self::Missing => "le fichier manque".to_owned(),
            Self::Broken(line) => format!("la ligne {line} ne suit pas de la précédente"),
            Self::Short { found, witnessed } => format!("{found} révocations, alors que {witnessed} ont été écrites"),
            Self::NoWitness => "aucun témoin ne dit combien il devrait y en avoir".to_owned(),
        }
    }
}

/// The list is not known to be whole: devices that return to a new database are to wait for an
/// operator.
#[derive(Debug, thiserror::Error)]
pub enum NotIntact {
    /// It was read and something does not hold.
    #[error("the list of revocations is not known to be whole")]
    Damaged {
        /// What does not hold.
        #[source]
        damage: Damage,
        /// The devices that can still be read: revoked all the same.
        readable: Vec<DeviceId>,
    },
    /// It could not be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// How a line names a device: by its key, or by its short name where nobody knows the key. A
/// device that is not in the database can be turned away too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its key.
    Key(Fingerprint),
    /// By its short name.
    Id(DeviceId),
}

impl Named {
    /// The short name.
    pub fn device(&self) -> DeviceId {
        match self {
            Self::Key(key) => key.device(),
            Self::Id(id) => *id,
        }
    }
}

impl From<&Fingerprint> for Named {
    fn from(key: &Fingerprint) -> Self {
        Self::Key(*key)
    }
}

impl FromStr for Named {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        text.parse().map(Self::Key).or_else(|_| text.parse().map(Self::Id))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// One readable line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub device: DeviceId,
    /// Who, as written.
    pub named: Named,
    /// When, as written.
    pub day: String,
    /// Why.
    pub reason: String,
}

/// The list as found.
pub struct Found {
    /// Every readable line, in order.
    pub listed: Vec<Listed>,
    damage: Option<Damage>,
    /// Highest number of a line.
    last: u64,
    /// Hash of the last line, or of what stands for it.
    hash: String,
    bytes: Vec<u8>,
}

impl Keys {
    /// Every revoked device, if the list is known to be whole.
    ///
    /// # Errors
    /// [`NotIntact`], with what is readable.
    pub fn revocations(&self) -> Result<Vec<DeviceId>, NotIntact> {
        let found = self.read_revocations()?;
        // Keys made by this very start have nothing to have lost.
        let damage = found.damage(self.read_witness()?).filter(|damage| !self.created || *damage != Damage::NoWitness);
        let devices = found.devices().collect();
        match damage {
            None => Ok(devices),
            Some(damage) => Err(NotIntact::Damaged { damage, readable: devices }),
        }
    }

    /// Every readable line of the list.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn listed(&self) -> Result<Vec<Listed>, KeysError> {
        Ok(self.read_revocations()?.listed)
    }

    /// Revocations ever written: for the next witness.
    pub fn revocation_count(&self) -> u64 {
        self.revoked.load(Ordering::Relaxed)
    }

    /// Adds a device to the list, on disk when this returns. A device that is on it stays as it
    /// is. Damage to the list does not stand in the way, and is not mended.
    ///
    /// # Errors
    /// When the file system fails: the device's row must not change then.
    pub fn append_revocation(&self, device: impl Into<Named>, day: Day, reason: &str) -> Result<(), KeysError> {
        let (device, found) = (device.into(), self.read_revocations()?);
        if found.devices().any(|listed| listed == device.device()) {
            return Ok(());
        }
        let witnessed = self.read_witness()?.map_or(0, |witness| witness.revocations);
        let number = found.last.max(witnessed).max(self.revocation_count()) + 1;
        let reason: String =
            reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_LEN_MAX).collect();
        let hash = chained(&found.hash, number, &device, &day.to_string(), &reason);
        let mut bytes = found.bytes;
        if bytes.is_empty() {
            bytes.extend_from_slice(HEADER.as_bytes());
        }
        if bytes.last() != Some(&b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(format!("{number} {device} {day} {hash} {reason}\n").as_bytes());
        // Written whole under the old name: a power cut leaves the list with or without the line.
        write(&self.path(REVOCATIONS), &bytes, Access::Owner)?;
        self.revoked.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the list anew from its readable lines: a person says that it is whole. The next
    /// witness must count the lines of this one; cut off before, the list is not whole still.
    ///
    /// # Errors
    /// When the file system fails: the list is as it was then.
    pub fn renew_revocations(&self) -> Result<(), KeysError> {
        let (mut text, mut hash, mut number) = (HEADER.to_owned(), header_hash(), 0);
        let mut seen = BTreeSet::new();
        for Listed { device, named, day, reason } in self.read_revocations()?.listed {
            if seen.insert(device) {
                number += 1;
                hash = chained(&hash, number, &named, &day, &reason);
                text.push_str(&format!("{number} {named} {day} {hash} {reason}\n"));
            }
        }
        write(&self.path(REVOCATIONS), text.as_bytes(), Access::Owner)?;
        self.revoked.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// Takes note of how many revocations there were.
    pub(super) fn count_revocations(&self) -> Result<(), KeysError> {
        let found = self.read_revocations()?;
        let witnessed = self.read_witness()?.map_or(0, |witness| witness.revocations);
        self.revoked.store(found.last.max(witnessed), Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn read_revocations(&self) -> Result<Found, KeysError> {
        read_list(&self.dir)
    }
}

impl Found {
    /// The devices of any readable line.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> {
        self.listed.iter().map(|listed| listed.device)
    }

    /// What does not hold, as far as list and witness tell.
    pub fn damage(&self, witness: Option<Witness>) -> Option<Damage> {
        self.damage.or(match witness {
            Some(Witness { revocations, .. }) if self.last < revocations => {
                Some(Damage::Short { found: self.last, witnessed: revocations })
            }
            Some(_) => None,
            None => Some(Damage::NoWitness),
        })
    }
}

/// The list in a directory of keys.
///
/// # Errors
/// When the file system fails.
pub fn read_list(dir: &Path) -> Result<Found, KeysError> {
    Ok(match read(&dir.join(REVOCATIONS))? {
        None => {
            Found { listed: Vec::new(), damage: Some(Damage::Missing), last: 0, hash: header_hash(), bytes: Vec::new() }
        }
        Some(bytes) => examine(bytes),
    })
}

fn header_hash() -> String {
    HEXLOWER.encode(&Sha256::digest(HEADER))
}

fn chained(before: &str, number: u64, device: &Named, day: &str, reason: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(format!("{before} {number} {device} {day} {reason}")))
}

/// Reads the list, as far as it makes sense: a broken line is damage, the lines after it are
/// still revocations.
fn examine(bytes: Vec<u8>) -> Found {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut found = Found { listed: Vec::new(), damage: None, last: 0, hash: header_hash(), bytes };
    let body = text.strip_prefix(HEADER);
    if body.is_none() || !text.ends_with('\n') {
        found.damage = Some(Damage::Broken(1));
    }
    for (at, line) in body.unwrap_or(&text).lines().enumerate() {
        let expected = at as u64 + 1;
        let mut parts = line.splitn(5, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (number, device, day, hash, reason) = (part(), part(), part(), part(), part());
        let number: Option<u64> = number.parse().ok();
        let device: Option<Named> = device.parse().ok();
        let follows = number == Some(expected)
            && device.is_some_and(|device| chained(&found.hash, expected, &device, day, reason) == hash);
        if !follows {
            found.damage = found.damage.or(Some(Damage::Broken(expected)));
        }
        found.listed.extend(device.map(|device| Listed {
            device: device.device(),
            named: device,
            day: day.to_owned(),
            reason: reason.to_owned(),
        }));
        found.last = found.last.max(number.unwrap_or(expected));
        hash.clone_into(&mut found.hash);
    }
    found
}
