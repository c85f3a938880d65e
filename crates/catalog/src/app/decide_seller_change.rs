//! The operator decides what may change of what was verified.

use db::{Command, Tx};
use kernel::SellerId;

use super::update_seller::save;
use super::{App, Error};
use crate::domain::seller::Seller;
use crate::store::sellers;

/// Brings the change that waits into force, or refuses it with a reason; only if the seller is as the operator read it.
#[derive(Debug)]
pub(crate) struct DecideSellerChange {
    pub(crate) seller_id: SellerId,
    /// At which the operator read it.
    pub(crate) version: i64,
    /// Why it is refused; `None`: it comes into force.
    pub(crate) refusal: Option<String>,
}

impl Command<App> for DecideSellerChange {
    type Output = Seller;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Seller, Error> {
        let id = self.seller_id;
        let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
        if seller.version != self.version {
            return Err(Error::stale());
        }
        let message = "no change of this seller waits for a decision";
        let decided = seller.decided(self.refusal.clone());
        save(tx, decided.ok_or_else(|| Error::refused("NO_CHANGE", message))?).await
    }
}
