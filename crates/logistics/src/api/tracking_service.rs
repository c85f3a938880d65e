//! `TrackingService`: carriers report for their own parcels, operators for all.

use proto::logistics::internal::v1::tracking_service_server::TrackingService;
use proto::logistics::internal::v1::{RecordTrackingEventRequest, RecordTrackingEventResponse};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};

#[tonic::async_trait]
impl TrackingService for Api {
    async fn record_tracking_event(
        &self,
        request: Request<RecordTrackingEventRequest>,
    ) -> Result<Response<RecordTrackingEventResponse>, Status> {
        let caller = rpc::require(&request)?;
        let record = Violations::of(|violations| {
            decode::record_tracking_event(request.get_ref(), caller, violations)
        })?;
        let (shipment, steps) = self.0.run(record).await?;
        Ok(Response::new(RecordTrackingEventResponse { shipment: Some(encode::shipment(shipment, steps)) }))
    }
}
