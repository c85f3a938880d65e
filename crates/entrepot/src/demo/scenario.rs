//! One purchase from the landed price to the release of the escrow.

use std::time::Duration;

use anyhow::{Context as _, Result};
use proof::purchase::{self, OrderOptions, RequestedLine};
use proof::{Hub, Session, journey};
use proto::catalog::v1::{GetProductRequest, ListProductsRequest};
use proto::order::v1::{Order, OrderState, PaymentMethod, Quote};
use proto::payment::internal::v1::ListTransfersRequest;
use proto::payment::v1::{GetPaymentRequest, GetStatementRequest};

use super::{print, sellers};
use crate::hubs::Running;
use crate::trial_balance::{amount, maybe};

/// How long a journey may take: the sandbox carrier's day lasts a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// A purchase to be played.
pub(super) struct Scenario<'a> {
    pub(super) running: &'a Running,
    pub(super) buyer: &'static str,
    pub(super) title: &'static str,
    /// Seller, SKU, units.
    pub(super) wishes: &'static [(&'static str, &'static str, i64)],
    pub(super) method: PaymentMethod,
}

/// A purchase that was played.
pub(super) struct Purchase {
    pub(super) buyer: &'static str,
    /// The order's number.
    pub(super) number: String,
}

impl Scenario<'_> {
    /// Plays it and prints what happens as it happens.
    pub(super) async fn play(&self) -> Result<Purchase> {
        print::title(self.title);
        let hub = self.running.proof()?;
        let buyer = hub.buyer(self.buyer)?;
        let wishes = self.wishes(&buyer).await?;
        let quote = purchase::quote(&buyer, &wishes, "").await.context("quoting")?;
        print::quote(&quote);
        let total =
            quote.price.as_ref().and_then(|price| price.total.clone()).context("a quote without a total")?;
        if self.method == PaymentMethod::Wallet {
            let wallet = purchase::fund(&buyer, &total).await?;
            print::event("wallet", &format!("holds {}", maybe(wallet.available.as_ref())));
        }
        let order = self.place(&buyer, &quote).await?;
        if order.state() == OrderState::AwaitingPayment {
            self.pay(&hub, &order).await?;
        }
        let over = follow(&buyer, &order).await?;
        self.sellers(&hub, &over).await?;
        Ok(Purchase { buyer: self.buyer, number: over.number })
    }

    async fn wishes(&self, buyer: &Session) -> Result<Vec<RequestedLine>> {
        let mut wishes = Vec::new();
        for (seller, sku, units) in self.wishes {
            let request = ListProductsRequest {
                seller_id: sellers::seller_id(seller),
                text: (*sku).to_owned(),
                ..ListProductsRequest::default()
            };
            let found =
                buyer.products().list_products(request).await.context("looking for goods")?.into_inner();
            let variants = found.products.into_iter().flat_map(|product| product.variants);
            let variant = variants.into_iter().find(|variant| variant.sku == *sku);
            wishes.push((variant.with_context(|| format!("{sku} is not listed"))?.variant_id, *units));
        }
        Ok(wishes)
    }

    async fn place(&self, buyer: &Session, quote: &Quote) -> Result<Order> {
        let before = available(buyer, quote).await?;
        let placing = OrderOptions::new(crate::addresses::of(&self.running.profile), self.method);
        let order = purchase::place(buyer, quote, &placing).await.context("placing the order")?;
        print::event(&order.number, &format!("is placed as {}", order.order_id));
        for ((title, before), (_, after)) in before.into_iter().zip(available(buyer, quote).await?) {
            print::event("stock", &format!("{title}: {before} → {after}, held for the order"));
        }
        let request = GetPaymentRequest { order_id: order.order_id.clone() };
        let payment =
            buyer.payments().get_payment(request).await.context("reading the payment")?.into_inner();
        let payment = payment.payment.context("an answer without a payment")?;
        let state = print::words(payment.state().as_str_name(), "PAYMENT_STATE_");
        print::event(
            "payment",
            &format!("{} by {}: {state}", maybe(payment.amount.as_ref()), payment.method),
        );
        Ok(order)
    }

    async fn pay(&self, hub: &Hub, order: &Order) -> Result<()> {
        let payload = order.payment.as_ref().map(|payment| payment.qr_payload.clone()).unwrap_or_default();
        print::event("QR", &payload);
        purchase::pay_qr(hub, order).await?;
        print::event("QR", "the buyer's bank has paid it");
        Ok(())
    }

    /// What each seller earned, and the movements behind the order.
    async fn sellers(&self, hub: &Hub, order: &Order) -> Result<()> {
        let request = ListTransfersRequest {
            order_id: order.order_id.clone(),
            page_size: 200,
            page_token: String::new(),
        };
        let listed = hub.ledger()?.list_transfers(request).await.context("listing transfers")?;
        let mut transfers = listed.into_inner().transfers;
        transfers.reverse();
        print::transfers(&transfers);
        for consignment in order.consignments.iter().filter_map(|consignment| consignment.quoted.as_ref()) {
            let request =
                GetStatementRequest { seller_id: String::new(), page_size: 1, page_token: String::new() };
            let seller = hub.seller(&consignment.seller_id)?;
            let statement =
                seller.statements().get_statement(request).await.context("a seller's statement")?;
            let balances: Vec<String> = statement.into_inner().balances.iter().map(amount).collect();
            println!("    the hub owes {} {}", consignment.seller_name, balances.join(", "));
        }
        Ok(())
    }
}

/// Title and units of each line that could be sold now.
async fn available(buyer: &Session, quote: &Quote) -> Result<Vec<(String, i64)>> {
    let mut found = Vec::new();
    for line in quote.consignments.iter().flat_map(|consignment| &consignment.lines) {
        let request = GetProductRequest { product_id: line.product_id.clone() };
        let product =
            buyer.products().get_product(request).await.context("reading a product")?.into_inner().product;
        let variants = product.map(|product| product.variants).unwrap_or_default();
        let variant = variants.into_iter().find(|variant| variant.variant_id == line.variant_id);
        found.push((line.title.clone(), variant.map_or(0, |variant| variant.available)));
    }
    Ok(found)
}

/// Prints every version; says that the parcels came once they did.
async fn follow(buyer: &Session, order: &Order) -> Result<Order> {
    let mut last: Option<Order> = None;
    let over = journey::to_completion(buyer, &order.order_id, PATIENCE, |version| {
        print::changes(last.as_ref(), version);
        last = Some(version.clone());
    });
    over.await
}
