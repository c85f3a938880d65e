//! The gRPC services: decode, call the use case, encode.

mod decode;
mod encode;
mod import_header;
mod import_rows;
mod offer_service;
mod operator_service;
mod product_service;
mod reservation_service;
mod seller_service;
mod stock_service;

use kernel::SellerId;
use proto::catalog::{internal::v1 as internal_wire, v1 as wire};
use rpc::{Caller, Pipeline, Role};
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::app::App;
use reservation_service::ReservationApi;

/// Lines of one call of order.
const LINES_MAX: usize = 500;
/// Units of a line.
const QUANTITY_MAX: i64 = 1_000_000;

/// The service's use cases behind its gRPC services.
#[derive(Clone)]
struct Api(Pipeline<App>);

/// What anyone may reach.
pub(crate) fn public(pipeline: &Pipeline<App>) -> Routes {
    use wire::{product_service_server, seller_service_server, stock_service_server};
    let api = Api(pipeline.clone());
    Routes::new(seller_service_server::SellerServiceServer::new(api.clone()))
        .add_service(product_service_server::ProductServiceServer::new(api.clone()))
        .add_service(stock_service_server::StockServiceServer::new(api))
}

/// What services and operators may reach.
pub(crate) fn internal(pipeline: &Pipeline<App>) -> Routes {
    use internal_wire::{catalog_operator_service_server, offer_service_server, reservation_service_server};
    let api = Api(pipeline.clone());
    Routes::new(offer_service_server::OfferServiceServer::new(api.clone()))
        .add_service(reservation_service_server::ReservationServiceServer::new(ReservationApi::new(pipeline)))
        .add_service(catalog_operator_service_server::CatalogOperatorServiceServer::new(api))
}

/// The seller that calls: its token's subject is its id.
fn seller_of(caller: &Caller) -> Result<SellerId, Status> {
    caller.subject.parse().map_err(|_| {
        let message = "a seller's token has the seller's id as its subject: seller_…";
        rpc::status::reject(Code::PermissionDenied, "SUBJECT_IS_NO_SELLER", message, &[])
    })
}

/// The seller that calls, if it is one.
fn maybe_seller(caller: Option<&Caller>) -> Option<SellerId> {
    caller.filter(|caller| caller.role == Role::Seller).and_then(|caller| caller.subject.parse().ok())
}
