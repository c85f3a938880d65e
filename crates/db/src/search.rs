//! Reads whose cost is chosen by those who ask, such as a search: however many come, they take few of the connections,
//! and none of them for long. So all other work finds one.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::write::Access;
use crate::{Db, Error, Retryable, Tx};

/// How long one waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(2);
/// One in so many connections is for browsing, and one at least.
const SHARE: u32 = 4;

/// Whose turn it is.
pub(crate) struct SearchSlots {
    turns: Arc<Semaphore>,
}

impl SearchSlots {
    pub(crate) fn of(connections_max: u32) -> Self {
        let at_once = usize::try_from(connections_max / SHARE).unwrap_or(1).max(1);
        Self { turns: Arc::new(Semaphore::new(at_once)) }
    }
}

impl Db {
    /// As [`Db::read`], for reads whose cost the caller chooses. [`Error::SearchTimeout`] past [`BROWSE_MAX`](crate::BROWSE_MAX),
    /// [`Error::SearchesBusy`] when it did not get its turn in time. Who leaves before its turn gives it up.
    pub async fn search<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        let turn = self.0.browsing.turns.clone().acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(TURN_MAX, turn).await else {
            return Err(E::from(Error::SearchesBusy));
        };
        let held = work_of(move |tx| {
            // Held by the work, which goes on when its caller leaves.
            let _turn = &turn;
            work(tx)
        });
        self.attempts(Access::Browse, held).await
    }
}

/// Says to the compiler what the closure is.
pub(crate) fn work_of<T, E, F>(work: F) -> F
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    work
}
