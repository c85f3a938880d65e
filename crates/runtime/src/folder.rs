//! A hub's own folder, used by one process at a time.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use crate::Error;

/// Held for as long as the process uses the folder; the lock ends with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "dropping it gives the lock back")] File);

/// Makes the folder if there is none, and takes it.
pub(crate) fn take(folder: &Path) -> Result<Held, Error> {
    let failed = |source: io::Error| Error::Folder { folder: folder.to_owned(), source };
    db::private_folder(folder).map_err(failed)?;
    let lock = db::private_file(&folder.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {
            // Written anew each time: what is older than this was there before.
            lock.set_len(0).and_then(|()| writeln!(&lock, "{}", std::process::id())).map_err(failed)?;
            Ok(Held(lock))
        }
        Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether a file was there before its folder was taken.
pub(crate) fn is_older(file: &Path, folder: &Path) -> bool {
    let written = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified());
    matches!((written(file), written(&folder.join("lock"))), (Ok(file), Ok(lock)) if file < lock)
}
