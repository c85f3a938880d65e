//! What can be done with orders: commands and queries, one use case a file. What they need of others are the traits of
//! [`ports`].

pub(crate) mod answer_return;
pub(crate) mod audit_orders;
pub(crate) mod cancel_order;
pub(crate) mod confirm_receipt;
pub(crate) mod create_quote;
mod error;
mod escrow_timer;
mod forget_quotes;
pub(crate) mod get_order;
pub(crate) mod get_quote;
pub(crate) mod get_return;
pub(crate) mod list_orders;
pub(crate) mod list_returns;
pub(crate) mod list_sagas;
pub(crate) mod logistics_events;
pub(crate) mod payment_events;
pub(crate) mod place_order;
pub(crate) mod ports;
pub(crate) mod receive_return;
pub(crate) mod request_return;
pub(crate) mod saga;
pub(crate) mod watch_order;

use std::sync::{Arc, Mutex};

use db::{Batches, Db, Tx};
use events::{Envelope, Outbox};
use kernel::{Clock, OrderId};
use rpc::Quota;

use self::ports::{Catalog, Logistics, Payment, Replies};
use crate::config::{Config, Failpoint};
use crate::domain::order::Order;
use crate::store::{orders, quotes};
use crate::trade_policy::TradePolicy;

pub(crate) use error::Error;

/// What the use cases have at hand.
pub(crate) struct App {
    /// The service's database.
    pub(crate) db: Db,
    /// Where the outcomes of sagas' steps are recorded together.
    pub(crate) recording: Batches<App, saga::RecordOutcome>,
    /// The hub's time.
    pub(crate) clock: Clock,
    /// The time that leases and retries go by on a SQLite file: a sandbox may move the hub's, anyone the machine's.
    pub(crate) machine: Clock,
    /// Where events are told.
    pub(crate) outbox: Outbox,
    /// What the profile says.
    pub(crate) trade_policy: TradePolicy,
    /// How sagas go on.
    pub(crate) config: Config,
    /// How many quotes are made for each who asks.
    pub(crate) quotes: Quota,
    /// Up to where quotes that have expired were looked at.
    pub(crate) forgotten: Mutex<quotes::PageCursor>,
    /// Who sells what.
    pub(crate) catalog: Arc<dyn Catalog>,
    /// Who carries.
    pub(crate) logistics: Arc<dyn Logistics>,
    /// Who holds the money.
    pub(crate) payment: Arc<dyn Payment>,
    /// How requests are answered that wait for sagas.
    pub(crate) replies: Arc<dyn Replies>,
}

impl db::Application for App {
    type Error = Error;
}

impl App {
    /// Keeps the order's new version and tells of it, if there is something to tell.
    async fn save(&self, tx: &mut Tx, order: &Order, event: Option<Envelope>) -> Result<(), Error> {
        if !orders::save(tx, &[order]).await? {
            return Err(Error::Superseded);
        }
        if let Some(event) = event {
            self.outbox.put(tx, &event).await?;
        }
        Ok(())
    }

    /// Goes no further here when the configuration says so.
    async fn failpoint(&self, point: Failpoint) {
        if self.config.failpoint == Some(point) {
            tracing::error!(point = ?point, "a saga stopped at its failpoint (order.failpoint)");
            std::future::pending::<()>().await;
        }
    }
}

/// The order with this id, which stays as it is until the transaction ends.
async fn locked(tx: &mut Tx, id: OrderId) -> Result<Order, Error> {
    orders::lock(tx, id).await?.ok_or_else(|| Error::not_found("order", id))
}
