//! The movements of money.

use db::{Query, Tx};
use kernel::OrderId;
use uuid::Uuid;

use super::{App, Error};
use crate::store::transfers::{self, Entry};

/// Movements, of an order or all, newest first.
#[derive(Debug)]
pub(crate) struct ListTransfers {
    pub(crate) order_id: Option<OrderId>,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListTransfers {
    type Output = Vec<Entry>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Entry>, Error> {
        Ok(transfers::list(tx, self.order_id, self.before, self.limit).await?)
    }
}
