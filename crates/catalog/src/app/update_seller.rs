//! A seller edits its own entry.

use db::{Command, Tx};
use kernel::{Country, SellerId};

use super::acting::acting;
use super::{App, Error};
use crate::domain::seller::{Seller, SellerEntry};
use crate::store::sellers;

/// Edits the seller's own entry, as it was last read.
#[derive(Debug)]
pub(crate) struct UpdateSeller {
    pub(crate) seller_id: SellerId,
    /// At which it was last read.
    pub(crate) version: i64,
    pub(crate) display_name: String,
    pub(crate) tax_registered: bool,
    /// `None`: stays as it is.
    pub(crate) country: Option<Country>,
    /// `None`: stays as it is.
    pub(crate) registration_number: Option<String>,
}

impl Command<App> for UpdateSeller {
    type Output = Seller;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Seller, Error> {
        if let Some(country) = self.country {
            app.check_lane("country", country)?;
        }
        let seller = acting(tx, self.seller_id).await?;
        if seller.version != self.version {
            return Err(Error::stale());
        }
        let number = self.registration_number.as_ref().unwrap_or(&seller.entry.registration_number);
        let wanted = SellerEntry {
            display_name: self.display_name.clone(),
            country: self.country.unwrap_or(seller.entry.country),
            registration_number: number.clone(),
            tax_registered: self.tax_registered,
        };
        save(tx, seller.edited(wanted, app.clock.now())).await
    }
}

/// Writes a seller that was read in this transaction.
pub(super) async fn save(tx: &mut Tx, seller: Seller) -> Result<Seller, Error> {
    if !sellers::save(tx, &seller).await? {
        return Err(Error::stale());
    }
    Ok(Seller { version: seller.version + 1, ..seller })
}
