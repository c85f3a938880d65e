//! Writing answers.

use hub::Profile;
use kernel::{ProductId, SellerId, VariantId};
use proto::catalog::internal::v1 as internal_wire;
use proto::catalog::v1 as wire;
use proto::convert::timestamp;
use proto::types::v1::{Dimensions, Money};

use crate::domain::product::{Product, Variant};
use crate::domain::reservation::ReservationState;
use crate::domain::seller::{Location, Seller, SellerChange, SellerState, StockItem};
use crate::store::offers::Offer;

/// A seller; what only itself and operators may see is left out unless `whole`.
pub(super) fn seller(seller: &Seller, whole: bool) -> wire::Seller {
    let state = match seller.state {
        SellerState::Applied => wire::SellerState::Applied,
        SellerState::Verified => wire::SellerState::Verified,
        SellerState::Suspended => wire::SellerState::Suspended,
    };
    let private = |text: &str| if whole { text.to_owned() } else { String::new() };
    wire::Seller {
        seller_id: seller.id.to_string(),
        display_name: seller.entry.display_name.clone(),
        country: seller.entry.country.as_str().to_owned(),
        registration_number: private(&seller.entry.registration_number),
        tax_registered: seller.entry.tax_registered,
        payout_currency: seller.payout_currency.code().to_owned(),
        state: state.into(),
        state_reason: private(&seller.state_reason),
        etag: seller.version.to_string(),
        created_at: Some(timestamp(seller.created_at)),
        change: seller.change.as_ref().filter(|_| whole).map(change),
    }
}

fn change(change: &SellerChange) -> wire::SellerChange {
    let entry = &change.entry;
    wire::SellerChange {
        display_name: entry.display_name.clone(),
        country: entry.country.as_str().to_owned(),
        registration_number: entry.registration_number.clone(),
        tax_registered: entry.tax_registered,
        proposed_at: Some(timestamp(change.proposed_at)),
        refusal: change.refusal.clone().unwrap_or_default(),
    }
}

pub(super) fn location(location: &Location) -> wire::Location {
    wire::Location {
        location_id: location.id.to_string(),
        seller_id: location.seller_id.to_string(),
        name: location.name.clone(),
        country: location.country.as_str().to_owned(),
        postcode: location.postcode.clone(),
    }
}

pub(super) fn stock_item(item: &StockItem) -> wire::StockItem {
    wire::StockItem {
        stock_item_id: item.id.to_string(),
        seller_id: item.seller_id.to_string(),
        location_id: item.location_id.to_string(),
        sku: item.sku.clone(),
        on_hand: item.on_hand,
        reserved: item.reserved,
    }
}

/// A product, with the hub's word on whether it may be sold here.
pub(super) fn product(product: &Product, hub: &Profile) -> wire::Product {
    let restricted = product.variants.iter().find_map(|variant| {
        hub.restricted(Some(&variant.goods.hs_code), &product.category, variant.goods.origin)
    });
    let translations = product.translations.iter().map(|words| wire::Translation {
        language: words.language.clone(),
        title: words.title.clone(),
        description: words.description.clone(),
    });
    wire::Product {
        product_id: product.id.to_string(),
        seller_id: product.seller_id.to_string(),
        category: product.category.clone(),
        translations: translations.collect(),
        variants: product.variants.iter().map(variant).collect(),
        withdrawn: product.withdrawn,
        etag: product.version.to_string(),
        created_at: Some(timestamp(product.created_at)),
        updated_at: Some(timestamp(product.updated_at)),
        restriction: restricted.map(|restricted| restricted.reason).unwrap_or_default(),
    }
}

fn variant(variant: &Variant) -> wire::Variant {
    let goods = &variant.goods;
    wire::Variant {
        variant_id: variant.id.to_string(),
        sku: goods.sku.clone(),
        name: goods.name.clone(),
        price: Some(goods.price.into()),
        hs_code: goods.hs_code.as_str().to_owned(),
        origin: goods.origin.as_str().to_owned(),
        weight_grams: goods.weight_grams,
        dimensions: Some(Dimensions {
            length_mm: goods.length_mm,
            width_mm: goods.width_mm,
            height_mm: goods.height_mm,
        }),
        stock_item_id: variant.stock_item_id.to_string(),
        stock_units: goods.stock_units,
        available: variant.available.max(0),
        preference: goods.preference.clone(),
        certificate: goods.certificate.clone().map(Into::into),
    }
}

/// An offer, with its title in the first of the hub's languages that it has one in.
pub(super) fn offer(offer: Offer, languages: &[String]) -> internal_wire::Offer {
    let translations = &offer.translations.0;
    let title = languages
        .iter()
        .find_map(|language| translations.iter().find(|words| words.language == *language))
        .or(translations.first())
        .map(|words| words.title.clone());
    internal_wire::Offer {
        variant_id: VariantId::from(offer.variant_id).to_string(),
        product_id: ProductId::from(offer.product_id).to_string(),
        seller_id: SellerId::from(offer.seller_id).to_string(),
        seller_name: offer.seller_name,
        seller_tax_registered: offer.tax_registered,
        seller_payout_currency: offer.payout_currency,
        sku: offer.sku,
        title: title.unwrap_or_default(),
        category: offer.category,
        unit_price: Some(Money { currency: offer.currency, minor_units: offer.price_minor }),
        hs_code: offer.hs_code,
        origin: offer.origin,
        from_country: offer.from_country,
        weight_grams: offer.weight_grams,
        dimensions: Some(Dimensions {
            length_mm: offer.length_mm,
            width_mm: offer.width_mm,
            height_mm: offer.height_mm,
        }),
        preference: offer.preference,
        stock_units: offer.stock_units,
        certificate: offer.certificate.map(|kept| kept.0.into()),
    }
}

pub(super) fn reservation_state(state: ReservationState) -> internal_wire::ReservationState {
    use internal_wire::ReservationState as Wire;
    match state {
        ReservationState::Held => Wire::Held,
        ReservationState::Released => Wire::Released,
        // What was dispatched and came back left the shelf all the same.
        ReservationState::Dispatched | ReservationState::Returned => Wire::Dispatched,
    }
}
