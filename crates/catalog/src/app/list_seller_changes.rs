//! What sellers want to change of what was verified.

use db::{Query, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::seller::Seller;
use crate::store::sellers;

/// Sellers with a change that waits for the operator.
#[derive(Debug)]
pub(crate) struct ListSellerChanges {
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListSellerChanges {
    type Output = Vec<Seller>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Seller>, Error> {
        Ok(sellers::with_change(tx, self.after, self.limit).await?)
    }
}
