//! Buying: a quote, an order, its payment.

use anyhow::{Context as _, Result, bail};
use proto::order::v1::{
    CreateQuoteRequest, Order, OrderState, PaymentMethod, PlaceOrderRequest, Quote, QuoteLine,
};
use proto::payment::internal::v1::PayQrRequest;
use proto::payment::v1::{OpenWalletRequest, TopUpWalletRequest, Wallet};
use proto::types::v1::{Address, Money, Permit};
use std::collections::BTreeMap;
use tonic::Status;

use crate::{Hub, Session, request_id};

/// What is wanted: a variant and how many units.
pub type RequestedLine = (String, i64);

/// One landed price for these wishes, in a currency (empty: the hub's).
pub async fn quote(buyer: &Session, wishes: &[RequestedLine], currency: &str) -> Result<Quote, Status> {
    quote_under(buyer, wishes, currency, &BTreeMap::new()).await
}

/// The same, naming a permit for each line that is refused without one.
pub async fn quote_permitted(
    buyer: &Session,
    wishes: &[RequestedLine],
    currency: &str,
    permit: &Permit,
) -> Result<Quote, Status> {
    let mut permits = BTreeMap::new();
    loop {
        let refused = match quote_under(buyer, wishes, currency, &permits).await {
            Ok(quote) => return Ok(quote),
            Err(refused) => refused,
        };
        let needs = Some("PERMIT_REQUIRED") == rpc::status::reason(&refused).as_deref();
        match rpc::status::metadata(&refused, "variant_id")
            .filter(|variant| needs && !permits.contains_key(variant))
        {
            Some(variant) => permits.insert(variant, permit.clone()),
            None => return Err(refused),
        };
    }
}

async fn quote_under(
    buyer: &Session,
    wishes: &[RequestedLine],
    currency: &str,
    permits: &BTreeMap<String, Permit>,
) -> Result<Quote, Status> {
    let lines = wishes.iter().map(|(variant_id, quantity)| QuoteLine {
        variant_id: variant_id.clone(),
        quantity: *quantity,
        permit: permits.get(variant_id).cloned(),
    });
    let request = CreateQuoteRequest {
        request_id: request_id(),
        lines: lines.collect(),
        currency: currency.to_owned(),
        ..CreateQuoteRequest::default()
    };
    let answer = buyer.quotes().create_quote(request).await?.into_inner();
    answer.quote.ok_or_else(|| Status::internal("an answer without a quote"))
}

/// How a quote is ordered.
#[derive(Debug, Clone)]
pub struct OrderOptions {
    /// Where it goes.
    pub address: Address,
    /// How it is paid.
    pub method: PaymentMethod,
    /// The client's own reference; may be empty.
    pub client_reference: String,
    /// What the client notes with it.
    pub attributes: BTreeMap<String, String>,
}

impl OrderOptions {
    /// Without reference and notes.
    pub fn new(address: Address, method: PaymentMethod) -> Self {
        Self { address, method, client_reference: String::new(), attributes: BTreeMap::new() }
    }
}

/// Orders the quote.
pub async fn place(buyer: &Session, quote: &Quote, placing: &OrderOptions) -> Result<Order, Status> {
    let request = PlaceOrderRequest {
        request_id: request_id(),
        quote_id: quote.quote_id.clone(),
        address: Some(placing.address.clone()),
        payment_method: placing.method.into(),
        client_reference: placing.client_reference.clone(),
        attributes: placing.attributes.clone(),
        ..PlaceOrderRequest::default()
    };
    let answer = buyer.orders().place_order(request).await?.into_inner();
    answer.order.ok_or_else(|| Status::internal("an answer without an order"))
}

/// The buyer's wallet of a currency, opened if there is none.
pub async fn wallet(buyer: &Session, currency: &str) -> Result<Wallet> {
    let request = OpenWalletRequest { request_id: request_id(), currency: currency.to_owned() };
    let opened = buyer.wallets().open_wallet(request).await.context("opening a wallet")?;
    opened.into_inner().wallet.context("a wallet without content")
}

/// Sees to it that the buyer's wallet can pay `amount`.
pub async fn fund(buyer: &Session, amount: &Money) -> Result<Wallet> {
    let wallet = wallet(buyer, &amount.currency).await?;
    let available = wallet.available.as_ref().map_or(0, |money| money.minor_units);
    if available >= amount.minor_units {
        return Ok(wallet);
    }
    let missing = Money { currency: amount.currency.clone(), minor_units: amount.minor_units - available };
    top_up(buyer, &wallet.wallet_id, missing).await
}

/// Puts money into a wallet.
pub async fn top_up(buyer: &Session, wallet_id: &str, amount: Money) -> Result<Wallet> {
    let request = TopUpWalletRequest {
        request_id: request_id(),
        wallet_id: wallet_id.to_owned(),
        amount: Some(amount),
    };
    let answer = buyer.wallets().top_up_wallet(request).await.context("topping a wallet up")?;
    answer.into_inner().wallet.context("a wallet without content")
}

/// Pays the QR code of an order as the buyer's bank app would.
pub async fn pay_qr(hub: &Hub, order: &Order) -> Result<()> {
    if order.state() != OrderState::AwaitingPayment {
        bail!("order {} does not wait for payment", order.number);
    }
    let qr_payload = order.payment.as_ref().map(|payment| payment.qr_payload.clone()).unwrap_or_default();
    let request = PayQrRequest { qr_payload, provider_reference: String::new() };
    let paid = hub.provider()?.pay_qr(request).await.context("paying a QR code")?.into_inner();
    if !paid.matched {
        bail!("the payment of order {} went to suspense: {}", order.number, paid.suspense_reason);
    }
    Ok(())
}
