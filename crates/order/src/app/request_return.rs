//! A buyer wants to send goods back.

use db::{Command, Tx};
use kernel::OrderId;

use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::returns::{Return, ReturnRequest};
use crate::domain::viewer::Viewer;
use crate::store::returns;

/// Asks the seller. The order is locked, so that two returns never count the same units.
#[derive(Debug)]
pub(crate) struct RequestReturn {
    /// Who asks.
    pub(crate) viewer: Viewer,
    /// Of which order.
    pub(crate) order_id: OrderId,
    /// What goes back, and why.
    pub(crate) wanted: ReturnRequest,
}

impl Command<App> for RequestReturn {
    type Output = Return;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Return, Error> {
        let order = locked(tx, self.order_id).await?;
        if !self.viewer.sees(&order) {
            return Err(Error::not_found("order", self.order_id));
        }
        let earlier = returns::of_consignment(tx, self.wanted.consignment_id).await?;
        let (rules, now) = (&app.trade_policy.returns, app.clock.now());
        let one = Return::request(&order, self.wanted.clone(), &earlier, rules, now)?;
        if !returns::insert(tx, &one).await? {
            let message = "another return of yours has this client_reference";
            return Err(Refusal::new("CLIENT_REFERENCE_TAKEN", message).into());
        }
        Ok(one)
    }
}
