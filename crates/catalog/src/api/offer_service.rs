//! `OfferService`.

use std::collections::HashSet;

use proto::catalog::internal::v1::offer_service_server::OfferService;
use proto::catalog::internal::v1::{GetOffersRequest, GetOffersResponse};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, LINES_MAX, QUANTITY_MAX, encode};
use crate::app::get_offers::{GetOffers, OfferRequest};

#[tonic::async_trait]
impl OfferService for Api {
    async fn get_offers(
        &self,
        request: Request<GetOffersRequest>,
    ) -> Result<Response<GetOffersResponse>, Status> {
        let get = Violations::of(|violations| get_offers(request.get_ref(), violations))?;
        let offers = self.0.query(get).await?;
        let languages = self.0.app().hub.languages();
        let offers = offers.into_iter().map(|offer| encode::offer(offer, languages)).collect();
        Ok(Response::new(GetOffersResponse { offers }))
    }
}

fn get_offers(asked: &GetOffersRequest, violations: &mut Violations) -> Option<GetOffers> {
    violations.count("lines", asked.lines.len(), 1..=LINES_MAX);
    let mut wishes = Vec::with_capacity(asked.lines.len().min(LINES_MAX));
    let mut seen = HashSet::new();
    for (place, line) in asked.lines.iter().take(LINES_MAX).enumerate() {
        let field = |name: &str| format!("lines[{place}].{name}");
        let variant_id = violations.id(&field("variant_id"), &line.variant_id);
        if variant_id.is_some_and(|variant_id| !seen.insert(variant_id)) {
            violations.add(field("variant_id"), "is listed twice: add up its quantities");
        }
        let quantity = violations.quantity(&field("quantity"), line.quantity, QUANTITY_MAX);
        wishes.extend(
            variant_id.zip(quantity).map(|(variant_id, quantity)| OfferRequest { variant_id, quantity }),
        );
    }
    Some(GetOffers { wishes })
}
