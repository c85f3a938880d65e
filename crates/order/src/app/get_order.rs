//! One order, by its id or its number.

use kernel::OrderId;

use super::{App, Error};
use crate::domain::order::Order;
use crate::store::orders;
use crate::wire::Viewer;

/// What an order is asked for by.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// Its id.
    Id(OrderId),
    /// Its number for people.
    Number(String),
}

impl App {
    /// The order, if the viewer may see it.
    pub(crate) async fn get_order(&self, named: Named, viewer: &Viewer) -> Result<Order, Error> {
        let text = match &named {
            Named::Id(id) => id.to_string(),
            Named::Number(number) => number.clone(),
        };
        let found = self.db.look(move |tx| {
            let named = named.clone();
            Box::pin(async move {
                match named {
                    Named::Id(id) => orders::find(tx, id).await,
                    Named::Number(number) => orders::find_by_number(tx, &number).await,
                }
            })
        });
        found.await?.filter(|order| viewer.sees(order)).ok_or_else(|| Error::not_found("order", text))
    }
}
