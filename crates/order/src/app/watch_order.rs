//! Every version of an order from one on, and then live. Another process may have made the change: a stream wakes by
//! the database's notification, and looks now and then even without one.

use std::sync::Arc;

use futures::Stream;
use kernel::OrderId;

use super::{App, Error};
use crate::domain::order::{Order, Progress};
use crate::store::{self, orders};
use crate::wire::{self, Viewer};

impl App {
    /// The order's versions after `after`, for as long as somebody watches.
    pub(crate) fn watch_order(
        self: &Arc<Self>,
        order: Order,
        after: i64,
        viewer: Viewer,
    ) -> impl Stream<Item = Result<proto::order::v1::Order, Error>> + Send + use<> {
        let app = self.clone();
        async_stream::try_stream! {
            let mut woken = app.db.listen_about(store::ORDERS, order.id.uuid());
            let mut seen = after;
            loop {
                let versions = app.versions_after(order.id, seen).await?;
                let caught_up = versions.len() < usize::try_from(orders::VERSIONS_MAX).unwrap_or(usize::MAX);
                for (version, progress) in versions {
                    seen = version;
                    yield wire::version(&order, version, &progress, &viewer)?;
                }
                if caught_up {
                    woken.recv().await;
                }
            }
        }
    }

    async fn versions_after(&self, id: OrderId, after: i64) -> Result<Vec<(i64, Progress)>, Error> {
        Ok(self.db.look(move |tx| Box::pin(orders::versions_after(tx, id, after))).await?)
    }
}
