//! `HoldService`.

use kernel::text::shortened;
use kernel::{HoldId, OrderId};
use proto::convert::{self, timestamp};
use proto::payment::internal::v1::hold_service_server::HoldService;
use proto::payment::internal::v1::{
    AuthoriseRequest, AuthoriseResponse, CancelOutcome, CancelPaymentRequest, CancelPaymentResponse,
    InquireHoldRequest, InquireHoldResponse, VoidRequest, VoidResponse,
};
use tonic::{Request, Response, Status};

use super::{id, invalid, payment, state, text};
use crate::app::App;
use crate::app::authorise::Authorise;
use crate::app::cancel_payment::Outcome;

/// What is logged of why a hold ends, in characters: it ends whatever the words are.
const REASON_LOGGED: usize = 200;

pub(super) struct Api(pub(super) App);

#[tonic::async_trait]
impl HoldService for Api {
    async fn authorise(
        &self,
        request: Request<AuthoriseRequest>,
    ) -> Result<Response<AuthoriseResponse>, Status> {
        let asked = request.into_inner();
        let authorise = Authorise {
            hold_id: id("hold_id", &asked.hold_id)?,
            order_id: id("order_id", &asked.order_id)?,
            order_number: text("order_number", &asked.order_number, 1, 40)?.to_owned(),
            buyer: text("buyer", &asked.buyer, 1, 128)?.to_owned(),
            method: text("method", &asked.method, 1, 40)?.to_owned(),
            amount: convert::positive_money("amount", asked.amount.as_ref())
                .map_err(|error| invalid(&error))?,
        };
        let hold = self.0.authorise(authorise).await?;
        Ok(Response::new(AuthoriseResponse {
            state: state(hold.state).into(),
            qr_payload: hold.qr_payload,
            expires_at: hold.expires_at.map(timestamp),
        }))
    }

    async fn void(&self, request: Request<VoidRequest>) -> Result<Response<VoidResponse>, Status> {
        let asked = request.into_inner();
        let (hold_id, order_id): (HoldId, OrderId) =
            (id("hold_id", &asked.hold_id)?, id("order_id", &asked.order_id)?);
        let after = self.0.void(hold_id, order_id).await?;
        let reason = shortened(&asked.reason, REASON_LOGGED);
        tracing::info!(hold.id = %hold_id, %reason, "a hold was asked to end");
        Ok(Response::new(VoidResponse { state: state(after).into() }))
    }

    async fn cancel_payment(
        &self,
        request: Request<CancelPaymentRequest>,
    ) -> Result<Response<CancelPaymentResponse>, Status> {
        let asked = request.into_inner();
        let outcome =
            self.0.cancel_payment(id("hold_id", &asked.hold_id)?, id("order_id", &asked.order_id)?).await?;
        let outcome = match outcome {
            Outcome::Cancelled => CancelOutcome::Cancelled,
            Outcome::AlreadyPaid => CancelOutcome::AlreadyPaid,
        };
        Ok(Response::new(CancelPaymentResponse { outcome: outcome.into() }))
    }

    async fn inquire_hold(
        &self,
        request: Request<InquireHoldRequest>,
    ) -> Result<Response<InquireHoldResponse>, Status> {
        let hold = self.0.hold(id("hold_id", &request.into_inner().hold_id)?).await?;
        Ok(Response::new(InquireHoldResponse { payment: Some(payment(hold)) }))
    }
}
