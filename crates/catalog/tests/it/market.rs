//! A hub with the catalog service alone, and those who deal there.

use std::sync::Arc;

use kernel::{EventId, SellerId};
use proto::catalog::internal::v1::catalog_operator_service_client::CatalogOperatorServiceClient;
use proto::catalog::internal::v1::offer_service_client::OfferServiceClient;
use proto::catalog::internal::v1::reservation_service_client::ReservationServiceClient;
use proto::catalog::internal::v1::{
    AuditStockRequest, AuditStockResponse, DecideSellerChangeRequest, GetOffersRequest,
    ListSellerChangesRequest, Offer, OfferLine, SuspendSellerRequest, VerifySellerRequest,
};
use proto::catalog::v1::product_service_client::ProductServiceClient;
use proto::catalog::v1::seller_service_client::SellerServiceClient;
use proto::catalog::v1::stock_service_client::StockServiceClient;
use proto::catalog::v1::{
    AdjustStockRequest, ApplySellerRequest, CreateLocationRequest, GetProductRequest, GetSellerRequest,
    ListStockRequest, Product, Seller, StockItem, UpdateSellerRequest, Variant,
};
use proto::operator::internal::v1::operator_service_client::OperatorServiceClient;
use rpc::{Channel, Role};
use testkit::service::{Line, Setup};
use testkit::{Database, UnderTest};
use tonic::{Code, Status};

use crate::wares;

/// The hub.
pub(crate) struct Market {
    pub(crate) hub: UnderTest,
}

/// A firm that sells, and where it ships from.
pub(crate) struct Trader {
    pub(crate) id: String,
    pub(crate) location: String,
}

pub(crate) fn request_id() -> String {
    EventId::new().uuid().to_string()
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    rpc::status::reason(status).unwrap_or_else(|| format!("{status:?}"))
}

/// The code and the reason of an answer that must be a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), reason(&status))
}

