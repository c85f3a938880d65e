//! The operator suspends a seller.

use db::{Command, Tx};
use kernel::SellerId;

use super::verify_seller::judge;
use super::{App, Error};
use crate::domain::seller::{Seller, SellerState};

/// Takes a seller's goods off the market; one that is suspended already stays as it is.
#[derive(Debug)]
pub(crate) struct SuspendSeller {
    pub(crate) seller_id: SellerId,
    /// Which the seller is told, 1 to 200 characters.
    pub(crate) reason: String,
}

impl Command<App> for SuspendSeller {
    type Output = Seller;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Seller, Error> {
        judge(app, tx, self.seller_id, None, SellerState::Suspended, &self.reason).await
    }
}
