//! All that a hub tells of what it has stored.

use prost::Message;
use proto::catalog::internal::v1::{AuditStockRequest, ListSellerChangesRequest};
use proto::catalog::v1::{
    GetProductRequest, GetSellerRequest, ListLocationsRequest, ListProductsRequest, ListProductsResponse,
    ListSellersRequest, ListStockRequest,
};
use proto::logistics::v1::{
    GetDeclarationRequest, GetLabelRequest, GetShipmentRequest, ListShipmentsRequest, ListShipmentsResponse,
};
use proto::operator::internal::v1::{
    GetBacklogRequest, ListInboxRequest, ListOutboxRequest, ListParkedEventsRequest, ListRequestsRequest,
};
use proto::order::internal::v1::{AuditOrdersRequest, GetSagaRequest, ListSagasRequest};
use proto::order::v1::{
    GetOrderRequest, GetQuoteRequest, GetReturnRequest, ListOrdersRequest, ListOrdersResponse,
    ListReturnsRequest, ListReturnsResponse,
};
use proto::payment::internal::v1::{ListSuspenseRequest, ListTransfersRequest, TrialBalanceRequest};
use proto::payment::v1::{
    GetPaymentRequest, GetStatementRequest, ListWalletEntriesRequest, ListWalletsRequest, ListWalletsResponse,
};

use super::calls::{Exchange, Line, NOBODY, OPERATOR};
use super::life::Lived;

/// The most that a page holds: each list of a fixture fits.
const PAGE: i32 = 200;

/// Asks for everything, and keeps the answers.
struct Reader<'a> {
    line: &'a Line<'a>,
    read: Vec<Exchange>,
}

impl Reader<'_> {
    async fn read(&mut self, who: &str, rpc: &str, request: impl Message) {
        self.read.push(self.line.exchange(who, &format!("/entrepot.{rpc}"), request.encode_to_vec()).await);
    }

    /// The same, to go on from its answer.
    async fn list<A: Message + Default>(&mut self, who: &str, rpc: &str, request: impl Message) -> A {
        let answer = self.line.call(who, &format!("/entrepot.{rpc}"), &request).await;
        self.read(who, rpc, request).await;
        answer
    }
}

/// Everything that those who lived there, and operators, can see.
pub(crate) async fn all(line: &Line<'_>, lived: &Lived) -> Vec<Exchange> {
    let mut reader = Reader { line, read: Vec::new() };
    for seller in &lived.sellers {
        goods(&mut reader, seller).await;
    }
    for buyer in &lived.buyers {
        wallets(&mut reader, buyer).await;
        orders(&mut reader, buyer).await;
    }
    for (who, quote_id, guest_secret) in lived.quotes.iter().cloned() {
        reader.read(&who, "order.v1.QuoteService/GetQuote", GetQuoteRequest { quote_id, guest_secret }).await;
    }
    operators(&mut reader).await;
    reader.read
}

async fn goods(reader: &mut Reader<'_>, seller_id: &str) {
    let who = format!("seller:{seller_id}");
    let seller_id = seller_id.to_owned();
    let own = ListProductsRequest { seller_id: seller_id.clone(), page_size: PAGE, ..Default::default() };
    let listed: ListProductsResponse =
        reader.list(&who, "catalog.v1.ProductService/ListProducts", own.clone()).await;
    reader.read(NOBODY, "catalog.v1.ProductService/ListProducts", own).await;
    for product in listed.products {
        let request = GetProductRequest { product_id: product.product_id };
        reader.read(NOBODY, "catalog.v1.ProductService/GetProduct", request).await;
    }
    for who in [who.as_str(), NOBODY] {
        let request = GetSellerRequest { seller_id: seller_id.clone() };
        reader.read(who, "catalog.v1.SellerService/GetSeller", request).await;
    }
    let request = ListLocationsRequest { page_size: PAGE, ..Default::default() };
    reader.read(&who, "catalog.v1.StockService/ListLocations", request).await;
    let request = ListStockRequest { page_size: PAGE, ..Default::default() };
    reader.read(&who, "catalog.v1.StockService/ListStock", request).await;
    let request = GetStatementRequest { seller_id, page_size: PAGE, page_token: String::new() };
    reader.read(&who, "payment.v1.StatementService/GetStatement", request).await;
    let request = ListOrdersRequest { page_size: PAGE, ..Default::default() };
    reader.read(&who, "order.v1.OrderService/ListOrders", request).await;
}

async fn wallets(reader: &mut Reader<'_>, who: &str) {
    let listed: ListWalletsResponse =
        reader.list(who, "payment.v1.WalletService/ListWallets", ListWalletsRequest {}).await;
    for wallet in listed.wallets {
        let request = ListWalletEntriesRequest {
            wallet_id: wallet.wallet_id,
            page_size: PAGE,
            page_token: String::new(),
        };
        reader.read(who, "payment.v1.WalletService/ListWalletEntries", request).await;
    }
}

