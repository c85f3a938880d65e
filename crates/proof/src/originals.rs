//! A few real orders, of many sellers, for a history to repeat.

use anyhow::{Context as _, Result};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kernel::OrderId;
use proto::order::v1::{ConsignmentState, PaymentMethod};
use proto::types::v1::Address;
use std::time::Duration;

use crate::market::Market;
use crate::purchase::{self, OrderOptions};
use crate::shop::SellerEntry;
use crate::{Hub, journey};

/// Units of each of the goods that are ordered: more than any history takes.
const UNITS: i64 = 1_000_000_000;
/// Sellers that are opened at once.
const AT_ONCE: usize = 8;
/// How long an order may take to be booked.
const PATIENCE: Duration = Duration::from_secs(60);

/// Orders, each at a seller of its own, paid from a wallet that is empty then, and booked.
pub async fn make(hub: &Hub, name: &str, count: usize, address: &Address) -> Result<Vec<OrderId>> {
    let making = (0..count).map(|place| one(hub, format!("{name}-original-{place}"), address));
    stream::iter(making).buffered(AT_ONCE).try_collect().await
}

async fn one(hub: &Hub, name: String, address: &Address) -> Result<OrderId> {
    let market = Market::open(hub, &SellerEntry::thai(&name), &[UNITS]).await?;
    let variant = market.variants.first().context("a seller without goods")?;
    let buyer = hub.buyer(&name)?;
    let quote = purchase::quote(&buyer, &[(variant.clone(), 1)], "").await.context("a quote")?;
    let total =
        quote.price.as_ref().and_then(|price| price.total.clone()).context("a quote without a price")?;
    purchase::fund(&buyer, &total).await?;
    let options = OrderOptions::new(address.clone(), PaymentMethod::Wallet);
    let order = purchase::place(&buyer, &quote, &options).await.context("an order")?;
    let booked = |order: &proto::order::v1::Order| {
        journey::count_in(order, &[ConsignmentState::Booked]) == order.consignments.len()
    };
    journey::watch(&buyer, &order.order_id, PATIENCE, |_| {}, booked).await?;
    Ok(order.order_id.parse()?)
}
