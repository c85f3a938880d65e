//! An order as payment sees it: what order asks for it and tells of it.

use std::sync::atomic::{AtomicI64, Ordering};

use events::Envelope;
use kernel::{ConsignmentId, HoldId, OrderId, ReturnId};
use proto::order::events::v1::{
    Carriage, ConsignmentReceived, CostBearer, OrderCancelled, OrderConfirmed, QuotedConsignment,
    ReturnCause, ReturnReceived, ReturnTerms,
};
use proto::payment::internal::v1::{
    AuthoriseRequest, AuthoriseResponse, CancelOutcome, CancelPaymentRequest, InquireHoldRequest,
    PayQrRequest, PayQrResponse, VoidRequest,
};
use proto::payment::v1::{Payment, PaymentState};
use proto::types::v1::{ExchangeRate, Money, PriceParts};
use tonic::Status;

use crate::till::{BUYER, Till, money, myr};

/// What a consignment of [`Sale`] costs: goods 133.00, carriage 20.00, duty 3.00, tax 10.00.
pub(crate) const PRICE: i64 = 16_600;
/// What the seller gets of it, in satang: 1,000.00 less 8%.
pub(crate) const EARNED: i64 = 92_000;

/// An order of the buyer's.
pub(crate) struct Sale {
    pub(crate) order_id: OrderId,
    pub(crate) hold_id: HoldId,
    pub(crate) number: String,
    pub(crate) method: &'static str,
    pub(crate) amount: Money,
    pub(crate) consignments: Vec<QuotedConsignment>,
    version: AtomicI64,
}

impl Sale {
    pub(crate) fn of(consignments: Vec<QuotedConsignment>) -> Self {
        let totals = consignments.iter().map(|one| one.price.as_ref().unwrap().total.as_ref().unwrap());
        let currency = &consignments[0].price.as_ref().unwrap().total.as_ref().unwrap().currency;
        let amount = money(currency, totals.map(|total| total.minor_units).sum());
        let order_id = OrderId::new();
        let digits = order_id.uuid().simple().to_string().to_uppercase();
        Self {
            order_id,
            hold_id: HoldId::derive(order_id.uuid(), "hold"),
            number: format!("MY-{}-{}", &digits[20..26], &digits[26..32]),
            method: "wallet",
            amount,
            consignments,
            version: AtomicI64::new(1),
        }
    }

    pub(crate) fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub(crate) fn costs(self, amount: Money) -> Self {
        Self { amount, ..self }
    }

    pub(crate) fn authorise(&self) -> AuthoriseRequest {
        AuthoriseRequest {
            hold_id: self.hold_id.to_string(),
            order_id: self.order_id.to_string(),
            order_number: self.number.clone(),
            buyer: BUYER.to_owned(),
            method: self.method.to_owned(),
            amount: Some(self.amount.clone()),
        }
    }

    pub(crate) fn event<M: prost::Message>(&self, till: &Till, kind: &'static str, message: &M) -> Envelope {
        let version = self.version.fetch_add(1, Ordering::SeqCst);
        Envelope::new(kind, self.order_id, version, till.hub.now(), message)
    }

    pub(crate) fn confirmed(&self) -> OrderConfirmed {
        OrderConfirmed {
            order_id: self.order_id.to_string(),
            number: self.number.clone(),
            buyer: BUYER.to_owned(),
            hold_id: self.hold_id.to_string(),
            consignments: self.consignments.clone(),
            ..OrderConfirmed::default()
        }
    }

    fn consignment_id(&self, place: usize) -> String {
        self.consignments[place].consignment_id.clone()
    }

    pub(crate) fn return_of(&self, place: usize, refund: Money, seller_goods: Money) -> ReturnReceived {
        ReturnReceived {
            order_id: self.order_id.to_string(),
            return_id: ReturnId::new().to_string(),
            consignment_id: self.consignment_id(place),
            refund: Some(refund),
            seller_goods: Some(seller_goods),
            ..ReturnReceived::default()
        }
    }
}

impl Sale {
    /// All of a consignment of [`Till::consignment`], as a change of mind.
    pub(crate) fn whole(&self, place: usize) -> ReturnReceived {
        ReturnReceived {
            duty_and_tax: Some(myr(1_300)),
            outward_costs: Some(myr(2_000)),
            terms: Some(ReturnTerms {
                cause: ReturnCause::ChangeOfMind.into(),
                outward_carriage: CostBearer::Seller.into(),
                return_carriage: CostBearer::Buyer.into(),
                duty_and_tax: CostBearer::Customs.into(),
            }),
            ..self.return_of(place, myr(PRICE), money("THB", 100_000))
        }
    }
}

