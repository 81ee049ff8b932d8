//! Changing the authority's key while devices are away.
//!
//! A second authority is made beside the first, which vouches for it: one chain then serves
//! devices that trust either, and devices of both are admitted. Those that connect are told of
//! the new one and certified by it; once all have been, the old one is dropped.
//!
//! Every step is a file that is written or renamed whole. The rotation has happened when the new
//! key bears the name of the present one; before that, whoever opens the directory next undoes
//! it, after that, completes it. In order: `ca.next.key` is written, `ca.old.key` is written with
//! the present key, `ca.next.key` becomes `ca.key`. At the end `ca.old.key` is removed.

use std::io;
use std::path::Path;
use std::sync::PoisonError;

use msap_shared::io::certificate::{Authority, Key};
use msap_shared::io::file;

use super::{
    Access, CA_KEY, CA_NEXT_KEY, CA_OLD_KEY, HUB_CERTIFICATE, Keys, KeysError, Present, keep_certificates, make_key,
    read_key, write,
};

impl Keys {
    /// Begins a rotation: from the next handshake on, a new authority certifies.
    ///
    /// # Errors
    /// [`KeysError::Rotating`], [`KeysError::HalfRotated`]; or when the file system fails, and then the next opening of the
    /// directory undoes or completes it.
    pub fn rotate(&self) -> Result<(), KeysError> {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.before.is_some() {
            return Err(KeysError::Rotating);
        }
        let old = required(&self.path(CA_KEY))?;
        if old.fingerprint() != present.authority.fingerprint() {
            // One that failed after it had happened: to go on from here would drop the key that
            // every device trusts.
            return Err(KeysError::HalfRotated);
        }
        let next = make_key(&self.path(CA_NEXT_KEY))?;
        write(&self.path(CA_OLD_KEY), old.to_pem().as_bytes(), Access::Owner)?;
        let (authority, before) = (Authority::new(next)?, Authority::new(old)?);
        rename(&self.path(CA_NEXT_KEY), &self.path(CA_KEY))?;
        present.before = Some(before);
        present.authority = authority;
        self.go_on(&present)
    }

    /// Ends a rotation: the authority before is no longer trusted, and devices that know no other
    /// stay outside.
    ///
    /// # Errors
    /// [`KeysError::NotRotating`]; or when the file system fails.
    pub fn finish_rotation(&self) -> Result<(), KeysError> {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.before.is_none() {
            return Err(KeysError::NotRotating);
        }
        remove(&self.path(CA_OLD_KEY))?;
        present.before = None;
        self.go_on(&present)
    }

    /// Whether there are two authorities.
    pub fn is_rotating(&self) -> bool {
        self.present().before.is_some()
    }

    fn go_on(&self, present: &Present) -> Result<(), KeysError> {
        self.serving.replace(present.shown()?)?;
        // For people, and signed by the authority before.
        remove(&self.path(HUB_CERTIFICATE))?;
        keep_certificates(&self.dir, present)
    }
}

/// Undoes a rotation that was cut off before it happened.
pub(super) fn settle(dir: &Path) -> Result<(), KeysError> {
    let next = dir.join(CA_NEXT_KEY);
    let (present, old) = (read_key(&dir.join(CA_KEY))?, read_key(&dir.join(CA_OLD_KEY))?);
    // Without a present key it is not a rotation that was cut off: what is there is evidence.
    let Some(present) = present else { return Ok(()) };
    if old.is_some_and(|old| old.fingerprint() == present.fingerprint()) {
        remove(&dir.join(CA_OLD_KEY))?;
    }
    if next.exists() {
        tracing::warn!("a rotation of the authority was cut off before it happened: undone");
        remove(&next)?;
    }
    Ok(())
}

fn required(path: &Path) -> Result<Key, KeysError> {
    read_key(path)?.ok_or_else(|| KeysError::Lost { path: path.into() })
}

fn rename(from: &Path, to: &Path) -> Result<(), KeysError> {
    file::rename(from, to).map_err(|source| KeysError::Io { path: to.into(), source })
}

