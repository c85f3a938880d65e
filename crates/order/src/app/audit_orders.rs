//! What operators see: sagas, and whether orders, sagas, versions and returns fit together.

use std::collections::BTreeMap;

use chrono::Duration;
use kernel::{OrderId, ReturnId};

use super::{App, Error};
use crate::store::audit;
use crate::store::sagas::{self, Filter, Kept};

/// A saga that is not settled and did not move for so long, by the machine's time, is stuck.
pub(crate) const STUCK_AFTER: Duration = Duration::minutes(1);

/// The audit's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// Orders by state.
    pub(crate) by_state: BTreeMap<String, i64>,
    /// Sagas that are not settled.
    pub(crate) unsettled: i64,
    /// What does not add up, a sentence each.
    pub(crate) violations: Vec<String>,
}

impl App {
    /// A page of sagas, and how many are not settled.
    pub(crate) async fn list_sagas(
        &self,
        stuck_only: bool,
        before: Option<kernel::SagaId>,
        limit: i64,
    ) -> Result<(Vec<Kept>, i64), Error> {
        let stuck_since = stuck_only.then(|| self.machine.now() - STUCK_AFTER);
        let (filter, now) = (Filter { stuck_since, before, limit }, self.clock.now());
        let listed = self.db.read(move |tx| {
            Box::pin(async move {
                let listed = sagas::list(tx, filter).await?;
                let unsettled = sagas::unsettled(tx, now).await?;
                Ok::<_, Error>((listed, unsettled))
            })
        });
        listed.await
    }

    /// The saga of an order.
    pub(crate) async fn get_saga(&self, order_id: OrderId) -> Result<Kept, Error> {
        let found = self.db.read(move |tx| Box::pin(sagas::find(tx, order_id))).await?;
        found.ok_or_else(|| Error::not_found("saga of order", order_id))
    }

    /// Compares all with all, on one snapshot.
    pub(crate) async fn audit(&self) -> Result<Audit, Error> {
        let now = self.clock.now();
        let audited = self.db.read(move |tx| {
            Box::pin(async move {
                let by_state = audit::by_state(tx).await?;
                let unsettled = sagas::unsettled(tx, now).await?;
                let mut violations = Vec::new();
                for (number, state, step) in audit::astray(tx).await? {
                    let step = step.unwrap_or_else(|| "missing".to_owned());
                    violations.push(format!("order {number} is {state}, its saga is {step}"));
                }
                for (number, version, kept) in audit::gaps(tx).await? {
                    violations.push(format!("order {number} is at version {version}, {kept} are kept"));
                }
                for (id, reason) in audit::failed_refunds(tx).await? {
                    violations.push(format!("the refund of {} failed: {reason}", ReturnId::from(id)));
                }
                for (number,) in audit::timers_of_the_ended(tx).await? {
                    violations.push(format!("order {number} is cancelled and has an escrow timer"));
                }
                let by_state = by_state.into_iter().collect();
                Ok::<_, Error>(Audit { by_state, unsettled, violations })
            })
        });
        audited.await
    }
}
