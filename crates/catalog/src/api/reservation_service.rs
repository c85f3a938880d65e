//! `ReservationService`.

use db::Batches;
use kernel::text::shortened;
use proto::catalog::internal::v1::reservation_service_server::ReservationService;
use proto::catalog::internal::v1::{
    InquireReservationRequest, InquireReservationResponse, QuotedGoods, ReleaseRequest, ReleaseResponse,
    ReserveRequest, ReserveResponse,
};
use proto::convert;
use proto::convert::timestamp;
use rpc::{Caller, Pipeline, Violations};
use tonic::{Request, Response, Status};

use super::{LINES_MAX, QUANTITY_MAX, encode};
use crate::app::App;
use crate::app::inquire_reservation::InquireReservation;
use crate::app::release_reservation::ReleaseReservation;
use crate::app::reserve::{LineToReserve, Reserve};
use crate::domain::quoted::Attributes;

/// What is logged of why a hold ends, in characters: it ends whatever the words are.
const REASON_LOGGED: usize = 200;

/// The reservation service; what is asked for at once is held together.
pub(super) struct ReservationApi {
    pipeline: Pipeline<App>,
    reserving: Batches<App, Reserve>,
}

impl ReservationApi {
    pub(super) fn new(pipeline: &Pipeline<App>) -> Self {
        Self { pipeline: pipeline.clone(), reserving: Batches::new(pipeline.db()) }
    }
}

#[tonic::async_trait]
impl ReservationService for ReservationApi {
    async fn reserve(&self, request: Request<ReserveRequest>) -> Result<Response<ReserveResponse>, Status> {
        let tenant = rpc::on_behalf_of(&request).map(Caller::principal).unwrap_or_default();
        let reserve = Violations::of(|violations| reserve(request.into_inner(), tenant, violations))?;
        let state = self.reserving.run(self.pipeline.app(), reserve).await?;
        Ok(Response::new(ReserveResponse { state: encode::reservation_state(state).into() }))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let asked = request.into_inner();
        let (reservation_id, order_id) = Violations::of(|violations| {
            let reservation_id = violations.id("reservation_id", &asked.reservation_id);
            reservation_id.zip(violations.id("order_id", &asked.order_id))
        })?;
        let state = self.pipeline.run(ReleaseReservation { reservation_id, order_id }).await?;
        let reason = shortened(&asked.reason, REASON_LOGGED);
        tracing::info!(reservation.id = %reservation_id, %reason, "the release of a reservation was requested");
        Ok(Response::new(ReleaseResponse { state: encode::reservation_state(state).into() }))
    }

    async fn inquire_reservation(
        &self,
        request: Request<InquireReservationRequest>,
    ) -> Result<Response<InquireReservationResponse>, Status> {
        let reservation_id =
            Violations::of(|violations| violations.id("reservation_id", &request.get_ref().reservation_id))?;
        let (found, created_at) = self.pipeline.query(InquireReservation { reservation_id }).await?;
        Ok(Response::new(InquireReservationResponse {
            state: encode::reservation_state(found.state).into(),
            order_id: found.order_id.to_string(),
            created_at: Some(timestamp(created_at)),
        }))
    }
}

fn reserve(asked: ReserveRequest, tenant: String, violations: &mut Violations) -> Option<Reserve> {
    let reservation_id = violations.id("reservation_id", &asked.reservation_id);
    let order_id = violations.id("order_id", &asked.order_id);
    violations.count("lines", asked.lines.len(), 1..=LINES_MAX);
    let mut wanted = Vec::with_capacity(asked.lines.len().min(LINES_MAX));
    for (place, line) in asked.lines.into_iter().take(LINES_MAX).enumerate() {
        let field = |name: &str| format!("lines[{place}].{name}");
        let variant_id = violations.id(&field("variant_id"), &line.variant_id);
        let quantity = violations.quantity(&field("quantity"), line.quantity, QUANTITY_MAX);
        let unit_price = violations.amount(&field("unit_price"), line.unit_price.as_ref());
        let quoted = line.quoted.map(attributes);
        let read = || {
            Some(LineToReserve {
                variant_id: variant_id?,
                quantity: quantity?,
                unit_price: unit_price?,
                quoted,
            })
        };
        wanted.extend(read());
    }
    Some(Reserve { reservation_id: reservation_id?, order_id: order_id?, wanted, tenant })
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
        // What cannot be read is no certificate of this catalog's, and so another than it has.
        certificate: quoted.certificate.and_then(|one| convert::certificate("certificate", one).ok()),
        seller_tax_registered: quoted.seller_tax_registered,
    }
}
