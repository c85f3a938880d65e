//! A firm applies to sell, and edits its own entry.

use db::Tx;
use kernel::SellerId;

use super::Error;
use crate::domain::seller::Seller;
use crate::store::sellers;

/// Writes the application; the seller's id is its token's subject, so it applies once.
pub(crate) async fn apply(tx: &mut Tx, seller: Seller) -> Result<Seller, Error> {
    if sellers::put(tx, &seller).await? {
        return Ok(seller);
    }
    Err(Error::refused("ALREADY_APPLIED", "this seller has applied before"))
}

/// Edits the seller's own entry.
pub(crate) async fn edit(
    tx: &mut Tx,
    id: SellerId,
    version: i64,
    display_name: &str,
    tax_registered: bool,
) -> Result<Seller, Error> {
    let changed = sellers::edit(tx, id, version, display_name, tax_registered).await?;
    let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
    if changed { Ok(seller) } else { Err(Error::stale()) }
}
