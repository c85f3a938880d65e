//! The caller's orders, newest first.

use super::{App, Error};
use crate::domain::order::Order;
use crate::store::orders::{self, Filter};
use crate::wire::Viewer;

/// Which orders are wanted.
#[derive(Debug, Clone)]
pub(crate) struct OrdersWanted {
    /// Whose.
    pub(crate) viewer: Viewer,
    /// Which of them.
    pub(crate) filter: Filter,
}

impl App {
    /// A page of orders.
    pub(crate) async fn list_orders(&self, wanted: OrdersWanted) -> Result<Vec<Order>, Error> {
        let listed = self.db.read(move |tx| {
            let OrdersWanted { viewer, filter } = wanted.clone();
            Box::pin(async move {
                match viewer {
                    Viewer::Buyer(subject) => orders::of_buyer(tx, &subject, &filter).await,
                    // A reference is the buyer's: a seller that asks for one finds nothing.
                    Viewer::Seller(_) if !filter.client_reference.is_empty() => Ok(Vec::new()),
                    Viewer::Seller(seller) => orders::of_seller(tx, seller, &filter).await,
                    Viewer::Operator => orders::of_all(tx, &filter).await,
                }
            })
        });
        Ok(listed.await?)
    }
}