impl Till {
    /// Goods for 1,000.00 baht, paid in ringgit.
    pub(crate) fn consignment(&self) -> QuotedConsignment {
        QuotedConsignment {
            consignment_id: ConsignmentId::new().to_string(),
            seller_id: self.seller.clone(),
            price: Some(PriceParts { total: Some(myr(PRICE)), ..PriceParts::default() }),
            hub_price: Some(PriceParts {
                carriage: Some(myr(2_000)),
                duty: Some(myr(300)),
                tax: Some(myr(1_000)),
                ..PriceParts::default()
            }),
            seller_goods: Some(money("THB", 100_000)),
            carriage: Some(Carriage { carrier: "selat".to_owned(), ..Carriage::default() }),
            goods_rate: Some(rate("THB", "MYR", "0.133")),
            ..QuotedConsignment::default()
        }
    }

    /// An order of so many consignments, not authorised yet.
    pub(crate) fn sale(&self, count: usize) -> Sale {
        Sale::of((0..count).map(|_| self.consignment()).collect())
    }

    /// An order that was authorised and confirmed; nothing is left in the buyer's wallet.
    pub(crate) async fn bought(&self, count: usize) -> Sale {
        let sale = self.sale(count);
        self.funded(sale.amount.clone()).await;
        self.authorise(&sale).await.unwrap();
        self.confirm(&sale).await;
        sale
    }

    pub(crate) async fn authorise(&self, sale: &Sale) -> Result<AuthoriseResponse, Status> {
        Ok(self.holds().authorise(sale.authorise()).await?.into_inner())
    }

    /// The code of an order that is paid by QR.
    pub(crate) async fn code(&self, sale: &Sale) -> String {
        let answer = self.authorise(sale).await.unwrap();
        assert_eq!(answer.state(), PaymentState::Awaiting);
        answer.qr_payload
    }

    pub(crate) async fn pay(&self, code: &str, provider_reference: &str) -> PayQrResponse {
        let request =
            PayQrRequest { qr_payload: code.to_owned(), provider_reference: provider_reference.to_owned() };
        self.provider().pay_qr(request).await.unwrap().into_inner()
    }

    pub(crate) async fn void(&self, sale: &Sale) -> PaymentState {
        let request = VoidRequest {
            hold_id: sale.hold_id.to_string(),
            order_id: sale.order_id.to_string(),
            reason: "test".to_owned(),
        };
        self.holds().void(request).await.unwrap().into_inner().state()
    }

    pub(crate) async fn cancel_payment(&self, sale: &Sale) -> CancelOutcome {
        let request =
            CancelPaymentRequest { hold_id: sale.hold_id.to_string(), order_id: sale.order_id.to_string() };
        self.holds().cancel_payment(request).await.unwrap().into_inner().outcome()
    }

    pub(crate) async fn payment(&self, sale: &Sale) -> Payment {
        let request = InquireHoldRequest { hold_id: sale.hold_id.to_string() };
        self.holds().inquire_hold(request).await.unwrap().into_inner().payment.unwrap()
    }

    pub(crate) async fn state(&self, sale: &Sale) -> PaymentState {
        self.payment(sale).await.state()
    }

    pub(crate) async fn confirm(&self, sale: &Sale) {
        self.hub.tell("order", &sale.event(self, "order.confirmed.v1", &sale.confirmed())).await;
    }

    pub(crate) async fn cancel(&self, sale: &Sale) {
        let message = OrderCancelled {
            order_id: sale.order_id.to_string(),
            was_confirmed: true,
            hold_id: sale.hold_id.to_string(),
            ..OrderCancelled::default()
        };
        self.hub.tell("order", &sale.event(self, "order.cancelled.v1", &message)).await;
    }

    pub(crate) async fn receive(&self, sale: &Sale, place: usize) {
        let message = ConsignmentReceived {
            order_id: sale.order_id.to_string(),
            consignment_id: sale.consignment_id(place),
            by_buyer: true,
        };
        self.hub.tell("order", &sale.event(self, "order.consignment_received.v1", &message)).await;
    }

    pub(crate) async fn give_back(&self, sale: &Sale, back: &ReturnReceived) {
        self.hub.tell("order", &sale.event(self, "order.return_received.v1", back)).await;
    }

    /// How many events of a kind were told.
    pub(crate) async fn told(&self, kind: &str) -> usize {
        self.hub.told().await.iter().filter(|event| event.kind == kind).count()
    }
}

pub(crate) fn rate(from: &str, to: &str, rate: &str) -> ExchangeRate {
    ExchangeRate {
        from_currency: from.to_owned(),
        to_currency: to.to_owned(),
        rate: rate.to_owned(),
        ..ExchangeRate::default()
    }
}
