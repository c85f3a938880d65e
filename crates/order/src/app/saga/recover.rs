//! Resumes sagas that no process is driving: after a crash, after a failure, or when a timer has woken them. Of several
//! processes one gets each, by a guarded update.

use std::sync::Arc;

use db::{Command, Query, Tx};
use kernel::SagaId;

use super::{SagaRun, drive};
use crate::app::{App, Error};
use crate::store::{orders, sagas};

/// Sagas that are taken up at once.
const BATCH: i64 = 16;

impl App {
    /// Takes up what is to be taken up; whether there may be more.
    pub(crate) async fn recover(self: Arc<Self>) -> anyhow::Result<bool> {
        let waiting = self.db.query(&self, ListWaitingSagas).await?;
        let runs = waiting.iter().map(|(id, attempt)| take_up(&self, *id, *attempt));
        for taken in futures::future::join_all(runs).await {
            taken?;
        }
        Ok(i64::try_from(waiting.len()).unwrap_or(BATCH) >= BATCH)
    }
}

async fn take_up(app: &Arc<App>, id: SagaId, attempt: i64) -> Result<(), Error> {
    if let Some(run) = app.db.run(app, ClaimSaga { id, attempt }).await? {
        tracing::info!(order.id = %run.order.id, saga.attempt = run.saga.attempt, "a saga is resumed");
        drive(app.clone(), run).await;
    }
    Ok(())
}

/// Sagas that nobody is at, with the attempts that they are at.
#[derive(Debug)]
struct ListWaitingSagas;

impl Query<App> for ListWaitingSagas {
    type Output = Vec<(SagaId, i64)>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        Ok(sagas::to_wake(tx, app.machine.now(), BATCH).await?)
    }
}

/// Takes a saga for a lease, unless another did since it was looked at.
#[derive(Debug)]
struct ClaimSaga {
    id: SagaId,
    /// The attempt that it was seen at.
    attempt: i64,
}

impl Command<App> for ClaimSaga {
    type Output = Option<SagaRun>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Option<SagaRun>, Error> {
        let now = app.machine.now();
        let claimed = sagas::claim(tx, self.id, self.attempt, now + app.config.lease(), now).await?;
        let Some(kept) = claimed else { return Ok(None) };
        let order = orders::find(tx, kept.saga.order_id).await?;
        let order = order.ok_or_else(|| Error::Fault(format!("saga {} has no order", self.id)))?;
        Ok(Some(SagaRun { saga: kept.saga, order, request: kept.request }))
    }
}
