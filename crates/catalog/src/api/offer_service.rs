//! `OfferService`.

use std::collections::HashSet;

use kernel::VariantId;
use proto::catalog::internal::v1::offer_service_server::OfferService;
use proto::catalog::internal::v1::{GetOffersRequest, GetOffersResponse};
use proto::convert;
use tonic::{Request, Response, Status};

use super::{Api, LINES_MAX, QUANTITY_MAX, decode, encode};
use crate::app::get_offers::{GetOffers, Wish};

#[tonic::async_trait]
impl OfferService for Api {
    async fn get_offers(
        &self,
        request: Request<GetOffersRequest>,
    ) -> Result<Response<GetOffersResponse>, Status> {
        let offers = self.0.query(get_offers(request.get_ref())?).await?;
        let languages = self.0.app().hub.languages();
        let offers = offers.into_iter().map(|offer| encode::offer(offer, languages)).collect();
        Ok(Response::new(GetOffersResponse { offers }))
    }
}

fn get_offers(asked: &GetOffersRequest) -> Result<GetOffers, Status> {
    decode::count("lines", asked.lines.len(), LINES_MAX)?;
    let mut wishes = Vec::with_capacity(asked.lines.len());
    let mut seen = HashSet::new();
    for (place, line) in asked.lines.iter().enumerate() {
        let field = format!("lines[{place}].variant_id");
        let variant_id: VariantId = decode::id(&field, &line.variant_id)?;
        if !seen.insert(variant_id) {
            return Err(rpc::status::invalid(&[(&field, "stands twice: add its quantities up")]));
        }
        let quantity = convert::quantity(&format!("lines[{place}].quantity"), line.quantity, QUANTITY_MAX)
            .map_err(decode::invalid)?;
        wishes.push(Wish { variant_id, quantity });
    }
    Ok(GetOffers { wishes })
}
