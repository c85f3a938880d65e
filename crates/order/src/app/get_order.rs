//! One order, by its id or its number.

use std::fmt;

use db::{Query, ReadMode, Tx};
use kernel::OrderId;

use super::{App, Error};
use crate::domain::order::Order;
use crate::domain::viewer::Viewer;
use crate::store::orders;

/// What an order is asked for by.
#[derive(Debug, Clone)]
pub(crate) enum OrderName {
    /// Its id.
    Id(OrderId),
    /// Its number for people.
    Number(String),
}

impl fmt::Display for OrderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Number(number) => f.write_str(number),
        }
    }
}

/// The order, if the viewer may see it.
#[derive(Debug)]
pub(crate) struct GetOrder {
    /// Which.
    pub(crate) named: OrderName,
    /// Who looks.
    pub(crate) viewer: Viewer,
}

impl Query<App> for GetOrder {
    type Output = Order;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Order, Error> {
        let found = match &self.named {
            OrderName::Id(id) => orders::find(tx, *id).await?,
            OrderName::Number(number) => orders::find_by_number(tx, number).await?,
        };
        found.filter(|order| self.viewer.sees(order)).ok_or_else(|| Error::not_found("order", &self.named))
    }
}
