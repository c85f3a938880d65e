//! Buyers who buy while the hub is broken: by wallet and by QR code, with too little money, twice at once, hanging up,
//! changing their minds, sending goods back. Each request is repeated until it is answered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use proto::order::v1::{
    CancelOrderRequest, CreateQuoteRequest, Order, OrderState, PaymentMethod, PlaceOrderRequest, Quote,
    QuoteLine,
};
use proto::payment::internal::v1::{PayQrRequest, PayQrResponse};
use proto::payment::v1::{OpenWalletRequest, TopUpWalletRequest};
use proto::types::v1::Money;

use super::purchase_log::Acknowledged;
use super::returns;
use super::town::{Buyer, Town};

/// When a client that hangs up does so, in milliseconds after it called.
const HANGS_UP_MS: u64 = 40;
/// The most units of one order.
const UNITS_MAX: i64 = 3;

impl Buyer {
    /// Buys until the town closes; an error is a request that was never answered.
    pub(super) async fn buy_on(mut self) -> Result<Self> {
        while !self.town.closing.load(Ordering::Relaxed) {
            self.buy().await?;
        }
        Ok(self)
    }

    async fn buy(&mut self) -> Result<()> {
        let place = self.random.usize(..self.town.market.variants.len());
        let units = self.random.i64(1..=UNITS_MAX);
        let Some(quote) = self.quote(place, units).await? else { return Ok(()) };
        let price_minor = total(&quote)?;
        let by_wallet = self.random.u8(..4) > 0;
        if by_wallet {
            // One in ten is short of a cent.
            let short = i64::from(self.random.u8(..10) == 0);
            self.fund(price_minor - short).await?;
        }
        let request = self.order_of(&quote, by_wallet);
        let Some(order) = self.place(&request).await? else { return Ok(()) };
        let noted = Acknowledged { price_minor, place, units, returned: 0, by_wallet, cancelled: false };
        self.acknowledge(&order, noted);
        if order.state() == OrderState::AwaitingPayment {
            self.pay_or_not(&order).await?;
        }
        self.go_on(&order.order_id).await
    }

    async fn quote(&mut self, place: usize, quantity: i64) -> Result<Option<Quote>> {
        let variant_id = self.town.market.variants.get(place).context("a variant")?.clone();
        let request = CreateQuoteRequest {
            request_id: proof::request_id(),
            lines: vec![QuoteLine { variant_id, quantity, ..QuoteLine::default() }],
            ..CreateQuoteRequest::default()
        };
        let session = &self.session;
        let call = async || session.quotes().create_quote(request.clone()).await;
        match self.town.insistence.until_answered("a quote", call).await? {
            Ok(answer) => answer.quote.context("an answer without a quote").map(Some),
            Err(reason) => {
                self.book.refused(reason);
                Ok(None)
            }
        }
    }

    /// Sees to it that the wallet has so much; one in four asks twice at once for the same money.
    async fn fund(&mut self, wanted_minor: i64) -> Result<()> {
        let (session, insistence) = (&self.session, &self.town.insistence);
        let open =
            OpenWalletRequest { request_id: proof::request_id(), currency: self.town.currency.clone() };
        let call = async || session.wallets().open_wallet(open.clone()).await;
        let opened = insistence.until_answered("a wallet", call).await?;
        let Some(opened) = self.book.granted("a wallet", opened) else { return Ok(()) };
        let wallet = opened.wallet.context("a wallet without content")?;
        let missing = wanted_minor - wallet.available.as_ref().map_or(0, |money| money.minor_units);
        if missing <= 0 {
            return Ok(());
        }
        let top_up = TopUpWalletRequest {
            request_id: proof::request_id(),
            wallet_id: wallet.wallet_id,
            amount: Some(Money { currency: self.town.currency.clone(), minor_units: missing }),
        };
        let call = async || session.wallets().top_up_wallet(top_up.clone()).await;
        let once = insistence.until_answered("a top-up", &call).await?;
        if self.random.u8(..4) == 0 {
            let again = insistence.until_answered("a top-up again", &call).await?;
            self.compare(&once, &again);
        }
        if self.book.granted("a top-up", once).is_some() {
            self.book.topped_up_minor += missing;
        }
        Ok(())
    }

    fn order_of(&self, quote: &Quote, by_wallet: bool) -> PlaceOrderRequest {
        let method = if by_wallet { PaymentMethod::Wallet } else { PaymentMethod::Duitnow };
        PlaceOrderRequest {
            request_id: proof::request_id(),
            quote_id: quote.quote_id.clone(),
            address: Some(self.town.address.clone()),
            payment_method: method.into(),
            ..PlaceOrderRequest::default()
        }
    }

