//! Looks at the files of a process's databases before any is opened: SQLite makes a file that is missing, and deletes the
//! log beside one that is empty. What is refused here is left as it lies.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use db::{Db, Engine};

use super::opening::DatabaseLocation;
use super::{restore, store};
use crate::{Error, Settings, Spec, folder};

/// A service's file.
struct DatabaseFile {
    service: &'static str,
    file: PathBuf,
    is: FileState,
}

/// What lies in the place of a file.
enum FileState {
    Missing,
    Empty,
    /// Something that no hub has used as its database.
    Unused,
    /// A hub's database, with the services that it knows to have a database; `None` where it cannot tell.
    Used(Option<BTreeSet<String>>),
}

impl FileState {
    /// Whether there may have been a database of the service, by this one.
    fn may_know(&self, service: &str) -> bool {
        match self {
            Self::Used(known) => known.as_ref().is_none_or(|known| known.contains(service)),
            _ => false,
        }
    }
}

/// Refuses a file of another service or hub, and one that is lost: another of the hub's databases knows it or cannot tell, or
/// its log is there. One that none of them knows is of a service that is new to the hub. Those of `meant` may be lost.
pub(super) async fn look(settings: &Settings, specs: &[Spec], meant: &[&str]) -> Result<(), Error> {
    let hub = settings.profile.code();
    let mut found = Vec::new();
    for spec in specs {
        if let Some(file) = DatabaseLocation::of(&settings.database_url(spec.name)).file() {
            found.push(see(hub, spec.name, file.to_owned()).await?);
        }
    }
    for one in found.iter().filter(|one| !meant.contains(&one.service)) {
        let what = match one.is {
            FileState::Missing => "missing",
            FileState::Empty => "empty",
            FileState::Unused | FileState::Used(_) => continue,
        };
        let service = one.service;
        let why = match found.iter().find(|other| other.is.may_know(service)) {
            _ if has_content(&beside(&one.file, "-wal")) => {
                format!("its write-ahead log exists ({}-wal)", one.file.display())
            }
            Some(other) => format!("that of {} exists", other.service),
            None => continue,
        };
        return Err(Error::Discontinued {
            service,
            place: one.file.display().to_string(),
            gap: format!("the database of {service} is {what}, and {why}"),
            remedy: format!(
                "nothing was changed: put the file back, with its own -wal and -shm files if it has any, or {}; if it is \
                 lost for good, run `entrepot adopt {service}`",
                restore(Engine::Sqlite)
            ),
        });
    }
    let is_new =
        !found.is_empty() && found.iter().all(|one| matches!(one.is, FileState::Missing | FileState::Empty));
    let key = settings.keys.issuer.as_ref();
    if is_new && key.is_some_and(|key| folder::is_older(&key.path, &settings.folder)) {
        tracing::warn!(
            hub,
            folder = %settings.folder.display(),
            "the hub's key exists, but none of its databases: it starts as a new hub; if it had some, stop it and restore them"
        );
    }
    Ok(())
}

/// Whether any of the databases can be one: on a server, or a file in which there is something.
pub(super) fn are_any(settings: &Settings, specs: &[Spec]) -> bool {
    specs
        .iter()
        .any(|spec| DatabaseLocation::of(&settings.database_url(spec.name)).file().is_none_or(has_content))
}

async fn see(hub: &str, service: &'static str, file: PathBuf) -> Result<DatabaseFile, Error> {
    let is = match std::fs::metadata(&file) {
        Ok(metadata) if metadata.len() == 0 => FileState::Empty,
        Err(error) if error.kind() == ErrorKind::NotFound => FileState::Missing,
        // What it is else, SQLite finds out.
        _ => there(hub, service, &file).await?,
    };
    Ok(DatabaseFile { service, file, is })
}

async fn there(hub: &str, service: &'static str, file: &Path) -> Result<FileState, Error> {
    let db = Db::untouched(file);
    let read = db.read(|tx| {
        Box::pin(async move {
            let Some(identity) = store::identity_if_any(tx).await? else {
                return Ok::<_, db::Error>((None, store::is_of_earlier_release(tx).await?));
            };
            let known = store::known(tx).await?.into_iter().map(|(service, _)| service).collect();
            Ok((Some((identity, known)), false))
        })
    });
    let read = read.await;
    db.close().await;
    match read {
        Ok((Some((identity, known)), _)) => {
            identity.must_be(hub, service, file.display())?;
            Ok(FileState::Used(Some(known)))
        }
        Ok((None, false)) => Ok(FileState::Unused),
        // Of an earlier release, which knows none; damaged; or cut off in the midst of a change that its log completes.
        Ok((None, true)) | Err(_) => Ok(FileState::Used(None)),
    }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn has_content(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)
}