pub(super) fn remove(path: &Path) -> Result<(), KeysError> {
    let removed = match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    removed.and_then(|()| file::sync_directory(path)).map_err(|source| KeysError::Io { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use msap_shared::id::Fingerprint;

    use super::super::CA_CERTIFICATE;
    use super::*;

    fn open(dir: &Path) -> Keys {
        Keys::open_or_create(dir, true).unwrap()
    }

    fn fresh(dir: &Path) -> Keys {
        Keys::open_or_create(dir, false).unwrap()
    }

    #[test]
    fn a_rotation_adds_an_authority_and_its_end_drops_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let keys = fresh(dir.path());
        let old = keys.authority_keys()[0];
        let hub = keys.identity()[0];
        assert!(matches!(keys.finish_rotation(), Err(KeysError::NotRotating)));
        keys.rotate().unwrap();
        let both = keys.authority_keys();
        assert_eq!((both.len(), both[1]), (2, old));
        assert!(matches!(keys.rotate(), Err(KeysError::Rotating)));
        let again = open(dir.path());
        assert_eq!(again.authority_keys(), both);
        again.finish_rotation().unwrap();
        assert_eq!(again.authority_keys(), both[..1]);
        assert_eq!(open(dir.path()).authority_keys(), both[..1]);
        assert_eq!(again.identity(), [hub, both[0]], "the hub's own key is the same");
        assert_eq!(Keys::examine(dir.path()).unwrap(), again.identity());
        assert!(!dir.path().join(CA_OLD_KEY).exists());
        open(dir.path()).rotate().unwrap();
    }

    #[test]
    fn a_rotation_that_failed_after_it_happened_is_not_begun_again_in_the_same_process() {
        let dir = tempfile::tempdir().unwrap();
        let (keys, other) = (fresh(dir.path()), open(dir.path()));
        let old = keys.authority_keys();
        // On the disk it has happened; this process does not know.
        other.rotate().unwrap();
        assert!(matches!(keys.rotate(), Err(KeysError::HalfRotated)));
        assert_eq!(keys.authority_keys(), old);
        let next = open(dir.path());
        assert_eq!(next.authority_keys(), other.authority_keys());
        assert!(next.is_rotating());
    }

    /// The files of a directory.
    fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn put(files: &[(String, Vec<u8>)], without: &[&str], with: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files.iter().filter(|(name, _)| !without.contains(&name.as_str())) {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        for (name, bytes) in with {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    fn file<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
        &files.iter().find(|(found, _)| found == name).unwrap().1
    }

    #[test]
    fn a_rotation_that_was_cut_off_anywhere_is_undone_or_completed() {
        let dir = tempfile::tempdir().unwrap();
        let keys = fresh(dir.path());
        let (before, old): (_, Vec<Fingerprint>) = (files(dir.path()), keys.authority_keys());
        keys.rotate().unwrap();
        let (after, both) = (files(dir.path()), keys.authority_keys());
        let (old_key, next_key) = (file(&before, CA_KEY), file(&after, CA_KEY));
        type Written<'a> = &'a [(&'a str, &'a [u8])];
        let states: [(Written<'_>, &[Fingerprint]); 5] = [
            (&[(CA_NEXT_KEY, next_key)], &old),
            (&[(CA_NEXT_KEY, next_key), ("ca.old.key.tmp", b"half")], &old),
            (&[(CA_NEXT_KEY, next_key), (CA_OLD_KEY, old_key)], &old),
            // From here on it has happened, whatever certificates say.
            (&[(CA_KEY, next_key), (CA_OLD_KEY, old_key)], &both),
            (&[(CA_KEY, next_key), (CA_OLD_KEY, old_key), (CA_CERTIFICATE, file(&after, CA_CERTIFICATE))], &both),
        ];
        for (n, (written, expected)) in states.into_iter().enumerate() {
            let cut = put(&before, &[], written);
            for _ in 0..2 {
                assert_eq!(open(cut.path()).authority_keys(), expected, "state {n}");
                assert!(!cut.path().join(CA_NEXT_KEY).exists(), "no key is left lying about");
            }
            // And it can be begun, or ended, from there.
            let keys = open(cut.path());
            if expected.len() == 1 { keys.rotate().unwrap() } else { keys.finish_rotation().unwrap() }
        }
        let cut = put(&after, &[CA_OLD_KEY, HUB_CERTIFICATE], &[]);
        assert_eq!(open(cut.path()).authority_keys(), both[..1]);
    }

    #[test]
    fn a_missing_present_key_is_not_taken_for_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        fresh(dir.path()).rotate().unwrap();
        let left = put(&files(dir.path()), &[CA_KEY], &[]);
        assert!(matches!(Keys::open_or_create(left.path(), true), Err(KeysError::Lost { .. })));
        assert!(matches!(Keys::open_or_create(left.path(), false), Err(KeysError::Incomplete { .. })));
        assert!(left.path().join(CA_OLD_KEY).exists());
    }
}