    /// Orders; some ask twice at once, some hang up first. `None` when it was refused.
    async fn place(&mut self, request: &PlaceOrderRequest) -> Result<Option<Order>> {
        let way = self.random.u8(..10);
        let hangs_up_after = Duration::from_millis(self.random.u64(..HANGS_UP_MS));
        let (session, insistence) = (&self.session, &self.town.insistence);
        let call = async || session.orders().place_order(request.clone()).await;
        if way < 2 {
            // Its answer is nobody's: the call is dropped on the way.
            let _ = tokio::time::timeout(hangs_up_after, call()).await;
        }
        let first = insistence.until_answered("an order", &call);
        let (first, second) = if way > 7 {
            let (first, second) = tokio::join!(first, insistence.until_answered("an order", &call));
            (first?, Some(second?))
        } else {
            (first.await?, None)
        };
        if let Some(second) = second {
            self.compare(&first, &second);
        }
        match first {
            Ok(answer) => answer.order.context("an answer without an order").map(Some),
            Err(reason) => {
                self.book.refused(reason);
                Ok(None)
            }
        }
    }

    /// Two answers to one request are one.
    fn compare<T>(&mut self, first: &Result<T, String>, second: &Result<T, String>)
    where
        T: PartialEq + std::fmt::Debug,
    {
        let alike = match (first, second) {
            (Ok(first), Ok(second)) => first == second,
            (Err(first), Err(second)) => first == second,
            _ => false,
        };
        if !alike {
            self.book.broken.push(format!("one request was answered in two ways: {first:?} and {second:?}"));
        }
    }

    fn acknowledge(&mut self, order: &Order, noted: Acknowledged) {
        self.town.acknowledged.fetch_add(1, Ordering::Relaxed);
        if self.book.orders.insert(order.order_id.clone(), noted).is_some() {
            self.book.broken.push(format!("two requests made one order, {}", order.number));
        }
    }

    /// A QR code is paid, or not, or both is tried at once.
    async fn pay_or_not(&mut self, order: &Order) -> Result<()> {
        match self.random.u8(..8) {
            0 => self.cancel(&order.order_id).await,
            1 => {
                let paying = pay(self.town.clone(), order.clone());
                let (cancelled, paid) = tokio::join!(self.cancel(&order.order_id), paying);
                self.book.granted("a QR payment", paid?);
                cancelled
            }
            _ => {
                let paid = pay(self.town.clone(), order.clone()).await?;
                self.book.granted("a QR payment", paid);
                Ok(())
            }
        }
    }

    async fn go_on(&mut self, order_id: &str) -> Result<()> {
        match self.random.u8(..10) {
            0 => self.cancel(order_id).await,
            1 | 2 => returns::send_back(self, order_id).await,
            3..=6 => {
                if self.delivered(order_id).await?.is_some() {
                    self.confirm_receipt(order_id).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn cancel(&mut self, order_id: &str) -> Result<()> {
        let request = CancelOrderRequest {
            request_id: proof::request_id(),
            order_id: order_id.to_owned(),
            reason: "changed my mind".to_owned(),
        };
        let session = &self.session;
        let call = async || session.orders().cancel_order(request.clone()).await;
        match self.town.insistence.until_answered("a cancellation", call).await? {
            Ok(_) => {
                if let Some(order) = self.book.orders.get_mut(order_id) {
                    order.cancelled = true;
                }
            }
            Err(reason) => self.book.refused(reason),
        }
        Ok(())
    }
}

/// Pays a QR code as the buyer's bank does.
async fn pay(town: Arc<Town>, order: Order) -> Result<Result<PayQrResponse, String>> {
    let qr_payload = order.payment.map(|payment| payment.qr_payload).unwrap_or_default();
    let request = PayQrRequest { qr_payload, provider_reference: format!("bank-{}", order.number) };
    let call = async || {
        let mut provider = town.hub.provider().map_err(|error| tonic::Status::internal(error.to_string()))?;
        provider.pay_qr(request.clone()).await
    };
    town.insistence.until_answered("a QR payment", call).await
}

/// What a quote comes to, in minor units.
fn total(quote: &Quote) -> Result<i64> {
    let total = quote.price.as_ref().and_then(|price| price.total.as_ref());
    Ok(total.context("a quote without a price")?.minor_units)
}
