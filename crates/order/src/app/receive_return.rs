//! The seller has the goods: payment refunds and catalog restocks, as the event says.

use db::{Command, Tx};
use kernel::ReturnId;

use super::answer_return::locked_return;
use super::{App, Error};
use crate::domain::returns::Return;
use crate::domain::viewer::Viewer;
use crate::events;
use crate::store::returns;

/// Notes that the goods came back.
#[derive(Debug)]
pub(crate) struct ReceiveReturn {
    /// Who says so.
    pub(crate) viewer: Viewer,
    /// Which return.
    pub(crate) return_id: ReturnId,
    /// Whether they can be sold again.
    pub(crate) restock: bool,
}

impl Command<App> for ReceiveReturn {
    type Output = Return;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Return, Error> {
        let now = app.clock.now();
        let (order, one) = locked_return(tx, self.return_id, &self.viewer).await?;
        let others = returns::of_consignment(tx, one.consignment_id).await?;
        let (quoted, _) = order.consignment(one.consignment_id)?;
        let one = one.receive(quoted, &others, self.restock, now)?;
        returns::save(tx, &one).await?;
        let order = order.take_back(now);
        app.save(tx, &order, Some(events::return_received(&order, &one)?)).await?;
        Ok(one)
    }
}