async fn orders(reader: &mut Reader<'_>, who: &str) {
    let request = ListOrdersRequest { page_size: PAGE, ..Default::default() };
    let listed: ListOrdersResponse = reader.list(who, "order.v1.OrderService/ListOrders", request).await;
    for (index, order) in listed.orders.into_iter().enumerate() {
        let order_id = order.order_id;
        if index == 0 {
            let request = GetOrderRequest { order_id: order_id.clone() };
            reader.read(who, "order.v1.OrderService/GetOrder", request).await;
        }
        let request = GetSagaRequest { order_id: order_id.clone() };
        reader.read(OPERATOR, "order.internal.v1.SagaService/GetSaga", request).await;
        let request = GetPaymentRequest { order_id: order_id.clone() };
        reader.read(who, "payment.v1.PaymentService/GetPayment", request).await;
        let request =
            ListReturnsRequest { order_id: order_id.clone(), page_size: PAGE, page_token: String::new() };
        let listed: ListReturnsResponse =
            reader.list(who, "order.v1.ReturnService/ListReturns", request).await;
        for found in listed.returns {
            let request = GetReturnRequest { return_id: found.return_id };
            reader.read(who, "order.v1.ReturnService/GetReturn", request).await;
        }
        shipments(reader, who, order_id, index == 0).await;
    }
}

/// With what is large for the first order alone.
async fn shipments(reader: &mut Reader<'_>, who: &str, order_id: String, first: bool) {
    let request = ListShipmentsRequest { order_id, page_size: PAGE, page_token: String::new() };
    let listed: ListShipmentsResponse =
        reader.list(who, "logistics.v1.ShipmentService/ListShipments", request).await;
    for shipment in listed.shipments {
        if first {
            let shipment_id = shipment.shipment_id;
            let request = GetShipmentRequest { shipment_id: shipment_id.clone() };
            reader.read(who, "logistics.v1.ShipmentService/GetShipment", request).await;
            let request = GetLabelRequest { shipment_id };
            reader.read(OPERATOR, "logistics.v1.ShipmentService/GetLabel", request).await;
        }
        if !shipment.declaration_id.is_empty() {
            let request = GetDeclarationRequest { declaration_id: shipment.declaration_id };
            reader.read(who, "logistics.v1.DeclarationService/GetDeclaration", request).await;
        }
    }
}

async fn operators(reader: &mut Reader<'_>) {
    let request = ListSellersRequest { page_size: PAGE, ..Default::default() };
    reader.read(NOBODY, "catalog.v1.SellerService/ListSellers", request).await;
    let request = ListSellerChangesRequest { page_size: PAGE, ..Default::default() };
    reader.read(OPERATOR, "catalog.internal.v1.CatalogOperatorService/ListSellerChanges", request).await;
    let request = AuditStockRequest {};
    reader.read(OPERATOR, "catalog.internal.v1.CatalogOperatorService/AuditStock", request).await;
    let request = ListSagasRequest { page_size: PAGE, ..Default::default() };
    reader.read(OPERATOR, "order.internal.v1.SagaService/ListSagas", request).await;
    reader.read(OPERATOR, "order.internal.v1.SagaService/AuditOrders", AuditOrdersRequest {}).await;
    reader.read(OPERATOR, "payment.internal.v1.LedgerService/TrialBalance", TrialBalanceRequest {}).await;
    let request = ListTransfersRequest { page_size: PAGE, ..Default::default() };
    reader.read(OPERATOR, "payment.internal.v1.LedgerService/ListTransfers", request).await;
    let request = ListSuspenseRequest { page_size: PAGE, ..Default::default() };
    reader.read(OPERATOR, "payment.internal.v1.LedgerService/ListSuspense", request).await;
    for service in services::names() {
        let service = service.to_owned();
        let operator = |rpc: &str| format!("operator.internal.v1.OperatorService/{rpc}");
        let request = GetBacklogRequest { service: service.clone() };
        reader.read(OPERATOR, &operator("GetBacklog"), request).await;
        let request = ListOutboxRequest { service: service.clone(), page_size: PAGE, ..Default::default() };
        reader.read(OPERATOR, &operator("ListOutbox"), request).await;
        let request = ListInboxRequest { service: service.clone(), page_size: PAGE, ..Default::default() };
        reader.read(OPERATOR, &operator("ListInbox"), request).await;
        let request =
            ListParkedEventsRequest { service: service.clone(), page_size: PAGE, ..Default::default() };
        reader.read(OPERATOR, &operator("ListParkedEvents"), request).await;
        let request = ListRequestsRequest { service, page_size: PAGE, ..Default::default() };
        reader.read(OPERATOR, &operator("ListRequests"), request).await;
    }
}
