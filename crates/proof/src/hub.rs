//! A hub to talk to: its listeners and a way to get tokens for them. Embedded, all services stand behind the same two;
//! in production each has its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use proto::catalog::{internal::v1 as catalog_internal, v1 as catalog};
use proto::logistics::{internal::v1 as logistics_internal, v1 as logistics};
use proto::operator::internal::v1 as operator;
use proto::order::{internal::v1 as order_internal, v1 as order};
use proto::payment::{internal::v1 as payment_internal, v1 as payment};
use rpc::{Bearer, Channel, Role};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

/// A channel that sends a token.
pub type AuthorisedChannel = InterceptedService<Channel, Bearer>;

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

/// The listeners of a service.
#[derive(Debug, Clone)]
pub struct ServiceChannels {
    /// The public API.
    pub public: Channel,
    /// The internal API.
    pub internal: Channel,
}

/// Where each service of a hub is, by its name.
pub type HubChannels = BTreeMap<&'static str, ServiceChannels>;

/// A running hub.
#[derive(Clone)]
pub struct Hub {
    doors: Arc<HubChannels>,
    tokens: Arc<dyn Tokens>,
}

impl Hub {
    /// All services behind the same channels, as within the hub's own process.
    pub fn new(
        services: &[&'static str],
        public: Channel,
        internal: Channel,
        tokens: Arc<dyn Tokens>,
    ) -> Self {
        let door = ServiceChannels { public, internal };
        Self::of_services(services.iter().map(|service| (*service, door.clone())).collect(), tokens)
    }

    /// Each service behind channels of its own.
    pub fn of_services(doors: HubChannels, tokens: Arc<dyn Tokens>) -> Self {
        Self { doors: Arc::new(doors), tokens }
    }

    /// As [`Hub::new`], over TCP; connects at the first call. Addresses such as `127.0.0.1:50051`.
    pub fn at(
        services: &[&'static str],
        public: &str,
        internal: &str,
        tokens: Arc<dyn Tokens>,
    ) -> Result<Self> {
        Ok(Self::new(services, channel(public)?, channel(internal)?, tokens))
    }

    /// The names of its services.
    pub fn services(&self) -> impl Iterator<Item = &'static str> {
        self.doors.keys().copied()
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
        let line = |service| {
            let public = door(&self.doors, service)?.public.clone();
            anyhow::Ok(InterceptedService::new(public, bearer.clone()))
        };
        Ok(Session {
            subject: subject.to_owned(),
            catalog: line("catalog")?,
            order: line("order")?,
            payment: line("payment")?,
            logistics: line("logistics")?,
        })
    }

    fn bearer(&self, role: Role, subject: &str) -> Result<Bearer> {
        let token = self.tokens.token(role, subject)?;
        Bearer::new(&token).map_err(|status| anyhow::anyhow!(status.message().to_owned()))
    }

    /// The internal API of a service as an operator.
    fn operator(&self, service: &str) -> Result<AuthorisedChannel> {
        let internal = door(&self.doors, service)?.internal.clone();
        Ok(InterceptedService::new(internal, self.bearer(Role::Operator, "proof")?))
    }

    /// The catalog's operator views.
    pub fn catalog_operator(
        &self,
    ) -> Result<
        catalog_internal::catalog_operator_service_client::CatalogOperatorServiceClient<AuthorisedChannel>,
    > {
        Ok(catalog_internal::catalog_operator_service_client::CatalogOperatorServiceClient::new(
            self.operator("catalog")?,
        ))
    }

    /// The ledger for operators.
    pub fn ledger(
        &self,
    ) -> Result<payment_internal::ledger_service_client::LedgerServiceClient<AuthorisedChannel>> {
        Ok(payment_internal::ledger_service_client::LedgerServiceClient::new(self.operator("payment")?))
    }

    /// The payment providers' side.
    pub fn provider(
        &self,
    ) -> Result<payment_internal::provider_service_client::ProviderServiceClient<AuthorisedChannel>> {
        Ok(payment_internal::provider_service_client::ProviderServiceClient::new(self.operator("payment")?))
    }

    /// The sagas behind orders.
    pub fn sagas(&self) -> Result<order_internal::saga_service_client::SagaServiceClient<AuthorisedChannel>> {
        Ok(order_internal::saga_service_client::SagaServiceClient::new(self.operator("order")?))
    }

    /// The carriers' side.
    pub fn tracking(
        &self,
    ) -> Result<logistics_internal::tracking_service_client::TrackingServiceClient<AuthorisedChannel>> {
        Ok(logistics_internal::tracking_service_client::TrackingServiceClient::new(
            self.operator("logistics")?,
        ))
    }

    /// Outbox, inbox, parked events, requests of a service.
    pub fn operations(
        &self,
        service: &str,
    ) -> Result<operator::operator_service_client::OperatorServiceClient<AuthorisedChannel>> {
        Ok(operator::operator_service_client::OperatorServiceClient::new(self.operator(service)?))
    }
}

fn door<'a>(doors: &'a HubChannels, service: &str) -> Result<&'a ServiceChannels> {
    doors.get(service).with_context(|| format!("the hub has no service {service}"))
}

