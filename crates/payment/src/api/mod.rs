//! The gRPC services: decode, call the use case, encode.

mod decode;
mod encode;
mod hold_service;
mod ledger_service;
mod payment_service;
mod provider_service;
mod rate_service;
mod wallet_service;

use db::Batches;
use proto::payment::internal::v1 as internal_wire;
use proto::payment::v1 as wire;
use rpc::Pipeline;
use tonic::service::Routes;

use crate::app::App;
use crate::app::authorise::Authorise;

/// The service's use cases behind its gRPC services.
#[derive(Clone)]
struct Api {
    pipeline: Pipeline<App>,
    authorising: Batches<App, Authorise>,
}

impl Api {
    fn new(pipeline: &Pipeline<App>) -> Self {
        Self { pipeline: pipeline.clone(), authorising: Batches::new(pipeline.db()) }
    }
}

/// What anyone may reach.
pub(crate) fn public(pipeline: &Pipeline<App>) -> Routes {
    use wire::{
        exchange_service_server, payment_service_server, statement_service_server, wallet_service_server,
    };
    let api = Api::new(pipeline);
    Routes::new(wallet_service_server::WalletServiceServer::new(api.clone()))
        .add_service(payment_service_server::PaymentServiceServer::new(api.clone()))
        .add_service(exchange_service_server::ExchangeServiceServer::new(api.clone()))
        .add_service(statement_service_server::StatementServiceServer::new(api))
}

/// What services and operators may reach.
pub(crate) fn internal(pipeline: &Pipeline<App>) -> Routes {
    use internal_wire::{
        hold_service_server, ledger_service_server, provider_service_server, rate_service_server,
    };
    let api = Api::new(pipeline);
    Routes::new(rate_service_server::RateServiceServer::new(api.clone()))
        .add_service(hold_service_server::HoldServiceServer::new(api.clone()))
        .add_service(provider_service_server::ProviderServiceServer::new(api.clone()))
        .add_service(ledger_service_server::LedgerServiceServer::new(api))
}
