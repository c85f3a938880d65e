//! The gRPC services: decode, call the use case, encode.

mod decode;
mod encode;
mod import_rows;
mod offer_service;
mod operator_service;
mod product_service;
mod reservation_service;
mod seller_service;
mod stock_service;

use kernel::SellerId;
use proto::catalog::{internal::v1 as internal_wire, v1 as wire};
use rpc::{Caller, Role};
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::app::{App, Error};

/// What anyone may reach.
pub(crate) fn public(app: &App) -> Routes {
    Routes::new(wire::seller_service_server::SellerServiceServer::new(seller_service::Api(app.clone())))
        .add_service(wire::product_service_server::ProductServiceServer::new(product_service::Api(
            app.clone(),
        )))
        .add_service(wire::stock_service_server::StockServiceServer::new(stock_service::Api(app.clone())))
}

/// What services and operators may reach.
pub(crate) fn internal(app: &App) -> Routes {
    use internal_wire::{catalog_operator_service_server, offer_service_server, reservation_service_server};
    Routes::new(offer_service_server::OfferServiceServer::new(offer_service::Api(app.clone())))
        .add_service(reservation_service_server::ReservationServiceServer::new(reservation_service::Api(
            app.clone(),
        )))
        .add_service(catalog_operator_service_server::CatalogOperatorServiceServer::new(
            operator_service::Api(app.clone()),
        ))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::Database(error) => rpc::status::database(error),
            Error::NotFound { kind, id } => rpc::status::not_found(kind, id),
            Error::Refused { reason, message, about } => {
                let about: Vec<(&str, &str)> =
                    about.iter().map(|(key, value)| (*key, value.as_str())).collect();
                rpc::status::reject(Code::FailedPrecondition, reason, message.clone(), &about)
            }
            Error::Invalid { field, problem } => rpc::status::invalid(&[(field, problem)]),
        }
    }
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
