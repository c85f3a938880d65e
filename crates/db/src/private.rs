//! What is on disk is its owner's alone.

use std::io;
use std::path::{Path, PathBuf};

/// What SQLite puts beside a database, with the rights of its file: the write-ahead log, the log's index, the journal.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Creates a folder, and missing parents, accessible to the owner only; an existing one is closed to others.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    close(folder, 0o700);
    Ok(())
}

/// Opens a file to write, made for nobody but the owner; one that is there is closed to others.
pub fn private_file(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    close(path, 0o600);
    Ok(file)
}

/// Before SQLite opens a database: its file is there, and it and those beside it are the owner's.
pub(crate) fn database(path: &str) {
    if path.is_empty() || path.starts_with(":memory:") || path.starts_with("file:") {
        return;
    }
    // Why it cannot be made is told by SQLite, which tries as well.
    if private_file(Path::new(path)).is_err() {
        return;
    }
    for end in BESIDE {
        close(&PathBuf::from(format!("{path}{end}")), 0o600);
    }
}

/// Takes the others' rights, where there are any. A file of somebody else's stays as he wants it.
#[cfg(unix)]
fn close(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.permissions().mode() & 0o077 == 0 {
        return;
    }
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) {
        tracing::warn!(path = %path.display(), %error, "other users may read this, and its permissions cannot be changed");
    }
}

#[cfg(not(unix))]
fn close(_: &Path, _: u32) {}
