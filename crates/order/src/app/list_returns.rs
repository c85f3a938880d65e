//! Returns of the caller's, newest first.

use db::{Query, Tx};
use kernel::{OrderId, ReturnId};

use super::{App, Error};
use crate::domain::returns::Return;
use crate::domain::viewer::Viewer;
use crate::store::returns::{self, ReturnFilter};

/// A page of returns.
#[derive(Debug)]
pub(crate) struct ListReturns {
    /// Whose.
    pub(crate) viewer: Viewer,
    /// Of one order; `None`: of all.
    pub(crate) order_id: Option<OrderId>,
    /// Those before it.
    pub(crate) before: Option<ReturnId>,
    /// At most so many.
    pub(crate) limit: i64,
}

impl Query<App> for ListReturns {
    type Output = Vec<Return>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Return>, Error> {
        let whose = match &self.viewer {
            Viewer::Buyer(subject) => ReturnFilter::Buyer(subject.clone()),
            Viewer::Seller(seller) => ReturnFilter::Seller(*seller),
            Viewer::Operator => ReturnFilter::All,
        };
        Ok(returns::list(tx, &whose, self.order_id, self.before, self.limit).await?)
    }
}
