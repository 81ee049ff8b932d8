//! Small files that are either whole or not there.
//!
//! Called by whoever keeps keys and certificates. A reader never sees half of a file, also after
//! a power cut: the bytes go to a temporary neighbour, are flushed to the disk and take the name
//! by a rename, which is flushed too.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone: keys.
    Owner,
    /// Whoever may read the directory.
    Directory,
}

/// Writes `bytes` under `path`, whole or not at all.
///
/// # Errors
/// As the file system says.
pub fn write_atomic(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = name.to_os_string();
    temporary.push(".tmp");
    let temporary = path.with_file_name(temporary);
    match std::fs::remove_file(&temporary) {
        // Left by a crash, perhaps with other access rights.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = create_new(&temporary, access)?;
    hand_over(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    sync_directory(path)
}

/// Gives a file to the owner of its directory, where this process may: whoever works on a program's
/// files as root must not lock it out of them.
///
/// # Errors
/// As the file system says.
#[cfg(unix)]
pub fn hand_over(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let (file, directory) = (std::fs::metadata(path)?, std::fs::metadata(directory_of(path))?);
    if file.uid() == directory.uid() {
        return Ok(());
    }
    match chown(path, Some(directory.uid()), Some(directory.gid())) {
        // Not root: the file is as private to this user as before.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Gives a file to the owner of its directory: elsewhere the directory decides.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn hand_over(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directory that a file is to be written to, when it does not exist.
pub fn missing_directory(file: &Path) -> Option<PathBuf> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty())?;
    (!directory.is_dir()).then(|| directory.to_owned())
}

/// Renames a file within its directory and flushes the directory.
///
/// # Errors
/// As the file system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_directory(to)
}

/// Makes a directory, with its parents, that only its owner may enter.
///
/// # Errors
/// As the file system says.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The bytes of a file; `None` when there is none.
///
/// # Errors
/// As the file system says.
pub fn read_optional(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The bytes of a file of at most `len_max` bytes; `None` when it is longer.
///
/// # Errors
/// As the file system says.
pub fn read_bounded(path: &Path, len_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(len_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= len_max).then_some(bytes))
}

fn create_new(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match access {
            Access::Owner => 0o600,
            Access::Directory => 0o644,
        },
    );
    // Elsewhere files inherit the access rights of the directory, which setup restricts.
    #[cfg(not(unix))]
    let _ = access;
    options.open(path)
}

/// Flushes the directory that holds `path`, so that a new name survives a power cut.
///
/// # Errors
/// As the file system says.
#[cfg(unix)]
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// Flushes the directory that holds `path`: elsewhere a directory cannot be opened, and the
/// file system orders renames itself.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_root_writes_belongs_to_the_directorys_owner() {
        use std::os::unix::fs::{MetadataExt, chown};
        let dir = std::env::temp_dir().join(format!("msap-owner-{}", std::process::id()));
        create_private_directory(&dir).unwrap();
        // Without root nobody can give a directory away, and nothing is to be handed over.
        let given = chown(&dir, Some(65_534), Some(65_534)).is_ok();
        let path = dir.join("ca.key");
        write_atomic(&path, b"key", Access::Owner).unwrap();
        let owner = std::fs::metadata(&path).unwrap().uid();
        assert_eq!(owner == 65_534, given);
        assert_eq!(owner, std::fs::metadata(&dir).unwrap().uid());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone() {
        let dir = std::env::temp_dir().join(format!("msap-file-{}", std::process::id()));
        create_private_directory(&dir).unwrap();
        let path = dir.join("clé privée");
        std::fs::write(dir.join("clé privée.tmp"), b"left by a crash").unwrap();
        for text in [&b"first"[..], b"second"] {
            write_atomic(&path, text, Access::Owner).unwrap();
            assert_eq!(read_optional(&path).unwrap().unwrap(), text);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert_eq!(read_optional(&dir.join("none")).unwrap(), None);
        assert_eq!(read_bounded(&path, 6).unwrap().unwrap(), b"second");
        assert_eq!(read_bounded(&path, 5).unwrap(), None);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
