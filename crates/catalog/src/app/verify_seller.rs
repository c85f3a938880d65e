//! The operator verifies a seller.

use db::{Command, Tx};
use kernel::SellerId;

use super::{App, Error};
use crate::domain::seller::{Seller, SellerState};
use crate::events;
use crate::store::sellers;

/// Lets a seller sell; one that may already stays as it is.
#[derive(Debug)]
pub(crate) struct VerifySeller {
    pub(crate) seller_id: SellerId,
    /// At which the operator read it; `None`: whatever it stands at.
    pub(crate) version: Option<i64>,
}

impl Command<App> for VerifySeller {
    type Output = Seller;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Seller, Error> {
        judge(app, tx, self.seller_id, self.version, SellerState::Verified, "").await
    }
}

/// Moves a seller to a state; one that is there already stays as it is.
pub(super) async fn judge(
    app: &App,
    tx: &mut Tx,
    id: SellerId,
    version: Option<i64>,
    state: SellerState,
    reason: &str,
) -> Result<Seller, Error> {
    let moved = sellers::judge(tx, id, version, state, reason).await?;
    let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
    if moved.is_none() && version.is_some_and(|version| version != seller.version) {
        return Err(Error::stale());
    }
    if moved.is_some() {
        app.outbox.put(tx, &events::seller_changed(&seller, app.clock.now())).await?;
    }
    Ok(seller)
}
