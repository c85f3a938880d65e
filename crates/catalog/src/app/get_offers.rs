//! What variants cost and weigh, for quotes; and whether they can be bought at all.

use std::collections::HashMap;

use customs::HsCode;
use db::{Query, ReadMode, Tx};
use kernel::{Refusal, VariantId};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::seller::SellerState;
use crate::store::offers::{self, Offer};

/// A wish to buy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfferRequest {
    pub(crate) variant_id: VariantId,
    pub(crate) quantity: i64,
}

/// The offers in the order asked, or why the first cannot be bought. Stock is a hint: only a reservation decides.
#[derive(Debug)]
pub(crate) struct GetOffers {
    pub(crate) wishes: Vec<OfferRequest>,
}

impl Query<App> for GetOffers {
    type Output = Vec<Offer>;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Vec<Offer>, Error> {
        let ids: Vec<VariantId> = self.wishes.iter().map(|wish| wish.variant_id).collect();
        let mut found: HashMap<Uuid, Offer> =
            offers::of(tx, &ids).await?.into_iter().map(|offer| (offer.variant_id, offer)).collect();
        // Wishes that share a shelf count together.
        let mut wanted: HashMap<Uuid, i64> = HashMap::new();
        let mut offers = Vec::with_capacity(self.wishes.len());
        for wish in &self.wishes {
            let offer = found.remove(&wish.variant_id.uuid());
            let offer = offer.ok_or_else(|| Error::not_found("variant", wish.variant_id))?;
            buyable(&offer)?;
            app.check_goods(&offer)?;
            let of_shelf = wanted.entry(offer.stock_item_id).or_default();
            *of_shelf = of_shelf.saturating_add(wish.quantity.saturating_mul(offer.stock_units));
            if *of_shelf > offer.stock_free {
                return Err(out_of_stock(&offer));
            }
            offers.push(offer);
        }
        Ok(offers)
    }
}

impl App {
    /// Whether the hub carries them at all.
    pub(super) fn check_goods(&self, offer: &Offer) -> Result<(), Error> {
        let hs_code = HsCode::kept(&offer.hs_code).ok();
        let origin = crate::store::parsed(&offer.origin)?;
        match self.hub.restricted(hs_code.as_ref(), &offer.category, origin) {
            Some(restricted) if restricted.prohibited => {
                let message = format!("`{}` cannot be sold here: {}", offer.sku, restricted.reason);
                Err(refused("GOODS_PROHIBITED", message, offer).into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether its product and its seller still offer it.
pub(super) fn buyable(offer: &Offer) -> Result<(), Error> {
    if offer.withdrawn {
        let message = format!("`{}` is no longer offered", offer.sku);
        return Err(refused("PRODUCT_WITHDRAWN", message, offer).into());
    }
    if SellerState::parse(&offer.seller_state) != Some(SellerState::Verified) {
        let message = format!("{} does not sell here at present", offer.seller_name);
        return Err(refused("SELLER_NOT_VERIFIED", message, offer).into());
    }
    Ok(())
}

/// Fewer are free than wanted.
pub(super) fn out_of_stock(offer: &Offer) -> Error {
    let available = offer.stock_free.checked_div(offer.stock_units).unwrap_or_default().max(0);
    let message = format!("only {available} of `{}` can be bought now", offer.sku);
    refused("OUT_OF_STOCK", message, offer).about("available", available).into()
}

/// A refusal about a variant.
pub(super) fn refused(reason: &'static str, message: String, offer: &Offer) -> Refusal {
    let variant_id = VariantId::from(offer.variant_id);
    Refusal::new(reason, message).about("variant_id", variant_id).about("sku", &offer.sku)
}
