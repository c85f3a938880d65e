//! The gRPC services: decode, call the use case, encode.

mod hold_service;
mod ledger_service;
mod payment_service;
mod provider_service;
mod rate_service;
mod wallet_service;

use kernel::Kind;
use proto::convert::{self, Invalid, timestamp};
use proto::payment::internal::v1 as internal_wire;
use proto::payment::v1 as wire;
use proto::types::v1::ExchangeRate;
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::app::{App, Error};
use crate::domain::exchange::Quoted;
use crate::domain::hold::{Hold, State};

/// What anyone may reach.
pub(crate) fn public(app: &App) -> Routes {
    Routes::new(wire::wallet_service_server::WalletServiceServer::new(wallet_service::Api(app.clone())))
        .add_service(wire::payment_service_server::PaymentServiceServer::new(payment_service::Api(
            app.clone(),
        )))
        .add_service(wire::exchange_service_server::ExchangeServiceServer::new(payment_service::Api(
            app.clone(),
        )))
        .add_service(wire::statement_service_server::StatementServiceServer::new(payment_service::Api(
            app.clone(),
        )))
}

/// What services and operators may reach.
pub(crate) fn internal(app: &App) -> Routes {
    use internal_wire::{
        hold_service_server, ledger_service_server, provider_service_server, rate_service_server,
    };
    Routes::new(rate_service_server::RateServiceServer::new(rate_service::Api(app.clone())))
        .add_service(hold_service_server::HoldServiceServer::new(hold_service::Api(app.clone())))
        .add_service(provider_service_server::ProviderServiceServer::new(provider_service::Api(app.clone())))
        .add_service(ledger_service_server::LedgerServiceServer::new(ledger_service::Api(app.clone())))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::Database(error) => rpc::status::database(error),
            Error::NotFound { kind, id } => rpc::status::not_found(kind, id),
            Error::Refused { reason, message } => {
                rpc::status::reject(Code::FailedPrecondition, reason, message.clone(), &[])
            }
            Error::NoRate { currency, message } => {
                let metadata = [("currency", currency.code())];
                rpc::status::reject(Code::FailedPrecondition, "RATE_UNAVAILABLE", message.clone(), &metadata)
            }
            Error::Invalid { field, problem } => rpc::status::invalid(&[(field, problem)]),
            Error::Money(_) => rpc::status::invalid(&[("amount", &error.to_string())]),
        }
    }
}

fn invalid(error: &Invalid) -> Status {
    rpc::status::invalid(&[(&error.field, &error.problem)])
}

fn id<K: Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, Status> {
    text.parse().map_err(|error: kernel::IdError| rpc::status::invalid(&[(field, &error.to_string())]))
}

fn text<'a>(field: &str, text: &'a str, least: usize, most: usize) -> Result<&'a str, Status> {
    convert::text(field, text, least, most).map_err(|error| invalid(&error))
}

fn state(state: State) -> wire::PaymentState {
    match state {
        State::Awaiting => wire::PaymentState::Awaiting,
        State::Held => wire::PaymentState::Held,
        State::Captured => wire::PaymentState::Captured,
        State::Voided => wire::PaymentState::Voided,
    }
}

fn payment(hold: Hold) -> wire::Payment {
    wire::Payment {
        hold_id: hold.id.to_string(),
        order_id: hold.order_id.to_string(),
        method: hold.method,
        state: state(hold.state).into(),
        amount: Some(hold.amount.into()),
        refunded: Some(hold.refunded.into()),
        qr_payload: hold.qr_payload,
        expires_at: hold.expires_at.map(timestamp),
        paid_at: hold.paid_at.map(timestamp),
    }
}

fn exchange_rate(quoted: &Quoted, rate_id: String) -> ExchangeRate {
    ExchangeRate {
        from_currency: quoted.from.code().to_owned(),
        to_currency: quoted.to.code().to_owned(),
        rate: quoted.rate.to_string(),
        reference_rate: quoted.reference.rate.normalize().to_string(),
        as_of: quoted.reference.as_of.to_string(),
        source: quoted.reference.source.to_string(),
        rate_id,
    }
}
