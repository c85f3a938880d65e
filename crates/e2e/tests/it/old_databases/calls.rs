//! Calls and their answers as a fixture keeps them: the request as bytes, the answer as text.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use prost::Message;
use proto::{catalog, logistics, operator, order, payment};
use rpc::{Bearer, Role};
use testkit::RawCodec;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::process::{Data, Process};

/// Who calls without a token.
pub(crate) const NOBODY: &str = "nobody";
/// Who may look at all.
pub(crate) const OPERATOR: &str = "operator:proof";

/// A call and what was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    /// `role:subject`, or [`NOBODY`].
    pub(crate) who: String,
    /// Such as `/entrepot.order.v1.OrderService/GetOrder`.
    pub(crate) rpc: String,
    pub(crate) request: Vec<u8>,
    /// The message as Rust shows it, or the refusal.
    pub(crate) answer: String,
}

impl Exchange {
    /// Several of them as a text: a line for the call, its answer's lines behind it, indented.
    pub(crate) fn write(exchanges: &[Self]) -> String {
        let mut text = String::new();
        for Self { who, rpc, request, answer } in exchanges {
            text.push_str(&format!("{who} {rpc} {}\n", STANDARD.encode(request)));
            answer.lines().for_each(|line| text.push_str(&format!(" {line}\n")));
        }
        text
    }

    /// The inverse of [`Exchange::write`].
    pub(crate) fn read(text: &str) -> Vec<Self> {
        let mut exchanges: Vec<Self> = Vec::new();
        for line in text.lines() {
            if let Some(of_answer) = line.strip_prefix(' ') {
                let exchange = exchanges.last_mut().unwrap();
                exchange.answer.push_str(of_answer);
                exchange.answer.push('\n');
                continue;
            }
            let mut parts = line.split(' ').map(str::to_owned);
            let mut next = || parts.next().unwrap();
            let (who, rpc, request) = (next(), next(), STANDARD.decode(next()).unwrap());
            exchanges.push(Self { who, rpc, request, answer: String::new() });
        }
        exchanges
    }

    /// What of this answer is not in another one, which may say more: that of a later release.
    pub(crate) fn missing(&self, other: &str) -> Option<String> {
        let mut others = other.lines();
        let lost = self.answer.lines().position(|line| !others.any(|other| other == line))?;
        let before: Vec<&str> = self.answer.lines().take(lost + 1).collect();
        let shown = before[before.len().saturating_sub(4)..].join("\n");
        Some(format!("{} for {}: no longer read:\n{shown}\nin {other}", self.rpc, self.who))
    }
}

/// A hub to call, whatever the RPC.
pub(crate) struct Line<'a> {
    data: &'a Data,
    public: Channel,
    internal: Channel,
    tokens: Mutex<BTreeMap<String, Bearer>>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(data: &'a Data, process: &Process) -> Self {
        let channel =
            |address: &str| Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let (public, internal) = (channel(&process.public), channel(&process.internal));
        Self { data, public, internal, tokens: Mutex::default() }
    }

    /// Calls; the answer must not be a refusal.
    pub(crate) async fn call<A: Message + Default>(&self, who: &str, rpc: &str, request: &impl Message) -> A {
        let answer = self.bytes(who, rpc, request.encode_to_vec()).await;
        A::decode(answer.unwrap_or_else(|status| panic!("{rpc} for {who}: {status}")).as_slice()).unwrap()
    }

    /// Calls; what there is to keep of it.
    pub(crate) async fn exchange(&self, who: &str, rpc: &str, request: Vec<u8>) -> Exchange {
        let answer = text(rpc, &self.bytes(who, rpc, request.clone()).await);
        Exchange { who: who.to_owned(), rpc: rpc.to_owned(), request, answer }
    }

    async fn bytes(&self, who: &str, rpc: &str, request: Vec<u8>) -> Result<Vec<u8>, Status> {
        let channel = if rpc.contains(".internal.") { &self.internal } else { &self.public };
        let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(usize::MAX);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(request);
        if let Some(mut bearer) = self.bearer(who) {
            let signed = tonic::service::Interceptor::call(&mut bearer, Request::new(()))?;
            *request.metadata_mut() = signed.into_parts().0;
        }
        let path = PathAndQuery::from_str(rpc).unwrap();
        Ok(grpc.unary(request, path, RawCodec).await?.into_inner())
    }

    fn bearer(&self, who: &str) -> Option<Bearer> {
        let (role, subject) = who.split_once(':')?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Bearer::new(&self.data.token(Role::from_str(role).unwrap(), subject)).unwrap();
        Some(tokens.entry(who.to_owned()).or_insert_with(made).clone())
    }
}

