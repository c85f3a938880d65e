//! Money that fits no order.

use db::{Query, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::receipt::Receipt;
use crate::store::receipts;

/// Receipts in suspense, oldest first.
#[derive(Debug)]
pub(crate) struct ListSuspense {
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListSuspense {
    type Output = Vec<Receipt>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Receipt>, Error> {
        Ok(receipts::suspended(tx, self.after, self.limit).await?)
    }
}
