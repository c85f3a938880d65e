//! `OfferService`.

use std::collections::HashSet;

use kernel::{ProductId, SellerId, VariantId};
use proto::catalog::internal::v1::offer_service_server::OfferService;
use proto::catalog::internal::v1::{GetOffersRequest, GetOffersResponse, Offer as WireOffer};
use proto::convert;
use proto::types::v1::{Dimensions, Money};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;
use crate::app::offers::Wish;
use crate::store::offers::Offer;

/// Lines of one call.
const LINES_MAX: usize = 500;
const QUANTITY_MAX: i64 = 1_000_000;

pub(super) struct Api(pub(super) App);

#[tonic::async_trait]
impl OfferService for Api {
    async fn get_offers(
        &self,
        request: Request<GetOffersRequest>,
    ) -> Result<Response<GetOffersResponse>, Status> {
        let asked = request.into_inner();
        if asked.lines.is_empty() || asked.lines.len() > LINES_MAX {
            return Err(rpc::status::invalid(&[("lines", &format!("must be 1 to {LINES_MAX}"))]));
        }
        let mut wishes = Vec::with_capacity(asked.lines.len());
        let mut seen = HashSet::new();
        for (place, line) in asked.lines.iter().enumerate() {
            let variant_id: VariantId = decode::id(&format!("lines[{place}].variant_id"), &line.variant_id)?;
            if !seen.insert(variant_id) {
                let field = format!("lines[{place}].variant_id");
                return Err(rpc::status::invalid(&[(&field, "stands twice: add its quantities up")]));
            }
            let quantity =
                convert::quantity(&format!("lines[{place}].quantity"), line.quantity, QUANTITY_MAX)
                    .map_err(|error| rpc::status::invalid(&[(&error.field, &error.problem)]))?;
            wishes.push(Wish { variant_id, quantity });
        }
        let offers = self.0.offers(wishes).await?;
        let languages = self.0.hub.languages();
        Ok(Response::new(GetOffersResponse {
            offers: offers.iter().map(|offer| wire(offer, languages)).collect(),
        }))
    }
}

fn wire(offer: &Offer, languages: &[String]) -> WireOffer {
    let translations = &offer.translations.0;
    let title = languages
        .iter()
        .find_map(|language| translations.iter().find(|words| words.language == *language))
        .or(translations.first())
        .map(|words| words.title.clone());
    WireOffer {
        variant_id: VariantId::from(offer.variant_id).to_string(),
        product_id: ProductId::from(offer.product_id).to_string(),
        seller_id: SellerId::from(offer.seller_id).to_string(),
        seller_name: offer.seller_name.clone(),
        seller_tax_registered: offer.tax_registered,
        seller_payout_currency: offer.payout_currency.clone(),
        sku: offer.sku.clone(),
        title: title.unwrap_or_default(),
        category: offer.category.clone(),
        unit_price: Some(Money { currency: offer.currency.clone(), minor_units: offer.price_minor }),
        hs_code: offer.hs_code.clone(),
        origin: offer.origin.clone(),
        from_country: offer.from_country.clone(),
        weight_grams: offer.weight_grams,
        dimensions: Some(Dimensions {
            length_mm: offer.length_mm,
            width_mm: offer.width_mm,
            height_mm: offer.height_mm,
        }),
        preference: offer.preference.clone(),
        stock_units: offer.stock_units,
        certificate: offer.certificate.as_ref().map(|kept| encode::certificate(&kept.0)),
    }
}
