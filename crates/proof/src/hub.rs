//! A hub to talk to: its two listeners and a way to get tokens for them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use proto::catalog::{internal::v1 as catalog_internal, v1 as catalog};
use proto::logistics::{internal::v1 as logistics_internal, v1 as logistics};
use proto::operator::internal::v1 as operator;
use proto::order::{internal::v1 as order_internal, v1 as order};
use proto::payment::{internal::v1 as payment_internal, v1 as payment};
use rpc::{Bearer, Role};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

/// A channel that sends a token.
pub type Line = InterceptedService<Channel, Bearer>;

/// Makes tokens of the hub: its keys within its process, `entrepot token` from outside.
pub trait Tokens: Send + Sync {
    /// A token for this role and subject that lasts for the journey.
    fn token(&self, role: Role, subject: &str) -> Result<String>;
}

impl<F: Fn(Role, &str) -> Result<String> + Send + Sync> Tokens for F {
    fn token(&self, role: Role, subject: &str) -> Result<String> {
        self(role, subject)
    }
}

/// A running hub.
#[derive(Clone)]
pub struct Hub {
    public: Channel,
    internal: Channel,
    tokens: Arc<dyn Tokens>,
}

impl Hub {
    /// Over channels that are there already, as within the hub's own process.
    pub fn new(public: Channel, internal: Channel, tokens: Arc<dyn Tokens>) -> Self {
        Self { public, internal, tokens }
    }

    /// Over TCP; connects at the first call. Addresses such as `127.0.0.1:50051`.
    pub fn at(public: &str, internal: &str, tokens: Arc<dyn Tokens>) -> Result<Self> {
        let lazy = |address: &str| -> Result<Channel> {
            let uri = format!("http://{address}");
            Ok(Endpoint::from_shared(uri).context("the hub's address")?.connect_lazy())
        };
        Ok(Self::new(lazy(public)?, lazy(internal)?, tokens))
    }

    /// The public API without a token.
    pub fn anyone(&self) -> Channel {
        self.public.clone()
    }

    /// The public API as a buyer.
    pub fn buyer(&self, subject: &str) -> Result<Session> {
        self.session(Role::Buyer, subject)
    }

    /// The public API as a seller: the subject is its id.
    pub fn seller(&self, seller_id: &str) -> Result<Session> {
        self.session(Role::Seller, seller_id)
    }

    /// The public API in any role.
    pub fn session(&self, role: Role, subject: &str) -> Result<Session> {
        let bearer = self.bearer(role, subject)?;
        Ok(Session {
            subject: subject.to_owned(),
            line: InterceptedService::new(self.public.clone(), bearer),
        })
    }

    /// The internal API in any role.
    pub fn internal(&self, role: Role, subject: &str) -> Result<Line> {
        Ok(InterceptedService::new(self.internal.clone(), self.bearer(role, subject)?))
    }

    fn bearer(&self, role: Role, subject: &str) -> Result<Bearer> {
        let token = self.tokens.token(role, subject)?;
        Bearer::new(&token).map_err(|status| anyhow::anyhow!(status.message().to_owned()))
    }

    fn operator(&self) -> Result<Line> {
        self.internal(Role::Operator, "proof")
    }

    /// The catalog's operator views.
    pub fn catalog_operator(
        &self,
    ) -> Result<catalog_internal::catalog_operator_service_client::CatalogOperatorServiceClient<Line>> {
        Ok(catalog_internal::catalog_operator_service_client::CatalogOperatorServiceClient::new(
            self.operator()?,
        ))
    }

    /// The ledger for operators.
    pub fn ledger(&self) -> Result<payment_internal::ledger_service_client::LedgerServiceClient<Line>> {
        Ok(payment_internal::ledger_service_client::LedgerServiceClient::new(self.operator()?))
    }

    /// The payment providers' side.
    pub fn provider(&self) -> Result<payment_internal::provider_service_client::ProviderServiceClient<Line>> {
        Ok(payment_internal::provider_service_client::ProviderServiceClient::new(self.operator()?))
    }

    /// The sagas behind orders.
    pub fn sagas(&self) -> Result<order_internal::saga_service_client::SagaServiceClient<Line>> {
        Ok(order_internal::saga_service_client::SagaServiceClient::new(self.operator()?))
    }

    /// The carriers' side.
    pub fn tracking(
        &self,
    ) -> Result<logistics_internal::tracking_service_client::TrackingServiceClient<Line>> {
        Ok(logistics_internal::tracking_service_client::TrackingServiceClient::new(self.operator()?))
    }

    /// Outbox, inbox, parked events, requests.
    pub fn operations(&self) -> Result<operator::operator_service_client::OperatorServiceClient<Line>> {
        Ok(operator::operator_service_client::OperatorServiceClient::new(self.operator()?))
    }

    /// The sandbox's clock.
    pub fn clock(&self) -> Result<operator::sandbox_service_client::SandboxServiceClient<Line>> {
        Ok(operator::sandbox_service_client::SandboxServiceClient::new(self.operator()?))
    }
}

/// Somebody signed in at the public API.
#[derive(Clone)]
pub struct Session {
    /// The token's subject.
    pub subject: String,
    line: Line,
}

impl Session {
    /// Sellers.
    pub fn sellers(&self) -> catalog::seller_service_client::SellerServiceClient<Line> {
        catalog::seller_service_client::SellerServiceClient::new(self.line.clone())
    }

    /// Goods.
    pub fn products(&self) -> catalog::product_service_client::ProductServiceClient<Line> {
        catalog::product_service_client::ProductServiceClient::new(self.line.clone())
    }

    /// Places and shelves.
    pub fn stock(&self) -> catalog::stock_service_client::StockServiceClient<Line> {
        catalog::stock_service_client::StockServiceClient::new(self.line.clone())
    }

    /// Landed prices.
    pub fn quotes(&self) -> order::quote_service_client::QuoteServiceClient<Line> {
        order::quote_service_client::QuoteServiceClient::new(self.line.clone())
    }

    /// Orders.
    pub fn orders(&self) -> order::order_service_client::OrderServiceClient<Line> {
        order::order_service_client::OrderServiceClient::new(self.line.clone())
    }

    /// Returns.
    pub fn returns(&self) -> order::return_service_client::ReturnServiceClient<Line> {
        order::return_service_client::ReturnServiceClient::new(self.line.clone())
    }

    /// Wallets.
    pub fn wallets(&self) -> payment::wallet_service_client::WalletServiceClient<Line> {
        payment::wallet_service_client::WalletServiceClient::new(self.line.clone())
    }

    /// Payments.
    pub fn payments(&self) -> payment::payment_service_client::PaymentServiceClient<Line> {
        payment::payment_service_client::PaymentServiceClient::new(self.line.clone())
    }

    /// A seller's statement.
    pub fn statements(&self) -> payment::statement_service_client::StatementServiceClient<Line> {
        payment::statement_service_client::StatementServiceClient::new(self.line.clone())
    }

    /// Shipments.
    pub fn shipments(&self) -> logistics::shipment_service_client::ShipmentServiceClient<Line> {
        logistics::shipment_service_client::ShipmentServiceClient::new(self.line.clone())
    }

    /// Declarations.
    pub fn declarations(&self) -> logistics::declaration_service_client::DeclarationServiceClient<Line> {
        logistics::declaration_service_client::DeclarationServiceClient::new(self.line.clone())
    }
}
