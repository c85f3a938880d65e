//! `ReservationService`.

use kernel::text::shortened;
use proto::catalog::internal::v1::reservation_service_server::ReservationService;
use proto::catalog::internal::v1::{
    InquireReservationRequest, InquireReservationResponse, QuotedGoods, ReleaseRequest, ReleaseResponse,
    ReserveRequest, ReserveResponse,
};
use proto::convert::{self, timestamp};
use proto::types::v1::OriginCertificate;
use tonic::{Request, Response, Status};

use super::{Api, LINES_MAX, QUANTITY_MAX, decode, encode};
use crate::app::inquire_reservation::InquireReservation;
use crate::app::release::Release;
use crate::app::reserve::{Reserve, Wanted};
use crate::domain::product::Certificate;
use crate::domain::quoted::Attributes;

/// What is logged of why a hold ends, in characters: it ends whatever the words are.
const REASON_LOGGED: usize = 200;

#[tonic::async_trait]
impl ReservationService for Api {
    async fn reserve(&self, request: Request<ReserveRequest>) -> Result<Response<ReserveResponse>, Status> {
        let state = self.0.run(reserve(request.into_inner())?).await?;
        Ok(Response::new(ReserveResponse { state: encode::reservation_state(state).into() }))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let asked = request.into_inner();
        let reservation_id = decode::id("reservation_id", &asked.reservation_id)?;
        let order_id = decode::id("order_id", &asked.order_id)?;
        let state = self.0.run(Release { reservation_id, order_id }).await?;
        let reason = shortened(&asked.reason, REASON_LOGGED);
        tracing::info!(reservation.id = %reservation_id, %reason, "a hold of stock was asked to end");
        Ok(Response::new(ReleaseResponse { state: encode::reservation_state(state).into() }))
    }

    async fn inquire_reservation(
        &self,
        request: Request<InquireReservationRequest>,
    ) -> Result<Response<InquireReservationResponse>, Status> {
        let reservation_id = decode::id("reservation_id", &request.get_ref().reservation_id)?;
        let (found, created_at) = self.0.query(InquireReservation { reservation_id }).await?;
        Ok(Response::new(InquireReservationResponse {
            state: encode::reservation_state(found.state).into(),
            order_id: found.order_id.to_string(),
            created_at: Some(timestamp(created_at)),
        }))
    }
}

fn reserve(asked: ReserveRequest) -> Result<Reserve, Status> {
    let reservation_id = decode::id("reservation_id", &asked.reservation_id)?;
    let order_id = decode::id("order_id", &asked.order_id)?;
    decode::count("lines", asked.lines.len(), LINES_MAX)?;
    let mut wanted = Vec::with_capacity(asked.lines.len());
    for (place, line) in asked.lines.into_iter().enumerate() {
        let field = |name: &str| format!("lines[{place}].{name}");
        let quantity = convert::quantity(&field("quantity"), line.quantity, QUANTITY_MAX);
        let unit_price = convert::money(&field("unit_price"), line.unit_price.as_ref());
        wanted.push(Wanted {
            variant_id: decode::id(&field("variant_id"), &line.variant_id)?,
            quantity: quantity.map_err(decode::invalid)?,
            unit_price: unit_price.map_err(decode::invalid)?,
            quoted: line.quoted.map(attributes),
        });
    }
    Ok(Reserve { reservation_id, order_id, wanted })
}

fn attributes(quoted: QuotedGoods) -> Attributes {
    let size = quoted.dimensions.unwrap_or_default();
    Attributes {
        category: quoted.category,
        hs_code: quoted.hs_code,
        origin: quoted.origin,
        from_country: quoted.from_country,
        weight_grams: quoted.weight_grams,
        size_mm: [size.length_mm, size.width_mm, size.height_mm],
        stock_units: quoted.stock_units,
        preference: quoted.preference,
        certificate: quoted.certificate.as_ref().and_then(certificate),
        seller_tax_registered: quoted.seller_tax_registered,
    }
}

/// As it was offered; what cannot be read is no certificate of this catalog's, and so another than it has.
fn certificate(quoted: &OriginCertificate) -> Option<Certificate> {
    Some(Certificate {
        number: quoted.number.clone(),
        issued_on: quoted.issued_on.parse().ok()?,
        expires_on: quoted.expires_on.parse().ok()?,
    })
}
