//! The buyers: each orders, pays by wallet, waits for the parcels and says that they came.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use proof::purchase::{self, OrderOptions};
use proof::{Hub, Session, journey};
use proto::order::v1::{ListOrdersRequest, Order, OrderState, PaymentMethod};
use proto::types::v1::{Address, Permit};
use tonic::Status;

use super::plan::{GoodsKey, Invoice, Plan};
use super::summary::{OrderResult, Tally};
use crate::hubs::Running;

/// Customers served at once: below the streams that one connection may hold.
const CUSTOMERS_AT_ONCE: usize = 48;
/// How long one order may take.
const ORDER_PATIENCE: Duration = Duration::from_secs(600);
/// Orders in a wallet's top-up, so that one need not top up each time.
const TOP_UP_TIMES: i64 = 4;

/// What all buyers share.
pub(crate) struct Play {
    hub: Hub,
    pub(crate) variants: HashMap<GoodsKey, String>,
    address: Address,
}

impl Play {
    /// For a running hub.
    pub(crate) fn new(running: &Running, hub: Hub, variants: HashMap<GoodsKey, String>) -> Self {
        Self { hub, variants, address: crate::addresses::of(&running.profile) }
    }

    /// Signed in as a customer.
    pub(crate) fn buyer(&self, customer: &str) -> Result<Session> {
        self.hub.buyer(&format!("retail-{customer}"))
    }
}

/// Plays every invoice.
pub(crate) async fn order_all(play: &Arc<Play>, plan: &Plan) -> Result<Tally> {
    let bar = super::bar(plan.invoices.len(), "ordering");
    bar.enable_steady_tick(Duration::from_millis(250));
    let tally = futures::stream::iter(plan.by_customer())
        .map(|invoices| customer(play.clone(), invoices, bar.clone()))
        .buffer_unordered(CUSTOMERS_AT_ONCE)
        .fold(Tally::default(), |mut tally, ended| async move {
            for (country, outcome) in ended {
                tally.count(&country, &outcome);
            }
            tally
        })
        .await;
    bar.finish_and_clear();
    Ok(tally)
}

async fn customer(
    play: Arc<Play>,
    invoices: Vec<&Invoice>,
    bar: ProgressBar,
) -> Vec<(Arc<str>, OrderResult)> {
    let mut ended = Vec::with_capacity(invoices.len());
    for invoice in invoices {
        let outcome = match invoice_journey(&play, invoice).await {
            Ok(outcome) => outcome,
            Err(error) => OrderResult::Rejected(error.reason()),
        };
        bar.inc(1);
        ended.push((invoice.country.clone(), outcome));
    }
    ended
}

/// Why an invoice was not completed.
enum Failure {
    /// The hub refused.
    Refused(Status),
    /// The journey broke.
    Broken(anyhow::Error),
}

impl Failure {
    fn reason(&self) -> String {
        match self {
            Self::Refused(status) => rpc::status::reason(status)
                .unwrap_or_else(|| format!("{:?}: {}", status.code(), status.message())),
            Self::Broken(error) => format!("BROKEN: {error:#}"),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

async fn invoice_journey(play: &Play, invoice: &Invoice) -> Result<OrderResult, Failure> {
    let buyer = play.buyer(&invoice.customer)?;
    let (order, before) = match find(&buyer, invoice).await? {
        Some(order) => (order, true),
        None => (place(play, &buyer, invoice).await?, false),
    };
    let over = if journey::is_over(&order) {
        order
    } else {
        journey::to_completion(&buyer, &order.order_id, ORDER_PATIENCE, |_| {}).await?
    };
    Ok(match (over.state(), before) {
        (OrderState::Completed, true) => OrderResult::CompletedBefore,
        (OrderState::Completed, false) => OrderResult::Completed,
        _ => OrderResult::Rejected(format!("cancelled: {}", over.cancel_reason)),
    })
}

/// The order of an invoice, when a run before has placed it.
pub(crate) async fn find(buyer: &Session, invoice: &Invoice) -> Result<Option<Order>> {
    let request =
        ListOrdersRequest { client_reference: invoice.client_reference(), ..ListOrdersRequest::default() };
    let listed = buyer.orders().list_orders(request).await.context("looking for an order")?.into_inner();
    Ok(listed.orders.into_iter().next())
}

/// An invented permit, for the first-aid goods among them.
fn permit() -> Permit {
    Permit {
        number: "REPLAY-1".to_owned(),
        authority: "Health authority (invented)".to_owned(),
        expires_on: "2999-12-31".to_owned(),
    }
}

async fn place(play: &Play, buyer: &Session, invoice: &Invoice) -> Result<Order, Failure> {
    let wishes: Vec<(String, i64)> = invoice
        .lines
        .iter()
        .map(|(key, units)| {
            let variant = play.variants.get(key).ok_or_else(|| anyhow!("{} was not listed", key.0))?;
            Ok((variant.clone(), *units))
        })
        .collect::<Result<_>>()?;
    let quote = purchase::quote_permitted(buyer, &wishes, "", &permit()).await?;
    let total =
        quote.price.as_ref().and_then(|price| price.total.clone()).context("a quote without a total")?;
    let wallet = purchase::wallet(buyer, &total.currency).await?;
    let available = wallet.available.map_or(0, |money| money.minor_units);
    if available < total.minor_units {
        let amount = proto::types::v1::Money {
            minor_units: total.minor_units.saturating_mul(TOP_UP_TIMES),
            currency: total.currency,
        };
        purchase::top_up(buyer, &wallet.wallet_id, amount).await?;
    }
    let placing = OrderOptions {
        client_reference: invoice.client_reference(),
        attributes: [
            ("original_country".to_owned(), invoice.country.to_string()),
            ("invoice_time".to_owned(), invoice.time.format("%Y-%m-%dT%H:%M:%S").to_string()),
        ]
        .into(),
        ..OrderOptions::new(play.address.clone(), PaymentMethod::Wallet)
    };
    Ok(purchase::place(buyer, &quote, &placing).await?)
}