fn channel(address: &str) -> Result<Channel> {
    let uri = format!("http://{address}");
    Ok(Endpoint::from_shared(uri).context("the hub's address")?.connect_lazy().into())
}

/// Somebody signed in at the public API.
#[derive(Clone)]
pub struct Session {
    /// The token's subject.
    pub subject: String,
    catalog: AuthorisedChannel,
    order: AuthorisedChannel,
    payment: AuthorisedChannel,
    logistics: AuthorisedChannel,
}

impl Session {
    /// Sellers.
    pub fn sellers(&self) -> catalog::seller_service_client::SellerServiceClient<AuthorisedChannel> {
        catalog::seller_service_client::SellerServiceClient::new(self.catalog.clone())
    }

    /// Goods.
    pub fn products(&self) -> catalog::product_service_client::ProductServiceClient<AuthorisedChannel> {
        catalog::product_service_client::ProductServiceClient::new(self.catalog.clone())
    }

    /// Places and shelves.
    pub fn stock(&self) -> catalog::stock_service_client::StockServiceClient<AuthorisedChannel> {
        catalog::stock_service_client::StockServiceClient::new(self.catalog.clone())
    }

    /// Landed prices.
    pub fn quotes(&self) -> order::quote_service_client::QuoteServiceClient<AuthorisedChannel> {
        order::quote_service_client::QuoteServiceClient::new(self.order.clone())
    }

    /// Orders.
    pub fn orders(&self) -> order::order_service_client::OrderServiceClient<AuthorisedChannel> {
        order::order_service_client::OrderServiceClient::new(self.order.clone())
    }

    /// Returns.
    pub fn returns(&self) -> order::return_service_client::ReturnServiceClient<AuthorisedChannel> {
        order::return_service_client::ReturnServiceClient::new(self.order.clone())
    }

    /// Wallets.
    pub fn wallets(&self) -> payment::wallet_service_client::WalletServiceClient<AuthorisedChannel> {
        payment::wallet_service_client::WalletServiceClient::new(self.payment.clone())
    }

    /// Payments.
    pub fn payments(&self) -> payment::payment_service_client::PaymentServiceClient<AuthorisedChannel> {
        payment::payment_service_client::PaymentServiceClient::new(self.payment.clone())
    }

    /// A seller's statement.
    pub fn statements(&self) -> payment::statement_service_client::StatementServiceClient<AuthorisedChannel> {
        payment::statement_service_client::StatementServiceClient::new(self.payment.clone())
    }

    /// Shipments.
    pub fn shipments(&self) -> logistics::shipment_service_client::ShipmentServiceClient<AuthorisedChannel> {
        logistics::shipment_service_client::ShipmentServiceClient::new(self.logistics.clone())
    }

    /// Declarations.
    pub fn declarations(
        &self,
    ) -> logistics::declaration_service_client::DeclarationServiceClient<AuthorisedChannel> {
        logistics::declaration_service_client::DeclarationServiceClient::new(self.logistics.clone())
    }
}
