//! How a hold stands.

use db::{Query, Tx};
use kernel::HoldId;

use super::{App, Error};
use crate::domain::hold::Hold;
use crate::store::holds;

/// A hold by its id.
#[derive(Debug)]
pub(crate) struct InquireHold {
    pub(crate) hold_id: HoldId,
}

impl Query<App> for InquireHold {
    type Output = Hold;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Hold, Error> {
        holds::find(tx, self.hold_id).await?.ok_or_else(|| Error::not_found("hold", self.hold_id))
    }
}
