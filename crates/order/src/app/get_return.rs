//! Returns of the caller's: one, or a page of them.

use kernel::{OrderId, ReturnId};

use super::{App, Error};
use crate::domain::returns::Return;
use crate::store::returns::{self, Whose};
use crate::wire::Viewer;

impl App {
    /// A return, if the viewer may see it.
    pub(crate) async fn get_return(&self, id: ReturnId, viewer: &Viewer) -> Result<Return, Error> {
        let found = self.db.read(move |tx| Box::pin(returns::find(tx, id))).await?;
        found.filter(|one| viewer.sees_return(one)).ok_or_else(|| Error::not_found("return", id))
    }

    /// A page of returns, newest first.
    pub(crate) async fn list_returns(
        &self,
        viewer: Viewer,
        order_id: Option<OrderId>,
        before: Option<ReturnId>,
        limit: i64,
    ) -> Result<Vec<Return>, Error> {
        let whose = match viewer {
            Viewer::Buyer(subject) => Whose::Buyer(subject),
            Viewer::Seller(seller) => Whose::Seller(seller),
            Viewer::Operator => Whose::All,
        };
        let listed = self.db.read(move |tx| {
            let whose = whose.clone();
            Box::pin(async move { returns::list(tx, &whose, order_id, before, limit).await })
        });
        Ok(listed.await?)
    }
}
