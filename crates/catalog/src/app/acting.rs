//! Who acts.

use db::Tx;
use kernel::SellerId;

use super::Error;
use crate::domain::seller::{Seller, SellerState};
use crate::store::sellers;

/// The seller that acts: one that is suspended changes nothing of what it has here.
pub(super) async fn acting(tx: &mut Tx, id: SellerId) -> Result<Seller, Error> {
    let seller = sellers::find(tx, id).await?;
    let seller = seller.ok_or_else(|| Error::refused("NOT_A_SELLER", "apply to sell first"))?;
    if seller.state != SellerState::Suspended {
        return Ok(seller);
    }
    let message = format!("you are suspended and can change nothing: {}", seller.state_reason);
    Err(Error::refused("SELLER_SUSPENDED", message))
}
