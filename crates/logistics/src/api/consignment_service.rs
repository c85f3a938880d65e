//! `ConsignmentService`.

use proto::logistics::internal::v1::consignment_service_server::ConsignmentService;
use proto::logistics::internal::v1::{
    CancelConsignmentsOutcome, CancelConsignmentsRequest, CancelConsignmentsResponse,
};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::Api;
use crate::app::cancel_consignments::{CancelConsignments, CancelOutcome};

#[tonic::async_trait]
impl ConsignmentService for Api {
    async fn cancel_consignments(
        &self,
        request: Request<CancelConsignmentsRequest>,
    ) -> Result<Response<CancelConsignmentsResponse>, Status> {
        let order_id = Violations::of(|violations| violations.id("order_id", &request.get_ref().order_id))?;
        let outcome = match self.0.run(CancelConsignments { order_id }).await? {
            CancelOutcome::Cancelled => CancelConsignmentsOutcome::Cancelled,
            CancelOutcome::AlreadyPickedUp => CancelConsignmentsOutcome::AlreadyPickedUp,
        };
        Ok(Response::new(CancelConsignmentsResponse { outcome: outcome.into() }))
    }
}
