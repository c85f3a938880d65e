//! Reading and writing of key files: no reader sees half of one.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The most bytes of a key's file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Its owner alone.
    Owner,
    /// Anyone.
    Anyone,
}

impl Readers {
    #[cfg(unix)]
    fn mode(self) -> u32 {
        match self {
            Readers::Owner => 0o600,
            Readers::Anyone => 0o644,
        }
    }
}

pub(super) fn read(path: &Path) -> io::Result<String> {
    std::fs::File::open(path).and_then(|file| kernel::read_text(file, FILE_BYTES_MAX))
}

/// Writes a file that is not there yet; of two writers the first wins, and the second is told nothing.
pub(super) fn create(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let beside = write_beside(path, text, readers)?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file in the place of the one that may be there.
pub(super) fn replace(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let beside = write_beside(path, text, readers)?;
    std::fs::rename(beside, path)
}

fn write_beside(path: &Path, text: &str, readers: Readers) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // A folder that is there may be shared with what is not secret: it stays as it is.
    if !folder.as_os_str().is_empty() && !folder.exists() {
        db::private_folder(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, readers.mode());
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // The umask may have taken from the mode what others need to read.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(readers.mode()))?;
    Ok(beside)
}
