//! `TrackingService`: carriers report for their own parcels, operators for all.

use std::sync::Arc;

use proto::convert::{self, Invalid};
use proto::logistics::internal::v1::tracking_service_server::TrackingService;
use proto::logistics::internal::v1::{RecordTrackingEventRequest, RecordTrackingEventResponse};
use proto::logistics::v1::ShipmentState;
use rpc::{Caller, Role};
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;
use crate::app::record_tracking::Report;
use crate::domain::shipment::State;

const REFERENCE_MAX: usize = 100;
const PLACE_MAX: usize = 120;
const NOTE_MAX: usize = 500;

pub(super) struct Api(pub(super) Arc<App>);

#[tonic::async_trait]
impl TrackingService for Api {
    async fn record_tracking_event(
        &self,
        request: Request<RecordTrackingEventRequest>,
    ) -> Result<Response<RecordTrackingEventResponse>, Status> {
        let caller = rpc::require(&request)?;
        let report = read(&caller, &request.into_inner()).map_err(|error| decode::invalid(&error))?;
        let (shipment, steps) = self.0.record_tracking(report).await?;
        Ok(Response::new(RecordTrackingEventResponse { shipment: Some(encode::shipment(shipment, steps)) }))
    }
}

fn read(caller: &Caller, asked: &RecordTrackingEventRequest) -> Result<Report, Invalid> {
    let occurred_at = asked.occurred_at.as_ref().map(|at| convert::datetime("occurred_at", Some(at)));
    Ok(Report {
        carrier_reference: decode::text("carrier_reference", &asked.carrier_reference, 1, REFERENCE_MAX)?,
        tracking_number: asked
            .tracking_number
            .parse()
            .map(|number: customs::S10| number.to_string())
            .map_err(|error: customs::s10::Error| Invalid::new("tracking_number", error.to_string()))?,
        state: state(asked.state())?,
        place: decode::text("place", &asked.place, 0, PLACE_MAX)?,
        occurred_at: occurred_at.transpose()?,
        note: convert::lines("note", &asked.note, 0, NOTE_MAX)?,
        carrier: (caller.role == Role::Carrier).then(|| caller.subject.clone()),
    })
}

/// A state that a carrier can report.
fn state(state: ShipmentState) -> Result<State, Invalid> {
    Ok(match state {
        ShipmentState::PickedUp => State::PickedUp,
        ShipmentState::ExportCleared => State::ExportCleared,
        ShipmentState::Departed => State::Departed,
        ShipmentState::Arrived => State::Arrived,
        ShipmentState::ImportAssessed => State::ImportAssessed,
        ShipmentState::Released => State::Released,
        ShipmentState::OutForDelivery => State::OutForDelivery,
        ShipmentState::Delivered => State::Delivered,
        ShipmentState::Unspecified | ShipmentState::Booked | ShipmentState::Cancelled => {
            return Err(Invalid::new("state", "must be one of PICKED_UP to DELIVERED"));
        }
    })
}
