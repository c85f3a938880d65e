//! The caller's orders, newest first.

use db::{Query, Tx};

use super::{App, Error};
use crate::domain::order::Order;
use crate::domain::viewer::Viewer;
use crate::store::orders::{self, Filter};

/// A page of orders.
#[derive(Debug)]
pub(crate) struct ListOrders {
    /// Whose.
    pub(crate) viewer: Viewer,
    /// Which of them.
    pub(crate) filter: Filter,
}

impl Query<App> for ListOrders {
    type Output = Vec<Order>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Order>, Error> {
        let filter = &self.filter;
        Ok(match &self.viewer {
            Viewer::Buyer(subject) => orders::of_buyer(tx, subject, filter).await?,
            // A reference is the buyer's: a seller that asks for one finds nothing.
            Viewer::Seller(_) if !filter.client_reference.is_empty() => Vec::new(),
            Viewer::Seller(seller) => orders::of_seller(tx, *seller, filter).await?,
            Viewer::Operator => orders::of_all(tx, filter).await?,
        })
    }
}