/// What a rule of the trade refuses.
pub(crate) fn refused(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

pub(crate) fn application(name: &str) -> ApplySellerRequest {
    ApplySellerRequest {
        request_id: request_id(),
        display_name: name.to_owned(),
        country: "TH".to_owned(),
        registration_number: "0105561000123".to_owned(),
        tax_registered: true,
        payout_currency: "THB".to_owned(),
    }
}

impl Market {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::with(database, "").await
    }

    /// With this section of the configuration.
    pub(crate) async fn with(database: &Database, section: &str) -> Self {
        let (file, text) = hub::builtin("my").unwrap();
        let profile = Arc::new(hub::Profile::parse(file, text).unwrap());
        let setup = Setup::new(catalog::SPEC, database, profile).section(section.parse().unwrap());
        Self { hub: setup.start().await }
    }

    pub(crate) fn sellers(&self, role: Role, subject: &str) -> SellerServiceClient<Line> {
        SellerServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn products(&self, seller: &str) -> ProductServiceClient<Line> {
        ProductServiceClient::new(self.hub.public(Role::Seller, seller))
    }

    /// The goods as somebody without a token sees them.
    pub(crate) fn window(&self) -> ProductServiceClient<Channel> {
        ProductServiceClient::new(self.hub.anyone())
    }

    pub(crate) fn stock(&self, seller: &str) -> StockServiceClient<Line> {
        StockServiceClient::new(self.hub.public(Role::Seller, seller))
    }

    pub(crate) fn reservations(&self) -> ReservationServiceClient<Line> {
        ReservationServiceClient::new(self.hub.as_service("order"))
    }

    pub(crate) fn operator(&self) -> CatalogOperatorServiceClient<Line> {
        CatalogOperatorServiceClient::new(self.hub.internal(Role::Operator, "somchai"))
    }

    pub(crate) fn operator_of_events(&self) -> OperatorServiceClient<Line> {
        OperatorServiceClient::new(self.hub.internal(Role::Operator, "somchai"))
    }

    /// A firm that has applied and has a place to ship from.
    pub(crate) async fn applied(&self, name: &str) -> Trader {
        let id = SellerId::new().to_string();
        self.sellers(Role::Seller, &id).apply_seller(application(name)).await.unwrap();
        let place = CreateLocationRequest {
            request_id: request_id(),
            name: "Warehouse".to_owned(),
            country: "TH".to_owned(),
            postcode: "50200".to_owned(),
        };
        let opened = self.stock(&id).create_location(place).await.unwrap().into_inner();
        Trader { id, location: opened.location.unwrap().location_id }
    }

    /// A firm whose goods are offered.
    pub(crate) async fn trader(&self) -> Trader {
        self.trader_named("Chiang Mai Silk").await
    }

    pub(crate) async fn trader_named(&self, name: &str) -> Trader {
        let trader = self.applied(name).await;
        self.verify(&trader.id).await.unwrap();
        trader
    }

    pub(crate) async fn verify(&self, seller_id: &str) -> Result<Seller, Status> {
        let request = VerifySellerRequest {
            request_id: request_id(),
            seller_id: seller_id.to_owned(),
            etag: String::new(),
        };
        Ok(self.operator().verify_seller(request).await?.into_inner().seller.unwrap())
    }

    pub(crate) async fn update(&self, seller: &str, edit: UpdateSellerRequest) -> Result<Seller, Status> {
        let mut sellers = self.sellers(Role::Seller, seller);
        Ok(sellers.update_seller(edit).await?.into_inner().seller.unwrap())
    }

    /// The operator decides the change of a seller as he read it: accepts it, or refuses it with a reason.
    pub(crate) async fn decide(&self, read: &Seller, refusal: Option<&str>) -> Result<Seller, Status> {
        let request = DecideSellerChangeRequest {
            request_id: request_id(),
            seller_id: read.seller_id.clone(),
            etag: read.etag.clone(),
            accept: refusal.is_none(),
            reason: refusal.unwrap_or_default().to_owned(),
        };
        Ok(self.operator().decide_seller_change(request).await?.into_inner().seller.unwrap())
    }

    /// Sellers with a change that waits.
    pub(crate) async fn changes(&self) -> Vec<Seller> {
        let listed = self.operator().list_seller_changes(ListSellerChangesRequest::default()).await;
        listed.unwrap().into_inner().sellers
    }

    pub(crate) async fn suspend(&self, seller_id: &str, reason: &str) -> Result<Seller, Status> {
        let request = SuspendSellerRequest {
            request_id: request_id(),
            seller_id: seller_id.to_owned(),
            reason: reason.to_owned(),
        };
        Ok(self.operator().suspend_seller(request).await?.into_inner().seller.unwrap())
    }

    pub(crate) async fn seller(&self, role: Role, subject: &str, id: &str) -> Result<Seller, Status> {
        let request = GetSellerRequest { seller_id: id.to_owned() };
        Ok(self.sellers(role, subject).get_seller(request).await?.into_inner().seller.unwrap())
    }

    /// A product of one variant.
    pub(crate) async fn list(&self, trader: &Trader, sku: &str, units: i64) -> Product {
        let request = wares::product(vec![wares::variant(trader, sku, units)]);
        self.products(&trader.id).create_product(request).await.unwrap().into_inner().product.unwrap()
    }

    /// The variant of a product of its own.
    pub(crate) async fn goods(&self, trader: &Trader, sku: &str, units: i64) -> Variant {
        self.list(trader, sku, units).await.variants.remove(0)
    }

    pub(crate) async fn seen(&self, product_id: &str) -> Result<Product, Status> {
        let request = GetProductRequest { product_id: product_id.to_owned() };
        Ok(self.window().get_product(request).await?.into_inner().product.unwrap())
    }

    pub(crate) async fn offers(&self, lines: &[(&Variant, i64)]) -> Result<Vec<Offer>, Status> {
        let line = |(variant, quantity): &(&Variant, i64)| OfferLine {
            variant_id: variant.variant_id.clone(),
            quantity: *quantity,
        };
        let request = GetOffersRequest { lines: lines.iter().map(line).collect() };
        let mut client = OfferServiceClient::new(self.hub.as_service("order"));
        Ok(client.get_offers(request).await?.into_inner().offers)
    }

    pub(crate) async fn adjust(&self, seller: &str, item: &str, delta: i64) -> Result<StockItem, Status> {
        let request = adjustment(item, delta);
        Ok(self.stock(seller).adjust_stock(request).await?.into_inner().stock_item.unwrap())
    }

    /// The shelf of a variant: what is on it, and what orders hold of that.
    pub(crate) async fn shelf(&self, trader: &Trader, variant: &Variant) -> (i64, i64) {
        let request = ListStockRequest { page_size: 200, page_token: String::new() };
        let listed = self.stock(&trader.id).list_stock(request).await.unwrap().into_inner();
        let item = listed.stock_items.iter().find(|item| item.stock_item_id == variant.stock_item_id);
        item.map(|item| (item.on_hand, item.reserved)).unwrap()
    }

    pub(crate) async fn audit(&self) -> AuditStockResponse {
        self.operator().audit_stock(AuditStockRequest {}).await.unwrap().into_inner()
    }

    /// Everything adds up: on hand, held, and gone for orders.
    pub(crate) async fn adds_up_to(&self, on_hand: i64, reserved: i64, dispatched: i64) {
        let audit = self.audit().await;
        assert_eq!(audit.violations, Vec::<String>::new());
        assert_eq!((audit.on_hand, audit.reserved, audit.dispatched), (on_hand, reserved, dispatched));
    }
}

pub(crate) fn adjustment(stock_item_id: &str, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        request_id: request_id(),
        stock_item_id: stock_item_id.to_owned(),
        delta,
        reason: "counted".to_owned(),
    }
}
