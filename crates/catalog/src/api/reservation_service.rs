//! `ReservationService`.

use kernel::text::shortened;
use kernel::{OrderId, ReservationId};
use proto::catalog::internal::v1::reservation_service_server::ReservationService;
use proto::catalog::internal::v1::{
    InquireReservationRequest, InquireReservationResponse, QuotedGoods, ReleaseRequest, ReleaseResponse,
    ReservationState as WireState, ReserveRequest, ReserveResponse,
};
use proto::convert::{self, timestamp};
use proto::types::v1::OriginCertificate;
use tonic::{Request, Response, Status};

use super::decode;
use crate::app::App;
use crate::app::reserve::Wanted;
use crate::domain::product::Certificate;
use crate::domain::quoted::Attributes;
use crate::domain::reservation::State;

/// Lines of one hold.
const LINES_MAX: usize = 500;
const QUANTITY_MAX: i64 = 1_000_000;
/// What is logged of why a hold ends, in characters: it ends whatever the words are.
const REASON_LOGGED: usize = 200;

pub(super) struct Api(pub(super) App);

fn wire(state: State) -> WireState {
    match state {
        State::Held => WireState::Held,
        State::Released => WireState::Released,
        // What was dispatched and came back left the shelf all the same.
        State::Dispatched | State::Returned => WireState::Dispatched,
    }
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

#[tonic::async_trait]
impl ReservationService for Api {
    async fn reserve(&self, request: Request<ReserveRequest>) -> Result<Response<ReserveResponse>, Status> {
        let asked = request.into_inner();
        let id: ReservationId = decode::id("reservation_id", &asked.reservation_id)?;
        let order_id: OrderId = decode::id("order_id", &asked.order_id)?;
        if asked.lines.is_empty() || asked.lines.len() > LINES_MAX {
            return Err(rpc::status::invalid(&[("lines", &format!("must be 1 to {LINES_MAX}"))]));
        }
        let mut wanted = Vec::with_capacity(asked.lines.len());
        for (place, line) in asked.lines.into_iter().enumerate() {
            let invalid = |error: convert::Invalid| rpc::status::invalid(&[(&error.field, &error.problem)]);
            let field = |name: &str| format!("lines[{place}].{name}");
            wanted.push(Wanted {
                variant_id: decode::id(&field("variant_id"), &line.variant_id)?,
                quantity: convert::quantity(&field("quantity"), line.quantity, QUANTITY_MAX)
                    .map_err(invalid)?,
                unit_price: convert::money(&field("unit_price"), line.unit_price.as_ref())
                    .map_err(invalid)?,
                quoted: line.quoted.map(attributes),
            });
        }
        let state = self.0.reserve(id, order_id, wanted).await?;
        Ok(Response::new(ReserveResponse { state: wire(state).into() }))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let asked = request.into_inner();
        let id: ReservationId = decode::id("reservation_id", &asked.reservation_id)?;
        let state = self.0.release(id, decode::id("order_id", &asked.order_id)?).await?;
        let reason = shortened(&asked.reason, REASON_LOGGED);
        tracing::info!(reservation.id = %id, %reason, "a hold of stock was asked to end");
        Ok(Response::new(ReleaseResponse { state: wire(state).into() }))
    }

    async fn inquire_reservation(
        &self,
        request: Request<InquireReservationRequest>,
    ) -> Result<Response<InquireReservationResponse>, Status> {
        let id = decode::id("reservation_id", &request.into_inner().reservation_id)?;
        let (found, created_at) = self.0.inquire(id).await?;
        Ok(Response::new(InquireReservationResponse {
            state: wire(found.state).into(),
            order_id: found.order_id.to_string(),
            created_at: Some(timestamp(created_at)),
        }))
    }
}
