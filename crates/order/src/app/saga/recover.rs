//! Takes up sagas that nobody is at: after a crash, after trouble, or when a timer has woken them. Of several
//! processes one gets each, by a guarded update.

use std::sync::Arc;

use kernel::SagaId;

use super::drive::Run;
use super::{App, Error};
use crate::store::{orders, sagas};

/// Sagas that are taken up at once.
const BATCH: i64 = 16;

impl App {
    /// Takes up what is to be taken up; whether there may be more.
    pub(crate) async fn recover(self: Arc<Self>) -> anyhow::Result<bool> {
        let now = self.machine.now();
        let waiting: Vec<(SagaId, i64)> =
            self.db.read(move |tx| Box::pin(sagas::to_wake(tx, now, BATCH))).await?;
        let runs = waiting.iter().map(|(id, attempt)| self.clone().take_up(*id, *attempt));
        for taken in futures::future::join_all(runs).await {
            taken?;
        }
        Ok(i64::try_from(waiting.len()).unwrap_or(BATCH) >= BATCH)
    }

    async fn take_up(self: Arc<Self>, id: SagaId, attempt: i64) -> Result<(), Error> {
        let app = self.clone();
        let claimed = self.db.write(move |tx| {
            let app = app.clone();
            Box::pin(async move {
                let now = app.machine.now();
                let Some(kept) = sagas::claim(tx, id, attempt, now + app.config.lease(), now).await? else {
                    return Ok(None);
                };
                let order = orders::find(tx, kept.saga.order_id).await?;
                let order = order.ok_or_else(|| Error::Fault(format!("saga {id} has no order")))?;
                Ok::<_, Error>(Some(Run { saga: kept.saga, order, request: kept.request }))
            })
        });
        if let Some(run) = claimed.await? {
            tracing::info!(order.id = %run.order.id, saga.attempt = run.saga.attempt, "a saga is taken up");
            self.drive(run).await;
        }
        Ok(())
    }
}
