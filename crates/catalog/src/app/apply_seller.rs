//! A firm applies to sell, and edits its own entry.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{Country, SellerId};

use super::Error;
use crate::domain::seller::{Entry, Seller, State};
use crate::store::sellers;

/// Writes the application; the seller's id is its token's subject, so it applies once.
pub(crate) async fn apply(tx: &mut Tx, seller: Seller) -> Result<Seller, Error> {
    if sellers::put(tx, &seller).await? {
        return Ok(seller);
    }
    Err(Error::refused("ALREADY_APPLIED", "this seller has applied before"))
}

/// The seller that acts: one that is suspended changes nothing of what it has here.
pub(crate) async fn acting(tx: &mut Tx, id: SellerId) -> Result<Seller, Error> {
    let seller = sellers::find(tx, id).await?;
    let seller = seller.ok_or_else(|| Error::refused("NOT_A_SELLER", "apply to sell first"))?;
    if seller.state != State::Suspended {
        return Ok(seller);
    }
    let message = format!("you are suspended and can change nothing: {}", seller.state_reason);
    Err(Error::refused("SELLER_SUSPENDED", message))
}

/// What a seller wants its entry to be; what is missing stays as it is.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) display_name: String,
    pub(crate) tax_registered: bool,
    pub(crate) country: Option<Country>,
    pub(crate) registration_number: Option<String>,
}

/// Edits the seller's own entry, as it was last read.
pub(crate) async fn edit(
    tx: &mut Tx,
    id: SellerId,
    version: i64,
    edit: Edit,
    now: DateTime<Utc>,
) -> Result<Seller, Error> {
    let seller = acting(tx, id).await?;
    if seller.version != version {
        return Err(Error::stale());
    }
    let wanted = Entry {
        display_name: edit.display_name,
        country: edit.country.unwrap_or(seller.entry.country),
        registration_number: edit
            .registration_number
            .unwrap_or_else(|| seller.entry.registration_number.clone()),
        tax_registered: edit.tax_registered,
    };
    save(tx, seller.edited(wanted, now)).await
}

/// Writes a seller that was read in this transaction.
pub(super) async fn save(tx: &mut Tx, seller: Seller) -> Result<Seller, Error> {
    if !sellers::save(tx, &seller).await? {
        return Err(Error::stale());
    }
    Ok(Seller { version: seller.version + 1, ..seller })
}
