//! The gRPC services: decode, call the use case, encode. One file each.

mod checkout;
mod decode;
mod encode;
mod hub_service;
mod order_service;
mod payment_method;
mod quote_service;
mod replies;
mod return_service;
mod saga_service;

use db::Batches;
use proto::order::internal::v1::saga_service_server::SagaServiceServer;
use proto::order::v1::CreateQuoteResponse;
use proto::order::v1::hub_service_server::HubServiceServer;
use proto::order::v1::order_service_server::OrderServiceServer;
use proto::order::v1::quote_service_server::QuoteServiceServer;
use proto::order::v1::return_service_server::ReturnServiceServer;
use rpc::{Caller, Encode, Mutation, Opening, Pipeline, Role};
use tonic::Status;
use tonic::service::Routes;

use crate::app::App;
use crate::app::create_quote::CreateQuote;
use crate::app::place_order::PlaceOrder;
use crate::domain::viewer::Viewer;
use crate::trade_policy::TradePolicy;

pub(crate) use replies::SagaReplies;

/// The service's use cases behind its gRPC services.
#[derive(Clone)]
struct Api {
    pipeline: Pipeline<App>,
    quoting: Batches<App, Mutation<CreateQuote, Encode<App, CreateQuote, CreateQuoteResponse>>>,
    placing: Batches<App, Opening<PlaceOrder>>,
}

impl Api {
    fn new(pipeline: &Pipeline<App>) -> Self {
        let (quoting, placing) = (Batches::new(pipeline.db()), Batches::new(pipeline.db()));
        Self { pipeline: pipeline.clone(), quoting, placing }
    }

    fn trade_policy(&self) -> &TradePolicy {
        &self.pipeline.app().trade_policy
    }
}

/// What anyone may call, by the policies.
pub(crate) fn public(pipeline: &Pipeline<App>) -> Routes {
    let api = Api::new(pipeline);
    Routes::new(QuoteServiceServer::new(api.clone()))
        .add_service(OrderServiceServer::new(api.clone()))
        .add_service(ReturnServiceServer::new(api.clone()))
        .add_service(HubServiceServer::new(api))
}

/// What operators and services call.
pub(crate) fn internal(pipeline: &Pipeline<App>) -> Routes {
    Routes::new(SagaServiceServer::new(Api::new(pipeline)))
}

/// Who looks, by the caller's role. A seller's subject is its id; another subject has nothing to see here.
fn viewer(caller: &Caller) -> Result<Viewer, Status> {
    match caller.role {
        Role::Buyer => Ok(Viewer::Buyer(caller.subject.clone())),
        Role::Operator => Ok(Viewer::Operator),
        Role::Seller => match caller.subject.parse() {
            Ok(seller) => Ok(Viewer::Seller(seller)),
            Err(_) => Err(rpc::status::not_found("seller", &caller.subject)),
        },
        Role::Carrier | Role::Service => Err(rpc::status::not_found("order", caller.principal())),
    }
}
