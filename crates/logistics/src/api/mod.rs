//! The gRPC services: decode, call the use case, encode.

mod consignment_service;
mod decode;
mod dispatch_service;
mod encode;
mod landed_cost_service;
mod shipment_service;
mod tracking_service;

use proto::logistics::{internal::v1 as internal_wire, v1 as wire};
use rpc::Pipeline;
use tonic::service::Routes;

use crate::app::App;

/// The service's use cases behind its gRPC services.
#[derive(Clone)]
struct Api(Pipeline<App>);

/// What anyone may reach.
pub(crate) fn public(pipeline: &Pipeline<App>) -> Routes {
    use wire::{
        carriage_service_server, declaration_service_server, dispatch_service_server, shipment_service_server,
    };
    let api = Api(pipeline.clone());
    Routes::new(shipment_service_server::ShipmentServiceServer::new(api.clone()))
        .add_service(dispatch_service_server::DispatchServiceServer::new(api.clone()))
        .add_service(declaration_service_server::DeclarationServiceServer::new(api.clone()))
        .add_service(carriage_service_server::CarriageServiceServer::new(api))
}

/// What services, carriers and operators may reach.
pub(crate) fn internal(pipeline: &Pipeline<App>) -> Routes {
    use internal_wire::{consignment_service_server, landed_cost_service_server, tracking_service_server};
    let api = Api(pipeline.clone());
    Routes::new(landed_cost_service_server::LandedCostServiceServer::new(api.clone()))
        .add_service(tracking_service_server::TrackingServiceServer::new(api.clone()))
        .add_service(consignment_service_server::ConsignmentServiceServer::new(api))
}
