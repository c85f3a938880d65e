//! A firm applies to sell.

use db::{Command, Tx};
use kernel::SellerId;
use money::Currency;

use super::{App, Error};
use crate::domain::seller::{Seller, SellerEntry, SellerState};
use crate::store::sellers;

/// Writes the application; the seller's id is its token's subject, so it applies once.
#[derive(Debug)]
pub(crate) struct ApplySeller {
    pub(crate) seller_id: SellerId,
    pub(crate) entry: SellerEntry,
    pub(crate) payout_currency: Currency,
}

impl Command<App> for ApplySeller {
    type Output = Seller;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Seller, Error> {
        app.check_lane("country", self.entry.country)?;
        app.check_currency("payout_currency", self.payout_currency)?;
        let seller = Seller {
            id: self.seller_id,
            entry: self.entry.clone(),
            change: None,
            payout_currency: self.payout_currency,
            state: SellerState::Applied,
            state_reason: String::new(),
            version: 1,
            created_at: app.clock.now(),
        };
        if sellers::put(tx, &seller).await? {
            return Ok(seller);
        }
        Err(Error::refused("ALREADY_APPLIED", "this seller has applied before"))
    }
}
