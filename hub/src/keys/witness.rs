//! The witness: what the database last said, kept beside the keys.
//!
//! Written by the core after commits, at most about once a second, and when it stops. It may lag
//! behind the database; it is never ahead of it. A database that does not know the witness's
//! commit, or knows it with another tag, was put back by hand: the core then begins a new epoch.

use std::path::Path;

use msap_shared::frame::Mark;
use msap_shared::id::Epoch;
use msap_shared::io::file::Access;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::{Keys, KeysError, WITNESS, read, write};

const FORM: &str = "msap-witness 1";

/// The last commit that is known to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The database's epoch.
    pub epoch: Epoch,
    /// Its last commit.
    pub mark: Mark,
    /// Revocations ever written: see [`Keys::revocation_count`].
    pub revocations: u64,
}

impl Keys {
    /// The witness; `None` when there is none, or none that is readable.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn read_witness(&self) -> Result<Option<Witness>, KeysError> {
        read_witness(&self.dir)
    }

    /// Replaces the witness, whole or not at all.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn write_witness(&self, witness: &Witness) -> Result<(), KeysError> {
        write(&self.path(WITNESS), render(witness).as_bytes(), Access::Owner)
    }
}

/// The witness in a directory of keys; `None` when there is none, or none that is readable.
///
/// # Errors
/// When the file system fails.
pub fn read_witness(dir: &Path) -> Result<Option<Witness>, KeysError> {
    let path = dir.join(WITNESS);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let witness = parse(&bytes);
    if witness.is_none() {
        warn!(path = %path.display(), "the witness file is damaged: it is taken for missing");
    }
    Ok(witness)
}

/// Whether there is a file, readable or not.
pub fn has_witness(dir: &Path) -> bool {
    dir.join(WITNESS).exists()
}

fn render(witness: &Witness) -> String {
    let Witness { epoch, mark, revocations } = witness;
    let body =
        format!("{FORM}\nepoch {epoch}\ncommit {}\ntag {:016x}\nrevocations {revocations}\n", mark.commit, mark.tag);
    let check = check(&body);
    format!("{body}check {check}\n")
}

fn check(body: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(body)[..8])
}

fn parse(bytes: &[u8]) -> Option<Witness> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.get(..text.find("check ")?)?;
    let mut lines = body.strip_prefix(FORM)?.lines().skip(1);
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let witness = Witness {
        epoch: field("epoch")?.parse().ok()?,
        mark: Mark { commit: field("commit")?.parse().ok()?, tag: u64::from_str_radix(field("tag")?, 16).ok()? },
        revocations: field("revocations")?.parse().ok()?,
    };
    // What was read must be all there is, checksum included.
    (render(&witness) == text).then_some(witness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Witness {
        Witness { epoch: Epoch::new([0xe5; 16]), mark: Mark { commit: 42, tag: 0xfeed }, revocations: 3 }
    }

    #[test]
    fn the_witness_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open_or_create(dir.path(), false).unwrap();
        assert_eq!(keys.read_witness().unwrap(), None);
        for commit in [42, 43] {
            let witness = Witness { mark: Mark { commit, tag: 7 }, ..example() };
            keys.write_witness(&witness).unwrap();
            assert_eq!(keys.read_witness().unwrap(), Some(witness));
        }
    }

    #[test]
    fn a_damaged_witness_is_none() {
        let text = render(&example());
        assert_eq!(parse(text.as_bytes()), Some(example()));
        for len in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..len]), None, "cut at {len}");
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(parse(&bytes), None, "wrong at {at}");
        }
    }
}
