//! `HoldService`.

use kernel::text::shortened;
use proto::convert::timestamp;
use proto::payment::internal::v1::hold_service_server::HoldService;
use proto::payment::internal::v1::{
    AuthoriseRequest, AuthoriseResponse, CancelOutcome, CancelPaymentRequest, CancelPaymentResponse,
    InquireHoldRequest, InquireHoldResponse, VoidRequest, VoidResponse,
};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};
use crate::app::cancel_payment::{CancelPayment, CancelPaymentOutcome};
use crate::app::inquire_hold::InquireHold;
use crate::app::void::Void;

/// What is logged of why a hold ends, in characters: it ends whatever the words are.
const REASON_LOGGED: usize = 200;

#[tonic::async_trait]
impl HoldService for Api {
    async fn authorise(
        &self,
        request: Request<AuthoriseRequest>,
    ) -> Result<Response<AuthoriseResponse>, Status> {
        let authorise = Violations::of(|violations| decode::authorise(request.get_ref(), violations))?;
        let hold = self.authorising.run(self.pipeline.app(), authorise).await?;
        Ok(Response::new(AuthoriseResponse {
            state: encode::state(hold.state).into(),
            qr_payload: hold.qr_payload,
            expires_at: hold.expires_at.map(timestamp),
        }))
    }

    async fn void(&self, request: Request<VoidRequest>) -> Result<Response<VoidResponse>, Status> {
        let asked = request.into_inner();
        let (hold_id, order_id) =
            Violations::of(|violations| decode::hold_of_order(&asked.hold_id, &asked.order_id, violations))?;
        let after = self.pipeline.run(Void { hold_id, order_id }).await?;
        let reason = shortened(&asked.reason, REASON_LOGGED);
        tracing::info!(hold.id = %hold_id, %reason, "the void of a hold was requested");
        Ok(Response::new(VoidResponse { state: encode::state(after).into() }))
    }

    async fn cancel_payment(
        &self,
        request: Request<CancelPaymentRequest>,
    ) -> Result<Response<CancelPaymentResponse>, Status> {
        let asked = request.into_inner();
        let (hold_id, order_id) =
            Violations::of(|violations| decode::hold_of_order(&asked.hold_id, &asked.order_id, violations))?;
        let outcome = match self.pipeline.run(CancelPayment { hold_id, order_id }).await? {
            CancelPaymentOutcome::Cancelled => CancelOutcome::Cancelled,
            CancelPaymentOutcome::AlreadyPaid => CancelOutcome::AlreadyPaid,
        };
        Ok(Response::new(CancelPaymentResponse { outcome: outcome.into() }))
    }

    async fn inquire_hold(
        &self,
        request: Request<InquireHoldRequest>,
    ) -> Result<Response<InquireHoldResponse>, Status> {
        let hold_id = Violations::of(|violations| violations.id("hold_id", &request.get_ref().hold_id))?;
        let hold = self.pipeline.query(InquireHold { hold_id }).await?;
        Ok(Response::new(InquireHoldResponse { payment: Some(encode::payment(hold)) }))
    }
}
