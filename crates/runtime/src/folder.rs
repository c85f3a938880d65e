//! A hub's own folder, used by one process at a time.

use std::fs::{File, TryLockError};
use std::io;
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
        Ok(()) => Ok(Held(lock)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
