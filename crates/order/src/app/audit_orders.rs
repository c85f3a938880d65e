//! Whether orders, sagas, versions and returns fit together.

use std::collections::BTreeMap;

use db::{Query, Tx};
use kernel::ReturnId;

use super::{App, Error};
use crate::store::{audit, sagas};

/// Compares all with all, on one snapshot.
#[derive(Debug)]
pub(crate) struct AuditOrders;

/// What it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// Orders by state.
    pub(crate) by_state: BTreeMap<String, i64>,
    /// Sagas that are not settled.
    pub(crate) unsettled: i64,
    /// What does not add up, a sentence each.
    pub(crate) violations: Vec<String>,
}

impl Query<App> for AuditOrders {
    type Output = Audit;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Audit, Error> {
        let by_state = audit::by_state(tx).await?.into_iter().collect();
        let unsettled = sagas::unsettled(tx, app.clock.now()).await?;
        let mut violations = Vec::new();
        for (number, state, step) in audit::astray(tx).await? {
            let step = step.unwrap_or_else(|| "missing".to_owned());
            violations.push(format!("order {number} is {state}, but its saga is {step}"));
        }
        for (number, version, kept) in audit::gaps(tx).await? {
            violations
                .push(format!("order {number} is at version {version}, but {kept} versions are stored"));
        }
        for (id, reason) in audit::failed_refunds(tx).await? {
            violations.push(format!("the refund of {} failed: {reason}", ReturnId::from(id)));
        }
        for (number,) in audit::timers_of_the_ended(tx).await? {
            violations.push(format!("order {number} is cancelled and has an escrow timer"));
        }
        Ok(Audit { by_state, unsettled, violations })
    }
}
