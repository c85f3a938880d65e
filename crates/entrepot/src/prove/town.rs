//! What all buyers share, and a buyer as all that it does needs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use proof::market::Market;
use proof::{Hub, Session};
use proto::order::v1::{ConfirmReceiptRequest, GetOrderRequest, Order, OrderState};
use proto::types::v1::Address;

use super::purchase_log::PurchaseLog;
use super::retry::RetryPolicy;

/// How long a buyer waits for a parcel before turning to something else.
const PARCEL_PATIENCE: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the buyers share.
pub(super) struct Town {
    pub(super) hub: Hub,
    pub(super) market: Market,
    pub(super) currency: String,
    pub(super) address: Address,
    pub(super) insistence: RetryPolicy,
    /// Orders acknowledged so far.
    pub(super) acknowledged: AtomicU64,
    /// The hub is whole again: finish what is begun and go.
    pub(super) closing: AtomicBool,
}

/// One of them.
pub(super) struct Buyer {
    pub(super) town: Arc<Town>,
    pub(super) session: Session,
    pub(super) random: fastrand::Rng,
    pub(super) book: PurchaseLog,
}

impl Buyer {
    /// Somebody of this name; the seed decides what he wants.
    pub(super) fn new(town: Arc<Town>, name: &str, seed: u64) -> Result<Self> {
        let session = town.hub.buyer(name)?;
        Ok(Self { town, session, random: fastrand::Rng::with_seed(seed), book: PurchaseLog::default() })
    }

    /// The order once it was delivered; `None` when that takes long or it was cancelled.
    pub(super) async fn delivered(&mut self, order_id: &str) -> Result<Option<Order>> {
        let begun = Instant::now();
        while begun.elapsed() < PARCEL_PATIENCE {
            let Some(order) = self.order(order_id).await? else { return Ok(None) };
            match order.state() {
                OrderState::Delivered => return Ok(Some(order)),
                OrderState::Completed | OrderState::Cancelled => return Ok(None),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        Ok(None)
    }

    async fn order(&mut self, order_id: &str) -> Result<Option<Order>> {
        let request = GetOrderRequest { order_id: order_id.to_owned() };
        let session = &self.session;
        let call = async || session.orders().get_order(request.clone()).await;
        let answer = self.town.insistence.until_answered("an order's state", call).await?;
        match self.book.granted("an order that was acknowledged", answer) {
            Some(found) => found.order.context("an order without content").map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn confirm_receipt(&mut self, order_id: &str) -> Result<()> {
        let request = ConfirmReceiptRequest {
            request_id: proof::request_id(),
            order_id: order_id.to_owned(),
            consignment_id: String::new(),
        };
        let session = &self.session;
        let call = async || session.orders().confirm_receipt(request.clone()).await;
        if let Err(reason) = self.town.insistence.until_answered("a receipt", call).await? {
            self.book.refused(reason);
        }
        Ok(())
    }
}
