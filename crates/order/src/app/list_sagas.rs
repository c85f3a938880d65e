//! The sagas behind orders, as operators see them.

use chrono::Duration;
use db::{Query, Tx};
use kernel::{OrderId, SagaId};

use super::{App, Error};
use crate::store::sagas::{self, Filter, StoredSaga};

/// A saga that is not settled and did not move for so long, by the machine's time, is stuck.
pub(crate) const STUCK_AFTER: Duration = Duration::minutes(1);

/// A page of sagas, newest first, and how many are not settled.
#[derive(Debug)]
pub(crate) struct ListSagas {
    /// Those alone that are stuck.
    pub(crate) stuck_only: bool,
    /// Those before it.
    pub(crate) before: Option<SagaId>,
    /// At most so many.
    pub(crate) limit: i64,
}

impl Query<App> for ListSagas {
    type Output = (Vec<StoredSaga>, i64);

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(Vec<StoredSaga>, i64), Error> {
        let stuck_since = self.stuck_only.then(|| app.machine.now() - STUCK_AFTER);
        let filter = Filter { stuck_since, before: self.before, limit: self.limit };
        Ok((sagas::list(tx, filter).await?, sagas::unsettled(tx, app.clock.now()).await?))
    }
}

/// The saga of an order.
#[derive(Debug)]
pub(crate) struct GetSaga {
    /// Of which.
    pub(crate) order_id: OrderId,
}

impl Query<App> for GetSaga {
    type Output = StoredSaga;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<StoredSaga, Error> {
        let found = sagas::find(tx, self.order_id).await?;
        found.ok_or_else(|| Error::not_found("saga of order", self.order_id))
    }
}
