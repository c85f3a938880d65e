//! Looks at the files of a process's databases before any is opened: SQLite makes a file that is missing, and deletes the
//! log beside one that is empty. What is refused here is left as it lies.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use db::{Db, Engine};

use super::opening::Place;
use super::{restore, store};
use crate::{Error, Settings, Spec, folder};

/// A service's file.
struct Found {
    service: &'static str,
    file: PathBuf,
    is: Is,
}

/// What lies in the place of a file.
enum Is {
    Missing,
    Empty,
    /// Something, and whether a hub has used it as its database.
    There {
        is_used: bool,
    },
}

/// Refuses a file of another service or hub, and one that is lost: the hub has been used, or its log is there. Those of
/// `meant` may be lost.
pub(super) async fn look(settings: &Settings, specs: &[Spec], meant: &[&str]) -> Result<(), Error> {
    let hub = settings.profile.code();
    let mut found = Vec::new();
    for spec in specs {
        if let Some(file) = Place::of(&settings.database_url(spec.name)).file() {
            found.push(see(hub, spec.name, file.to_owned()).await?);
        }
    }
    let used = found.iter().find(|one| matches!(one.is, Is::There { is_used: true }));
    for one in found.iter().filter(|one| !meant.contains(&one.service)) {
        let what = match one.is {
            Is::Missing => "missing",
            Is::Empty => "empty",
            Is::There { .. } => continue,
        };
        let service = one.service;
        let why = match used {
            _ if has_content(&beside(&one.file, "-wal")) => {
                format!("its log is there ({}-wal)", one.file.display())
            }
            Some(used) => format!("that of {} is there", used.service),
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
    let is_new = !found.is_empty() && found.iter().all(|one| !matches!(one.is, Is::There { .. }));
    if is_new && folder::is_older(&settings.key, &settings.folder) {
        tracing::warn!(
            hub,
            folder = %settings.folder.display(),
            "the hub's key is there and none of its databases: it starts as a new hub; if it had some, stop it and restore them"
        );
    }
    Ok(())
}

/// Whether any of the databases can be one: on a server, or a file in which there is something.
pub(super) fn are_any(settings: &Settings, specs: &[Spec]) -> bool {
    specs.iter().any(|spec| Place::of(&settings.database_url(spec.name)).file().is_none_or(has_content))
}

async fn see(hub: &str, service: &'static str, file: PathBuf) -> Result<Found, Error> {
    let is = match std::fs::metadata(&file) {
        Ok(metadata) if metadata.len() == 0 => Is::Empty,
        Err(error) if error.kind() == ErrorKind::NotFound => Is::Missing,
        // What it is else, SQLite finds out.
        _ => there(hub, service, &file).await?,
    };
    Ok(Found { service, file, is })
}

async fn there(hub: &str, service: &'static str, file: &Path) -> Result<Is, Error> {
    let db = Db::untouched(file);
    let read = db.read(|tx| {
        Box::pin(async move {
            Ok::<_, db::Error>((store::identity_if_any(tx).await?, store::is_of_earlier_release(tx).await?))
        })
    });
    let read = read.await;
    db.close().await;
    match read {
        Ok((Some(identity), _)) => {
            identity.must_be(hub, service, file.display())?;
            Ok(Is::There { is_used: true })
        }
        Ok((None, is_of_earlier_release)) => Ok(Is::There { is_used: is_of_earlier_release }),
        // Damaged, or cut off in the midst of a change that its log completes.
        Err(_) => Ok(Is::There { is_used: true }),
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
