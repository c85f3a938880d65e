//! Says by the health service when a database cannot do its work, until it can, or is damaged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use db::Db;
use rpc::Health;

use crate::Worker;
use crate::continuity::{PendingCheck, restore, store};

/// How often its troubles are counted.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches a service's database. Failures are noticed by the operations that fail; while there are any, a row of the
/// hub's own is written again and again, so that a database which is well is found well though nobody writes.
pub(crate) fn watcher(service: &'static str, db: Db, health: Health) -> Worker {
    let part: Arc<str> = format!("database of {service}").into();
    let seen = Arc::new(AtomicU64::new(db.statistics().troubles));
    let state = (part, seen, db, health);
    Worker::every("database", LOOK_EVERY, None, state, move |(part, seen, db, health)| async move {
        let troubles = db.statistics().troubles;
        if seen.swap(troubles, Ordering::Relaxed) != troubles {
            if health.set(&part, false) {
                tracing::warn!(
                    service,
                    "the database is not operational: this process now reports NOT_SERVING"
                );
            }
        } else if !health.is_part_healthy(&part) {
            db.write(|tx| Box::pin(store::touch(tx))).await?;
            health.set(&part, true);
            tracing::info!(service, "the database is operational again");
        }
        Ok(false)
    })
}

/// Follows what is left of the check of a file; closing the database ends it.
pub(crate) fn contents(service: &'static str, check: PendingCheck, health: Health) -> Worker {
    Worker::new("contents", move |cancel| async move {
        match cancel.run_until_cancelled(check.finish()).await {
            None => {}
            Some(Ok(faults)) if faults.is_empty() => {}
            Some(Ok(faults)) => {
                health.set(&format!("contents of {service}"), false);
                tracing::error!(
                    service,
                    ?faults,
                    "the database is damaged: this process now reports NOT_SERVING; stop it and {}",
                    restore(db::Engine::Sqlite)
                );
            }
            Some(Err(error)) => tracing::warn!(service, %error, "the database could not be checked"),
        }
    })
}
