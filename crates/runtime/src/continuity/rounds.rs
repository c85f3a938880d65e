//! Moves the marks of a process's databases on while they are written to, and lets the others know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::Db;
use kernel::Clock;

use super::{Mark, store};
use crate::Worker;

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// After how many commits SQLite's log is moved into its file. The marks move on right after it: the file alone is behind what
/// the others know, and a log that is lost is noticed.
const CHECKPOINT_EVERY: u64 = 500;
/// How much a round itself commits in a database, at most: its mark, and the others'.
const OWN_COMMITS: u64 = 2;

/// The databases of a process, with what their commits were when they were looked at.
#[derive(Clone)]
pub(crate) struct MarkRounds(Arc<Inner>);

struct Inner {
    databases: BTreeMap<&'static str, Db>,
    seen: Mutex<BTreeMap<&'static str, SeenCommits>>,
}

#[derive(Clone, Copy, Default)]
struct SeenCommits {
    commits: u64,
    /// Of those to come, how many are of the last round.
    own: u64,
    /// What they were when the log was moved last.
    moved: u64,
}

impl MarkRounds {
    pub(crate) fn new(databases: BTreeMap<&'static str, Db>) -> Self {
        Self(Arc::new(Inner { databases, seen: Mutex::default() }))
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker::every("marks", EVERY, None, self.clone(), |rounds| async move {
            rounds.take().await?;
            Ok(false)
        })
    }

    /// One round.
    pub(crate) async fn take(&self) -> Result<(), db::Error> {
        let mut marks = Vec::new();
        for service in self.written() {
            if self.has_long_log(service) {
                self.0.databases[service].checkpoint_passively().await?;
            }
            marks.push((service, self.0.databases[service].write(|tx| Box::pin(store::advance(tx))).await?));
        }
        if marks.is_empty() {
            return Ok(());
        }
        let now = Clock::system().now();
        let noting = self.0.databases.iter().map(|(service, db)| {
            let others: Vec<(&str, Mark)> =
                marks.iter().filter(|(other, _)| other != service).copied().collect();
            db.write(move |tx| {
                let others = others.clone();
                Box::pin(async move {
                    for (service, mark) in others {
                        store::note(tx, service, mark, now).await?;
                    }
                    Ok::<_, db::Error>(())
                })
            })
        });
        futures::future::try_join_all(noting).await?;
        Ok(())
    }

    /// The databases that were written to since they were last looked at.
    fn written(&self) -> Vec<&'static str> {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = Vec::new();
        for (service, db) in &self.0.databases {
            let commits = db.statistics().commits;
            let last = seen.entry(service).or_default();
            if commits.saturating_sub(last.commits) > last.own {
                written.push(*service);
            }
            last.commits = commits;
        }
        let own = if written.is_empty() { 0 } else { OWN_COMMITS };
        seen.values_mut().for_each(|last| last.own = own);
        written
    }

    /// Whether a database's log is to be moved now.
    fn has_long_log(&self, service: &str) -> bool {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = seen.get_mut(service) else { return false };
        let is_long = last.commits.saturating_sub(last.moved) >= CHECKPOINT_EVERY;
        if is_long {
            last.moved = last.commits;
        }
        is_long
    }

    /// The last round, when all is written.
    pub(crate) async fn end(&self) {
        if let Err(error) = self.take().await {
            tracing::warn!(%error, "the databases' last marks were not written");
        }
    }
}
