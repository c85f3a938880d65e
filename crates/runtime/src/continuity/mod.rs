//! Whether a hub's databases are still those that they were.
//!
//! Each database knows which one it is: its hub, its service, a generation that it got when it was made, and a mark that
//! grows while it is written to. Each also knows how far those of the other services had come. What was lost, emptied,
//! replaced or set back by itself does not fit what the others know, nor the events that they have had of it.
//!
//! A process that has all of them compares them before it serves, and does not start when they do not fit. Processes of one
//! service each compare theirs over the internal API, and say by their health that they do not serve. A set of one moment
//! fits, as do databases that a crash has left. `entrepot adopt` says that a database is meant to be as it is.

mod adopt;
mod exchange;
mod files;
mod opening;
mod rounds;
pub(crate) mod store;
mod verify;

use db::Engine;
use futures::future::join_all;
use uuid::Uuid;

use crate::{Error, Settings, Spec};

pub use adopt::{Adopted, AdoptionHook, adopt};
pub(crate) use exchange::{Exchange, Peering};
pub(crate) use opening::{OpenDatabase, PendingCheck};
use opening::{open, or_close};
pub(crate) use rounds::MarkRounds;
pub(crate) use verify::{ConsumerSources, settle, verify};

/// How far a database has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which database it is.
    pub(crate) generation: Uuid,
    /// Grows while it is written to.
    pub(crate) mark: i64,
}

impl Mark {
    /// Whether a database that is here can be one that was `known`.
    pub(crate) fn continues(self, known: Self) -> bool {
        self.generation == known.generation && self.mark >= known.mark
    }
}

/// Opens and migrates the databases of these services; on an error none stays open.
pub(crate) async fn open_all(settings: &Settings, specs: &[Spec]) -> Result<Vec<OpenDatabase>, Error> {
    open_meant(settings, specs, &[]).await
}

/// As [`open_all`]; those of `meant` are made when they are lost.
async fn open_meant(settings: &Settings, specs: &[Spec], meant: &[&str]) -> Result<Vec<OpenDatabase>, Error> {
    files::look(settings, specs, meant).await?;
    let (mut opened, mut first) = (Vec::new(), Ok(()));
    for one in join_all(specs.iter().map(|spec| open(settings, spec))).await {
        match one {
            Ok(one) => opened.push(one),
            Err(error) => first = first.and(Err(error)),
        }
    }
    or_close(&opened, first).await?;
    Ok(opened)
}

/// What does not fit, in a sentence: `known` is what `by` knows of the database of `service`.
pub(crate) fn gap(service: &str, own: Option<Mark>, by: &str, known: Mark) -> String {
    let is = match own {
        Some(own) if own.generation == known.generation => {
            format!("was set back to an earlier state: it is at mark {}", own.mark)
        }
        Some(own) => format!("is a different one: its generation is {}", own.generation),
        None => "is new".to_owned(),
    };
    format!(
        "the database of {service} {is}; {by} knows generation {} at mark {}",
        known.generation, known.mark
    )
}

/// What to do about it.
pub(crate) fn remedy(service: &str, engine: Engine) -> String {
    let restore = restore(engine);
    format!("{restore}, or, if this database is as intended, run `entrepot adopt {service}`")
}

/// What helps always.
pub(crate) fn restore(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "restore the databases of all services from one backup",
        Engine::Sqlite => {
            "restore the databases of all services from one backup, after removing their files with the -wal and -shm \
             files beside them"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_on_from_what_was_known_of_it() {
        let generation = kernel::EventId::new().uuid();
        let known = Mark { generation, mark: 7 };
        assert!(known.continues(known) && Mark { generation, mark: 8 }.continues(known));
        let back = Mark { generation, mark: 6 };
        let other = Mark { generation: kernel::EventId::new().uuid(), mark: 9 };
        assert!(!back.continues(known) && !other.continues(known));
        assert!(
            gap("order", Some(back), "payment", known)
                .contains("was set back to an earlier state: it is at mark 6")
        );
        assert!(gap("order", Some(other), "payment", known).contains("is a different one"));
        assert!(gap("order", None, "payment", known).contains("is new; payment knows generation"));
    }
}
