//! A seller's consignments, live. Another process may have made the change: a stream wakes by the database's
//! notification, and looks now and then even without one.
//!
//! Changes are read in the order of their times. Those are of the machines that wrote them and of the moment before their
//! commits, so one may appear behind what was read already: each look begins a moment before the last change, now and then
//! a while before it, and what was sent is remembered for as long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use chrono::{DateTime, Duration, Utc};
use db::{Query, Tx};
use futures::Stream;
use kernel::ShipmentId;
use tokio::time::Instant;
use uuid::Uuid;

use super::list_consignments::ListConsignments;
use super::{App, Error};
use crate::domain::shipment::{Shipment, ShipmentState, TrackingEvent};
use crate::store::shipments::{self, Filter};
use crate::store::tracking;

/// How far machines' clocks may differ, and how long a transaction may last.
const OVERLAP: Duration = Duration::seconds(60);
/// How much of that each look reads again, and how often one reads all of it.
const MOMENT: Duration = Duration::seconds(2);
const WIDE_EVERY: StdDuration = StdDuration::from_secs(10);
/// How long a feed rests between looks, however much happens.
const REST: StdDuration = StdDuration::from_millis(200);
/// Consignments of one look.
const PAGE: i64 = 100;

/// What is seen of a seller's consignments.
#[derive(Debug)]
pub(crate) enum Seen {
    Consignment(Box<Shipment>, Vec<TrackingEvent>),
    /// All that were to be sent at first have come.
    CaughtUp,
}

/// A seller's consignments that are to be sent, then each that changes, for as long as somebody watches.
pub(crate) fn watch_consignments(
    app: Arc<App>,
    db: db::Db,
    seller_id: String,
) -> impl Stream<Item = Result<Seen, Error>> + Send + use<> {
    async_stream::try_stream! {
        let mut woken = db.listen_about(shipments::SHIPMENTS, shipments::feed_of(&seller_id));
        let mut sent = Sent::since(app.machine.now());
        let mut before = None;
        loop {
            let to_send = ListConsignments { filter: to_send(&seller_id), before, limit: PAGE };
            let page = db.query(&app, to_send).await?;
            let is_last = is_short(&page);
            before = page.last().map(|(shipment, _)| shipment.id.uuid());
            for (shipment, steps) in page {
                sent.is_new(&shipment, app.machine.now());
                yield Seen::Consignment(Box::new(shipment), steps);
            }
            if is_last {
                break;
            }
        }
        yield Seen::CaughtUp;
        let mut wide_at = Instant::now();
        loop {
            let is_wide = wide_at.elapsed() >= WIDE_EVERY;
            if is_wide {
                wide_at = Instant::now();
            }
            let mut after = (sent.next_look(is_wide), Uuid::nil());
            loop {
                let changed = ChangedAfter { seller_id: seller_id.clone(), after };
                let changed = db.query(&app, changed).await?;
                let is_last = is_short(&changed);
                for (changed_at, (shipment, steps)) in changed {
                    after = (changed_at, shipment.id.uuid());
                    if sent.is_new(&shipment, changed_at) {
                        yield Seen::Consignment(Box::new(shipment), steps);
                    }
                }
                if is_last {
                    break;
                }
            }
            sent.forget(after.0);
            tokio::time::sleep(REST).await;
            woken.recv().await;
        }
    }
}

fn to_send(seller_id: &str) -> Filter {
    Filter {
        seller_id: seller_id.to_owned(),
        state: Some(ShipmentState::Booked),
        booked_from: None,
        booked_until: None,
    }
}

fn is_short<T>(page: &[T]) -> bool {
    page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX)
}

/// What was sent, as far as it may be read again.
struct Sent {
    /// When the last change was that was read.
    last: DateTime<Utc>,
    /// The last version of each, and when it changed.
    versions: HashMap<ShipmentId, (i64, DateTime<Utc>)>,
}

impl Sent {
    fn since(now: DateTime<Utc>) -> Self {
        Self { last: now, versions: HashMap::new() }
    }

    /// After what the next look reads.
    fn next_look(&self, is_wide: bool) -> DateTime<Utc> {
        self.last - if is_wide { OVERLAP } else { MOMENT }
    }

    /// Whether this version was not sent; from then on it was.
    fn is_new(&mut self, shipment: &Shipment, changed_at: DateTime<Utc>) -> bool {
        let is_new = self.versions.get(&shipment.id).is_none_or(|(version, _)| *version < shipment.version);
        if is_new {
            self.versions.insert(shipment.id, (shipment.version, changed_at));
        }
        is_new
    }

    /// Forgets what is not read again once all up to then was read.
    fn forget(&mut self, last: DateTime<Utc>) {
        self.last = self.last.max(last);
        let since = self.next_look(true);
        self.versions.retain(|_, (_, changed_at)| *changed_at >= since);
    }
}

/// The next of a seller's consignments that changed.
#[derive(Debug)]
struct ChangedAfter {
    seller_id: String,
    after: (DateTime<Utc>, Uuid),
}

impl Query<App> for ChangedAfter {
    type Output = Vec<(DateTime<Utc>, (Shipment, Vec<TrackingEvent>))>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let changed = shipments::changed_after(tx, &self.seller_id, self.after, PAGE).await?;
        let (times, changed): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
        Ok(times.into_iter().zip(tracking::beside(tx, changed).await?).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipment::tests::shipment;

    #[test]
    fn a_version_is_sent_once_also_when_it_is_read_again() {
        let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
        let mut sent = Sent::since(at(0));
        let first = shipment(ShipmentState::Booked, true);
        assert!(sent.is_new(&first, at(1)) && !sent.is_new(&first, at(1)));
        let next = Shipment { version: 2, ..first.clone() };
        assert!(sent.is_new(&next, at(50)));
        // An older one that is read late is no news.
        assert!(!sent.is_new(&first, at(1)) && !sent.is_new(&next, at(50)));
        sent.forget(at(70));
        assert_eq!((sent.next_look(false), sent.next_look(true)), (at(68), at(10)));
        // Nothing is remembered that is not read again.
        let other = shipment(ShipmentState::Booked, true);
        sent.is_new(&other, at(80));
        sent.forget(at(200));
        assert_eq!((sent.last, sent.versions.len()), (at(200), 0));
    }
}
