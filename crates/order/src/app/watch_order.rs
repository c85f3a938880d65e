//! Every version of an order from one on, and then live. Another process may have made the change: a stream wakes by
//! the database's notification, and looks now and then even without one.

use std::sync::Arc;

use db::{Query, ReadMode, Tx};
use futures::Stream;
use kernel::OrderId;

use super::{App, Error};
use crate::domain::order::Progress;
use crate::store::{self, orders};

/// The order's versions after `after`, for as long as somebody watches.
pub(crate) fn watch_order(
    app: Arc<App>,
    order_id: OrderId,
    after: i64,
) -> impl Stream<Item = Result<(i64, Progress), Error>> + Send + use<> {
    async_stream::try_stream! {
        let mut woken = app.db.listen_about(store::ORDERS, order_id.uuid());
        let mut seen = after;
        loop {
            let versions = app.db.query(&app, VersionsAfter { order_id, after: seen }).await?;
            let caught_up = versions.len() < usize::try_from(orders::VERSIONS_MAX).unwrap_or(usize::MAX);
            for (version, progress) in versions {
                seen = version;
                yield (version, progress);
            }
            if caught_up {
                woken.recv().await;
            }
        }
    }
}

/// The next versions of an order, at most [`orders::VERSIONS_MAX`].
#[derive(Debug)]
struct VersionsAfter {
    order_id: OrderId,
    after: i64,
}

impl Query<App> for VersionsAfter {
    type Output = Vec<(i64, Progress)>;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<(i64, Progress)>, Error> {
        Ok(orders::versions_after(tx, self.order_id, self.after).await?)
    }
}
