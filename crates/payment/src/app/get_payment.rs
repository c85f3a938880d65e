//! How an order is paid.

use db::{Query, Tx};
use kernel::OrderId;

use super::{App, Error};
use crate::domain::hold::Hold;
use crate::store::holds;

/// The payment of an order; of another buyer's there is none.
#[derive(Debug)]
pub(crate) struct GetPayment {
    pub(crate) order_id: OrderId,
    /// `None` for operators.
    pub(crate) buyer: Option<String>,
}

impl Query<App> for GetPayment {
    type Output = Hold;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Hold, Error> {
        let hold = holds::of_order(tx, self.order_id).await?;
        hold.filter(|hold| self.buyer.as_ref().is_none_or(|buyer| *buyer == hold.buyer))
            .ok_or_else(|| Error::not_found("payment", self.order_id))
    }
}
