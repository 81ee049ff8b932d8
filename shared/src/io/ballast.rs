//! A file that is there to be removed: room for what must still be written when a disk is full.
//!
//! Held by both programs beside their databases. Released when the disk is full, so that the
//! database can finish what it is at and a person can put things right without a restart; held
//! again once there is room for it and as much again, so that the two do not take turns.
//! Invariant: the file is whole or not there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Its length.
pub const BALLAST_LEN: usize = 8 * 1024 * 1024;
/// Its name within the data directory.
pub const FILE_NAME: &str = "ballast";
const CHUNK_LEN: usize = 64 * 1024;

/// The ballast of one data directory.
#[derive(Clone, Debug)]
pub struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// The ballast in this directory, held or not.
    pub fn of(dir: &Path) -> Self {
        Self { path: dir.join(FILE_NAME) }
    }

    /// Whether it is there.
    pub fn is_held(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.len() == BALLAST_LEN as u64)
    }

    /// Makes it, unless it is there.
    ///
    /// # Errors
    /// When there is no room for it and as much again; nothing is left of the attempt then.
    pub fn hold(&self) -> io::Result<()> {
        if self.is_held() {
            return Ok(());
        }
        let part = self.path.with_extension("part");
        let made = fill(&part).and_then(|()| std::fs::rename(&part, &self.path));
        if made.is_err() {
            // Nothing else can be done about it here.
            std::fs::remove_file(&part).ok();
        }
        made
    }

    /// Removes it. `false`: it was not there.
    ///
    /// # Errors
    /// As the file system says.
    pub fn release(&self) -> io::Result<bool> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Takes blocks that no file system can save: it is not the same byte over and over.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = vec![0; CHUNK_LEN];
    for _ in 0..2 * BALLAST_LEN / CHUNK_LEN {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_be_bytes());
        }
        file.write_all(&chunk)?;
    }
    // A file system may find out only now.
    file.sync_all()?;
    file.set_len(BALLAST_LEN as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ballast_takes_real_blocks_and_gives_them_back() {
        let dir = std::env::temp_dir().join(format!("msap-ballast-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let ballast = Ballast::of(&dir);
        assert!(!ballast.is_held() && !ballast.release().unwrap());
        std::fs::write(dir.join(FILE_NAME), "cut off").unwrap();
        assert!(!ballast.is_held());
        for _ in 0..2 {
            ballast.hold().unwrap();
            assert!(ballast.is_held());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let blocks = std::fs::metadata(dir.join(FILE_NAME)).unwrap().blocks();
            assert!(blocks * 512 >= BALLAST_LEN as u64, "{blocks} blocks");
        }
        assert!(ballast.release().unwrap() && !ballast.is_held());
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn an_attempt_without_room_leaves_nothing() {
        let nowhere = std::env::temp_dir().join(format!("msap-nowhere-{}", std::process::id()));
        assert!(Ballast::of(&nowhere).hold().is_err());
        assert!(!nowhere.exists());
    }
}
