//! Whether the log beside a database is that database's own.
//!
//! SQLite's log (`hub.db-wal`) says nothing of the database it belongs to. A database that is
//! put back by hand beside the log of the one that stood there would be mixed with it, silently.
//! What tells: every commit of the hub counts one mark, and whatever came before the log's first
//! commit is in the database file. So the file, read without the log, knows at least as many
//! marks as there are with the log, less the commits that the log holds.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, meta};

const HEADER_LEN: usize = 32;
const FRAME_HEADER_LEN: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const PAGE_LEN_MAX: usize = 65_536;

/// How a log and the database beside it go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// There is none, or it holds no commit.
    None,
    /// It continues the database.
    Own,
    /// It continues another one.
    Foreign,
}

/// The log of the database at `path`.
pub fn path_of(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().into();
    name.push("-wal");
    name.into()
}

/// Compares a database with the log beside it. Nobody else may have them open. Nothing is
/// written.
///
/// # Errors
/// When a file cannot be read, or neither the database alone nor both together read back.
pub fn compare(path: &Path) -> Result<Log, StoreError> {
    let commits = commits(&path_of(path)).map_err(|error| unreadable(&path_of(path), &error))?;
    if commits == 0 {
        return Ok(Log::None);
    }
    let alone = last_mark(&alone(path)?);
    let together = last_mark(&super::reader(path)?);
    match (alone, together) {
        (Ok(alone), Ok(together)) if alone < together.saturating_sub(commits) => Ok(Log::Foreign),
        // A crash while the log was being carried over leaves the file torn and the log whole.
        (_, Ok(_)) => Ok(Log::Own),
        (Ok(_), Err(error)) if error.is_damage() => Ok(Log::Foreign),
        (_, Err(error)) => Err(error),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::corrupt(format!("{} cannot be read: {error}", path.display()))
}

/// Number of the last commit; 0 before the first.
fn last_mark(conn: &Connection) -> Result<u64, StoreError> {
    match meta::layout(conn)? {
        0 => Ok(0),
        _ => Ok(meta::last_mark(conn)?.map_or(0, |mark| mark.commit)),
    }
}

/// The file as it is without its log.
fn alone(path: &Path) -> Result<Connection, StoreError> {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").into_bytes()),
            _ => uri.push(*byte),
        }
    }
    uri.extend(b"?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(OsString::from_vec(uri), flags)
        .map_err(StoreError::sqlite("opening the database without its log"))
}

/// Commits in a log, as SQLite would recover them: up to the first frame that does not verify.
fn commits(path: &Path) -> io::Result<u64> {
    let mut log = match File::open(path) {
        Ok(file) => BufReader::with_capacity(1 << 18, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER_LEN];
    if !filled(&mut log, &mut header)? {
        return Ok(0);
    }
    let (magic, page_len) = (word(&header, 0), word(&header, 8) as usize);
    if magic & !1 != MAGIC || !page_len.is_power_of_two() || !(512..=PAGE_LEN_MAX).contains(&page_len) {
        return Ok(0);
    }
    let mut sum = Sum { big_endian: magic & 1 == 1, value: (0, 0) };
    sum.add(&header[..24]);
    if sum.value != (word(&header, 24), word(&header, 28)) {
        return Ok(0);
    }
    let mut frame = vec![0; FRAME_HEADER_LEN + page_len];
    let mut commits = 0;
    while filled(&mut log, &mut frame)? {
        sum.add(&frame[..8]);
        sum.add(&frame[FRAME_HEADER_LEN..]);
        let verifies = frame[8..16] == header[16..24] && sum.value == (word(&frame, 16), word(&frame, 20));
        if !verifies {
            break;
        }
        // Zero but in the last frame of a commit, which tells the database's length after it.
        commits += u64::from(word(&frame, 4) != 0);
    }
    Ok(commits)
}

/// Fills the buffer; `false` when the file ends before.
fn filled(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A big-endian word. Callers stay within their buffer's fixed length.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// The log's running checksum.
struct Sum {
    big_endian: bool,
    value: (u32, u32),
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            let read = |at| if self.big_endian { word(pair, at) } else { word(pair, at).swap_bytes() };
            let (one, other) = (read(0), read(4));
            self.value.0 = self.value.0.wrapping_add(one).wrapping_add(self.value.1);
            self.value.1 = self.value.1.wrapping_add(other).wrapping_add(self.value.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FILE_NAME, Store};

    fn open(dir: &Path) -> Store {
        let mut n = 0u8;
        let fresh = move || {
            n = n.wrapping_add(1);
            [n; 16]
        };
        Store::open(dir, None, Box::new(fresh)).unwrap()
    }

    fn commit(store: &mut Store, times: usize) {
        for _ in 0..times {
            store.write(|_, _| Ok::<_, StoreError>(())).unwrap();
        }
    }

    fn checkpoint(store: &Store) {
        store.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    /// The files as a crash leaves them.
    fn crashed(from: &Path, to: &Path) {
        for name in [FILE_NAME, "hub.db-wal"] {
            if from.join(name).exists() {
                std::fs::copy(from.join(name), to.join(name)).unwrap();
            }
        }
    }

    #[test]
    fn commits_are_counted_up_to_the_first_frame_that_does_not_verify() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        checkpoint(&store);
        commit(&mut store, 5);
        let path = dir.path().join("hub.db-wal");
        assert_eq!(commits(&path).unwrap(), 5);
        let bytes = std::fs::read(&path).unwrap();
        let cut = dir.path().join("cut");
        for len in 0..bytes.len() {
            if len % 97 == 0 {
                std::fs::write(&cut, &bytes[..len]).unwrap();
                assert!(commits(&cut).unwrap() < 5);
                let mut flipped = bytes.clone();
                flipped[len] ^= 1;
                std::fs::write(&cut, flipped).unwrap();
                assert!(commits(&cut).unwrap() < 5, "byte {len}");
            }
        }
        assert_eq!(commits(&dir.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn a_crashed_database_has_its_own_log_and_one_put_back_beside_it_has_not() {
        let (dir, image, old) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut store = open(dir.path());
        commit(&mut store, 3);
        // Nothing was ever carried over.
        crashed(dir.path(), image.path());
        assert_eq!(compare(&image.path().join(FILE_NAME)).unwrap(), Log::Own);
        checkpoint(&store);
        crashed(dir.path(), old.path());
        assert_eq!(compare(&old.path().join(FILE_NAME)).unwrap(), Log::None);
        commit(&mut store, 2);
        crashed(dir.path(), image.path());
        assert_eq!(compare(&image.path().join(FILE_NAME)).unwrap(), Log::Own);
        // The log goes on from the very copy.
        std::fs::copy(old.path().join(FILE_NAME), image.path().join(FILE_NAME)).unwrap();
        assert_eq!(compare(&image.path().join(FILE_NAME)).unwrap(), Log::Own);
        checkpoint(&store);
        commit(&mut store, 4);
        crashed(dir.path(), image.path());
        assert_eq!(compare(&image.path().join(FILE_NAME)).unwrap(), Log::Own);
        // Two commits are in neither.
        std::fs::copy(old.path().join(FILE_NAME), image.path().join(FILE_NAME)).unwrap();
        assert_eq!(compare(&image.path().join(FILE_NAME)).unwrap(), Log::Foreign);
    }
}