fn show<A: Message + Default + std::fmt::Debug>(answer: &[u8]) -> String {
    let shown = format!("{:#?}", A::decode(answer).unwrap());
    // Entries of maps come in any order.
    let mut lines: Vec<&str> = Vec::new();
    let mut map: Option<usize> = None;
    for line in shown.lines() {
        if let (Some(start), true) = (map, line.trim() == "},") {
            lines[start..].sort_unstable();
            map = None;
        }
        lines.push(line);
        if line.ends_with(": {") {
            map = Some(lines.len());
        }
    }
    lines.join("\n") + "\n"
}

macro_rules! shown_as {
    ($($rpc:literal $answer:ty;)+) => {
        fn text(rpc: &str, answer: &Result<Vec<u8>, Status>) -> String {
            let answer = match answer {
                Ok(answer) => answer,
                Err(status) => {
                    let reason = rpc::status::reason(status).unwrap_or_default();
                    return format!("{:?} {reason} {}\n", status.code(), status.message());
                }
            };
            match rpc {
                $($rpc => show::<$answer>(answer),)+
                _ => panic!("{rpc} has no text: add it to `shown_as`"),
            }
        }
    };
}

shown_as! {
    "/entrepot.catalog.v1.SellerService/ApplySeller" catalog::v1::ApplySellerResponse;
    "/entrepot.catalog.v1.SellerService/UpdateSeller" catalog::v1::UpdateSellerResponse;
    "/entrepot.catalog.v1.SellerService/GetSeller" catalog::v1::GetSellerResponse;
    "/entrepot.catalog.v1.SellerService/ListSellers" catalog::v1::ListSellersResponse;
    "/entrepot.catalog.v1.StockService/CreateLocation" catalog::v1::CreateLocationResponse;
    "/entrepot.catalog.v1.StockService/AdjustStock" catalog::v1::AdjustStockResponse;
    "/entrepot.catalog.v1.StockService/ListLocations" catalog::v1::ListLocationsResponse;
    "/entrepot.catalog.v1.StockService/ListStock" catalog::v1::ListStockResponse;
    "/entrepot.catalog.v1.ProductService/CreateProduct" catalog::v1::CreateProductResponse;
    "/entrepot.catalog.v1.ProductService/UpdateProduct" catalog::v1::UpdateProductResponse;
    "/entrepot.catalog.v1.ProductService/WithdrawProduct" catalog::v1::WithdrawProductResponse;
    "/entrepot.catalog.v1.ProductService/GetProduct" catalog::v1::GetProductResponse;
    "/entrepot.catalog.v1.ProductService/ListProducts" catalog::v1::ListProductsResponse;
    "/entrepot.catalog.internal.v1.CatalogOperatorService/VerifySeller" catalog::internal::v1::VerifySellerResponse;
    "/entrepot.catalog.internal.v1.CatalogOperatorService/SuspendSeller" catalog::internal::v1::SuspendSellerResponse;
    "/entrepot.catalog.internal.v1.CatalogOperatorService/DecideSellerChange" catalog::internal::v1::DecideSellerChangeResponse;
    "/entrepot.catalog.internal.v1.CatalogOperatorService/ListSellerChanges" catalog::internal::v1::ListSellerChangesResponse;
    "/entrepot.catalog.internal.v1.CatalogOperatorService/AuditStock" catalog::internal::v1::AuditStockResponse;
    "/entrepot.order.v1.QuoteService/CreateQuote" order::v1::CreateQuoteResponse;
    "/entrepot.order.v1.QuoteService/GetQuote" order::v1::GetQuoteResponse;
    "/entrepot.order.v1.OrderService/PlaceOrder" order::v1::PlaceOrderResponse;
    "/entrepot.order.v1.OrderService/CancelOrder" order::v1::CancelOrderResponse;
    "/entrepot.order.v1.OrderService/ConfirmReceipt" order::v1::ConfirmReceiptResponse;
    "/entrepot.order.v1.OrderService/GetOrder" order::v1::GetOrderResponse;
    "/entrepot.order.v1.OrderService/ListOrders" order::v1::ListOrdersResponse;
    "/entrepot.order.v1.ReturnService/RequestReturn" order::v1::RequestReturnResponse;
    "/entrepot.order.v1.ReturnService/ApproveReturn" order::v1::ApproveReturnResponse;
    "/entrepot.order.v1.ReturnService/RejectReturn" order::v1::RejectReturnResponse;
    "/entrepot.order.v1.ReturnService/ReceiveReturn" order::v1::ReceiveReturnResponse;
    "/entrepot.order.v1.ReturnService/GetReturn" order::v1::GetReturnResponse;
    "/entrepot.order.v1.ReturnService/ListReturns" order::v1::ListReturnsResponse;
    "/entrepot.order.internal.v1.SagaService/ListSagas" order::internal::v1::ListSagasResponse;
    "/entrepot.order.internal.v1.SagaService/GetSaga" order::internal::v1::GetSagaResponse;
    "/entrepot.order.internal.v1.SagaService/AuditOrders" order::internal::v1::AuditOrdersResponse;
    "/entrepot.payment.v1.WalletService/OpenWallet" payment::v1::OpenWalletResponse;
    "/entrepot.payment.v1.WalletService/TopUpWallet" payment::v1::TopUpWalletResponse;
    "/entrepot.payment.v1.WalletService/ListWallets" payment::v1::ListWalletsResponse;
    "/entrepot.payment.v1.WalletService/ListWalletEntries" payment::v1::ListWalletEntriesResponse;
    "/entrepot.payment.v1.PaymentService/GetPayment" payment::v1::GetPaymentResponse;
    "/entrepot.payment.v1.StatementService/GetStatement" payment::v1::GetStatementResponse;
    "/entrepot.payment.internal.v1.ProviderService/PayQr" payment::internal::v1::PayQrResponse;
    "/entrepot.payment.internal.v1.ProviderService/ReportReceipt" payment::internal::v1::ReportReceiptResponse;
    "/entrepot.payment.internal.v1.LedgerService/ResolveSuspense" payment::internal::v1::ResolveSuspenseResponse;
    "/entrepot.payment.internal.v1.LedgerService/TrialBalance" payment::internal::v1::TrialBalanceResponse;
    "/entrepot.payment.internal.v1.LedgerService/ListTransfers" payment::internal::v1::ListTransfersResponse;
    "/entrepot.payment.internal.v1.LedgerService/ListSuspense" payment::internal::v1::ListSuspenseResponse;
    "/entrepot.logistics.v1.ShipmentService/GetShipment" logistics::v1::GetShipmentResponse;
    "/entrepot.logistics.v1.ShipmentService/ListShipments" logistics::v1::ListShipmentsResponse;
    "/entrepot.logistics.v1.ShipmentService/GetLabel" logistics::v1::GetLabelResponse;
    "/entrepot.logistics.v1.DeclarationService/GetDeclaration" logistics::v1::GetDeclarationResponse;
    "/entrepot.logistics.internal.v1.TrackingService/RecordTrackingEvent" logistics::internal::v1::RecordTrackingEventResponse;
    "/entrepot.operator.internal.v1.OperatorService/GetBacklog" operator::internal::v1::GetBacklogResponse;
    "/entrepot.operator.internal.v1.OperatorService/ListOutbox" operator::internal::v1::ListOutboxResponse;
    "/entrepot.operator.internal.v1.OperatorService/ListInbox" operator::internal::v1::ListInboxResponse;
    "/entrepot.operator.internal.v1.OperatorService/ListParkedEvents" operator::internal::v1::ListParkedEventsResponse;
    "/entrepot.operator.internal.v1.OperatorService/ListRequests" operator::internal::v1::ListRequestsResponse;
}

#[test]
fn exchanges_are_read_as_they_were_written_and_a_lost_line_is_seen() {
    let exchange = Exchange {
        who: NOBODY.to_owned(),
        rpc: "/x/Y".to_owned(),
        request: vec![1, 2],
        answer: "A {\n    b: 1,\n}\n".to_owned(),
    };
    let both = [exchange.clone(), Exchange { request: Vec::new(), ..exchange.clone() }];
    assert_eq!(Exchange::read(&Exchange::write(&both)), both);
    assert_eq!(exchange.missing("A {\n    b: 1,\n    new: 2,\n}\n"), None);
    assert!(exchange.missing("A {\n    b: 2,\n}\n").unwrap().contains("b: 1"));
}
