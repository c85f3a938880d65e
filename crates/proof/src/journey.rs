//! Following an order to its end, version by version.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use proto::order::v1::{
    ConfirmReceiptRequest, ConsignmentState, GetOrderRequest, Order, OrderState, WatchOrderRequest,
};
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::{Session, request_id};

/// How often a broken stream is resumed before the journey gives up.
const RESUMES_MAX: u32 = 20;
/// How long a journey waits before it resumes.
const RESUME_AFTER: Duration = Duration::from_millis(200);

/// An order as it now stands.
pub async fn order(buyer: &Session, order_id: &str) -> Result<Order> {
    let answer = buyer.orders().get_order(GetOrderRequest { order_id: order_id.to_owned() }).await;
    answer.context("reading an order")?.into_inner().order.context("an order without content")
}

/// Watches an order until `done` says so; `seen` hears of each version once. A stream that breaks is resumed after
/// the last version seen; `patience` bounds the whole.
pub async fn watch(
    buyer: &Session,
    order_id: &str,
    patience: Duration,
    mut seen: impl FnMut(&Order),
    done: impl Fn(&Order) -> bool,
) -> Result<Order> {
    let mut after_version = 0;
    let following = async {
        for _ in 0..RESUMES_MAX {
            let request = WatchOrderRequest { order_id: order_id.to_owned(), after_version };
            let mut versions = match buyer.orders().watch_order(request).await {
                Ok(versions) => versions.into_inner(),
                Err(status) if status.code() == Code::Unavailable => {
                    tokio::time::sleep(RESUME_AFTER).await;
                    continue;
                }
                Err(status) => return Err(status).context("watching an order"),
            };
            while let Some(Ok(version)) = versions.next().await {
                let order = version.order.context("a version without an order")?;
                if order.version <= after_version {
                    bail!("order {} showed version {} after {after_version}", order.number, order.version);
                }
                after_version = order.version;
                seen(&order);
                if done(&order) {
                    return Ok(order);
                }
            }
            tokio::time::sleep(RESUME_AFTER).await;
        }
        bail!("the order's stream broke {RESUMES_MAX} times")
    };
    tokio::time::timeout(patience, following)
        .await
        .with_context(|| format!("order {order_id} took longer than {} s", patience.as_secs()))?
}

/// Whether every consignment was handed over.
pub fn is_delivered(order: &Order) -> bool {
    matches!(order.state(), OrderState::Delivered | OrderState::Completed) || is_over(order)
}

/// Whether nothing more happens to it by itself.
pub fn is_over(order: &Order) -> bool {
    matches!(order.state(), OrderState::Completed | OrderState::Cancelled)
}

/// The buyer says that all delivered consignments have come.
pub async fn confirm_receipt(buyer: &Session, order_id: &str) -> Result<Order> {
    let request = ConfirmReceiptRequest {
        request_id: request_id(),
        order_id: order_id.to_owned(),
        consignment_id: String::new(),
    };
    let answer = buyer.orders().confirm_receipt(request).await.context("confirming receipt")?;
    answer.into_inner().order.context("an order without content")
}

/// From placed and paid to completed: waits for delivery, confirms receipt, waits for the release.
pub async fn to_completion(
    buyer: &Session,
    order_id: &str,
    patience: Duration,
    mut seen: impl FnMut(&Order),
) -> Result<Order> {
    let mut last_version = 0;
    let delivered = watch(
        buyer,
        order_id,
        patience,
        |order| {
            last_version = order.version;
            seen(order);
        },
        is_delivered,
    )
    .await?;
    if is_over(&delivered) {
        return Ok(delivered);
    }
    confirm_receipt(buyer, order_id).await?;
    let unseen = |order: &Order| order.version > last_version;
    watch(
        buyer,
        order_id,
        patience,
        |order| {
            if unseen(order) {
                seen(order);
            }
        },
        is_over,
    )
    .await
}

/// The consignments that are in one of these states.
pub fn count_in(order: &Order, states: &[ConsignmentState]) -> usize {
    order.consignments.iter().filter(|consignment| states.contains(&consignment.state())).count()
}
